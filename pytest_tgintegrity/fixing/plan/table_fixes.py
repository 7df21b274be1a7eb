"""Fixes as SQL: which rows they change and what they write there, and which fixes see what others write. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from psycopg import sql

from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.fixing.plan.writes import Target, Write, fix_writes
from pytest_tgintegrity.planning.expected.scan import PinnedScan
from pytest_tgintegrity.planning.facts import Table
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.predicates.binding import Binding
from pytest_tgintegrity.planning.scans import (
    MetricScan,
    NumberScan,
    QueryScan,
    ReferenceScan,
    RowScan,
    Scan,
    UniqueScan,
)
from pytest_tgintegrity.planning.sql.compose import (
    both,
    identifier,
    listed,
    parenthesised,
    qualifier,
    raw,
    where_clause,
)
from pytest_tgintegrity.planning.sql.encoding import sql_text
from pytest_tgintegrity.planning.sql.names import EVERY, Cell, Reading, Relation, reading
from pytest_tgintegrity.planning.sql.times import at_instant
from pytest_tgintegrity.rules.arguments import deleted_aliases, deleting

Op = Literal["update", "delete", "insert"]


def qualified(table: Table) -> str:
    """The qualified name of a table: schema, dot, name, without quotes."""
    return ".".join(table.path)


@dataclass(frozen=True, slots=True)
class Violating:
    """The violating rows of a rule as FROM and WHERE, in which all aliases of the rule's source can be used."""

    table: sql.Composable
    where: sql.Composable


def violating(scan: Scan, *, keep_first: bool = False) -> Violating:
    """The rows that the scan of a single rule counts. `keep_first` leaves out the first row of each group of equal keys.

    Raises `NotEvaluated` for a scan that does not count rows of a table.
    """
    match scan:
        case RowScan():
            return Violating(scan.table, _all([scan.scope, scan.checks[0].condition]))
        case ReferenceScan():
            reference = scan.references[0]
            return Violating(sql.Composed([scan.table, reference.join(0)]), _all([scan.scope, reference.orphaned(0)]))
        case UniqueScan():
            return Violating(scan.table, _all([scan.where, _clashing(scan, keep_first=keep_first)]))
        case _:
            raise NotEvaluated("its fix would have no rows to write to: only rules about rows can be fixed")


def offending(scan: Scan) -> sql.Composable | None:
    """A query for the violations of the only rule of a scan; None for a metric and for a pinned schema, which have no rows."""
    if isinstance(scan, QueryScan):
        return scan.query
    if isinstance(scan, MetricScan | PinnedScan):
        return None
    if isinstance(scan, NumberScan):
        return scan.violated()
    rows = violating(scan)
    return sql.SQL("SELECT 1 AS one FROM {} WHERE {}").format(rows.table, rows.where)


def _all(conditions: Iterable[sql.Composable | None]) -> sql.Composed:
    return both(condition for condition in conditions if condition is not None)


def _clashing(scan: UniqueScan, *, keep_first: bool) -> sql.Composed:
    """TRUE for rows whose unique values other rows have, too; with `keep_first` not for the first row of each group."""
    keys, parts = listed(scan.keys), [part for _, part in scan.parts]
    whole = sql.SQL("pg_catalog.num_nulls({}) = 0").format(listed(parts)) if scan.nulls_distinct else raw("TRUE")
    counting = "row_number() OVER (PARTITION BY {} ORDER BY {})" if keep_first else "count(*) OVER (PARTITION BY {})"
    counted = sql.SQL(f"pg_catalog.{counting}").format(listed(parts), keys)
    within = scan.within if scan.within is not None else raw("TRUE")
    names = listed(raw(f"tgi_key{n}") for n in range(len(scan.keys)))
    aliased = listed(sql.SQL("{} AS {}").format(key, raw(f"tgi_key{n}")) for n, key in enumerate(scan.keys))
    return sql.SQL(
        "({}) IN (SELECT {} FROM (SELECT {}, {} AS tgi_n, {} AS tgi_whole, {} AS tgi_within FROM {}{}) AS tgi_groups"
        " WHERE tgi_n > 1 AND tgi_whole AND tgi_within)"
    ).format(keys, names, aliased, counted, whole, within, scan.table, where_clause(scan.where))


@dataclass(frozen=True, slots=True)
class Intent:
    """What the fix of a rule does to the row behind an alias, which is empty for the only table of a source.

    `where` confines the fix to some of the violating rows; a person has to look at the others. It is `partial` where the
    fix deletes the rows behind several aliases: a violating row may have nothing behind some of them.
    """

    op: Op
    alias: str
    writes: tuple[Write, ...] = ()
    where: sql.Composable | None = None
    partial: bool = False


def intents(bound: BoundRule, columns: Iterable[str] = ()) -> tuple[Intent, ...]:
    """The fix of a rule, one intent for each alias that it writes to. Raises `DeclarationError`."""
    rule = bound.rule
    binding = Binding(bound.params, frozenset(columns))
    if deletion := deleting(rule.fix):
        where, aliases = binding.optional(deletion["where"]), deleted_aliases(deletion)
        return tuple(Intent("delete", alias, where=where, partial=len(aliases) > 1) for alias in aliases)
    writes = fix_writes(rule, binding)
    op: Op = "insert" if "insert" in rule.fix_allows else "update"
    written = dict.fromkeys(write.target.alias for write in writes)
    return tuple(
        Intent(op, alias, tuple(write for write in writes if write.target.alias == alias)) for alias in written
    )


