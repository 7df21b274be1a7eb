"""What fixes would do, as SQL: the rows they change, and the tables as they would be after all of them. Pure.

A fix sees what the fixes before it wrote: each is a layer over the tables, a CTE that stands in for them by name. Nothing
is written; the difference between the first layer and the last is what has to be done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from psycopg import sql

from pytest_tgintegrity.arguments import deleting
from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.planning import BoundRule
from pytest_tgintegrity.predicates import (
    both,
    fill,
    identifier,
    listed,
    parenthesised,
    raw,
    readable,
    where_clause,
)
from pytest_tgintegrity.scans import MetricScan, QueryScan, ReferenceScan, RowScan, Scan, UniqueScan
from pytest_tgintegrity.schema import Table
from pytest_tgintegrity.writes import Target, Write, fix_writes

Op = Literal["update", "delete", "insert"]
NUMBERED = ("smallint", "integer", "bigint")
"""Types of keys that servers give out."""


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
    whole = sql.SQL("num_nulls({}) = 0").format(listed(parts)) if scan.nulls_distinct else raw("TRUE")
    number = "row_number() OVER (PARTITION BY {} ORDER BY {})" if keep_first else "count(*) OVER (PARTITION BY {})"
    counted = sql.SQL(number).format(listed(parts), keys)
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
    """What the fix of one rule does to one table: `hits` selects the rows' keys (k0, k1, …) and new values (v0, v1, …)."""

    rule: str
    table: Table
    op: Op
    columns: tuple[str, ...]
    hits: sql.Composable

    @cached_property
    def text(self) -> sql.SQL:
        """Its SQL, put together once: it is asked many times."""
        return raw(readable(self.hits))

    @cached_property
    def words(self) -> Sequence[str]:
        """All words of its SQL, in which the names of the tables and columns that it reads are found."""
        return re.findall(r"\w+", self.text.as_string(None))

    @cached_property
    def names(self) -> frozenset[str]:
        """The same, each once."""
        return frozenset(self.words)

    @property
    def local(self) -> bool:
        """Whether what becomes of a row depends on no other row of the same table."""
        return self.op != "insert" and self.words.count(self.table.name) <= 1 + (self.table.name in self.columns)


def remedy(bound: BoundRule, found: Violating, intent: Intent, table: Table) -> Remedy:
    """What an intent does to the table behind its alias."""
    prefix = raw("") if not intent.alias else sql.SQL("{}.").format(sql.Identifier(*intent.alias.split(".")))
    keys = [] if intent.op == "insert" else [sql.SQL("{}{}").format(prefix, sql.Identifier(one)) for one in table.key]
    targets = [sql.SQL("{} AS {}").format(key, raw(f"k{n}")) for n, key in enumerate(keys)]
    targets += [sql.SQL("({}\n) AS {}").format(one.value, raw(f"v{n}")) for n, one in enumerate(intent.writes)]
    where = _all([found.where, intent.where])
    hits = sql.SQL("SELECT {} FROM {} WHERE {}").format(listed(targets), found.table, where)
    return Remedy(bound.id, table, intent.op, tuple(one.target.column for one in intent.writes), hits)


@dataclass(frozen=True)
class Step:
    """All that the fix of one rule does, seen from one state; `fresh` leaves out what was wrong to begin with."""

    rule: str
    remedies: tuple[Remedy, ...]
    fresh: bool = False

    @cached_property
    def writes(self) -> frozenset[tuple[str, str]]:
        """Tables and columns; a row that comes or goes writes to all of them, called ``*``."""
        return frozenset(
            (one.table.name, column)
            for one in self.remedies
            for column in (one.columns if one.op == "update" else ["*"])
        )

    def sees(self, writes: Iterable[tuple[str, str]]) -> bool:
        """Whether its SQL names something that is written."""
        names = [one.names for one in self.remedies]
        return any(table in known and (column in known or column == "*") for table, column in writes for known in names)


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
    tables = {table for table, _ in one.writes} & {table for table, _ in other.writes}
    return bool(tables) or one.sees(other.writes) or other.sees(one.writes)


Types = Mapping[str, Mapping[str, str]]
"""The types of columns by table: names as SQL writes them, in the order of the table."""


