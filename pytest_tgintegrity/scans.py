"""Scans: one question to the database on behalf of one or more rules.

A scan's answer is final, except that of a `RowScan` whose gate found suspects: these are counted again, rule by rule.
Samples are separate statements, for violated rules only. Nothing here does I/O.

All scans have the attributes `source` (what people call the thing that is read), `rules` (the ids that the answer
serves), `pages` (estimated blocks to read: big scans start first and travel alone), `timeout` (seconds that replace
the run's statement timeout) and `access` (how tables may be read), and the methods `question`, `tally`, `sampling`
and `only`; scans of several rules also `reach` and `probes`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

from psycopg import sql

from pytest_tgintegrity.kinds import Metric
from pytest_tgintegrity.metrics import METRIC_ROWS, measured, out_of_bounds, text_of, told
from pytest_tgintegrity.predicates import (
    NUM_NONNULLS,
    NUM_NULLS,
    Predicate,
    Span,
    Value,
    both,
    either,
    listed,
    parenthesised,
    raw,
    readable,
    where_clause,
)
from pytest_tgintegrity.sampling import Sampling

Row = Sequence[Any]
Access = Literal["any", "heap", "lookup"]
"""How a scan may read tables: as the server likes; from the heap alone, as a broken index would answer that the constraint
which it stands for holds; or the source from the heap, and its few keys looked up in the indexes of large targets."""

Named = tuple[str, sql.Composable]

UNKNOWN_PAGES = 1_000
COLLATED = frozenset({19, 25, 1042, 1043})  # name, text, char, varchar: columns need not agree on how they compare


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows a rule looked at (None where that cannot be said) and how many of them violate it."""

    examined: int | None
    violations: int
    value: Any = None
    text: Any = None


@dataclass(frozen=True, slots=True)
class Tally:
    """A scan's answer: the rows of its source, and the count of each rule, or None if suspects have to be recounted."""

    rows: int | None
    counts: Mapping[str, Count] | None


class _OneRule:
    """What scans for a single rule have in common."""

    __slots__ = ()

    rule: str

    @property
    def rules(self) -> tuple[str, ...]:
        """Its one rule."""
        return (self.rule,)

    def reach(self) -> sql.Composable:
        """Nothing to try first: the question serves one rule."""
        return raw("SELECT")

    def probes(self) -> Mapping[str, sql.Composable]:
        """None, for the same reason."""
        return {}

    def only(self, rules: Iterable[str]) -> Self:
        """Itself."""
        del rules
        return self


@dataclass(frozen=True, slots=True)
class RowCheck:
    """One row rule on a source: its condition, the window it is confined to, and what to show of a violating row.

    `cure` is what helps where it compares too many pairs of rows, if that is not how its author wrote it.
    """

    rule: str
    predicate: Predicate
    within: sql.Composable | None
    keys: tuple[sql.Composable, ...]
    label: sql.Composable | None
    shown: tuple[Named, ...]
    cure: str | None = None

    @property
    def condition(self) -> sql.Composed:
        """TRUE for a row that violates the rule inside its window."""
        found = self.predicate.condition
        return parenthesised(found) if self.within is None else both([self.within, found])

    @property
    def span(self) -> Span | None:
        """The range to merge with others; none for a rule with a window of its own."""
        return None if self.within is not None else self.predicate.span


