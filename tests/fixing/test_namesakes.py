"""Whose fix mends what a rule without one complains of."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine import bound
from pytest_tgintegrity.fixing.namesakes import advice, namesakes
from pytest_tgintegrity.planning.facts import Constraint
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.rules.kinds import Between, Check, Declared, Metric, Query, Source

JOINED = Source("people", "core_person AS p JOIN item i ON i.owner = p.id", key="p.id")


def declared(table: str, name: str = "size_range", *, schema: str = "public", visible: bool = True) -> BoundRule:
    constraint = Constraint("check", schema, table, name, "CHECK (…)", visible=visible)
    return bound(Declared("check"), "declared", {"constraint": constraint}, fix_hint="ask")


def fixing(source: Source | str = "item", enforced_by: str = "size_range", name: str = "fixing") -> BoundRule:
    params = {"table": "item", "bounded": "size"}
    return bound(Between(source, "size", 1, 2), name, params, fix="clamp", enforced_by=enforced_by)


@pytest.mark.parametrize(
    "rules",
    [
        [declared("item"), fixing()],
        [fixing(), declared("item")],
        [declared("item"), fixing("public.item")],
        [declared("item"), fixing('"item"')],
        [declared("item"), fixing('"public"."item"')],
        [declared("item"), fixing("ITEM")],
        [declared("item"), fixing("{table}", "{bounded}_range")],
        [declared("item"), fixing(JOINED)],
        [declared("item"), fixing(Source("x", 'owner CROSS JOIN"ITEM"\nCROSS JOIN ITEM', key="id"))],
        [declared("ITEM"), fixing(Source("x", 'owner CROSS JOIN"ITEM"', key="id"))],
        [declared("core_person"), fixing(JOINED)],
        [declared("we ird"), fixing(Source("x", '"we ird" AS w', key="id"))],
        [declared("item", schema="other", visible=False), fixing("other.item")],
        [declared("item", schema="other", visible=False), fixing('"other"."item"')],
        [declared("item"), fixing("other", name="first"), fixing()],
        [bound(Between("item", "size", 1, None), "declared", enforced_by="size_range"), fixing()],
        [bound(Query("SELECT id FROM item"), "declared", enforced_by="size_range"), fixing()],
        [bound(Query("SELECT id FROM item WHERE at > %(since)s"), "declared", enforced_by="size_range"), fixing()],
        [bound(Between(JOINED, "i.size", 1, None), "declared", enforced_by="size_range"), fixing()],
    ],
)
def test_the_rule_with_the_fix_is_found(rules: Sequence[BoundRule]) -> None:
    assert namesakes(rules) == {"declared": "fixing"}


@pytest.mark.parametrize(
    "rules",
    [
        [declared("item")],
        [declared("item", "weight_range"), fixing()],
        [declared("person"), fixing(JOINED)],
        [declared("it"), fixing()],
        [declared("item"), fixing(Source("x", "owner o JOIN (SELECT 'item') s(i) ON true -- item", key="o.id"))],
        [declared("item"), fixing(Source("x", 'owner CROSS JOIN "ITEM"', key="id"))],
        [declared("item", schema="other", visible=False), fixing()],
        [declared("item"), fixing("other.item")],
        [declared("item"), fixing('"other"."item"')],
        [declared("item"), bound(Between("item", "size", 1, 2), enforced_by="size_range")],
        [declared("item"), bound(Between("item", "size", 1, 2), fix="clamp")],
        [bound(Declared("check"), "none", {"constraint": None}), fixing()],
        [bound(Check(), "check"), fixing()],
        [bound(Metric("item", "SELECT count(*) FROM other"), "metric", enforced_by="size_range"), fixing()],
        [bound(Between("other", "size", 1, None), "other", enforced_by="size_range"), fixing()],
        [fixing(name="one"), fixing(name="two")],
    ],
)
def test_another_constraint_is_not_taken_for_it(rules: Sequence[BoundRule]) -> None:
    assert namesakes(rules) == {}


def test_the_advice_names_it() -> None:
    assert advice(declared("item"), {"declared": "a.py::test_size"}) == (
        "a.py::test_size is about the same constraint and has a safe fix"
    )
    assert advice(declared("item"), {}) == "ask"
    assert advice(bound(Check()), {}) == "no safe fix is declared: a person decides"
