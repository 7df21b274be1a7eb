"""The address of the database, kept so that its password cannot be shown by accident."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pytest_tgintegrity.database.connections.redaction import Secrets, passwords_in
from pytest_tgintegrity.errors import UsageError

CURE = (
    "write postgresql://USER@HOST:PORT/DATABASE (percent-encode special characters of user and password), "
    "a libpq keyword string such as 'host=… dbname=…', service=NAME, or demo"
)
_PORTS = re.compile(r"\d{0,5}(,\d{0,5})*")


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """A connection string. Its `repr` and `str` name host, port, database and user, never a password."""

    conninfo: str
    shown: str
    secrets: Secrets

    def __repr__(self) -> str:
        """Show it without its secrets."""
        return f"<Address {self.shown}>"

    __str__ = __repr__

    def scrub(self, text: str) -> str:
        """`text` without the password, however it is spelled."""
        return self.secrets.scrub(text)

    def with_password(self, password: str | None) -> Address:
        """The same address, knowing also a password that libpq found elsewhere (service, passfile)."""
        return replace(self, secrets=self.secrets.including(password))


def parse_address(text: str, origin: str = "--db-url") -> Address:
    """Read a URL or a libpq keyword string.

    Raises `UsageError` if libpq could not read it, or would read another host than was meant because of a character in
    the password that is not encoded; the message quotes nothing of it, since a part of the password is a secret too.
    """
    if "://" not in text and "=" not in text:
        raise UsageError(f"{origin} is neither a URL nor a keyword string: {CURE}")
    try:
        parts = conninfo_to_dict(text)
    except ProgrammingError:
        raise UsageError(f"{origin} cannot be read as a connection string: {CURE}") from None
    if "://" in text and not _unambiguous(text):
        raise UsageError(f"{origin} has an '@' in a place where it cannot stand: {CURE}")
    if parts.get("port") and not _PORTS.fullmatch(str(parts["port"])):
        raise UsageError(f"{origin} has a port that is not a number: {CURE}")
    words = passwords_in(text) | {str(parts[key]) for key in ("password", "sslpassword") if parts.get(key)}
    public = [str(parts[key]) for key in ("user", "host", "dbname") if parts.get(key)]
    return Address(make_conninfo(text), _shown(parts), Secrets(words, public).including(os.environ.get("PGPASSWORD")))


def name_in(text: str) -> str:
    """The name of the database in an address, for when there is no connection; empty if it has none."""
    try:
        parse_address(text)
    except UsageError:
        return ""
    parts = conninfo_to_dict(text)
    default = "" if parts.get("service") else os.environ.get("PGDATABASE") or parts.get("user")
    return str(parts.get("dbname") or default or "")


def _unambiguous(url: str) -> bool:
    """Whether the one '@' ends the user's part: libpq takes the first one, and none after a slash."""
    _, _, rest = url.partition("://")
    return rest.count("@") <= 1 and "@" not in rest.partition("/")[2]


def _shown(parts: Mapping[str, object]) -> str:
    if "service" in parts:
        return f"service {parts['service']}"
    host = parts.get("host") or parts.get("hostaddr") or "the local server"
    port = f":{parts['port']}" if parts.get("port") else ""
    name = parts.get("dbname") or parts.get("user") or "the default database"
    user = f" as {parts['user']}" if parts.get("user") else ""
    return f"{name} at {host}{port}{user}"