def deletion(rows: Violating, intent: Intent, alias: Target, table: str) -> sql.Composed:
    """A statement that deletes the rows behind an alias of the violating rows, without a plan and without a journal."""
    return sql.SQL("DELETE FROM ONLY {} WHERE ctid IN (SELECT {}ctid FROM {} WHERE {})").format(
        raw(table), alias.prefix, rows.table, _all([rows.where, intent.where])
    )


def insertion(rows: Violating, intent: Intent) -> sql.Composed:
    """A statement that inserts a row for each violating row, without a plan and without a journal."""
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE {}").format(
        identifier(intent.alias),
        listed(sql.Identifier(write.target.column) for write in intent.writes),
        listed(parenthesised(write.value) for write in intent.writes),
        rows.table,
        rows.where,
    )


@dataclass(frozen=True)
class TableFix:
    """What the fix of one rule does to one table.

    Its SQL (`text`) selects the keys (k0, k1, …) of rows and their new values (v0, v1, …) as of one instant. `words` are the
    expressions of these values as their author wrote them. `visible` says that the table is found without its schema.
    `computed` are the columns that the server computes from those that are written.
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
        """The cells that it writes; to insert or delete a row is to write to all columns."""
        columns = (*self.columns, *self.computed) if self.op == "update" else (EVERY,)
        return frozenset(Cell(self.relation, column) for column in columns)

    @property
    def local(self) -> bool:
        """Whether what becomes of a row does not depend on other rows of the same table."""
        return self.op != "insert" and not self.reading.anything and self.reading.times(self.relation) <= 1


def make_table_fix(bound: BoundRule, rows: Violating, intent: Intent, table: Table, *, visible: bool) -> TableFix:
    """What an intent does to the table behind its alias."""
    prefix = qualifier(intent.alias)
    keys = (
        []
        if intent.op == "insert"
        else [sql.SQL("{}{}").format(prefix, sql.Identifier(column)) for column in table.key]
    )
    targets = [sql.SQL("{} AS {}").format(key, raw(f"k{n}")) for n, key in enumerate(keys)]
    targets += [sql.SQL("({}\n) AS {}").format(write.value, raw(f"v{n}")) for n, write in enumerate(intent.writes)]
    there = [sql.SQL("{} IS NOT NULL").format(key) for key in keys] if intent.partial else []
    where = _all([rows.where, intent.where, *there])
    hits = sql.SQL("SELECT {} FROM {} WHERE {}").format(listed(targets), rows.table, where)
    columns = tuple(write.target.column for write in intent.writes)
    words = tuple(write.words for write in intent.writes)
    return TableFix(bound.id, table, intent.op, columns, words, sql_text(hits), visible)


def as_of(table_fix: TableFix, instant: str) -> TableFix:
    """The same table fix at an instant, which is a literal of the type timestamptz."""
    return replace(table_fix, text=at_instant(table_fix.text, instant))


@dataclass(frozen=True)
class Step:
    """All that the fix of a rule does in one state; `fresh` leaves out the rows that violate the rule before any fix."""

    rule: str
    table_fixes: tuple[TableFix, ...]
    fresh: bool = False

    @cached_property
    def writes(self) -> frozenset[Cell]:
        """The cells that it writes."""
        return frozenset(cell for table_fix in self.table_fixes for cell in table_fix.cells)

    def sees(self, writes: Iterable[Cell]) -> bool:
        """Whether its SQL may read any of these cells."""
        cells = list(writes)
        return any(table_fix.reading.reads_any(cells) for table_fix in self.table_fixes)


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Steps in the order of their rules' names, but a step that writes what another step only reads goes first."""
    waiting = sorted(steps, key=lambda step: step.rule)
    ordered: list[Step] = []
    while waiting:
        free = next((step for step in waiting if not _has_to_wait(step, waiting)), waiting[0])
        waiting.remove(free)
        ordered.append(free)
    return ordered


def _has_to_wait(step: Step, others: Iterable[Step]) -> bool:
    return any(step.sees(other.writes) and not other.sees(step.writes) for other in others if other is not step)


def components(steps: Sequence[Step]) -> list[list[Step]]:
    """Groups of steps: steps of different groups write to different tables, and none sees what another group writes."""
    groups: list[list[Step]] = []
    for step in steps:
        near = [group for group in groups if any(_are_near(step, other) for other in group)]
        merged = [other for group in near for other in group]
        groups = [*(group for group in groups if group not in near), [*merged, step]]
    order = {step.rule: number for number, step in enumerate(steps)}
    return [sorted(group, key=lambda member: order[member.rule]) for group in groups]


def _are_near(step: Step, other: Step) -> bool:
    tables = {cell.relation for cell in step.writes} & {cell.relation for cell in other.writes}
    return bool(tables) or step.sees(other.writes) or other.sees(step.writes)
