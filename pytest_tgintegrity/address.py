"""Where the database is, kept so that its password cannot be shown by accident."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pytest_tgintegrity.errors import UsageError

MASK = "***"

_URL_SECRET = re.compile(r"://[^:/@?#]*:([^/?#]*)@")
_KEYWORD_SECRET = re.compile(r"\b(?:ssl)?password\s*=\s*('(?:\\.|[^'\\])*'|[^\s&]+)")
_CURE = (
    "write postgresql://USER@HOST:PORT/DATABASE (percent-encode special characters of user and password), "
    "a libpq keyword string such as 'host=… dbname=…', service=NAME, or demo"
)


def _secrets_in(text: str) -> set[str]:
    found = {match[1].strip("'") for pattern in (_URL_SECRET, _KEYWORD_SECRET) for match in pattern.finditer(text)}
    return found | {unquote(one) for one in found}


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """A connection string. Its `repr` and `str` name host, port, database and user, never a password."""

    conninfo: str
    shown: str
    secrets: frozenset[str]

    def __repr__(self) -> str:
        """Show it without its secrets."""
        return f"<Address {self.shown}>"

    __str__ = __repr__

    def scrub(self, text: str) -> str:
        """`text` without the password, however it is spelled."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, MASK)
        return text

    def with_password(self, password: str | None) -> Address:
        """The same address, knowing also a password that libpq found elsewhere (service, passfile)."""
        return Address(self.conninfo, self.shown, self.secrets | _spellings({password} if password else set()))


def _spellings(secrets: set[str]) -> frozenset[str]:
    return frozenset(
        spelled for one in secrets if one for spelled in (one, quote(one), quote(one, safe=""), repr(one)[1:-1])
    )


def parse_address(text: str, origin: str = "--db-url") -> Address:
    """Read a URL or a libpq keyword string.

    Raises `UsageError` if libpq could not read it; the message does not echo it, since libpq's own would.
    """
    if "://" not in text and "=" not in text:
        raise UsageError(f"{origin} is neither a URL nor a keyword string: {_CURE}")
    try:
        found = conninfo_to_dict(text)
    except ProgrammingError:
        raise UsageError(f"{origin} cannot be read as a connection string: {_CURE}") from None
    secrets = _secrets_in(text) | {str(found[key]) for key in ("password", "sslpassword") if found.get(key)}
    secrets |= {os.environ["PGPASSWORD"]} if os.environ.get("PGPASSWORD") else set()
    return Address(make_conninfo(text), _shown(found), _spellings(secrets))


def _shown(found: Mapping[str, object]) -> str:
    if "service" in found:
        return f"service {found['service']}"
    where = found.get("host") or found.get("hostaddr") or "the local server"
    port = f":{found['port']}" if found.get("port") else ""
    name = found.get("dbname") or found.get("user") or "the default database"
    user = f" as {found['user']}" if found.get("user") else ""
    return f"{name} at {where}{port}{user}"
