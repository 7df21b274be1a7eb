"""The `integrity` part of the JSON report, and the whole document when pytest-json-report never came to write one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_tgintegrity.metrics import text_of
from pytest_tgintegrity.records import identity_of
from pytest_tgintegrity.reports import files
from pytest_tgintegrity.reports.vacuous import rows_expected

if TYPE_CHECKING:
    from pytest_tgintegrity.caches import Stale
    from pytest_tgintegrity.commands import Command
    from pytest_tgintegrity.database import Database
    from pytest_tgintegrity.gate import Gate
    from pytest_tgintegrity.health import Health
    from pytest_tgintegrity.mended import Mended
    from pytest_tgintegrity.reports.history import Remembered
    from pytest_tgintegrity.reports.probes import Beside
    from pytest_tgintegrity.scanning import Scanned
    from pytest_tgintegrity.timing import Timings

SCHEMA_VERSION = 1
USAGE_ERROR = 4


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The `run` part: which run it was, how long it took, what it was confined to, and whether it judged every rule."""

    id: str
    started_at: datetime
    finished_at: datetime
    seconds: float
    snapshot: str | None
    period_hours: float | None
    scopes: Mapping[str, str]
    rule_set_digest: str | None
    complete: bool

    def to_json(self) -> dict[str, Any]:
        """ISO timestamps in UTC, seconds with milliseconds."""
        times = {"started_at": self.started_at.isoformat(), "finished_at": self.finished_at.isoformat()}
        return {**asdict(self), **times, "seconds": round(self.seconds, 3)}


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told of a run, gathered once and shown in several forms."""

    run: RunFacts
    database: Database | None
    rules: Sequence[Mapping[str, Any]]
    scans: Sequence[Scanned]
    health: Health
    activity: Mapping[str, Any] = field(default_factory=dict)
    exact: Mapping[str, Any] = field(default_factory=dict)
    vacuous: Sequence[str] = ()
    overlooked: Sequence[str] = ()
    unscoped: Sequence[str] = ()
    empty_scopes: Sequence[str] = ()
    zoneless: Sequence[str] = ()
    astray: Mapping[str, Any] | None = None
    grants: Sequence[str] = ()
    mended: Mended | None = None
    apply: Command | None = None
    stale_waivers: Sequence[str] = ()
    coverage: Mapping[str, Any] | None = None
    proofs: Sequence[Mapping[str, Any]] | None = None
    gate: Gate | None = None
    timings: Timings | None = None
    beside: Beside | None = None
    remembered: Remembered | None = None
    stale: Stale | None = None
    former_digest: str | None = None

    @property
    def identity(self) -> str:
        """The name of the database that outlives a move to another address; empty if there is none."""
        one = self.database
        return identity_of(one.system_identifier, one.name, f"{one.host}:{one.port}") if one else ""

    def to_json(self) -> dict[str, Any]:
        """The document of `report["integrity"]`; optional parts are there only if there is something in them."""
        document: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "database": None if self.database is None else asdict(self.database),
            "run": self.run.to_json(),
            "rules": list(self.rules),
            "scans": [_scan(one) for one in self.scans],
            "health": self.health.to_json(),
            "activity": {name: _finite(value) for name, value in self.activity.items()},
            "gate": None if self.gate is None else self.gate.to_json(),
            "history": None if self.remembered is None else self.remembered.to_json(),
        }
        lists = {
            "empty_scopes": self.empty_scopes,
            "without_zone": self.zoneless,
            "stale_waivers": self.stale_waivers,
            "grants": self.grants,
        }
        document |= {name: list(found) for name, found in lists.items() if found}
        if expected := rows_expected(self):
            document["rows_expected"] = expected
        inexact = {name: text for name, text in self.exact.items() if text != text_of(self.activity[name])}
        if inexact:
            document["activity_text"] = inexact
        if self.astray is not None:
            document["wrong_database"] = self.astray
        if self.stale is not None:
            document["caches"] = self.stale.to_json()
        if self.coverage is not None:
            document["coverage"] = self.coverage
        if self.timings is not None:
            document["probes"] = self.timings.to_json()
        if self.beside is not None:
            document["baseline"] = self.beside.to_json()
        if self.proofs is not None:
            document["proof"] = _proof(self.proofs)
        if self.mended is not None:
            apply = None if self.apply is None else self.apply.to_json()
            document["fix"] = {**self.mended.to_json(), "apply": apply}
        return document


def _proof(proofs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    proven = [one["proven"] for one in proofs]
    return {"proven": proven.count(True), "unproven": proven.count(False), "rules": list(proofs)}


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they are told as text."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _scan(scanned: Scanned) -> dict[str, Any]:
    return {
        "source": scanned.source,
        "rules": list(scanned.measurements),
        "seconds": round(scanned.seconds, 6),
        "rows": scanned.rows,
    }


def write_refusal(path: Path, reason: str) -> None:
    """Write a report of a run that could not begin, in place of an older one that could be taken for it.

    Where nothing can be written, at least the old one goes.
    """
    document = {
        "created": datetime.now(UTC).timestamp(),
        "duration": 0.0,
        "exitcode": USAGE_ERROR,
        "summary": {"total": 0, "collected": 0},
        "tests": [],
        "integrity": refusal(reason),
    }
    try:
        files.write(path, json.dumps(document))
    except OSError:
        files.remove(path)


def refusal(reason: str) -> dict[str, Any]:
    """The `integrity` part of a run that judged nothing, with the reason in `run.error`; it has all the other keys too."""
    now = datetime.now(UTC)
    run = RunFacts("", now, now, 0.0, None, None, {}, None, complete=False)
    return {
        "schema_version": SCHEMA_VERSION,
        "database": None,
        "run": {**run.to_json(), "id": None, "error": reason},
        "rules": [],
        "scans": [],
        "health": {"score": None, "minimum": None, "status": "undetermined", "deductions": []},
        "activity": {},
        "gate": None,
        "history": None,
    }
