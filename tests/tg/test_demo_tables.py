"""The clean demo, table by table: none is empty, and what holds of every kind of object holds in each of its tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from integrity_tests.demo.people import TODAY
from integrity_tests.demo.rows import read_tables
from tg import CSVS, Connection, needs_csvs, plain_sql, table


@pytest.fixture(scope="module")
def clean(clean_demo: str) -> Iterator[Connection]:
    with psycopg.connect(clean_demo, autocommit=True) as connection:
        yield connection


def rows(connection: Connection, query: str, *names: str) -> list[tuple[Any, ...]]:
    """The first rows of an answer; names stand for the braces of the query."""
    return connection.execute(sql.SQL(query).format(*map(sql.Identifier, names))).fetchmany(5)


def test_every_table_has_rows(clean: Connection) -> None:
    tables = read_tables(clean)

    assert len(tables) == 375
    assert [name for name in sorted(tables) if not rows(clean, "SELECT FROM {} LIMIT 1", name)] == []


def templates() -> dict[str, str]:
    """The invariants of all tables of objects, as templates."""
    facts = table("invariants") if CSVS.is_dir() else ()
    return {fact["id"]: fact["violating_rows_sql"] for fact in facts if "from {t}" in fact["violating_rows_sql"]}


@needs_csvs
@pytest.mark.parametrize("invariant", [name for name in templates() if name.startswith("OBJ-")])
def test_invariant_holds_in_every_table_of_objects(clean: Connection, invariant: str) -> None:
    exempt = {"OBJ-4": "characters_charactermodel"}.get(invariant)
    objects = [name for name, one in read_tables(clean).items() if "image_status" in one.starts and name != exempt]
    template = templates()[invariant]

    assert len(objects) in (52, 53)
    assert [] == [name for name in objects if clean.execute(template.replace("{t}", name).encode()).fetchmany(5)]


@needs_csvs
@pytest.mark.parametrize("invariant", ["XP-9", "XP-24", "XP-14", "WK-4", "SCN-15"])
def test_nothing_is_overdue_on_the_last_day(clean: Connection, invariant: str) -> None:
    statement = plain_sql(invariant)
    that_day = statement.replace("current_date", f"date '{TODAY}'").replace("now()", f"timestamptz '{TODAY} 23:59Z'")

    assert that_day != statement
    assert [] == clean.execute(that_day.encode()).fetchmany(5)
