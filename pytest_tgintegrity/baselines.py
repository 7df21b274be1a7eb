"""Time probes, and pin their timings as the baseline of a database, or look up the one that is pinned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pytest_tgintegrity import history
from pytest_tgintegrity.errors import HistoryLost
from pytest_tgintegrity.performance import ENOUGH, Baseline, Timed, compare
from pytest_tgintegrity.remembering import Memory
from pytest_tgintegrity.reports.document import Report
from pytest_tgintegrity.reports.probes import Beside
from pytest_tgintegrity.run import Run
from pytest_tgintegrity.timing import Probe, Timings, time_probes


def time_on(run: Run | None, probes: Mapping[str, Probe]) -> Timings | None:
    """Time probes on the snapshot of a run, once its rules are judged; None if no rule looked at data."""
    if run is None or run.board is None or run.database is None:
        return None
    return time_probes(probes, run.connection, f"PostgreSQL {run.database.server_version}")


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