@dataclass(frozen=True, slots=True)
class RowScan:
    """All row rules of one source in one pass: count the rows, and those that any rule suspects."""

    source: str
    table: sql.Composable
    scope: sql.Composable | None
    checks: tuple[RowCheck, ...]
    pages: int
    timeout: float | None = None
    access: ClassVar[Access] = "any"

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of its rules."""
        return tuple(check.rule for check in self.checks)

    def reach(self) -> sql.Composable:
        """Whether the source exists and may be read, no row read."""
        return _reach(self.table)

    def probes(self) -> Mapping[str, sql.Composable]:
        """Each predicate planned by the server, no row read; the column of a range tells its type."""
        return {check.rule: self._probe(check) for check in self.checks}

    def _probe(self, check: RowCheck) -> sql.Composed:
        target = check.span.subject if check.span else raw("")
        return sql.SQL("SELECT {} FROM {} WHERE {} LIMIT 0").format(target, self.table, check.condition)

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """Rows, suspects, and the rows inside each window."""
        targets = [raw("count(*)"), _counted(_gate(self.checks, types))]
        targets += [_counted(within) for within in self._windows().values()]
        return self._select(targets, self.scope)

    def _windows(self) -> dict[str, sql.Composable]:
        return {readable(check.within): check.within for check in self.checks if check.within is not None}

    def _select(self, targets: Iterable[sql.Composable], where: sql.Composable | None) -> sql.Composed:
        return sql.SQL("SELECT {} FROM {}{}").format(listed(targets), self.table, where_clause(where))

    def tally(self, answer: Sequence[Row]) -> Tally:
        """Final when nothing is suspected or one rule alone was asked for."""
        rows, suspects = answer[0][0], answer[0][1]
        if suspects and len(self.checks) > 1:
            return Tally(rows, None)
        return Tally(rows, {rule: Count(examined, suspects) for rule, examined in self._examined(answer[0])})

    def _examined(self, row: Row) -> Iterable[tuple[str, int]]:
        inside = dict(zip(self._windows(), row[2:], strict=True))
        for check in self.checks:
            yield check.rule, row[0] if check.within is None else inside[readable(check.within)]

    def recount(self) -> sql.Composable:
        """Each rule's own count, over the suspects."""
        gate = either(check.condition for check in self.checks)
        conditions = [gate] if self.scope is None else [self.scope, gate]
        return self._select([_counted(check.condition) for check in self.checks], both(conditions))

    def recounted(self, answer: Sequence[Row], first: Sequence[Row]) -> Mapping[str, Count]:
        """The counts of `recount`, with the rows examined from the first pass."""
        pairs = zip(self._examined(first[0]), answer[0], strict=True)
        return {rule: Count(examined, found) for (rule, examined), found in pairs}

    def sampling(self, rule: str) -> Sampling | None:
        """The violating rows of one rule in key order."""
        check = next(one for one in self.checks if one.rule == rule)
        conditions = [check.condition] if self.scope is None else [self.scope, check.condition]
        return _sampling(self.table, check.keys, check.label, check.shown, both(conditions))

    def only(self, rules: Iterable[str]) -> RowScan:
        """The same source for some of the rules."""
        wanted = frozenset(rules)
        return replace(self, checks=tuple(check for check in self.checks if check.rule in wanted))


def _reach(table: sql.Composable) -> sql.Composed:
    return sql.SQL("SELECT FROM {} LIMIT 0").format(table)


def _counted(condition: sql.Composable) -> sql.Composed:
    return sql.SQL("count(*) FILTER (WHERE {})").format(condition)


def _gate(checks: Sequence[RowCheck], types: Mapping[str, int]) -> sql.Composed:
    """One condition that is TRUE where any check is; ranges with equal bounds and types become LEAST and GREATEST."""
    spans: dict[tuple[tuple[str, str], int], list[Span]] = defaultdict(list)
    conditions: list[sql.Composable] = []
    for check in checks:
        oid = types.get(check.rule)
        if check.span is None or oid is None or oid in COLLATED:
            conditions.append(check.condition)
        else:
            spans[check.span.bounds, oid].append(check.span)
    return either([*conditions, *map(_outside, spans.values())])


def _outside(spans: Sequence[Span]) -> sql.Composed:
    subjects = listed(span.subject for span in spans)
    sides = [("LEAST", "<", spans[0].low), ("GREATEST", ">", spans[0].high)]
    return sql.SQL(" OR ").join(
        sql.SQL("{}({}) {} {}").format(raw(function), subjects, raw(sign), bound)
        for function, sign, bound in sides
        if bound is not None
    )


def _sampling(
    table: sql.Composable,
    keys: Sequence[sql.Composable],
    label: sql.Composable | None,
    shown: Sequence[Named],
    where: sql.Composable,
) -> Sampling:
    targets = [*keys, *([label] if label is not None else []), *(expression for _, expression in shown)]
    rows = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
        listed(targets), table, where, listed(raw(str(i + 1)) for i in range(len(keys)))
    )
    return Sampling(rows, len(keys), label is not None, tuple(name for name, _ in shown))


