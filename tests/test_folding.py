"""A bad day on two screens: many failures are blocks, the gravest first; few are shown one by one."""

from __future__ import annotations

from harness import FAILING, RunRules

from pytest_tgintegrity.reports.terminal.blocks import FEW, HOW, Failure, folded

MANY = """
@pytest.mark.parametrize("low", range(100, {}))
@rule.between("item", "size", "%(low)s", None, severity="{}")
def test_{}(violations, low):
    \"\"\"Sizes are large.\"\"\"
    assert not violations
"""
UNKNOWN = """
@pytest.mark.parametrize("name", [f"absent{n}" for n in range(40)])
@rule.not_null("{name}", "id", severity="low")
def test_absent(violations, name):
    \"\"\"Nobody knows these tables.\"\"\"
    assert not violations
"""


def screens(ran_out: str) -> int:
    """How many lines stand between the first failure and the summary."""
    lines = ran_out.splitlines()
    begin = next(n for n, line in enumerate(lines) if "FAILURES" in line or "ERRORS" in line)
    end = next(n for n, line in enumerate(lines) if " integrity " in line)
    return end - begin


def test_a_hundred_failures_fit_two_screens_the_gravest_first(check: RunRules) -> None:
    ran = check(MANY.format(180, "low", "common"), MANY.format(120, "critical", "grave"), FAILING)

    assert (ran.status, len(ran.verdicts)) == (1, 100)
    assert screens(ran.out) < 100
    heads = [line.strip("_ ") for line in ran.out.splitlines() if line.startswith("___")]
    assert heads == ["test_failing", "test_grave[100]", "test_common[100]"]
    assert "  also [101]: 20 of 20 rows violate [critical]: Sizes are large." in ran.out
    assert f"  … and 75 more rules of this test: {HOW}" in ran.out
    assert all(one["see_all"] for one in ran.integrity["rules"])


def test_all_of_them_are_shown_where_that_is_asked(check: RunRules) -> None:
    ran = check(MANY.format(120, "low", "common"), "-v")

    assert len([line for line in ran.out.splitlines() if line.startswith("___")]) == 20


def test_what_is_unknown_for_one_reason_is_a_block_too(check: RunRules) -> None:
    ran = check(UNKNOWN)

    assert ran.status == 6
    assert screens(ran.out) < 20


def test_few_are_shown_one_by_one_in_order_of_their_gravity() -> None:
    failures = [Failure(f"t::{n}", "low" if n % 2 else "high", n, f"text {n}") for n in range(FEW)]

    assert list(folded(failures)) == [f"t::{n}" for n in (10, 8, 6, 4, 2, 0, 11, 9, 7, 5, 3, 1)]
    assert folded([]) == {}
