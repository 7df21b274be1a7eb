"""The census: rows of tables and values of columns, counted in a run of all rules and compared with earlier runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tgintegrity.census.counts import Counted, TableCount
from pytest_tgintegrity.census.findings import Compared, Comparison, Finding, Judged
from pytest_tgintegrity.errors import TgIntegrityError
from pytest_tgintegrity.history.memory import Memory
from pytest_tgintegrity.judging.outcome import RunOutcome
from pytest_tgintegrity.judging.summary import RuleRecord, RunSummary, ScanFacts
from pytest_tgintegrity.judging.waivers import CENSUS
from pytest_tgintegrity.planning.facts import Facts
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.sql.compose import plain
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal.history import census_lines
from pytest_tgintegrity.rules.kinds import Share, Volume
from pytest_tgintegrity.session.feature import Feature, Selection
from pytest_tgintegrity.session.features.found import Found, OwnWaivers
from pytest_tgintegrity.session.features.waivers import Waivers
from pytest_tgintegrity.session.options import Options

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run

DOC = "A table that had rows has not lost all of them."
PART = "a part of the rules was selected"
CUT_SHORT = "not all rules were judged"
VIOLATED = ("failed", "noted")


@dataclass(frozen=True, slots=True)
class Bounded:
    """What rules bound: the rows of tables, by rule, and the values of columns, each with its table."""

    volumes: Mapping[str, str] = field(default_factory=dict)
    columns: frozenset[tuple[str, str]] = frozenset()


class Census(Feature):
    """`compared` is what was found and what the history has to keep; None where the run was no whole look, or nothing can be kept."""

    name = "census"

    def __init__(
        self, config: pytest.Config, asked: Options, memory: Memory, waivers: Waivers, outcome: RunOutcome
    ) -> None:
        self.compared: Compared | None = None
        self._config = config
        self._asked = asked
        self._memory = memory
        self._all_waivers = waivers
        self._outcome = outcome
        self._waivers = OwnWaivers()
        self._bounded = Bounded()
        self._counted = Counted()
        self._uncounted: list[TableCount] = []
        self._reason: str | None = None

    # --- what workers tell

    def begun(self, run: Run, selection: Selection) -> None:
        """Note what rules bound, and which losses are waived."""
        self._bounded = bounded(selection.rules, run.facts, run.tables)
        own = {rule: one for rule, one in self._all_waivers.by_rule.items() if rule.startswith(CENSUS)}
        self._waivers = OwnWaivers(own)

    def to_json(self) -> Any:
        """What is bounded, and what is waived."""
        return {
            "volumes": dict(self._bounded.volumes),
            "columns": sorted(self._bounded.columns),
            "waivers": self._waivers.to_json(),
        }

    def hear(self, known: Any) -> None:
        """All workers know the same."""
        self._bounded = Bounded(known["volumes"], frozenset((table, column) for table, column in known["columns"]))
        self._waivers.hear(known["waivers"])

    # --- counting

    def results(self, run: Run | None, scans: Sequence[ScanFacts]) -> Iterable[RuleRecord]:
        """Count, compare, and return a violated rule for each table that lost all its rows."""
        known = {scan.table: scan.rows for scan in scans if scan.table is not None and scan.rows is not None}
        self._counted = Counted({table: TableCount(table, rows) for table, rows in sorted(known.items())})
        if run is None or run.database is None:
            return ()
        self._reason = self._why_not()
        if self._reason is None:
            self._reason = self._take(run, run.database.identity, known)
        return () if self.compared is None else list(self._judged(self.compared, run.started_at.date()))

    def _why_not(self) -> str | None:
        """Why this run takes no census."""
        if not self._outcome.complete:
            return CUT_SHORT
        return PART if self._outcome.deselected or not whole(self._config) else None

    def _take(self, run: Run, identity: str, known: Mapping[str, int]) -> str | None:
        """Count and compare; the reason why not, if that cannot be done."""
        from pytest_tgintegrity.census.taking import Taking  # noqa: PLC0415 - it imports psycopg: other suites start at once

        earlier = self._memory.earlier(identity)
        if earlier.reason is not None:
            return earlier.reason
        period = None if self._asked.period is None else timedelta(hours=self._asked.period)
        try:
            with run.reader() as reader:
                quote = bool(self._asked.samples)
                taking = Taking(reader, known, quote=quote)
                counted = taking.take()
                if counted.reason is not None:
                    return counted.reason
                comparison = Comparison(
                    counted,
                    earlier,
                    run.started_at,
                    period,
                    self._judged_by_rules(run.started_at.date()),
                    taking,
                    quote,
                )
                self.compared = comparison.compared()
        except TgIntegrityError as error:
            return str(error)
        self._counted, before = counted, earlier.rows.rows
        self._uncounted = [table for table in counted.tables.values() if table.rows is None and table.table in before]
        return None

    def _judged_by_rules(self, today: date) -> Judged:
        """What rules bound, and which of these bounds do not hold."""
        volumes, records = self._bounded.volumes, self._outcome.records
        violated = {volumes[rule] for rule in volumes if rule in records and records[rule].rule.verdict in VIOLATED}
        waivers = {rule.removeprefix(CENSUS): waiver.expires >= today for rule, waiver in self._waivers.by_rule.items()}
        return Judged(frozenset(volumes.values()), self._bounded.columns, violated, waivers)

    # --- judging

    def _judged(self, compared: Compared, today: date) -> Iterator[RuleRecord]:
        """Each table that lost all its rows; and each whose loss is waived although it has some."""
        reasons: dict[str, str | None] = {found.table: found.sentence for found in compared.losses}
        waived = (rule.removeprefix(CENSUS) for rule in self._waivers.by_rule)
        reasons = {**{table: None for table in waived if self._is_counted(table)}, **reasons}
        for table, reason in reasons.items():
            found = Found(CENSUS + table, DOC, "high", reason, sources=(table,))
            yield found.judged(self._waivers.by_rule.get(found.id), self._asked.fail_on, today)

    def _is_counted(self, table: str) -> bool:
        count = self._counted.tables.get(table)
        return count is None or count.rows is not None

    # --- reporting

    def section(self, summary: RunSummary) -> Section:
        """The numbers of all tables, and what became of them."""
        findings = [*self.compared.losses, *self.compared.noted] if self.compared else []
        document: dict[str, Any] = {
            "tables": [table.to_json() for table in self._counted.tables.values()],
            "findings": [_told(found) for found in findings],
        }
        if self._reason is not None:
            document["reason"] = self._reason
        return Section(
            {"census": document},
            list(census_lines(document["findings"], [(one.table, str(one.reason)) for one in self._uncounted])),
        )


def _told(found: Finding) -> dict[str, Any]:
    """A finding; one that is a violation names its rule."""
    document = found.to_json()
    return {**document, "rule": CENSUS + found.table} if found.what == "all rows lost" else document


def bounded(rules: Iterable[BoundRule], facts: Facts, read: Mapping[str, Sequence[str]]) -> Bounded:
    """What rules bound: of a source that is no table alone, the column of that name in each of its tables."""
    volumes, columns = {}, set()
    for bound in rules:
        kind = bound.rule.kind
        for table in map(facts.table, read.get(bound.id, ()) if isinstance(kind, Volume | Share) else ()):
            if table is not None and isinstance(kind, Volume):
                volumes[bound.id] = table.qualified
            elif table is not None and isinstance(kind, Share):
                columns.add((table.qualified, plain(kind.column, bound.params).rpartition(".")[2]))
    return Bounded(volumes, frozenset(columns))


def whole(config: pytest.Config) -> bool:
    """Whether pytest was asked for folders, not for files or single tests, and not for the last failures."""
    named = [str(argument) for argument in config.args]
    part = any("::" in name or Path(name).is_file() for name in named)
    return not part and not config.getoption("lf", default=False)
