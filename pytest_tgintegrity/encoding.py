"""Databases of the encoding SQL_ASCII hold bytes that may be no text: they are kept as they are, both ways.

The server neither converts nor checks them, if the client asks for SQL_ASCII too. Bytes that are no UTF-8 become lone
surrogates in Python (surrogateescape).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.types.json import set_json_loads

C = TypeVar("C", bound=psycopg.Connection[Any])

SQL_ASCII = "SQL_ASCII"
_TEXTS = ("text", "varchar", "bpchar", "name")
_UNKNOWN = 705


def text_of(data: Buffer) -> str:
    """Bytes of the server as text."""
    return bytes(data).decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The inverse of `text_of`."""
    return text.encode("utf-8", "surrogateescape")


def sql_text(composed: sql.Composable) -> str:
    """A composed statement as text, whatever names stand in it: psycopg takes none that is no UTF-8."""
    try:
        return composed.as_string(None)
    except UnicodeEncodeError:
        return "".join(_spelled(composed))


def sql_bytes(composed: sql.Composable, connection: psycopg.Connection[Any] | None = None) -> bytes:
    """A composed statement as it is sent."""
    try:
        return composed.as_bytes(connection)
    except UnicodeEncodeError:
        return bytes_of("".join(_spelled(composed)))


def _spelled(composed: sql.Composable) -> Iterable[str]:
    inner: Any = getattr(composed, "_obj", None)
    if isinstance(composed, sql.Composed):
        for part in composed:
            yield from _spelled(part)
    elif isinstance(composed, sql.Identifier):
        yield ".".join(_quoted(name, '"') for name in inner)
    elif isinstance(composed, sql.Literal) and isinstance(inner, str):
        mark = " E" if "\\" in inner else ""
        yield mark + _quoted(inner.replace("\\", "\\\\"), "'")
    else:
        yield inner if isinstance(composed, sql.SQL) else composed.as_string(None)


def _quoted(text: str, mark: str) -> str:
    return f"{mark}{text.replace(mark, 2 * mark)}{mark}"


class _TextLoader(Loader):
    def load(self, data: Buffer) -> str:
        return text_of(data)


class _TextDumper(Dumper):
    def dump(self, obj: str) -> bytes:
        return bytes_of(obj)


def adapt(connection: C) -> C:
    """Have a connection keep all bytes, if its database is one of SQL_ASCII; the connection itself is returned."""
    if connection.info.parameter_status("server_encoding") == SQL_ASCII:
        psycopg.RawCursor(connection).execute("SET client_encoding TO 'SQL_ASCII'")
        for name in _TEXTS:
            connection.adapters.register_loader(name, _TextLoader)
        for oid in (0, _UNKNOWN):
            connection.adapters.register_loader(oid, _TextLoader)
        connection.adapters.register_dumper(str, _TextDumper)
        set_json_loads(lambda data: json.loads(data if isinstance(data, str) else text_of(data)), connection)
    return connection