@dataclass
class Simulation:
    """The tables of a component as its steps would leave them.

    `types` are the types of the columns of its tables, `visible` those that are found without their schema (others cannot
    be stood in for); `only` confines a table to some of its rows, where that is enough. Tables go by their qualified names.
    """

    types: Types
    visible: frozenset[str] = frozenset()
    only: Mapping[str, sql.Composable] = field(default_factory=dict)
    _parts: list[sql.Composable] = field(default_factory=list)
    _last: dict[str, str] = field(default_factory=dict)
    _first: dict[str, str] = field(default_factory=dict)
    _tables: dict[str, Table] = field(default_factory=dict)
    _longer: set[str] = field(default_factory=set)

    def apply(self, steps: Sequence[Step], numbers: Mapping[str, int]) -> None:
        """Lay one layer for each remedy; the remedies of one step see the same state."""
        for step in steps:
            for one in step.remedies:
                self._begin(one.table)
            state = self._state()
            for one in step.remedies:
                self._layer(one, state, numbers[step.rule], fresh=step.fresh)

    def _add(self, query: sql.Composable) -> str:
        name = f"tgi_{len(self._parts)}"
        self._parts.append(raw(readable(sql.SQL("{} AS ({})").format(raw(name), query))))
        return name

    def _begin(self, table: Table) -> None:
        if qualified(table) in self._last:
            return
        columns = listed(map(sql.Identifier, self.types[qualified(table)]))
        query = sql.SQL("SELECT {}, '{{}}'::int[] AS tgi_rules, FALSE AS tgi_gone FROM {}{}").format(
            columns, sql.Identifier(*table.path), where_clause(self.only.get(qualified(table)))
        )
        self._tables[qualified(table)] = table
        self._first[qualified(table)] = self._last[qualified(table)] = self._add(query)

    def _state(self) -> sql.Composable:
        """CTEs that stand in for the tables by name."""
        parts = [
            sql.SQL("{} AS (SELECT {} FROM {} WHERE NOT tgi_gone)").format(
                sql.Identifier(self._tables[table].name), self._seen(table, last), raw(last)
            )
            for table, last in self._last.items()
            if table in self.visible
        ]
        return sql.SQL("WITH {} ").format(listed(parts)) if parts else raw("")

    def _seen(self, table: str, last: str) -> sql.Composable:
        """The columns as others see them: rows that are new have keys, below all that the server gives out."""
        if table not in self._longer:
            return listed(map(sql.Identifier, self.types[table]))
        key = self._tables[table].key
        return listed(
            sql.SQL(
                "coalesce({c}, ((SELECT least(min({c}), 0) FROM {last}) - row_number() OVER ())::{of}) AS {c}"
            ).format(c=sql.Identifier(column), last=raw(last), of=raw(of))
            if column in key and of in NUMBERED
            else sql.Identifier(column)
            for column, of in self.types[table].items()
        )

    def _layer(self, one: Remedy, state: sql.Composable, number: int, *, fresh: bool) -> None:
        keys = [raw(f"k{n}") for n in range(len(one.table.key))]
        known = listed(keys)
        if one.op == "insert":
            self._last[qualified(one.table)] = self._add(self._inserted(one, state, number))
            self._longer.add(qualified(one.table))
            return
        hits: sql.Composable = sql.SQL("SELECT DISTINCT ON ({}) *, TRUE AS tgi_hit FROM ({}{}) AS tgi_found").format(
            known, state, one.text
        )
        if fresh:
            before = sql.SQL("SELECT {} FROM ({}) AS tgi_old").format(known, one.text)
            hits = sql.SQL("SELECT * FROM ({}) AS tgi_new WHERE ({}) NOT IN ({})").format(hits, known, before)
        on = both(
            sql.SQL("tgi_hits.{} = tgi_row.{}").format(name, sql.Identifier(column))
            for name, column in zip(keys, one.table.key, strict=True)
        )
        self._last[qualified(one.table)] = self._add(
            sql.SQL("SELECT {} FROM {} AS tgi_row LEFT JOIN ({}) AS tgi_hits ON {}").format(
                self._rewritten(one, number), raw(self._last[qualified(one.table)]), hits, on
            )
        )

    def _rewritten(self, one: Remedy, number: int) -> sql.Composable:
        values = {column: raw(f"tgi_hits.v{n}") for n, column in enumerate(one.columns)}
        targets: list[sql.Composable] = []
        for column, of in self.types[qualified(one.table)].items():
            named = sql.Identifier(column)
            if column in values:
                targets.append(
                    sql.SQL("CASE WHEN tgi_hits.tgi_hit THEN {}::{} ELSE tgi_row.{} END AS {}").format(
                        values[column], raw(of), named, named
                    )
                )
            else:
                targets.append(sql.SQL("tgi_row.{}").format(named))
        targets.append(
            sql.SQL(
                "CASE WHEN tgi_hits.tgi_hit THEN tgi_row.tgi_rules || {} ELSE tgi_row.tgi_rules END AS tgi_rules"
            ).format(raw(str(number)))
        )
        gone = "tgi_row.tgi_gone OR tgi_hits.tgi_hit IS TRUE" if one.op == "delete" else "tgi_row.tgi_gone"
        return listed([*targets, raw(f"{gone} AS tgi_gone")])

    def _inserted(self, one: Remedy, state: sql.Composable, number: int) -> sql.Composable:
        values = {column: raw(f"tgi_found.v{n}") for n, column in enumerate(one.columns)}
        targets = [
            sql.SQL("{}::{} AS {}").format(values.get(column, raw("NULL")), raw(of), sql.Identifier(column))
            for column, of in self.types[qualified(one.table)].items()
        ]
        targets.append(sql.SQL("ARRAY[{}] AS tgi_rules, FALSE AS tgi_gone").format(raw(str(number))))
        return sql.SQL("SELECT * FROM {} UNION ALL SELECT {} FROM ({}{}) AS tgi_found").format(
            raw(self._last[qualified(one.table)]), listed(targets), state, one.text
        )

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that have layers."""
        return tuple(self._tables.values())

    def _with(self) -> sql.Composable:
        return sql.SQL("WITH {} ").format(listed(self._parts))

    def together(self, questions: Iterable[sql.Composable]) -> sql.Composable:
        """Several questions about the end as one statement: their rows, numbered from 0."""
        asked = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {} AS tgi_question, tgi_answer.* FROM ({}) AS tgi_answer").format(raw(str(n)), one)
            for n, one in enumerate(questions)
        )
        return sql.SQL("{}{} ORDER BY 1").format(self._with(), asked)

    def restless(self, one: Remedy) -> sql.Composable:
        """How many rows this remedy would still change after all, and the numbers of the rules that wrote to them."""
        state = self._state()
        if one.op != "update":
            return sql.SQL("SELECT count(*), '{{}}'::int[] FROM ({}{}) AS tgi_found").format(state, one.text)
        types = self.types[qualified(one.table)]
        on = both(
            sql.SQL("tgi_row.{} = tgi_found.{}").format(sql.Identifier(column), raw(f"k{n}"))
            for n, column in enumerate(one.table.key)
        )
        differ = sql.SQL(" OR ").join(
            sql.SQL("tgi_row.{}::text IS DISTINCT FROM (tgi_found.{}::{})::text").format(
                sql.Identifier(column), raw(f"v{n}"), raw(types[column])
            )
            for n, column in enumerate(one.columns)
        )
        return sql.SQL(
            "SELECT count(DISTINCT tgi_row.*), array_agg(DISTINCT tgi_number) FROM ({}{}) AS tgi_found"
            " JOIN {} AS tgi_row ON {} CROSS JOIN unnest(tgi_row.tgi_rules) AS tgi_number WHERE {}"
        ).format(state, one.text, raw(self._last[qualified(one.table)]), on, differ)

    def count(self, rows: sql.Composable) -> sql.Composable:
        """How many rows a query finds after all."""
        return sql.SQL("SELECT count(*) FROM ({}SELECT * FROM ({}\n) AS tgi_asked) AS tgi_found").format(
            self._state(), rows
        )

    def changes(self, table: Table) -> sql.Composable:
        """Every change of a table in key order: operation, key, before, after (columns to texts), and the rules' numbers."""
        columns = list(self.types[qualified(table)])
        first, last = self._first[qualified(table)], self._last[qualified(table)]
        on = both(sql.SQL("tgi_a.{c} = tgi_b.{c}").format(c=sql.Identifier(one)) for one in table.key)
        missing = sql.SQL("tgi_a.{} IS NULL").format(sql.Identifier(table.key[0]))
        return sql.SQL(
            "{with_}SELECT CASE WHEN {missing} THEN 'insert' WHEN tgi_b.tgi_gone THEN 'delete' ELSE 'update' END,"
            " {key}, {before}, {after}, tgi_b.tgi_rules FROM {last} AS tgi_b LEFT JOIN {first} AS tgi_a ON {on}"
            " WHERE tgi_b.tgi_rules <> '{{}}' AND NOT ({missing} AND tgi_b.tgi_gone)"
            " AND ({missing} OR tgi_b.tgi_gone OR {before} <> {after}) ORDER BY {order}"
        ).format(
            with_=self._with(),
            missing=missing,
            key=_texts("tgi_b", table.key),
            before=_texts("tgi_a", columns),
            after=_texts("tgi_b", columns),
            last=raw(last),
            first=raw(first),
            on=on,
            order=listed(sql.SQL("tgi_b.{}").format(sql.Identifier(one)) for one in table.key),
        )


def _texts(alias: str, columns: Iterable[str]) -> sql.Composed:
    """Columns and their values as text, as one JSON object: text is what survives any type."""
    known = list(columns)
    values = listed(sql.SQL("{}.{}::text").format(raw(alias), sql.Identifier(one)) for one in known)
    names = listed(sql.SQL("{}::text").format(sql.Literal(one)) for one in known)
    return sql.SQL("jsonb_object(ARRAY[{}], ARRAY[{}])").format(names, values)
