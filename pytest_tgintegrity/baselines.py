"""Time probes, and pin their timings as the baseline of a database, or look up the one that is pinned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from pytest_tgintegrity import history
from pytest_tgintegrity.errors import HistoryLost
from pytest_tgintegrity.options import Probing
from pytest_tgintegrity.performance import ENOUGH, Baseline, Timed, compare
from pytest_tgintegrity.probes import Probe
from pytest_tgintegrity.rehearsal import Rehearsal
from pytest_tgintegrity.remembering import Memory
from pytest_tgintegrity.reports.document import Report
from pytest_tgintegrity.reports.probes import Beside
from pytest_tgintegrity.run import Run
from pytest_tgintegrity.timing import Stage, Timings, time_probes


def check_staging(run: Run) -> None:
    """Raise `UsageError` where nothing may be written, not even to be rolled back."""
    run.wait()
    with _rehearsal(run) as rehearsal:
        rehearsal.check()


def _rehearsal(run: Run) -> Rehearsal:
    return Rehearsal(run.writer().address, run.settings.limits)


def time_on(run: Run | None, probes: Iterable[Probe], which: Probing | None) -> Timings | None:
    """Time probes, once the rules of a run are judged; None if that was not asked, or no rule looked at data."""
    if which is None or run is None or run.board is None or run.database is None:
        return None
    reading = [one for one in probes if not one.writes]
    writing = [one for one in probes if one.writes and which == "writes"]
    server = f"PostgreSQL {run.database.server_version}"
    stage = Stage(run.connection, lambda: _rehearsal(run), quote=run.settings.limits.quote)
    return time_probes([*reading, *writing], stage, server)


def beside(memory: Memory, report: Report, action: Literal["pin", "show"] | None) -> Beside | None:
    """The timings of a run beside the pinned baseline; to pin, they become it, if they are fit to. Nothing is raised."""
    if memory.address is None or (action is None and report.timings is None):
        return None
    try:
        if action == "pin":
            return _pinned(memory, report.identity, report.timings, report.run.finished_at)
        return _compared(memory, report.identity, report.timings)
    except HistoryLost as error:
        return Beside(reason=str(error))


def _pinned(memory: Memory, identity: str, timings: Timings | None, now: datetime) -> Beside:
    if reason := _unfit(timings):
        return Beside(reason=reason)
    baseline = Baseline(now, timings.timed if timings else {})
    history.pin(memory.opened(), identity, baseline.to_json())
    return Beside(baseline, pinned=True)


def _unfit(timings: Timings | None) -> str | None:
    """Why timings are no baseline."""
    if timings is None or not (timings.timed or timings.failed):
        return "no probe was timed"
    if timings.failed:
        name, reason = next(iter(timings.failed.items()))
        return f"{name} could not be timed: {reason}"
    few = [
        f"{name} has {one.samples} samples of {ENOUGH}" for name, one in timings.timed.items() if one.samples < ENOUGH
    ]
    return few[0] if few else None


def _compared(memory: Memory, identity: str, timings: Timings | None) -> Beside:
    text = history.pinned(memory.opened(), identity)
    if text is None:
        return Beside(reason="no baseline is pinned: --baseline pin")
    baseline = Baseline.from_json(text)
    if baseline is None:
        return Beside(reason="the pinned baseline cannot be read: pin it again")
    now: Mapping[str, Timed] = timings.timed if timings else {}
    return Beside(baseline, compared=tuple(compare(now, baseline.probes)) if timings else ())
