"""What the SQL of one rule on one source stands for: its placeholders and the columns that it names. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from pytest_tgintegrity.planning.sql.compose import Params, bound_of, column, fill, plain, title


@dataclass(frozen=True, slots=True)
class Binding:
    """The parametrize values of a rule, and the columns that are known of the source which it looks at."""

    params: Params
    columns: Collection[str] = ()

    def filled(self, template: str) -> sql.Composed:
        """The template with names quoted and values as values. Raises `DeclarationError`."""
        return fill(template, self.params, self.columns)

    def optional(self, template: str | None) -> sql.Composed | None:
        """The same, where there is a template."""
        return None if template is None else self.filled(template)

    def words(self, template: str) -> str:
        """The template filled in for people."""
        return plain(template, self.params)

    def title(self, text: str) -> str:
        """What people call a column."""
        return title(text, self.params, self.columns)

    def column(self, text: str) -> sql.Composable:
        """A column, or an SQL expression in its place."""
        return column(text, self.params, self.columns)

    def titled(self, texts: Iterable[str]) -> tuple[tuple[str, sql.Composable], ...]:
        """Columns with their titles."""
        return tuple((self.title(text), self.column(text)) for text in texts)

    def bound(self, value: Any) -> sql.Composable | None:
        """One side of a range, None where it is open."""
        return bound_of(value, self.params, self.columns)
