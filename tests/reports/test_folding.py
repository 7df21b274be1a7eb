"""A bad day on two screens: many failures are blocks, the gravest first; few are shown one by one."""

from __future__ import annotations

import pytest

from harness import FAILING, UNKNOWN, VIOLATED, Ran, RunRules
from pytest_tgintegrity.reports.failures.blocks import (
    BLOCKS,
    FEW,
    HOW,
    LINES,
    LONG,
    WHOLE,
    RuleFailure,
    blocks,
    shown_texts,
)

MANY = """
@pytest.mark.parametrize("low", range(100, {}))
@rule.between("item", "size", "%(low)s", None, severity="{}")
def test_{}(violations, low):
    \"\"\"Sizes are large.\"\"\"
    assert not violations
"""
OTHERS = """
@pytest.mark.parametrize("low", range(100, 180))
@rule.rows("item", "id > 3 AND size < %(low)s", severity="low", breaks={"size": "1"})
def test_common(violations, low):
    \"\"\"Sizes of others are large.\"\"\"
    assert not violations
"""
ABSENT = """
@pytest.mark.parametrize("name", [f"absent{n}" for n in range(40)])
@rule.not_null("item", "{name}", severity="low")
def test_absent(violations, name):
    \"\"\"Nobody knows these columns.\"\"\"
    assert not violations
"""
GONE = """
@pytest.mark.parametrize("column", [f"c{n}" for n in range(20)])
@rule.not_null("absent", "{column}", severity="low")
def test_gone(violations, column):
    \"\"\"Nobody knows this table.\"\"\"
    assert not violations
"""
LARGE = MANY.format(200, "critical", "grave")
ENDLESS = f"""
@rule.rows("item", "size > 15 AND ({" OR ".join(f"size <> {n}" for n in range(200))})", breaks={{"size": "99"}})
def test_endless(violations):
    \"\"\"Nobody reads this statement to its end.\"\"\"
    assert not violations
"""


def screens(ran_out: str) -> int:
    """How many lines stand between the first failure and the summary."""
    return len(failures(ran_out))


def failures(ran_out: str) -> list[str]:
    """What stands there."""
    lines = ran_out.splitlines()
    begin = next(n for n, line in enumerate(lines) if "FAILURES" in line or "ERRORS" in line)
    end = next(n for n, line in enumerate(lines) if " integrity " in line)
    return lines[begin + 1 : end]


def listed(ran: Ran) -> list[str]:
    """What pytest lists at the end."""
    return [line for line in ran.out.splitlines() if line.startswith(("FAILED ", "ERROR "))]


def heads(ran: Ran) -> list[str]:
    return [line.strip("_ ") for line in ran.out.splitlines() if line.startswith("___")]


def test_a_hundred_failures_fit_two_screens_the_gravest_first(check: RunRules) -> None:
    ran = check(OTHERS, MANY.format(120, "critical", "grave"), FAILING)

    assert (ran.status, len(ran.verdicts)) == (1, 100)
    assert screens(ran.out) < 60
    assert heads(ran) == ["test_failing", "test_grave[100]", "test_common[100]"]
    assert "  also [101]: 20 of 20 rows violate [critical]\n" in ran.out
    assert f"  … and 75 more rules of this test: {HOW}" in ran.out
    assert all(one["see_all"] for one in ran.integrity["rules"])


def test_the_same_rows_are_one_cause_of_several_tests(check: RunRules) -> None:
    ran = check(MANY.format(108, "low", "usual"), MANY.format(104, "critical", "grave"), OTHERS)

    assert heads(ran) == ["test_grave[100]", "test_common[100]"]
    same = "20 rows of item, the first 5: 1, 2, 3, 4, 5"
    assert f"  one cause: 12 rules have in common: {same}" in ran.out
    assert "  also test_grave[101]: 20 of 20 rows violate [critical]\n" in ran.out
    assert f"  … and 7 more rules of this cause: {HOW}" in ran.out


def test_one_reason_is_one_cause_of_several_tests(check: RunRules) -> None:
    ran = check(GONE, UNKNOWN)

    assert heads(ran) == ["ERROR at setup of test_gone[c0]"]
    assert "  one cause: 21 rules are unknown for this reason" in ran.out


def test_all_of_them_are_shown_where_that_is_asked(check: RunRules) -> None:
    ran = check(MANY.format(120, "low", "common"), ENDLESS, "-v")

    assert len(heads(ran)) == len(listed(ran)) == 21
    assert WHOLE not in ran.out


