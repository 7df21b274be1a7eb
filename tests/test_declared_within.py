"""Constraints of domains are asked of values within arrays, rows, ranges and domains, at any depth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import psycopg
import pytest
from engine import looking_at

TYPES: Final = """
CREATE DOMAIN amount AS int;
CREATE DOMAIN small AS amount;
CREATE TYPE pair AS (note text, "Odd field" amount);
CREATE TYPE pairs AS (several pair[], one pair);
CREATE DOMAIN all_of AS pair[];
CREATE DOMAIN pair_of AS pair;
CREATE TYPE span AS RANGE (subtype = amount, multirange_type_name = spans);
CREATE DOMAIN span_of AS span;
CREATE TYPE wide AS RANGE (subtype = pair);
CREATE TABLE other (id int, x small);
"""
BROKEN: Final = "ALTER DOMAIN amount ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID;"
WAYS: Final[dict[str, tuple[str, list[str], str, list[str]]]] = {
    "a domain upon it": ("small", ["1", "-2", "NULL"], "VALUE", ["2"]),
    "an array": ("amount[]", ["'{1,2}'", "'{1,-2}'", "'{}'", "NULL", "'{NULL,3}'", "'{{1,2},{3,-4}}'"], "[]", ["2", "6"]),
    "an array of a domain upon it": ("small[]", ["'{-1}'", "'{1}'"], "[]", ["1"]),
    "a row": ("pair", ["'(a,1)'", "'(a,-1)'", "'(a,)'", "NULL"], ".Odd field", ["2"]),
    "an array of rows": ("pair[]", ["'{\"(a,1)\",NULL}'", "'{\"(a,1)\",\"(a,-1)\"}'"], "[].Odd field", ["2"]),
    "a row of rows": ("pairs", ["ROW(NULL, '(a,-1)')", "ROW('{\"(a,-1)\"}', NULL)", "ROW(NULL, NULL)", "NULL"], ".", ["1", "2"]),
    "a domain of arrays": ("all_of", ["'{\"(a,-1)\"}'", "'{\"(a,1)\"}'"], "[].Odd field", ["1"]),
    "an array of a domain of arrays": ("all_of[]", ["ARRAY['{\"(a,-1)\"}']::all_of[]", "NULL"], "[][].Odd field", ["1"]),
    "a domain of rows": ("pair_of", ["'(a,-1)'", "NULL"], ".Odd field", ["1"]),
    "a range": ("span", ["'[-1,4]'", "'[2,]'", "'[,4]'", "'[,-4]'", "'empty'", "NULL"], ".bounds", ["1", "4"]),
    "a multirange": ("spans", ["'{[1,2],[3,4]}'", "'{[1,2],[-4,-3]}'", "'{}'", "NULL"], ".ranges.bounds", ["2", "2"]),
    "a domain of ranges": ("span_of", ["'[-1,4]'", "'[2,]'"], ".bounds", ["1"]),
    "an array of ranges": ("span[]", ["'{\"[-1,4]\"}'", "'{\"[2,]\"}'"], "[].bounds", ["1"]),
    "a range of rows": ("wide", ["wide('(a,-1)', '(b,1)')", "NULL"], ".bounds.Odd field", ["1"]),
    "the row of a table": ("other", ["'(1,-1)'", "'(1,1)'"], ".x", ["1"]),
    "rows of a table": ("other[]", ["'{\"(1,-1)\"}'", "'{\"(1,1)\"}'"], "[].x", ["1"]),
}  # fmt: skip


def filled(name: str, values: list[str]) -> str:
    rows = ", ".join(f"({number}, {value})" for number, value in enumerate(values, 1))
    return f"{TYPES} CREATE TABLE t (id int PRIMARY KEY, v {name}); INSERT INTO t VALUES {rows};"


@pytest.mark.parametrize("way", WAYS)
def test_what_breaks_a_domain_is_found_however_deep_it_lies(make_database: Callable[[str], str], way: str) -> None:
    name, values, path, keys = WAYS[way]
    with looking_at(make_database(filled(name, values) + BROKEN)) as engine:
        found = engine.declared("domain")["amount-positive"]

    assert (found.error, found.violations) == (None, len(keys))
    assert sorted(str(one.key).rpartition(" ")[2] for one in found.samples) == keys
    assert all(str(one.key).startswith("t.v") and path.replace("VALUE", "") in str(one.key) for one in found.samples)
    assert {one.values["value"] for one in found.samples} <= {-1, -2, -3, -4}


@pytest.mark.parametrize("way", WAYS)
def test_what_meets_a_domain_is_not_reported(make_database: Callable[[str], str], way: str) -> None:
    name, values, _, keys = WAYS[way]
    good = [one for number, one in enumerate(values, 1) if str(number) not in keys] or ["NULL"]
    with looking_at(make_database(filled(name, good) + BROKEN)) as engine:
        found = engine.declared("domain")["amount-positive"]

    assert (found.error, found.violations) == (None, 0)


@pytest.mark.parametrize("value", [-1, 1, None])
@pytest.mark.parametrize("name", ["amount", "small"])
def test_the_server_agrees_where_it_looks(make_database: Callable[[str], str], name: str, value: int | None) -> None:
    """It validates columns of the domain and of one upon it; where there are arrays, rows or ranges it refuses to look."""
    url = make_database(f"{TYPES} CREATE TABLE t (v {name}); INSERT INTO t VALUES ({value or 'NULL'}); {BROKEN}")
    with looking_at(url) as engine:
        found = engine.declared("domain")["amount-positive"]

    assert (found.error, found.violations) == (None, int(not validates(url)))
    assert found.violations == int(value == -1)


def validates(url: str) -> bool:
    with psycopg.connect(url) as connection:
        try:
            connection.execute("ALTER DOMAIN amount VALIDATE CONSTRAINT positive")
        except psycopg.errors.CheckViolation:
            return False
    return True


EMPTY: Final = "(SELECT n FROM none WHERE FALSE)"
NULLS: Final = {
    "a column": ("required", [EMPTY], ["1"]),
    "an array": ("required[]", [f"ARRAY[{EMPTY}]", "'{1}'", "'{}'", "NULL"], ["1"]),
    "a row": ("holder", [f"ROW({EMPTY}, 1)", "'(1,1)'", "NULL"], ["1"]),
    "an array of rows": ("holder[]", [f"ARRAY[ROW({EMPTY}, 1)::holder, NULL]", "ARRAY['(1,)'::holder, NULL]"], ["1"]),
    "a range": ("reach", ["'[1,]'", "'[,]'", "'empty'", "NULL"], []),
}  # fmt: skip


@pytest.mark.parametrize("way", NULLS)
def test_nulls_of_a_domain_without_them_are_found(make_database: Callable[[str], str], way: str) -> None:
    """A row, an array or a range that is not there holds none, nor does a range without end."""
    name, values, keys = NULLS[way]
    rows = ", ".join(f"({number}, {value})" for number, value in enumerate(values, 1))
    url = make_database(
        "CREATE DOMAIN required AS int NOT NULL; CREATE TYPE holder AS (n required, m int); CREATE TABLE none (n required);"
        f"CREATE TYPE reach AS RANGE (subtype = required); CREATE TABLE t (id int PRIMARY KEY, v {name}); INSERT INTO t VALUES {rows};"
    )
    with looking_at(url) as engine:
        found = engine.declared("domain")["required-not-null"]

    assert (found.error, [str(one.key).rpartition(" ")[2] for one in found.samples]) == (None, keys)


def test_values_are_counted_where_they_stand(make_database: Callable[[str], str]) -> None:
    """In each table once, partitions and children too, in materialized views, under odd names; an unused one in none."""
    url = make_database(
        f"""{TYPES} CREATE DOMAIN unused AS int CHECK (VALUE > 0); CREATE SCHEMA "far %s";
        CREATE TABLE "far %s"."odd "" t{{}}" ("the key" text PRIMARY KEY, "VALUE" amount[]);
        INSERT INTO "far %s"."odd "" t{{}}" VALUES ('x y', '{{-1,-2,3}}');
        CREATE TABLE parts (k int, v amount) PARTITION BY LIST (k); CREATE TABLE part PARTITION OF parts DEFAULT;
        INSERT INTO parts VALUES (1, -5); CREATE TABLE up (v amount); CREATE TABLE down () INHERITS (up);
        INSERT INTO down VALUES (-6), (6); CREATE MATERIALIZED VIEW seen AS SELECT * FROM up; {BROKEN}"""
    )
    with looking_at(url) as engine:
        found = engine.declared("domain")

    assert (found["unused-unused_check"].examined, found["unused-unused_check"].violations) == (0, 0)
    assert (found["amount-positive"].error, found["amount-positive"].examined) == (None, 8)
    assert [one.key for one in found["amount-positive"].samples] == [
        "down.v (0,1)", 'odd " t{}.VALUE[] x y', 'odd " t{}.VALUE[] x y', "part.v (0,1)", "seen.v (0,1)",
    ]  # fmt: skip
