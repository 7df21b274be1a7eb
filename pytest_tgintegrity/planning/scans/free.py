"""Free SQL of an author: rows that violate a rule, or a number. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from psycopg import sql

from pytest_tgintegrity.planning.scans.access import Access
from pytest_tgintegrity.planning.scans.metrics import METRIC_ROWS, json_value, measured, out_of_bounds, text_of
from pytest_tgintegrity.planning.scans.sampling import Sampling
from pytest_tgintegrity.planning.scans.scan import UNKNOWN_PAGES, Count, OneRule, Row, Tally
from pytest_tgintegrity.planning.sql.compose import Value, parenthesised
from pytest_tgintegrity.rules.kinds import Metric


@dataclass(frozen=True, slots=True)
class QueryScan(OneRule):
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
class MetricScan(OneRule):
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
        count = Count(None, int(out_of_bounds(value, self.metric)), json_value(value), text_of(value))
        return Tally(None, {self.rule: count})

    def sampling(self, rule: str) -> Sampling | None:
        """None: a number has no rows to show."""
        del rule
        return None
