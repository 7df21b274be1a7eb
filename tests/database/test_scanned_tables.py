"""What scans look at: windows, scopes, all kinds of tables and types, and values that stay values."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from engine import bound, looking_at, named, reasons
from pytest_tgintegrity.planning.windows import Window
from pytest_tgintegrity.rules.kinds import (
    AtMost,
    Between,
    Kind,
    NotBlank,
    NotNull,
    OneOf,
    Query,
    References,
    Rows,
    Source,
    Unique,
)

MakeDatabase = Callable[[str], str]

YOUNG = """
CREATE TABLE events (id integer PRIMARY KEY, at timestamptz, code text, ref integer);
INSERT INTO events VALUES (1, '2020-01-01', 'a', 9), (2, '2024-06-01', 'a', 9), (3, '2024-06-02', 'b', 1),
    (4, '2020-01-01', 'c', 9), (5, '2020-01-01', 'c', 9), (6, NULL, 'd', 9)
"""


def test_a_window_looks_at_young_rows_only(make_database: MakeDatabase) -> None:
    kinds: list[Kind] = [
        Rows("events", "ref = 9"),
        Unique("events", ("code",)),
        References("events", ("ref",), "events", ("id",)),
    ]
    rules = [bound(kind, type(kind).__name__, since="at") for kind in kinds]

    with looking_at(make_database(YOUNG)) as engine:
        found = engine.measure(
            [*rules, bound(Rows("events", "ref = 9"), "all")], window=Window(datetime(2024, 1, 1, tzinfo=UTC))
        )

    counts = {rule: (one.examined, one.violations, [s.key for s in one.samples]) for rule, one in found.items()}
    assert counts == {
        "Rows": (2, 1, ["2"]),
        "Unique": (2, 1, ["2"]),
        "References": (2, 1, ["2"]),
        "all": (6, 5, ["1", "2", "4", "5", "6"]),
    }


def test_a_scope_narrows_the_sources_that_declare_it(make_database: MakeDatabase) -> None:
    source = Source(
        "events", "events e", key="e.id", label="e.code", scopes={"code": "e.code", "ref": "e.ref = 9 OR e.ref = 7"}
    )
    rules = [
        bound(Rows(source, "e.ref = 9 OR e.ref = 1"), "rows"),
        bound(Unique(source, ("e.ref",)), "unique"),
        bound(References(source, ("e.ref",), "events"), "references"),
        bound(Rows("events", "true"), "whole"),
    ]

    with looking_at(make_database(YOUNG)) as engine:
        found = engine.measure(rules, window=Window(scopes={"code": "c", "ref": "true"}))
        planned = engine.plan(rules, Window(scopes={"code": "c"}))

    assert {rule: (one.examined, one.violations) for rule, one in found.items()} == {
        "rows": (2, 2), "unique": (2, 2), "references": (2, 2), "whole": (6, 6),
    }  # fmt: skip
    assert planned.unscoped == ("events",)
    assert planned.scopes == {"code", "ref"}


TYPED = (
    "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN small AS integer; CREATE TYPE pair AS (x integer, y integer);"
    "CREATE TABLE typed (id integer, m mood, s small, p pair, a integer[], j jsonb, g integer GENERATED ALWAYS AS (id * 2) STORED);"
    "INSERT INTO typed (id, m, s, p, a, j) VALUES (1, 'sad', 5, (1, NULL), '{1}', '{}'), (2, 'ok', 50, NULL, NULL, NULL);"
    "CREATE VIEW a_view AS SELECT * FROM typed; CREATE MATERIALIZED VIEW kept AS SELECT * FROM typed;"
    "CREATE TABLE parted (id integer, v integer) PARTITION BY RANGE (id);"
    "CREATE TABLE parted1 PARTITION OF parted FOR VALUES FROM (0) TO (10);"
    "CREATE TABLE parted2 PARTITION OF parted FOR VALUES FROM (10) TO (20);"
    "INSERT INTO parted SELECT i, 1 FROM generate_series(0, 19) i;"
    "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.typed (id integer); INSERT INTO elsewhere.typed VALUES (-1);"
    "CREATE TABLE up (id integer PRIMARY KEY); CREATE TABLE down () INHERITS (up); INSERT INTO up VALUES (1);"
    'INSERT INTO down VALUES (1), (2); CREATE TABLE "dot.ted" ("a.b" integer); INSERT INTO "dot.ted" VALUES (-1);'
    'CREATE TABLE "Odd ""name" ("Sel ect" integer, "order" text); INSERT INTO "Odd ""name" VALUES (11, \' \')'
)
EXPECTED: dict[str, tuple[Any, int, int]] = {
    "enum": (OneOf("typed", "m", ("ok",)), 2, 1),
    "domain": (Between("typed", "s", 0, 10), 2, 1),
    "domain again": (Between("typed", "id", 0, 10), 2, 0),
    "generated": (Between("typed", "g", 0, 3), 2, 1),
    "array": (NotNull("typed", "a"), 2, 1),
    "array range": (Between("typed", "a", "'{{2}}'", "'{{3}}'"), 2, 1),
    "json": (Rows("typed", "j ? 'k' IS NOT TRUE"), 2, 2),
    "composite": (NotNull("typed", "p"), 2, 1),
    "field": (Rows("typed", "(p).x = 1"), 2, 1),
    "view": (Between("a_view", "g", 0, 3), 2, 1),
    "materialized": (Between("kept", "g", 0, 3), 2, 1),
    "partitioned": (Unique("parted", ("v",)), 20, 20),
    "partition": (Unique("parted1", ("v",)), 10, 10),
    "elsewhere": (Between("elsewhere.typed", "id", 0, 10), 1, 1),
    "today": (AtMost("events", "at", "current_date"), 6, 0),
    "to a family": (References("typed", ("id",), "up"), 2, 0),
    "dotted": (Between("dot.ted", "a.b", 0, 10), 1, 1),
    "dotted and qualified": (Between("public.dot.ted", "a.b", 0, 10), 1, 1),
    "quoted": (Between('Odd "name', "Sel ect", 0, 10), 1, 1),
    "keyword": (NotBlank('public.Odd "name', "order"), 1, 1),
    "to a view": (References("typed", ("id",), "a_view", ("g",)), 2, 1),
    "to many": (References("parted", ("v",), "typed", ("id",)), 20, 0),
}
"""By name: a kind of rule, how many rows it looks at, how many of them violate it."""


def test_kinds_of_tables_and_types(make_database: MakeDatabase) -> None:
    with looking_at(make_database(YOUNG + ";" + TYPED)) as engine:
        found = engine.measure([bound(kind, name) for name, (kind, _, _) in EXPECTED.items()])

    assert reasons(found) == {}
    assert {name: (one.examined, one.violations) for name, one in found.items()} == {
        name: (examined, violations) for name, (_, examined, violations) in EXPECTED.items()
    }


def test_values_travel_as_values(make_database: MakeDatabase) -> None:
    long = "x" * 100_000
    url = make_database("CREATE TABLE v (id integer, t text, n numeric, b boolean, d date, a integer[])")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO v VALUES (1, %s, 0.1, true, '2020-01-01', '{1}')", [long])
        connection.execute("INSERT INTO v VALUES (2, '1 = 1) OR (true', 5, NULL, NULL, '{2}')")
    where = {
        "text": ("t = %(x)s", long, 1),
        "quoted": ("t = %(x)s", "1 = 1) OR (true", 1),
        "decimal": ("n = %(x)s", Decimal("0.1"), 1),
        "date": ("d = %(x)s", date(2020, 1, 1), 1),
        "list": ("a = %(x)s::integer[]", [1], 1),
        "any": ("id = ANY (%(x)s)", [1, 2, 3], 2),
        "bool": ("b = %(x)s", True, 1),
        "none": ("b IS NOT DISTINCT FROM %(x)s", None, 1),
        "percent": ("t LIKE '%%1%' AND t LIKE '%{{' IS FALSE AND id %% 2 = 0 -- %(x)s", 1, 1),
    }
    rules = [bound(Rows("v", text.replace("%%", "%")), name, {"x": value}) for name, (text, value, _) in where.items()]
    rules += [bound(Between("v", "t", "%(x)s", None), "text bound", {"x": "2"})]

    with looking_at(url) as engine:
        found = engine.measure(rules)

    assert reasons(found) == {}
    assert {name: one.violations for name, one in found.items()} == {
        **{name: violations for name, (_, _, violations) in where.items()},
        "text bound": 1,
    }


def test_ranges_are_compared_in_the_type_of_their_column(make_database: MakeDatabase) -> None:
    url = make_database("CREATE TABLE near (n numeric, m numeric); INSERT INTO near VALUES (0.99999999999999999999, 1)")

    with looking_at(url) as engine:
        found = engine.measure(
            named([Between("near", "m", 1.0, None), Between("near", "n", 1, None), Between("near", "n", 1.0, None)])
        )

    assert [one.violations for one in found.values()] == [0, 1, 1]


def test_the_index_of_a_unique_rule_is_not_believed(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE TABLE liar (id integer, k integer, pad text); CREATE UNIQUE INDEX liar_k ON liar (k);"
        "UPDATE pg_index SET indisready = false WHERE indexrelid = 'liar_k'::regclass;"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO liar SELECT i, i % 1000, repeat('x', 300) FROM generate_series(1, 2000) i")
        connection.execute("UPDATE pg_index SET indisready = true WHERE indexrelid = 'liar_k'::regclass")
        connection.execute("CREATE TABLE points (id integer, k integer REFERENCES liar (k))")
        connection.execute("VACUUM ANALYZE liar")
        connection.execute("ALTER TABLE points DISABLE TRIGGER ALL; INSERT INTO points VALUES (1, 5), (2, 5000)")

    with looking_at(url) as engine:
        found = engine.declared("unique", "foreign_key")
        after_a_failure = engine.measure([bound(Unique("liar", ("x",)), "a"), bound(Unique("liar", ("k",)), "b")])

    assert after_a_failure["a"].error == 'column "x" does not exist'
    assert after_a_failure["b"].violations == 2000
    assert found["liar-liar_k"].violations == 2000
    assert (found["points-points_k_fkey"].examined, found["points-points_k_fkey"].violations) == (2, 1)


def test_long_values_are_cut_in_the_server(make_database: MakeDatabase) -> None:
    """Whoever looks fetches 301 characters of each cell, whatever lies in it."""
    url = make_database(
        "CREATE TABLE long (id integer PRIMARY KEY, name text, t text, b bytea, j json, a integer[], c char(4));"
        "INSERT INTO long SELECT 1, n, n, convert_to(n, 'UTF8'), to_json(n), array_fill(1, ARRAY[1000000]), 'x'"
        " FROM (SELECT repeat('é', 10000000) AS n) AS one"
    )
    kinds: list[Kind] = [Rows("long", "true"), Unique("long", ("t",), where="id > 0"), Query("SELECT t, * FROM long")]

    with looking_at(url) as engine:
        engine.ask(kinds[0])
        tracemalloc.start()
        try:
            found = engine.measure(
                [bound(kind, str(n), show=["t", "b", "j", "a", "c"]) for n, kind in enumerate(kinds)]
            )
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    (row,) = found["0"].samples
    assert row.label == "é" * 300 + "…"
    assert row.values == {
        "t": "é" * 300 + "…", "b": "\\x" + "c3a9" * 74 + "c3" + "…", "j": '"' + "é" * 299 + "…", "a": "{" + "1," * 149 + "1" + "…",
        "c": "x   ",
    }  # fmt: skip
    assert found["2"].samples[0].key == "é" * 300 + "…"
    assert peak < 1_000_000


def test_a_list_of_seventy_thousand_values_is_looked_at(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE TABLE word (id int PRIMARY KEY, w text, n int); INSERT INTO word VALUES (1, 'w5', 5), (2, 'x', -1)"
    )
    words, numbers = [f"w{n}" for n in range(70_000)], list(range(70_000))

    with looking_at(url) as engine:
        found = engine.measure(named([OneOf("word", "w", words), OneOf("word", "n", numbers)]))

    assert [(one.error, one.violations) for one in found.values()] == [(None, 1), (None, 1)]


@pytest.mark.parametrize("value", ["'[]'::json", "point(1, 2)", "'(0,0),(1,1)'::box", "'a'::text"])
def test_rows_whose_key_has_no_order_are_shown(make_database: MakeDatabase, value: str) -> None:
    with looking_at(make_database("")) as engine:
        found = engine.ask(Query(f"SELECT {value}, i AS n FROM generate_series(1, 3) AS i"))

    assert (found.error, found.violations, found.note, len(found.samples)) == (None, 3, None, 3)
