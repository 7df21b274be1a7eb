"""Fixes of tables of any type, name and width, against real servers: planned, made, and nothing else changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from engine import bound
from fixes import MakeDatabase, execute, fix, planned, run_on, written
from pytest_tgintegrity.rules.kinds import Between, Rows, Source, Unique

TYPES = {
    "json": '{"a":  1}', "jsonb": '{"a": 1}', "point": "(1,2)", "box": "(1,2),(0,0)", "path": "[(0,0),(1,1)]", "polygon": "((0,0),(1,1))",
    "line": "{1,2,3}", "circle": "<(0,0),1>", "lseg": "[(0,0),(1,1)]", "tsvector": "'a':1", "tsquery": "'a' & 'b'", "money": "12.34",
    "interval": "1 mon -3 days 04:05:06.7", "interval year to month": "1 year 2 mons", "interval(0)": "1.6 seconds", "bytea": "\\x00ff", "bit(5)": "10101",
    "bit varying": "101", "inet": "10.0.0.1/24", "cidr": "10.0.0.0/8", "macaddr8": "08:00:2b:01:02:03:04:05", "uuid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "int4range": "[1,5)", "nummultirange": "{[1,2],[4,5)}", "float4": "0.1", "float8": "1e-300", "numeric": "NaN", "numeric(5,-2)": "12345",
    "timestamptz(3)": "2020-02-03 04:05:06.789+00", "time(0)": "04:05:06.7", "timetz": "04:05:06+02", "date": "infinity", "char(4)": "a", "bpchar": "a  ",
    '"char"': "x", "name": "n", "text[]": '{a,NULL,"b c"}', "char(3)[]": "{a,bc}", "oid": "4294967295", "regclass": "pg_class", "pg_lsn": "16/B374D848",
    "txid_snapshot": "10:20:10,14,15", "mood": "so so", "pair": '(1,"a b")', "pair[]": '{"(1,a)"}', "pos": "5", "padded": "a  ", "jsonpath": "$.a", "xid8": "7",
}  # fmt: skip
MADE = """
CREATE TYPE mood AS ENUM ('bad', 'so so', 'good');
CREATE TYPE pair AS (n int, t text);
CREATE DOMAIN pos AS int CHECK (VALUE > 0);
CREATE DOMAIN padded AS bpchar;
"""


@pytest.fixture(scope="module")
def typed(make_database: MakeDatabase) -> str:
    columns = ", ".join(f"c{n} {of}" for n, of in enumerate(TYPES))
    url = make_database(f"{MADE} CREATE TABLE t (id int PRIMARY KEY, done boolean DEFAULT false, {columns})")
    with psycopg.connect(url) as connection:
        literals = sql.SQL(", ").join(sql.Literal(text) for text in TYPES.values())
        for row in (1, 2):
            connection.execute(sql.SQL("INSERT INTO t VALUES ({}, false, {})").format(row, literals))
        connection.execute("INSERT INTO t (id) VALUES (3)")
    return url


def rows(url: str) -> list[Any]:
    shown = ", ".join(f"CASE WHEN num_nulls(c{n}) = 0 THEN format('%s|', c{n}) END" for n in range(len(TYPES)))
    return execute(url, f"SELECT id, ARRAY[{shown}] FROM t ORDER BY id")


@pytest.mark.parametrize("number", range(len(TYPES)), ids=list(TYPES))
def test_a_column_of_any_type_is_written_as_it_is(typed: str, tmp_path: Path, number: int) -> None:
    before = rows(typed)
    copied = f"(SELECT o.c{number} FROM t AS o WHERE o.id = 1)"
    rule = bound(Rows("t", f"id = 3 AND num_nulls(c{number}) = 1"), "it", fix={f"c{number}": copied, "done": "true"})

    with planned(typed, tmp_path, [rule]) as (fix_result, make):
        assert not fix_result.failed
        assert fix_result.needs_person == []
        (change,) = written(fix_result)
        assert change.after.keys() == {f"c{number}", "done"}
        made = make()
    assert made.applied is not None
    assert made.applied.skipped == []
    after = rows(typed)
    assert after[:2] == before[:2]
    assert after[2][1][number] == before[0][1][number]
    execute(typed, f"UPDATE t SET c{number} = NULL, done = false WHERE id = 3")


def test_fixes_that_undo_each_other_are_found_beside_columns_that_cannot_be_compared(
    typed: str, tmp_path: Path
) -> None:
    up = bound(Rows("t", "id = 1 AND NOT done"), "up", fix={"done": "true"})
    down = bound(Rows("t", "id = 1 AND done"), "down", fix={"done": "false"})

    with planned(typed, tmp_path, [up, down]) as (fix_result, _):
        assert [one.reason for one in fix_result.needs_person] == ["it and the fix of down undo each other"]


def test_a_row_of_any_types_is_deleted_with_all_its_values_in_the_plan(typed: str, tmp_path: Path) -> None:
    rule = bound(Unique("t", ("done",), where="id < 3"), "it", fix="delete", fix_allows=("delete",))

    with planned(typed, tmp_path, [rule]) as (fix_result, _):
        (change,) = written(fix_result)
        assert len(change.before) == len(TYPES) + 2
        assert (change.before[f"c{list(TYPES).index('bpchar')}"], change.after) == ("a  ", {})


# --- names

NAMES = [
    'we"ird', "per%cent %s %(x)s", "{open", "close}", "{both}", "line\nbreak\n)", "a.b", "Ümläut", "select", "ä" * 31, "x" * 63,
    "tab\tand 'quote'", "-- comment", "/* comment */", "$1", "back\\slash", " blank ", "tgi_0", "tgi_of_0",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("schema", ["public", 'odd "{%s}" s.chema'])
def test_a_table_of_any_name_is_mended(make_database: MakeDatabase, tmp_path: Path, name: str, schema: str) -> None:
    url = make_database("")
    table = sql.Identifier(schema, name)
    with psycopg.connect(url) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        create = sql.SQL("CREATE TABLE {} ({} int PRIMARY KEY, {} int, plain int)")
        column = f"k{name}"[:31]
        connection.execute(create.format(table, sql.Identifier(column), sql.Identifier(name)))
        connection.execute(sql.SQL("INSERT INTO {} VALUES (1, 20, 1), (2, 3, 1)").format(table))
    named = {"source": name if schema == "public" else f"{schema}.{name}", "column": name}
    clamp = bound(Between("{source}", "{column}", 1, 10), "clamp", named, fix="clamp")
    plain = bound(Rows("{source}", "plain = 1"), "plain", named, fix={"plain": "2"})

    with planned(url, tmp_path, [clamp, plain]) as (fix_result, make):
        assert not fix_result.failed
        assert fix_result.needs_person == []
        assert [(one.table, dict(one.after)) for one in written(fix_result)] == [
            (f"{schema}.{name}", {name: "10", "plain": "2"}),
            (f"{schema}.{name}", {"plain": "2"}),
        ]
        assert make().count == 2
    with psycopg.connect(url) as connection:
        assert connection.execute(sql.SQL("SELECT * FROM {} ORDER BY 1").format(table)).fetchall() == [
            (1, 10, 2),
            (2, 3, 2),
        ]


def test_a_string_in_a_rule_keeps_its_line_breaks(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x')")
    rule = bound(Rows("t", "v = 'x'"), "it", fix={"v": "'a\n) -- now() {{%s}}'"})

    fix(url, tmp_path, [rule])

    assert execute(url, "SELECT v FROM t") == [("a\n) -- now() {%s}",)]


# --- width, and what somebody put in the way


def test_a_table_of_1600_columns_is_mended(make_database: MakeDatabase, tmp_path: Path) -> None:
    columns = ", ".join(f"c{n} int" for n in range(1599))
    url = make_database(
        f"CREATE TABLE wide (id int PRIMARY KEY, {columns}); INSERT INTO wide (id, c7) VALUES (1, 20), (2, 20), (3, 0)"
    )
    clamp = bound(Between("wide", "c7", 1, 10), "clamp", fix="clamp")
    gone = bound(Rows("wide", "id = 2"), "gone", fix="delete", fix_allows=("delete",))

    with planned(url, tmp_path, [clamp, gone]) as (fix_result, make):
        assert not fix_result.failed
        assert [(one.op, len(one.before)) for one in written(fix_result)] == [
            ("update", 1),
            ("delete", 1600),
            ("update", 1),
        ]
        make()
    assert execute(url, "SELECT id, c7 FROM wide ORDER BY 1") == [(1, 10), (3, 1)]


SHADOWS = """
CREATE FUNCTION public.jsonb_object(text[], text[]) RETURNS jsonb LANGUAGE sql AS 'SELECT to_jsonb(1 / 0)';
CREATE FUNCTION public.array_append(int[], int) RETURNS int[] LANGUAGE sql AS 'SELECT ARRAY[1 / 0]';
CREATE FUNCTION public.array_cat(int[], int[]) RETURNS int[] LANGUAGE sql AS 'SELECT ARRAY[1 / 0]';
CREATE FUNCTION public.array_agg(int) RETURNS int[] LANGUAGE sql AS 'SELECT ARRAY[1 / 0]';
CREATE FUNCTION public.cardinality(int[]) RETURNS int LANGUAGE sql AS 'SELECT 1 / 0';
CREATE FUNCTION public.format(text, bpchar) RETURNS text LANGUAGE sql AS 'SELECT (1 / 0)::text';
CREATE FUNCTION public.num_nulls(bpchar) RETURNS int LANGUAGE sql AS 'SELECT 1 / 0';
CREATE FUNCTION public.count(int) RETURNS bigint LANGUAGE sql AS 'SELECT (1 / 0)::bigint';
CREATE FUNCTION public.broken(int[], int[]) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 = 1';
CREATE OPERATOR public.<> (LEFTARG = int[], RIGHTARG = int[], FUNCTION = public.broken);
CREATE FUNCTION public.broken(int[], int) RETURNS int[] LANGUAGE sql AS 'SELECT ARRAY[1 / 0]';
CREATE OPERATOR public.|| (LEFTARG = int[], RIGHTARG = int, FUNCTION = public.broken);
"""


def test_functions_of_somebodys_own_do_not_stand_in_for_the_servers(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = make_database(
        f"CREATE TABLE t (id int PRIMARY KEY, v bpchar, w varchar(3)); INSERT INTO t VALUES (1, 'a', 'a'); {SHADOWS}"
    )
    rule = bound(Rows("t", "w = 'a'"), "it", fix={"v": "'b  '", "w": "'b'"})

    fix(url, tmp_path, [rule])

    assert execute(url, "SELECT pg_catalog.format('%s|', v), w FROM t") == [("b  |", "b")]


def test_a_fresh_fix_survives_rows_without_a_partner(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(
        "CREATE TABLE p (id int PRIMARY KEY, n int); CREATE TABLE q (id int PRIMARY KEY, n int);"
        "INSERT INTO p VALUES (1, 5), (2, 20); INSERT INTO q VALUES (1, 5)"
    )
    source = Source("pairs", "p LEFT JOIN q ON q.id = p.id", key="p.id")
    clamp = bound(Between("p", "n", 6, 10), "clamp", fix="clamp")
    agree = bound(Rows(source, "p.n IS DISTINCT FROM q.n"), "agree", fix={"q.n": "p.n"}, severity="info")

    with run_on(url, [clamp, agree]):
        pass
    with planned(url, tmp_path, [clamp, agree]) as (fix_result, _):
        assert {(one.table, one.key["id"], *one.after.values()) for one in written(fix_result)} == {
            ("public.p", "1", "6"),
            ("public.p", "2", "10"),
            ("public.q", "1", "6"),
        }
