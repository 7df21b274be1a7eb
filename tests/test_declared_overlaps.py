"""Exclusion constraints of every sort find what comparing each row with each other finds, at once where rows have an order."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
import pytest
from engine import looking_at

from pytest_tgintegrity.scratch import PostgresServer

R: Final = "floor(random() * {})::int"
SPAN: Final = "CASE WHEN random() < 0.1 THEN NULL ELSE floor(random() * 900)::int END"


def spans(constructor: str, low: str, high: str) -> str:
    """Ranges from `low` to `high`, of the number n: open, closed, infinite, empty and NULL ones."""
    bounds = "(ARRAY['[]','[)','(]','()'])[1 + floor(random() * 4)::int]"
    return (
        f"CASE WHEN random() < 0.05 THEN NULL WHEN random() < 0.05 THEN 'empty' ELSE {constructor}("
        f"CASE WHEN random() < 0.003 THEN NULL ELSE {low} END, CASE WHEN random() < 0.003 THEN NULL ELSE {high} END, {bounds}) END"
    )


N: Final = "(n * 37 % 1999)"
M: Final = "(n * 37 % 1999 + floor(random() * 9)::int)"
SORTS: Final = {
    "int4range": ("int4range", spans("int4range", N, M)),
    "int8range": ("int8range", spans("int8range", N, M)),
    "numrange": ("numrange", spans("numrange", N, M)),
    "daterange": ("daterange", spans("daterange", f"date '2030-01-01' + {N}", f"date '2030-01-01' + {M}")),
    "tsrange": ("tsrange", spans("tsrange", f"timestamp '2030-01-01' + {N} * interval '1 h'", f"timestamp '2030-01-01' + {M} * interval '1 h'")),
    "tstzrange": ("tstzrange", spans("tstzrange", f"timestamptz '2030-01-01' + {N} * interval '1 h'", f"timestamptz '2030-01-01' + {M} * interval '1 h'")),
    "a range of texts": ("words", spans("words", f"lpad({N}::text, 4, '0')", f"lpad({M}::text, 4, '0')")),
    "a range in reverse": ("backwards", spans("backwards", M, N)),
    "a range of a domain": ("span", spans("int4range", N, M)),
    "a range under an odd name": ('"Odd range"', spans('"Odd range"', N, M)),
    "int4multirange": ("int4multirange", f"int4multirange(coalesce({spans('int4range', N, M)}, 'empty'), int4range(n * 41 % 1999, n * 41 % 1999 + 2))"),
    "a multirange of texts": ("many_words", f"many_words(coalesce({spans('words', f'lpad({N}::text, 4, $$0$$)', f'lpad({M}::text, 4, $$0$$)')}, 'empty'))"),
    "inet": ("inet", "set_masklen((CASE WHEN n % 9 = 0 THEN 'fe80::'::inet + n * 65536 ELSE '10.0.0.0'::inet + n * 999 END), CASE WHEN random() < 0.02 THEN 16 ELSE 24 + floor(random() * 8)::int END)"),
    "box": ("box", "box(point(n * 37 % 499, n * 41 % 499), point(n * 37 % 499 + random() * 30, n * 41 % 499 + random() * 30))"),
    "circle": ("circle", f"circle(point({R.format(99)}, {R.format(99)}), random() * 3)"),
}  # fmt: skip
TYPES: Final = """
CREATE FUNCTION behind(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT sign($2 - $1)::int';
CREATE FUNCTION before(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 > $2';
CREATE OPERATOR CLASS downwards FOR TYPE int USING btree AS OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=,
    OPERATOR 5 <, FUNCTION 1 behind(int, int);
CREATE TYPE words AS RANGE (subtype = text, collation = "C", multirange_type_name = many_words);
CREATE TYPE backwards AS RANGE (subtype = int, subtype_opclass = downwards);
CREATE TYPE "Odd range" AS RANGE (subtype = numeric);
CREATE DOMAIN span AS int4range;
"""
OTHER: Final = """
CREATE OPERATOR CLASS other FOR TYPE anyrange USING gist AS OPERATOR 18 =(anyrange, anyrange), OPERATOR 40 <>(anyrange, anyrange),
    FUNCTION 1 range_gist_consistent(internal, anyrange, smallint, oid, internal), FUNCTION 2 range_gist_union(internal, internal),
    FUNCTION 5 range_gist_penalty(internal, internal, internal), FUNCTION 6 range_gist_picksplit(internal, internal),
    FUNCTION 7 range_gist_same(anyrange, anyrange, internal);
"""
LET_IN: Final = "UPDATE pg_index SET indisready = {} WHERE indisexclusion;"


def expected(connection: psycopg.Connection[Any], clash: str, where: str) -> set[str]:
    """The keys of the rows that clash with another, each compared with each."""
    connection.execute("SET enable_indexscan = off; SET enable_bitmapscan = off")
    found = connection.execute(
        f"SELECT a.id::text FROM (SELECT * FROM t WHERE {where}) a WHERE EXISTS (SELECT FROM (SELECT * FROM t WHERE {where}) b"
        f" WHERE a.id <> b.id AND {clash})".encode()
    )
    return {key for (key,) in found}


def judge(url: str, clash: str, *, where: str = "TRUE") -> int:
    """How many rows are found, which are those that have to be."""
    with psycopg.connect(url) as connection, looking_at(url) as engine:
        wanted = expected(connection, clash, where)
        (found,) = engine.declared("exclusion", samples=10_000).values()
    assert found.error is None
    assert {one.key for one in found.samples} == wanted
    assert found.violations == len(wanted)
    return len(wanted)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("way", ["alone", "beside an equal one", "where"])
def test_overlaps_are_those_that_each_row_has_with_each_other(
    make_database: Callable[[str], str], sort: str, way: str
) -> None:
    name, value = SORTS[sort]
    ops = "inet_ops" if name == "inet" else ""
    room = "" if way != "beside an equal one" else ", room WITH ="
    where = " WHERE (room <> '[2,3)')" if way == "where" else ""
    url = make_database(
        f"{TYPES} CREATE TABLE t (id int PRIMARY KEY, room int4range, r {name},"
        f" EXCLUDE USING gist (r {ops} WITH &&{room}){where}); {LET_IN.format(False)} SELECT setseed(0.5);"
        f"INSERT INTO t SELECT n, int4range(room, room + 1), {value} FROM (SELECT n, {R.format(3)} AS room"
        f" FROM generate_series(1, 250) n) AS numbers;"
        f"{LET_IN.format(True)}"
    )
    clash = "a.r && b.r" + (" AND a.room = b.room" if room else "")

    assert 5 < judge(url, clash, where="room <> '[2,3)'" if where else "TRUE") < 250


SHAPES: Final = {
    "equal": ("EXCLUDE USING hash (a WITH =)", "a.a = b.a"),
    "equal twice": ("EXCLUDE USING btree (a WITH =, b WITH =)", "a.a = b.a AND a.b = b.b"),
    "a domain, equal": ("EXCLUDE USING hash (d WITH =)", "a.d = b.d"),
    "differ": ("EXCLUDE USING gist (r WITH =, s other WITH <>)", "a.r = b.r AND a.s <> b.s"),
    "differ alone": ("EXCLUDE USING gist (s other WITH <>)", "a.s <> b.s"),
    "two ranges": ("EXCLUDE USING gist (r WITH &&, s WITH &&)", "a.r && b.r AND a.s && b.s"),
    "adjacent": ("EXCLUDE USING gist (r WITH -|-)", "a.r -|- b.r"),
    "an expression": ("EXCLUDE USING gist (int4range(a, a + 3) WITH &&)", "int4range(a.a, a.a + 3) && int4range(b.a, b.a + 3)"),
    "deferrable": ("EXCLUDE USING gist (r WITH &&) DEFERRABLE INITIALLY DEFERRED", "a.r && b.r"),
    "two expressions": ("EXCLUDE USING gist (int4range(b, b, '[]') WITH =, r WITH &&)", "a.b = b.b AND a.r && b.r"),
    "spgist": ("EXCLUDE USING spgist (r WITH &&)", "a.r && b.r"),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_exclusion_is_asked(make_database: Callable[[str], str], shape: str) -> None:
    exclude, clash = SHAPES[shape]
    url = make_database(
        f'CREATE DOMAIN d AS int; {OTHER} CREATE TABLE t (id int PRIMARY KEY, a int, b int, d d, r int4range, s int4range, CONSTRAINT "odd ""name %" {exclude});'
        f"{LET_IN.format(False)} SELECT setseed(0.5); INSERT INTO t SELECT n, nullif({R.format(400)}, 7), {R.format(20)},"
        f" {R.format(400)},"
        f" {spans('int4range', 'n / 4', 'n / 4 + 1')}, {spans('int4range', f'{N} / 500', f'{N} / 500 + 1')} FROM generate_series(1, 250) n;"
        f"{LET_IN.format(True)}"
    )

    assert judge(url, clash) > 5


def test_partitions_are_asked_together(make_database: Callable[[str], str], server: PostgresServer) -> None:
    if server.binaries.major < 17:
        pytest.skip("exclusion constraints of partitioned tables came with PostgreSQL 17")
    url = make_database(
        "CREATE TABLE t (id int, room int4range, r int4range, PRIMARY KEY (id, room), EXCLUDE USING gist (room WITH =, r WITH &&)) PARTITION BY LIST (room);"
        "CREATE TABLE t1 PARTITION OF t FOR VALUES IN ('[0,1)'); CREATE TABLE t2 PARTITION OF t DEFAULT;"
        f"{LET_IN.format(False)} INSERT INTO t SELECT n, int4range(n % 3, n % 3 + 1), int4range(n, n + 1) FROM generate_series(1, 50) n;"
        f"INSERT INTO t VALUES (100, '[0,1)', '[3,5)'), (101, '[1,2)', '[4,6)'); {LET_IN.format(True)}"
    )

    with looking_at(url) as engine:
        (found,) = engine.declared("exclusion").values()
    assert (found.error, [one.key[0] for one in found.samples if one.key]) == (None, ["3", "4", "100", "101"])


LARGE: Final = (
    """
CREATE TABLE t (id int PRIMARY KEY, r int4range, m int4multirange, s box, {});
"""
    + LET_IN.format(False)
    + """
INSERT INTO t SELECT n, int4range(n, n + 1), int4multirange(int4range(n, n + 1)), box(point(n, n), point(n + 0.5, n + 0.5)) FROM generate_series(1, {}) n;
INSERT INTO t VALUES (0, '[5,7)', '{{[5,7)}}', '(5,5),(6.2,6.2)');
"""
    + LET_IN.format(True)
    + "ANALYZE t;"
)


@pytest.mark.parametrize("value", ["r", "m"])
def test_many_ranges_are_compared_in_no_time(make_database: Callable[[str], str], value: str) -> None:
    """Ten billion pairs would take minutes."""
    url = make_database(LARGE.format(f"EXCLUDE USING gist ({value} WITH &&)", 100_000))
    began = time.perf_counter()

    with looking_at(url) as engine:
        found = engine.declared("exclusion")[f"t-t_{value}_excl"]

    assert (found.error, [one.key for one in found.samples]) == (None, ["0", "5", "6"])
    assert time.perf_counter() - began < 10


def test_too_many_boxes_are_unknown_at_once(make_database: Callable[[str], str]) -> None:
    url = make_database(LARGE.format("EXCLUDE USING gist (s WITH &&)", 100_000))
    began = time.perf_counter()

    with looking_at(url) as engine:
        found = engine.declared("exclusion")["t-t_s_excl"]

    assert str(found.error).endswith(
        "(Nested Loop over t): only each pair tells whether rows clash: give it more time (--statement-timeout, or timeout= of the rule)"
    )
    assert time.perf_counter() - began < 10
