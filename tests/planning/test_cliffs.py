"""Plans that compare each row with each: they are found before they are run, and take nobody with them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from engine import bound, looking_at, reasons
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.planning.scans.query_plans import worst
from pytest_tgintegrity.rules.kinds import Kind, Query, Rows, Unique

MakeDatabase = Callable[[str], str]

# A cliff at 4 096 rows instead of 262 144, and a table that is big by its pages.
TABLES = """
CREATE TABLE big (id integer PRIMARY KEY, a integer, pad text);
ALTER TABLE big ALTER pad SET STORAGE PLAIN;
INSERT INTO big SELECT i, i, repeat('x', 1500) FROM generate_series(1, 12000) i;
CREATE TABLE keys (id integer PRIMARY KEY, loose integer); INSERT INTO keys SELECT i, i FROM generate_series(1, 11999) i;
CREATE TABLE few (id integer PRIMARY KEY); INSERT INTO few SELECT generate_series(1, 100);
ANALYZE;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''64kB''', current_database());
            EXECUTE format('ALTER DATABASE %I SET max_parallel_workers_per_gather = 0', current_database()); END $$;
"""
GUILTY: dict[str, Kind] = {
    "IN a subquery": Rows("big", "id NOT IN (SELECT id FROM keys)"),
    "array of a subquery": Rows("big", "NOT id = ANY (ARRAY(SELECT id FROM keys))"),
    "EXISTS without index": Rows("big", "NOT EXISTS (SELECT FROM keys WHERE keys.loose = big.a)"),
    "count without index": Rows("big", "(SELECT count(*) FROM keys WHERE keys.loose = big.a) > 1"),
    "nested loop": Query("SELECT big.id FROM big JOIN keys ON keys.id > big.id + 11000 OR keys.loose < big.a - 11000"),
    "IN of a query": Query("SELECT id FROM big WHERE id + 0 NOT IN (SELECT id FROM keys)"),
}
INNOCENT: dict[str, Kind] = {
    "EXISTS by index": Rows("big", "NOT EXISTS (SELECT FROM keys WHERE keys.id = big.id)"),
    "value by index": Rows("big", "(SELECT id FROM keys WHERE keys.id = big.id) IS NULL"),
    "IN few": Rows("big", "id IN (SELECT id FROM few)"),
    "IN one row's": Rows("big", "id IN (SELECT id FROM keys WHERE keys.id = big.a) IS NOT TRUE"),
    "array of few": Rows("big", "id = ANY (ARRAY(SELECT id FROM few))"),
    "one value": Rows("big", "id > (SELECT max(id) FROM keys)"),
    "join": Query("SELECT big.id FROM big LEFT JOIN keys USING (id) WHERE keys.id IS NULL"),
    "anti join": Query("SELECT id FROM big WHERE NOT EXISTS (SELECT FROM keys WHERE keys.loose = big.a)"),
    "nested loop by index": Query("SELECT big.id FROM few JOIN big ON big.id = few.id"),
    "unique": Unique("big", ("a",)),
    "plain": Rows("big", "a > 11990"),
}


@pytest.fixture(scope="module")
def cliffs(make_database: MakeDatabase) -> str:
    return make_database(TABLES)


def test_guilty_rules_are_unknown_before_they_are_run_and_innocent_ones_are_answered(cliffs: str) -> None:
    rules = [bound(kind, name) for name, kind in {**GUILTY, **INNOCENT}.items()]
    began = time.monotonic()

    with looking_at(cliffs, Limits(statement=2)) as engine:
        found = engine.measure(rules)

    unknown = reasons(found)
    assert set(unknown) == set(GUILTY)
    for reason in unknown.values():
        assert "its plan reads about " in reason
        assert re.search(r" rows for each of about 1\d,\d{3} \(", reason)
        assert reason.endswith("write the condition as a join, or as EXISTS on an indexed column")
    assert "(SubPlan " in unknown["IN a subquery"]
    assert " over keys)" in unknown["IN a subquery"]
    assert {name: found[name].violations for name in INNOCENT} == {
        "EXISTS by index": 1, "value by index": 1, "IN few": 100, "IN one row's": 1, "array of few": 100, "one value": 1,
        "join": 1, "anti join": 1, "nested loop by index": 100, "unique": 0, "plain": 10,
    }  # fmt: skip
    assert time.monotonic() - began < 10


def test_the_same_rules_are_quick_where_they_stay_below_the_bound(cliffs: str) -> None:
    with psycopg.connect(cliffs, autocommit=True) as connection:
        row = connection.execute("SELECT current_database()").fetchone()
        assert row is not None
        connection.execute(f"ALTER DATABASE {row[0]} SET work_mem = '16MB'".encode())
        try:
            with looking_at(cliffs, Limits(statement=2)) as engine:
                found = engine.ask(GUILTY["IN a subquery"])
        finally:
            connection.execute(f"ALTER DATABASE {row[0]} SET work_mem = '64kB'".encode())

    assert (found.error, found.violations) == (None, 1)


def test_a_fused_scan_that_is_too_slow_is_taken_apart_by_its_plan(make_database: MakeDatabase) -> None:
    """The catalogs say nothing of a table that was never analysed: it is small until its scan takes too long."""
    url = make_database(TABLES.replace("ANALYZE;", ""))
    rules = [
        bound(GUILTY["EXISTS without index"], "guilty"),
        *(bound(Rows("big", f"a > {i}"), f"rule{i}") for i in range(11900, 11940)),
    ]
    began = time.monotonic()

    with looking_at(url, Limits(statement=0.5)) as engine:
        found = engine.measure(rules)

    assert set(reasons(found)) == {"guilty"}
    assert "it took longer than 0.5 s" in reasons(found)["guilty"]
    assert "its plan reads about " in reasons(found)["guilty"]
    assert found["rule11900"].violations == 100
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("name", [*GUILTY, *INNOCENT])
def test_plans_are_read(cliffs: str, name: str) -> None:
    kind = {**GUILTY, **INNOCENT}[name]

    with looking_at(cliffs) as engine:
        (scan,) = engine.plan([bound(kind)]).scans
        explain = psycopg.sql.SQL("EXPLAIN (VERBOSE, FORMAT JSON) {}").format(scan.question({}))
        (answer,) = engine.reader.ask([explain])
    plan: Any = answer.rows[0][0][0]["Plan"]  # type: ignore[union-attr] # EXPLAIN answers one row
    guilt = worst(plan)

    if name in GUILTY:
        assert guilt is not None
        assert 10**7 < guilt.pairs < 10**9
    else:
        assert guilt is None or guilt.pairs <= 12_000 * 150
