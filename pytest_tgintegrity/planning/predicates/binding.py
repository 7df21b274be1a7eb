"""What the SQL of a declaration is bound to: parametrize values, the columns of its source, and what counts as white space. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from pytest_tgintegrity.planning.sql import compose
from pytest_tgintegrity.planning.sql.compose import Params

ASCII_BLANKS = " \t\n\r\f\v"
UNICODE_BLANKS = (
    ASCII_BLANKS
    + "\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    + "\u2028\u2029\u202f\u205f\u3000"
)
Named = tuple[str, sql.Composable]


@dataclass(frozen=True, slots=True)
class Binding:
    """The parametrize values, the columns of the source where they are known, and the characters that count as white space."""

    params: Params
    columns: Collection[str] = ()
    blanks: str = UNICODE_BLANKS

    def fill(self, template: str) -> sql.Composed:
        """SQL with its placeholders filled in."""
        return compose.fill(template, self.params, self.columns)

    def optional(self, template: str | None) -> sql.Composed | None:
        """The same, where there is a template."""
        return None if template is None else self.fill(template)

    def column(self, text: str) -> sql.Composable:
        """A column, or an expression in parentheses."""
        return compose.column(text, self.params, self.columns)

    def title(self, text: str) -> str:
        """What people call a column."""
        return compose.title(text, self.params, self.columns)

    def named(self, text: str) -> Named:
        """A column and what people call it."""
        return self.title(text), self.column(text)

    def bound(self, value: Any) -> sql.Composable | None:
        """One side of a range; None where it is open."""
        return compose.bound_of(value, self.params, self.columns)

    def value(self, value: Any) -> Any:
        """A value, or the one of parametrize that it names."""
        return compose.resolved(value, self.params)

    def words(self, text: str) -> str:
        """A template for people."""
        return compose.plain(text, self.params)
