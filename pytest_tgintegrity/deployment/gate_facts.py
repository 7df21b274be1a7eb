"""Ask the gate: gather what a run found out, and what it was told, into what the gate has to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pytest_tgintegrity.deployment.gate import NO_HISTORY, NOT_DETERMINED, Asked, Finding, Gate, GateFacts, decide
from pytest_tgintegrity.deployment.probes.statistics import BaselineComparison, Compared
from pytest_tgintegrity.deployment.probes.timing import Timings
from pytest_tgintegrity.history.trend import HistoryResult
from pytest_tgintegrity.judging.summary import RunSummary

NO_PROBES = Finding(reason="no probe was timed: give --probe")
NO_BASELINE = Finding(reason="a baseline is kept in Redis: give --redis-url")
JUST_PINNED = Finding(reason="this run pinned the baseline: compare another one with it")


@dataclass(frozen=True, slots=True)
class Today:
    """This run, as the gate looks at it."""

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
    asked: Asked,
    summary: RunSummary,
    deselected: int,
    migrations: Finding,
    past: HistoryResult | None,
    timings: Timings | None,
    comparison: BaselineComparison | None,
) -> Gate:
    """What the gate says of the run that has just ended, given what is remembered of those before it."""
    evidence = GateFacts(
        minimum=summary.health.minimum,
        healthy=summary.health.status == "healthy",
        past=past.past if past else None,
        constraints=Counter(record.rule.verdict for record in summary.records if record.constraint),
        deselected=deselected,
        backup=asked.backup,
        migrations=migrations,
        performance=_performance(timings, comparison),
        unreadable=past.unreadable if past else (),
        no_history=(past and past.reason) or NO_HISTORY,
    )
    return decide(asked.gate, _today(summary), evidence, summary.run.finished_at)


def _performance(timings: Timings | None, comparison: BaselineComparison | None) -> Finding:
    """What the probes say, beside the baseline."""
    if timings is None or not (timings.timed or timings.failed):
        return NO_PROBES
    if timings.failed:
        name, reason = next(iter(timings.failed.items()))
        return Finding(reason=f"{name} could not be timed: {reason}")
    if comparison is None:
        return NO_BASELINE
    if comparison.reason:
        return Finding(reason=comparison.reason)
    return JUST_PINNED if comparison.pinned else judged(comparison.compared)


def judged(compared: Sequence[Compared]) -> Finding:
    """One finding of all probes: degraded if any is, else not determined if any is not; what is in doubt is told in any case."""
    known = [one for one in compared if one.ratio is not None]
    slowest = max(known, key=lambda one: one.low or 0.0, default=None)
    measured = NOT_DETERMINED if slowest is None else f"slowest: {slowest.name}, {_ratio(slowest)} of the baseline"
    degraded = [one for one in known if one.degraded]
    doubts = [f"{one.name}: {one.doubt}" for one in compared if one.doubt]
    if degraded:
        told = [f"degraded: {', '.join(one.name for one in degraded)}", *doubts[:1]]
        return Finding(met=False, measured=measured, reason="; ".join(told))
    return Finding(None, measured, doubts[0]) if doubts else Finding(bool(known) or None, measured)


def _ratio(one: Compared) -> str:
    return f"{one.ratio:.2f} ({one.low:.2f} to {one.high:.2f}) times the time"


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
