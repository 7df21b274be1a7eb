"""The promotion gate: conditions, and the counting of clean days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_tgintegrity.deployment.gate import (
    CLEAN_DAYS,
    Condition,
    Finding,
    Gate,
    GateFacts,
    Look,
    clean_since,
    decide,
)

NOW = datetime(2030, 6, 15, 9, 30, tzinfo=UTC)
NUMBERS = count()
CLEAN = {"passed": 40}
MET = Finding(met=True, measured="as it should be")


@dataclass(frozen=True)
class Past:
    """A run as it is remembered."""

    started_at: datetime
    counts: Mapping[str, int] = field(default_factory=lambda: CLEAN)
    score: int | None = 100
    digest: str | None = "rules"
    identity: str = "tg"
    complete: bool = True
    period: float | None = None
    scopes: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, bool] = field(default_factory=dict)
    overlooked: int = 0
    run: str = field(default_factory=lambda: f"run {next(NUMBERS)}")


def ago(days: int, hour: int = 4, minute: int = 0) -> datetime:
    return (NOW - timedelta(days=days)).replace(hour=hour, minute=minute)


def violated(started_at: datetime, **other: Any) -> Past:
    return Past(started_at, {"passed": 39, "failed": 1}, 90, **other)


def days(count: int) -> list[Past]:
    return [Past(ago(n)) for n in range(count, 0, -1)]


TODAY = Past(ago(0))


def evidence(past: Sequence[Look] | None, **other: Any) -> GateFacts:
    known: dict[str, Any] = {
        "minimum": 90,
        "healthy": True,
        "past": past,
        "constraints": {"passed": 900},
        "backup": NOW - timedelta(hours=5),
        "migrations": MET,
        "performance": MET,
    }
    return GateFacts(**{**known, **other})


def ask(past: Sequence[Look] | None, today: Past = TODAY, now: datetime = NOW, **other: Any) -> Gate:
    return decide("staging", today, evidence(past, **other), now)


def condition(gate: Gate, name: str) -> Condition:
    return next(one for one in gate.conditions if one.name == name)


def unmet(gate: Gate) -> dict[str, str | None]:
    return {one.name: one.reason for one in gate.conditions if not one.passed}


def clean(
    past: Sequence[Look], today: Past = TODAY, now: datetime = NOW, unreadable: Sequence[datetime] = ()
) -> tuple[int, str]:
    first, stopped = clean_since([*past, today], today, now, unreadable)
    return (now.astimezone(UTC).date() - first).days, stopped


# --- the decision


@pytest.mark.parametrize("name", CLEAN_DAYS)
def test_gate_opens_when_everything_is_met(name: str) -> None:
    gate = decide(name, TODAY, evidence(days(7)), NOW)

    assert gate.passed
    assert [one.name for one in gate.conditions] == [
        "rules hold",
        "health",
        "nothing unknown",
        "backup",
        "migrations",
        "constraints",
        "clean days",
        "performance",
    ]
    assert gate.to_json()["conditions"][6] == {
        "name": "clean days",
        "passed": True,
        "measured": "7 of 7",
        "required": "7 complete days in a row, by UTC, before today",
        "reason": None,
        "since": "2030-06-08",
    }


@pytest.mark.parametrize(
    ("today", "other", "expected"),
    [
        (violated(ago(0)), {}, {"rules hold": "a rule is violated", "clean days": "a rule was violated today"}),
        (replace(TODAY, complete=False), {}, {"rules hold": "the run was not complete"}),
        (
            replace(TODAY, period=24),
            {},
            {"rules hold": "the run looked at a part of the data: leave out --period and --scope"},
        ),
        (
            replace(TODAY, scopes={"status": "App"}),
            {},
            {"rules hold": "the run looked at a part of the data: leave out --period and --scope"},
        ),
        (
            TODAY,
            {"deselected": 3},
            {"rules hold": "3 of the collected rules were not run: leave out -k, -m and --deselect"},
        ),
        (
            replace(TODAY, counts={"passed": 39, "noted": 1}, score=95),
            {},
            {
                "rules hold": "--fail-on only notes a violation that the gate counts",
                "clean days": "a violation was noted today",
            },
        ),
        (replace(TODAY, counts={"passed": 39, "noted": 1}), {}, {}),
        (replace(TODAY, counts={"passed": 39, "waived": 1}), {}, {}),
        (
            replace(TODAY, counts={"passed": 39, "unknown": 1}, score=95),
            {},
            {"nothing unknown": "what is unknown may be violated", "clean days": "a rule was unknown today"},
        ),
        (TODAY, {"minimum": 101}, {"health": "below 101"}),
        (TODAY, {"healthy": False}, {"health": "something else is not healthy"}),
        (replace(TODAY, score=None), {}, {"health": "below 90"}),
        (TODAY, {"backup": None}, {"backup": "no backup was verified"}),
        (TODAY, {"backup": NOW - timedelta(days=1)}, {"backup": "it is too old"}),
        (TODAY, {"backup": NOW - timedelta(hours=23, minutes=59)}, {}),
        (TODAY, {"backup": NOW + timedelta(minutes=1)}, {"backup": "it is said to be of the future"}),
        (TODAY, {"migrations": Finding(reason="nobody looked")}, {"migrations": "nobody looked"}),
        (TODAY, {"performance": Finding(False, "1.31", "slower")}, {"performance": "slower"}),
        (TODAY, {"constraints": {}}, {"constraints": "no rule about declared constraints or the schema was run"}),
        (
            TODAY,
            {"constraints": {"passed": 9, "waived": 1}},
            {"constraints": "some are gone, not in force, or do not hold"},
        ),
        (TODAY, {"constraints": {"passed": 9, "fixed": 1}}, {}),
    ],
)
def test_each_condition_can_close_the_gate(today: Past, other: dict[str, Any], expected: dict[str, str]) -> None:
    gate = ask(days(7), today, **other)

    assert unmet(gate) == expected
    assert gate.passed == (not expected)


def test_without_history_no_day_is_clean() -> None:
    assert unmet(ask(None)) == {"clean days": "no history: give --redis-url"}
    assert condition(ask(None), "clean days").measured == "not determined"


def test_conditions_say_since_when_they_are_as_they_are() -> None:
    past = [Past(ago(5)), violated(ago(4)), violated(ago(3), digest="other"), violated(ago(2)), Past(ago(1))]

    assert condition(ask(past), "rules hold").since == "2030-06-14T04:00Z"
    assert condition(ask(past[:-1], violated(ago(0))), "rules hold").since == "2030-06-11T04:00Z"
    assert condition(ask(past, violated(ago(0))), "nothing unknown").since == "2030-06-10T04:00Z"


def test_what_only_a_gate_asks_is_dated_by_the_runs_that_asked() -> None:
    said = {5: True, 4: False, 3: False, 1: False}
    past = [
        Past(ago(n), conditions={"migrations": said[n], "performance": True} if n in said else {})
        for n in range(5, 0, -1)
    ]

    assert condition(ask(past, migrations=Finding()), "migrations").since == "2030-06-11T04:00Z"
    assert condition(ask(past), "migrations").since == "2030-06-15T04:00Z"
    assert condition(ask(past), "performance").since == "2030-06-10T04:00Z"
    assert condition(ask(past), "constraints").since is None


def test_todays_run_counts_once_though_it_is_remembered_already() -> None:
    assert ask([*days(7), replace(TODAY, counts={"failed": 1})]).passed


# --- clean days


@pytest.mark.parametrize("count", [0, 1, 6, 7, 30])
def test_clean_days_are_counted_up_to_yesterday(count: int) -> None:
    assert clean(days(count)) == (count, f"there was no run on {(NOW - timedelta(days=count + 1)).date()}")


def test_gap_restarts_the_count() -> None:
    past = [one for one in days(9) if one.started_at != ago(4)]

    assert clean(past) == (3, "there was no run on 2030-06-11")


def test_lost_history_restarts_the_count() -> None:
    assert clean([]) == (0, "there was no run on 2030-06-14")


@pytest.mark.parametrize(
    ("counts", "score", "reason"),
    [
        ({"passed": 9, "failed": 1}, 95, "a rule was violated"),
        ({"passed": 9, "failed": 1}, 100, "a rule was violated"),
        ({"passed": 9, "fixed": 1}, 100, "a rule was violated"),
        ({"passed": 9, "unknown": 1}, 100, "a rule was unknown"),
        ({"passed": 9, "noted": 1}, 95, "a violation was noted"),
    ],
)
@pytest.mark.parametrize("narrowed", [{}, {"scopes": {"status": "App"}}, {"period": 24.0}, {"digest": "fewer"}])
def test_whatever_was_wrong_in_any_run_of_a_day_restarts_the_count(
    counts: dict[str, int], score: int, reason: str, narrowed: dict[str, Any]
) -> None:
    bad = Past(ago(3, hour=11), counts, score, **narrowed)

    assert clean([*days(9), bad]) == (2, f"{reason} on 2030-06-12")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"complete": False}, "there was no complete run over all data"),
        ({"period": 24.0}, "there was no complete run over all data"),
        ({"scopes": {"status": "App"}}, "there was no complete run over all data"),
        ({"score": None}, "there was no complete run over all data"),
        ({"digest": "fewer"}, "other rules were run"),
        ({"digest": None}, "other rules were run"),
    ],
)
def test_day_without_a_whole_look_is_not_clean(other: dict[str, Any], reason: str) -> None:
    past = [one if one.started_at != ago(3) else replace(one, **other) for one in days(9)]

    assert clean(past) == (2, f"{reason} on 2030-06-12")
    assert clean([*past, Past(ago(3, hour=18))])[0] == 9


@pytest.mark.parametrize(
    ("added", "count", "day"),
    [
        (ago(3, hour=23, minute=59), 2, "on 2030-06-12"),
        (ago(3, hour=12), 2, "on 2030-06-12"),
        (ago(3, hour=0), 2, "on 2030-06-12"),
        (ago(0, hour=2), 0, "today"),
        (ago(0, hour=0), 0, "today"),
        (NOW + timedelta(days=400), 0, "today"),
        (datetime.max.replace(tzinfo=UTC), 0, "today"),
    ],
)
def test_entry_that_cannot_be_read_may_have_been_a_violation(added: datetime, count: int, day: str) -> None:
    assert clean(days(9), unreadable=[added]) == (count, f"an entry of the history cannot be read {day}")


def test_unreadable_entry_closes_the_gate_until_its_day_is_past() -> None:
    assert unmet(ask(days(9), unreadable=[ago(5)])) == {
        "clean days": "an entry of the history cannot be read on 2030-06-10"
    }
    assert ask(days(9), unreadable=[ago(8)]).passed


def test_runs_without_a_known_rule_set_are_not_of_the_same() -> None:
    nameless = [replace(one, digest=None) for one in days(9)]

    assert clean(nameless, replace(TODAY, digest=None))[0] == 0


def test_waived_violations_do_not_restart_the_count() -> None:
    waived = Past(ago(3, hour=9), {"passed": 9, "waived": 1})

    assert clean([*days(7), waived])[0] == 7


def test_rule_added_in_mid_week_restarts_the_count_on_the_day_before() -> None:
    past = [replace(one, digest="old" if one.started_at < ago(3) else "rules") for one in days(9)]
    both = [*past, Past(ago(3, hour=2), digest="old")]

    assert clean(past) == (3, "other rules were run on 2030-06-11")
    assert clean(both) == (3, "other rules were run on 2030-06-11")


def test_runs_of_another_database_are_not_looked_at() -> None:
    other = [replace(one, identity="staging") for one in days(7)]
    worse = [violated(ago(2, hour=7), identity="staging")]

    assert condition(ask(other), "clean days").measured == "0 of 7"
    assert ask([*days(7), *worse]).passed


def test_two_runs_a_day_are_one_day_and_both_have_to_be_clean() -> None:
    twice = [Past(ago(n, hour)) for n in range(7, 0, -1) for hour in (3, 15)]

    assert clean(twice)[0] == 7
    assert clean([*twice, violated(ago(2, hour=23))])[0] == 1
    assert clean([*twice, violated(ago(2, hour=0))])[0] == 1


def test_day_ends_at_midnight_utc() -> None:
    just_before = datetime(2030, 6, 14, 23, 59, 59, 999_999, tzinfo=UTC)
    midnight = datetime(2030, 6, 15, tzinfo=UTC)

    assert clean([Past(just_before)], Past(midnight), midnight)[0] == 1
    assert clean([Past(midnight)], Past(midnight), midnight)[0] == 0
    assert clean([Past(ago(1))], TODAY, just_before)[0] == 0


def test_run_over_midnight_belongs_to_the_day_on_which_it_began() -> None:
    begun = Past(datetime(2030, 6, 14, 23, 59, 58, tzinfo=UTC))

    assert clean([begun], TODAY)[0] == 1


def test_violation_of_today_restarts_the_count_though_the_last_run_was_clean() -> None:
    assert clean([*days(7), violated(ago(0, hour=1))]) == (0, "a rule was violated today")


def test_day_is_of_utc_wherever_the_clock_stands() -> None:
    eastern = timezone(timedelta(hours=10))
    late = Past(datetime(2030, 6, 15, 8, 0, tzinfo=eastern))  # 22:00 on the 14th in UTC

    assert clean([late])[0] == 1
    assert clean([late], TODAY, NOW.astimezone(eastern))[0] == 1


@pytest.mark.parametrize(("year", "month", "day"), [(2030, 3, 31), (2030, 10, 27)])
def test_daylight_saving_neither_makes_nor_loses_a_day(year: int, month: int, day: int) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(year, month, day, 12, tzinfo=berlin) + timedelta(days=3)
    past = [Past((now - timedelta(days=n)).replace(hour=2, minute=30)) for n in range(1, 8)]

    assert clean(past, Past(now), now)[0] == 7


def test_clock_that_was_set_back_makes_no_day_and_hides_no_violation() -> None:
    ahead = [Past(NOW + timedelta(days=n)) for n in (1, 2)]

    assert clean([*days(3), *ahead])[0] == 3
    assert clean([*days(3), violated(NOW + timedelta(days=1))]) == (0, "a rule was violated today")


RUNS = st.lists(
    st.builds(
        Past,
        st.datetimes(datetime(2030, 6, 4), datetime(2030, 6, 16), timezones=st.just(UTC)),  # noqa: DTZ001 - as hypothesis wants them
        counts=st.sampled_from([CLEAN] * 12 + [{"failed": 1}, {"unknown": 1}, {"noted": 1}]),
        digest=st.sampled_from(["rules"] * 9 + ["other"]),
        complete=st.sampled_from([True] * 9 + [False]),
    ),
    max_size=60,
)


@given(RUNS)
def test_count_agrees_with_going_through_the_days_one_by_one(past: list[Past]) -> None:
    assert clean(past)[0] == forward(past)


def forward(past: Sequence[Past]) -> int:
    """The count as a person with a calendar would find it: forward, day for day, from nothing."""
    in_a_row = 0
    for number in range(3, 15):
        of_the_day = [one for one in past if one.started_at.date() == date(2030, 6, number)]
        faultless = [set(one.counts) == {"passed"} or set(one.counts) == {"noted"} for one in of_the_day]
        whole = [one.complete and one.digest == "rules" for one in of_the_day]
        in_a_row = in_a_row + 1 if all(faultless) and any(whole) else 0
    spoiled = any({"failed", "unknown"} & set(one.counts) for one in past if one.started_at.date() >= date(2030, 6, 15))
    return 0 if spoiled else in_a_row


def test_fortnight_opens_the_gate_on_exactly_the_right_day() -> None:
    """A fault is planted on the 3rd and mended on the 4th; the run of the 6th is lost; a scan times out on the 7th."""
    kept: list[Past] = []
    opened = {}
    for number in range(1, 19):
        now = datetime(2030, 6, number, 4, tzinfo=UTC)
        today = violated(now) if number == 3 else Past(now)
        if number == 7:
            today = replace(today, counts={"passed": 39, "unknown": 1}, score=95)
        opened[number] = ask(kept, today, now, backup=now).passed
        if number != 6:
            kept.append(today)

    assert [number for number, passed in opened.items() if passed] == [15, 16, 17, 18]
