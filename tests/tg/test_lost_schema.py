"""TG's pinned schema is TG's schema, on two versions; and a database that lost a whole kind of its objects is named object by object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from pytest_tgintegrity.planning.expected.comparing import compared
from pytest_tgintegrity.planning.expected.lock_file import LOCK_FILE, object_of, pinned_objects
from pytest_tgintegrity.planning.expected.questions import objects_question
from pytest_tgintegrity.planning.sql.compose import readable
from pytest_tgintegrity.planning.sql.paths import SERVER
from pytest_tgintegrity.rules.kinds import OBJECT_KINDS, CatalogObject
from pytest_tgintegrity.servers.binaries import find_postgres
from pytest_tgintegrity.servers.datasets import open_dataset
from tg import ROOT, judged
from zoo import MAJORS

Connection = psycopg.Connection[tuple[Any, ...]]
PINNED: Final = pinned_objects((ROOT / "integrity_tests" / LOCK_FILE).read_text(encoding="utf-8"), LOCK_FILE)
EACH: Final = """
DO $$ DECLARE one record; BEGIN
    FOR one IN {} LOOP EXECUTE one.statement; END LOOP;
END $$
"""
CONSTRAINTS: Final = EACH.format(
    "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname) AS statement"
    " FROM pg_constraint WHERE contype = '{}' AND connamespace = 'public'::regnamespace"
)
LOSSES: Final[dict[str, tuple[str, dict[str, int]]]] = {
    "foreign keys": (CONSTRAINTS.format("f"), {"foreign_key": 722}),
    "checks": (CONSTRAINTS.format("c"), {"check": 74}),
    "unique constraints": (CONSTRAINTS.format("u"), {"unique": 158}),
    "primary keys": (CONSTRAINTS.format("p"), {"primary_key": 375, "foreign_key": 722}),
    "indexes": (
        EACH.format(
            "SELECT format('DROP INDEX %s', indexrelid::regclass) AS statement FROM pg_index WHERE NOT indisunique"
            " AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
        ),
        {"index": 749},
    ),
    "triggers of foreign keys": (
        EACH.format(
            "SELECT format('ALTER TABLE %s DISABLE TRIGGER ALL', oid::regclass) AS statement FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ),
        {"foreign_key": 722},
    ),
    "row security": (
        EACH.format(
            "SELECT format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', oid::regclass) AS statement FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ),
        {"table": 375},
    ),
    "owners of sequences": (
        EACH.format(
            "SELECT format('ALTER TABLE %s ALTER %I DROP IDENTITY', attrelid::regclass, attname) AS statement"
            " FROM pg_attribute WHERE attidentity <> '' AND attnum > 0"
        ),
        {"sequence": 259, "column": 259},
    ),
}


@pytest.fixture(scope="module", params=MAJORS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A clean demo on the wheel's version and on the machine's."""
    from integrity_tests.demo import DATASETS

    binaries = find_postgres(request.param)
    if binaries.major != request.param:
        pytest.skip(f"no PostgreSQL {request.param} is installed here (found: {binaries.major})")
    with open_dataset("demo", DATASETS["demo"], binaries=binaries) as started:
        yield started.conninfo()


@pytest.fixture
def database(url: str) -> Iterator[Connection]:
    with psycopg.connect(url) as connection:
        yield connection
        connection.rollback()


def lost(connection: Connection) -> list[tuple[str, str]]:
    """The kind and the problem of each object that is not as it was pinned."""
    connection.execute("SELECT set_config('search_path', %s, true)", [SERVER])
    live: list[CatalogObject] = [
        object_of(row) for row in connection.execute(readable(objects_question(OBJECT_KINDS)).encode())
    ]
    return [(one.object.kind, one.problem) for one in compared(PINNED, live).lost]


def test_tg_s_schema_is_the_pinned_one(database: Connection) -> None:
    assert len(PINNED) == 5726
    assert lost(database) == []


@pytest.mark.parametrize("what", LOSSES)
def test_a_whole_kind_of_objects_that_is_lost_is_named_one_by_one(database: Connection, what: str) -> None:
    statements, expected = LOSSES[what]
    database.execute(statements.encode())

    assert Counter(kind for kind, _ in lost(database)) == expected


def test_columns_that_may_be_null_again_and_columns_that_are_gone_are_named(database: Connection) -> None:
    filled = database.execute(
        "SELECT attrelid::regclass::text, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
        " WHERE attnotnull AND attnum > 0 AND relkind = 'r' AND relnamespace = 'public'::regnamespace AND attidentity = ''"
        " AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary AND attnum = ANY (indkey))"
    ).fetchall()
    for table, column in filled:
        database.execute(f'ALTER TABLE {table} ALTER "{column}" DROP NOT NULL'.encode())
    assert len(filled) > 2000
    assert Counter(lost(database)) == {("column", "changed"): len(filled)}

    database.execute("ALTER TABLE public.characters_human DROP COLUMN willpower CASCADE")

    assert ("column", "missing") in lost(database)


def test_a_database_without_its_foreign_keys_fails_and_is_not_healthy(tmp_path: Path, url: str) -> None:
    """Committed, and so in a copy of its own."""
    with psycopg.connect(url, dbname="postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE keyless TEMPLATE tg")
    with psycopg.connect(url, dbname="keyless", autocommit=True) as connection:
        connection.execute(LOSSES["foreign keys"][0].encode())

    found = judged(
        tmp_path / "report.json", f"--db-url={psycopg.conninfo.make_conninfo(url, dbname='keyless')}", "--tb=no"
    )

    rule = found["test_foreign_key_is_as_pinned"]
    assert (rule["verdict"], rule["severity"], rule["violations"], rule["examined"]) == ("failed", "critical", 722, 722)
