"""The gate: whether this may go on, decided from this run, past runs, probes and migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_tgintegrity.deployment.gate import Gate, GateRequest
from pytest_tgintegrity.deployment.gate_facts import ask
from pytest_tgintegrity.deployment.pending import Project, look_for_pending, read_project
from pytest_tgintegrity.judging.outcome import RunOutcome
from pytest_tgintegrity.judging.summary import RunSummary
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal.gate import gate_lines
from pytest_tgintegrity.session.feature import Feature
from pytest_tgintegrity.session.features.deciding.baseline import Baselines
from pytest_tgintegrity.session.features.history import History

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run


class Gating(Feature):
    """Decides if ``--gate`` is given; `outcome` and `history` get its decision."""

    name = "gate"

    def __init__(self, asked: GateRequest | None, history: History, baselines: Baselines, outcome: RunOutcome) -> None:
        self._asked = asked
        self._history = history
        self._baselines = baselines
        self._outcome = outcome
        self._project = Project()
        self._gate: Gate | None = None

    def prepared(self) -> None:
        """Read the migrations that were named. Raises `UsageError`."""
        self._project = read_project(self._asked.migrations if self._asked else ())

    def concluded(self, summary: RunSummary, run: Run | None) -> None:
        """Decide."""
        if self._asked is None:
            return
        pending = look_for_pending(run, self._project)
        facts = (self._history.result, self._baselines.timings, self._baselines.comparison)
        self._gate = ask(self._asked, summary, self._outcome.deselected, pending, *facts)
        self._outcome.gate_passed = self._gate.passed
        self._history.conditions = self._gate.met

    def section(self, summary: RunSummary) -> Section:
        """Each condition, with the reason where it is not met."""
        if self._gate is None:
            return Section()
        return Section({"gate": self._gate.to_json()}, decisions=list(gate_lines(self._gate)))
