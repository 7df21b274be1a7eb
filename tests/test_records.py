"""Records of past runs are read as they were written; whatever else lies there is told apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from pytest_tgintegrity.records import Foreign, Record, identity_of

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


def test_a_record_comes_back_as_it_was_written() -> None:
    assert Record.from_json(RECORD.to_json()) == RECORD


def test_a_record_of_a_run_that_knew_little_comes_back_too() -> None:
    little = replace(
        RECORD, score=None, digest=None, period=None, rollback_rate=None, deadlocks=None, status="undetermined"
    )
    assert Record.from_json(little.to_json()) == little


def test_times_are_written_in_utc() -> None:
    away = replace(RECORD, started_at=NOON.astimezone(timezone(timedelta(hours=-8))))
    assert json.loads(away.to_json())["started_at"] == "2026-03-01T12:00:00+00:00"


def test_a_key_that_a_later_release_added_is_passed_over() -> None:
    document = {**json.loads(RECORD.to_json()), "weather": "fair"}
    assert Record.from_json(json.dumps(document)) == RECORD


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", "null", '{"version": 2}', "[" * 100_000], ids=range(7))
def test_what_is_no_record_of_this_version_is_foreign(text: str) -> None:
    with pytest.raises(Foreign):
        Record.from_json(text)


@pytest.mark.parametrize(
    "damage",
    [
        lambda one: one.pop("score"),
        lambda one: one.update(score="85"),
        lambda one: one.update(score=True),
        lambda one: one.update(complete=1),
        lambda one: one.update(status="splendid"),
        lambda one: one.update(started_at="yesterday"),
        lambda one: one.update(started_at="2026-03-01T12:00:00"),
        lambda one: one.update(violations={"t": "three"}),
        lambda one: one.update(violations=[]),
        lambda one: one.update(unknown=[1]),
        lambda one: one.update(rollback_rate=float("nan")),
        lambda one: one.update(probes={"sheet": 3}),
    ],
    ids=range(12),
)
def test_a_damaged_record_is_foreign(damage: Callable[[dict[str, Any]], Any]) -> None:
    document = json.loads(RECORD.to_json())
    damage(document)
    with pytest.raises(Foreign):
        Record.from_json(json.dumps(document))


def test_a_database_is_known_by_its_system_identifier_wherever_it_is_reached() -> None:
    assert identity_of("7301", "tg", "db.example:5432") == "7301:tg"
    assert identity_of(None, "tg", "db.example:5432") == "db.example:5432:tg"
