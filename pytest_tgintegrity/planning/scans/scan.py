"""What every scan is: one question to the database on behalf of one or more rules. Nothing here does I/O.

A scan's answer is final, except that of a `RowScan` whose gate found suspects: these are counted again, rule by rule.
Samples are separate statements, for violated rules only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from psycopg import sql

from pytest_tgintegrity.judging.verdicts import Sample
from pytest_tgintegrity.planning.scans.access import Access
from pytest_tgintegrity.planning.scans.sampling import Sampling
from pytest_tgintegrity.planning.sql.compose import raw

Row = Sequence[Any]
UNKNOWN_PAGES = 1_000
"""What is taken for the size, in pages, of what has a size that nobody knows."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows a rule looked at (None where that cannot be said) and how many of them violate it.

    `samples` are all of these, where the answer already holds them.
    """

    examined: int | None
    violations: int
    value: Any = None
    text: Any = None
    samples: Sequence[Sample] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """A scan's answer: the rows of its source, and the count of each rule, or None if suspects have to be recounted."""

    rows: int | None
    counts: Mapping[str, Count] | None


class Scan(Protocol):
    """A question, and what its answer says of each of its rules."""

    @property
    def source(self) -> str:
        """What people call the thing that is read."""

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids that the answer serves."""

    @property
    def pages(self) -> int:
        """Estimated blocks to read: big scans start first and travel alone."""

    @property
    def timeout(self) -> float | None:
        """Seconds that replace the run's statement timeout."""

    @property
    def access(self) -> Access:
        """How tables may be read."""

    @property
    def counts(self) -> str | None:
        """The qualified name of the table all of whose rows the answer counts, if it does that."""

    def reach(self) -> sql.Composable:
        """A statement that reads no row and fails where the source cannot be read at all."""

    def probes(self) -> Mapping[str, sql.Composable]:
        """For each rule of several a statement that reads no row and fails where the rule's SQL is at fault."""

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """The statement; `types` are the oids of the first columns of probes."""

    def tally(self, answer: Sequence[Row]) -> Tally:
        """What the answer says."""

    def sampling(self, rule: str) -> Sampling | None:
        """How to ask for the rows that violate a rule; None where there are no rows to show."""

    def only(self, rules: Iterable[str]) -> Scan:
        """The same for some of the rules."""


class OneRule:
    """What scans of a single rule have in common."""

    __slots__ = ()

    rule: str

    @property
    def counts(self) -> str | None:
        """Unless one says so, it counts the rows of no table."""
        return None

    @property
    def rules(self) -> tuple[str, ...]:
        """The only rule."""
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