def test_what_is_unknown_for_one_reason_is_a_block_too(check: RunRules) -> None:
    ran = check(ABSENT)

    assert ran.status == 6
    assert screens(ran.out) < 20


def test_list_at_the_end_is_folded_too_unless_it_is_asked_for(check: RunRules) -> None:
    ran, asked = check(LARGE), check(LARGE, "-rf")

    assert listed(ran) == ["FAILED test_items.py::test_grave[100] - 20 of 20 rows violate [critical]: Siz..."]
    assert "… and 99 more: -v lists them" in ran.out
    assert "100 failed" in ran.out
    assert len(listed(asked)) == 100
    assert "more: -v lists them" not in asked.out


def test_other_plugins_see_all_failures(check: RunRules, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"counted {len(terminalreporter.stats['failed'])}")
""")

    assert "counted 100" in check(LARGE).out


@pytest.mark.parametrize("style", ["auto", "short", "line", "no"])
@pytest.mark.parametrize("parts", [(VIOLATED, UNKNOWN), (LARGE, UNKNOWN), (OTHERS, LARGE, UNKNOWN)])
def test_less_is_shown_where_that_is_asked(check: RunRules, style: str, parts: tuple[str, ...]) -> None:
    ran = check(*parts, f"--tb={style}")

    if style == "no":
        assert not any("FAILURES" in line or "ERRORS" in line for line in ran.out.splitlines())
    else:
        told = [line for line in failures(ran.out) if not line.startswith(("___", "==="))]
        assert any("see all:" in line for line in told) is (style == "auto")
        assert any("mend:" in line for line in told) is (style in ("auto", "short"))
        assert (len(told) <= 2 * len(parts)) is (style == "line")
    assert len(listed(ran)) <= len(parts)


def test_a_line_is_a_failure(check: RunRules) -> None:
    ran = check(VIOLATED, VIOLATED.replace("_violated", "_again"), UNKNOWN, "--tb=line", "-v")
    said = "5 of 20 rows violate [high]: Sizes are one to fifteen."

    assert [line for line in failures(ran.out) if not line.startswith("===")] == [
        'test_items.py::test_unknown: relation "absent" does not exist',
        f"test_items.py::test_violated: {said}",
        f"test_items.py::test_again: {said}",
    ]


def test_statement_without_an_end_is_whole_in_the_json_report_alone(check: RunRules) -> None:
    ran = check(ENDLESS)
    line = next(line for line in ran.out.splitlines() if "see all:" in line)

    assert line.endswith(f"… {WHOLE}")
    assert len(line) < LONG + 60
    assert "199" in ran.integrity["rules"][0]["see_all"]


def test_few_are_shown_one_by_one_in_order_of_their_gravity() -> None:
    failures = [RuleFailure(f"t::{n}", "low" if n % 2 else "high", n, f"text {n}") for n in range(FEW)]

    assert list(shown_texts(failures)) == [f"t::{n}" for n in (10, 8, 6, 4, 2, 0, 11, 9, 7, 5, 3, 1)]
    assert shown_texts([]) == {}


def test_what_is_left_out_is_counted() -> None:
    failures = [RuleFailure(f"t::test_{n}[{m}]", "low", n, f"text {n}\nmore") for n in range(40) for m in range(3)]
    whole, lines = shown_texts(failures), shown_texts(failures, "line")

    assert (len(whole), len(lines)) == (BLOCKS, LINES)
    assert whole["t::test_30[0]"].endswith(f"\n\n… and 90 more rules of 30 tests: {HOW}")
    assert lines["t::test_39[0]"] == "t::test_39[0]: text 39\n  and 2 more rules of this test"
    assert lines["t::test_10[0]"].endswith(f"of this test\n… and 30 more rules of 10 tests: {HOW}")


def test_every_failure_is_in_one_block() -> None:
    found = blocks(
        [
            RuleFailure("t::a[1]", "low", 1, cause="row 1"),
            RuleFailure("t::a[2]", "low", 1, cause="row 2"),
            RuleFailure("t::a[3]", "low", 1),
            RuleFailure("t::b", "critical", 1, cause="row 1"),
            RuleFailure("t::c[1]", "high", 9, cause="row 3"),
            RuleFailure("t::c[2]", "high", 8, cause="row 3"),
        ]
    )

    assert [(block.cause, [one.id for one in block.members]) for block in found] == [
        ("row 1", ["t::b", "t::a[1]"]),
        (None, ["t::c[1]", "t::c[2]"]),
        (None, ["t::a[2]", "t::a[3]"]),
    ]
