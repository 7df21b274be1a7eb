"""Rules that pytest would drop without a word are errors at collection."""

from __future__ import annotations

import pytest

from harness import HOLDS, RunRules

SIZES = '@rule.between("item", "size", 1, 20)\n'
NAMES = '@rule.not_null("item", "name")\n'
BODY = '(violations):\n    """It holds."""\n    assert not violations\n'
IN_A_CLASS = '(self, violations):\n        """It holds."""\n        assert not violations\n'
COLLECT = "pytest does not collect this rule: let its name begin with test"
DROPPED = {
    "misnamed": (f"\n{SIZES}def check_size{BODY}", f"check_size: {COLLECT}"),
    "hidden": (
        f"\n{SIZES}def test_size{BODY}\n{NAMES}def test_size{BODY}",
        "test_size: another test of that name hides",
    ),
    "class": (f"\nclass Sizes:\n    {SIZES}    def test_size{IN_A_CLASS}", f"Sizes.test_size: {COLLECT}"),
    "method": (f"\nclass TestSizes:\n    {SIZES}    def size{IN_A_CLASS}", f"TestSizes.size: {COLLECT}"),
    "init": (
        f"\nclass TestSizes:\n    def __init__(self):\n        pass\n\n    {SIZES}    def test_size{IN_A_CLASS}",
        f"TestSizes.test_size: {COLLECT}",
    ),
    "inner": (f"\ndef make():\n    {SIZES}    def test_size{IN_A_CLASS}\nmake()\n", f"test_size: {COLLECT}"),
    "stacked": (f"\n{SIZES}{NAMES}def test_size{BODY}", "test_size: it is declared twice, and only one"),
    "declared": (f'\n{SIZES}@declared("check")\ndef test_size{BODY}', "test_size: it is declared twice"),
    "reused": (f"\ndef body{BODY}\ntest_a = {SIZES[1:-1]}(body)\ntest_b = {NAMES[1:-1]}(body)\n", "declared twice"),
}
KEPT = f"""
def made(column):
    @rule.not_null("item", column)
    def test_made(violations):
        \"\"\"It is there.\"\"\"
        assert not violations
    return test_made

test_a, test_b = made("id"), made("size")

class Base:
    {SIZES}    def test_size{IN_A_CLASS}

class TestOne(Base):
    pass

class Kept:
    __test__ = False
    {SIZES}    def test_size{IN_A_CLASS}

alias = test_a
"""
METRIC = """
@pytest.mark.parametrize("line", ["a", "b"])
@rule.metric("rows%s", "SELECT count(*) FROM item")
def test_rows(violations, line):
    \"\"\"Rows.\"\"\"
    assert not violations
"""


@pytest.mark.parametrize("name", DROPPED)
def test_a_rule_that_would_be_dropped_is_an_error(check: RunRules, name: str) -> None:
    text, told = DROPPED[name]
    ran = check(HOLDS, text, "-Wignore::pytest.PytestCollectionWarning")
    lines = [line for line in ran.out.splitlines() if line.startswith("test_items.py:") and told in line]

    assert ran.status == 2
    assert len(lines) == 1
    assert "Traceback" not in ran.out


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["one process", "xdist"])
def test_what_is_collected_somehow_is_none(check: RunRules, how: list[str]) -> None:
    """Made by a function, inherited, also known by another name, or left out in so many words."""
    ran = check(KEPT, *how, subprocess=bool(how))

    assert ran.status == 0
    assert sorted(ran.verdicts) == ["TestOne::test_size", "test_a", "test_b"]


def test_metrics_have_names_of_their_own(check: RunRules) -> None:
    """A parametrized one, two functions, two files."""
    told = "two metrics are called 'rows': give each a name of its own; {name} is filled from parametrize"
    ran = check(METRIC % "")

    assert ran.status == 2
    assert f"test_rows: {told}" in ran.out


def test_names_of_metrics_are_filled_in(check: RunRules) -> None:
    ran = check(METRIC % " of {line}")

    assert ran.status == 0
    assert ran.integrity["activity"] == {"rows of a": 20, "rows of b": 20}
    assert "rows of a  20" in ran.out


def test_an_unknown_name_in_that_of_a_metric_is_told(check: RunRules) -> None:
    ran = check(METRIC % " of {lime}")

    assert ran.status == 2
    assert "unknown placeholder {lime}: parametrize gives line" in ran.out


def test_metrics_of_two_files_are_told_apart(check: RunRules, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other=f"import pytest\nfrom pytest_tgintegrity import rule\n{METRIC % ' of {line}'}")
    ran = check(METRIC % " of {line}")

    assert ran.status == 2
    assert "two metrics are called 'rows of a'" in ran.out
