"""Scans against real servers: what they say, what they cost, and that one broken rule spoils no other."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from engine import bound, looking_at

from pytest_tgintegrity.database import Limits
from pytest_tgintegrity.kinds import (
    AtMost,
    Between,
    Kind,
    Metric,
    NotBlank,
    NotNull,
    OneOf,
    Query,
    References,
    Rows,
    Source,
    Unique,
)
from pytest_tgintegrity.places import Window
from pytest_tgintegrity.planning import BoundRule
from pytest_tgintegrity.scanning import Scanned, batches
from pytest_tgintegrity.verdicts import Measurement

MakeDatabase = Callable[[str], str]
Connection = psycopg.Connection[tuple[Any, ...]]

# --- what a scan costs ------------------------------------------------------------------------------------------------

COUNTED = """
CREATE TABLE counted (id integer PRIMARY KEY, a integer, b integer, big bigint, f float8, n numeric, d date, t text);
INSERT INTO counted SELECT i, i % 10, i % 7, i, i, i, '2020-01-01', 'x' FROM generate_series(1, 500) i;
CREATE TABLE other (id integer PRIMARY KEY);
INSERT INTO other SELECT generate_series(0, 9);
"""
RANGES = [
    *(Between("counted", column, 0, 10) for column in ("a", "b")),
    Between("counted", "big", 0, 1000),
    Between("counted", "f", 0, 1000),
    Between("counted", "n", None, Decimal(1000)),
    Between("counted", "d", date(2000, 1, 1), None),
    Rows("counted", "a > b + 100"),
    OneOf("counted", "t", ("x", "y")),
    NotNull("counted", "id"),
    NotBlank("counted", "t"),
    AtMost("counted", "a", "big + 10"),
]


def _named(kinds: list[Any], name: str = "rule") -> list[BoundRule]:
    return [bound(kind, f"{name}{number}") for number, kind in enumerate(kinds)]


def _one(url: str, statement: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def _scans(url: str, table: str = "counted") -> int:
    return int(_one(url, f"SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = '{table}'"))


@pytest.fixture
def counted(make_database: MakeDatabase) -> str:
    return make_database(COUNTED)


def test_all_row_rules_of_a_source_share_one_pass(counted: str) -> None:
    before = _scans(counted)

    with looking_at(counted) as engine:
        found = engine.measure(_named(RANGES))

    assert {one.violations for one in found.values()} == {0}
    assert {one.examined for one in found.values()} == {500}
    assert _scans(counted) == before + 1


def test_violations_cost_a_recount_and_a_look_for_each_violated_rule(counted: str) -> None:
    violated = [Rows("counted", "a = 3"), Between("counted", "b", 1, 10), Between("counted", "a", 1, 10)]
    before = _scans(counted)

    with looking_at(counted) as engine:
        found = engine.measure(_named([*RANGES, *violated]), samples=2)

    assert [found[f"rule{len(RANGES) + i}"].violations for i in range(3)] == [50, 71, 50]
    assert _scans(counted) == before + 2 + len(violated)


def test_without_samples_nothing_is_fetched(counted: str) -> None:
    before = _scans(counted)

    with looking_at(counted) as engine:
        found = engine.measure(_named([*RANGES, Rows("counted", "a = 3")]), samples=0)

    assert found["rule11"].violations == 50
    assert found["rule11"].samples == ()
    assert _scans(counted) == before + 2


def test_measuring_writes_nothing(counted: str) -> None:
    written = (
        "SELECT tup_inserted, tup_updated, tup_deleted, pg_current_wal_lsn()::text"
        " FROM pg_stat_database WHERE datname = current_database()"
    )
    kinds = [*RANGES, Rows("counted", "a = 3"), Unique("counted", ("a",)), References("counted", ("a",), "other")]
    _one(counted, "SELECT count(*) FROM counted, other")
    before = _one(counted, written)

    with looking_at(counted) as engine:
        engine.measure(_named([*kinds, Query("SELECT id FROM counted"), Metric("m", "SELECT 1")]))

    assert _one(counted, written) == before


def test_memory_does_not_grow_with_the_violations(make_database: MakeDatabase) -> None:
    url = make_database("CREATE TABLE wrong AS SELECT i AS id, repeat('x', 100) AS t FROM generate_series(1, 200000) i")
    kinds = [
        Rows("wrong", "id > 0"),
        NotNull("wrong", "nullif(id, id)"),
        Unique("wrong", ("t",)),
        Query("SELECT * FROM wrong"),
    ]

    with looking_at(url) as engine:
        engine.measure(_named(kinds[:1]))
        tracemalloc.start()
        try:
            found = engine.measure(_named(kinds))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert {one.violations for one in found.values()} == {200_000}
    assert peak < 2_000_000


# --- one bad rule spoils no other -------------------------------------------------------------------------------------


def _reasons(found: dict[str, Measurement]) -> dict[str, str]:
    return {rule: one.error for rule, one in found.items() if one.error is not None}


def test_rules_that_fail_on_some_row_are_told_from_the_others(counted: str) -> None:
    bad = {"rule11": Rows("counted", "1 / (a - 3) > 5"), "rule12": Rows("counted", "t::integer > 1")}

    with looking_at(counted) as engine:
        found = engine.measure(_named([*RANGES, *bad.values(), Rows("counted", "a = 3")]))

    assert _reasons(found) == {
        "rule11": "division by zero",
        "rule12": 'invalid input syntax for type integer: "x"',
    }
    assert found["rule13"].violations == 50
    assert {found[f"rule{number}"].examined for number in range(11)} == {500}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Rows("counted", "nowhere > 1"), 'column "nowhere" does not exist'),
        (Rows("counted", "a > (("), "syntax error"),
        (Rows("counted", "a > 1; DELETE FROM counted"), "syntax error"),
        (Rows("counted", "'"), "unterminated quoted string"),
        (Rows("counted", "a"), "must be type boolean"),
        (Between("counted", "t", 0, 10), "operator does not exist"),
        (Between("nowhere", "a", 0, 10), 'relation "nowhere" does not exist'),
        (OneOf("counted", "a", ("x",)), "invalid input syntax for type integer"),
        (NotBlank("counted", "a"), "function btrim(integer"),
        (Unique("counted", ("nowhere",)), "does not exist"),
        (Unique("counted", ("json_build_object()",)), "could not identify an equality operator for type json"),
        (References("counted", ("a",), "nowhere", ("id",)), "does not exist"),
        (References("counted", ("a",), "nowhere"), "nowhere has no primary key of 1 columns: name target_column="),
        (References("counted", ("t",), "other"), "operator does not exist"),
        (Query("DELETE FROM counted RETURNING id"), "syntax error"),
        (Query("WITH gone AS (DELETE FROM counted RETURNING id) SELECT * FROM gone"), "must be at the top level"),
        (Query("SELECT 1; SELECT 2"), "syntax error"),
        (Query("SELECT nextval('s')"), 'relation "s" does not exist'),
        (Metric("m", "SELECT 'NaN'::float8"), "it gave nan, which is not a number"),
        (Metric("m", "SELECT 'a'"), "could not convert string to float: 'a'"),
        (Metric("m", "SELECT 1, 2, 3"), "the metric m has to give one number"),
        (Metric("m", "SELECT 1 WHERE false", at_least=1), "it gave 0 rows"),
        (Metric("m", "SELECT generate_series(1, 2)"), "it gave 2 rows"),
        (Metric("m", "SELECT i, i FROM generate_series(1, 1001) i"), "it gave more than 1000 rows"),
        (Metric("m", "SELECT i % 2, i FROM generate_series(1, 9) i"), "a label twice"),
        (Metric("m", "SELECT date '10000-01-01'"), "date too large"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_unknown_and_alone(counted: str, kind: Any, reason: str) -> None:
    with looking_at(counted) as engine:
        found = engine.measure([bound(kind, "bad"), *_named([*RANGES, Query("SELECT 1"), Unique("other", ("id",))])])

    assert reason in (found.pop("bad").error or "")
    assert _reasons(found) == {}


def test_a_timeout_costs_only_the_rule_that_took_too_long(counted: str) -> None:
    slow = [
        Rows("counted", "id = 1 AND pg_sleep(9) IS NULL"),
        Query("SELECT pg_sleep(9)"),
        Unique("other", ("id", "pg_sleep(9)::text")),
    ]

    with looking_at(counted, Limits(statement=0.15)) as engine:
        found = engine.measure(_named([*slow, *RANGES, Unique("counted", ("id",))]))

    assert set(_reasons(found)) == {"rule0", "rule1", "rule2"}
    assert set(_reasons(found).values()) == {
        "it took longer than 0.15 s (--statement-timeout, or timeout= of the rule)"
    }


def test_a_rule_may_ask_for_a_timeout_of_its_own(counted: str) -> None:
    rules = [
        bound(Query("SELECT 1 FROM pg_sleep(0.3)"), "patient", timeout=5),
        bound(Query("SELECT 1 FROM pg_sleep(0.3)"), "hasty"),
        bound(Rows("counted", "id = 1 AND pg_sleep(9) IS NULL"), "short", timeout=0.05),
        bound(Rows("counted", "a < 0"), "plain"),
    ]

    with looking_at(counted, Limits(statement=0.2)) as engine:
        found = engine.measure(rules)

    assert found["patient"].violations == 1
    assert found["plain"].examined == 500
    assert _reasons(found) == {
        "hasty": "it took longer than 0.2 s (--statement-timeout, or timeout= of the rule)",
        "short": "it took longer than 0.05 s (--statement-timeout, or timeout= of the rule)",
    }


def test_a_locked_table_is_waited_for_once_and_named(counted: str) -> None:
    with psycopg.connect(counted) as other, looking_at(counted, Limits(lock=0.2)) as engine:
        other.execute("LOCK TABLE counted IN ACCESS EXCLUSIVE MODE")
        found = engine.measure([*_named(RANGES), bound(NotNull("other", "id"), "free")])
        waited = max(one.seconds for one in found.values()) * len(found)

    assert found.pop("free").examined == 10
    assert set(_reasons(found).values()) == {
        "a lock was not granted within 0.2 s (--lock-timeout): somebody else holds the table"
    }
    assert len(_reasons(found)) == len(RANGES)
    assert waited < 5


def test_hidden_rows_and_forbidden_tables_are_unknown(server: Any, make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE ROLE peeper LOGIN;"
        "CREATE TABLE open (id integer); CREATE TABLE closed (id integer); CREATE TABLE hidden (id integer);"
        "GRANT SELECT ON open, hidden TO peeper; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY"
    )
    name = url.split("@/")[1].split("?")[0]

    with looking_at(server.url(name, user="peeper")) as engine:
        rules = [
            rule
            for table in ("open", "closed", "hidden")
            for rule in _named([NotNull(table, "id"), Rows(table, "id < 0"), Unique(table, ("id",))], f"{table} ")
        ]
        found = engine.measure(rules)

    assert {rule: reason.split(":")[0] for rule, reason in _reasons(found).items()} == {
        **{f"closed {i}": "permission denied for table closed" for i in range(3)},
        **{f"hidden {i}": 'query would be affected by row-level security policy for table "hidden"' for i in range(3)},
    }


def test_a_table_dropped_after_planning_is_unknown(counted: str) -> None:
    with looking_at(counted) as engine:
        planned = engine.plan(_named([*RANGES, Unique("counted", ("id",)), NotNull("other", "id")]))
        with psycopg.connect(counted, autocommit=True) as connection:
            connection.execute("DROP TABLE counted")
        found = {rule: one for scanned in engine.scan(planned) for rule, one in scanned.measurements.items()}

    assert found.pop("rule12").examined == 10
    assert set(_reasons(found).values()) == {'relation "counted" does not exist'}
    assert len(found) == 12


# --- what a sample shows ----------------------------------------------------------------------------------------------


def test_samples_show_what_python_cannot_hold(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE TABLE odd (id integer PRIMARY KEY, name text, d date, y date, b bytea, n numeric, f float8, i bigint,"
        " yes boolean, j jsonb, a integer[], long text, c text);"
        "INSERT INTO odd VALUES (7, 'seven', 'infinity', '10000-01-01', '\\x00ff', 'NaN', '-Infinity', 9007199254740993,"
        " true, '{\"k\": [1]}', '{1,NULL}', repeat('é', 301), E'\\x01\\n');"
        "CREATE VIEW seen AS SELECT d, i FROM odd"
    )
    shown = ("d", "y", "b", "n", "f", "i", "yes", "j", "a", "long", "c", "i + 1")

    with looking_at(url) as engine:
        (sample,) = engine.ask(Rows("odd", "true"), show=shown).samples
        (viewed,) = engine.ask(Rows("seen", "true")).samples
        (unique,) = engine.ask(Unique("odd", ("d",), where="id > 0"), show=["n"]).samples or [None]
        (orphan,) = engine.ask(References("odd", ("id",), "odd", ("i",)), show=["n"]).samples

    assert (sample.key, sample.label) == ("7", "seven")
    assert list(sample.values.values()) == [
        "infinity", "10000-01-01", "\\x00ff", "NaN", "-Infinity", 9007199254740993, True, '{"k": [1]}', "{1,NULL}",
        "é" * 300 + "…", "\x01\n", 9007199254740994,
    ]  # fmt: skip
    assert list(sample.values) == list(shown)
    assert viewed.key == "(infinity,9007199254740993)"
    assert unique is None
    assert orphan.values == {"id": 7, "n": "NaN"}


def test_samples_come_in_key_order_and_keys_may_be_composite(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE TABLE pairs (a integer, b text, v integer, PRIMARY KEY (b, a));"
        "INSERT INTO pairs SELECT i, chr(97 + i % 2), 1 FROM generate_series(10, 1, -1) i"
    )

    with looking_at(url) as engine:
        found = engine.measure(
            [bound(Rows("pairs", "v = 1"), "rows"), bound(Unique("pairs", ("v",)), "unique", show=["a"])], samples=3
        )

    assert [one.key for one in found["rows"].samples] == [["a", "2"], ["a", "4"], ["a", "6"]]
    assert [one.key for one in found["unique"].samples] == [["a", "2"], ["a", "4"], ["a", "6"]]
    assert found["unique"].samples[0].values == {"v": 1, "a": 2}


def test_a_key_that_cannot_be_sorted_costs_the_samples_and_says_so(counted: str) -> None:
    with looking_at(counted) as engine:
        found = engine.ask(Query("SELECT json_build_object('id', id) FROM counted"))

    assert found.violations == 500
    assert (
        found.note
        == "no samples: could not identify an ordering operator for type json (Use an explicit ordering operator or modify the query)"
    )


# --- windows, scopes, kinds of tables ---------------------------------------------------------------------------------

YOUNG = """
CREATE TABLE events (id integer PRIMARY KEY, at timestamptz, code text, ref integer);
INSERT INTO events VALUES (1, '2020-01-01', 'a', 9), (2, '2024-06-01', 'a', 9), (3, '2024-06-02', 'b', 1),
    (4, '2020-01-01', 'c', 9), (5, '2020-01-01', 'c', 9), (6, NULL, 'd', 9)
