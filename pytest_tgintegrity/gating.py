"""Ask the gate: gather what a run found out, and what it was told, into what the gate has to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pytest_tgintegrity.gate import NO_HISTORY, Asked, Evidence, Finding, Gate, decide
from pytest_tgintegrity.reports.document import Report
from pytest_tgintegrity.reports.history import Remembered
from pytest_tgintegrity.tidings import Tidings

NO_PREFLIGHT = Finding(reason="no pre-flight was run: nobody knows what is pending")
NO_PROBES = Finding(reason="no probe was timed")


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


def ask(asked: Asked, report: Report, heard: Tidings, remembered: Remembered | None) -> Gate:
    """What the gate says of the run that has just ended, given what is remembered of those before it."""
    evidence = Evidence(
        minimum=report.health.minimum,
        healthy=report.health.status == "healthy",
        past=remembered.past if remembered else None,
        constraints=Counter(one["rule"]["verdict"] for one in heard.records.values() if one.get("constraint")),
        deselected=heard.deselected,
        backup=asked.backup,
        migrations=NO_PREFLIGHT,
        performance=NO_PROBES,
        no_history=(remembered and remembered.reason) or NO_HISTORY,
    )
    return decide(asked.gate, _look(report), evidence, report.run.finished_at)


def _look(report: Report) -> Today:
    run = report.run
    return Today(
        run=run.id,
        started_at=run.started_at,
        identity=report.identity,
        digest=run.rule_set_digest,
        complete=run.complete,
        period=run.period_hours,
        scopes=run.scopes,
        counts=Counter(one["verdict"] for one in report.rules),
        score=report.health.score,
    )
