"""Definitions after a dump and a restore are what they were before, on real servers; and nothing else is touched."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_tgintegrity.planning.expected.comparing import compared
from pytest_tgintegrity.planning.expected.definitions import settled
from pytest_tgintegrity.planning.expected.lock_file import lock_text, object_of, pinned_objects
from pytest_tgintegrity.planning.expected.questions import objects_question
from pytest_tgintegrity.planning.sql.compose import readable
from pytest_tgintegrity.planning.sql.paths import SERVER
from pytest_tgintegrity.rules.kinds import OBJECT_KINDS, CatalogObject
from pytest_tgintegrity.servers.binaries import find_postgres
from pytest_tgintegrity.servers.postgres import PostgresServer, start_postgres

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', '(ARRAY[a])::text[]');
CREATE DOMAIN code AS varchar(10) DEFAULT 'a' CHECK (VALUE IN ('a', 'b'));
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE item (
    id int PRIMARY KEY, small smallint CHECK (small IN (1, 70000)), big bigint CHECK (big IN (1, 2)), code code, mood mood DEFAULT 'sad',
    status varchar(5) CHECK (status IN ('a', 'it''s, ]', '"('')')), fixed char(2) CHECK (fixed NOT IN ('x', 'y')),
    amount numeric CHECK (amount BETWEEN 1 AND 5 AND amount <> 3), other int CHECK (other NOT BETWEEN 1 AND 3 OR other = 2 OR id IN (other, 4)),
    words varchar[] CHECK (words <@ ARRAY['a', 'b']::varchar[]), at timestamptz DEFAULT '2020-01-01 00:00+02', span interval DEFAULT '1 day 2 hours',
    CHECK (CASE WHEN status NOT IN ('k', 'l') THEN big > 0 AND (id > 1 AND id < 9) ELSE NOT big < 3 END),
    CHECK (coalesce(status, fixed) IN ('(( AND ', 'b') AND (id BETWEEN 1 AND 2 AND other > 3) OR (status, id) = ('x', 2)));
CREATE INDEX item_status ON item (status) WHERE status IN ('a', 'b') AND id BETWEEN 1 AND 2 AND other > 3;
CREATE TRIGGER touched AFTER UPDATE ON item FOR EACH ROW WHEN (NEW.status IN ('a', 'b')) EXECUTE FUNCTION touched();
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON item USING (status IN ('a', 'b')) WITH CHECK (id BETWEEN 1 AND 2 AND other > 3);
CREATE VIEW seen AS SELECT id, status FROM item;
CREATE RULE kept AS ON DELETE TO item WHERE old.status IN ('a', 'b') DO INSTEAD NOTHING;
CREATE UNLOGGED TABLE passing (id serial, kind varchar(3) GENERATED ALWAYS AS (CASE WHEN id IN (1, 2) THEN 'a' ELSE 'b' END) STORED);
CREATE SEQUENCE down INCREMENT -1;
CREATE TABLE log (at timestamptz NOT NULL, id int GENERATED ALWAYS AS IDENTITY, note varchar(3) DEFAULT 'x') PARTITION BY RANGE (at);
CREATE TABLE log_old PARTITION OF log FOR VALUES FROM (MINVALUE) TO ('2020-01-01+02');
ALTER TABLE log_old ALTER note SET NOT NULL, ADD CHECK (note IN ('a', 'b'));
CREATE INDEX log_alone ON ONLY log (note);
CREATE TRIGGER logged AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION touched();
ALTER TABLE log_old DISABLE TRIGGER logged;
"""


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[int], PostgresServer]]:
    """Start a server of a version at first use, with the schema in the database `source`."""
    known: dict[int, PostgresServer] = {}
    with ExitStack() as stack:

        def server_of(major: int) -> PostgresServer:
            binaries = find_postgres(major)
            if binaries.major != major or not (binaries.directory / "pg_dump").exists():
                pytest.skip(f"no PostgreSQL {major} with pg_dump is installed here (found: {binaries.major})")
            if major not in known:
                known[major] = stack.enter_context(start_postgres(binaries=binaries))
                made(known[major], "source", SCHEMA)
            return known[major]

        yield server_of


