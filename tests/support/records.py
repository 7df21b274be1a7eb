"""Records of past runs, to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_tgintegrity.history.record import Record
from pytest_tgintegrity.history.trend import Trend, trend_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


RECORD = Record(
    run="a1",
    started_at=NOON,
    finished_at=NOON + timedelta(seconds=4),
    score=85,
    status="degraded",
    counts={"passed": 10, "failed": 1},
    violations={"t.py::test_xp": 3},
    unknown=("t.py::test_lost",),
    digest="d" * 64,
    complete=True,
    period=24.0,
    scopes={"status": "App"},
    probes={"sheet": {"median": 0.01, "samples": [0.01, 0.02]}},
    rollback_rate=0.02,
    deadlocks=0,
    database="tg",
    identity="7301:tg",
    verdicts={"t.py::test_xp": "failed"},
    conditions={"backup": False},
)


ODD: list[Any] = [
    None, True, False, -1, -1000, 101, 2**63, int("9" * 400), -int("9" * 400), 0.5, -0.0, 1e308, -1e308, float("inf"), float("nan"),
    "", "\x00", "\ud800", "x" * 100_000, "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59+00:00",
    "1970-01-01T00:00:00+00:00", "2026-03-01T12:00:00+00:00", [], [None], ["\ud800"], {}, {"a": None}, {"a": -1}, {"a": 10**30},
    {"a": {}}, {"a": {"b": [1]}}, {"\ud800": 1}, {"": ""}, {"a": True}, {"a": "tolerated"},
]  # fmt: skip


CLEAN = replace(
    RECORD,
    run="now",
    score=100,
    status="healthy",
    counts={"passed": 100},
    violations={},
    unknown=(),
    period=None,
    scopes={},
    verdicts={},
)


def day(number: int, **changes: Any) -> Record:
    return replace(CLEAN, **{"run": f"day {number}", "started_at": NOON - timedelta(days=number), **changes})


def trend(now: Record, *past: Record, severities: Mapping[str, str] | None = None) -> Trend:
    return trend_of(now, past, severities or {})
