"""From rules to scans: which questions to ask the database so that each source is read once. Pure: no I/O, no clock."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from pytest_tgintegrity.errors import DeclarationError, NotEvaluated
from pytest_tgintegrity.parts import chunks
from pytest_tgintegrity.planning.bound import BoundRule as BoundRule  # noqa: PLC0414 - most know it from here
from pytest_tgintegrity.planning.declared.constraints import (
    compared_columns,
    unique_parts,
    violated,
)
from pytest_tgintegrity.planning.declared.domains import KEY, unmet, values_of
from pytest_tgintegrity.planning.declared.exclusions import MORE_TIME, with_conflicts
from pytest_tgintegrity.planning.declared.schema_rules import schema_question
from pytest_tgintegrity.planning.expected.scan import PinnedScan
from pytest_tgintegrity.planning.facts import Constraint, Facts
from pytest_tgintegrity.planning.predicates import ASCII_BLANKS, UNICODE_BLANKS, Named, Predicate, asked
from pytest_tgintegrity.planning.scans import (
    UNKNOWN_PAGES,
    Access,
    MetricScan,
    QueryScan,
    Reference,
    ReferenceScan,
    RowCheck,
    RowScan,
    Scan,
    Target,
    UniqueScan,
    number_scan,
)
from pytest_tgintegrity.planning.scans.access import access_of
from pytest_tgintegrity.planning.sources import PreparedSource, PreparedSources, Scoped
from pytest_tgintegrity.planning.sql.compose import Params, both, fill, identifier, plain, raw, readable
from pytest_tgintegrity.planning.sql.layout import one_statement
from pytest_tgintegrity.planning.windows import Dated, Window
from pytest_tgintegrity.rules.kinds import (
    Check,
    Declared,
    Metric,
    Pinned,
    Query,
    References,
    Schema,
    Unique,
    VolumeKind,
)
from pytest_tgintegrity.rules.kinds.fields import asked_texts, source_of

_Group = tuple[str, str]
_Rows = tuple[_Group, float | None]
_References = tuple[_Group, float | None, Access]

CHECKS_PER_SCAN = 400
REFERENCES_PER_SCAN = 6


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
    misdeclared: frozenset[str] = frozenset()


class _Planner:
    """Sorts rules by what they read; each kind has one method that knows how to ask."""

    def __init__(self, facts: Facts, window: Window) -> None:
        self.facts = facts
        self.sources = PreparedSources(facts, window)
        self.blanks = blanks_of(facts)
        self.since = {"since": window.start}
        self.rows: dict[_Rows, list[tuple[PreparedSource, RowCheck]]] = defaultdict(list)
        self.references: dict[_References, list[tuple[PreparedSource, Reference]]] = defaultdict(list)
        self.scans: list[Scan] = []
        self.pinned: dict[float | None, dict[str, Pinned]] = defaultdict(dict)
        self.unplannable: dict[str, str] = {}
        self.misdeclared: set[str] = set()
        self.tables: dict[str, tuple[str, ...]] = {}
        self.subjects: dict[str, Subject] = {}

    def add(self, bound: BoundRule) -> None:
        """Sort in one rule; a rule that cannot be planned is remembered with the reason."""
        try:
            self._ask(bound.rule.kind, bound)
        except (DeclarationError, NotEvaluated, psycopg.Error) as error:
            self.unplannable[bound.id] = str(error)
            if not isinstance(error, NotEvaluated):
                self.misdeclared.add(bound.id)

    @functools.singledispatchmethod
    def _ask(self, kind: object, bound: BoundRule) -> None:
        """Sort in a rule of a kind; what is registered nowhere here is asked of the rows of its source."""
        question = asked(kind, self.sources, bound.params, self.blanks)
        self._check(bound, question.source, question.predicate)
        self._reads(bound, question.source, *self._tables_named(kind, bound.params, question.source))

    def _is_unscoped(self, what: str) -> None:
        """Free SQL says itself which rows it looks at."""
        if self.sources.window.scopes:
            self.sources.unscoped.add(what)

    def _reads(self, bound: BoundRule, source: PreparedSource, *more: str) -> None:
        self.tables[bound.id] = tuple(dict.fromkeys([*source.tables, *more]))
        self.subjects.setdefault(bound.id, Subject(source.subject))

    def _tables_named(self, kind: object, params: Params, source: PreparedSource) -> Iterable[str]:
        """The tables that the SQL of a kind names, beside its sources and what is a column of the first."""
        for named in asked_texts(kind):
            text = plain(named.text, params)
            if named.role.holds != "source" and text not in source.columns:
                yield from self.sources.tables_in(text)

    @_ask.register(Check)
    def _add_test(self, _: Check, bound: BoundRule) -> None:
        self.tables[bound.id] = ()

    # --- rows

    def _check(self, bound: BoundRule, source: PreparedSource, predicate: Predicate, cure: str | None = None) -> None:
        check = RowCheck(
            rule=bound.id,
            predicate=predicate,
            within=self.sources.within(bound.rule.since, source, bound.params),
            keys=source.keys,
            label=source.label,
            shown=(*predicate.shown, *_shown(bound, source, predicate.shown)),
            cure=cure,
        )
        self.rows[source.group, bound.rule.timeout].append((source, check))

    # --- keys

    @_ask.register(Unique)
    def _add_unique(self, kind: Unique, bound: BoundRule) -> None:
        source = self.sources.source(kind.source, bound.params)
        binding = source.binding(bound.params)
        parts = tuple(map(binding.named, kind.columns))
        self._unique(bound, source, parts, binding.optional(kind.where), nulls_distinct=kind.nulls_distinct)
        self._reads(bound, source, *self.sources.tables_in(binding.words(kind.where or "")))

    def _unique(
        self,
        bound: BoundRule,
        source: PreparedSource,
        parts: tuple[Named, ...],
        where: sql.Composable | None,
        *,
        nulls_distinct: bool,
    ) -> None:
        conditions = [condition for condition in (source.scope, where) if condition is not None]
        self.scans.append(
            UniqueScan(
                source=source.name,
                rule=bound.id,
                table=source.table,
                where=both(conditions) if conditions else None,
                parts=parts,
                nulls_distinct=nulls_distinct,
                keys=source.keys,
                label=source.label,
                shown=_shown(bound, source, parts),
                within=self.sources.within(bound.rule.since, source, bound.params),
                pages=source.pages,
                access="heap" if source.stored else "any",
                timeout=bound.rule.timeout,
            )
        )

    @_ask.register(References)
    def _add_reference(self, kind: References, bound: BoundRule) -> None:
        source = self.sources.source(kind.source, bound.params)
        target = self.sources.target(kind.target, bound.params)
        columns = kind.target_columns or self._key_of(target)
        if len(columns) != len(kind.columns):
            raise NotEvaluated(f"{target.name} has no primary key of {len(kind.columns)} columns: name target_column=")
        own, theirs = source.binding(bound.params), target.binding(bound.params)
        keys = Target(
            table=target.table,
            columns=tuple(map(theirs.column, columns)),
            distinct=not self._is_unique_in(target, [*map(theirs.title, columns)]),
            match_full=kind.match_full,
            where=theirs.optional(kind.where),
        )
        self._reference(bound, source, target, keys, tuple(map(own.named, kind.columns)))
        self._reads(bound, source, *(target.tables or (target.name,)), *self._tables_named(kind, bound.params, source))

    def _key_of(self, source: PreparedSource) -> tuple[str, ...]:
        table = self.facts.table(source.name)
        return table.key if table else ()

    def _reference(
        self, bound: BoundRule, source: PreparedSource, target: PreparedSource, keys: Target, columns: tuple[Named, ...]
    ) -> None:
        reference = Reference(
            rule=bound.id,
            columns=columns,
            target=keys,
            keys=source.keys,
            label=source.label,
            shown=_shown(bound, source, columns),
            within=self.sources.within(bound.rule.since, source, bound.params),
            pages=target.pages,
        )
        access: Access = access_of(source.pages, target.pages) if source.stored and target.stored else "any"
        self.references[source.group, bound.rule.timeout, access].append((source, reference))
        if keys.where is None and target.subject:
            named = ", ".join(map(readable, keys.columns)).replace('"', "")
            self.subjects[bound.id] = Subject(source.subject, f"{target.subject} ({named})", len(columns))

    def _is_unique_in(self, source: PreparedSource, columns: Sequence[str]) -> bool:
        table = self.facts.table(source.name)
        return table is not None and not table.inherited and frozenset(columns) in table.uniques

    # --- free SQL

    def _statement(self, bound: BoundRule, template: str) -> sql.Composable:
        return fill(one_statement(template), {**self.since, **bound.params})

    @_ask.register(Query)
    def _add_free_query(self, kind: Query, bound: BoundRule) -> None:
        self._is_unscoped("queries")
        self._add_query(bound, self._statement(bound, kind.sql))

    @_ask.register(Schema)
    def _add_schema(self, kind: Schema, bound: BoundRule) -> None:
        named = "" if kind.table is None else f"TABLE {readable(identifier(plain(kind.table, bound.params)))}"
        self._add_query(bound, schema_question(kind, bound.params), named)

    @_ask.register(Pinned)
    def _add_pinned(self, kind: Pinned, bound: BoundRule) -> None:
        self.tables[bound.id] = ()
        self.pinned[bound.rule.timeout][bound.id] = kind

    def _add_query(self, bound: BoundRule, query: sql.Composable, reads: str | None = None) -> None:
        pages = self._pages_named(bound, readable(query) if reads is None else reads)
        source = ", ".join(self.tables[bound.id]) or "query"
        self.scans.append(QueryScan(source, bound.id, query, pages, bound.rule.timeout))

    @_ask.register(Metric)
    def _add_metric(self, kind: Metric, bound: BoundRule) -> None:
        self._is_unscoped("metrics")
        query = self._statement(bound, kind.sql)
        pages = self._pages_named(bound, readable(query))
        self.scans.append(MetricScan(kind.name, bound.id, kind, query, pages, bound.rule.timeout))

    def _pages_named(self, bound: BoundRule, query: str) -> int:
        """What free SQL may have to read: all tables that it names."""
        self.tables[bound.id] = self.sources.tables_in(query)
        tables = [self.facts.table(name) for name in self.tables[bound.id]]
        return max(UNKNOWN_PAGES, sum(table.pages for table in tables if table is not None))

    # --- a source as a whole

    @_ask.register(VolumeKind)
    def _add_number(self, kind: VolumeKind, bound: BoundRule) -> None:
        source = self.sources.source(source_of(kind) or "", bound.params)
        self.scans.append(number_scan(kind, bound, source, self.facts.earlier, self.sources.window))
        self.tables[bound.id] = source.tables  # no rows of it violate the rule, but all of them together

    # --- declared constraints

    @_ask.register(Declared)
    def _add_declared(self, kind: Declared, bound: BoundRule) -> None:
        constraint = bound.params.get("constraint")
        if not isinstance(constraint, Constraint):
            raise NotEvaluated(f"the database declares no constraint of the kind {kind.what}")
        if constraint.unread is not None:
            raise NotEvaluated(f"the declaration of {constraint.label} cannot be read: {constraint.unread}")
        if constraint.kind == "domain":
            self._add_domain(bound, constraint)
            return
        source = self.sources.declared(constraint.schema, constraint.table, only=constraint.only)
        self._reads(bound, source)
        match constraint.kind:
            case "exclusion":
                self._check(bound, with_conflicts(source, constraint), violated(constraint), MORE_TIME)
            case "check" | "not_null":
                self._check(bound, source, violated(constraint))
            case "unique":
                parts, where = unique_parts(constraint)
                self._unique(bound, source, parts, where, nulls_distinct=constraint.nulls_distinct)
            case "foreign_key":
                self._add_foreign_key(bound, source, constraint)

    def _add_domain(self, bound: BoundRule, constraint: Constraint) -> None:
        """All values of the domain; what its constraints ask of them is asked together."""
        uses = [(use, self.sources.declared(use.schema, use.table, only=True)) for use in constraint.uses]
        tables = tuple(dict.fromkeys(table for _, source in uses for table in source.tables))
        values = PreparedSource(
            name=", ".join(tables) or constraint.table,
            table=values_of(uses, constraint.base),
            keys=(KEY,),
            label=None,
            tables=tables,
            pages=sum(source.pages for _, source in uses),
        )
        self._reads(bound, values)
        self._check(bound, values, Predicate(unmet(constraint), (("value", raw("value")),)))

    def _add_foreign_key(self, bound: BoundRule, source: PreparedSource, constraint: Constraint) -> None:
        if constraint.target is None:
            raise NotEvaluated(f"{constraint.definition}: a foreign key over periods cannot be checked yet")
        target = self.sources.declared(*constraint.target, only=True)
        keys = Target(
            table=target.table,
            columns=tuple(map(sql.Identifier, constraint.target_columns)),
            distinct=not self._is_unique_in(target, constraint.target_columns),
            match_full=constraint.match_full,
        )
        self._reference(bound, source, target, keys, compared_columns(constraint))
        self._reads(bound, source, target.name)

    # --- the plan

    def plan(self) -> Plan:
        """Group what was sorted in, biggest scans first."""
        grouped: list[Scan] = [*self._row_scans(), *self._reference_scans(), *self.scans]
        grouped += [PinnedScan(kinds, timeout=timeout) for timeout, kinds in self.pinned.items()]
        ordered = sorted(grouped, key=lambda scan: (-scan.pages, scan.source, scan.rules))
        unscoped, scopes = tuple(sorted(self.sources.unscoped)), frozenset(self.sources.scopes)
        return Plan(
            tuple(ordered),
            self.unplannable,
            self.tables,
            unscoped,
            scopes,
            self.sources.scoped,
            self.sources.dated,
            self.subjects,
            frozenset(self.misdeclared),
        )

    def _row_scans(self) -> Iterable[RowScan]:
        for (_, timeout), members in self.rows.items():
            source = members[0][0]
            for checks in chunks([check for _, check in members], CHECKS_PER_SCAN):
                whole = source.whole or None
                yield RowScan(source.name, source.table, source.scope, tuple(checks), source.pages, timeout, whole)

    def _reference_scans(self) -> Iterable[ReferenceScan]:
        for (_, timeout, access), members in self.references.items():
            source = members[0][0]
            for references in chunks([reference for _, reference in members], REFERENCES_PER_SCAN):
                pages = source.pages + sum(reference.pages for reference in references if access != "lookup")
                yield ReferenceScan(source.name, source.table, source.scope, tuple(references), pages, access, timeout)


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


def _shown(bound: BoundRule, source: PreparedSource, already: Sequence[Named]) -> tuple[Named, ...]:
    """The columns to show: those the author asked for, else those of the source that the rule's break or fix writes."""
    rule = bound.rule
    fix = {} if isinstance(rule.fix, str | None) or "insert" in rule.fix_allows else rule.fix
    writes = [*(rule.breaks if isinstance(rule.breaks, Mapping) else {}), *fix]
    columns = map(source.binding(bound.params).named, rule.show or dict.fromkeys(writes))
    return tuple((title, expression) for title, expression in columns if title not in dict(already))
