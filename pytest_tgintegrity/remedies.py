"""What fixes would do, as SQL: the rows that they change and what they write there, and which of them see each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from psycopg import sql

from pytest_tgintegrity.arguments import deleting
from pytest_tgintegrity.encoding import sql_text
from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.planning import BoundRule
from pytest_tgintegrity.predicates import (
    both,
    fill,
    identifier,
    listed,
    parenthesised,
    raw,
    where_clause,
)
from pytest_tgintegrity.scans import MetricScan, QueryScan, ReferenceScan, RowScan, Scan, UniqueScan
from pytest_tgintegrity.schema import Table
from pytest_tgintegrity.sql_reading import EVERY, Cell, Reading, Relation, reading
from pytest_tgintegrity.sql_text import at_instant
from pytest_tgintegrity.writes import Target, Write, fix_writes

Op = Literal["update", "delete", "insert"]


def qualified(table: Table) -> str:
    """Schema and name, as people write them."""
    return ".".join(table.path)


@dataclass(frozen=True, slots=True)
class Violating:
    """The violating rows of one rule, once more: FROM and WHERE with all of the source's aliases in reach."""

    table: sql.Composable
    where: sql.Composable


def violating(scan: Scan, *, keep_first: bool = False) -> Violating:
    """What a scan of one rule counts. `keep_first` leaves out the first row of each group of equal keys.

    Raises `NotEvaluated` for a scan whose answer is no rows of a table.
    """
    match scan:
        case RowScan():
            return Violating(scan.table, _all([scan.scope, scan.checks[0].condition]))
        case ReferenceScan():
            one = scan.references[0]
            return Violating(sql.Composed([scan.table, one.join(0)]), _all([scan.scope, one.orphaned(0)]))
        case UniqueScan():
            return Violating(scan.table, _all([scan.where, _clashing(scan, keep_first=keep_first)]))
        case _:
            raise NotEvaluated("its fix would have no rows to write to: only rules about rows can be fixed")


def offending(scan: Scan) -> sql.Composable | None:
    """A query for what violates the one rule of a scan; None for a number."""
    if isinstance(scan, QueryScan):
        return scan.query
    if isinstance(scan, MetricScan):
        return None
    found = violating(scan)
    return sql.SQL("SELECT 1 AS one FROM {} WHERE {}").format(found.table, found.where)


def _all(conditions: Iterable[sql.Composable | None]) -> sql.Composed:
    return both(one for one in conditions if one is not None)


def _clashing(scan: UniqueScan, *, keep_first: bool) -> sql.Composed:
    """The keys of rows that share theirs, all but the first of each group if one is to be kept."""
    keys, parts = listed(scan.keys), [part for _, part in scan.parts]
    whole = sql.SQL("pg_catalog.num_nulls({}) = 0").format(listed(parts)) if scan.nulls_distinct else raw("TRUE")
    counting = "row_number() OVER (PARTITION BY {} ORDER BY {})" if keep_first else "count(*) OVER (PARTITION BY {})"
    counted = sql.SQL(f"pg_catalog.{counting}").format(listed(parts), keys)
    within = scan.within if scan.within is not None else raw("TRUE")
    names = listed(raw(f"tgi_key{n}") for n in range(len(scan.keys)))
    aliased = listed(sql.SQL("{} AS {}").format(one, raw(f"tgi_key{n}")) for n, one in enumerate(scan.keys))
    return sql.SQL(
        "({}) IN (SELECT {} FROM (SELECT {}, {} AS tgi_n, {} AS tgi_whole, {} AS tgi_within FROM {}{}) AS tgi_groups"
        " WHERE tgi_n > 1 AND tgi_whole AND tgi_within)"
    ).format(keys, names, aliased, counted, whole, within, scan.table, where_clause(scan.where))


@dataclass(frozen=True, slots=True)
class Intent:
    """What the fix of a rule is about to do to the row behind an alias (empty: the source's only table).

    `where` leaves out violating rows that are for a person to look at.
    """

    op: Op
    alias: str
    writes: tuple[Write, ...] = ()
    where: sql.Composable | None = None


def intents(bound: BoundRule, columns: Iterable[str] = ()) -> tuple[Intent, ...]:
    """The fix of a rule, one intent for each alias that it writes to. Raises `DeclarationError`."""
    rule = bound.rule
    names = frozenset(columns)
    if deletion := deleting(rule.fix):
        where = fill(deletion["where"], bound.params, names) if deletion["where"] else None
        return (Intent("delete", deletion["alias"] or "", where=where),)
    writes = fix_writes(rule, bound.params, names)
    op: Op = "insert" if "insert" in rule.fix_allows else "update"
    aliases = dict.fromkeys(write.target.alias for write in writes)
    return tuple(Intent(op, one, tuple(w for w in writes if w.target.alias == one)) for one in aliases)


