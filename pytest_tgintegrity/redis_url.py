"""Where the history lives, kept so that its password cannot be shown by accident. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.secrecy import Secrets, passwords_in

DEMO = "demo"
CLUSTER = "+cluster"
SCHEMES = ("redis", "rediss", "redis+cluster", "rediss+cluster", "unix")
CURE = (
    "write redis://HOST:PORT/DB, rediss:// for TLS, unix:///PATH for a socket, redis+cluster:// or rediss+cluster:// "
    "for a cluster, each with USER:PASSWORD@ where wanted, special characters percent-encoded; or demo"
)


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A URL that the client library understands, whether it names a cluster, and how to speak of it without secrets."""

    url: str = field(repr=False)
    shown: str
    cluster: bool
    secrets: Secrets


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
    words = {parts.password or "", unquote(parts.password or "")} | passwords_in(text)
    url = scheme + text[len(parts.scheme) :]
    return RedisAddress(url, _shown(parts, port), cluster=scheme != parts.scheme, secrets=Secrets(words))


def _shown(parts: SplitResult, port: int | None) -> str:
    if parts.scheme == "unix":
        return unquote(parts.path)
    return f"{parts.hostname or 'localhost'}:{port or 6379}"
