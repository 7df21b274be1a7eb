"""From rules to scans: which questions to ask the database so that each source is read once. Pure: no I/O, no clock."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar, assert_never

import psycopg
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
    title,
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
    Access,
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
_Group = tuple[str, str]

CHECKS_PER_SCAN = 400
REFERENCES_PER_SCAN = 6
COLUMNS_PER_CALL = 90
LOOKUP_RATIO = 8


@dataclass(frozen=True, slots=True)
class BoundRule:
    """One test: its id, its declaration, its docstring and the parametrize values it was given."""

    id: str
    rule: Rule
    doc: str
    params: Params = field(default_factory=dict)

    @property
    def fix(self) -> str | None:
        """What the declared fix writes, for people: its placeholders are filled in."""
        declared = self.rule.fix
        if declared is None or isinstance(declared, str):
            return None if declared is None else plain(declared, self.params)
        return ", ".join(plain(f"{column} = {value}", self.params) for column, value in declared.items())


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
    """A source made ready: its FROM clause as SQL, its key and label, what is known of its columns, its size.

    `tables` are the names of the tables in it. `stored` says that it is one table with rows of its own, which can be
    read without the help of an index. Sources of the same `group` are read as one.
    """

    name: str
    table: sql.Composable
    keys: tuple[sql.Composable, ...]
    label: sql.Composable | None
    columns: frozenset[str] = frozenset()
    tables: tuple[str, ...] = ()
    pages: int = UNKNOWN_PAGES
    stored: bool = False
    scope: sql.Composable | None = None
    unscoped: bool = False
    group: _Group = field(init=False)

    def __post_init__(self) -> None:
        scope = "" if self.scope is None else readable(self.scope)
        object.__setattr__(self, "group", (readable(self.table), scope))


class _Planner:
    """Sorts rules by what they read; each kind has one method that knows how to ask."""

    def __init__(self, facts: Facts, window: Window) -> None:
        self.facts = facts
        self.window = window
        self.blanks = UNICODE_BLANKS if facts.encoding == "UTF8" else ASCII_BLANKS
        self.rows: dict[tuple[_Group, float | None], list[tuple[_Place, RowCheck]]] = defaultdict(list)
        self.references: dict[tuple[_Group, float | None, Access], list[tuple[_Place, Reference]]] = defaultdict(list)
        self.scans: list[Scan] = []
        self.unplannable: dict[str, str] = {}
        self.tables: dict[str, tuple[str, ...]] = {}
        self.unscoped: set[str] = set()
        self.scopes: set[str] = set()
        self._places: dict[tuple[str, ...], _Place] = {}
        self._windows: dict[tuple[_Group, str], sql.Composable] = {}
        self._named = _names_in(facts.tables)

    def add(self, bound: BoundRule) -> None:
        """Sort in one rule; a rule that cannot be planned is remembered with the reason."""
        try:
            self._add(bound)
        except (DeclarationError, NotEvaluated, psycopg.Error) as error:
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
        key = tuple(plain(text, params) for text in _texts(source))
        if key not in self._places:
            self._places[key] = (
                self._table_place(key[0]) if isinstance(source, str) else self._join_place(source, key[0], params)
            )
        place = self._places[key]
        if place.unscoped:
            self.unscoped.add(place.name)
        return place

    def _table_place(self, name: str) -> _Place:
        table = self.facts.table(name)
        unscoped = bool(self.window.scopes)
        if table is None:
            return _Place(name, identifier(name), (raw("NULL"),), None, unscoped=unscoped)
        quoted = self._quoted(table)
        return _Place(
            name=name,
            table=quoted,
            keys=_row_key(table, quoted),
            label=sql.Identifier("name") if "name" in table.columns and table.key != ("name",) else None,
            columns=table.columns,
            tables=(name,),
            pages=table.pages,
            stored=table.stored,
            unscoped=unscoped,
        )

    def _quoted(self, table: Table) -> sql.Identifier:
        """The same for every spelling of its name, so that it is read once."""
        visible = self.facts.table(table.name)
        return sql.Identifier(table.name) if visible and visible.path == table.path else sql.Identifier(*table.path)

    def _join_place(self, source: Source, name: str, params: Params) -> _Place:
        self.scopes |= set(source.scopes)
        scopes = {known: expression for known, expression in source.scopes.items() if known in self.window.scopes}
        conditions = [
            sql.SQL("{} = {}").format(column(expression, params), Value(self.window.scopes[known]))
            for known, expression in scopes.items()
        ]
        tables = self._tables_in(plain(source.from_clause, params))
        return _Place(
            name=name,
            table=fill(source.from_clause, params),
            keys=tuple(column(one, params) for one in source.keys),
            label=None if source.label is None else column(source.label, params),
            tables=tables,
            pages=max([UNKNOWN_PAGES, *(self.facts.tables[table].pages for table in tables)]),
            scope=both(conditions) if conditions else None,
            unscoped=len(scopes) < len(self.window.scopes),
        )

    def _tables_in(self, text: str) -> tuple[str, ...]:
        return tuple(sorted(self._named(text)))

    def _within(self, bound: BoundRule, place: _Place) -> sql.Composable | None:
        if bound.rule.since is None or self.window.cutoff is None:
            return None
        key = (place.group, plain(bound.rule.since, bound.params))
        if key not in self._windows:
            since = column(bound.rule.since, bound.params, place.columns)
            self._windows[key] = sql.SQL("{} >= {}").format(since, Value(self.window.cutoff))
        return self._windows[key]

    # --- kinds

    def _add_rows(self, bound: BoundRule, kind: RowKind) -> None:
        place = self._place(kind.source, bound.params)
        self._add_check(bound, place, predicate(kind, bound.params, place.columns, self.blanks))
        more = self._tables_in(plain(kind.where, bound.params)) if isinstance(kind, Rows) else ()
        self._reads(bound, place, *more)

    def _reads(self, bound: BoundRule, place: _Place, *more: str) -> None:
        self.tables[bound.id] = tuple(dict.fromkeys([*place.tables, *more]))

    def _add_check(self, bound: BoundRule, place: _Place, found: Predicate) -> None:
        shown = (*found.shown, *_shown(bound, place, found.shown))
        check = RowCheck(bound.id, found, self._within(bound, place), place.keys, place.label, shown)
        self.rows[place.group, bound.rule.timeout].append((place, check))

    def _add_unique(self, bound: BoundRule, kind: Unique) -> None:
        place = self._place(kind.source, bound.params)
        parts = shown_columns(kind.columns, bound.params, place.columns)
        where = None if kind.where is None else fill(kind.where, bound.params, place.columns)
        self._unique(bound, place, parts, where, nulls_distinct=kind.nulls_distinct)
        self._reads(bound, place, *self._tables_in(plain(kind.where or "", bound.params)))

    def _unique(
        self,
        bound: BoundRule,
        place: _Place,
        parts: tuple[Named, ...],
        where: sql.Composable | None,
        *,
        nulls_distinct: bool,
    ) -> None:
        conditions = [one for one in (place.scope, where) if one is not None]
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
                shown=_shown(bound, place, parts),
                within=self._within(bound, place),
                pages=place.pages,
                access="heap" if place.stored else "any",
                timeout=bound.rule.timeout,
            )
        )

    def _add_reference(self, bound: BoundRule, kind: References) -> None:
        place = self._place(kind.source, bound.params)
        target = self._table_place(plain(kind.target, bound.params))
        table = self.facts.table(target.name)
        known = table.columns if table else ()
        columns = tuple(title(one, bound.params, known) for one in kind.target_columns) or (table.key if table else ())
        if len(columns) != len(kind.columns):
            raise NotEvaluated(f"{target.name} has no primary key of {len(kind.columns)} columns: name target_column=")
        parts = shown_columns(kind.columns, bound.params, place.columns)
        self._reference(bound, place, parts, target, columns, match_full=kind.match_full)

    def _reference(
        self,
        bound: BoundRule,
        place: _Place,
        columns: tuple[Named, ...],
        target: _Place,
        target_columns: tuple[str, ...],
        *,
        match_full: bool,
    ) -> None:
        reference = Reference(
            rule=bound.id,
            columns=columns,
            target=target.table,
            target_columns=tuple(map(sql.Identifier, target_columns)),
            distinct=not self._unique_in(target, target_columns),
            match_full=match_full,
            keys=place.keys,
            label=place.label,
            shown=_shown(bound, place, columns),
            within=self._within(bound, place),
            pages=target.pages,
        )
        self.references[place.group, bound.rule.timeout, _access(place, target)].append((place, reference))
        self._reads(bound, place, target.name)

    def _unique_in(self, place: _Place, columns: Sequence[str]) -> bool:
        table = self.facts.table(place.name)
        return table is not None and not table.inherited and frozenset(columns) in table.uniques

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
        place = self._declared_place(constraint.schema, constraint.table, only=constraint.only)
        self._reads(bound, place)
        match constraint.kind:
            case "check":
                truth = parenthesised(raw(constraint.expressions[0]))
                self._add_check(bound, place, Predicate(sql.SQL("NOT {}").format(truth), _named(constraint.columns)))
            case "not_null":
                self._add_check(bound, place, Predicate(_any_null(constraint.columns), _named(constraint.columns)[:6]))
            case "unique":
                if not constraint.expressions:
                    raise NotEvaluated(f"{constraint.definition}: uniqueness over periods cannot be checked yet")
                parts = tuple((one, raw(one)) for one in constraint.expressions)
                where = None if constraint.where is None else raw(constraint.where)
                self._unique(bound, place, parts, where, nulls_distinct=constraint.nulls_distinct)
            case "foreign_key":
                self._declared_reference(bound, place, constraint)

    def _declared_place(self, schema: str, name: str, *, only: bool) -> _Place:
        """The very table that a constraint is about: its children have constraints of their own."""
        key = (schema, name, "ONLY" if only else "")
        if key not in self._places:
            table = self.facts.tables.get(f"{schema}.{name}")
            if table is None:
                raise NotEvaluated(f"the table {schema}.{name} is gone")
            visible = self.facts.table(name)
            place = self._table_place(name if visible and visible.path == (schema, name) else f"{schema}.{name}")
            exactly = sql.SQL("ONLY {}").format(place.table) if only and table.inherited else place.table
            self._places[key] = replace(place, table=exactly, unscoped=False)
        return self._places[key]

    def _declared_reference(self, bound: BoundRule, place: _Place, constraint: Constraint) -> None:
        if constraint.target is None:
            raise NotEvaluated(f"{constraint.definition}: a foreign key over periods cannot be checked yet")
        columns = _named(constraint.columns)
        if constraint.expressions:
            columns = tuple(zip(constraint.columns, map(raw, constraint.expressions), strict=True))
        target = self._declared_place(*constraint.target, only=True)
        self._reference(bound, place, columns, target, constraint.target_columns, match_full=constraint.match_full)

    # --- the plan

    def plan(self) -> Plan:
        """Group what was sorted in, biggest scans first."""
        grouped = [*self._row_scans(), *self._reference_scans(), *self.scans]
        ordered = sorted(grouped, key=lambda scan: (-scan.pages, scan.source, scan.rules))
        return Plan(tuple(ordered), self.unplannable, self.tables, tuple(sorted(self.unscoped)), frozenset(self.scopes))

    def _row_scans(self) -> Iterable[RowScan]:
        for (_, timeout), members in self.rows.items():
            place = members[0][0]
            for checks in _chunks([check for _, check in members], CHECKS_PER_SCAN):
                yield RowScan(place.name, place.table, place.scope, tuple(checks), place.pages, timeout)

    def _reference_scans(self) -> Iterable[ReferenceScan]:
        for (_, timeout, access), members in self.references.items():
            place = members[0][0]
            for chunk in _chunks([one for _, one in members], REFERENCES_PER_SCAN):
                pages = place.pages + sum(one.pages for one in chunk if access != "lookup")
                yield ReferenceScan(place.name, place.table, place.scope, tuple(chunk), pages, access, timeout)


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


def _access(place: _Place, target: _Place) -> Access:
    """Both tables are read whole, unless the target is so large that looking up the source's keys is cheaper."""
    if not (place.stored and target.stored):
        return "any"
    return "lookup" if target.pages > LOOKUP_RATIO * (place.pages + LOOKUP_RATIO) else "heap"


