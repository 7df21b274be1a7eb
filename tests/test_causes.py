"""What several violated rules have in common: the same rows of the same table, or pointers at the same missing row."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness import RunRules

from pytest_tgintegrity.planning import Subject
from pytest_tgintegrity.reports.causes import cause
from pytest_tgintegrity.verdicts import Measurement, Sample

FAMILY = """
CREATE TABLE parent (id int PRIMARY KEY, code text, kept bool DEFAULT TRUE);
CREATE TABLE child (id int PRIMARY KEY, parent_id int, size int);
CREATE TABLE pet (id int PRIMARY KEY, owner int);
CREATE TABLE pair (a int, b text, size int, PRIMARY KEY (a, b));
CREATE TABLE keyless (size int);
INSERT INTO parent VALUES (1), (2);
INSERT INTO child VALUES (1, 1, 5), (2, 7, 5), (3, 7, -5);
INSERT INTO pet VALUES (30, 7), (31, NULL);
INSERT INTO pair VALUES (1, 'x, y', -5);
INSERT INTO keyless VALUES (5), (-5);
"""
RULE = '''
@rule.{}
def test_{}(violations):
    """It holds."""
    assert not violations
'''
RULES = (
    ("negative", 'rows("child", "size < 0", breaks={"size": "-1"})'),
    ("small", 'between(Source("small", "child AS c", key="c.id"), "c.size", 1, 9)'),
    ("joined", 'rows(Source("joined", "child c JOIN parent p ON p.id = 1", key="c.id"), "c.size < 0", breaks={})'),
    ("other_key", 'rows(Source("other", "child", key="size"), "size < 0", breaks={})'),
    ("child_has_parent", 'references("child", "parent_id", "parent")'),
    ("pet_has_owner", 'references("pet", "owner", "parent")'),
    ("owner_is_kept", 'references("pet", "owner", "parent", where="kept")'),
    ("pair", 'rows("pair", "size < 0", breaks={"size": "-1"})'),
    ("keyless", 'rows("keyless", "size < 0", breaks={"size": "-1"})'),
    ("query", 'query("SELECT id FROM child WHERE size < 0")'),
    ("holds", 'not_null("child", "size")'),
)


def test_cause_of_each_rule(check: RunRules, make_database: Callable[[str], str]) -> None:
    parts = [RULE.format(declared.replace("breaks={}", 'breaks={"size": "-1"}'), name) for name, declared in RULES]
    ran = check(*parts, url=make_database(FAMILY))

    assert {one["id"].partition("::test_")[2]: one.get("cause") for one in ran.integrity["rules"]} == {
        "negative": "1 row of child: 3",
        "small": "1 row of child: 3",
        "joined": "1 row of “joined”: 3",
        "other_key": '1 row of “other”: "-5"',
        "child_has_parent": "samples point at 7, missing in parent (id)",
        "pet_has_owner": "samples point at 7, missing in parent (id)",
        "owner_is_kept": "1 row of pet: 30",
        "pair": '1 row of pair: ["1", "x, y"]',
        "keyless": '1 row of keyless: "(0,2)"',
        "query": None,
        "holds": None,
    }


def test_without_samples_nobody_knows(check: RunRules) -> None:
    ran = check(RULE.format('between("item", "size", 1, 15)', "sizes"), "--no-samples")

    assert [one["cause"] for one in ran.integrity["rules"]] == [None]


@pytest.mark.parametrize(
    ("keys", "violations", "told"),
    [
        (["1", "2"], 2, "2 rows of t: 1, 2"),
        (["1", "2"], 3, "3 rows of t, the first 2: 1, 2"),
        ([str(n) for n in range(20)], 20, "20 rows of t, the first 8: 0, 1, 2, 3, 4, 5, 6, 7"),
        (["1, 2"], 1, '1 row of t: "1, 2"'),
        (["1", None], 2, None),
        ([["1", None]], 1, None),
        (["x" * 41], 1, None),
        ([], 2, None),
    ],
)
def test_different_rows_are_told_differently(keys: list[str], violations: int, told: str | None) -> None:
    samples = tuple(Sample(key) for key in keys)

    assert cause(Subject("t"), Measurement(violations=violations, samples=samples)) == told


def test_pointers_at_different_rows_are_told_differently() -> None:
    found = Measurement(
        violations=9, samples=tuple(Sample("1", None, {"a": one, "b": "x", "more": 5}) for one in (7, 8, 7))
    )

    assert cause(Subject("t", "p (id)", 1), found) == "samples point at 7, 8, missing in p (id)"
    assert cause(Subject("t", "p (id, c)", 2), found) == 'samples point at [7, "x"], [8, "x"], missing in p (id, c)'
    assert cause(None, found) is None
