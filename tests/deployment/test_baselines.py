"""Baselines are pinned in a real Valkey; without one, or with one that is nothing of ours, nobody calls it fast enough."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from harness import HOLDS, Ran, RunRules
from pytest_tgintegrity.deployment.probes.statistics import Baseline, Timed
from pytest_tgintegrity.history import redis_store as history
from pytest_tgintegrity.history.redis_address import parse_redis_url
from pytest_tgintegrity.servers.valkey import ValkeyServer
from rule_texts import BROKEN, PROBES, SPENDS


def key(valkey: ValkeyServer, prefix: str) -> str:
    with redis.Redis.from_url(valkey.url) as client:
        (found,) = client.keys(f"{prefix}*")
    return str(found.decode())


def pinned(valkey: ValkeyServer) -> Baseline:
    identity = key(valkey, history.BASELINE).removeprefix(history.BASELINE)
    baseline = Baseline.from_json(history.pinned(parse_redis_url(valkey.url), identity) or "")
    assert baseline is not None
    return baseline


def repin(valkey: ValkeyServer, factor: float) -> None:
    """As if the probes had taken another time when they were pinned."""
    baseline = pinned(valkey)

    def scaled(one: Timed) -> Timed:
        return replace(one, relative=one.relative * factor, low=one.low * factor, high=one.high * factor)

    text = Baseline(baseline.pinned_at, {name: scaled(one) for name, one in baseline.probes.items()}).to_json()
    identity = key(valkey, history.BASELINE).removeprefix(history.BASELINE)
    history.pin(parse_redis_url(valkey.url), identity, text)


def performance(ran: Ran) -> tuple[bool, str | None]:
    (found,) = [one for one in ran.integrity["gate"]["conditions"] if one["name"] == "performance"]
    return found["passed"], found["reason"]


def test_pinned_timings_are_what_later_ones_are_compared_with(check: RunRules, valkey: ValkeyServer) -> None:
    where = f"--redis-url={valkey.url}"
    before = check(HOLDS, PROBES, where, "--probe", "--gate=staging")
    pinning = check(where, "--baseline=pin", "--gate=staging")
    repin(valkey, 100)
    fast = check(where, "--probe", "--gate=staging")
    repin(valkey, 0.0001)
    slow = check(where, "--probe", "--gate=staging")

    assert performance(before) == (False, "no baseline is pinned: --baseline pin")
    assert performance(pinning) == (False, "this run pinned the baseline: compare another one with it")
    assert "baseline   pinned by this run" in pinning.out
    assert pinning.integrity["baseline"]["pinned"] is True
    assert performance(fast) == (True, None)
    assert performance(slow) == (False, "degraded: items by name")
    assert "of the baseline, degraded" in slow.out
    assert [one["degraded"] for one in slow.integrity["baseline"]["probes"]] == [True]


def test_baseline_is_shown_and_does_not_expire(check: RunRules, valkey: ValkeyServer) -> None:
    where = f"--redis-url={valkey.url}"
    check(HOLDS, PROBES, where, "--baseline=pin")
    shown = check(where, "--baseline=show")

    assert f"baseline   pinned {pinned(valkey).pinned_at:%Y-%m-%d %H:%M} UTC" in shown.out
    assert "items by name" in shown.out
    with redis.Redis.from_url(valkey.url) as client:
        assert client.ttl(key(valkey, history.BASELINE)) == -1


def test_probes_are_part_of_the_record(check: RunRules, valkey: ValkeyServer) -> None:
    check(HOLDS, PROBES, f"--redis-url={valkey.url}", "--probe")
    identity = key(valkey, history.PREFIX).removeprefix(history.PREFIX)
    (record,) = history.records(valkey.url, identity)

    assert record.probes["items by name"]["samples"] >= 30


@pytest.mark.parametrize(
    ("probes", "reason"), [(BROKEN, "nothing there could not be timed: "), ("\n", "no probe was timed")]
)
def test_what_could_not_be_timed_is_not_pinned(check: RunRules, valkey: ValkeyServer, probes: str, reason: str) -> None:
    ran = check(HOLDS, probes, f"--redis-url={valkey.url}", "--baseline=pin")

    assert ran.integrity["baseline"]["reason"].startswith(reason)
    with redis.Redis.from_url(valkey.url) as client:
        assert client.keys(f"{history.BASELINE}*") == []


def test_baseline_that_cannot_be_read_is_said_so(check: RunRules, valkey: ValkeyServer) -> None:
    where = f"--redis-url={valkey.url}"
    check(HOLDS, PROBES, where, "--baseline=pin")
    with redis.Redis.from_url(valkey.url) as client:
        client.set(key(valkey, history.BASELINE), "what is this")
    ran = check(where, "--probe", "--gate=staging")

    assert performance(ran) == (False, "the pinned baseline cannot be read: pin it again")


def test_dead_redis_leaves_verdicts_alone(check: RunRules) -> None:
    ran = check(HOLDS, PROBES, "--redis-url=redis://127.0.0.1:1", "--probe")

    assert ran.status == 0
    assert "cannot be reached" in ran.integrity["baseline"]["reason"]


def test_baseline_with_writing_is_not_met_by_a_run_without(check: RunRules, valkey: ValkeyServer) -> None:
    where = f"--redis-url={valkey.url}"
    check(HOLDS, SPENDS, PROBES, where, "--probe-writes", "--baseline=pin")
    without = check(where, "--probe", "--gate=staging")
    within = check(where, "--probe-writes", "--gate=staging")

    doubt = "spend: it is in the baseline, but was not timed (it writes: --probe-writes)"
    assert performance(without)[0] is False
    assert doubt in without.out
    assert [one["name"] for one in within.integrity["baseline"]["probes"] if one["ratio"]] == ["items by name", "spend"]


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--baseline=move"], "--baseline is 'move': it takes pin or show"),
        (["--baseline=pin"], "--baseline is kept in Redis: give --redis-url, or set TGINTEGRITY_REDIS_URL"),
    ],
)
def test_bad_values(check: RunRules, args: list[str], text: str) -> None:
    ran = check(HOLDS, *args)

    assert ran.status == 4
    assert text in ran.err
