"""Probes: what people wait for is timed, and compared with the pinned baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_tgintegrity.deployment.probes.baseline import check_staging, compare_with_baseline, time_on
from pytest_tgintegrity.deployment.probes.statistics import BaselineComparison
from pytest_tgintegrity.deployment.probes.timing import Timings
from pytest_tgintegrity.history.memory import Memory
from pytest_tgintegrity.judging.outcome import RunOutcome
from pytest_tgintegrity.judging.summary import RunSummary
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal.probes import probe_lines
from pytest_tgintegrity.rules.probes import Probe
from pytest_tgintegrity.session.features.feature import Feature
from pytest_tgintegrity.session.options import Options

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run


class Probing(Feature):
    """`probes` are those that were collected, by name; `timings` and `comparison` are known once the run is concluded."""

    name = "probes"

    def __init__(self, asked: Options, memory: Memory, outcome: RunOutcome) -> None:
        self.probes: dict[str, Probe] = {}
        self.timings: Timings | None = None
        self.comparison: BaselineComparison | None = None
        self._asked = asked
        self._memory = memory
        self._outcome = outcome
        self._run: Run | None = None

    def opened(self, run: Run) -> None:
        """Refuse to write where nothing may be written. Raises `UsageError`."""
        if self._asked.probe == "writes":
            check_staging(run)
        self._run = run

    def concluded(self, summary: RunSummary) -> None:
        """Time the probes while nothing else is asked, and compare."""
        if self._run is None:
            return
        if not self._outcome.interrupted:
            self.timings = time_on(self._run, self.probes.values(), self._asked.probe)
        finished = summary.run.finished_at
        self.comparison = compare_with_baseline(
            self._memory, summary.identity, self.timings, self._asked.baseline, finished
        )

    def section(self, summary: RunSummary) -> Section:
        """The median of each probe, and how it compares."""
        timed = {} if self.timings is None else {"probes": self.timings.to_json()}
        compared = {} if self.comparison is None else {"baseline": self.comparison.to_json()}
        return Section({**timed, **compared}, decisions=list(probe_lines(self.timings, self.comparison)))
