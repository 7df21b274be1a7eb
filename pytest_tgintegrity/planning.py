"""From rules to scans: which questions to ask the database so that each source is read once. Pure: no I/O, no clock."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar, assert_never

from psycopg import sql

from pytest_tgintegrity.errors import DeclarationError, NotEvaluated
from pytest_tgintegrity.predicates import (
    ASCII_BLANKS,
    UNICODE_BLANKS,
    Params,
    Predicate,
    RowKind,
    Value,
    both,
    column,
    fill,
    identifier,
    parenthesised,
    plain,
    predicate,
    raw,
    readable,
    shown_columns,
)
from pytest_tgintegrity.rules import (
    AtMost,
    Between,
    Check,
    Declared,
    Metric,
    NotBlank,
    NotNull,
    OneOf,
    Query,
    References,
    Rows,
    Rule,
    Schema,
    Source,
    Unique,
)
from pytest_tgintegrity.scans import (
    UNKNOWN_PAGES,
    MetricScan,
    Named,
    QueryScan,
    Reference,
    ReferenceScan,
    RowCheck,
    RowScan,
    Scan,
    UniqueScan,
)
from pytest_tgintegrity.schema import Constraint, Facts, Table
from pytest_tgintegrity.schema_questions import schema_question

T = TypeVar("T")

CHECKS_PER_SCAN = 400
REFERENCES_PER_SCAN = 6
COLUMNS_PER_CALL = 90


@dataclass(frozen=True, slots=True)
class BoundRule:
    """One test: its id, its declaration, its docstring and the parametrize values it was given."""

    id: str
    rule: Rule
    doc: str
    params: Params = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """What of the data a run looks at: rows younger than `cutoff` for rules with `since=`, and the chosen scopes."""

    cutoff: datetime | None = None
    scopes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """The scans of a run, biggest first, and the rules that could not be planned, with the reason."""

    scans: tuple[Scan, ...]
    unplannable: Mapping[str, str]
    tables: Mapping[str, tuple[str, ...]]
    unscoped: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Place:
    """A source made ready: its FROM clause as SQL, its key and label, what is known of its columns, its size."""

    name: str
    table: sql.Composable
    keys: tuple[sql.Composable, ...]
    label: sql.Composable | None
    columns: frozenset[str]
    pages: int
    scope: sql.Composable | None
    unscoped: bool


class _Planner:
    """Sorts rules by what they read; each kind has one method that knows how to ask."""

    def __init__(self, facts: Facts, window: Window) -> None:
        self.facts = facts
        self.window = window
        self.blanks = UNICODE_BLANKS if facts.encoding == "UTF8" else ASCII_BLANKS
        self.rows: dict[tuple[str, str, float | None], list[tuple[_Place, RowCheck]]] = defaultdict(list)
        self.references: dict[tuple[str, str, float | None], list[tuple[_Place, Reference]]] = defaultdict(list)
        self.scans: list[Scan] = []
        self.unplannable: dict[str, str] = {}
        self.tables: dict[str, tuple[str, ...]] = {}
        self.unscoped: set[str] = set()
        self.scopes: set[str] = set()
        self._places: dict[tuple[Any, ...], _Place] = {}
        self._named = _names_in(facts.tables)

    def add(self, bound: BoundRule) -> None:
        """Sort in one rule; a rule that cannot be planned is remembered with the reason."""
        try:
            self._add(bound)
        except (DeclarationError, NotEvaluated) as error:
            self.unplannable[bound.id] = str(error)

    def _add(self, bound: BoundRule) -> None:
        kind = bound.rule.kind
        match kind:
            case Rows() | Between() | OneOf() | NotNull() | NotBlank() | AtMost():
                self._add_rows(bound, kind)
            case Unique():
                self._add_unique(bound, kind)
            case References():
                self._add_reference(bound, kind)
            case Query():
                self._add_query(bound, fill(_statement(kind.sql), bound.params))
            case Schema():
                self._add_query(bound, schema_question(kind, bound.params))
            case Metric():
                self._add_metric(bound, kind)
            case Declared():
                self._add_declared(bound, kind)
            case Check():
                self.tables[bound.id] = ()
            case _:
                assert_never(kind)

    # --- sources

    def _place(self, source: Source | str, params: Params) -> _Place:
        name = plain(source if isinstance(source, str) else source.name, params)
        key = (source, name) if isinstance(source, str) else (id(source), name)
        if key not in self._places:
            place = self._table_place(name) if isinstance(source, str) else self._join_place(source, name, params)
            self._places[key] = place
        place = self._places[key]
        if place.unscoped:
            self.unscoped.add(place.name)
        return place

    def _table_place(self, name: str) -> _Place:
        table = self.facts.table(name)
        quoted = identifier(name) if table is None or "." in name else sql.Identifier(table.name)
        if table is None:
            return _Place(
                name, quoted, (raw("NULL"),), None, frozenset(), UNKNOWN_PAGES, None, bool(self.window.scopes)
            )
        label = sql.Identifier("name") if "name" in table.columns and table.key != ("name",) else None
        unscoped = bool(self.window.scopes)
        return _Place(name, quoted, _row_key(table, quoted), label, table.columns, table.pages, None, unscoped)

    def _join_place(self, source: Source, name: str, params: Params) -> _Place:
        self.scopes |= set(source.scopes)
        scopes = {known: expression for known, expression in source.scopes.items() if known in self.window.scopes}
        conditions = [
            sql.SQL("{} = {}").format(fill(expression, params), Value(self.window.scopes[known]))
            for known, expression in scopes.items()
        ]
        return _Place(
            name=name,
            table=fill(source.from_clause, params),
            keys=tuple(column(one, params) for one in source.keys),
            label=None if source.label is None else column(source.label, params),
            columns=frozenset(),
            pages=max([UNKNOWN_PAGES, *(self.facts.tables[t].pages for t in self._tables_in(source.from_clause))]),
            scope=both(conditions) if conditions else None,
            unscoped=len(scopes) < len(self.window.scopes),
        )

    def _tables_in(self, *texts: str) -> tuple[str, ...]:
        found = {name for text in texts for name in self._named(text)}
        return tuple(sorted(found))

    def _within(self, bound: BoundRule, place: _Place) -> sql.Composable | None:
        if bound.rule.since is None or self.window.cutoff is None:
            return None
        since = column(bound.rule.since, bound.params, place.columns)
        return sql.SQL("{} >= {}").format(since, Value(self.window.cutoff))

    def _group(self, place: _Place, bound: BoundRule) -> tuple[str, str, float | None]:
        scope = "" if place.scope is None else readable(place.scope)
        return (readable(place.table), scope, bound.rule.timeout)

    # --- kinds

    def _add_rows(self, bound: BoundRule, kind: RowKind) -> None:
        place = self._place(kind.source, bound.params)
        found = predicate(kind, bound.params, place.columns, self.blanks)
        self._add_check(bound, place, found)
        self.tables[bound.id] = self._read_by(place, readable(found.condition))

    def _read_by(self, place: _Place, *more: str) -> tuple[str, ...]:
        first = (place.name,) if self.facts.table(place.name) else self._tables_in(readable(place.table))
        return tuple(dict.fromkeys([*first, *self._tables_in(*more)]))

    def _add_check(self, bound: BoundRule, place: _Place, found: Predicate) -> None:
        shown = (*found.shown, *shown_columns(_shown(bound.rule), bound.params, place.columns))
        check = RowCheck(
            bound.id, found, self._within(bound, place), place.keys, place.label, tuple(dict(shown).items())
        )
        self.rows[self._group(place, bound)].append((place, check))

    def _add_unique(self, bound: BoundRule, kind: Unique) -> None:
        place = self._place(kind.source, bound.params)
        parts = shown_columns(kind.columns, bound.params, place.columns)
        where = None if kind.where is None else fill(kind.where, bound.params, place.columns)
        self._unique(bound, place, parts, where, nulls_distinct=kind.nulls_distinct)
        self.tables[bound.id] = self._read_by(place, kind.where or "")

    def _unique(
        self,
        bound: BoundRule,
        place: _Place,
        parts: tuple[Named, ...],
        where: sql.Composable | None,
        *,
        nulls_distinct: bool,
    ) -> None:
        conditions = [one for one in (place.scope, self._within(bound, place), where) if one is not None]
        self.scans.append(
            UniqueScan(
                source=place.name,
                rule=bound.id,
                table=place.table,
                where=both(conditions) if conditions else None,
                parts=parts,
                nulls_distinct=nulls_distinct,
                keys=place.keys,
                label=place.label,
                pages=place.pages,
                timeout=bound.rule.timeout,
            )
        )

    def _add_reference(self, bound: BoundRule, kind: References) -> None:
        place = self._place(kind.source, bound.params)
        target = plain(kind.target, bound.params)
        table = self.facts.table(target)
        targets = tuple(plain(one, bound.params) for one in kind.target_columns) or (table.key if table else ())
        if len(targets) != len(kind.columns):
            raise NotEvaluated(f"{target} has no primary key of {len(kind.columns)} columns: name target_column=")
        self._reference(
            bound,
            place,
            Reference(
                rule=bound.id,
                columns=shown_columns(kind.columns, bound.params, place.columns),
                target=self._place(target, {}).table,
                target_columns=tuple(sql.Identifier(one) for one in targets),
                distinct=table is None or not _unique_in(table, targets),
                match_full=kind.match_full,
                keys=place.keys,
                label=place.label,
                within=self._within(bound, place),
            ),
        )
        self.tables[bound.id] = self._read_by(place, target)

    def _reference(self, bound: BoundRule, place: _Place, reference: Reference) -> None:
        self.references[self._group(place, bound)].append((place, reference))

    def _add_query(self, bound: BoundRule, query: sql.Composable) -> None:
        self.tables[bound.id] = self._tables_in(readable(query))
        source = ", ".join(self.tables[bound.id]) or "query"
        self.scans.append(QueryScan(source, bound.id, query, timeout=bound.rule.timeout))

    def _add_metric(self, bound: BoundRule, kind: Metric) -> None:
        query = fill(_statement(kind.sql), bound.params)
        self.tables[bound.id] = self._tables_in(readable(query))
        self.scans.append(MetricScan(kind.name, bound.id, kind, query, timeout=bound.rule.timeout))

    # --- declared constraints

    def _add_declared(self, bound: BoundRule, kind: Declared) -> None:
        constraint = bound.params.get("constraint")
        if not isinstance(constraint, Constraint):
            raise NotEvaluated(f"the database declares no constraint of the kind {kind.what}")
        place = self._constraint_place(constraint)
        self.tables[bound.id] = (place.name,)
        match constraint.kind:
            case "check":
                truth = parenthesised(raw(constraint.expressions[0]))
                self._add_check(bound, place, Predicate(sql.SQL("NOT {}").format(truth), _named(constraint.columns)))
            case "not_null":
                self._add_check(bound, place, Predicate(_any_null(constraint.columns), _named(constraint.columns)[:6]))
            case "unique":
                parts = tuple((one, raw(one)) for one in constraint.expressions)
                where = None if constraint.where is None else raw(constraint.where)
                self._unique(bound, place, parts, where, nulls_distinct=constraint.nulls_distinct)
            case "foreign_key":
                self._declared_reference(bound, place, constraint)

    def _constraint_place(self, constraint: Constraint) -> _Place:
        name = constraint.table if constraint.visible else f"{constraint.schema}.{constraint.table}"
        key = (constraint.schema, constraint.table, constraint.only)
        if key not in self._places:
            table = self.facts.tables[f"{constraint.schema}.{constraint.table}"]
            place = replace(self._table_place(f"{constraint.schema}.{constraint.table}"), name=name, unscoped=False)
            quoted = sql.Identifier(table.name) if constraint.visible else sql.Identifier(*table.path)
            exactly = sql.SQL("ONLY {}").format(quoted) if constraint.only and table.inherited else quoted
            self._places[key] = replace(place, table=exactly)
        return self._places[key]

    def _declared_reference(self, bound: BoundRule, place: _Place, constraint: Constraint) -> None:
        if constraint.target is None:
            raise NotEvaluated(f"{constraint.definition}: a foreign key over periods cannot be checked yet")
        reference = Reference(
            rule=bound.id,
            columns=_named(constraint.columns),
            target=sql.Identifier(*constraint.target),
            target_columns=tuple(sql.Identifier(one) for one in constraint.target_columns),
            distinct=False,
            match_full=constraint.match_full,
            keys=place.keys,
            label=place.label,
            within=None,
        )
        self._reference(bound, place, reference)
        schema, name = constraint.target
        visible = self.facts.table(name)
        target = name if visible and visible.path == (schema, name) else f"{schema}.{name}"
        self.tables[bound.id] = tuple(dict.fromkeys([place.name, target]))

    # --- the plan

    def plan(self) -> Plan:
        """Group what was sorted in, biggest scans first."""
        grouped = [*self._row_scans(), *self._reference_scans(), *self.scans]
        ordered = sorted(grouped, key=lambda scan: (-scan.pages, scan.source, scan.rules))
        return Plan(tuple(ordered), self.unplannable, self.tables, tuple(sorted(self.unscoped)), frozenset(self.scopes))

    def _row_scans(self) -> Iterable[RowScan]:
        for (_, _, timeout), members in self.rows.items():
            place = members[0][0]
            for checks in _chunks([check for _, check in members], CHECKS_PER_SCAN):
                yield RowScan(place.name, place.table, place.scope, tuple(checks), place.pages, timeout)

    def _reference_scans(self) -> Iterable[ReferenceScan]:
        for (_, _, timeout), members in self.references.items():
            place = members[0][0]
            for chunk in _chunks([one for _, one in members], REFERENCES_PER_SCAN):
                yield ReferenceScan(place.name, place.table, place.scope, tuple(chunk), place.pages, timeout)


def plan(rules: Iterable[BoundRule], facts: Facts, window: Window | None = None) -> Plan:
    """Turn rules into scans.

    The order of `rules` does not matter. A rule whose SQL the server will refuse is planned all the same: the server
    says so when it is asked, and only that rule becomes unknown.
    """
    planner = _Planner(facts, window or Window())
    for bound in rules:
        planner.add(bound)
    return planner.plan()


def _chunks(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _statement(text: str) -> str:
    return text.strip().rstrip(";")


def _names_in(tables: Iterable[str]) -> Callable[[str], set[str]]:
    known = frozenset(tables)
    word = re.compile(r"[\w.]+")
    return lambda text: {name for name in word.findall(text.replace('"', "")) if name in known}


def _row_key(table: Table, quoted: sql.Composable) -> tuple[sql.Composable, ...]:
    if table.key:
        return tuple(sql.Identifier(one) for one in table.key)
    return (raw("ctid") if table.stored else sql.SQL("({}.*)::text").format(quoted),)


def _unique_in(table: Table, columns: Sequence[str]) -> bool:
    wanted = frozenset(columns)
    return wanted == frozenset(table.key) or wanted in table.uniques


def _shown(rule: Rule) -> tuple[str, ...]:
    """The columns to show: those the author asked for, else those that its break or fix writes."""
    if rule.show:
        return rule.show
    writes = [*(rule.breaks or {}), *(rule.fix if isinstance(rule.fix, Mapping) else {})]
    return tuple(dict.fromkeys(writes))


def _named(columns: Iterable[str]) -> tuple[Named, ...]:
    return tuple((one, sql.Identifier(one)) for one in columns)


def _any_null(columns: Sequence[str]) -> sql.Composed:
    calls = [sql.SQL(", ").join(map(sql.Identifier, chunk)) for chunk in _chunks(columns, COLUMNS_PER_CALL)]
    return sql.SQL(" OR ").join(sql.SQL("num_nulls({}) > 0").format(call) for call in calls)
