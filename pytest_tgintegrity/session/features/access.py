"""Access: whether this is the database that the rules mean, and which grants a role lacks to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_tgintegrity.database.permissions import missing_grants
from pytest_tgintegrity.judging.summary import RunSummary
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal.astray import astray_lines
from pytest_tgintegrity.reports.terminal.summary import place
from pytest_tgintegrity.session.feature import Feature, Selection

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run

LONG = 600


class Access(Feature):
    """`astray` says what is missing where most tables that the rules name are not there; else it is None."""

    name = "access"

    def __init__(self) -> None:
        self.astray: Mapping[str, Any] | None = None
        self._grants: Sequence[str] = ()

    def begun(self, run: Run, selection: Selection) -> None:
        """The tables are known."""
        self.astray = run.astray.to_json() if run.astray else None

    def to_json(self) -> Any:
        """What is missing."""
        return self.astray

    def hear(self, told: Any) -> None:
        """All workers know the same."""
        self.astray = self.astray or told

    def concluded(self, summary: RunSummary, run: Run | None) -> None:
        """Ask which grants are missing, where the server refused to let rules read."""
        if run is not None:
            self._grants = missing_grants(run, summary.rules)

    def section(self, summary: RunSummary) -> Section:
        """The question whether this is the right database, above all else; the grants are the next step."""
        told: dict[str, Any] = {"grants": list(self._grants)} if self._grants else {}
        told |= {"wrong_database": self.astray} if self.astray is not None else {}
        where = place(summary.database) if summary.database else ""
        return Section(
            told, first=list(astray_lines(self.astray, where, refused=bool(self._grants))), step=self._step()
        )

    def _step(self) -> str:
        """What an owner has to run, as it stands; statements that go on for a page are whole in the JSON report."""
        told = "; ".join(self._grants)
        return told if len(told) <= LONG else f"{told[: LONG - 1]}… (whole as `grants` in the JSON report)"