def _row_key(table: Table, quoted: sql.Composable) -> tuple[sql.Composable, ...]:
    if table.key:
        return tuple(sql.Identifier(one) for one in table.key)
    return (sql.SQL("{}.ctid" if table.stored else "({}.*)::text").format(quoted),)


def _texts(source: Source | str) -> tuple[str, ...]:
    """All that makes a source what it is, the name first; any of it may hold placeholders."""
    if isinstance(source, str):
        return (source,)
    scopes = [text for pair in source.scopes.items() for text in pair]
    return (source.name, source.from_clause, source.label or "", *source.keys, *scopes)


def _shown(bound: BoundRule, place: _Place, already: Sequence[Named]) -> tuple[Named, ...]:
    """The columns to show: those the author asked for, else those that the rule's break or fix writes."""
    rule = bound.rule
    writes = [*(rule.breaks or {}), *(rule.fix if isinstance(rule.fix, Mapping) else {})]
    found = shown_columns(rule.show or tuple(dict.fromkeys(writes)), bound.params, place.columns)
    return tuple((name, expression) for name, expression in found if name not in dict(already))


def _named(columns: Iterable[str]) -> tuple[Named, ...]:
    return tuple((one, sql.Identifier(one)) for one in columns)


def _any_null(columns: Sequence[str]) -> sql.Composed:
    calls = [sql.SQL(", ").join(map(sql.Identifier, chunk)) for chunk in _chunks(columns, COLUMNS_PER_CALL)]
    return sql.SQL(" OR ").join(sql.SQL("num_nulls({}) > 0").format(call) for call in calls)
