"""Damages of kinds about a source as a whole: rows that go or come, values that are all alike or missing. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from psycopg import sql

from pytest_tgintegrity.planning.predicates import Binding
from pytest_tgintegrity.planning.scans import VolumeScan
from pytest_tgintegrity.planning.sql.compose import Value, raw
from pytest_tgintegrity.proving.damage.derive import Attempts, ProofSubject, derived
from pytest_tgintegrity.proving.values import disallowed
from pytest_tgintegrity.rules.kinds import Freshness, Share, Volume


@derived.register(Volume)
def _volume(kind: Volume, subject: ProofSubject, /) -> Attempts | None:
    """All rows deleted, and so many copies inserted as are too many."""
    return Attempts(statements=tuple(_moved(kind, subject.scan))) if isinstance(subject.scan, VolumeScan) else None


def _moved(kind: Volume, scan: VolumeScan) -> Iterator[sql.Composable]:
    if kind.at_least is not None or kind.max_drop is not None:
        yield sql.SQL("DELETE FROM {} RETURNING 1").format(scan.table)
    if kind.max_growth is not None:
        yield sql.SQL(
            "INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT tgi_row.* FROM {table} AS tgi_row,"
            " pg_catalog.generate_series(1, {copies}) RETURNING 1"
        ).format(table=scan.table, copies=Value(math.ceil(kind.max_growth) + 1))


@derived.register(Freshness)
def _freshness(_: Freshness, subject: ProofSubject, /) -> Attempts | None:
    """No time left in any row."""
    return _everywhere(subject, raw("NULL"))


@derived.register(Share)
def _share(kind: Share, subject: ProofSubject, /) -> Attempts | None:
    """The value in all rows or, where it has to have a share, in none; which that is of the commonest, only the author knows."""
    value = Binding(subject.bound.params).value(kind.value)
    if kind.at_most is None:
        return None if value is None else _everywhere(subject, _another(subject, value), value)
    return _everywhere(subject, None if value is None else Value(value))


def _another(subject: ProofSubject, value: object) -> sql.Composable:
    """Another value, or none where the type tells of no other."""
    name = subject.column[1].name if subject.column else ""
    if name == "bool":
        return Value(not value)
    others = disallowed(name, [value])
    return Value(others[0]) if others else raw("NULL")


def _everywhere(subject: ProofSubject, written: sql.Composable | None, where: object = None) -> Attempts | None:
    """A value written to all rows of the column's table, or those that have the value `where`; None is that of any row."""
    if subject.column is None:
        return None
    target, stored = subject.column
    table, column = raw(stored.table), sql.Identifier(target.column)
    any_value = sql.SQL("(SELECT {0} FROM {1} WHERE {0} IS NOT NULL LIMIT 1)").format(column, table)
    condition = raw("TRUE") if where is None else sql.SQL("{} = {}").format(column, Value(where))
    statement = sql.SQL("UPDATE {} SET {} = {} WHERE {} RETURNING 1").format(
        table, column, any_value if written is None else written, condition
    )
    return Attempts(statements=(statement,))