@dataclass(frozen=True, slots=True)
class UniqueScan(_OneRule):
    """One uniqueness rule: group the keys once; a row of a group of two or more violates.

    With a window (`within`) only its rows are examined, but they may clash with any row.
    """

    source: str
    rule: str
    table: sql.Composable
    where: sql.Composable | None
    parts: tuple[Named, ...]
    nulls_distinct: bool
    keys: tuple[sql.Composable, ...]
    label: sql.Composable | None
    shown: tuple[Named, ...]
    within: sql.Composable | None
    pages: int
    access: Access
    timeout: float | None = None

    def _keyed(self, more: Iterable[sql.Composable] = ()) -> sql.Composed:
        """The source under names of our own."""
        window = raw("TRUE") if self.within is None else self.within
        targets = [*_aliased("part", [part for _, part in self.parts]), *_aliased("window", [window]), *more]
        return sql.SQL("(SELECT {} FROM {}{}) AS keyed").format(listed(targets), self.table, where_clause(self.where))

    def _whole(self) -> sql.Composable:
        """TRUE for a key that can clash: one without NULL, unless NULLs count as equal."""
        if not self.nulls_distinct:
            return raw("TRUE")
        return both(sql.SQL("{}({}) = 0").format(NUM_NULLS, part) for part in _names("part", self.parts))

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """Rows in all groups, those inside the window, and those of them in groups that clash."""
        del types
        return sql.SQL(
            "SELECT coalesce(sum(n), 0)::bigint, coalesce(sum(inside), 0)::bigint,"
            " coalesce(sum(inside) FILTER (WHERE n > 1 AND whole), 0)::bigint FROM ("
            "SELECT count(*) AS n, count(*) FILTER (WHERE window0) AS inside, {} AS whole FROM {} GROUP BY {}) AS grouped"
        ).format(self._whole(), self._keyed(), listed(_names("part", self.parts)))

    def tally(self, answer: Sequence[Row]) -> Tally:
        """Always final."""
        rows, examined, violations = answer[0]
        return Tally(rows, {self.rule: Count(examined, violations)})

    def sampling(self, rule: str) -> Sampling | None:
        """The rows of clashing groups in key order."""
        del rule
        labels = [] if self.label is None else [self.label]
        more = [*_aliased("key", self.keys), *_aliased("label", labels), *_aliased("shown", [s for _, s in self.shown])]
        counted = sql.SQL("(SELECT *, count(*) OVER (PARTITION BY {}) AS n FROM {}) AS grouped").format(
            listed(_names("part", self.parts)), self._keyed(more)
        )
        pairs = [*zip(self.parts, _names("part", self.parts), strict=True)]
        pairs += zip(self.shown, _names("shown", self.shown), strict=True)
        shown = [(text, name) for (text, _), name in pairs]
        label = next(iter(_names("label", labels)), None)
        clash = both([raw("n > 1 AND window0"), self._whole()])
        return _sampling(counted, _names("key", self.keys), label, shown, clash)


def _names(kind: str, things: Sequence[object]) -> list[sql.Composable]:
    return [raw(f"{kind}{number}") for number in range(len(things))]


def _aliased(kind: str, expressions: Sequence[sql.Composable]) -> list[sql.Composable]:
    pairs = zip(expressions, _names(kind, expressions), strict=True)
    return [sql.SQL("{} AS {}").format(parenthesised(expression), name) for expression, name in pairs]


