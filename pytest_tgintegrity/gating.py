"""Ask the gate: gather what a run found out, and what it was told, into what the gate has to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pytest_tgintegrity.database import Database
from pytest_tgintegrity.gate import Asked, Evidence, Finding, Gate, Look, decide
from pytest_tgintegrity.health import Health
from pytest_tgintegrity.reports.document import RunFacts
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


def ask(
    asked: Asked, run: RunFacts, database: Database | None, heard: Tidings, health: Health, past: Sequence[Look] | None
) -> Gate:
    """What the gate says of the run that has just ended, given the runs `past` (None: there is no history)."""
    evidence = Evidence(
        minimum=health.minimum,
        healthy=health.status == "healthy",
        past=past,
        constraints=Counter(one["rule"]["verdict"] for one in heard.records.values() if one.get("constraint")),
        deselected=heard.deselected,
        backup=asked.backup,
        migrations=NO_PREFLIGHT,
        performance=NO_PROBES,
    )
    return decide(asked.gate, _look(run, database, heard, health), evidence, run.finished_at)


def _look(run: RunFacts, database: Database | None, heard: Tidings, health: Health) -> Today:
    return Today(
        run=run.id,
        started_at=run.started_at,
        identity=f"{database.system_identifier}/{database.name}" if database else "",
        digest=run.rule_set_digest,
        complete=run.complete,
        period=run.period_hours,
        scopes=run.scopes,
        counts=Counter(one["verdict"] for one in heard.rules),
        score=health.score,
    )
