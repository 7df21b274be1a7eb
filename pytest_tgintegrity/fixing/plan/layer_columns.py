"""Columns as the layers of a simulation need them, and their values as exact texts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from psycopg import sql

from pytest_tgintegrity.planning.facts import Table
from pytest_tgintegrity.planning.sql.compose import both, exact_text, raw


@dataclass(frozen=True, slots=True)
class LayerColumn:
    """A column as layers need it.

    `type` is as SQL writes it, with its modifier. If a cast to the type may cut a value off, `wide` is a type that holds
    values of any length, and `compared` the type in which the cut and the whole value are compared. `rounds` says that the
    column may store another value than it is given; `scale` is its number of digits, if its type has one. `generated` is
    the expression of a column that the server computes. `lossy` says that a cast to text loses something. `equals` is the
    operator of a key column.
    """

    type: str
    wide: str = ""
    compared: str = ""
    rounds: bool = False
    scale: int | None = None
    generated: str = ""
    identity: bool = False
    lossy: bool = False
    equals: str = "="

    def fits(self, value: sql.Composable) -> sql.Composable:
        """TRUE for a value that the column can hold uncut; blanks at its end do not count."""
        return sql.SQL("(({v})::{wide}{c} IS NOT DISTINCT FROM ({v})::{wide}::{of}::{compared}{c2})").format(
            v=value,
            wide=raw(self.wide),
            of=raw(self.type),
            compared=raw(self.compared),
            c=raw("" if self.compared == self.wide else f"::{self.compared}"),
            c2=raw(' COLLATE "C"' if "bpchar" in self.compared else ""),
        )


Types = Mapping[str, Mapping[str, LayerColumn]]
"""The columns of tables by their qualified names, in the order of the table."""


def text_of(value: sql.Composable, column: LayerColumn) -> sql.Composable:
    """A value of a column as text, from which the value can be made again exactly."""
    if column.lossy:
        return exact_text(value)
    return sql.SQL("({})::pg_catalog.text").format(value)


def column_at(alias: str, column: str) -> sql.Composable:
    """A column of the row behind an alias."""
    return sql.SQL("{}.{}").format(raw(alias), sql.Identifier(column))


def same_key(
    table: Table, columns: Mapping[str, LayerColumn], left: str, right: Callable[[int], sql.Composable]
) -> sql.Composed:
    """TRUE where the row behind an alias has the key whose parts, by their numbers, `right` gives."""
    return both(
        sql.SQL("{} {} {}").format(column_at(left, column), raw(columns[column].equals), right(n))
        for n, column in enumerate(table.key)
    )
