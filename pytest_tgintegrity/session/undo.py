"""``--undo`` and ``--fix-history``: commands of their own, which collect and run no test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.fixing.caches import CACHES, Caches, Stale, parse_caches
from pytest_tgintegrity.fixing.fix import past_runs, undo
from pytest_tgintegrity.fixing.results import Undone
from pytest_tgintegrity.history.memory import Memory
from pytest_tgintegrity.reports.document import refusal
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.reports.publishing import publish, put
from pytest_tgintegrity.reports.terminal.fixes import journal_lines, undone_lines
from pytest_tgintegrity.reports.terminal.history import stale_lines
from pytest_tgintegrity.reports.terminal.summary import header
from pytest_tgintegrity.rules import files as rule_files
from pytest_tgintegrity.text import plural

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What to do about caches once rows were taken back."""

    memory: Memory
    caches: Sequence[Caches]
    prefix: str | None


def cleaning(memory: Memory, places: Sequence[Path], prefix: str | None) -> Cleaning:
    """Read the files of caches beside the rules; the first of `places` is pytest's root. Raises `UsageError`.

    No rule is collected, so the files are looked for where the command line points to. Without them nothing is deleted, since
    they say what has to be kept.
    """
    paths = (Path(str(place).partition("::")[0]).absolute() for place in places)
    folders = [path.parent if path.is_file() else path for path in paths]
    texts = rule_files.texts(rule_files.beside(CACHES, folders), places[0])
    caches = [parse_caches(text, name) for name, text in texts]
    if prefix is not None and not caches:
        raise UsageError(
            f"--redis-flush-prefix finds no {CACHES}, which says what to keep: name the folder of the rules, "
            "as in: pytest integrity_tests --undo …"
        )
    return Cleaning(memory, caches, prefix)


@dataclass(frozen=True, slots=True)
class Files:
    """The files that report an undo: the JSON report, and by form what else is written of a run."""

    report: Path | None
    published: Mapping[str, Path]


def take_back(run: Run, which: str, say: Say, files: Files, cleaning: Cleaning) -> int:
    """Undo a run and report it; 1 if something could not be taken back. Raises `UsageError`."""
    try:
        undone = undo(run, which)
        status = int(bool(undone.applied.skipped or undone.applied.stopped))
        stale = cleaning.memory.flush_caches(undone.applied, cleaning.caches, cleaning.prefix)
        _say(run, [*undone_lines(undone), *(stale_lines(stale) if stale else ())], say)
        if files.report is not None:
            say(str(_written(files.report, undone, stale, status)))
        _publish(files.published, undone, say)
        return status
    finally:
        run.close()
        cleaning.memory.close()


def list_runs(run: Run, say: Say) -> int:
    """List the runs in the journal. Raises `UsageError`."""
    try:
        _say(run, journal_lines(past_runs(run)), say)
        return 0
    finally:
        run.close()


def _say(run: Run, lines: Iterable[Line], say: Say) -> None:
    if run.database is not None:
        say(header(run.database, run.snapshot, writing=True))
    for line in lines:
        say(str(line))


def _publish(files: Mapping[str, Path], undone: Undone, say: Say) -> None:
    """Page and metrics still show what was found before rows were taken back: have them say that no rule was run since."""
    rows = plural(undone.applied.rows, "row")
    for line in publish(refusal(f"{rows} of run {undone.run} taken back; no rule was run since"), files):
        say(str(line))


def _written(report: Path, undone: Undone, stale: Stale | None, status: int) -> Line:
    section = {"undo": undone.to_json(), **({"caches": stale.to_json()} if stale else {})}
    document: dict[str, Any] = {"exitcode": status, "integrity": section}
    return put("report", report, json.dumps(document), private=True)
