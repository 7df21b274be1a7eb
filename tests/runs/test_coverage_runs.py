"""--integrity-coverage in whole runs, alone and with workers."""

from __future__ import annotations

import pytest

from harness import HOLDS, VIOLATED, RunRules

DECLARED = """
@declared("not_null")
def test_declared(violations, constraint):
    \"\"\"Columns are filled.\"\"\"
    assert not violations
"""


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])
def test_what_no_selected_rule_looks_at(check: RunRules, pytester: pytest.Pytester, how: list[str]) -> None:
    """Deselected rules do not count, nor does it matter whether a rule holds."""
    (pytester.path / "uncovered.toml").write_text('closed = "nobody may see it"\n', encoding="utf-8")
    other = HOLDS.replace('"item"', '"closed"').replace("test_holds", "test_other").replace('"name"', '"size"')
    ran = check(VIOLATED, other, DECLARED, "--integrity-coverage", "-k", "violated or declared", *how)
    found = ran.integrity["coverage"]

    assert (found["selected"], found["collected"]) == (4, 5)
    assert found["tables"] == {
        "total": 3,
        "by_rules": 1,
        "by_constraints_only": [{"name": "closed", "reason": "nobody may see it"}, {"name": "nothing", "reason": None}],
        "by_nothing": [],
    }
    assert found["columns"]["total"] == 7
    assert found["columns"]["by_rules"] == 1
    assert [one["name"] for one in found["columns"]["by_nothing"]] == ["closed.size", "item.name", "nothing.size"]
    assert found["unused_reasons"] == []
    assert "of the 4 selected rules (5 collected)" in ran.out
    assert "  item.name: no reason given" in ran.out
    assert "  closed.size: nobody may see it" in ran.out


def test_it_is_told_only_when_asked(check: RunRules, pytester: pytest.Pytester) -> None:
    """By the option, or its twin in the configuration."""
    silent = check(HOLDS)
    pytester.makeini("[pytest]\ntgintegrity_integrity_coverage = true\n")
    asked = check("-q")

    assert "coverage" not in silent.integrity
    assert "integrity coverage" not in silent.out
    assert asked.integrity["coverage"]["tables"]["by_rules"] == 1
    assert "columns                1                             0           6         7" in asked.out


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])
def test_reasons_that_cannot_be_used(check: RunRules, pytester: pytest.Pytester, how: list[str]) -> None:
    """Are refused before any rule is judged, if they are wanted."""
    (pytester.path / "uncovered.toml").write_text("closed = 1\n", encoding="utf-8")
    ran = check(HOLDS, "--integrity-coverage", *how)

    assert check(HOLDS).status == 0
    assert ran.status == 4
    assert ran.err.strip() == (
        'ERROR: uncovered.toml: the reason for closed is 1: write "closed" = "why no rule looks there"'
    )
