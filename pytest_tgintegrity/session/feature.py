"""A capability of a run beyond judging its rules, such as waivers, fixes or the gate: its methods, and when they are called."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_tgintegrity.judging.summary import RuleRecord, RunSummary, ScanFacts
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.rules import files as rule_files

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules of a run, the ids of all that were collected, and the files that hold those that were selected."""

    rules: Sequence[BoundRule]
    collected: Collection[str]
    files: Collection[tuple[str, Path]]
    root: Path

    def beside(self, name: str) -> Iterator[tuple[str, str]]:
        """The files of that name in the folders of the rules, and at pytest's root, as name and text."""
        folders = [*(rule_files.folder_of(file, path) for file, path in sorted(self.files)), self.root]
        return rule_files.texts(rule_files.beside(name, folders), self.root)


class Feature:
    """Does nothing where it was not asked for. A new feature overrides what it needs, and joins `registry.features_of`.

    All of its methods may raise `TgIntegrityError` until the run has begun, and none after that.
    """

    name = ""

    def prepared(self) -> None:
        """The session begins, in every process; what this raises is reported once rules are selected."""

    def selected(self, selection: Selection) -> None:
        """The selection is final; nothing has been scanned yet. Called in every process that collects."""

    def opened(self, run: Run) -> None:
        """Data is about to be looked at: refuse what may not be done to this database."""

    def begun(self, run: Run, selection: Selection) -> None:
        """Scans are under way."""

    def to_json(self) -> Any:
        """What a worker of pytest-xdist knows of the selection, for `hear`; None if that is nothing."""

    def hear(self, known: Any) -> None:
        """Take over what `to_json` of a worker returned."""

    def results(self, run: Run | None, scans: Sequence[ScanFacts]) -> Iterable[RuleRecord]:
        """All tests have ended: what the feature judged by itself, to be counted in score and exit status; see `concluded`."""
        return ()

    def concluded(self, summary: RunSummary, run: Run | None) -> None:
        """All rules are judged, and the score is known; `run` is None where no data was looked at.

        Features are asked in their order, in the process that owns the run.
        """

    def recorded(self, summary: RunSummary) -> None:
        """All features have concluded."""

    def section(self, summary: RunSummary) -> Section:
        """What the feature reports."""
        return Section()

    def close(self) -> None:
        """Close what was opened."""
