"""Coverage: which tables, foreign keys and columns the rules look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_tgintegrity.judging.summary import RunSummary
from pytest_tgintegrity.proving.coverage import cover, parse_reasons
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal.coverage import coverage_lines
from pytest_tgintegrity.session.feature import Feature, Selection

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run

UNCOVERED = "uncovered.toml"


class RuleCoverage(Feature):
    """Computed once the tables are known, if ``--integrity-coverage`` asks for it."""

    name = "coverage"

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._covered: Mapping[str, Any] | None = None

    def begun(self, run: Run, selection: Selection) -> None:
        """Compare what rules read with what there is. Raises `UsageError` of a file that cannot be read."""
        if not self._wanted:
            return
        reasons: dict[str, str] = {}
        for name, text in selection.beside(UNCOVERED):
            reasons.update(parse_reasons(text, name))
        keys = run.constraints("foreign_key")
        covered = cover(selection.rules, run.tables, run.facts, keys, reasons, len(selection.collected))
        self._covered = covered.to_json()

    def to_json(self) -> Any:
        """What is covered."""
        return self._covered

    def hear(self, known: Any) -> None:
        """All workers know the same."""
        self._covered = self._covered or known

    def section(self, summary: RunSummary) -> Section:
        """A part of the report, and an appendix after the summary."""
        if self._covered is None:
            return Section()
        covered = self._covered
        title = "integrity coverage"
        return Section(
            {"coverage": covered}, title=title, appendix=lambda verbosity: coverage_lines(covered, verbosity)
        )
