"""A report in which there is something of everything, and one word in each place that data can reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_tgintegrity.reports.document import refusal

RULE = "t/test_items.py::test_sizes"
MOMENT = "2026-11-01T04:00:00+00:00"
TIMED = {"seconds": 0.002, "relative": 2.0, "low": 1.9, "high": 2.1, "samples": 40, "server": "PostgreSQL 18.4"}
RATIO = {"ratio": 1.3, "low": 1.2, "high": 1.4, "doubt": None, "degraded": True}


def everything(word: str) -> dict[str, Any]:
    """A document with `word` in each place that data can reach."""
    address = {"name": word, "host": word, "port": 5432, "user": word, "server_version": word, "is_standby": False}
    document = refusal(word)
    run = {**document["run"], "id": word, "snapshot": word, "scopes": {word: word}, "rule_set_digest": word}
    deducted = {"rule": f"{RULE}[{word}]", "severity": "high", "points": 200, "violations": 7}
    health = {"score": 0, "raw": -5, "minimum": 90, "status": "degraded", "deductions": [deducted]}
    return {
        **document,
        "database": address,
        "run": run,
        "health": health,
        "rules": [_rule(word, verdict) for verdict in ("failed", "noted", "waived", "fixed", "unknown", "passed")],
        "activity": {word: {word: word}, f"{word}s": 1.5},
        "census": {"tables": [], "findings": [_found(word)]},
        "gate": {"name": word, "passed": False, "conditions": [_condition(word, passed) for passed in (True, False)]},
        "history": _history(word),
        "coverage": {part: _covered(word) for part in ("tables", "foreign_keys", "columns")},
        "probes": {word: {**TIMED, "host": word}, f"{word} 2": {"error": word}},
        "baseline": {
            "pinned_at": MOMENT, "pinned": False, "reason": None,
            "probes": [{"name": word, **RATIO}, {**RATIO, "name": f"{word} 3", "ratio": None, "doubt": word}],
        },
        "proof": {"proven": 1, "unproven": 1, "rules": [{"id": f"{RULE}[{word}]", "proven": False, "reason": word}]},
        "fix": _fix(word),
    }  # fmt: skip


def _found(word: str) -> dict[str, Any]:
    return {
        "what": "one value",
        "severity": "info",
        "table": word,
        "column": word,
        "before": 1234,
        "now": 1,
        "since": MOMENT,
        "text": word,
        "value": word,
    }


def _rule(word: str, verdict: str) -> dict[str, Any]:
    violated = 0 if verdict in ("unknown", "passed") else 7
    sample = {"key": [word, 1], "label": word, "values": {word: word, "nothing": None}}
    return {
        "id": f"{RULE}[{verdict}-{word}]",
        "doc": f"{word}\n\n{word}",
        "severity": "high",
        "verdict": verdict,
        "violations": violated,
        "examined": 20,
        "seconds": 0.01,
        "reason": word,
        "see_all": f"SELECT '{word}'" if violated else None,
        "mend": word if violated else None,
        "fixable": verdict == "failed",
        "waiver": {"expires": "2026-12-01", "owner": word, "reason": word} if verdict == "waived" else None,
        "samples": [sample, {**sample, "key": word}] if violated else [],
    }


def _condition(word: str, passed: bool) -> Mapping[str, Any]:
    told = {"name": word, "measured": word, "required": word, "reason": word, "since": MOMENT}
    return {**told, "passed": passed}


def _history(word: str) -> Mapping[str, Any]:
    runs = [
        {"started_at": MOMENT, "score": score, "status": "degraded", "rollback_rate": 0.25, "deadlocks": 2}
        for score in (90, None, 0)
    ]
    change = {"rule": f"{RULE}[{word}]", "before": 1, "now": None}
    strip = {f"{RULE}[{verdict}-{word}]": ["passed", "unknown", verdict] for verdict in ("failed", "waived", "passed")}
    return {"previous_score": 90, "trend": runs, "worse": [change], "new": [{**change, "now": 7}], "rules": strip}


def _covered(word: str) -> Mapping[str, Any]:
    blind = [{"name": word, "reason": word}, {"name": word, "reason": None}]
    return {"by_rules": 5, "by_constraints_only": [], "by_nothing": blind, "total": 7}


def _fix(word: str) -> Mapping[str, Any]:
    row = {"table": word, "key": {word: word}}
    return {
        "plan": word,
        "changes": 2,
        "file": word,
        "by_rule": [{"rule": f"{RULE}[{word}]", "table": word, "rows": 2}],
        "first_changes": [
            {**row, "op": "update", "before": {word: word}, "after": {word: word}},
            {**row, "op": "delete", "before": {word: word}, "after": None},
        ],
        "needs_a_person": [{"rule": f"{RULE}[{word}]", "violations": 3, "reason": word}],
        "noted_fixes": [f"{RULE}[{word}]", word],
        "apply": {"command": word, "hint": word},
        "applied": {"run": word, "rows": 2, "stopped": word},
    }
