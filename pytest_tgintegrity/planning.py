"""From rules to scans: which questions to ask the database so that each source is read once. Pure: no I/O, no clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TypeVar

import psycopg
from psycopg import sql

from pytest_tgintegrity.domains import KEY, unmet, values_of
from pytest_tgintegrity.errors import DeclarationError, NotEvaluated
from pytest_tgintegrity.exclusions import CONFLICTS, MORE_TIME, with_conflicts
from pytest_tgintegrity.kinds import (
    Acyclic,
    Check,
    Children,
    Declared,
    Derived,
    Metric,
    Query,
    References,
    Schema,
    Total,
    Unique,
)
from pytest_tgintegrity.places import UNREACHED, Place, Places, Scoped
from pytest_tgintegrity.predicates import (
    ASCII_BLANKS,
    NUM_NULLS,
    UNICODE_BLANKS,
    Params,
    Predicate,
    RowKind,
    about_children,
    aggregate,
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
from pytest_tgintegrity.rules import Rule
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
    Target,
    UniqueScan,
)
from pytest_tgintegrity.schema import Constraint, Facts
from pytest_tgintegrity.schema_questions import schema_question
from pytest_tgintegrity.windows import Dated, Window

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

    @property
    def enforced_by(self) -> str | None:
        """The constraint that ought to forbid the violation; its placeholders are filled in."""
        declared = self.rule.enforced_by
        return None if declared is None else plain(declared, self.params)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose rows violate a rule; if they do so since what their first `pointers` columns say is missing, `missing_in` says where."""

    rows: str
    missing_in: str | None = None
    pointers: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The scans of a run, biggest first, and the rules that could not be planned, with the reason."""

    scans: tuple[Scan, ...]
    unplannable: Mapping[str, str]
    tables: Mapping[str, tuple[str, ...]]
    unscoped: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    scoped: Mapping[str, Sequence[Scoped]] = field(default_factory=dict)
    dated: Sequence[Dated] = ()
    subjects: Mapping[str, Subject] = field(default_factory=dict)


class _Planner:
    """Sorts rules by what they read; each kind has one method that knows how to ask."""

    def __init__(self, facts: Facts, window: Window) -> None:
        self.facts = facts
        self.places = Places(facts, window)
        self.blanks = blanks_of(facts)
        self.since = {"since": window.start}
        self.rows: dict[tuple[_Group, float | None], list[tuple[Place, RowCheck]]] = defaultdict(list)
        self.references: dict[tuple[_Group, float | None, Access], list[tuple[Place, Reference]]] = defaultdict(list)
        self.scans: list[Scan] = []
        self.unplannable: dict[str, str] = {}
        self.tables: dict[str, tuple[str, ...]] = {}
        self.subjects: dict[str, Subject] = {}

    def add(self, bound: BoundRule) -> None:
        """Sort in one rule; a rule that cannot be planned is remembered with the reason."""
        try:
            self._add(bound)
        except (DeclarationError, NotEvaluated, psycopg.Error) as error:
            self.unplannable[bound.id] = str(error)

    def _add(self, bound: BoundRule) -> None:
        kind = bound.rule.kind
        match kind:
            case Acyclic():
                self._add_acyclic(bound, kind)
            case Children() | Total() | Derived():
                self._add_children(bound, kind)
            case Unique():
                self._add_unique(bound, kind)
            case References():
                self._add_reference(bound, kind)
            case Query():
                self._is_unscoped("queries")
                self._add_query(bound, fill(_statement(kind.sql), {**self.since, **bound.params}))
            case Schema():
                named = raw("") if kind.table is None else identifier(plain(kind.table, bound.params))
                self._add_query(bound, schema_question(kind, bound.params), readable(named))
            case Metric():
                self._is_unscoped("metrics")
                self._add_metric(bound, kind)
            case Declared():
                self._add_declared(bound, kind)
            case Check():
                self.tables[bound.id] = ()
            case _:
                self._add_rows(bound, kind)

    def _is_unscoped(self, what: str) -> None:
        """Free SQL says itself which rows it looks at."""
        if self.places.window.scopes:
            self.places.unscoped.add(what)

    # --- kinds

    def _add_rows(self, bound: BoundRule, kind: RowKind) -> None:
        place = self.places.place(kind.source, bound.params)
        self._add_check(bound, place, predicate(kind, bound.params, place.columns, self.blanks))
        self._reads(bound, place, *self._tables_named(kind, bound.params))

    def _tables_named(self, kind: object, params: Params) -> Iterable[str]:
        """The tables that the SQL of a kind names, beside its source."""
        texts = [value for name in _slots(kind) if isinstance(value := getattr(kind, name), str) and name != "source"]
        return self.places.tables_in(" ".join(plain(text, params) for text in texts))

    def _add_acyclic(self, bound: BoundRule, kind: Acyclic) -> None:
        place = self.places.place(kind.source, bound.params)
        parent = column(kind.parent, bound.params, place.columns)
        shown = ((title(kind.parent, bound.params, place.columns), parent),)
        self._add_check(bound, self.places.with_reached(place, parent), Predicate(UNREACHED, shown))
        self._reads(bound, place)

    def _add_children(self, bound: BoundRule, kind: Children | Total | Derived) -> None:
        place = self.places.place(kind.source, bound.params)
        widened, child = self.places.with_children(place, kind.children, aggregate(kind), bound.params)
        self._add_check(bound, widened, about_children(kind, child.name, bound.params, place.columns))
        self._reads(
            bound, widened, *self._tables_named(kind, bound.params), *self._tables_named(kind.children, bound.params)
        )

    def _reads(self, bound: BoundRule, place: Place, *more: str) -> None:
        self.tables[bound.id] = tuple(dict.fromkeys([*place.tables, *more]))
        self.subjects.setdefault(bound.id, Subject(place.subject))

    def _add_check(self, bound: BoundRule, place: Place, found: Predicate, cure: str | None = None) -> None:
        shown = (*found.shown, *_shown(bound, place, found.shown))
        within = self.places.within(bound.rule.since, place, bound.params)
        check = RowCheck(bound.id, found, within, place.keys, place.label, shown, cure)
        self.rows[place.group, bound.rule.timeout].append((place, check))

    def _add_unique(self, bound: BoundRule, kind: Unique) -> None:
        place = self.places.place(kind.source, bound.params)
        parts = shown_columns(kind.columns, bound.params, place.columns)
        where = None if kind.where is None else fill(kind.where, bound.params, place.columns)
        self._unique(bound, place, parts, where, nulls_distinct=kind.nulls_distinct)
        self._reads(bound, place, *self.places.tables_in(plain(kind.where or "", bound.params)))

    def _unique(
        self,
        bound: BoundRule,
        place: Place,
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
                within=self.places.within(bound.rule.since, place, bound.params),
                pages=place.pages,
                access="heap" if place.stored else "any",
                timeout=bound.rule.timeout,
            )
        )

    def _add_reference(self, bound: BoundRule, kind: References) -> None:
        place = self.places.place(kind.source, bound.params)
        target = self.places.target(kind.target, bound.params)
        columns = kind.target_columns or self._key_of(target)
        if len(columns) != len(kind.columns):
            raise NotEvaluated(f"{target.name} has no primary key of {len(kind.columns)} columns: name target_column=")
        found = tuple(one for _, one in shown_columns(columns, bound.params, target.columns))
        where = None if kind.where is None else fill(kind.where, bound.params, target.columns)
        parts = shown_columns(kind.columns, bound.params, place.columns)
        names = tuple(title(one, bound.params, target.columns) for one in columns)
        distinct = not self._unique_in(target, names)
        self._reference(bound, place, target, Target(target.table, found, distinct, kind.match_full, where), parts)
        self._reads(bound, place, *(target.tables or (target.name,)), *self._tables_named(kind, bound.params))

    def _key_of(self, place: Place) -> tuple[str, ...]:
        table = self.facts.table(place.name)
        return table.key if table else ()

    def _reference(
        self, bound: BoundRule, place: Place, target: Place, found: Target, columns: tuple[Named, ...]
    ) -> None:
        reference = Reference(
            rule=bound.id,
            columns=columns,
            target=found,
            keys=place.keys,
            label=place.label,
            shown=_shown(bound, place, columns),
            within=self.places.within(bound.rule.since, place, bound.params),
            pages=target.pages,
        )
        self.references[place.group, bound.rule.timeout, _access(place, target)].append((place, reference))
        if found.where is None and target.subject:
            named = ", ".join(map(readable, found.columns)).replace('"', "")
            self.subjects[bound.id] = Subject(place.subject, f"{target.subject} ({named})", len(columns))

    def _unique_in(self, place: Place, columns: Sequence[str]) -> bool:
        table = self.facts.table(place.name)
        return table is not None and not table.inherited and frozenset(columns) in table.uniques

    def _add_query(self, bound: BoundRule, query: sql.Composable, reads: str | None = None) -> None:
        self.tables[bound.id] = self.places.tables_in(readable(query) if reads is None else reads)
        source = ", ".join(self.tables[bound.id]) or "query"
        self.scans.append(QueryScan(source, bound.id, query, self._pages(bound), bound.rule.timeout))

    def _add_metric(self, bound: BoundRule, kind: Metric) -> None:
        query = fill(_statement(kind.sql), {**self.since, **bound.params})
        self.tables[bound.id] = self.places.tables_in(readable(query))
        self.scans.append(MetricScan(kind.name, bound.id, kind, query, self._pages(bound), bound.rule.timeout))

    def _pages(self, bound: BoundRule) -> int:
        """What free SQL may have to read: all tables that it names."""
        tables = [self.facts.table(name) for name in self.tables[bound.id]]
        return max(UNKNOWN_PAGES, sum(table.pages for table in tables if table is not None))

    # --- declared constraints

    def _add_declared(self, bound: BoundRule, kind: Declared) -> None:
        constraint = bound.params.get("constraint")
        if not isinstance(constraint, Constraint):
            raise NotEvaluated(f"the database declares no constraint of the kind {kind.what}")
        if constraint.unread is not None:
            raise NotEvaluated(f"the declaration of {constraint.label} cannot be read: {constraint.unread}")
        if constraint.kind == "domain":
            self._add_domain(bound, constraint)
            return
        place = self.places.declared(constraint.schema, constraint.table, only=constraint.only)
        self._reads(bound, place)
        match constraint.kind:
            case "exclusion":
                clash = Predicate(CONFLICTS, _named(constraint.columns))
                self._add_check(bound, with_conflicts(place, constraint), clash, MORE_TIME)
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

    def _add_domain(self, bound: BoundRule, constraint: Constraint) -> None:
        """All values of the domain; what its constraints ask of them is asked together."""
        uses = [(one, self.places.declared(one.schema, one.table, only=True)) for one in constraint.uses]
        tables = tuple(dict.fromkeys(table for _, place in uses for table in place.tables))
        place = Place(
            name=", ".join(tables) or constraint.table,
            table=values_of(uses, constraint.base),
            keys=(KEY,),
            label=None,
            tables=tables,
            pages=sum(place.pages for _, place in uses),
        )
        self._reads(bound, place)
        self._add_check(bound, place, Predicate(unmet(constraint), (("value", raw("value")),)))

    def _declared_reference(self, bound: BoundRule, place: Place, constraint: Constraint) -> None:
        if constraint.target is None:
            raise NotEvaluated(f"{constraint.definition}: a foreign key over periods cannot be checked yet")
        columns = _named(constraint.columns)
        if constraint.expressions:
            columns = tuple(zip(constraint.columns, map(raw, constraint.expressions), strict=True))
        target = self.places.declared(*constraint.target, only=True)
        names = tuple(map(sql.Identifier, constraint.target_columns))
        distinct = not self._unique_in(target, constraint.target_columns)
        self._reference(bound, place, target, Target(target.table, names, distinct, constraint.match_full), columns)
        self._reads(bound, place, target.name)

    # --- the plan

    def plan(self) -> Plan:
        """Group what was sorted in, biggest scans first."""
        grouped = [*self._row_scans(), *self._reference_scans(), *self.scans]
        ordered = sorted(grouped, key=lambda scan: (-scan.pages, scan.source, scan.rules))
        unscoped, scopes = tuple(sorted(self.places.unscoped)), frozenset(self.places.scopes)
        places = self.places
        return Plan(
            tuple(ordered), self.unplannable, self.tables, unscoped, scopes, places.scoped, places.dated, self.subjects
        )

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


def blanks_of(facts: Facts) -> str:
    """The characters that count as white space in a database."""
    return UNICODE_BLANKS if facts.encoding == "UTF8" else ASCII_BLANKS


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


def _access(place: Place, target: Place) -> Access:
    """Both tables are read whole, unless the target is so large that looking up the source's keys is cheaper."""
    if not (place.stored and target.stored):
        return "any"
    return "lookup" if target.pages > LOOKUP_RATIO * (place.pages + LOOKUP_RATIO) else "heap"


def _slots(kind: object) -> Iterable[str]:
    return (one.name for one in fields(kind))  # type: ignore[arg-type] # every kind is a dataclass


def _shown(bound: BoundRule, place: Place, already: Sequence[Named]) -> tuple[Named, ...]:
    """The columns to show: those the author asked for, else those of the source that the rule's break or fix writes."""
    rule = bound.rule
    fix = {} if isinstance(rule.fix, str | None) or "insert" in rule.fix_allows else rule.fix
    writes = [*(rule.breaks if isinstance(rule.breaks, Mapping) else {}), *fix]
    found = shown_columns(rule.show or tuple(dict.fromkeys(writes)), bound.params, place.columns)
    return tuple((name, expression) for name, expression in found if name not in dict(already))


def _named(columns: Iterable[str]) -> tuple[Named, ...]:
    return tuple((one, sql.Identifier(one)) for one in columns)


def _any_null(columns: Sequence[str]) -> sql.Composed:
    calls = [sql.SQL(", ").join(map(sql.Identifier, chunk)) for chunk in _chunks(columns, COLUMNS_PER_CALL)]
    return sql.SQL(" OR ").join(sql.SQL("{}({}) > 0").format(NUM_NULLS, call) for call in calls)
