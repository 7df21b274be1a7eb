"""Tables that are rewritten, emptied, replaced or renamed between the snapshot and the scan, on a real server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from engine import bound, looking_at, named, reasons
from pytest_tgintegrity.database.connections.answers import Failure
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.connections.reader import Reader
from pytest_tgintegrity.database.freshness import changed
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.rules.kinds import Query, References, Rows, Unique

MakeDatabase = Callable[[str], str]

TABLES = """
CREATE TABLE item (id integer PRIMARY KEY, size integer, other integer, name varchar(20));
INSERT INTO item SELECT i, i, 1000 + i, 'n' || i FROM generate_series(1, 20) i;
CREATE TABLE spare (LIKE item INCLUDING ALL); INSERT INTO spare VALUES (21, 99, 99, 'spare');
CREATE TABLE pointer (id integer PRIMARY KEY, item_id integer); INSERT INTO pointer SELECT i, i FROM generate_series(1, 20) i;
CREATE TABLE calm (id integer PRIMARY KEY, size integer); INSERT INTO calm SELECT i, i FROM generate_series(1, 10) i;
CREATE TABLE base AS SELECT id, size FROM item;
CREATE VIEW seen AS SELECT * FROM base;
CREATE TABLE parted (id integer, size integer) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE high PARTITION OF parted FOR VALUES FROM (10) TO (20);
INSERT INTO parted SELECT i, i FROM generate_series(1, 19) i;
CREATE TABLE mother (id integer, size integer);
CREATE TABLE child () INHERITS (mother);
CREATE TABLE sister () INHERITS (mother);
INSERT INTO mother VALUES (1, 1); INSERT INTO child SELECT i, i FROM generate_series(2, 19) i;
INSERT INTO sister VALUES (20, 20);
CREATE MATERIALIZED VIEW kept AS SELECT * FROM base;
"""
TRUTH = "SELECT count(*), count(*) FILTER (WHERE size > 15) FROM {}"
REWRITES = {
    "retyped": ("item", "ALTER TABLE item ALTER size TYPE bigint"),
    "retyped text": ("item", "ALTER TABLE item ALTER name TYPE integer USING 7"),
    "volatile default": ("item", "ALTER TABLE item ADD at timestamptz DEFAULT clock_timestamp()"),
    "unlogged": ("item", "ALTER TABLE item SET UNLOGGED"),
    "emptied": ("item", "TRUNCATE item"),
    "emptied and filled": ("item", "TRUNCATE item; INSERT INTO item SELECT i, 99, 1, 'x' FROM generate_series(1, 9) i"),
    "swapped": (
        "item",
        "ALTER TABLE item RENAME TO gone; ALTER TABLE spare RENAME TO item; ALTER TABLE gone RENAME TO spare",
    ),
    "renamed and made": (
        "item",
        "ALTER TABLE item RENAME TO gone; CREATE TABLE item AS SELECT i AS id, 99 AS size FROM generate_series(1, 3) i",
    ),
    "dropped and made": (
        "item",
        "DROP TABLE item CASCADE; CREATE TABLE item AS SELECT i AS id, 99 AS size FROM generate_series(1, 3) i",
    ),
    "another schema": (
        "item",
        "CREATE SCHEMA attic; ALTER TABLE item SET SCHEMA attic; ALTER TABLE spare RENAME TO item",
    ),
    "columns swapped": (
        "item",
        "ALTER TABLE item RENAME size TO c; ALTER TABLE item RENAME other TO size; ALTER TABLE item RENAME c TO other",
    ),
    "behind a view": ("seen", "TRUNCATE base; INSERT INTO base VALUES (1, 99)"),
    "partition emptied": ("parted", "TRUNCATE high"),
    "partition detached": ("parted", "ALTER TABLE parted DETACH PARTITION high"),
    "partition replaced": (
        "parted",
        "DROP TABLE high; CREATE TABLE new PARTITION OF parted FOR VALUES FROM (10) TO (20); INSERT INTO new SELECT 10, 99",
    ),
    "partition added": (
        "parted",
        "CREATE TABLE top PARTITION OF parted FOR VALUES FROM (20) TO (30); INSERT INTO parted VALUES (20, 99)",
    ),
    "child left": ("mother", "ALTER TABLE child NO INHERIT mother"),
    "child emptied": ("mother", "TRUNCATE child"),
    "refreshed": ("kept", "DELETE FROM base WHERE id > 18; REFRESH MATERIALIZED VIEW kept"),
    "moved by vacuum": ("item", "VACUUM FULL item"),
    "moved by cluster": ("item", "CLUSTER item USING item_pkey"),
}


def _change(url: str, script: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in script.split("; "):
            connection.execute(statement.encode())


def _truth(url: str, table: str) -> tuple[int, int]:
    with psycopg.connect(url) as connection:
        row = connection.execute(TRUTH.format(table).encode()).fetchone()
    assert row is not None
    return row[0], row[1]


@pytest.mark.parametrize("how", REWRITES)
def test_what_changed_after_the_snapshot_is_looked_at_anew(make_database: MakeDatabase, how: str) -> None:
    url = make_database(TABLES)
    table, script = REWRITES[how]
    rules = [bound(Rows(table, "size > 15"), "rows"), bound(Unique(table, ("id", "size")), "unique")]

    with looking_at(url) as engine:
        planned = engine.plan([*rules, bound(Rows("calm", "size > 5"), "calm")])
        _change(url, script)
        found = {rule: one for scanned in engine.scan(planned) for rule, one in scanned.measurements.items()}

    assert reasons(found) == {}
    assert (found["rows"].examined, found["rows"].violations) == _truth(url, table)
    assert found["unique"].examined == found["rows"].examined
    assert "looked at later than the others: after the snapshot" in (found["rows"].note or "")
    assert (found["calm"].examined, found["calm"].violations, found["calm"].note) == (10, 5, None)


@pytest.mark.parametrize(
    ("table", "script"),
    [
        ("item", "DELETE FROM item WHERE id > 18"),
        ("item", "ALTER TABLE item ADD added integer DEFAULT 7"),
        ("item", "ALTER TABLE item ALTER name TYPE varchar(40)"),
        ("item", "CREATE INDEX ON item (size); REINDEX TABLE item; VACUUM item; ANALYZE item"),
        ("seen", "CREATE OR REPLACE VIEW seen AS SELECT *, 1 AS one FROM base"),
        ("ONLY mother", "DELETE FROM child"),
        ("mother", "ALTER TABLE mother ADD CHECK (id > 0)"),
        ("parted", "DELETE FROM high"),
        ("calm", "TRUNCATE item, pointer; VACUUM FULL spare; DROP TABLE sister"),
    ],
)
def test_what_changes_nothing_in_the_snapshot_is_read_as_the_snapshot_sees_it(
    make_database: MakeDatabase, table: str, script: str
) -> None:
    url = make_database(TABLES)
    before = _truth(url, table)

    with looking_at(url) as engine:
        planned = engine.plan([bound(Query(f"SELECT id FROM {table} WHERE size > 15"), "it")])
        _change(url, script)
        (scanned,) = engine.scan(planned)

    assert scanned.measurements["it"].error is None
    assert scanned.measurements["it"].note is None
    assert scanned.measurements["it"].violations == before[1]


def test_a_rewritten_target_is_no_false_alarm(make_database: MakeDatabase) -> None:
    url = make_database(TABLES)

    with looking_at(url) as engine:
        planned = engine.plan([bound(References("pointer", ("item_id",), "item", ("id",)), "it")])
        _change(url, "ALTER TABLE item ALTER id TYPE bigint")
        (scanned,) = engine.scan(planned)

    assert scanned.measurements["it"].violations == 0
    assert scanned.measurements["it"].examined == 20


def test_a_rule_that_fails_beside_it_hides_nothing(make_database: MakeDatabase) -> None:
    """A failure ends the transaction, and with it the locks that keep tables as they were read."""
    url = make_database(TABLES)
    rules = [
        *named([Rows("item", "size > 15"), Rows("calm", "size > 5")]),
        bound(Query("SELECT id FROM calm WHERE 1 / (size - size) > 0"), "bad"),
    ]

    with looking_at(url) as engine:
        planned = engine.plan(rules)
        _change(url, "TRUNCATE item; INSERT INTO item SELECT i, 99, 1, 'x' FROM generate_series(1, 9) i")
        found = {rule: one for scanned in engine.scan(planned) for rule, one in scanned.measurements.items()}

    assert reasons(found) == {"bad": "division by zero"}
    assert (found["rule0"].examined, found["rule0"].violations) == (9, 9)
    assert (found["rule1"].examined, found["rule1"].note) == (10, None)


def test_a_function_that_reads_a_rewritten_table_is_asked_again(make_database: MakeDatabase) -> None:
    body = "$$ BEGIN RETURN QUERY SELECT id FROM item WHERE size > 15; END $$"
    url = make_database(TABLES + f"CREATE FUNCTION hidden() RETURNS SETOF integer LANGUAGE plpgsql STABLE AS {body}")
    bad = bound(Query("SELECT id FROM calm WHERE 1 / (size - size) > 0"), "bad")

    for more in ([], [bad]):
        with looking_at(url) as engine:
            planned = engine.plan(
                [bound(Query("SELECT * FROM hidden()"), "it"), bound(Query("SELECT 1"), "one"), *more]
            )
            _change(url, "TRUNCATE item; INSERT INTO item SELECT i, 99, 1, 'x' FROM generate_series(1, 9) i")
            found = {rule: one for scanned in engine.scan(planned) for rule, one in scanned.measurements.items()}

        assert found["it"].violations == 9
        assert found["one"].violations == 1


@contextmanager
def _rewriting(url: str, script: str) -> Iterator[None]:
    """Do it again and again."""
    stop = threading.Event()

    def work() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not stop.wait(0.02):
                connection.execute(script.encode())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_what_is_rewritten_all_the_time_is_unknown_and_nothing_else(make_database: MakeDatabase) -> None:
    url = make_database(
        TABLES
        + "CREATE FUNCTION late() RETURNS SETOF integer LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM pg_sleep(0.5);"
        " RETURN QUERY SELECT id FROM item WHERE size > 15; END $$"
    )
    rules: list[BoundRule] = [bound(Query("SELECT * FROM late()"), "late"), bound(Rows("calm", "size > 5"), "calm")]

    with looking_at(url, Limits(statement=5)) as engine:
        planned = engine.plan(rules)
        with _rewriting(url, "BEGIN; TRUNCATE item; INSERT INTO item SELECT 1, 99, 1, 'x'; COMMIT"):
            found = {rule: one for scanned in engine.scan(planned) for rule, one in scanned.measurements.items()}

    assert reasons(found) == {
        "late": "what it reads was rewritten or replaced while it was looked at, twice: public.item"
    }
    assert found["calm"].violations == 5


def _changed(reader: Reader, *, everywhere: bool = False) -> frozenset[str]:
    found = changed(reader, everywhere=everywhere)
    assert not isinstance(found, Failure)
    return found


def test_a_table_that_is_replaced_is_named_once(make_database: MakeDatabase) -> None:
    url = make_database(TABLES)

    with looking_at(url) as engine:
        assert _changed(engine.reader) == frozenset()
        _change(url, "TRUNCATE item, calm; DROP TABLE pointer")
        assert _changed(engine.reader) == frozenset()  # nothing was read
        engine.reader.ask([_count("item"), _count("spare")])
        assert _changed(engine.reader) == {"public.item"}
        engine.reader.end_transaction()
        assert _changed(engine.reader) == frozenset()
        assert _changed(engine.reader, everywhere=True) == {"public.item", "public.calm", "public.pointer"}


def _count(table: str) -> psycopg.sql.Composed:
    return psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier(table))