"""


def test_a_window_looks_at_young_rows_only(make_database: MakeDatabase) -> None:
    from datetime import UTC, datetime

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


def test_kinds_of_tables_and_types(make_database: MakeDatabase) -> None:
    url = make_database(
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
    kinds: dict[str, tuple[Any, int, int]] = {
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
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(YOUNG.encode())

    with looking_at(url) as engine:
        found = engine.measure([bound(kind, name) for name, (kind, _, _) in kinds.items()])

    assert _reasons(found) == {}
    assert {name: (one.examined, one.violations) for name, one in found.items()} == {
        name: (examined, violations) for name, (_, examined, violations) in kinds.items()
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

    assert _reasons(found) == {}
    assert {name: one.violations for name, one in found.items()} == {
        **{name: violations for name, (_, _, violations) in where.items()},
        "text bound": 1,
    }


def test_ranges_with_equal_bounds_of_other_types_are_not_merged(make_database: MakeDatabase) -> None:
    url = make_database("CREATE TABLE near (n numeric, m numeric); INSERT INTO near VALUES (0.99999999999999999999, 1)")

    with looking_at(url) as engine:
        found = engine.measure(
            _named([Between("near", "m", 1.0, None), Between("near", "n", 1, None), Between("near", "n", 1.0, None)])
        )

    assert [one.violations for one in found.values()] == [0, 1, 0]


def test_metrics(counted: str) -> None:
    metrics = [
        Metric("one", "SELECT avg(a) FROM counted;", at_least=4, at_most=5),
        Metric("outside", "SELECT 0.5", at_least=1),
        Metric("by label", "SELECT b, count(*) FROM counted GROUP BY 1 ORDER BY 1", at_most=71),
        Metric("nothing", "SELECT avg(a) FROM counted WHERE false", at_least=1),
        Metric("no rows", "SELECT 1 WHERE false"),
    ]

    with looking_at(counted) as engine:
        found = engine.measure([bound(one, one.name) for one in metrics])

    assert {name: (one.value, one.violations, one.error) for name, one in found.items()} == {
        "one": (4.5, 0, None),
        "outside": (0.5, 1, None),
        "by label": ({"0": 71, "1": 72, "2": 72, "3": 72, "4": 71, "5": 71, "6": 71}, 1, None),
        "nothing": (None, 0, None),
        "no rows": (None, 0, None),
    }


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


# --- batches ----------------------------------------------------------------------------------------------------------


def test_big_scans_travel_alone_and_small_ones_by_timeout(counted: str) -> None:
    with looking_at(counted) as engine:
        planned = engine.plan([bound(Query("SELECT 1"), f"q{i}", timeout=5 if i % 2 else None) for i in range(100)])

        keys = engine.plan(
            _named([Rows("counted", "a > 1"), Unique("counted", ("a",)), Query("SELECT 1"), Unique("other", ("id",))])
        )

    assert sorted([*{scan.access for scan in batch}] for batch in batches(keys.scans)) == [["any"], ["heap"]]
    sizes = [(len(batch), {scan.timeout for scan in batch}) for batch in batches(planned.scans)]

    assert sizes == [(48, {None}), (2, {None}), (48, {5}), (2, {5})]


def test_what_was_scanned_survives_json(counted: str) -> None:
    import json

    with looking_at(counted) as engine:
        scanned = engine.scan(
            engine.plan([*_named(RANGES), bound(Rows("counted", "a = 3"), "bad"), bound(Metric("m", "SELECT 1"), "m")])
        )

    assert [Scanned.from_json(json.loads(json.dumps(one.to_json()))) for one in scanned] == scanned
