"""Timings beside a baseline: slower only beyond doubt."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_tgintegrity.deployment.gate_facts import probes_finding
from pytest_tgintegrity.deployment.probes.statistics import (
    DOUBT,
    ENOUGH,
    QUICKER,
    Baseline,
    Compared,
    Timed,
    compare,
    interval,
    timed,
)

STEADY = Timed(0.001, 2.0, 1.96, 2.04, 200, "PostgreSQL 18.4", "here")
WRITING = replace(STEADY, writes=True)


def sampled(seed: int, factor: float = 1.0, count: int = 200, machine: float = 1.0) -> Timed:
    """Noisy samples: a skewed probe beside a yardstick, on a machine that is slow at times."""
    dice = random.Random(seed)
    slow = [machine * dice.choice([1.0, 1.0, 1.3]) for _ in range(count)]
    pairs = [(factor * one * (1 + dice.expovariate(8)), one * (1 + dice.expovariate(20))) for one in slow]
    return timed(pairs, "PostgreSQL 18.4")


def only(now: Timed, then: Timed) -> Compared:
    (found,) = compare({"sheet": now}, {"sheet": then})
    return found


def test_identical_code_passes_again_and_again() -> None:
    baseline = sampled(0)

    assert [seed for seed in range(1, 501) if only(sampled(seed), baseline).degraded] == []


def test_slower_machine_is_no_slower_code() -> None:
    baseline = sampled(0)

    assert not any(only(sampled(seed, machine=3.0), baseline).degraded for seed in range(1, 101))


def test_machine_that_is_busy_at_times_is_no_slower_code() -> None:
    """In about every other sample the probe alone is held up, threefold, as by whoever else wants the processor."""

    def disturbed(seed: int) -> Timed:
        dice = random.Random(seed)
        held = [dice.choice([1.0, 3.0]) for _ in range(200)]
        return timed([(one * (1 + dice.expovariate(8)), 1 + dice.expovariate(20)) for one in held], STEADY.server)

    assert not any(only(disturbed(seed), sampled(0)).degraded for seed in range(1, 101))


def test_code_that_takes_half_as_long_again_is_always_noticed() -> None:
    baseline = sampled(0)

    assert all(only(sampled(seed, 1.5), baseline).degraded for seed in range(1, 101))


@pytest.mark.parametrize(("factor", "expected"), [(1.0, False), (1.12, False), (1.16, True), (0.5, False)])
def test_whole_interval_has_to_be_above_ten_percent(factor: float, expected: bool) -> None:
    now = Timed(0.001, 2.0 * factor, 1.96 * factor, 2.04 * factor, 200, STEADY.server)
    found = only(now, STEADY)

    assert found.degraded is expected
    assert found.ratio == pytest.approx(factor)
    assert found.low == pytest.approx(factor * 1.96 / 2.04)


@pytest.mark.parametrize(
    ("today", "baseline", "doubt"),
    [
        ({}, {"sheet": STEADY}, "it is in the baseline, but was not timed"),
        ({}, {"sheet": WRITING}, "it is in the baseline, but was not timed (it writes: --probe-writes)"),
        ({"sheet": WRITING}, {"sheet": STEADY}, "it did not write when the baseline was pinned: pin it again"),
        ({"sheet": STEADY}, {"sheet": WRITING}, "it did write when the baseline was pinned: pin it again"),
        ({"sheet": STEADY}, {}, "it is not in the baseline: pin it"),
        ({"sheet": sampled(0, count=ENOUGH - 1)}, {"sheet": STEADY}, f"too few samples: {ENOUGH - 1} of {ENOUGH}"),
        (
            {"sheet": STEADY},
            {"sheet": Timed(0.001, 2.0, 1.96, 2.04, 200, "PostgreSQL 15.9")},
            "the baseline is of PostgreSQL 15.9, this is PostgreSQL 18.4: pin it again",
        ),
    ],
)
def test_what_cannot_be_compared_is_in_doubt(today: dict[str, Timed], baseline: dict[str, Timed], doubt: str) -> None:
    (found,) = compare(today, baseline)

    assert (found.doubt, found.degraded, found.ratio) == (doubt, False, None)
    assert probes_finding([found]).met is None
    assert probes_finding([found]).reason == f"sheet: {doubt}"


def test_degraded_outweighs_doubt_and_doubt_outweighs_steady() -> None:
    steady, slow, doubt = (
        Compared("a", 1.0, 0.9, 1.1),
        Compared("b", 1.4, 1.3, 1.5),
        Compared("c", doubt="nobody knows"),
    )

    assert probes_finding([steady]).met is True
    assert probes_finding([steady, doubt]).met is None
    all_of_them = probes_finding([steady, doubt, slow])
    assert (all_of_them.met, all_of_them.reason) == (False, "degraded: b; c: nobody knows")
    assert probes_finding([steady, slow]).measured == "slowest: b, 1.40 (1.30 to 1.50) times the time of the baseline"
    assert (probes_finding([]).met, probes_finding([doubt]).measured) == (None, "not determined")


@given(st.integers(1, 300))
def test_interval_leaves_out_no_more_than_the_doubt(count: int) -> None:
    low, high = map(int, interval(list(range(count))))
    chances = [math.comb(count, k) * QUICKER**k * (1 - QUICKER) ** (count - k) for k in range(count + 1)]
    beneath, above = sum(chances[: low + 1]), sum(chances[high + 1 :])

    assert low <= int((count - 1) * QUICKER) <= high
    assert low == 0 or beneath <= DOUBT / 2
    assert high == count - 1 or above <= DOUBT / 2
    if count >= ENOUGH:
        assert 0 < low < high < count - 1
        assert min(beneath + chances[low + 1], above + chances[high]) > DOUBT / 2


def test_interval_holds_the_true_quartile_as_often_as_it_says() -> None:
    dice = random.Random(7)
    missed = 0
    for _ in range(2000):
        low, high = interval(sorted(dice.random() for _ in range(50)))
        missed += not low <= QUICKER <= high

    assert missed / 2000 <= 2 * DOUBT


def test_timings_survive_json_and_nonsense_is_none() -> None:
    told = STEADY.to_json()

    assert Timed.from_json(told) == STEADY
    assert Timed.from_json(WRITING.to_json()) == WRITING
    assert Timed.from_json({name: one for name, one in told.items() if name != "writes"}) == STEADY
    for nonsense in ({}, {**told, "low": "x"}, {**told, "median": None, "relative": 0}, {**told, "high": math.inf}):
        assert Timed.from_json(nonsense) is None


def test_baselines_survive_json_and_nonsense_is_none() -> None:
    baseline = Baseline(datetime(2030, 6, 15, tzinfo=UTC), {"sheet": STEADY})
    text = baseline.to_json()

    assert Baseline.from_json(text) == baseline
    for nonsense in ("", "[]", "{}", text.replace('"version": 2', '"version": 1'), text.replace("+00:00", "")):
        assert Baseline.from_json(nonsense) is None
    assert Baseline.from_json(text.replace('"samples": 200', '"samples": "many"')) is None
    assert Baseline.from_json(Baseline(baseline.pinned_at, {}).to_json()) is None
