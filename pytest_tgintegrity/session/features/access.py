"""Access: whether this is the database that the rules mean, and which grants a role lacks to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_tgintegrity.database.permissions import missing_grants
from pytest_tgintegrity.judging.summary import RunSummary
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal.summary import address_of
from pytest_tgintegrity.reports.terminal.wrong_database import wrong_database_lines
from pytest_tgintegrity.session.feature import Feature, Selection

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run

LONG = 600


class Access(Feature):
    """`wrong_database` says what is missing if most tables that the rules name are not there; else it is None."""

    name = "access"

    def __init__(self) -> None:
        self.wrong_database: Mapping[str, Any] | None = None
        self._grants: Sequence[str] = ()

    def begun(self, run: Run, selection: Selection) -> None:
        """Note whether most tables that the rules name are missing."""
        self.wrong_database = run.wrong_database.to_json() if run.wrong_database else None

    def to_json(self) -> Any:
        """What is missing."""
        return self.wrong_database

    def hear(self, known: Any) -> None:
        """All workers know the same."""
        self.wrong_database = self.wrong_database or known

    def concluded(self, summary: RunSummary, run: Run | None) -> None:
        """Ask which grants are missing, where the server refused to let rules read."""
        if run is not None:
            self._grants = missing_grants(run, summary.rules)

    def section(self, summary: RunSummary) -> Section:
        """Above all else the question whether this is the right database; as the next step the missing grants."""
        section: dict[str, Any] = {"grants": list(self._grants)} if self._grants else {}
        section |= {"wrong_database": self.wrong_database} if self.wrong_database is not None else {}
        where = address_of(summary.database) if summary.database else ""
        return Section(
            section,
            first=list(wrong_database_lines(self.wrong_database, where, refused=bool(self._grants))),
            step=self._step(),
        )

    def _step(self) -> str:
        """The grants that an owner has to run, cut if they are very long: the JSON report has them whole."""
        statements = "; ".join(self._grants)
        return (
            statements
            if len(statements) <= LONG
            else f"{statements[: LONG - 1]}… (whole as `grants` in the JSON report)"
        )
