"""The address of the Redis server, kept so that its password cannot be shown by accident. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pytest_tgintegrity.database.connections.redaction import Secrets, passwords_in
from pytest_tgintegrity.errors import UsageError

DEMO = "demo"
CLUSTER = "+cluster"
SCHEMES = ("redis", "rediss", "redis+cluster", "rediss+cluster", "unix")
CURE = (
    "write redis://HOST:PORT/DB, rediss:// for TLS, unix:///PATH for a socket, redis+cluster:// or rediss+cluster:// "
    "for a cluster, each with USER:PASSWORD@ where wanted, special characters percent-encoded; or demo"
)


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError
    return int(text)


def _yes(text: str) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]


def _text(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError
    return text


def _demand(text: str) -> str:
    if text not in ("none", "optional", "required"):
        raise ValueError
    return text


_OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "db": _number,
    "username": _text,
    "password": _text,
    "client_name": _text,
}
_TLS_OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "ssl_ca_certs": _text,
    "ssl_ca_path": _text,
    "ssl_certfile": _text,
    "ssl_keyfile": _text,
    "ssl_password": _text,
    "ssl_cert_reqs": _demand,
    "ssl_check_hostname": _yes,
}
_SECRET = ("password", "ssl_password")


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A URL that the client library understands, whether it names a cluster, and how to speak of it without secrets.

    The options of the URL are read by us and kept in `options`. The library itself would accept options that change its
    answers or timeouts, and raise arbitrary errors for options that it does not know.
    """

    url: str = field(repr=False)
    shown: str
    cluster: bool
    secrets: Secrets
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


def parse_redis_url(text: str, origin: str = "--redis-url") -> RedisAddress:
    """Read a URL. Raises `UsageError`, which echoes none of it: a fragment of a password is a secret too."""
    if text == DEMO:
        return RedisAddress(DEMO, "demo (embedded)", cluster=False, secrets=Secrets())
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError(f"{origin} has a host or a port that cannot be read: {CURE}") from None
    if parts.scheme not in SCHEMES:
        raise UsageError(f"{origin} is no URL of a Redis server: {CURE}")
    if parts.scheme == "unix" and not parts.path:
        raise UsageError(f"{origin} names no socket: {CURE}")
    if "@" in parts.path:
        raise UsageError(f"{origin} has an '@' in a place where it cannot stand: {CURE}")
    scheme = parts.scheme.removesuffix(CLUSTER)
    options = _options(parts, origin)
    words = {parts.password or "", unquote(parts.password or "")} | passwords_in(text)
    words |= {options[name] for name in _SECRET if name in options}
    url = scheme + text[len(parts.scheme) :].partition("?")[0]
    return RedisAddress(url, _shown(parts, port), scheme != parts.scheme, Secrets(words), options)


def _options(parts: SplitResult, origin: str) -> dict[str, Any]:
    """The options behind the question mark. Raises `UsageError` for unknown ones: they would be ignored, or do harm."""
    known = {**_OPTIONS, **(_TLS_OPTIONS if parts.scheme.startswith("rediss") else {})}
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if parts.fragment or {name for name, _ in pairs} - known.keys() or len(dict(pairs)) < len(pairs):
        raise UsageError(f"{origin} has an option that means nothing here, or twice: it takes {', '.join(known)}")
    if parts.scheme != "unix" and not re.fullmatch(r"(/[0-9]{0,9})?", unquote(parts.path)):
        raise UsageError(f"{origin} names a database that is no number: {CURE}")
    if "db" in dict(pairs) and parts.scheme != "unix" and parts.path.strip("/"):
        raise UsageError(f"{origin} names two databases: leave out one")
    return {name: _option(name, value, known[name], origin) for name, value in pairs}


def _option(name: str, value: str, read: Callable[[str], Any], origin: str) -> Any:
    try:
        return read(value)
    except (ValueError, KeyError):
        raise UsageError(f"{origin} has a value for {name} that cannot be meant: {CURE}") from None


def _shown(parts: SplitResult, port: int | None) -> str:
    if parts.scheme == "unix":
        return unquote(parts.path)
    return f"{parts.hostname or 'localhost'}:{port or 6379}"
