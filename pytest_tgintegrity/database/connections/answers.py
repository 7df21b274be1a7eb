"""The result of a statement: the answer of the server, or why there is none. No connection is made here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from pytest_tgintegrity.planning.sql.encoding import text_of

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A statement that the server, or the connection, did not answer: one sentence for a person, and the server's code if it gave one."""

    reason: str
    sqlstate: str | None = None


@dataclass(frozen=True, slots=True)
class TimedOut(Failure):
    """A statement that took longer than it was allowed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement returned: Python values in `rows`; `texts` and `types` are fetched as the server wrote them."""

    cursor: psycopg.Cursor[Row]

    @property
    def rows(self) -> list[Row]:
        """The rows as Python values."""
        if self.cursor.rowcount:  # none: there is no position to go to
            self.cursor.scroll(0, mode="absolute")
        return self.cursor.fetchall()

    @property
    def names(self) -> tuple[str, ...]:
        """The column names."""
        result = self.cursor.pgresult
        return tuple(text_of(result.fname(n) or b"") for n in range(result.nfields)) if result else ()

    @property
    def types(self) -> tuple[int, ...]:
        """The type OIDs of the columns."""
        result = self.cursor.pgresult
        return tuple(result.ftype(n) for n in range(result.nfields)) if result else ()

    @property
    def texts(self) -> list[tuple[str | None, ...]]:
        """The rows as text: values that Python cannot hold, such as the year 10000, survive."""
        result = self.cursor.pgresult
        if result is None:
            return []
        return [tuple(shown_text(result.get_value(i, j)) for j in range(result.nfields)) for i in range(result.ntuples)]


def shown_text(value: bytes | None) -> str | None:
    """For people and reports: bytes that are no text are marked as such."""
    return None if value is None else bytes(value).decode("utf-8", "replace")
