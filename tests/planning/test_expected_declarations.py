"""Constraints that are not declared any more: what is missed, what was only renamed, and what nobody asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_tgintegrity.planning.bound import BoundRule
from pytest_tgintegrity.planning.expected.declarations import EarlierDeclarations, declared_items, gone
from pytest_tgintegrity.planning.facts import Constraint
from pytest_tgintegrity.rules.kinds import ConstraintKind, Declared
from pytest_tgintegrity.rules.rule import Rule

TEST = "rules/test_declared.py::test_holds"
BEGAN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
IDS = st.builds("{}[{}]".format, st.sampled_from(["a.py::test_a", "b.py::test_b"]), st.sampled_from("xyz"))
ITEMS = st.dictionaries(IDS, st.sampled_from(["one", "two", "three"]))


def bound(constraint: Constraint) -> BoundRule:
    rule = Rule(Declared(constraint.kind))
    return BoundRule(f"{TEST}[{constraint.label}]", rule, "It holds.", {"constraint": constraint})


def constraint(name: str, kind: ConstraintKind = "foreign_key", **facts: Any) -> Constraint:
    values: dict[str, Any] = {"columns": ("owner_id",), "expressions": ("owner_id",), "target": ("public", "owner")}
    return Constraint(kind, "public", "item", name, f"definition of {name}", **{**values, **facts})


def missed(before: list[Constraint], now: list[Constraint]) -> list[str]:
    live = declared_items(map(bound, now))
    return [rule.partition("[")[2] for rule in gone(declared_items(map(bound, before)), live, [TEST])]


def test_a_constraint_that_is_not_declared_any_more_is_gone() -> None:
    assert missed([constraint("fk"), constraint("other", columns=("b",))], [constraint("fk")]) == ["item-other]"]


def test_a_constraint_of_another_name_is_still_there_once() -> None:
    assert missed([constraint("fk_0f3a")], [constraint("fk_77b9")]) == []
    assert missed([constraint("fk_0f3a"), constraint("fk_1111")], [constraint("fk_77b9")]) == ["item-fk_1111]"]


@pytest.mark.parametrize(
    "facts",
    [
        {"target": ("public", "person")},
        {"columns": ("x",)},
        {"expressions": ("x",)},
        {"where": "a > 1"},
        {"match_full": True},
    ],
)
def test_a_constraint_of_another_name_that_says_something_else_is_not_it(facts: dict[str, Any]) -> None:
    assert missed([constraint("fk_0f3a")], [constraint("fk_77b9", **facts)]) == ["item-fk_0f3a]"]


def test_columns_that_may_be_null_again_are_gone_one_by_one() -> None:
    before = constraint("", "not_null", columns=("a", "b", "c"))
    now = constraint("", "not_null", columns=("b",))

    assert missed([before], [now]) == ["item-a]", "item-c]"]
    assert missed([before], []) == ["item-a]", "item-b]", "item-c]"]


def test_what_is_gone_stays_so_with_the_time_at_which_it_was_last_declared() -> None:
    first = EarlierDeclarations(BEGAN, {f"{TEST}[a]": "one", f"{TEST}[b]": "two"})
    second = EarlierDeclarations(BEGAN.replace(day=3), {f"{TEST}[b]": "two", **first.kept([f"{TEST}[a]"])})

    assert gone(second.items, {f"{TEST}[b]": "two"}, [TEST]) == [f"{TEST}[a]"]
    assert second.last_seen(f"{TEST}[a]") == "2026-01-02T03:04:00+00:00"
    assert second.kept([f"{TEST}[a]"]) == first.kept([f"{TEST}[a]"])
    assert gone(second.items, {f"{TEST}[b]": "two", f"{TEST}[c]": "one"}, [TEST]) == []


def test_a_dropped_one_whose_name_another_has_now_is_gone_under_the_name_of_that() -> None:
    before = [constraint("a", columns=("a",)), constraint("b", columns=("b",)), constraint("c", columns=("c",))]
    now = [constraint("a", columns=("b",)), constraint("b", columns=("c",))]

    assert missed(before, now) == ["item-c]"]


def test_what_another_search_path_calls_otherwise_is_not_gone() -> None:
    def seen(path: str) -> dict[str, str]:
        schemas = {"public", "app"}
        tables = [
            replace(constraint("", kind, columns=("id",)), schema=schema, visible=schema == path)
            for schema in schemas
            for kind in ("not_null", "foreign_key")
        ]
        return declared_items(map(bound, tables))

    before, now = seen("public"), seen("app")

    assert set(before) != set(now)
    assert gone(before, now, [TEST]) == []
    assert len(gone(before, dict(list(now.items())[1:]), [TEST])) == 1


def test_what_other_rules_look_at_is_kept_for_them() -> None:
    other = "other/test_more.py::test_holds[x]"
    earlier = EarlierDeclarations(BEGAN, {f"{TEST}[a]": "one", other: "two"})

    assert earlier.of_others([TEST]) == [other]
    assert earlier.kept([other]) == {other: "two@2026-01-02T03:04:00+00:00"}


@given(ITEMS, ITEMS)
def test_what_is_gone_was_there_and_is_not(before: dict[str, str], now: dict[str, str]) -> None:
    functions = {"a.py::test_a"}

    missing = gone(before, now, functions)

    assert missing == sorted(set(missing))
    assert all(rule in before and rule not in now and rule.startswith("a.py") for rule in missing)
    assert gone(before, {**now, **before}, functions) == []
    lost = [rule for rule in before if rule not in now and rule.startswith("a.py")]
    new = [rule for rule in now if rule not in before and rule.startswith("a.py")]
    assert len(lost) - len(new) <= len(missing) <= len(lost)
