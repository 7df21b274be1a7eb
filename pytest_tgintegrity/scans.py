"""Scans: one question to the database on behalf of one or more rules.

A scan's answer is final, except that of a `RowScan` whose gate found suspects: these are counted again, rule by rule.
Samples are separate statements, for violated rules only. Nothing here does I/O.

All scans have the attributes `source` (what people call the thing that is read), `rules` (the ids that the answer
serves), `pages` (estimated blocks to read: big scans start first and travel alone) and `timeout` (seconds that replace
the run's statement timeout), and the methods `probes`, `question`, `tally` and `sampling`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psycopg import sql

from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.predicates import Predicate, Span, Value, both, either, parenthesised, raw, readable
from pytest_tgintegrity.rules import Metric

Row = Sequence[Any]
Named = tuple[str, sql.Composable]

UNKNOWN_PAGES = 1_000
METRIC_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows a rule looked at (None where that cannot be said) and how many of them violate it."""

    examined: int | None
    violations: int
    value: Any = None


@dataclass(frozen=True, slots=True)
class Tally:
    """A scan's answer: the rows of its source, and the count of each rule, or None if suspects have to be recounted."""

    rows: int | None
    counts: Mapping[str, Count] | None


@dataclass(frozen=True, slots=True)
class Sampling:
    """The offending rows of one rule: `keys` leading columns are the key, then perhaps a label, then `names`."""

    rows: sql.Composable
    keys: int
    labelled: bool
    names: tuple[str, ...] | None

    def first(self, limit: int) -> sql.Composed:
        """The statement that fetches the first `limit` of them in key order."""
        return sql.SQL("{} LIMIT {}").format(self.rows, Value(limit))


class _OneRule:
    """What scans for a single rule have in common."""

    __slots__ = ()

    rule: str

    @property
    def rules(self) -> tuple[str, ...]:
        """Its one rule."""
        return (self.rule,)

    def probes(self) -> Mapping[str, sql.Composable]:
        """None: the question serves one rule and is its own probe."""
        return {}


@dataclass(frozen=True, slots=True)
class RowCheck:
    """One row rule on a source: its condition, the window it is confined to, and what to show of a violating row."""

    rule: str
    predicate: Predicate
    within: sql.Composable | None
    keys: tuple[sql.Composable, ...]
    label: sql.Composable | None
    shown: tuple[Named, ...]

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

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of its rules."""
        return tuple(check.rule for check in self.checks)

    def probes(self) -> Mapping[str, sql.Composable]:
        """Each predicate planned by the server, no row read; the column of a range tells its type."""
        return {check.rule: self._probe(check) for check in self.checks} if len(self.checks) > 1 else {}

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
        listed = sql.SQL(", ").join(targets)
        return sql.SQL("SELECT {} FROM {}{}").format(listed, self.table, _where(where))

    def tally(self, answer: Sequence[Row]) -> Tally:
        """Final when nothing is suspected or one rule alone was asked for."""
        rows, suspects = answer[0][0], answer[0][1]
        if suspects and len(self.checks) > 1:
            return Tally(rows, None)
        return Tally(rows, {check.rule: Count(self._examined(check, answer[0]), suspects) for check in self.checks})

    def _examined(self, check: RowCheck, row: Row) -> int:
        if check.within is None:
            return int(row[0])
        return int(row[2 + list(self._windows()).index(readable(check.within))])

    def recount(self) -> sql.Composable:
        """Each rule's own count, over the suspects."""
        gate = either(check.condition for check in self.checks)
        conditions = [gate] if self.scope is None else [self.scope, gate]
        return self._select([_counted(check.condition) for check in self.checks], both(conditions))

    def recounted(self, answer: Sequence[Row], first: Sequence[Row]) -> Mapping[str, Count]:
        """The counts of `recount`, with the rows examined from the first pass."""
        pairs = zip(self.checks, answer[0], strict=True)
        return {check.rule: Count(self._examined(check, first[0]), found) for check, found in pairs}

    def sampling(self, rule: str) -> Sampling | None:
        """The violating rows of one rule in key order."""
        check = next(one for one in self.checks if one.rule == rule)
        conditions = [check.condition] if self.scope is None else [self.scope, check.condition]
        return _sampling(self.table, check.keys, check.label, check.shown, both(conditions))

    def only(self, rules: Iterable[str]) -> RowScan:
        """The same source for some of the rules."""
        wanted = frozenset(rules)
        return replace(self, checks=tuple(check for check in self.checks if check.rule in wanted))


