"""What a census counts, against plain queries, and what it leaves alone: samples, locks, rights, what was rewritten meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from pytest_tgintegrity.census import questions, taking
from pytest_tgintegrity.census.counts import Counted
from pytest_tgintegrity.census.taking import LATE, LOCKED, REWRITTEN, Taking
from pytest_tgintegrity.database.connections.address import parse_address
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.connections.reader import Reader, SnapshotHolder

MakeDatabase = Callable[[str], str]
SCRIPT = """
CREATE DOMAIN score AS int CHECK (VALUE < 1000);
CREATE TABLE small (id int PRIMARY KEY, kind text, flag bool, level score, doc json, place point, long text);
INSERT INTO small SELECT i, CASE WHEN i > 5 THEN 'b' || i % 3 END, i < 4, i % 2, CASE i WHEN 1 THEN '{}'::json END, point(i, i),
    repeat('x', 5000) || i FROM generate_series(1, 20) i;
CREATE TABLE large (id int PRIMARY KEY, half int, few int, rare text);
INSERT INTO large SELECT i, CASE WHEN i % 2 = 0 THEN 1 END, i % 4, CASE WHEN i % 100 = 0 THEN 'r' END FROM generate_series(1, 20000) i;
CREATE TABLE parted (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2025-01-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2025-01-01') TO ('2030-01-01');
INSERT INTO parted SELECT i, date '2024-12-01' + i FROM generate_series(1, 50) i;
CREATE TABLE parent (id int); CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2), (3);
CREATE TABLE bare ();
INSERT INTO bare DEFAULT VALUES;
CREATE VIEW seen AS SELECT * FROM small;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM small;
CREATE SCHEMA tgintegrity; CREATE TABLE tgintegrity.journal (id int);
"""


@contextmanager
def looking(url: str, known: dict[str, int] | None = None) -> Iterator[Taking]:
    holder = SnapshotHolder(parse_address(url))
    try:
        with Reader(holder.address, holder.snapshot, Limits(60.0, 0.5)) as reader:
            yield Taking(reader, known or {})
    finally:
        holder.close()


def counted(url: str, known: dict[str, int] | None = None) -> Counted:
    with looking(url, known) as census:
        return census.take()


@pytest.fixture(scope="module", name="filled")
def a_database(make_database: MakeDatabase) -> str:
    return make_database(SCRIPT)


def test_tables_are_counted_and_nothing_else(filled: str) -> None:
    assert counted(filled).rows == {
        "public.bare": 1,
        "public.child": 2,
        "public.large": 20_000,
        "public.parent": 3,
        "public.parted": 50,
        "public.small": 20,
    }


def test_a_small_table_is_looked_at_whole(filled: str) -> None:
    columns = counted(filled).tables["public.small"].columns
    told = {name: (one.looked_at, one.present, one.distinct, one.commonest) for name, one in columns.items()}
    assert told == {
        "kind": (20, 15, 3, 5),
        "flag": (20, 20, 2, 17),
        "level": (20, 20, 2, 10),
        "doc": (20, 1, 0, 0),
        "place": (20, 20, 0, 0),
        "long": (20, 20, 1, 20),  # they begin alike; what a sample suggests is asked of the whole texts
    }
    with looking(filled) as census:
        census.take()
        found = census.commonest("public.small", "long")
    assert found is not None
    assert (found.rows, found.others, len(found.value)) == (1, 19, questions.PREFIX)


def test_columns_may_be_called_anything(make_database: MakeDatabase) -> None:
    url = make_database(
        """
        CREATE TABLE clash (c int, v text, n int, tgi_looked int, tgi_value int, "a.b" int, "q""q" int, "%s {x}" int, "$1" int);
        INSERT INTO clash SELECT i % 2, 'x', i % 3, 1, 2, 3, 4, 5, 6 FROM generate_series(1, 9) i;
        """
    )
    table = counted(url).tables["public.clash"]
    assert table.reason is None
    distinct = {name: one.distinct for name, one in table.columns.items()}
    odd = dict.fromkeys(["v", "tgi_looked", "tgi_value", "a.b", 'q"q', "%s {x}", "$1"], 1)
    assert distinct == {"c": 2, "n": 3, **odd}


def test_a_large_table_is_sampled_from_all_over(filled: str) -> None:
    columns = counted(filled).tables["public.large"].columns
    assert set(columns) == {"half", "few", "rare"}
    assert 0.5 * questions.WHOLE < columns["half"].looked_at < 2 * questions.WHOLE
    assert (columns["few"].distinct, columns["half"].distinct) == (4, 1)
    assert 0.3 < columns["half"].presence < 0.7
    with looking(filled) as census:
        census.take()
        exact = census.presence("public.large", "rare")
    assert exact is not None
    assert (exact.looked_at, exact.present) == (20_000, 200)


def test_a_table_that_a_rule_counted_is_not_counted_again(filled: str) -> None:
    assert counted(filled, {"public.large": 7}).rows["public.large"] == 7


def test_a_huge_table_that_no_rule_reads_is_estimated(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("ANALYZE large")
    monkeypatch.setattr(questions, "HUGE", 10)
    monkeypatch.setattr(taking, "HUGE", 10)
    tables = counted(filled).tables
    assert (tables["public.large"].exact, tables["public.small"].exact) == (False, True)
    assert tables["public.large"].rows == pytest.approx(20_000, rel=0.1)
    with psycopg.connect(filled) as connection:
        connection.execute("DELETE FROM large")
        connection.commit()
        assert (counted(filled).tables["public.large"].rows, counted(filled).tables["public.large"].exact) == (0, True)


def test_a_table_that_was_truncated_meanwhile_is_not_counted(make_database: MakeDatabase) -> None:
    url = make_database(SCRIPT)
    with looking(url) as census:
        with psycopg.connect(url) as connection:
            connection.execute("TRUNCATE small; ALTER TABLE large ALTER COLUMN few TYPE bigint")
        found = census.take()
    assert (found.tables["public.small"].rows, found.tables["public.small"].reason) == (None, REWRITTEN)
    assert found.tables["public.large"].reason == REWRITTEN
    assert found.rows["public.parted"] == 50


def test_nobody_waits_for_a_locked_table(make_database: MakeDatabase) -> None:
    url = make_database(SCRIPT)
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE small, large")
        found = counted(url)
    assert {name for name, one in found.tables.items() if one.reason == LOCKED} == {"public.small", "public.large"}
    assert found.rows["public.parted"] == 50


def test_a_census_ends_in_time(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "SECONDS", -1.0)
    found = counted(filled)
    assert {one.reason for one in found.tables.values()} == {LATE}


def test_hidden_rows_are_not_taken_for_lost_ones(make_database: MakeDatabase) -> None:
    url = make_database(
        """
        CREATE TABLE hidden (id int); INSERT INTO hidden VALUES (1); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
        CREATE TABLE open (id int); INSERT INTO open VALUES (1);
        DO $$ BEGIN IF to_regrole('rls_reader') IS NULL THEN CREATE ROLE rls_reader LOGIN PASSWORD 'rls-9'; END IF; END $$;
        GRANT SELECT ON hidden, open TO rls_reader;
        """
    )
    found = counted(_as_reader(url))
    assert found.rows == {"public.open": 1}
    assert "row-level security" in (found.tables["public.hidden"].reason or "")


def _as_reader(url: str) -> str:
    head, _, tail = url.partition("//")
    return f"{head}//rls_reader:rls-9@{tail.rpartition('@')[2]}"
