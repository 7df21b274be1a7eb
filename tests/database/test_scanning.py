"""Scans against real servers: what they say, what they cost, and that one broken rule spoils no other."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from engine import bound, looking_at, named, reasons
from harness import wait_until
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.scanning import Scanned
from pytest_tgintegrity.planning.scans.batches import batches
from pytest_tgintegrity.rules.kinds import (
    AtMost,
    Between,
    Metric,
    NotBlank,
    NotNull,
    OneOf,
    Query,
    References,
    Rows,
    Unique,
)

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


def _one(url: str, statement: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def _scans(url: str, table: str = "counted") -> int:
    return int(_one(url, f"SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = '{table}'"))


@pytest.fixture
def counted(make_database: MakeDatabase) -> str:
    url = make_database(COUNTED)
    told = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'counted'"
    wait_until(lambda: _one(url, told) == 500)  # who made it tells of that only when it goes
    return url


def test_all_row_rules_of_a_source_share_one_pass(counted: str) -> None:
    before = _scans(counted)

    with looking_at(counted) as engine:
        found = engine.measure(named(RANGES))

    assert {one.violations for one in found.values()} == {0}
    assert {one.examined for one in found.values()} == {500}
    assert _scans(counted) == before + 1


def test_violations_cost_a_recount_and_a_look_for_each_violated_rule(counted: str) -> None:
    violated = [Rows("counted", "a = 3"), Between("counted", "b", 1, 10), Between("counted", "a", 1, 10)]
    before = _scans(counted)

    with looking_at(counted) as engine:
        found = engine.measure(named([*RANGES, *violated]), samples=2)

    assert [found[f"rule{len(RANGES) + i}"].violations for i in range(3)] == [50, 71, 50]
    assert _scans(counted) == before + 2 + len(violated)


def test_without_samples_nothing_is_fetched(counted: str) -> None:
    before = _scans(counted)

    with looking_at(counted) as engine:
        found = engine.measure(named([*RANGES, Rows("counted", "a = 3")]), samples=0)

    assert found["rule11"].violations == 50
    assert found["rule11"].samples == ()
    assert _scans(counted) == before + 2


def test_measuring_writes_nothing(counted: str) -> None:
    written = (
        "SELECT tup_inserted, tup_updated, tup_deleted, pg_snapshot_xmax(pg_current_snapshot())::text"
        " FROM pg_stat_database WHERE datname = current_database()"
    )
    kinds = [*RANGES, Rows("counted", "a = 3"), Unique("counted", ("a",)), References("counted", ("a",), "other")]
    _one(counted, "SELECT count(*) FROM counted, other")
    before = _one(counted, written)

    with looking_at(counted) as engine:
        engine.measure(named([*kinds, Query("SELECT id FROM counted"), Metric("m", "SELECT 1")]))

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
        engine.measure(named(kinds[:1]))
        tracemalloc.start()
        try:
            found = engine.measure(named(kinds))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert {one.violations for one in found.values()} == {200_000}
    assert peak < 2_000_000


# --- one bad rule spoils no other -------------------------------------------------------------------------------------


def test_rules_that_fail_on_some_row_are_told_from_the_others(counted: str) -> None:
    bad = {"rule11": Rows("counted", "1 / (a - 3) > 5"), "rule12": Rows("counted", "t::integer > 1")}

    with looking_at(counted) as engine:
        found = engine.measure(named([*RANGES, *bad.values(), Rows("counted", "a = 3")]))

    assert reasons(found) == {
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
        (NotBlank("counted", "a"), "function pg_catalog.btrim(integer"),
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
        found = engine.measure([bound(kind, "bad"), *named([*RANGES, Query("SELECT 1"), Unique("other", ("id",))])])

    assert reason in (found.pop("bad").error or "")
    assert reasons(found) == {}


def test_a_timeout_costs_only_the_rule_that_took_too_long(counted: str) -> None:
    slow = [
        Rows("counted", "id = 1 AND pg_sleep(9) IS NULL"),
        Query("SELECT pg_sleep(9)"),
        Unique("other", ("id", "pg_sleep(9)::text")),
    ]

    with looking_at(counted, Limits(statement=0.15)) as engine:
        found = engine.measure(named([*slow, *RANGES, Unique("counted", ("id",))]))

    assert set(reasons(found)) == {"rule0", "rule1", "rule2"}
    assert set(reasons(found).values()) == {"it took longer than 0.15 s (--statement-timeout, or timeout= of the rule)"}


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
    assert reasons(found) == {
        "hasty": "it took longer than 0.2 s (--statement-timeout, or timeout= of the rule)",
        "short": "it took longer than 0.05 s (--statement-timeout, or timeout= of the rule)",
    }


def test_a_locked_table_is_waited_for_once_and_named(counted: str) -> None:
    with psycopg.connect(counted) as other, looking_at(counted, Limits(lock=0.2)) as engine:
        other.execute("LOCK TABLE counted IN ACCESS EXCLUSIVE MODE")
        found = engine.measure([*named(RANGES), bound(NotNull("other", "id"), "free")])
        waited = max(one.seconds for one in found.values()) * len(found)

    assert found.pop("free").examined == 10
    assert set(reasons(found).values()) == {
        "a lock was not granted within 0.2 s (--lock-timeout): somebody else holds the table"
    }
    assert len(reasons(found)) == len(RANGES)
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
            for rule in named([NotNull(table, "id"), Rows(table, "id < 0"), Unique(table, ("id",))], f"{table} ")
        ]
        found = engine.measure(rules)

    assert {rule: reason.split(":")[0] for rule, reason in reasons(found).items()} == {
        **{f"closed {i}": "permission denied for table closed" for i in range(3)},
        **{f"hidden {i}": 'query would be affected by row-level security policy for table "hidden"' for i in range(3)},
    }


def test_a_table_dropped_after_planning_is_unknown(counted: str) -> None:
    with looking_at(counted) as engine:
        planned = engine.plan(named([*RANGES, Unique("counted", ("id",)), NotNull("other", "id")]))
        with psycopg.connect(counted, autocommit=True) as connection:
            connection.execute("DROP TABLE counted")
        found = {rule: one for scanned in engine.scan(planned) for rule, one in scanned.measurements.items()}

    assert found.pop("rule12").examined == 10
    assert set(reasons(found).values()) == {'relation "counted" does not exist'}
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


def test_rows_whose_key_cannot_be_sorted_are_shown_as_they_come(counted: str) -> None:
    with looking_at(counted) as engine:
        found = engine.ask(Query("SELECT json_build_object('id', id) FROM counted"))

    assert (found.violations, found.note, len(found.samples)) == (500, None, 5)


# --- metrics and batches -----------------------------------------------------------------------------------------------


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


def test_big_scans_travel_alone_and_small_ones_by_timeout(counted: str) -> None:
    with looking_at(counted) as engine:
        planned = engine.plan([bound(Query("SELECT 1"), f"q{i}", timeout=5 if i % 2 else None) for i in range(100)])

        keys = engine.plan(
            named([Rows("counted", "a > 1"), Unique("counted", ("a",)), Query("SELECT 1"), Unique("other", ("id",))])
        )

    assert sorted([*{scan.access for scan in batch}] for batch in batches(keys.scans)) == [["any"], ["heap"]]
    sizes = [(len(batch), {scan.timeout for scan in batch}) for batch in batches(planned.scans)]

    assert sizes == [(48, {None}), (2, {None}), (48, {5}), (2, {5})]


def test_what_was_scanned_survives_json(counted: str) -> None:
    import json

    with looking_at(counted) as engine:
        scanned = engine.scan(
            engine.plan([*named(RANGES), bound(Rows("counted", "a = 3"), "bad"), bound(Metric("m", "SELECT 1"), "m")])
        )

    assert [Scanned.from_json(json.loads(json.dumps(one.to_json()))) for one in scanned] == scanned