def made(server: PostgresServer, database: str, statements: str) -> None:
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {database}".encode())
        connection.execute(f"CREATE DATABASE {database}".encode())
    with psycopg.connect(server.conninfo(database), autocommit=True) as connection:
        connection.execute(statements.encode())


def dumped(server: PostgresServer) -> str:
    """The schema of `source` as statements; lines that only psql understands are left out."""
    program = server.binaries.directory / "pg_dump"
    ran = subprocess.run([program, "-s", "-d", server.conninfo("source")], capture_output=True, text=True, check=True)
    return "".join(line for line in ran.stdout.splitlines(keepends=True) if not line.startswith("\\"))


def live(server: PostgresServer, database: str) -> list[CatalogObject]:
    with psycopg.connect(server.conninfo(database)) as connection:
        connection.execute("SELECT set_config('search_path', %s, true)", [SERVER])
        rows = connection.execute(readable(objects_question(OBJECT_KINDS)).encode()).fetchall()
    return sorted(map(object_of, rows))


@pytest.mark.parametrize(("source", "target"), [(15, 15), (18, 18), (15, 18)])
def test_what_was_restored_is_what_was_pinned(
    servers: Callable[[int], PostgresServer], source: int, target: int
) -> None:
    made(servers(target), "restored", dumped(servers(source)))

    pinned, there = live(servers(source), "source"), live(servers(target), "restored")

    assert [(one.pinned, one.now) for one in compared(pinned, there).lost] == []
    assert lock_text(pinned) == lock_text(there)


def test_a_file_with_what_the_server_printed_first_means_the_same() -> None:
    text = (
        """tgintegrity = 1\n[check]\nitem.a = "CHECK (((a)::text = ANY ((ARRAY['x'::character varying])::text[])))"\n"""
    )

    (pinned,) = pinned_objects(text, "a file")

    assert pinned.definition == "CHECK (((a)::text = ANY (ARRAY[('x'::character varying)::text])))"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("(ARRAY['a'::x, ']),''('::x])::text[]", "ARRAY[('a'::x)::text, (']),''('::x)::text]"),
        ('(ARRAY[1])::odd."T, [x"[]', 'ARRAY[(1)::odd."T, [x"]'),
        ("(ARRAY[a, b])::character varying(3)[]", "ARRAY[(a)::character varying(3), (b)::character varying(3)]"),
        ("(ARRAY[a])::timestamp(3) without time zone[]", "ARRAY[(a)::timestamp(3) without time zone]"),
        ("(ARRAY[ARRAY[1], ARRAY[2]])::x[]", "ARRAY[ARRAY[(1)::x], ARRAY[(2)::x]]"),
        ("((((a AND b) AND c) AND d) OR e)", "((a AND b AND c AND d) OR e)"),
    ],
)
def test_casts_and_lists_of_conditions_are_told_as_after_a_restore(text: str, after: str) -> None:
    assert settled(text) == settled(after) == after


@pytest.mark.parametrize(
    "text",
    [
        "'(ARRAY[a])::text[]'::text",
        '"(ARRAY[a])::text[]"',
        "(ARRAY[a, b])",
        "(ARRAY[a, b])::text",
        "(ARRAY[",
        "((a AND b) OR c)",
        "(a AND (b AND c))",
        "((a OR b) AND (c OR d))",
        "'((a AND b) AND c)'::text",
        "(f((a AND b)) AND c)",
        "((a = ANY (ARRAY[1, 2])) AND b)",
        "(ARRAY[" * 900 + "a" + "])::text[]" * 900,
    ],
    ids=range(12),
)
def test_what_stays_as_it_is_is_left_alone(text: str) -> None:
    assert settled(text) == text


@given(st.text("(ARRAY[]',\") ::text[] AND OR ab", max_size=60))
def test_any_text_is_settled_at_once(text: str) -> None:
    assert settled(settled(text)) == settled(text)
