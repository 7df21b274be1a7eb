"""The `integrity` part of the JSON report, and the whole document where pytest-json-report does not write one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_tgintegrity.judging.summary import RunFacts, RunSummary
from pytest_tgintegrity.planning.scans.metrics import text_of
from pytest_tgintegrity.reports import files

SCHEMA_VERSION = 1
USAGE_ERROR = 4


def report_document(summary: RunSummary, parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The document of `report["integrity"]`; `parts` come from the features; a part without content is left out."""
    report: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "database": None if summary.database is None else asdict(summary.database),
        "run": summary.run.to_json(),
        "rules": [rule.to_json() for rule in summary.rules],
        "scans": [scan.to_json() for scan in summary.scans],
        "health": summary.health.to_json(),
        "activity": {name: _finite(value) for name, value in summary.activity.items()},
        "census": {"tables": [], "findings": []},
        "gate": None,
        "history": None,
    }
    lists = {"empty_scopes": summary.empty_scopes, "without_zone": summary.zoneless}
    report |= {name: list(names) for name, names in lists.items() if names}
    inexact = {name: text for name, text in summary.exact.items() if text != text_of(summary.activity[name])}
    if inexact:
        report["activity_text"] = inexact
    for part in parts:
        report |= part
    return report


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they are written as text."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


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
        "census": {"tables": [], "findings": []},
        "gate": None,
        "history": None,
    }
