"""``--undo`` and ``--fix-history``: commands of their own, which collect and run no test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pytest_tgintegrity.mended import Undone
from pytest_tgintegrity.mending import past_runs, undo
from pytest_tgintegrity.reports.changes import history_lines, undone_lines
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.reports.terminal import header
from pytest_tgintegrity.run import Run

Say = Callable[[str], None]


def take_back(run: Run, which: str, say: Say, report: Path | None) -> int:
    """Undo a run and tell of it; 1 if something could not be taken back. Raises `UsageError`."""
    try:
        undone = undo(run, which)
        status = int(bool(undone.made.left or undone.made.stopped))
        _tell(run, undone_lines(undone), say)
        if report is not None:
            _write(report, undone, status)
        return status
    finally:
        run.close()


def list_runs(run: Run, say: Say) -> int:
    """Tell of the runs in the journal. Raises `UsageError`."""
    try:
        _tell(run, history_lines(past_runs(run)), say)
        return 0
    finally:
        run.close()


def _tell(run: Run, lines: Iterable[Line], say: Say) -> None:
    if run.database is not None:
        say(header(run.database, run.snapshot).replace("read-only, ", ""))
    for line in lines:
        say(str(line))


def _write(report: Path, undone: Undone, status: int) -> None:
    document: dict[str, Any] = {"exitcode": status, "integrity": {"undo": undone.to_json()}}
    report.write_text(json.dumps(document), encoding="utf-8")
