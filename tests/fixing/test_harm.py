"""No fix harms a rule that was selected: it is refused, or the second look names what it did."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import bound
from fixes import execute, fix, planned
from fixing_runs import SIZE, ask, told
from harness import RunRules
from pytest_tgintegrity.fixing.results import FixResult
from pytest_tgintegrity.rules.kinds import Between, Metric, Query, Share, Volume

SCRIPT = """
CREATE TABLE item (id int PRIMARY KEY, size int, name text);
INSERT INTO item SELECT i, i, 'n' || i FROM generate_series(1, 19) AS i;
UPDATE item SET size = 77 WHERE id IN (3, 4);
CREATE VIEW twenties AS SELECT id, size FROM item WHERE size = 20;
CREATE VIEW twice AS SELECT t.id FROM twenties AS t;
CREATE FUNCTION twenty() RETURNS SETOF int LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT id FROM item WHERE size = 20; END';
"""
CHECKED = """
@rule.check(severity="{severity}")
def test_checked(db):
    \"\"\"Nothing is as large as twenty.\"\"\"
    assert db.execute("SELECT count(*) FROM item WHERE size = 20").fetchone()[0] == 0
"""


@pytest.fixture
def broken(make_database: Callable[[str], str]) -> str:
    return make_database(SCRIPT)


LARGE = bound(Between("item", "size", 0, 20), "large", fix="clamp")
SPELLINGS = [
    "SELECT id FROM item WHERE size = 20",
    "SELECT ID FROM ITEM WHERE SIZE = 20",
    'SELECT "id" FROM "item" WHERE "size" = 20',
    "SELECT id FROM/**/item/* of item */WHERE size = 20 -- 'item'",
    "SELECT id FROM ONLY item WHERE size = 20",
    "SELECT id FROM public.item WHERE size = 20",
    'SELECT id FROM U&"\\0069tem" WHERE size = 20',
    "SELECT id FROM twenties",
    "SELECT id FROM twice",
    "SELECT twenty()",
    "WITH item AS (SELECT * FROM public.item) SELECT id FROM item WHERE size = 20",
]


def reasons_of(fix_result: FixResult) -> list[str]:
    """Why a fix was not planned, or not made."""
    left = fix_result.applied.skipped if fix_result.applied else []
    return [one.reason for one in fix_result.needs_person] + [one.reason for one in left]


@pytest.mark.parametrize("query", SPELLINGS)
def test_a_fix_that_would_harm_a_query_is_not_made_however_it_is_written(
    broken: str, tmp_path: Path, query: str
) -> None:
    rule = bound(Query(query), "none")

    fix_result = fix(broken, tmp_path, [LARGE, rule])

    assert execute(broken, "SELECT count(*) FROM item WHERE size = 77") == [(2,)]
    assert any("would make more rows violate none" in reason for reason in reasons_of(fix_result)), reasons_of(
        fix_result
    )


def test_a_fix_that_would_take_a_number_out_of_its_bounds_is_not_made(broken: str, tmp_path: Path) -> None:
    rule = bound(Metric("twenties", "SELECT count(*) FROM public.item WHERE size = 20", at_most=1), "few")

    fix_result = fix(broken, tmp_path, [LARGE, rule])

    assert execute(broken, "SELECT count(*) FROM item WHERE size = 20") <= [(1,)]
    assert any("would make more rows violate few" in reason for reason in reasons_of(fix_result)), reasons_of(
        fix_result
    )


def test_a_fix_that_would_give_a_value_too_large_a_share_is_not_made(broken: str, tmp_path: Path) -> None:
    rules = [bound(Share("item", "size", 20, at_most=0.04), "few"), bound(Volume("item", at_least=1), "rows")]

    fix_result = fix(broken, tmp_path, [LARGE, *rules])

    assert execute(broken, "SELECT count(*) FROM item WHERE size = 20") <= [(1,)]
    assert any("would make more rows violate few" in reason for reason in reasons_of(fix_result)), reasons_of(
        fix_result
    )


def test_a_rule_that_cannot_see_what_is_written_is_in_nobodys_way(broken: str, tmp_path: Path) -> None:
    execute(broken, "CREATE TABLE other (id int PRIMARY KEY, size int); INSERT INTO other VALUES (1, 20)")
    rules = [LARGE, bound(Query("SELECT id FROM other WHERE size = 20 AND 'item' = 'item'"), "other")]

    with planned(broken, tmp_path, rules) as (fix_result, _):
        assert fix_result.count == 2
        assert fix_result.unforeseen == []


@pytest.mark.parametrize("severity", ["critical", "info"])
def test_a_body_that_a_fix_harms_is_named_with_the_command_that_takes_it_back(
    check: RunRules, broken: str, severity: str
) -> None:
    ran = check(SIZE, CHECKED.format(severity=severity), "--fix", url=broken)

    assert ran.status == 1
    assert ran.verdicts == {"test_size": "fixed", "test_checked": "failed"}
    run = ran.integrity["fix"]["applied"]["run"]
    assert ran.reasons["test_checked"].startswith(
        f"harmed by this fix, it held before (take it back with --undo {run})"
    )
    assert ran.integrity["fix"]["harmed"][0].endswith("test_checked")
    assert re.search(rf"1 rule held before this fix, not now: take it back with --undo {run}", told(ran, "harmed"))
    check(f"--undo={run}", url=broken, subprocess=True)
    assert ask(broken, "SELECT count(*) FROM item WHERE size = 77") == [(2,)]


def test_a_body_that_did_not_hold_before_is_not_called_harmed(check: RunRules, broken: str) -> None:
    ask(broken, "UPDATE item SET size = 20 WHERE id = 9 RETURNING 1")

    ran = check(SIZE, CHECKED.format(severity="high"), "--fix", url=broken)

    assert ran.verdicts == {"test_size": "fixed", "test_checked": "failed"}
    assert "harmed" not in ran.reasons["test_checked"]
    assert ran.integrity["fix"]["harmed"] == []


def test_a_plan_says_which_rules_cannot_be_foreseen(check: RunRules, broken: str) -> None:
    ran = check(SIZE, CHECKED.format(severity="high"), "--fix-plan", url=broken)

    assert [one.partition("::")[2] for one in ran.integrity["fix"]["unforeseen"]] == ["test_checked"]
    assert "1 rule cannot be foreseen" in told(ran, "fix plan")
