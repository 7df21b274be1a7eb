"""Rules whose own assert lets violations pass, and bodies that forget to judge."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from harness import HOLDS, RunRules
from pytest_tgintegrity.judging.verdicts import Measurement
from pytest_tgintegrity.judging.violations import Violations
from pytest_tgintegrity.rules.bodies import can_fail, decides

FORGOTTEN = """
@rule.between("item", "size", 1, 15, severity="critical")
def test_forgotten(violations):
    \"\"\"Sizes are one to fifteen.\"\"\"
    violations.count
"""
TOLERATED = """
@rule.between("item", "size", 1, 15, severity="critical")
def test_bounded(violations):
    \"\"\"Sizes are one to fifteen.\"\"\"
    assert violations.count <= 5
"""
BESIDE = """
@rule.between("item", "size", 1, 15, severity="critical")
def test_beside(violations):
    \"\"\"Sizes are one to fifteen.\"\"\"
    print(violations.count)
    assert 1 + 1 == 2
"""
WAYS = """
def at_most(found, most):
    assert found.count <= most

def test_rate(violations):
    rate = violations.rate
    share = 100 * rate
    assert share < 50

def test_helper(violations):
    at_most(violations, 5)

def test_branch(violations):
    if len(violations) > 5:
        pytest.fail("too many")

def test_samples(violations):
    for one in violations.samples:
        assert one.key != "1"
"""
DECLARED = '\n@rule.between("item", "size", 1, 15)\ndef test_'


def ways() -> str:
    said = re.sub(r"(\(violations\):\n)", '\\1    """Sizes are one to fifteen."""\n', WAYS)
    return said.replace("\ndef test_", DECLARED)


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["one process", "xdist"])
def test_a_body_without_an_assert_is_an_error_of_its_own(check: RunRules, how: list[str]) -> None:
    """A body that forgets its assert, 5 violations, critical: no pass, and its neighbours are judged."""
    ran = check(HOLDS, FORGOTTEN, *how, subprocess=bool(how))

    assert ran.status == 2
    assert ran.verdicts == {"test_holds": "passed", "test_forgotten": "unknown"}
    assert ran.reasons["test_forgotten"] == (
        "test_items.py:11: test_forgotten: its body never fails, whatever the data: write `assert not violations`"
    )
    assert ran.integrity["health"]["score"] == 70
    assert "Traceback" not in ran.out


def test_it_is_told_where_nothing_is_run(check: RunRules) -> None:
    ran = check(HOLDS, FORGOTTEN, "--collect-only")

    assert ran.status == 2
    assert "\nERROR test_items.py::test_forgotten" in ran.out
    assert "1 test collected, 1 error" in ran.out


def test_checks_have_bodies_too(check: RunRules) -> None:
    idle = '\n@rule.check()\ndef test_idle(db):\n    """It only asks."""\n    asked = db\n'
    ran = check(HOLDS, idle)

    assert ran.verdicts == {"test_holds": "passed", "test_idle": "unknown"}
    assert "write an assert on what `db` says" in ran.reasons["test_idle"]


def test_what_an_assert_lets_pass_is_tolerated_and_seen_everywhere(check: RunRules) -> None:
    """0 points, exit 0; terminal, JSON, JUnit, page and metrics say so."""
    ran = check(HOLDS, TOLERATED, "--junitxml=junit.xml", "--html-report=page.html", "--metrics=metrics.txt")
    (told,) = (one for one in ran.integrity["rules"] if one["verdict"] == "tolerated")

    assert ran.status == 0
    assert ran.integrity["health"]["score"] == 100
    assert (told["violations"], len(told["samples"]), told["see_all"] is not None) == (5, 5, True)
    assert told["reason"].startswith("5 of 20 rows violate [critical]")
    assert "1 passed, 1 tolerated" in ran.out
    assert re.search(
        "^tolerated  .*::test_bounded: 5 violations, which its own assert lets pass$", ran.out, re.MULTILINE
    )
    folder = ran.path.parent
    cases = ET.parse(folder / "junit.xml").iter("property")
    assert ("integrity_verdict", "tolerated") in [(one.get("name"), one.get("value")) for one in cases]
    assert "tolerated" in (folder / "page.html").read_text()
    assert 'severity="critical",verdict="tolerated"} 1' in (folder / "metrics.txt").read_text()


def test_what_was_read_beside_the_assert_is_unknown(check: RunRules) -> None:
    """It was looked at, and nothing came of it."""
    ran = check(BESIDE)

    assert ran.status == 6
    assert ran.reasons["test_beside"].startswith("5 violations were read and nothing was decided by them")


def test_there_are_many_ways_to_let_pass(check: RunRules) -> None:
    """A variable in between, a helper with the assert, a branch that fails, a loop over samples."""
    ran = check(ways())

    assert ran.verdicts == dict.fromkeys(["test_rate", "test_helper", "test_branch", "test_samples"], "tolerated")


@pytest.mark.parametrize(
    ("tolerates", "met"), [("", False), (", tolerates=4", False), (", tolerates=5", True), (", tolerates=0.25", True)]
)
def test_the_gate_wants_it_declared(check: RunRules, tolerates: str, met: bool) -> None:
    ran = check(TOLERATED.replace('"critical"', f'"critical"{tolerates}'), "--gate=staging")
    (condition,) = (one for one in ran.integrity["gate"]["conditions"] if one["name"] == "rules hold")

    assert ran.verdicts == {"test_bounded": "tolerated"}
    assert condition["passed"] is met
    assert condition["measured"] == "1 tolerated in 1 rule"
    if not met:
        assert condition["reason"] == "a test lets violations pass without saying how many: declare tolerates="


@pytest.mark.parametrize("wrong", ["True", "-1", "1.5", "'3'", "0.0"])
def test_tolerance_is_a_count_or_a_rate(check: RunRules, wrong: str) -> None:
    ran = check(TOLERATED.replace('"critical"', f'"critical", tolerates={wrong}'))

    assert ran.status == 2
    assert f"tolerates is {wrong}: give a count of rows, such as 3, or a rate, such as 0.01" in ran.out


def test_history_remembers_it(check: RunRules) -> None:
    ran = check(TOLERATED, "--redis-url=demo")

    assert ran.status == 0
    assert list(ran.integrity["history"]["rules"].values()) == [["tolerated"]]


# --- bodies


def no_assert(violations: Violations) -> None:
    """Nothing."""
    assert_nothing = violations.count
    _ = assert_nothing


def handed_over(violations: Violations) -> None:
    no_assert(violations)


def nested(violations: Violations) -> None:
    def inner() -> None:
        assert not violations

    inner()


def short_circuit(violations: Violations) -> None:
    violations and pytest.fail("no")


@pytest.mark.parametrize(
    ("body", "fails", "decided"),
    [
        (no_assert, False, False),
        (handed_over, True, False),
        (nested, True, True),
        (short_circuit, True, True),
    ],
)
def test_bodies_are_read(body: object, fails: bool, decided: bool) -> None:
    assert can_fail(body, free=False) is fails
    assert decides(body.__code__, ["violations"]) is decided  # type: ignore[attr-defined] # a function has it


def test_nothing_is_read_into_clean_data() -> None:
    clean = Violations(Measurement(3, 0), str)
    assert not clean.count
    assert not clean.decided
