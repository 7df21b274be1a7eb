"""The score: a pure function of the verdicts, and its working."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_tgintegrity.judging.health import COSTLY, POINTS, Deduction, Judged, assess
from pytest_tgintegrity.judging.verdicts import Verdict
from pytest_tgintegrity.rules.severity import SEVERITIES, Severity

VERDICTS: tuple[Verdict, ...] = ("passed", "failed", "noted", "waived", "fixed", "unknown")
JUDGED = st.lists(
    st.builds(Judged, st.text(max_size=3), st.sampled_from(SEVERITIES), st.sampled_from(VERDICTS), st.integers(0, 9)),
    max_size=12,
)
MINIMUM = st.integers(0, 100)


def _one(severity: Severity, verdict: Verdict, rule: str = "r") -> Judged:
    return Judged(rule, severity, verdict, 1)


@pytest.mark.parametrize(
    ("severity", "points"), [("critical", 30), ("high", 15), ("medium", 10), ("low", 5), ("info", 0)]
)
@pytest.mark.parametrize("verdict", VERDICTS)
def test_what_a_rule_costs(severity: Severity, verdict: Verdict, points: int) -> None:
    found = assess([_one(severity, verdict)], 90, complete=True)

    assert found.score == (100 - points if verdict in {"failed", "noted", "unknown"} else 100)


@pytest.mark.parametrize(
    ("judged", "minimum", "complete", "status"),
    [
        ([], 90, True, "undetermined"),
        ([_one("low", "passed")], 90, True, "healthy"),
        ([_one("low", "passed")], 90, False, "undetermined"),
        ([_one("medium", "failed")], 90, True, "healthy"),
        ([_one("medium", "failed")], 91, True, "degraded"),
        ([_one("high", "failed")], 90, True, "degraded"),
        ([_one("info", "unknown")], 90, True, "degraded"),
        ([_one("critical", "unknown")], 0, True, "undetermined"),
        ([_one("critical", "failed")], 0, True, "degraded"),
        ([_one("critical", "noted")], 0, True, "degraded"),
        ([_one("critical", "waived"), _one("critical", "fixed")], 100, True, "healthy"),
        ([_one("critical", "failed"), *[_one("low", "passed")] * 500], 0, True, "degraded"),
        ([_one("critical", "failed")] * 4, 0, True, "degraded"),
    ],
)
def test_status(judged: list[Judged], minimum: int, complete: bool, status: str) -> None:
    assert assess(judged, minimum, complete=complete).status == status


def test_the_working_lists_what_costs_and_what_is_forgiven_dearest_first() -> None:
    judged = [
        _one("low", "noted", "d"), _one("high", "failed", "b"), _one("high", "failed", "a"), _one("low", "passed", "z"),
        _one("critical", "waived", "c"), _one("info", "failed", "e"), _one("critical", "unknown", "x"),
    ]  # fmt: skip

    found = assess(judged, 90, complete=True)

    assert [(one.rule, one.points) for one in found.deductions] == [
        ("x", 30), ("a", 15), ("b", 15), ("d", 5), ("c", 0), ("e", 0),
    ]  # fmt: skip
    assert found.deductions[0] == Deduction("x", "critical", 30, 1)
    assert found.to_json()["deductions"][0] == {"rule": "x", "severity": "critical", "points": 30, "violations": 1}
    assert (found.score, found.minimum) == (35, 90)


@given(JUDGED, MINIMUM, st.booleans())
def test_the_score_lies_in_its_bounds_and_its_working_adds_up(
    judged: list[Judged], minimum: int, complete: bool
) -> None:
    found = assess(judged, minimum, complete=complete)

    if not judged:
        assert (found.score, found.status) == (None, "undetermined")
        return
    assert found.raw == (100 - sum(one.points for one in found.deductions) if judged else None)
    assert found.score == (None if found.raw is None else max(0, found.raw))
    assert found.score is not None
    assert 0 <= found.score <= 100
    assert len([one for one in judged if one.verdict != "passed"]) == len(found.deductions)


@given(JUDGED, MINIMUM, st.booleans(), st.data())
def test_a_worse_verdict_never_gives_a_better_score(
    judged: list[Judged], minimum: int, complete: bool, data: st.DataObject
) -> None:
    assume(any(one.verdict not in COSTLY for one in judged))
    place = data.draw(st.sampled_from([n for n, one in enumerate(judged) if one.verdict not in COSTLY]))
    worse = [*judged]
    worse[place] = replace(judged[place], verdict=data.draw(st.sampled_from(sorted(COSTLY))))
    ranks = ["healthy", "degraded", "undetermined"]

    before, after = (assess(one, minimum, complete=complete) for one in (judged, worse))

    assert before.score is not None
    assert after.score is not None
    assert after.score <= before.score
    if before.status != "undetermined":
        assert ranks.index(after.status) >= ranks.index(before.status)


@given(JUDGED, MINIMUM, st.booleans())
def test_healthy_is_never_said_too_early(judged: list[Judged], minimum: int, complete: bool) -> None:
    found = assess(judged, minimum, complete=complete)
    violated = any(one.severity == "critical" and one.verdict in {"failed", "noted"} for one in judged)
    unknown = any(one.verdict == "unknown" for one in judged)

    if found.status == "healthy":
        assert complete
        assert judged
        assert not violated
        assert not unknown
        assert found.score is not None
        assert found.score >= minimum


@given(JUDGED, MINIMUM, st.randoms())
def test_the_order_of_rules_does_not_matter(judged: list[Judged], minimum: int, random: Random) -> None:
    shuffled = [*judged]
    random.shuffle(shuffled)

    first, second = (assess(one, minimum, complete=True) for one in (judged, shuffled))

    assert (first.score, first.status) == (second.score, second.status)
    assert sorted(map(repr, first.deductions)) == sorted(map(repr, second.deductions))


def test_graver_costs_more() -> None:
    points = [POINTS[one] for one in SEVERITIES]

    assert points == sorted(points, reverse=True)
    assert len(set(points)) == len(points)