@dataclass(frozen=True, slots=True)
class Target:
    """Where the keys of a reference have to be found: `distinct` says that a key may stand there more than once."""

    table: sql.Composable
    columns: tuple[sql.Composable, ...]
    distinct: bool
    match_full: bool = False
    where: sql.Composable | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference rule: columns of the source, and where they have to be found."""

    rule: str
    columns: tuple[Named, ...]
    target: Target
    keys: tuple[sql.Composable, ...]
    label: sql.Composable | None
    shown: tuple[Named, ...]
    within: sql.Composable | None
    pages: int

    def join(self, number: int) -> sql.Composed:
        """The target under an alias of its own, each key once, joined to the source."""
        names = [raw(f"tgi_to{number}_{i}") for i in range(len(self.columns))]
        pairs = zip(self.target.columns, names, strict=True)
        columns = listed(sql.SQL("{} AS {}").format(c, n) for c, n in pairs)
        on = both(sql.SQL("{} = {}").format(n, c) for (_, c), n in zip(self.columns, names, strict=True))
        return sql.SQL(" LEFT JOIN (SELECT {}{}, TRUE AS {} FROM {}{}) AS {} ON {}").format(
            raw("DISTINCT " if self.target.distinct else ""),
            columns,
            raw(f"tgi_met{number}"),
            self.target.table,
            where_clause(self.target.where),
            raw(f"tgi_target{number}"),
            on,
        )

    def orphaned(self, number: int) -> sql.Composable:
        """TRUE for a row whose key names nothing."""
        columns = listed(c for _, c in self.columns)
        nothing = raw(f"tgi_met{number} IS NULL")
        function, enough = (NUM_NONNULLS, raw("> 0")) if self.target.match_full else (NUM_NULLS, raw("= 0"))
        conditions: list[sql.Composable] = [nothing, sql.SQL("{}({}) {}").format(function, columns, enough)]
        return both(conditions if self.within is None else [self.within, *conditions])


@dataclass(frozen=True, slots=True)
class ReferenceScan:
    """Several references of one source: one pass over it, each target hashed once."""

    source: str
    table: sql.Composable
    scope: sql.Composable | None
    references: tuple[Reference, ...]
    pages: int
    access: Access
    timeout: float | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of its rules."""
        return tuple(one.rule for one in self.references)

    def reach(self) -> sql.Composable:
        """Whether the source exists and may be read, no row read."""
        return _reach(self.table)

    def probes(self) -> Mapping[str, sql.Composable]:
        """Each reference planned on its own."""
        return {
            one.rule: sql.SQL("SELECT FROM {}{} WHERE {} LIMIT 0").format(self.table, one.join(0), one.orphaned(0))
            for one in self.references
        }

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """Rows, and the orphans of each reference."""
        del types
        targets: list[sql.Composable] = [raw("count(*)")]
        for number, one in enumerate(self.references):
            examined = raw("count(*)") if one.within is None else _counted(one.within)
            targets += [examined, _counted(one.orphaned(number))]
        joins = sql.Composed([one.join(number) for number, one in enumerate(self.references)])
        return sql.SQL("SELECT {} FROM {}{}{}").format(listed(targets), self.table, joins, where_clause(self.scope))

    def tally(self, answer: Sequence[Row]) -> Tally:
        """Always final."""
        row = answer[0]
        pairs = zip(row[1::2], row[2::2], strict=True)
        return Tally(row[0], {one.rule: Count(*pair) for one, pair in zip(self.references, pairs, strict=True)})

    def sampling(self, rule: str) -> Sampling | None:
        """The orphans of one reference in key order."""
        one = next(one for one in self.references if one.rule == rule)
        table = sql.Composed([self.table, one.join(0)])
        orphaned = one.orphaned(0)
        where = orphaned if self.scope is None else both([self.scope, orphaned])
        return _sampling(table, one.keys, one.label, (*one.columns, *one.shown), where)

    def only(self, rules: Iterable[str]) -> ReferenceScan:
        """The same source for some of the references."""
        wanted = frozenset(rules)
        return replace(self, references=tuple(one for one in self.references if one.rule in wanted))


@dataclass(frozen=True, slots=True)
class QueryScan(_OneRule):
    """Free SQL: every row that it returns violates; the first column is the key."""

    source: str
    rule: str
    query: sql.Composable
    pages: int = UNKNOWN_PAGES
    timeout: float | None = None
    access: ClassVar[Access] = "any"

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """How many rows it returns."""
        del types
        return sql.SQL("SELECT count(*) FROM {} AS violating").format(parenthesised(self.query))

    def tally(self, answer: Sequence[Row]) -> Tally:
        """Always final; what a query examined cannot be said."""
        return Tally(None, {self.rule: Count(None, answer[0][0])})

    def sampling(self, rule: str) -> Sampling | None:
        """The rows in order of their first column."""
        del rule
        rows = sql.SQL("SELECT * FROM {} AS violating").format(parenthesised(self.query))
        return Sampling(sql.SQL("{} ORDER BY 1").format(rows), 1, labelled=False, names=None, unordered=rows)


@dataclass(frozen=True, slots=True)
class MetricScan(_OneRule):
    """A number, or rows of label and number; a number outside its bound is one violation."""

    source: str
    rule: str
    metric: Metric
    query: sql.Composable
    pages: int = UNKNOWN_PAGES
    timeout: float | None = None
    access: ClassVar[Access] = "any"

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """The author's own query, cut off at a length that no breakdown needs."""
        del types
        return sql.SQL("SELECT * FROM {} AS measured LIMIT {}").format(
            parenthesised(self.query), Value(METRIC_ROWS + 1)
        )

    def tally(self, answer: Sequence[Row]) -> Tally:
        """Always final."""
        value = measured(answer, self.metric)
        count = Count(None, int(out_of_bounds(value, self.metric)), told(value), text_of(value))
        return Tally(None, {self.rule: count})

    def sampling(self, rule: str) -> Sampling | None:
        """None: a number has no rows to show."""
        del rule
        return None


Scan = RowScan | UniqueScan | ReferenceScan | QueryScan | MetricScan
