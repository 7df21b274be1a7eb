"""All row rules of one source in one pass, or rule by rule where one of them is suspected. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from psycopg import sql

from pytest_tgintegrity.planning.predicates import Named, Predicate, Span
from pytest_tgintegrity.planning.scans.access import Access
from pytest_tgintegrity.planning.scans.sampling import Sampling, counted, rows_in_order
from pytest_tgintegrity.planning.scans.scan import Count, Row, Tally
from pytest_tgintegrity.planning.sql.compose import both, either, listed, parenthesised, raw, readable, where_clause

COLLATED = frozenset({19, 25, 1042, 1043})  # name, text, char, varchar: columns need not agree on how they compare


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
        condition = self.predicate.condition
        return parenthesised(condition) if self.within is None else both([self.within, condition])

    @property
    def span(self) -> Span | None:
        """The range to merge with others; none for a rule with a window of its own."""
        return None if self.within is not None else self.predicate.span


@dataclass(frozen=True, slots=True)
class RowScan:
    """All row rules of one source in one pass: count the rows, and those that any rule suspects.

    `counts` is the qualified name of the table that the source is, if it is one, and read whole.
    """

    source: str
    table: sql.Composable
    scope: sql.Composable | None
    checks: tuple[RowCheck, ...]
    pages: int
    timeout: float | None = None
    counts: str | None = None
    access: ClassVar[Access] = "any"

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of its rules."""
        return tuple(check.rule for check in self.checks)

    def reach(self) -> sql.Composable:
        """Whether the source exists and may be read, no row read."""
        return sql.SQL("SELECT FROM {} LIMIT 0").format(self.table)

    def probes(self) -> Mapping[str, sql.Composable]:
        """Each predicate planned by the server, no row read; the column of a range tells its type."""
        return {check.rule: self._probe(check) for check in self.checks}

    def _probe(self, check: RowCheck) -> sql.Composed:
        target = check.span.subject if check.span else raw("")
        return sql.SQL("SELECT {} FROM {} WHERE {} LIMIT 0").format(target, self.table, check.condition)

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """Rows, suspects, and the rows inside each window."""
        targets = [raw("count(*)"), counted(_gate(self.checks, types))]
        targets += [counted(within) for within in self._windows().values()]
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
        return self._select([counted(check.condition) for check in self.checks], both(conditions))

    def recounted(self, answer: Sequence[Row], first: Sequence[Row]) -> Mapping[str, Count]:
        """The counts of `recount`, with the rows examined from the first pass."""
        pairs = zip(self._examined(first[0]), answer[0], strict=True)
        return {rule: Count(examined, violations) for (rule, examined), violations in pairs}

    def sampling(self, rule: str) -> Sampling | None:
        """The violating rows of one rule in key order."""
        check = next(check for check in self.checks if check.rule == rule)
        conditions = [check.condition] if self.scope is None else [self.scope, check.condition]
        return rows_in_order(self.table, check.keys, check.label, check.shown, both(conditions))

    def only(self, rules: Iterable[str]) -> RowScan:
        """The same source for some of the rules."""
        wanted = frozenset(rules)
        return replace(self, checks=tuple(check for check in self.checks if check.rule in wanted))


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
