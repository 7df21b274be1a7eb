"""Names and statements that may be no text: bytes that are no UTF-8 are lone surrogates in Python (surrogateescape). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import Buffer


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
