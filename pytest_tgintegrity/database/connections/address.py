"""Where the database is, kept so that its password cannot be shown by accident."""

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
    the password that is not encoded; the message echoes none of it, since a fragment of the password is a secret too.
    """
    if "://" not in text and "=" not in text:
        raise UsageError(f"{origin} is neither a URL nor a keyword string: {CURE}")
    try:
        found = conninfo_to_dict(text)
    except ProgrammingError:
        raise UsageError(f"{origin} cannot be read as a connection string: {CURE}") from None
    if "://" in text and not _unambiguous(text):
        raise UsageError(f"{origin} has an '@' in a place where it cannot stand: {CURE}")
    if found.get("port") and not _PORTS.fullmatch(str(found["port"])):
        raise UsageError(f"{origin} has a port that is not a number: {CURE}")
    words = passwords_in(text) | {str(found[key]) for key in ("password", "sslpassword") if found.get(key)}
    public = [str(found[key]) for key in ("user", "host", "dbname") if found.get(key)]
    return Address(make_conninfo(text), _shown(found), Secrets(words, public).including(os.environ.get("PGPASSWORD")))


def name_in(text: str) -> str:
    """The name of the database as an address gives it, for when nobody can be asked; empty if it gives none."""
    try:
        parse_address(text)
    except UsageError:
        return ""
    found = conninfo_to_dict(text)
    without = "" if found.get("service") else os.environ.get("PGDATABASE") or found.get("user")
    return str(found.get("dbname") or without or "")


def _unambiguous(url: str) -> bool:
    """Whether the one '@' ends the user's part: libpq takes the first one, and none after a slash."""
    _, _, rest = url.partition("://")
    return rest.count("@") <= 1 and "@" not in rest.partition("/")[2]


def _shown(found: Mapping[str, object]) -> str:
    if "service" in found:
        return f"service {found['service']}"
    where = found.get("host") or found.get("hostaddr") or "the local server"
    port = f":{found['port']}" if found.get("port") else ""
    name = found.get("dbname") or found.get("user") or "the default database"
    user = f" as {found['user']}" if found.get("user") else ""
    return f"{name} at {where}{port}{user}"
