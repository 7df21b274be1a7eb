"""Probes in whole runs: declared, timed after the rules, told."""

from __future__ import annotations

import pytest

from harness import HOLDS, Ran, RunRules
from pytest_tgintegrity.deployment.probes.statistics import ENOUGH
from rule_texts import BROKEN, PROBES

PROVABLE = """
@rule.between("characters_human", "willpower", 1, 10)
def test_provable(violations):
    \"\"\"Willpower is one to ten.\"\"\"
    assert not violations
"""
WRITING = """
from pytest_tgintegrity import probe

@probe("writing")
def writing(db):
    db.execute("UPDATE item SET size = 0")
"""


def performance(ran: Ran) -> str:
    (found,) = [one for one in ran.integrity["gate"]["conditions"] if one["name"] == "performance"]
    return str(found["reason"])


def test_probe_is_timed_many_times(check: RunRules) -> None:
    ran = check(HOLDS, PROBES, "--probe", "--gate=staging")
    told = ran.integrity["probes"]["items by name"]

    assert told["samples"] >= ENOUGH
    assert 0 < told["seconds"] < 1
    assert told["low"] <= told["relative"] <= told["high"]
    assert told["server"].startswith("PostgreSQL ")
    assert "probes     items by name " in ran.out
    assert performance(ran) == "a baseline is kept in Redis: give --redis-url"
    assert list(ran.verdicts) == ["test_holds"]


def test_without_the_option_nothing_is_timed(check: RunRules) -> None:
    ran = check(HOLDS, PROBES, "--gate=staging")

    assert "probes" not in ran.integrity
    assert performance(ran) == "no probe was timed: give --probe"


@pytest.mark.parametrize(("probe", "name"), [(BROKEN, "nothing there"), (WRITING, "writing")])
def test_probe_that_raises_is_not_timed_and_fails_no_rule(check: RunRules, probe: str, name: str) -> None:
    ran = check(HOLDS, probe, PROBES, "--probe", "--gate=staging")

    assert performance(ran).startswith(f"{name} could not be timed: ")
    assert "error" in ran.integrity["probes"][name]
    assert ran.integrity["probes"]["items by name"]["samples"] >= ENOUGH
    assert check("--probe").status == 0


def test_two_probes_of_one_name_are_refused(check: RunRules) -> None:
    ran = check(HOLDS, PROBES, PROBES.replace("def items_by_name", "def items_again"), "--probe")

    assert ran.status == 2
    assert "two probes are called 'items by name': give one of them another name" in ran.said


def test_probe_is_no_test(check: RunRules) -> None:
    ran = check(HOLDS, PROBES.replace("def items_by_name", "def test_items"), "--probe")

    assert ran.status == 2
    assert "test_items is a probe, which pytest must not call itself" in ran.said


def test_probes_want_quiet(check: RunRules) -> None:
    ran = check(HOLDS, PROBES, "--probe", "-n2")

    assert ran.status == 4
    assert "--probe wants quiet, so that times can be compared: leave out -n" in ran.err


@pytest.mark.parametrize(("args", "url"), [(["--collect-only"], None), (["--prove"], "demo")])
def test_nothing_is_timed_where_no_rule_looks_at_data(check: RunRules, args: list[str], url: str | None) -> None:
    given = {"url": url} if url else {}
    ran = check(PROVABLE, PROBES, "--probe", *args, **given)

    assert ran.status == 0
    assert "probes" not in ran.document.get("integrity", {})