def _counted(condition: sql.Composable) -> sql.Composed:
    return sql.SQL("count(*) FILTER (WHERE {})").format(condition)


def _where(condition: sql.Composable | None) -> sql.Composable:
    return raw("") if condition is None else sql.SQL(" WHERE {}").format(condition)


def _gate(checks: Sequence[RowCheck], types: Mapping[str, int]) -> sql.Composed:
    """One condition that is TRUE where any check is; ranges with equal bounds and types become LEAST and GREATEST."""
    spans: dict[tuple[Any, Any, int], list[sql.Composable]] = defaultdict(list)
    conditions: list[sql.Composable] = []
    for check in checks:
        oid = types.get(check.rule)
        if check.span is None or oid is None:
            conditions.append(check.condition)
        else:
            spans[check.span.low, check.span.high, oid].append(check.span.subject)
    conditions += [_outside(subjects, low, high) for (low, high, _), subjects in spans.items()]
    return either(conditions)


def _outside(subjects: Sequence[sql.Composable], low: Any, high: Any) -> sql.Composed:
    listed = sql.SQL(", ").join(subjects)
    sides = [("LEAST", "<", low), ("GREATEST", ">", high)]
    return sql.SQL(" OR ").join(
        sql.SQL("{}({}) {} {}").format(raw(function), listed, raw(sign), Value(bound))
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
        sql.SQL(", ").join(targets), table, where, sql.SQL(", ").join(raw(str(i + 1)) for i in range(len(keys)))
    )
    return Sampling(rows, len(keys), label is not None, tuple(name for name, _ in shown))


@dataclass(frozen=True, slots=True)
class UniqueScan(_OneRule):
    """One uniqueness rule: group the keys once; a row of a group of two or more violates."""

    source: str
    rule: str
    table: sql.Composable
    where: sql.Composable | None
    parts: tuple[Named, ...]
    nulls_distinct: bool
    keys: tuple[sql.Composable, ...]
    label: sql.Composable | None
    pages: int
    timeout: float | None = None

    def _names(self) -> list[sql.Identifier]:
        return [sql.Identifier(f"part{i}") for i in range(len(self.parts))]

    def _aliased(self) -> list[sql.Composable]:
        pairs = zip(self.parts, self._names(), strict=True)
        return [sql.SQL("{} AS {}").format(parenthesised(expression), name) for (_, expression), name in pairs]

    def _whole(self, names: Sequence[sql.Composable]) -> sql.Composable:
        """TRUE for a key that can clash: one without NULL, unless NULLs count as equal."""
        if not self.nulls_distinct:
            return raw("TRUE")
        return both(sql.SQL("num_nulls({}) = 0").format(name) for name in names)

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """Rows in all groups, and in the groups that clash."""
        del types
        names = sql.SQL(", ").join(self._names())
        return sql.SQL(
            "SELECT coalesce(sum(n), 0)::bigint, coalesce(sum(n) FILTER (WHERE n > 1 AND whole), 0)::bigint FROM ("
            "SELECT count(*) AS n, {} AS whole FROM (SELECT {} FROM {}{}) AS keyed GROUP BY {}) AS grouped"
        ).format(self._whole(self._names()), sql.SQL(", ").join(self._aliased()), self.table, _where(self.where), names)

    def tally(self, answer: Sequence[Row]) -> Tally:
        """Always final."""
        rows, violations = answer[0]
        return Tally(rows, {self.rule: Count(rows, violations)})

    def sampling(self, rule: str) -> Sampling | None:
        """The rows of clashing groups in key order."""
        del rule
        keys = [sql.Identifier(f"key{i}") for i in range(len(self.keys))]
        label = [] if self.label is None else [sql.SQL("{} AS label").format(parenthesised(self.label))]
        inner = [sql.SQL("{} AS {}").format(parenthesised(k), n) for k, n in zip(self.keys, keys, strict=True)]
        keyed = sql.SQL("SELECT {} FROM {}{}").format(
            sql.SQL(", ").join([*inner, *label, *self._aliased()]), self.table, _where(self.where)
        )
        names = self._names()
        counted = sql.SQL("(SELECT *, count(*) OVER (PARTITION BY {}) AS n FROM ({}) AS keyed) AS grouped").format(
            sql.SQL(", ").join(names), keyed
        )
        shown = [(text, name) for (text, _), name in zip(self.parts, names, strict=True)]
        clash = both([raw("n > 1"), self._whole(names)])
        return _sampling(counted, keys, sql.Identifier("label") if label else None, shown, clash)


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference rule: columns of the source, and where they have to be found."""

    rule: str
    columns: tuple[Named, ...]
    target: sql.Composable
    target_columns: tuple[sql.Composable, ...]
    distinct: bool
    match_full: bool
    keys: tuple[sql.Composable, ...]
    label: sql.Composable | None
    within: sql.Composable | None

    def join(self, number: int) -> sql.Composed:
        """The target under an alias of its own, each key once, joined to the source."""
        names = [sql.Identifier(f"to{number}_{i}") for i in range(len(self.columns))]
        pairs = zip(self.target_columns, names, strict=True)
        listed = sql.SQL(", ").join(sql.SQL("{} AS {}").format(c, n) for c, n in pairs)
        on = both(sql.SQL("{} = {}").format(n, c) for (_, c), n in zip(self.columns, names, strict=True))
        return sql.SQL(" LEFT JOIN (SELECT {}{}, TRUE AS {} FROM {}) AS {} ON {}").format(
            raw("DISTINCT " if self.distinct else ""),
            listed,
            sql.Identifier(f"met{number}"),
            self.target,
            sql.Identifier(f"target{number}"),
            on,
        )

    def orphaned(self, number: int) -> sql.Composable:
        """TRUE for a row whose key names nothing."""
        columns = sql.SQL(", ").join(c for _, c in self.columns)
        nothing = sql.SQL("{} IS NULL").format(sql.Identifier(f"met{number}"))
        enough = "num_nonnulls({}) > 0" if self.match_full else "num_nulls({}) = 0"
        conditions: list[sql.Composable] = [nothing, sql.SQL(enough).format(columns)]
        return both(conditions if self.within is None else [self.within, *conditions])


@dataclass(frozen=True, slots=True)
class ReferenceScan:
    """Several references of one source: one pass over it, each target hashed once."""

    source: str
    table: sql.Composable
    scope: sql.Composable | None
    references: tuple[Reference, ...]
    pages: int
    timeout: float | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of its rules."""
        return tuple(one.rule for one in self.references)

    def probes(self) -> Mapping[str, sql.Composable]:
        """Each reference planned on its own."""
        if len(self.references) == 1:
            return {}
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
        return sql.SQL("SELECT {} FROM {}{}{}").format(
            sql.SQL(", ").join(targets), self.table, joins, _where(self.scope)
        )

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
        return _sampling(table, one.keys, one.label, one.columns, where)

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
        rows = sql.SQL("SELECT * FROM {} AS violating ORDER BY 1").format(parenthesised(self.query))
        return Sampling(rows, 1, labelled=False, names=None)


