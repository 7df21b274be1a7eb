"""From declarations to SQL: templates, quoting, values; nothing is sent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from pytest_tgintegrity.errors import DeclarationError
from pytest_tgintegrity.planning.predicates import Binding, predicate
from pytest_tgintegrity.planning.sql.compose import (
    Statement,
    Value,
    both,
    column,
    either,
    fill,
    identifier,
    parametrised,
    plain,
    raw,
    readable,
)
from pytest_tgintegrity.rules.kinds import AtMost, Between, NotBlank, NotNull, OneOf, Rows


@pytest.mark.parametrize(
    ("template", "params", "filled"),
    [
        ("{c} > 1", {"c": "a"}, '"a" > 1'),
        ("{c} > 1", {"c": "m.a b"}, '"m"."a b" > 1'),
        ("{c} > 1", {"c": 'a"; DROP'}, '"a""; DROP" > 1'),
        ("x = '{{}}'", {}, "x = '{}'"),
        ("x = %(v)s", {"v": "it's"}, "x = 'it''s'"),
        ("x = %(v)s", {"v": Decimal("1.50")}, "x = 1.50"),
        ("x = %(v)s", {"v": date(2020, 1, 1)}, "x = '2020-01-01'::date"),
        ("x LIKE '50%' AND x % 2 = 0", {}, "x LIKE '50%' AND x % 2 = 0"),
        ("{{{c}}}", {"c": "a"}, '{"a"}'),
        ("%(v)s IS NOT NULL", {"v": sql.SQL("nullif(a, '{c}')")}, "nullif(a, '{c}') IS NOT NULL"),
        ("%(v)s {c}", {"v": "{c} %(v)s", "c": "%(v)s"}, "'{c} %(v)s' \"%(v)s\""),
    ],
)
def test_templates_are_filled(template: str, params: dict[str, Any], filled: str) -> None:
    assert readable(fill(template, params)) == filled


@pytest.mark.parametrize(
    ("template", "params", "sentence"),
    [
        ("{c}", {}, "unknown placeholder {c}: parametrize gives nothing"),
        ("%(v)s", {"b": 1, "a": 1}, "unknown placeholder %(v)s: parametrize gives a, b"),
        ("{c}", {"c": 5}, "{c} is filled with 5: an identifier is a string; bind values with %(c)s"),
        ("a = '{'", {}, """a lone { in "a = '{'": write {name} to fill in a name, {{ and }} for braces"""),
        ("a}", {}, "a lone } in 'a}': write {name} to fill in a name, {{ and }} for braces"),
        ("{a b}", {}, "a lone { in '{a b}': write {name} to fill in a name, {{ and }} for braces"),
    ],
)
def test_a_wrong_template_is_told(template: str, params: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DeclarationError) as error:
        fill(template, params)

    assert str(error.value) == sentence


@given(st.text(), st.text().filter(lambda text: "\0" not in text))
def test_a_template_without_braces_stays_as_it_is(template: str, value: str) -> None:
    text = template.replace("%(", "%")
    braced = text.replace("{", "{{").replace("}", "}}")

    assert parametrised(fill(braced, {})) == Statement(text.encode("utf-8", "surrogatepass"), ())
    assert parametrised(fill(f"{braced}%(v)s", {"v": value})).values == (value,)


@pytest.mark.parametrize(
    ("text", "names", "found"),
    [
        ("a", (), '"a"'),
        ("Capital", (), '"Capital"'),
        ("m.id", (), '"m"."id"'),
        ("a.b", ("a.b",), '"a.b"'),
        ("with space", ("with space",), '"with space"'),
        ("brace{x}", ("brace{x}",), '"brace{x}"'),
        ("a + b", (), "(a + b)"),
        ("a -- why", (), "(a -- why\n)"),
        ("{c}", (), '"c d"'),
        ("m.{c}", (), 'm."c d"'),
        ("current_date", (), "current_date"),
        ("CURRENT_TIMESTAMP", (), "CURRENT_TIMESTAMP"),
        ("current_date", ("current_date",), '"current_date"'),
        ("now()", (), "(now())"),
    ],
)
def test_a_column_is_quoted_and_an_expression_is_kept_together(text: str, names: tuple[str, ...], found: str) -> None:
    assert readable(column(text, {"c": "c d"}, names)) == found


@pytest.mark.parametrize(
    ("kind", "condition", "shown"),
    [
        (Rows("t", "a > 1"), "a > 1", []),
        (Between("t", "a", 0, 10), '"a" < 0 OR "a" > 10', ["a"]),
        (Between("t", "a", None, 10), '"a" > 10', ["a"]),
        (Between("t", "a", 0, "%(none)s"), '"a" < 0', ["a"]),
        (Between("t", "a", "%(text)s", "b + 1"), '"a" < \'b + 1\' OR "a" > (b + 1)', ["a"]),
        (OneOf("t", "a", ("x", None, 1)), "\"a\" NOT IN ('x', 1)", ["a"]),
        (OneOf("t", "a", "%(list)s"), '"a" NOT IN (1, 2)', ["a"]),
        (NotNull("t", "a"), 'num_nulls("a") > 0', ["a"]),
        (NotBlank("t", "a"), "num_nulls(\"a\") > 0 OR btrim(\"a\", ' ') = ''", ["a"]),
        (AtMost("t", "a", "b"), '"a" > "b"', ["a", "b"]),
    ],
)
def test_each_kind_becomes_a_condition(kind: Any, condition: str, shown: list[str]) -> None:
    found = predicate(kind, {"none": None, "text": "b + 1", "list": [1, 2]}, blanks=" ")

    assert readable(found.condition) == condition
    assert [name for name, _ in found.shown] == shown


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (Between("t", "{c}", "%(none)s", None), "the range of a has neither a low nor a high bound"),
        (OneOf("t", "{c}", "%(none)s"), "one_of needs a list of values for a, not None"),
        (OneOf("t", "{c}", "%(text)s"), "one_of needs a list of values for a, not 'b'"),
        (OneOf("t", "{c}", "%(empty)s"), "one_of allows no value for a"),
        (OneOf("t", "{c}", "%(missing)s"), "unknown placeholder %(missing)s: parametrize gives c, empty, none, text"),
    ],
)
def test_a_parametrized_declaration_that_says_nothing_is_told(kind: Any, sentence: str) -> None:
    with pytest.raises(DeclarationError) as error:
        predicate(kind, {"c": "a", "none": None, "text": "b", "empty": []})

    assert str(error.value) == sentence


def test_only_ranges_of_values_can_be_merged() -> None:
    fixed, open_, moving = (
        predicate(Between("t", "a", low, high), {}).span for low, high in ((0, 1), (None, 1), (0, "b"))
    )

    assert fixed is not None
    assert open_ is not None
    assert fixed.bounds != open_.bounds
    assert moving is None


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), (1, Decimal(1)), (0.0, -0.0)])
def test_bounds_that_only_python_takes_for_equal_differ(one: Any, other: Any) -> None:
    spans = [predicate(Between("t", "a", low, None), {}).span for low in (one, other, one)]

    assert spans[0] is not None
    assert spans[1] is not None
    assert spans[2] is not None
    assert spans[0].bounds != spans[1].bounds
    assert spans[0].bounds == spans[2].bounds


def test_values_are_numbered_and_kept_out_of_the_text() -> None:
    composed = both([either([raw("a = "), Value("x")]), sql.SQL("{} = {}").format(identifier("t.b"), Value(None))])

    found = parametrised(composed)

    assert found == Statement(b'((a = \n) OR ($1\n)\n) AND ("t"."b" = $2\n)', ("x", None))


def test_what_people_read_has_names_without_quotes() -> None:
    params = {"c": "a b", "v": 5}

    assert plain("{c} > %(v)s {{}}", params) == "a b > 5 {}"
    assert [Binding(params).named(text)[0] for text in ("{c}", "x + 1")] == ["a b", "x + 1"]
