"""Time probes, and pin their timings as the baseline of a database, or compare them with the pinned baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.deployment.probes.rehearsal import Rehearsal
from pytest_tgintegrity.deployment.probes.statistics import ENOUGH, Baseline, BaselineComparison, Timed, compare
from pytest_tgintegrity.deployment.probes.timing import ProbeConnections, Timings, time_probes
from pytest_tgintegrity.errors import HistoryLost
from pytest_tgintegrity.history import redis_store as history
from pytest_tgintegrity.history.memory import Memory
from pytest_tgintegrity.rules.probes import Probe, Probing


def check_staging(run: Run) -> None:
    """Raise `UsageError` where nothing may be written, although it would be rolled back."""
    run.wait()
    with _rehearsal(run) as rehearsal:
        rehearsal.check()


def _rehearsal(run: Run) -> Rehearsal:
    return Rehearsal(run.writer().address, run.settings.limits)


def time_on(run: Run | None, probes: Iterable[Probe], which: Probing | None) -> Timings | None:
    """Time probes after the rules of a run were judged; None if nobody asked for it, or if no rule looked at data."""
    if which is None or run is None or run.pool is None or run.database is None:
        return None
    reading = [probe for probe in probes if not probe.writes]
    writing = [probe for probe in probes if probe.writes and which == "writes"]
    server = f"PostgreSQL {run.database.server_version}"
    connections = ProbeConnections(run.connection, lambda: _rehearsal(run), quote=run.settings.limits.quote)
    return time_probes([*reading, *writing], connections, server)


def compare_with_baseline(
    memory: Memory, identity: str, timings: Timings | None, action: Literal["pin", "show"] | None, now: datetime
) -> BaselineComparison | None:
    """Compare the timings of a run with the pinned baseline, or pin them as the baseline if they are fit for it.

    Nothing is raised: what goes wrong is the reason in the answer.
    """
    if memory.address is None or (action is None and timings is None):
        return None
    try:
        return _pinned(memory, identity, timings, now) if action == "pin" else _compared(memory, identity, timings)
    except HistoryLost as error:
        return BaselineComparison(reason=str(error))


def _pinned(memory: Memory, identity: str, timings: Timings | None, now: datetime) -> BaselineComparison:
    if reason := _unfit(timings):
        return BaselineComparison(reason=reason)
    baseline = Baseline(now, timings.timed if timings else {})
    history.pin(memory.opened(), identity, baseline.to_json())
    return BaselineComparison(baseline, pinned=True)


def _unfit(timings: Timings | None) -> str | None:
    """Why timings cannot be a baseline, or None."""
    if timings is None or not (timings.timed or timings.failed):
        return "no probe was timed"
    if timings.failed:
        name, reason = next(iter(timings.failed.items()))
        return f"{name} could not be timed: {reason}"
    few = [
        f"{name} has {timing.samples} samples of {ENOUGH}"
        for name, timing in timings.timed.items()
        if timing.samples < ENOUGH
    ]
    return few[0] if few else None


def _compared(memory: Memory, identity: str, timings: Timings | None) -> BaselineComparison:
    text = history.pinned(memory.opened(), identity)
    if text is None:
        return BaselineComparison(reason="no baseline is pinned: --baseline pin")
    baseline = Baseline.from_json(text)
    if baseline is None:
        return BaselineComparison(reason="the pinned baseline cannot be read: pin it again")
    now: Mapping[str, Timed] = timings.timed if timings else {}
    return BaselineComparison(baseline, compared=tuple(compare(now, baseline.probes)) if timings else ())
