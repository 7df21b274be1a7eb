"""The gate in whole runs: what it says on the terminal and in the report, and the exit status."""

from __future__ import annotations

from typing import Any

import pytest

from harness import HOLDS, UNKNOWN, VIOLATED, Ran, RunRules
from pytest_tgintegrity.history import redis_store as history
from pytest_tgintegrity.servers.valkey import ValkeyServer

DECLARED = """
@declared("not_null")
def test_declared(violations, constraint):
    \"\"\"What is declared NOT NULL is filled.\"\"\"
    assert not violations
"""
NOW = "--backup-verified=2030-06-30T04:00Z"
BOTH_WAYS = pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])


def unmet(ran: Ran) -> dict[str, str]:
    return {one["name"]: one["reason"] for one in ran.integrity["gate"]["conditions"] if not one["passed"]}


@BOTH_WAYS
def test_gate_is_closed_while_conditions_are_not_determined(check: RunRules, how: list[str]) -> None:
    ran = check(HOLDS, DECLARED, "--gate=staging", *how)

    assert ran.status == 7
    assert ran.document["exitcode"] == 7
    assert ran.integrity["gate"]["name"] == "staging"
    assert ran.integrity["gate"]["passed"] is False
    assert unmet(ran) == {
        "backup": "no backup was verified",
        "migrations": "nobody knows what is pending: give --migrations",
        "clean days": "no history: give --redis-url",
        "performance": "no probe was timed: give --probe",
    }
    assert "gate       staging: closed, 4 of 8 conditions met" in ran.out
    assert "not met  backup          not determined: no backup was verified" in ran.out
    assert "met      health          100, since" in ran.out


def test_without_the_option_there_is_no_gate(check: RunRules) -> None:
    ran = check(HOLDS)

    assert (ran.status, ran.integrity["gate"]) == (0, None)
    assert "gate  " not in ran.out


def test_quiet_run_shows_every_condition(check: RunRules) -> None:
    assert check(HOLDS, "--gate=production", "-q").out.count("met  ") == 8


@pytest.mark.parametrize(("rule", "status"), [(VIOLATED, 1), (UNKNOWN, 6)])
def test_what_is_violated_or_unknown_decides_the_status_before_the_gate(
    check: RunRules, rule: str, status: int
) -> None:
    ran = check(HOLDS, rule, "--gate=staging")

    assert ran.status == status
    assert {"rules hold", "nothing unknown"} & set(unmet(ran))


@BOTH_WAYS
def test_gate_wants_all_collected_rules(check: RunRules, how: list[str]) -> None:
    ran = check(HOLDS, VIOLATED, "--gate=staging", "-k", "holds", *how)

    assert unmet(ran)["rules hold"] == "1 of the collected rules were not run: leave out -k, -m and --deselect"
    assert unmet(ran)["constraints"] == "no rule about declared constraints or the schema was run"


def test_backup_may_be_vouched_for(check: RunRules) -> None:
    assert unmet(check(HOLDS, "--gate=staging", NOW))["backup"].startswith("it is ")


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--gate=live"], "--gate is 'live': it takes staging or production"),
        (
            ["--migrations=."],
            "--migrations alone asks nothing (there is no pre-flight in this version): add --gate NAME",
        ),
        (
            ["--gate=staging", "--backup-verified=2030-06-30 04:00"],
            "--backup-verified is '2030-06-30 04:00': it takes a time with its zone, such as 2030-06-30T04:00Z",
        ),
    ],
)
def test_bad_values(check: RunRules, args: list[str], text: str) -> None:
    ran = check(HOLDS, *args)

    assert ran.status == 4
    assert text in ran.err


@pytest.mark.parametrize("entry", ["{", '{"version": 99}'], ids=["corrupt", "of a later version"])
def test_entry_that_cannot_be_read_spoils_its_day(
    check: RunRules, valkey: ValkeyServer, client: Any, entry: str
) -> None:
    where = f"--redis-url={valkey.url}"
    check(HOLDS, where)
    (stream,) = client.keys(f"{history.PREFIX}*")
    client.xadd(stream, {history.FIELD: entry})
    ran = check(where, "--gate=staging")

    assert unmet(ran)["clean days"].startswith("an entry of the history cannot be read ")
    assert ran.integrity["history"]["foreign_records"] == 1


def test_proofs_open_no_gate(check: RunRules) -> None:
    ran = check(HOLDS, "--gate=staging", "--prove", url="demo")

    assert ran.status == 4
    assert "--gate is about data and --prove about rules: give one of them" in ran.err
