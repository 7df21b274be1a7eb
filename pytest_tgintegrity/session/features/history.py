"""The history: a run is compared with those before it, and kept for those after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_tgintegrity.history.memory import Memory
from pytest_tgintegrity.history.redis_store import Beside
from pytest_tgintegrity.history.trend import HistoryResult
from pytest_tgintegrity.judging.summary import RunSummary
from pytest_tgintegrity.judging.vacuous import rows_expected
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal.history import history_lines
from pytest_tgintegrity.reports.terminal.verdicts import vacuous_lines
from pytest_tgintegrity.session.feature import Feature
from pytest_tgintegrity.session.features.census import Census
from pytest_tgintegrity.session.features.deciding.probing import Probes
from pytest_tgintegrity.session.features.declarations import Declarations

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run


class History(Feature):
    """`result` compares this run with past ones, once it is concluded; None where no data was looked at.

    `conditions` are those of a gate, by name, for the record of this run.
    """

    name = "history"

    def __init__(self, memory: Memory, probes: Probes, census: Census, declarations: Declarations) -> None:
        self.result: HistoryResult | None = None
        self.conditions: Mapping[str, bool] = {}
        self._memory = memory
        self._probes = probes
        self._census = census
        self._declarations = declarations

    def concluded(self, summary: RunSummary, run: Run | None) -> None:
        """Read past runs, and compare. An error is reported, and does not fail the run."""
        if run is not None:
            timings: Mapping[str, Any] = self._probes.timings.to_json() if self._probes.timings else {}
            self.result = self._memory.compare(summary, run, timings)

    def recorded(self, summary: RunSummary) -> None:
        """Keep this run, and what its gate said."""
        if self.result is not None:
            seconds = {rule.id: rule.seconds for rule in summary.rules}
            beside = Beside(self._census.compared, self._declarations.kept)
            self.result = self._memory.keep(self.result, self.conditions, seconds, beside)

    def section(self, summary: RunSummary) -> Section:
        """The trend, what got worse, and what was not kept."""
        trend = self.result.trend if self.result else None
        expected = rows_expected(summary, trend.emptied if trend else {})
        section: dict[str, Any] = {"rows_expected": expected} if expected else {}
        lines = list(vacuous_lines(expected))
        if self.result is None:
            return Section(section, lines)
        return Section({**section, "history": self.result.to_json()}, [*lines, *history_lines(self.result)])

    def close(self) -> None:
        """End the embedded server, if there is one."""
        self._memory.close()