@dataclass(frozen=True, slots=True)
class MetricScan(_OneRule):
    """A number, or rows of label and number; a number outside its bound is one violation."""

    source: str
    rule: str
    metric: Metric
    query: sql.Composable
    pages: int = UNKNOWN_PAGES
    timeout: float | None = None

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """The author's own query, cut off at a length that no breakdown needs."""
        del types
        return sql.SQL("SELECT * FROM {} AS measured LIMIT {}").format(parenthesised(self.query), Value(METRIC_ROWS))

    def tally(self, answer: Sequence[Row]) -> Tally:
        """Always final."""
        value = _measured(answer, self.metric)
        return Tally(None, {self.rule: Count(None, int(_out_of_bounds(value, self.metric)), value)})

    def sampling(self, rule: str) -> Sampling | None:
        """None: a number has no rows to show."""
        del rule
        return None


def _number(value: Any) -> int | float | None:
    if value is None:
        return None
    number = float(value)
    return int(number) if number.is_integer() else number


def _measured(answer: Sequence[Row], metric: Metric) -> Any:
    if answer and len(answer[0]) == 2:  # noqa: PLR2004 - label and number
        return {str(label): _number(value) for label, value in answer}
    if len(answer) == 1 and len(answer[0]) == 1:
        return _number(answer[0][0])
    raise NotEvaluated(
        f"the metric {metric.name} has to give one number, or rows of label and number; it gave {len(answer)} rows"
    )


def _out_of_bounds(value: Any, metric: Metric) -> bool:
    """A metric without a value (NULL: nothing to measure) is inside its bounds, as NULL is in a CHECK."""
    numbers = value.values() if isinstance(value, dict) else [value]
    return any(
        (metric.at_least is not None and not number >= metric.at_least)
        or (metric.at_most is not None and not number <= metric.at_most)
        for number in numbers
        if number is not None
    )


Scan = RowScan | UniqueScan | ReferenceScan | QueryScan | MetricScan
