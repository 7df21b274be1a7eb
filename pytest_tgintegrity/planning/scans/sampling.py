"""Ask for the offending rows of a rule, and for no more of them than is shown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from pytest_tgintegrity.planning.predicates.binding import Named
from pytest_tgintegrity.planning.sql.compose import Value, listed, raw

SHORT = frozenset({16, 18, 19, 20, 21, 23, 26, 700, 701, 1042, 1082, 1083, 1114, 1184, 1266, 2950})
"""Types of which a value is never long, and char(n), whose blanks a cast takes away."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """The offending rows of one rule: `keys` leading columns are the key, then perhaps a label, then `names`."""

    rows: sql.Composable
    keys: int
    labelled: bool
    names: tuple[str, ...] | None
    unordered: sql.Composable | None = None
    """The same rows in no order, for keys of a type that has none: json, xml, point."""

    def first(self, limit: int) -> sql.Composed:
        """The statement that fetches the first `limit` of them in key order."""
        return sql.SQL("{} LIMIT {}").format(self.rows, Value(limit))

    def cut(self, limit: int, types: Sequence[int], length: int) -> sql.Composed:
        """The same, but of long texts only the first `length` characters leave the server; `types` are the columns' OIDs."""
        names = [raw(f"tgi_{number}") for number in range(len(types))]
        targets = [
            name
            if oid in SHORT
            else sql.SQL('pg_catalog."left"({}::pg_catalog.text, {}) AS {}').format(name, Value(length), name)
            for name, oid in zip(names, types, strict=True)
        ]
        return sql.SQL("SELECT {} FROM ({}) AS tgi_sample({})").format(
            listed(targets), self.first(limit), listed(names)
        )


def counted(condition: sql.Composable) -> sql.Composed:
    """How many rows meet a condition."""
    return sql.SQL("count(*) FILTER (WHERE {})").format(condition)


def rows_in_order(
    table: sql.Composable,
    keys: Sequence[sql.Composable],
    label: sql.Composable | None,
    shown: Sequence[Named],
    where: sql.Composable,
) -> Sampling:
    """The rows of a table that meet a condition: key, label and what is shown, in order of the key."""
    targets = [*keys, *([label] if label is not None else []), *(expression for _, expression in shown)]
    rows = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
        listed(targets), table, where, listed(raw(str(i + 1)) for i in range(len(keys)))
    )
    return Sampling(rows, len(keys), label is not None, tuple(name for name, _ in shown))
