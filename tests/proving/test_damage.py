"""Damages are derived from kinds: what has to be caught violates, what has to pass does not."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from psycopg import sql

from engine import bound
from pytest_tgintegrity.errors import NotProven
from pytest_tgintegrity.fixing.plan.writes import ColumnType, Target
from pytest_tgintegrity.planning.scans import QueryScan
from pytest_tgintegrity.planning.sql.compose import Value, readable
from pytest_tgintegrity.proving.damage import Attempts, attempts
from pytest_tgintegrity.proving.json_shapes import examples, fits, misfits
from pytest_tgintegrity.proving.values import INTEGERS, disallowed, drawn, spread
from pytest_tgintegrity.rules.kinds import AtMost, Between, Formula, JsonShape, Kind, NotBlank, OneOf, Rows, Schema

SCAN = QueryScan("query", "it", sql.SQL("SELECT 1"))


def tried(kind: Kind, type_name: str = "int4", **more: Any) -> Attempts:
    """What is tried on a rule about the column `size` of that type."""
    column = (Target("", "size"), ColumnType("thing", type_name, type_name))
    return attempts(bound(kind, **more), SCAN, {"size": column})


def written(damages: tuple[Any, ...]) -> list[Any]:
    """The values that damages write; text where it is an expression."""
    values = [damage.writes[0].value for damage in damages]
    return [one.value if isinstance(one, Value) else readable(one) for one in values]


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize(("low", "high"), [(0, 10), (None, 3), (-5, None), (7, 7)])
def test_integers_around_a_range(name: str, low: int | None, high: int | None) -> None:
    values = spread(name, low, high)

    assert all(low is not None and one < low for one in values.below)
    assert all(high is not None and one > high for one in values.above)
    assert all((low is None or one >= low) and (high is None or one <= high) for one in values.inside)
    assert (low is None) == (not values.below)
    assert (high is None) == (not values.above)
    assert {one for one in (low, high) if one is not None} <= set(values.inside)
    assert all(-INTEGERS[name] <= one < INTEGERS[name] for one in (*values.outside, *values.inside))


def test_nearest_and_farthest_values_of_a_range_come_along() -> None:
    values = spread("int2", 0, 10)

    assert values.outside[:2] == (-1, 11)
    assert {-(2**15), 2**15 - 1} <= set(values.outside)


def test_bound_at_the_end_of_a_type_leaves_nothing_beyond() -> None:
    assert spread("int2", -(2**15), 2**15 - 1).outside == ()


def test_fractions_know_infinity_and_what_is_no_number() -> None:
    numeric, floating = spread("numeric", 0, 1), spread("float8", 0, 1)

    assert Decimal("-Infinity") in numeric.below
    assert Decimal("1.01") in numeric.above
    assert any(math.isnan(one) for one in floating.above)
    assert all(one < 0 for one in numeric.below)


def test_drawn_values_are_the_same_every_time() -> None:
    from hypothesis.strategies import integers

    assert drawn(integers(0, 1000)) == drawn(integers(0, 1000))


def test_disallowed_are_near_an_allowed_value_and_none_of_them() -> None:
    found = disallowed("varchar", ["App", "?", "Un"])

    assert "aPP" in found
    assert " App" in found
    assert not set(found) & {"App", "?", "Un"}
    assert set(disallowed("int4", [1, 2, 5])) == {0, 3, 4, 6}


def test_range_with_expressions_is_broken_beside_them() -> None:
    found = tried(Between("thing", "size", "least", "most + 1"))

    assert written(found.illegal) == ["(least) - 1", "(most + 1) + 1"]
    assert written(found.legal) == ["(least)", "(most + 1)", "NULL"]


def test_choice_lets_every_allowed_value_pass() -> None:
    found = tried(OneOf("thing", "size", ["a", "b", None]), "text")

    assert written(found.legal) == ["a", "b", "NULL"]
    assert not set(written(found.illegal)) & {"a", "b"}


def test_blank_is_null_and_white_space_of_all_kinds() -> None:
    found = tried(NotBlank("thing", "size"), "text")

    assert {"NULL", "", " ", "\xa0"} <= set(written(found.illegal))
    assert "x" in written(found.legal)


def test_at_most_is_broken_just_above_the_other() -> None:
    found = tried(AtMost("thing", "size", "length(name)"))

    assert written(found.illegal) == ["(length(name)) + 1"]
    assert written(found.legal) == ["(length(name))", "NULL"]


def test_at_most_is_broken_at_the_other_side_where_the_first_is_an_expression() -> None:
    found = tried(AtMost("thing", "length(name)", "size"))

    assert written(found.illegal) == ["(length(name)) - 1"]


@pytest.mark.parametrize(
    ("name", "text"), [("int4", "coalesce("), ("text", "CASE"), ("bool", "NOT "), ("date", "interval")]
)
def test_formula_is_broken_by_another_value_of_its_type(name: str, text: str) -> None:
    found = tried(Formula("thing", "size", "1 + 1"), name)

    assert text in written(found.illegal)[0]


def test_given_break_is_taken_and_what_is_legal_still_derived() -> None:
    found = tried(Between("thing", "size", 1, 5), breaks={"size": "6"})

    assert written(found.illegal) == ["6"]
    assert 1 in written(found.legal)


def test_nothing_can_be_derived_for_free_sql() -> None:
    with pytest.raises(NotProven, match="say how to break it with breaks="):
        tried(Rows("thing", "size > 1"))


def test_schema_is_broken_by_absence_and_by_being_out_of_force() -> None:
    statements = [readable(one) for one in tried(Schema("thing", constraint="thing_size")).statements]

    assert len(statements) == 2
    assert "conname = 'tgintegrity'" in statements[0]
    assert "convalidated = FALSE" in statements[1]


SHAPES = [
    list,
    dict,
    str,
    int,
    float,
    bool,
    None,
    [int],
    (str, None),
    {"trait": str, "cost": int, "note?": str},
    {str: int},
    [{"trait": str, "tags?": [str]}],
    {"inner": {"deep": (int, None)}},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_examples_have_the_shape_and_misfits_do_not(shape: Any) -> None:
    right, wrong = examples(shape), misfits(shape)

    assert right
    assert wrong
    assert all(fits(one, shape) for one in right)
    assert not any(fits(one, shape) for one in wrong)
    assert all(json.loads(json.dumps(one)) == one for one in (*right, *wrong))


def test_misfits_leave_out_each_key_and_spoil_each_part() -> None:
    wrong = misfits({"trait": str, "cost": int})

    assert {"trait": "x"} in wrong
    assert {"cost": 1} in wrong
    assert {"trait": "x", "cost": None} in wrong
    assert {"trait": 1, "cost": 1} in wrong


def test_json_is_written_as_text_that_the_column_reads() -> None:
    found = tried(JsonShape("thing", "size", [int]), "jsonb")

    assert "[1]" in written(found.legal)
    assert '[1, "x"]' in written(found.illegal)
