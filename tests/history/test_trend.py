"""How scores move, and which rules got worse, told from records alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pytest_tgintegrity.history.trend import RUNS, Change, sparkline
from records import CLEAN, NOON, day, trend


def test_the_first_run_has_a_trend_of_itself_and_nothing_is_new() -> None:
    found = trend(replace(CLEAN, violations={"a": 1}))
    assert (found.scores, found.previous, found.worse, found.new) == ([100], None, (), ())


def test_scores_come_oldest_first_and_end_with_this_run() -> None:
    assert trend(CLEAN, day(2, score=70), day(1, score=None)).scores == [70, None, 100]


def test_without_a_period_the_last_runs_count() -> None:
    past = [day(number) for number in range(RUNS + 5, 0, -1)]
    assert [one.run for one in trend(CLEAN, *past).runs] == [f"day {n}" for n in range(RUNS - 1, 0, -1)] + ["now"]


def test_a_period_covers_its_hours_yet_the_run_before_is_always_known() -> None:
    found = trend(replace(CLEAN, period=24.0), day(3, period=24.0, score=60), day(2, period=24.0, score=80))
    assert found.scores == [100]
    assert found.previous is not None
    assert found.previous.score == 80


@pytest.mark.parametrize(
    "other",
    [
        {"period": 24.0},
        {"scopes": {"status": "App"}},
        {"identity": "1:other"},
        {"digest": "e", "counts": {"passed": 40}},
        {"started_at": NOON + timedelta(seconds=1)},
        {"run": "now"},
    ],
    ids=lambda one: next(iter(one)),
)
def test_runs_that_looked_at_something_else_are_not_compared(other: dict[str, Any]) -> None:
    assert trend(CLEAN, day(1, **other)).previous is None


def test_a_rule_more_does_not_end_a_trend() -> None:
    assert trend(CLEAN, day(1, digest="e", counts={"passed": 99})).previous is not None


def test_what_grew_is_worse_what_came_is_new_and_the_rest_is_old() -> None:
    now = replace(CLEAN, violations={"same": 2, "grown": 3, "less": 1, "come": 4})
    found = trend(now, day(1, violations={"same": 2, "grown": 2, "less": 9, "gone": 1}))
    assert found.worse == (Change("grown", 2, 3),)
    assert found.new == (Change("come", 0, 4),)


def test_a_rule_that_can_no_longer_be_judged_is_worse() -> None:
    assert trend(replace(CLEAN, unknown=("lost",)), day(1)).worse == (Change("lost", 0, None),)


def test_a_rule_that_nobody_ever_could_judge_is_no_news() -> None:
    found = trend(replace(CLEAN, unknown=("lost",)), day(1, unknown=("lost",)))
    assert (found.worse, found.new) == ((), ())


def test_a_run_that_could_not_judge_a_rule_is_passed_over() -> None:
    found = trend(replace(CLEAN, violations={"a": 2}), day(2, violations={"a": 2}), day(1, unknown=("a",)))
    assert (found.worse, found.new) == ((), ())


def test_the_gravest_changes_come_first_then_the_largest() -> None:
    now = replace(CLEAN, violations={"a": 1, "b": 9, "c": 2})
    found = trend(now, day(1), severities={"a": "low", "b": "low", "c": "critical"})
    assert [one.rule for one in found.new] == ["c", "b", "a"]


def test_a_rule_that_did_not_always_pass_has_a_row_of_verdicts() -> None:
    now = replace(CLEAN, verdicts={"a": "failed"})
    assert trend(now, day(2, verdicts={"a": "unknown", "b": "failed"}), day(1)).verdicts == {
        "a": ["unknown", "passed", "failed"],
        "b": ["failed", "passed", "passed"],
    }


def test_of_a_run_of_other_rules_nobody_knows_which_passed() -> None:
    now = replace(CLEAN, verdicts={"a": "failed"})
    assert trend(now, day(2, digest="others"), day(1)).verdicts == {"a": ["not known", "passed", "failed"]}


def test_a_sparkline_stands_on_zero() -> None:
    assert sparkline([0, 50, 99, 100, None]) == "▁▅██·"
