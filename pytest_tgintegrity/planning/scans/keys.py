"""Rules about keys: rows that share theirs with others, and references to what is not there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from pytest_tgintegrity.planning.predicates import Named
from pytest_tgintegrity.planning.scans.access import Access
from pytest_tgintegrity.planning.scans.sampling import Sampling, counted, rows_in_order
from pytest_tgintegrity.planning.scans.scan import Count, OneRule, Row, Tally
from pytest_tgintegrity.planning.sql.compose import (
    NUM_NONNULLS,
    NUM_NULLS,
    both,
    listed,
    parenthesised,
    raw,
    where_clause,
)


@dataclass(frozen=True, slots=True)
class UniqueScan(OneRule):
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
        return rows_in_order(counted, _names("key", self.keys), label, shown, clash)


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
    def counts(self) -> str | None:
        """None: a target whose keys are not as unique as its index says makes more rows of one."""
        return None

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of its rules."""
        return tuple(reference.rule for reference in self.references)

    def reach(self) -> sql.Composable:
        """Whether the source exists and may be read, no row read."""
        return sql.SQL("SELECT FROM {} LIMIT 0").format(self.table)

    def probes(self) -> Mapping[str, sql.Composable]:
        """Each reference planned on its own."""
        return {
            reference.rule: sql.SQL("SELECT FROM {}{} WHERE {} LIMIT 0").format(
                self.table, reference.join(0), reference.orphaned(0)
            )
            for reference in self.references
        }

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """Rows, and the orphans of each reference."""
        del types
        targets: list[sql.Composable] = [raw("count(*)")]
        for number, reference in enumerate(self.references):
            examined = raw("count(*)") if reference.within is None else counted(reference.within)
            targets += [examined, counted(reference.orphaned(number))]
        joins = sql.Composed([reference.join(number) for number, reference in enumerate(self.references)])
        return sql.SQL("SELECT {} FROM {}{}{}").format(listed(targets), self.table, joins, where_clause(self.scope))

    def tally(self, answer: Sequence[Row]) -> Tally:
        """Always final."""
        row = answer[0]
        pairs = zip(row[1::2], row[2::2], strict=True)
        return Tally(
            row[0], {reference.rule: Count(*pair) for reference, pair in zip(self.references, pairs, strict=True)}
        )

    def sampling(self, rule: str) -> Sampling | None:
        """The orphans of one reference in key order."""
        reference = next(reference for reference in self.references if reference.rule == rule)
        table = sql.Composed([self.table, reference.join(0)])
        orphaned = reference.orphaned(0)
        where = orphaned if self.scope is None else both([self.scope, orphaned])
        return rows_in_order(table, reference.keys, reference.label, (*reference.columns, *reference.shown), where)

    def only(self, rules: Iterable[str]) -> ReferenceScan:
        """The same source for some of the references."""
        wanted = frozenset(rules)
        return replace(self, references=tuple(reference for reference in self.references if reference.rule in wanted))
