"""The end of a run: what it was confined to, what is only noted, what to do next."""

from __future__ import annotations

import re

from fixing_runs import told
from harness import HOLDS, VIOLATED, RunRules

FIXABLE = """
@rule.between("item", "size", 1, 15, severity="critical", fix="clamp")
def test_fixable(violations):
    \"\"\"Sizes are one to fifteen.\"\"\"
    assert not violations
"""
NOTED = """
@rule.between("item", "size", 1, 10, severity="info")
def test_noted(violations):
    \"\"\"Sizes are mostly one to ten.\"\"\"
    assert not violations
"""
SCOPED = """
ITEMS = Source("items", "item i", key="i.id", scopes={"size": "i.size"})


@rule.rows(ITEMS, "i.size < 0")
def test_scoped(violations):
    \"\"\"Sizes are positive.\"\"\"
    assert not violations
"""


def test_the_header_says_what_the_run_is_confined_to(check: RunRules) -> None:
    ran = check(SCOPED, "--scope=size=3", "--period=24")

    assert re.search(r"^integrity: .*, the last 24 hours where a rule has a time, only size=3$", ran.out, re.MULTILINE)
    assert "only size" not in check(HOLDS).out


def test_what_is_noted_is_listed(check: RunRules) -> None:
    ran = check(NOTED)

    assert ran.status == 0
    assert re.search(r"test_noted \[info\]: 10 violations$", told(ran, "noted"))


def test_a_safe_fix_is_the_next_step(check: RunRules) -> None:
    ran = check(FIXABLE)

    assert told(ran, "next") == "next       add --fix-plan to see what the safe fixes of 1 rule would change"
    assert "\nnext " not in check("--fix-plan").out


def test_nothing_is_next_where_a_person_decides(check: RunRules) -> None:
    assert "\nnext " not in check(VIOLATED).out


def test_the_score_goes_on_below_zero(check: RunRules) -> None:
    many = "\n".join(FIXABLE.replace("test_fixable", f"test_fixable_{n}") for n in range(5))

    ran = check(many)

    assert (ran.integrity["health"]["score"], ran.integrity["health"]["raw"]) == (0, -50)
    assert "0 of 100 (-50 before it is cut off at 0), degraded" in told(ran, "score")
