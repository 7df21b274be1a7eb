"""What a proof tries on a rule: damages, and the functions that derive them, registered per kind of rule. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from psycopg import sql

from pytest_tgintegrity.fixing.plan.writes import Choice, ColumnType, Target, Write
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.scans import Scan
from pytest_tgintegrity.planning.sql.compose import Value, raw
from pytest_tgintegrity.proving.values import family
from pytest_tgintegrity.rules.kinds.fields import damaged_by, subject_of, unregistered

NULL = raw("NULL")


@dataclass(frozen=True, slots=True)
class Damage:
    """One change to a row; `violations` is how many rows of the source then violate the rule.

    `where` chooses the row; None leaves the choice to the proof.
    """

    words: str
    writes: tuple[Write, ...]
    violations: int = 1
    where: Choice | None = None


@dataclass(frozen=True, slots=True)
class Attempts:
    """The damages that a rule has to catch (all, or with `any_of` at least one), and those that it has to let pass.

    `statements` do damage by themselves, and return the keys that the rule has to report; `last_resort` is such a statement for
    where there are too few rows to damage one. Only the first two damages are shown to the other rules.
    """

    illegal: tuple[Damage, ...] = ()
    legal: tuple[Damage, ...] = ()
    statements: tuple[sql.Composable, ...] = ()
    any_of: bool = False
    last_resort: sql.Composable | None = None


StoredColumn = tuple[Target, ColumnType]
StoredColumns = Mapping[str, StoredColumn]
"""The columns that a rule names, as it names them, where they are columns of stored tables."""


@dataclass(frozen=True, slots=True)
class ProofSubject:
    """A rule to be proven: its scan, the columns that can be damaged, and what counts as white space."""

    bound: BoundRule
    scan: Scan
    columns: StoredColumns
    blanks: str

    @property
    def column(self) -> StoredColumn | None:
        """The column that the rule is about, if there is such a column."""
        text = subject_of(self.bound.rule.kind)
        return None if text is None else self.columns.get(text)


@functools.singledispatch
def derived(kind: object, _: ProofSubject, /) -> Attempts | None:
    """What to try on a rule of a kind; None where its author has to give `breaks=`."""
    raise unregistered(kind, "damage", "proving/damage")


@functools.singledispatch
def damaged_columns(kind: object, _: BoundRule, __: Scan, /) -> tuple[str, ...]:
    """The names in a rule that may be columns to damage; unless registered, those that the kind declares."""
    return damaged_by(kind)


# --- damages of one column


def write_value(column: StoredColumn, value: sql.Composable, words: str) -> Damage:
    """An expression written to a column."""
    target = column[0]
    return Damage(f"{target.words} = {words}", (Write(target, value),))


def write_values(column: StoredColumn, written: Iterable[Any]) -> Iterator[Damage]:
    """Values written to a column, each in turn."""
    for value in written:
        yield write_value(column, NULL if value is None else Value(value), "NULL" if value is None else repr(value))


def write_null(column: StoredColumn) -> Damage:
    """NULL written to a column."""
    return write_value(column, NULL, "NULL")


_STEPS = {
    "date": "1",
    "interval": "interval '1 year'",  # an interval may be declared to hold nothing smaller
    **dict.fromkeys(("timestamp", "timestamptz", "time"), "interval '1 second'"),
}


def write_beyond(column: StoredColumn, sign: str, limit: sql.Composable, words: str) -> Damage:
    """A value just above or below a limit; for a type without steps the value of another row."""
    name = column[1].name
    if step := _STEPS.get(name, "1" if family(name) == "number" else None):
        return write_value(column, sql.SQL("{} {} {}").format(limit, raw(sign), raw(step)), f"{words} {sign} a bit")
    if sign == "+":
        return write_from_elsewhere(column, ">", limit, f"what another row has above {words}")
    return write_from_elsewhere(column, "<", limit, f"what another row has below {words}")


def write_from_elsewhere(column: StoredColumn, sign: str, than: sql.Composable, words: str) -> Damage:
    """The value of another row that compares by `sign`, written to a row for which there is such a value."""
    home, stored = column
    value = sql.SQL(
        "(SELECT tgi_value FROM (SELECT {} AS tgi_value FROM {}) AS tgi_other WHERE tgi_value {} {} LIMIT 1)"
    ).format(sql.Identifier(home.column), raw(stored.table), raw(sign), than)
    there = Choice(sql.SQL("pg_catalog.num_nulls({}) = 0").format(value), limit=1)
    return replace(write_value(column, value, words), where=there)


_CHANGES = {
    "number": ("coalesce({}, 0) + 1", "coalesce({}, 0) - 1"),
    "text": ("CASE {} WHEN '?' THEN '!' ELSE '?' END",),
    "bool": ("NOT coalesce({}, FALSE)",),
    "time": ("{} + interval '1 day'",),
    "other": (),
}


def write_changed(column: StoredColumn) -> Iterator[Damage]:
    """Values that differ from the present one."""
    for text in _CHANGES[family(column[1].name)]:
        yield write_value(column, sql.SQL(text).format(column[0].value), "another value")


def write_another(subject: ProofSubject) -> Attempts | None:
    """Any other value in the column that the rule is about."""
    column = subject.column
    return None if column is None else Attempts((*write_changed(column), write_null(column)))
