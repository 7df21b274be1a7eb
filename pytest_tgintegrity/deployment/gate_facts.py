"""Ask the gate: turn what a run measured and what its user said into the facts that the gate decides by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pytest_tgintegrity.deployment.gate import NO_HISTORY, NOT_DETERMINED, Finding, Gate, GateFacts, GateRequest, decide
from pytest_tgintegrity.deployment.probes.statistics import BaselineComparison, Compared
from pytest_tgintegrity.deployment.probes.timing import Timings
from pytest_tgintegrity.history.trend import HistoryResult
from pytest_tgintegrity.judging.summary import RunSummary

NO_PROBES = Finding(reason="no probe was timed: give --probe")
NO_BASELINE = Finding(reason="a baseline is kept in Redis: give --redis-url")
JUST_PINNED = Finding(reason="this run pinned the baseline: compare another one with it")


@dataclass(frozen=True, slots=True)
class Today:
    """The run that has just ended, as a `Look` that the gate compares with earlier ones."""

    run: str
    started_at: datetime
    identity: str
    digest: str | None
    complete: bool
    period: float | None
    scopes: Mapping[str, str]
    counts: Mapping[str, int]
    score: int | None
    overlooked: int = 0
    conditions: Mapping[str, bool] = field(default_factory=dict)


def ask(
    request: GateRequest,
    summary: RunSummary,
    deselected: int,
    migrations: Finding,
    past: HistoryResult | None,
    timings: Timings | None,
    comparison: BaselineComparison | None,
) -> Gate:
    """What the gate decides about the run that has just ended; `past` holds the runs before it."""
    facts = GateFacts(
        minimum=summary.health.minimum,
        healthy=summary.health.status == "healthy",
        past=past.past if past else None,
        constraints=Counter(record.rule.verdict for record in summary.records if record.constraint),
        deselected=deselected,
        backup=request.backup,
        migrations=migrations,
        performance=_performance(timings, comparison),
        unreadable=past.unreadable if past else (),
        no_history=(past and past.reason) or NO_HISTORY,
    )
    return decide(request.gate, _today(summary), facts, summary.run.finished_at)


def _performance(timings: Timings | None, comparison: BaselineComparison | None) -> Finding:
    """Whether the probes are as fast as in the baseline."""
    if timings is None or not (timings.timed or timings.failed):
        return NO_PROBES
    if timings.failed:
        name, reason = next(iter(timings.failed.items()))
        return Finding(reason=f"{name} could not be timed: {reason}")
    if comparison is None:
        return NO_BASELINE
    if comparison.reason:
        return Finding(reason=comparison.reason)
    return JUST_PINNED if comparison.pinned else probes_finding(comparison.compared)


def probes_finding(compared: Sequence[Compared]) -> Finding:
    """The finding about all probes together.

    It is not met if a probe is degraded; otherwise it is not determined if a probe is not. A doubt is named in either case.
    """
    certain = [probe for probe in compared if probe.ratio is not None]
    slowest = max(certain, key=lambda probe: probe.low or 0.0, default=None)
    measured = NOT_DETERMINED if slowest is None else f"slowest: {slowest.name}, {_ratio(slowest)} of the baseline"
    degraded = [probe for probe in certain if probe.degraded]
    doubts = [f"{probe.name}: {probe.doubt}" for probe in compared if probe.doubt]
    if degraded:
        reasons = [f"degraded: {', '.join(probe.name for probe in degraded)}", *doubts[:1]]
        return Finding(met=False, measured=measured, reason="; ".join(reasons))
    return Finding(None, measured, doubts[0]) if doubts else Finding(bool(certain) or None, measured)


def _ratio(probe: Compared) -> str:
    return f"{probe.ratio:.2f} ({probe.low:.2f} to {probe.high:.2f}) times the time"


def _today(summary: RunSummary) -> Today:
    run = summary.run
    return Today(
        run=run.id,
        started_at=run.started_at,
        identity=summary.identity,
        digest=run.rule_set_digest,
        complete=run.complete,
        period=run.period_hours,
        scopes=run.scopes,
        counts=Counter(rule.verdict for rule in summary.rules),
        score=summary.health.score,
        overlooked=len(summary.overlooked),
    )
