"""Options of the command line and of the configuration file: what they take, and what is said of anything else."""

from __future__ import annotations

import pytest

from harness import HOLDS, VIOLATED, Ran, RunRules
from pytest_tgintegrity.commandline.parsing import documented
from pytest_tgintegrity.commandline.table import own_name

SCOPED = """
ITEMS = Source("items", "item i", key="i.id", scopes={"size": "i.size", "name": "i.name"})
OTHERS = Source("others", "nothing n", key="n.id")

@rule.rows(ITEMS, "i.size > 15", since="now() - make_interval(hours => i.size * 10)")
def test_scoped(violations):
    \"\"\"Items are not too large.\"\"\"
    assert not violations

@rule.rows(OTHERS, "n.size > 15")
def test_whole(violations):
    \"\"\"Nor is anything else.\"\"\"
    assert not violations
"""


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--db-jobs=0"], "--db-jobs is '0': it takes a whole number from 1 to 64"),
        (["--db-jobs=two"], "--db-jobs is 'two': it takes a whole number from 1 to 64"),
        (["--samples=-1"], "--samples is '-1': it takes a whole number from 0 to 10000"),
        (
            ["--statement-timeout=0"],
            "--statement-timeout is '0': it takes seconds, fractions allowed, at least 0.001 (1 ms)",
        ),
        (["--lock-timeout=nan"], "--lock-timeout is 'nan': it takes seconds, fractions allowed, at least 0.001 (1 ms)"),
        (["--fail-on=grave"], "--fail-on is 'grave': it takes one of critical, high, medium, low, info"),
        (["--period=yesterday"], "--period is 'yesterday': it takes hours, such as 24 or 168"),
        (["--health-min=101"], "--health-min is '101': it takes a whole number from 0 to 100"),
        (["--scope=status"], "--scope is 'status': write NAME=VALUE, such as --scope status=App"),
        (["--scope=size=1", "--scope= size =2"], "--scope size is given twice: choose one value"),
        (["-o", "tgintegrity_db_jobs=many"], "tgintegrity_db_jobs is 'many': it takes a whole number from 1 to 64"),
        (["--db-jobs=²"], "--db-jobs is '²': it takes a whole number from 1 to 64"),
    ],
)
def test_bad_values(check: RunRules, args: list[str], text: str) -> None:
    """Exit status 4, in one line, in the report too."""
    ran = check(HOLDS, *args)

    assert ran.status == 4
    assert ran.err.strip() == f"ERROR: {text}"
    assert ran.integrity["run"]["error"] == text


def test_twins_in_the_configuration_file(check: RunRules, pytester: pytest.Pytester) -> None:
    """They stand in for the options, which win."""
    pytester.makeini(
        "[pytest]\ntgintegrity_fail_on = critical\ntgintegrity_health_min = 20\ntgintegrity_samples = 2\n"
        "tgintegrity_statement_timeout = 0.5\ntgintegrity_period = 24\ntgintegrity_db_jobs = 1\n"
    )
    ran, other = check(VIOLATED), check("--fail-on=low", "--no-samples")

    assert (ran.status, other.status) == (0, 1)
    assert ran.integrity["health"]["minimum"] == 20
    assert ran.integrity["run"]["period_hours"] == 24
    assert len(ran.integrity["rules"][0]["samples"]) == 2
    assert other.integrity["rules"][0]["samples"] == []


def test_scopes(check: RunRules) -> None:
    """They narrow sources that declare them; others run whole and say so; unknown ones are refused."""
    narrow, strange, bad = check(SCOPED, "--scope=size=16"), check("--scope=colour=red"), check("--scope=size=big")
    violated = {one["id"].partition("::")[2]: one for one in narrow.integrity["rules"]}["test_scoped"]

    assert (narrow.status, violated["examined"], violated["violations"]) == (1, 1, 1)
    assert narrow.integrity["run"]["scopes"] == {"size": "16"}
    assert "scope      looked at whole, since they do not declare it: others" in narrow.out
    assert strange.status == 4
    assert "--scope colour=…: no selected rule's source declares it (declared: name, size)" in strange.err
    assert bad.status == 6
    assert bad.verdicts == {"test_scoped": "unknown", "test_whole": "passed"}


PARTLY = """
PARTS = Source("parts", "nothing n", key="n.id", scopes={"size": "n.size"})

@rule.rows(PARTS, "n.size > 15")
def test_part(violations):
    \"\"\"They are not too large.\"\"\"
    assert not violations

@rule.query("SELECT id FROM nothing WHERE size > 15")
def test_query(violations):
    \"\"\"Nor by another question.\"\"\"
    assert not violations

@rule.metric("sizes", "SELECT count(*) FROM nothing")
def test_metric(violations):
    \"\"\"How many there are.\"\"\"
    assert not violations
"""


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])
def test_several_scopes_at_once(check: RunRules, how: list[str]) -> None:
    """A row has to be in all of them; what declares only some, or is free SQL, says so."""
    ran = check(SCOPED, PARTLY, "--scope=size=16", "--scope", "name=n16", *how)
    none = check("--scope=size=16", "--scope=name=n17", *how)
    told = "looked at whole, since they do not declare it: metrics, others, parts (but for size), queries"

    assert ran.integrity["run"]["scopes"] == {"size": "16", "name": "n16"}
    assert _examined(ran) == {
        "test_scoped": 1,
        "test_whole": 0,
        "test_part": 0,
        "test_query": None,
        "test_metric": None,
    }
    assert _examined(none)["test_scoped"] == 0
    assert f"scope      {told}" in ran.out


def _examined(ran: Ran) -> dict[str, int | None]:
    return {one["id"].partition("::")[2]: one["examined"] for one in ran.integrity["rules"]}


def test_a_period_looks_at_young_rows_only(check: RunRules) -> None:
    """Where the rule says how old a row is."""
    ran = check(SCOPED, "--period=165")
    young = {one["id"].partition("::")[2]: one for one in ran.integrity["rules"]}["test_scoped"]

    assert (young["examined"], young["violations"]) == (16, 1)


def test_a_timeout_of_a_fraction_of_a_second(check: RunRules) -> None:
    """Down to a millisecond."""
    slow = '\n@rule.query("SELECT pg_sleep(5)")\ndef test_slow(violations):\n    """."""\n    assert not violations\n'
    ran = check(slow, "--statement-timeout=0.02")

    assert ran.reasons == {"test_slow": "it took longer than 0.02 s (--statement-timeout, or timeout= of the rule)"}


def test_help_names_every_option(pytester: pytest.Pytester) -> None:
    """With its default, by its own name and by the short one."""
    told = " ".join(pytester.runpytest_inprocess("--help", "-p", "no:hypothesispytest").stdout.str().split())

    for flag, metavar, _ in documented():
        assert f"{own_name(flag)}{'=' if metavar else ''}{metavar} " in told
        assert flag == own_name(flag) or f"Also {flag}." in told
    assert "tgintegrity_statement_timeout (string):" in told
