"""The judge: from how a test ended to a verdict."""

from __future__ import annotations

import itertools
import json
from typing import get_args

import pytest

from pytest_tgintegrity.judging.verdicts import Judgement, Measurement, Outcome, Sample, Verdict, judge
from pytest_tgintegrity.rules.severity import SEVERITIES, Severity


@pytest.mark.parametrize(("severity", "fail_on"), list(itertools.product(SEVERITIES, SEVERITIES)))
def test_violations_below_the_bar_are_noted(severity: Severity, fail_on: Severity) -> None:
    grave = SEVERITIES.index(severity) <= SEVERITIES.index(fail_on)

    assert judge(severity, Outcome(held=False), fail_on).verdict == ("failed" if grave else "noted")
    assert judge(severity, Outcome(held=True), fail_on).verdict == "passed"
    assert judge(severity, Outcome(), fail_on).verdict == "unknown"


@pytest.mark.parametrize(
    ("outcome", "judgement"),
    [
        (Outcome(), Judgement("unknown", "it was not evaluated")),
        (Outcome(reason="a timeout"), Judgement("unknown", "a timeout")),
        (Outcome(held=True), Judgement("passed")),
        (Outcome(held=True, reason="vacuous"), Judgement("passed", "vacuous")),
        (Outcome(held=False, reason="3 rows"), Judgement("failed", "3 rows")),
    ],
)
def test_every_verdict_keeps_its_reason(outcome: Outcome, judgement: Judgement) -> None:
    assert judge("medium", outcome, "low") == judgement
    assert judgement.verdict in get_args(Verdict)


@pytest.mark.parametrize(
    ("measurement", "vacuous"),
    [
        (Measurement(examined=0), True),
        (Measurement(examined=1), False),
        (Measurement(examined=None), False),
        (Measurement(examined=0, error="no"), False),
    ],
)
def test_a_rule_that_looked_at_nothing_is_vacuous(measurement: Measurement, vacuous: bool) -> None:
    assert measurement.vacuous is vacuous


@pytest.mark.parametrize(
    "measurement",
    [
        Measurement(),
        Measurement(error="it took longer than 1 s"),
        Measurement(
            9, 2, (Sample("1", "one", {"a": 5, "b": None}), Sample(["1", None])), 0.5, None, "a note", {"x": 1.5}
        ),
    ],
)
def test_a_measurement_survives_json(measurement: Measurement) -> None:
    assert Measurement.from_json(json.loads(json.dumps(measurement.to_json()))) == measurement
