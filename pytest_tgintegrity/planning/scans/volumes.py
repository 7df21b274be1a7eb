"""Questions about a table as a whole: its rows, its newest row, the share of a value. One number each, no rows. Pure."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, LiteralString

from psycopg import sql

from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.planning.bound import BoundRule
from pytest_tgintegrity.planning.constants import as_real, own_type
from pytest_tgintegrity.planning.exact import exact
from pytest_tgintegrity.planning.facts import Before, EarlierRows
from pytest_tgintegrity.planning.scans.access import Access
from pytest_tgintegrity.planning.scans.sampling import Sampling
from pytest_tgintegrity.planning.scans.scan import Count, OneRule, Row, Scan, Tally
from pytest_tgintegrity.planning.sql.compose import Value, either, raw, where_clause
from pytest_tgintegrity.planning.windows import Window
from pytest_tgintegrity.rules.kinds import Freshness, Share, Volume
from pytest_tgintegrity.text import grouped, plural

if TYPE_CHECKING:  # sources are made ready for scans
    from pytest_tgintegrity.planning.sources import PreparedSource

PERCENT = 100


@dataclass(frozen=True, slots=True)
class VolumeScan(OneRule):
    """How many rows a table has, beside its bounds and what earlier runs counted; `known_as` is its qualified name."""

    source: str
    rule: str
    kind: Volume
    table: sql.Composable
    known_as: str
    earlier: EarlierRows
    pages: int
    timeout: float | None = None
    access: ClassVar[Access] = "any"

    @property
    def counts(self) -> str | None:
        """The table, all of whose rows are counted."""
        return self.known_as or None

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """All rows."""
        del types
        return sql.SQL("SELECT count(*) FROM {}").format(self.table)

    def tally(self, answer: Sequence[Row]) -> Tally:
        """Always final. Nothing was examined where a bound compares with a run and there was none before this one."""
        rows: int = answer[0][0]
        broken = self._broken(rows)
        examined = rows if broken or not self._compares or self._before else 0
        return Tally(rows, {self.rule: Count(examined, int(bool(broken)), rows, broken)})

    @property
    def _compares(self) -> bool:
        return self.kind.max_drop is not None or self.kind.max_growth is not None

    @property
    def _before(self) -> Before | None:
        return self.earlier.rows.get(self.known_as)

    def violated(self) -> sql.Composable:
        """A query that returns a row if a bound does not hold."""
        rows, before = raw("tgi_counted.n"), self._before
        bounds = [] if self.kind.at_least is None else [sql.SQL("{} < {}").format(rows, Value(self.kind.at_least))]
        if before is not None and self.kind.max_drop is not None:
            least = before.rows - exact(self.kind.max_drop) * before.rows
            bounds.append(sql.SQL("{} < {}").format(rows, Value(least)))
        if before is not None and before.rows and self.kind.max_growth is not None:
            most = before.rows + exact(self.kind.max_growth) * before.rows
            bounds.append(sql.SQL("{} > {}").format(rows, Value(most)))
        return _one_if(self.question({}), "n", bounds)

    def _broken(self, rows: int) -> str | None:
        """The bound that does not hold, in words. Raises `NotEvaluated` where no run can be compared with."""
        has = f"{self.source} has {plural(rows, 'row')}"
        if self.kind.at_least is not None and rows < self.kind.at_least:
            return f"{has}, not at least {grouped(self.kind.at_least)}"
        if self._compares and self.earlier.reason is not None:
            raise NotEvaluated(self.earlier.reason)
        return self._moved(rows, has, self._before) if self._compares and self._before else None

    def _moved(self, rows: int, has: str, before: Before) -> str | None:
        drop, growth = self.kind.max_drop, self.kind.max_growth
        since = f"than the {grouped(before.rows)} in the run of {before.at:%Y-%m-%d %H:%M} UTC"
        if drop is not None and before.rows - rows > exact(drop) * before.rows:
            return f"{has}, more than {_percent(drop)} fewer {since}"
        if growth is not None and before.rows and rows - before.rows > exact(growth) * before.rows:
            return f"{has}, more than {_percent(growth)} more {since}"
        return None

    def sampling(self, rule: str) -> Sampling | None:
        """None: a number has no rows to show."""
        del rule
        return None


@dataclass(frozen=True, slots=True)
class FreshnessScan(OneRule):
    """Whether any row is as young as it has to be: `young` is the condition, `at` its time."""

    source: str
    rule: str
    table: sql.Composable
    at: sql.Composable
    young: sql.Composable
    within: float
    pages: int
    scope: sql.Composable
    timeout: float | None = None
    access: ClassVar[Access] = "any"

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """All rows, and the young ones."""
        del types
        return sql.SQL("SELECT count(*), count(*) FILTER (WHERE {}) FROM {}{}").format(
            self.young, self.table, self.scope
        )

    def tally(self, answer: Sequence[Row]) -> Tally:
        """Always final."""
        rows, young = answer[0]
        of = "no rows at all" if not rows else f"no row of the last {self.within:g} hours"
        stale = None if young else f"{self.source} has {of}"
        return Tally(rows, {self.rule: Count(rows, int(stale is not None), young, stale)})

    def violated(self) -> sql.Composable:
        """A query that returns a row if none is young."""
        return _one_if(self.question({}), "present, young", [raw("tgi_counted.young = 0")])

    def sampling(self, rule: str) -> Sampling | None:
        """The newest time."""
        del rule
        newest = sql.SQL("SELECT max({}) AS newest FROM {}{}").format(self.at, self.table, self.scope)
        return Sampling(newest, 1, labelled=False, names=())


@dataclass(frozen=True, slots=True)
class ShareScan(OneRule):
    """The share of one value, or of the commonest, among the values of a column."""

    source: str
    rule: str
    kind: Share
    table: sql.Composable
    column: sql.Composable
    title: str
    chosen: sql.Composable | None
    pages: int
    scope: sql.Composable
    timeout: float | None = None
    access: ClassVar[Access] = "any"

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """The rows that have a value, and those of the value."""
        del types
        if self.chosen is not None:
            return sql.SQL("SELECT count({}), count(*) FILTER (WHERE {}) FROM {}{}").format(
                self.column, self.chosen, self.table, self.scope
            )
        return sql.SQL(
            "SELECT coalesce(sum(n), 0)::pg_catalog.int8, coalesce(max(n), 0)::pg_catalog.int8"
            " FROM (SELECT count({column}) AS n FROM {table}{scope} GROUP BY {column}) AS grouped"
        ).format(column=self.column, table=self.table, scope=self.scope)

    def tally(self, answer: Sequence[Row]) -> Tally:
        """Always final; without a value there is no share, and nothing is violated."""
        present, of_value = answer[0]
        share = of_value / present if present else None
        words = None if share is None else self._outside(share, of_value, present)
        return Tally(None, {self.rule: Count(present, int(words is not None), share, words)})

    def violated(self) -> sql.Composable:
        """A query that returns a row if the share is out of bounds."""
        sides = [(raw(">"), self.kind.at_most), (raw("<"), self.kind.at_least)]
        bounds = [
            sql.SQL("tgi_counted.found {} {} * tgi_counted.present").format(sign, Value(exact(bound)))
            for sign, bound in sides
            if bound is not None
        ]
        return _one_if(self.question({}), "present, found", bounds)

    def _outside(self, share: float, of_value: int, present: int) -> str | None:
        least, most = self.kind.at_least, self.kind.at_most
        if most is not None and of_value > exact(most) * present:
            bound = f"at most {_percent(most)}"
        elif least is not None and of_value < exact(least) * present:
            bound = f"at least {_percent(least)}"
        else:
            return None
        value = "the commonest value" if self.kind.value is None else "the value"
        counts = f"{grouped(of_value)} of {grouped(present)}"
        return f"{value} of {self.title} has {counts} ({_percent(share)}), not {bound}"

    def sampling(self, rule: str) -> Sampling | None:
        """Values with their counts, the commonest first."""
        del rule
        where = sql.SQL("SELECT {column} AS value, count({column}) AS rows FROM {table}{scope} GROUP BY 1").format(
            column=self.column, table=self.table, scope=self.scope
        )
        return Sampling(sql.SQL("{} ORDER BY 2 DESC").format(where), 1, labelled=False, names=("rows",))


NumberScan = VolumeScan | FreshnessScan | ShareScan
"""All scans whose rule is about a source as a whole."""


def _one_if(question: sql.Composable, columns: LiteralString, bounds: Sequence[sql.Composable]) -> sql.Composed:
    """A row if the answer to a question, under these names, meets any of the bounds."""
    return sql.SQL("SELECT 1 AS one FROM ({}) AS tgi_counted({}) WHERE {}").format(
        question, sql.SQL(columns), either(bounds) if bounds else raw("FALSE")
    )


def _percent(share: float) -> str:
    return f"{share * PERCENT:.4g} %"


# --- from a rule to its scan


@functools.singledispatch
def number_scan(kind: object, _: BoundRule, __: PreparedSource, ___: EarlierRows, ____: Window) -> Scan:
    """The scan of a rule about a source as a whole: `earlier` is what runs before counted, `window` knows what time it is."""
    raise TypeError(f"{type(kind).__name__} is about no source as a whole")


@number_scan.register(Volume)
def _(kind: Volume, bound: BoundRule, source: PreparedSource, earlier: EarlierRows, _: Window) -> Scan:
    return VolumeScan(
        source.name, bound.id, kind, source.table, source.whole, earlier, source.pages, bound.rule.timeout
    )


@number_scan.register(Freshness)
def _(kind: Freshness, bound: BoundRule, source: PreparedSource, _: EarlierRows, window: Window) -> Scan:
    if window.now is None:
        raise NotEvaluated("it is not known what time it is")
    at = source.binding(bound.params).column(kind.column)
    young = window.within(at, window.now - timedelta(hours=kind.within))
    scope = where_clause(source.scope)
    return FreshnessScan(
        source.name, bound.id, source.table, at, young, kind.within, source.pages, scope, bound.rule.timeout
    )


@number_scan.register(Share)
def _(kind: Share, bound: BoundRule, source: PreparedSource, _: EarlierRows, __: Window) -> Scan:
    binding = source.binding(bound.params)
    title, column = binding.named(kind.column)
    value = binding.value(kind.value)
    chosen = None if value is None else equals(column, value)
    scope = where_clause(source.scope)
    return ShareScan(
        source.name, bound.id, kind, source.table, column, title, chosen, source.pages, scope, bound.rule.timeout
    )


def equals(column: sql.Composable, value: object) -> sql.Composable:
    """Whether a column has a value, compared in the column's own type."""
    same = sql.SQL("{} = {}")
    constant = Value(exact(value))
    return own_type(column, [value], same.format(column, constant), same.format(column, as_real(constant)))
