"""Probes: queries that people wait for are timed, once the rules are judged and nothing else is running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_tgintegrity.deployment.probes.baseline import check_staging, time_on
from pytest_tgintegrity.deployment.probes.timing import Timings
from pytest_tgintegrity.judging.outcome import RunOutcome
from pytest_tgintegrity.judging.summary import RunSummary
from pytest_tgintegrity.rules.probes import Probe, Probing
from pytest_tgintegrity.session.feature import Feature

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run


class Probes(Feature):
    """`declared` are those that were collected, by name; `timings` are known once the run is concluded."""

    name = "probes"

    def __init__(self, wanted: Probing | None, outcome: RunOutcome) -> None:
        self.declared: dict[str, Probe] = {}
        self.timings: Timings | None = None
        self._wanted = wanted
        self._outcome = outcome

    def opened(self, run: Run) -> None:
        """Refuse to write where nothing may be written. Raises `UsageError`."""
        if self._wanted == "writes":
            check_staging(run)

    def concluded(self, summary: RunSummary, run: Run | None) -> None:
        """Time the probes."""
        if not self._outcome.interrupted:
            self.timings = time_on(run, self.declared.values(), self._wanted)
