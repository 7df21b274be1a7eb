"""Databases of the encoding SQL_ASCII hold bytes that may be no text: they are kept as they are, both ways.

The server neither converts nor checks them, if the client encoding is SQL_ASCII too. Bytes that are no UTF-8 become lone
surrogates in Python (surrogateescape).
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.types.json import set_json_loads

from pytest_tgintegrity.planning.sql.encoding import bytes_of, text_of

C = TypeVar("C", bound=psycopg.Connection[Any])

SQL_ASCII = "SQL_ASCII"
_TEXTS = ("text", "varchar", "bpchar", "name")
_UNKNOWN = 705


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