def deletion(found: Violating, intent: Intent, alias: Target, table: str) -> sql.Composed:
    """Delete what stands behind an alias in the violating rows, without a plan and without a journal."""
    return sql.SQL("DELETE FROM ONLY {} WHERE ctid IN (SELECT {}ctid FROM {} WHERE {})").format(
        raw(table), alias.prefix, found.table, _all([found.where, intent.where])
    )


def insertion(found: Violating, intent: Intent) -> sql.Composed:
    """Insert a row for each violating one, likewise."""
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE {}").format(
        identifier(intent.alias),
        listed(sql.Identifier(one.target.column) for one in intent.writes),
        listed(parenthesised(one.value) for one in intent.writes),
        found.table,
        found.where,
    )


@dataclass(frozen=True)
class Remedy:
    """What the fix of one rule does to one table.

    Its SQL selects the keys (k0, k1, …) of rows and their new values (v0, v1, …) as of one instant; `words` is what the
    author wrote of these values. `visible` says that the table is found without its schema, `computed` are columns that the
    server computes from those that are written.
    """

    rule: str
    table: Table
    op: Op
    columns: tuple[str, ...]
    words: tuple[str, ...]
    text: str
    visible: bool = True
    computed: tuple[str, ...] = ()

    @cached_property
    def reading(self) -> Reading:
        """What its SQL names."""
        return reading(self.text)

    @property
    def relation(self) -> Relation:
        """The table that it writes to."""
        return Relation(*self.table.path, visible=self.visible)

    @property
    def cells(self) -> frozenset[Cell]:
        """What it writes; a row that comes or goes writes to all columns."""
        columns = (*self.columns, *self.computed) if self.op == "update" else (EVERY,)
        return frozenset(Cell(self.relation, column) for column in columns)

    @property
    def local(self) -> bool:
        """Whether what becomes of a row depends on no other row of the same table."""
        return self.op != "insert" and not self.reading.anything and self.reading.times(self.relation) <= 1


def remedy(bound: BoundRule, found: Violating, intent: Intent, table: Table, *, visible: bool) -> Remedy:
    """What an intent does to the table behind its alias."""
    prefix = raw("") if not intent.alias else sql.SQL("{}.").format(sql.Identifier(*intent.alias.split(".")))
    keys = [] if intent.op == "insert" else [sql.SQL("{}{}").format(prefix, sql.Identifier(one)) for one in table.key]
    targets = [sql.SQL("{} AS {}").format(key, raw(f"k{n}")) for n, key in enumerate(keys)]
    targets += [sql.SQL("({}\n) AS {}").format(one.value, raw(f"v{n}")) for n, one in enumerate(intent.writes)]
    where = _all([found.where, intent.where])
    hits = sql.SQL("SELECT {} FROM {} WHERE {}").format(listed(targets), found.table, where)
    columns = tuple(one.target.column for one in intent.writes)
    words = tuple(one.words for one in intent.writes)
    return Remedy(bound.id, table, intent.op, columns, words, sql_text(hits), visible)


def as_of(one: Remedy, instant: str) -> Remedy:
    """The same at one instant, a literal of type timestamptz."""
    return replace(one, text=at_instant(one.text, instant))


@dataclass(frozen=True)
class Step:
    """All that the fix of one rule does, seen from one state; `fresh` leaves out what was wrong to begin with."""

    rule: str
    remedies: tuple[Remedy, ...]
    fresh: bool = False

    @cached_property
    def writes(self) -> frozenset[Cell]:
        """What it writes."""
        return frozenset(cell for one in self.remedies for cell in one.cells)

    def sees(self, writes: Iterable[Cell]) -> bool:
        """Whether its SQL may read something that is written."""
        cells = list(writes)
        return any(one.reading.reads_any(cells) for one in self.remedies)


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Whoever writes what others only read goes first; otherwise in order of the rules' names."""
    waiting = sorted(steps, key=lambda one: one.rule)
    found: list[Step] = []
    while waiting:
        free = next((one for one in waiting if not _has_to_wait(one, waiting)), waiting[0])
        waiting.remove(free)
        found.append(free)
    return found


def _has_to_wait(step: Step, others: Iterable[Step]) -> bool:
    return any(step.sees(one.writes) and not one.sees(step.writes) for one in others if one is not step)


def components(steps: Sequence[Step]) -> list[list[Step]]:
    """Steps that have nothing to do with each other, apart: they write to other tables, and see nothing of the others."""
    groups: list[list[Step]] = []
    for step in steps:
        near = [group for group in groups if any(_are_near(step, other) for other in group)]
        merged = [other for group in near for other in group]
        groups = [*(group for group in groups if group not in near), [*merged, step]]
    order = {step.rule: number for number, step in enumerate(steps)}
    return [sorted(group, key=lambda one: order[one.rule]) for group in groups]


def _are_near(one: Step, other: Step) -> bool:
    tables = {cell.relation for cell in one.writes} & {cell.relation for cell in other.writes}
    return bool(tables) or one.sees(other.writes) or other.sees(one.writes)
