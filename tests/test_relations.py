"""Which tables declarations name, and what a misspelt one may mean."""

from __future__ import annotations

import pytest
from harness import RunRules

from pytest_tgintegrity.kinds import Between, Children, ChildRows, Declared, Query, References, Rows, Schema, Source
from pytest_tgintegrity.relations import did_you_mean, missing, relations_in, tables_named
from pytest_tgintegrity.schema import Facts, Table

MISSPELT = """
@rule.between("itme", "size", 1, 20)
def test_source(violations):
    \"\"\"Sizes are one to twenty.\"\"\"
    assert not violations

@rule.references("item", "size", "nothin")
def test_target(violations):
    \"\"\"Sizes are known.\"\"\"
    assert not violations


@rule.between("item", "siez", 1, 20)
def test_column(violations):
    \"\"\"Sizes are one to twenty.\"\"\"
    assert not violations
"""
UNLIKE = """
@rule.query("SELECT id FROM item JOIN Nothings USING (id)")
def test_query(violations):
    \"\"\"There are none.\"\"\"
    assert not violations

@rule.between("wholly_unlike", "size", 1, 20)
def test_unlike(violations):
    \"\"\"Sizes are one to twenty.\"\"\"
    assert not violations
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1 FROM a, s.b AS x LEFT JOIN (c CROSS JOIN d) ON x.i = c.i", "a c d s.b"),
        ("SELECT extract(day FROM x), trim(both FROM y) FROM a WHERE b IS DISTINCT FROM c", "a"),
        ("WITH w AS (SELECT 1 FROM a), v(x, y) AS NOT MATERIALIZED (SELECT FROM w) SELECT FROM v, b", "a b"),
        ("SELECT FROM a, LATERAL (SELECT FROM b WHERE c IN (SELECT d FROM e)), only f, generate_series(1, 2) AS g(n)", "a b e f"),
        ("SELECT a, b FROM c WHERE d IN (e, f) GROUP BY g, h ORDER BY i, j", "c"),
        ("SELECT FROM a UNION ALL SELECT FROM b EXCEPT (SELECT FROM c)", "a b c"),
        ('SELECT FROM "A", Fold, db.s.t, pg_class, pg_catalog.pg_type, information_schema.tables', "A fold s.t"),
        ("EXISTS (SELECT FROM a) AND 'FROM b' <> $$ FROM c $$ -- FROM d", "a"),
        ("from x", ""),
    ],
)  # fmt: skip
def test_the_tables_of_a_query(text: str, expected: str) -> None:
    assert sorted(relations_in(text)) == sorted(expected.split())


def test_the_tables_of_a_declaration() -> None:
    joined = Source("both", "a JOIN b ON b.i = a.i", key="a.i")

    assert tables_named(Between("{t}", "size", 1, 2), {"t": "item"}) == {"item"}
    assert tables_named(Rows(joined, "EXISTS (SELECT FROM c)"), {}) == {"a", "b", "c"}
    assert tables_named(References("x", ("y",), "z"), {}) == {"x", "z"}
    assert tables_named(Children("x", ChildRows("y", "x_id", where="z IN (SELECT FROM w)")), {}) == {"x", "y", "w"}
    assert tables_named(Query("SELECT FROM a WHERE at > %(since)s"), {}) == {"a"}
    assert tables_named(Schema(table="s.t", constraint="c"), {}) == {"s.t"}
    assert tables_named(Declared("check"), {}) == set()


def test_names_that_are_nearly_the_same() -> None:
    tables = {
        "item": Table("public", "item"),
        "public.item": Table("public", "item"),
        "old.items": Table("old", "items"),
    }
    facts = Facts(tables)

    assert missing(["item", "public.item", "items", "old.items"], facts) == ["items"]
    assert did_you_mean(["items"], facts) == "did you mean old.items or item?"
    assert did_you_mean(["unlike"], facts) == ""


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_a_misspelt_table_is_told_with_the_nearest_names(check: RunRules, workers: tuple[str, ...]) -> None:
    ran = check(MISSPELT, *workers)

    assert ran.reasons == {
        "test_source": 'relation "itme" does not exist: did you mean item?',
        "test_target": 'relation "nothin" does not exist: did you mean nothing?',
        "test_column": 'column "siez" does not exist (Perhaps you meant to reference the column "item.size")',
    }
    assert ran.status == 6
    assert "is this the right database?" not in ran.out
    assert [one["sqlstate"] for one in ran.integrity["rules"]] == ["42P01", "42P01", "42703"]


def test_a_name_is_read_as_the_server_reads_it(check: RunRules) -> None:
    ran = check(UNLIKE)

    assert ran.reasons == {
        "test_query": 'relation "nothings" does not exist: did you mean nothing?',
        "test_unlike": 'relation "wholly_unlike" does not exist',
    }
