"""The canonical line of a rule: what it tells apart, what it does not, and its very letters, which histories hold."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any, get_args

import pytest

from pytest_tgintegrity.rules import kinds
from pytest_tgintegrity.rules.declare import declaration_of, declared, declaring, rule
from pytest_tgintegrity.rules.kinds import CatalogObject, Kind, Pinned, Source
from pytest_tgintegrity.rules.kinds.fields import WORDS
from pytest_tgintegrity.rules.rule import Rule

STAFF = Source(
    "staff", "staff s JOIN person p USING (id)", key=("s.id", "p.id"), label="p.name", scopes={"team": "s.t"}
)
EVERYTHING: Any = {
    "severity": "high",
    "fix": {"b": "1", "a": "2"},
    "fix_hint": "ask",
    "fix_allows": ("insert", "delete"),
    "breaks": {"a": "3"},
    "overlaps": ["other"],
    "show": ["a"],
    "tags": ["T-1"],
    "enforced_by": "c",
    "since": "at",
    "timeout": 2,
    "tolerates": 3,
}
DECLARATIONS: Any = {
    "rows": rule.rows(STAFF, "s.age < 0"),
    "between": rule.between("t", "c", 1, 10),
    "bounds": rule.between("t", "c", date(2020, 1, 1), Decimal("1.50")),
    "open": rule.between("t", "c", 0.5, None),
    "one_of": rule.one_of("t", "c", ["a", None, True, 1]),
    "asked": rule.one_of("t", "c", "%(values)s"),
    "not_null": rule.not_null("t", "c"),
    "not_blank": rule.not_blank("t", "c"),
    "at_most": rule.at_most("t", "c", "d"),
    "implies": rule.implies("t", "a", "b"),
    "formula": rule.formula("t", "c", "a + b"),
    "lookup": rule.formula("t", "c", {"size": {2: "x", 1: "y"}}),
    "agree": rule.agree("t", "a", "b"),
    "json_shape": rule.json_shape("t", "c", {"a": int, "b?": [str], "c": (None, float), "d": {str: bool}}),
    "acyclic": rule.acyclic("t", "parent"),
    "children": rule.children("t", "u.t_id", 1, "t.most", where="live"),
    "total": rule.total("t", STAFF, "s.pay", at_most=7, by="s.t", of="t.code"),
    "derived": rule.derived("t", "c", "count(*)", "u.t_id"),
    "unique": rule.unique("t", ["a", "b"], where="a > 0", nulls_distinct=False),
    "references": rule.references("t", ["a"], "u", ["b"], where="live"),
    "query": rule.query("SELECT 1"),
    "metric": rule.metric("m", "SELECT 1", at_least=0.5, at_most=9007199254740993),
    "schema": rule.schema("t", constraint="c"),
    "volume": rule.volume("t", max_drop=0.5, max_growth=2, at_least=10),
    "freshness": rule.freshness("t", "at", within=24),
    "share": rule.share("t", "c", "x", at_most=0.5),
    "check": rule.check(),
    "declared": declared("foreign_key"),
    "pinned": declaring(Rule(Pinned("index", (CatalogObject("index", "t", "i", "INDEX"),)))),
    "everything": rule.rows("t", "c", **EVERYTHING),
}
RULES_AT_VERSION_1 = "5c93a02bcfcd555387db44a23e3d2a0ab4372aa91fb76b56ccc29bd35dadbb96"
"""Of all lines above. What changes it restarts the clean days of everybody: give the renamed field its old word instead."""


def rule_of(declaration: Any) -> Rule:
    def a_rule(violations: object) -> None:
        """A rule."""

    found = declaration_of(declaration(a_rule))
    assert isinstance(found, Rule)
    return found


@pytest.fixture(scope="module", name="lines")
def canonical_lines() -> dict[str, str]:
    """The line of each declaration, by its name here."""
    return {name: rule_of(one).canonical() for name, one in DECLARATIONS.items()}


def test_the_lines_of_this_release_are_those_of_the_one_before(lines: dict[str, str]) -> None:
    told = "\n".join(f"{name} {line}" for name, line in lines.items())
    assert hashlib.sha256(told.encode()).hexdigest() == RULES_AT_VERSION_1, told


def test_a_line_can_be_read(lines: dict[str, str]) -> None:
    assert lines["between"] == '{"kind":{"between":{"column":"c","high":10,"low":1,"source":"t"}},"version":1}'
    assert lines["everything"] == (
        '{"breaks":{"map":[["a","3"]]},"enforced_by":"c","fix":{"map":[["a","2"],["b","1"]]},'
        '"fix_allows":["insert","delete"],"fix_hint":"ask","kind":{"rows":{"source":"t","where":"c"}},'
        '"overlaps":["other"],"severity":"high","show":["a"],"since":"at","tags":["T-1"],"timeout":2,"tolerates":3,"version":1}'
    )


def test_every_kind_and_every_field_of_a_rule_has_a_line() -> None:
    assert {type(rule_of(one).kind) for one in DECLARATIONS.values()} == set(get_args(Kind))
    assert set(WORDS) == {*get_args(Kind), kinds.Source, kinds.ChildRows}
    assert {one.name for one in fields(Rule)} == {"kind", *EVERYTHING}


def test_different_rules_have_different_lines(lines: dict[str, str]) -> None:
    assert len(set(lines.values())) == len(lines)
    all_but_one: list[Any] = [{**EVERYTHING, name: None} for name in EVERYTHING if name not in ("severity", "fix")]
    plainer = {rule_of(rule.rows("t", "c", **words)).canonical() for words in all_but_one}
    assert len({*plainer, lines["everything"]}) == len(EVERYTHING) - 1


@pytest.mark.parametrize(
    ("one", "other"),
    [*combinations([1, 1.0, True, "1", Decimal(1), None, date(2020, 1, 1), "2020-01-01", b"1"], 2)],
)
def test_values_of_different_types_are_different_bounds(one: Any, other: Any) -> None:
    first, second = (rule_of(rule.one_of("t", "c", [value, 2])).canonical() for value in (one, other))
    assert first != second


def test_shapes_are_told_apart() -> None:
    shapes: list[Any] = [[str], (str, None), (None, str), {"a": str}, {"a?": str}, {str: str}, str, int, None]
    assert len({rule_of(rule.json_shape("t", "c", one)).canonical() for one in shapes}) == len(shapes)


def test_the_order_in_which_a_mapping_was_written_means_nothing() -> None:
    one, other = ({"a": "1", "b": "2"}, {"b": "2", "a": "1"})
    assert rule_of(rule.rows("t", "c", fix=one)).canonical() == rule_of(rule.rows("t", "c", fix=other)).canonical()


def test_a_default_that_is_written_out_changes_nothing() -> None:
    plain, spelled = rule.rows("t", "c"), rule.rows("t", "c", severity="medium", fix=None, tags=(), tolerates=None)
    assert rule_of(plain).canonical() == rule_of(spelled).canonical()
