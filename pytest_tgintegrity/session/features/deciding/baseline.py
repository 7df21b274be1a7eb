"""The baseline: timings of probes are pinned, or compared with the pinned ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_tgintegrity.deployment.probes.baseline import compare_with_baseline
from pytest_tgintegrity.deployment.probes.statistics import BaselineComparison
from pytest_tgintegrity.deployment.probes.timing import Timings
from pytest_tgintegrity.history.memory import Memory
from pytest_tgintegrity.judging.summary import RunSummary
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal.probes import probe_lines
from pytest_tgintegrity.session.feature import Feature
from pytest_tgintegrity.session.features.deciding.probing import Probes
from pytest_tgintegrity.session.options import Baselining

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run


class Baselines(Feature):
    """`comparison` is None where nothing was timed, and nobody asked for the baseline."""

    name = "baseline"

    def __init__(self, wanted: Baselining | None, memory: Memory, probes: Probes) -> None:
        self.comparison: BaselineComparison | None = None
        self._wanted = wanted
        self._memory = memory
        self._probes = probes

    @property
    def timings(self) -> Timings | None:
        """The timings of this run."""
        return self._probes.timings

    def concluded(self, summary: RunSummary, run: Run | None) -> None:
        """Compare, or pin. An error is reported, and does not fail the run."""
        if run is not None:
            finished = summary.run.finished_at
            self.comparison = compare_with_baseline(
                self._memory, summary.identity, self.timings, self._wanted, finished
            )

    def section(self, summary: RunSummary) -> Section:
        """The median of each probe, and how it compares."""
        section: dict[str, Any] = {} if self.timings is None else {"probes": self.timings.to_json()}
        section |= {} if self.comparison is None else {"baseline": self.comparison.to_json()}
        return Section(section, decisions=list(probe_lines(self.timings, self.comparison)))
