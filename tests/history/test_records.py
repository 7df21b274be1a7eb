"""Records of past runs are read as they were written; whatever else lies there is told apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from pytest_tgintegrity.deployment.gate import clean_since
from pytest_tgintegrity.deployment.probes.statistics import Baseline, Timed
from pytest_tgintegrity.history.packing import DAMAGE, unpack_seconds
from pytest_tgintegrity.history.record import Record, UnreadableRecord
from pytest_tgintegrity.history.trend import HistoryResult, trend_of
from pytest_tgintegrity.judging.summary import identity_of
from pytest_tgintegrity.reports.terminal.history import history_lines
from records import NOON, ODD, RECORD


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
    with pytest.raises(UnreadableRecord):
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
    with pytest.raises(UnreadableRecord):
        Record.from_json(json.dumps(document))


FIELDS = [*json.loads(RECORD.to_json())]


@pytest.mark.parametrize("name", FIELDS)
def test_whatever_is_read_can_be_used(name: str) -> None:
    """A value of any kind in any place is foreign, or harms nobody who reads the history."""
    accepted = 0
    for odd in ODD:
        try:
            past = Record.from_json(json.dumps({**json.loads(RECORD.to_json()), name: odd}))
        except UnreadableRecord:
            continue
        accepted += 1
        trend = trend_of(RECORD, [replace(past, run="a0")], {})
        told = HistoryResult(wanted=True, past=(past,), trend=trend, record=RECORD)
        assert all(str(line).isprintable() for line in history_lines(told))
        json.loads(json.dumps(told.to_json()), parse_constant=pytest.fail)
        clean_since([past], RECORD, NOON + timedelta(days=1))
        assert Record.from_json(past.to_json()) == past

    assert accepted < len(ODD)


@pytest.mark.parametrize(
    "change", ["score", "started_at", "violations", "counts", "deadlocks", "period", "rollback_rate", "version"]
)
def test_what_no_run_of_ours_can_have_been_is_foreign(change: str) -> None:
    wrong: dict[str, list[Any]] = {
        "score": [-1000, 101, int("9" * 400)], "started_at": ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z"],
        "violations": [{"a": -1}, {"a": int("9" * 400)}], "counts": [{"failed": -3}], "deadlocks": [-1, 2**63], "period": [-1, 1e300],
        "rollback_rate": [-0.1, 1.1], "version": [True, 1.0, "1", None],
    }  # fmt: skip
    for one in wrong[change]:
        with pytest.raises(UnreadableRecord):
            Record.from_json(json.dumps({**json.loads(RECORD.to_json()), change: one}))


def test_a_number_of_more_digits_than_python_reads_is_foreign() -> None:
    text = RECORD.to_json().replace('"score":85', f'"score":{"9" * 6000}')
    with pytest.raises(UnreadableRecord):
        Record.from_json(text)


@pytest.mark.parametrize(
    ("rules", "taken"),
    [
        ("[]", "[1]"), ("{}", "{}"), ('["a"]', "[1e999]"), ('["a"]', "[NaN]"), ('["a"]', f"[{'9' * 400}]"), ('["a"]', '["1"]'),
        ("[1]", "[1]"), ('["a"]', "[true]"), ('["a"]', "[-1]"), ("null", "null"), ("[" * 90000, "[]"), ('["a"]', f"[{'9' * 6000}]"),
    ],
)  # fmt: skip
def test_seconds_that_are_not_ours_are_damage(rules: str, taken: str) -> None:
    with pytest.raises(DAMAGE):
        unpack_seconds(rules.encode(), taken.encode())


def test_a_baseline_that_nobody_can_have_pinned_is_none() -> None:
    timed = Timed(0.1, 2.0, 1.9, 2.1, 40, "s", "h")
    good = json.loads(Baseline(NOON, {"p": timed}).to_json())
    assert Baseline.from_json(json.dumps(good)) is not None
    for name in ("seconds", "relative", "low", "high", "samples"):
        odd: Any
        for odd in (-1, 0, 1e-300, 1e300, float("nan"), float("inf"), int("9" * 400), None, [], "x"):
            probe = {**good["probes"]["p"], name: odd}
            assert Baseline.from_json(json.dumps({**good, "probes": {"p": probe}})) is None
    for odd in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", 3, None, "2026-01-01T00:00:00"):
        assert Baseline.from_json(json.dumps({**good, "pinned_at": odd})) is None


def test_a_database_is_known_by_its_system_identifier_wherever_it_is_reached() -> None:
    assert identity_of("7301", "tg", "db.example:5432") == "7301:tg"
    assert identity_of(None, "tg", "db.example:5432") == "db.example:5432:tg"
