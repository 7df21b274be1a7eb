"""A month of ordinary play is silent, whoever plays; what is planted on its last day is found, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_tgintegrity.census.earlier import Earlier
from pytest_tgintegrity.census.findings import RUNS, Compared, Comparison, Judged
from pytest_tgintegrity.census.taking import Taking
from pytest_tgintegrity.database.connections.address import parse_address
from pytest_tgintegrity.database.connections.answers import Failure
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.connections.reader import Reader, SnapshotHolder

BEGAN = datetime(2026, 3, 1, 6, tzinfo=UTC)
DAYS = 30
TABLES = """
DROP SCHEMA IF EXISTS play CASCADE;
CREATE SCHEMA play;
CREATE TABLE play.account (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, superuser bool, last_login timestamptz);
CREATE TABLE play.sheet (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner int, strength smallint, status text, note text);
CREATE TABLE play.post (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sheet int, text text, seen timestamptz, deleted bool);
CREATE TABLE play.request (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sheet int, cost int, approved text, by int);
CREATE TABLE play.unused (id int);
"""
ACCOUNTS = (
    "INSERT INTO play.account (name, superuser) SELECT 'u' || random(), random() < 0.02 FROM generate_series(1, {})"
)
SHEETS = """
INSERT INTO play.sheet (owner, strength, status)
SELECT 1 + (random() * (SELECT count(*) FROM play.account))::int, 1 + (random() * 4)::int, 'Un' FROM generate_series(1, {})
"""
DAY = """
UPDATE play.account SET last_login = now() WHERE random() < 0.3;
UPDATE play.sheet SET status = CASE status WHEN 'Un' THEN 'Sub' WHEN 'Sub' THEN 'App' ELSE 'Ret' END WHERE random() < 0.2 AND status <> 'Ret';
UPDATE play.sheet SET strength = LEAST(strength + 1, 5) WHERE random() < 0.02;
UPDATE play.sheet SET note = CASE WHEN random() < 0.8 THEN 'n' || random() END WHERE random() < 0.1;
INSERT INTO play.post (sheet, text, deleted) SELECT 1 + (random() * 40)::int, 'p' || i, random() < 0.01 FROM generate_series(1, {posts}) i;
UPDATE play.post SET seen = now() WHERE random() < 0.6;
DELETE FROM play.post WHERE random() < 0.03;
UPDATE play.request SET approved = 'yes', by = 1 WHERE approved = 'open' AND random() < 0.8;
INSERT INTO play.request (sheet, cost, approved) SELECT i, 1 + (random() * 9)::int, 'open' FROM generate_series(1, {requests}) i;
"""


class Month:
    """A database that is played in, and counted every morning."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.earlier = Earlier()
        self.at = BEGAN

    def do(self, *statements: str) -> None:
        with psycopg.connect(self.url) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    @contextmanager
    def taking(self) -> Iterator[Taking]:
        holder = SnapshotHolder(parse_address(self.url))
        try:
            with Reader(holder.address, holder.snapshot, Limits()) as reader:
                yield Taking(reader, {})
        finally:
            holder.close()

    def morning(self) -> Compared:
        """Count, compare with the mornings before, and remember."""
        self.at += timedelta(days=1)
        with self.taking() as taking:
            counted = taking.take()
            comparison = Comparison(counted, self.earlier, self.at, None, Judged(), taking, quote=True)
            compared = comparison.compared()
        assert compared.rows is not None
        self.earlier = Earlier([*self.earlier.runs, compared.rows], compared.columns)
        return compared


def named(compared: Compared) -> set[tuple[str, str, str | None]]:
    return {(found.what, found.table, found.column) for found in (*compared.losses, *compared.noted)}


PLANTED: dict[str, tuple[str, set[tuple[str, str, str | None]]]] = {
    "truncated": ("TRUNCATE play.post", {("all rows lost", "play.post", None)}),
    "halved": (
        "DELETE FROM play.post WHERE id > (SELECT max(id) FROM play.post) * 0.3",
        {("fewer rows", "play.post", None)},
    ),
    "all superusers": ("UPDATE play.account SET superuser = true", {("one value", "play.account", "superuser")}),
    "one owner": ("UPDATE play.sheet SET owner = 1", {("one value", "play.sheet", "owner")}),
    "one strength": ("UPDATE play.sheet SET strength = 5", {("one value", "play.sheet", "strength")}),
    "nobody approved": ("UPDATE play.request SET by = NULL", {("fewer values", "play.request", "by")}),
}


@pytest.fixture(scope="module", name="month_url")
def a_database(make_database: Callable[[str], str]) -> str:
    return make_database("")


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.floats(-1, 1),
    players=st.integers(0, 60),
    days=st.lists(st.tuples(st.integers(0, 80), st.integers(1, 12), st.integers(0, 4)), min_size=DAYS, max_size=DAYS),
    planted=st.sampled_from(sorted(PLANTED)),
)
def test_a_month_of_play_is_silent(month_url: str, seed: float, players: int, days: list[Any], planted: str) -> None:
    month = Month(month_url)
    month.do(f"SET seed = {seed}", TABLES, ACCOUNTS.format(players), SHEETS.format(players))
    for posts, requests, newcomers in days:
        month.do(
            f"SET seed = {seed}",
            ACCOUNTS.format(newcomers),
            SHEETS.format(newcomers * 2),
            *DAY.format(posts=posts, requests=requests).split(";\n")[:-1],
        )
        assert named(month.morning()) == set()
    month.do(
        ACCOUNTS.format(30),
        SHEETS.format(60),
        "INSERT INTO play.post (sheet, text) SELECT i % 7, 'x' FROM generate_series(1, 60) i",
    )
    month.do(
        "UPDATE play.account SET superuser = id % 30 = 0",
        "INSERT INTO play.request (by) SELECT 1 FROM generate_series(1, 60)",
    )
    assert named(month.morning()) == set()

    statement, expected = PLANTED[planted]
    month.do(statement)
    assert named(month.morning()) == expected
    month.do(ACCOUNTS.format(1), SHEETS.format(1))
    assert named(month.morning()) == expected  # and still the morning after


def test_what_nobody_could_confirm_is_not_what_the_next_run_is_compared_with(
    month_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    month = Month(month_url)
    month.do(TABLES, ACCOUNTS.format(400), SHEETS.format(400), "UPDATE play.account SET last_login = now()")
    month.do("UPDATE play.sheet SET strength = 1 + id % 5")
    assert named(month.morning()) == set()
    month.do("UPDATE play.sheet SET strength = 5", "UPDATE play.account SET last_login = NULL")
    with monkeypatch.context() as late:
        late.setattr(Taking, "_confirmed", lambda *_: Failure("it took too long"))
        assert named(month.morning()) == set()
    assert named(month.morning()) == {
        ("one value", "play.sheet", "strength"),
        ("fewer values", "play.account", "last_login"),
    }


def test_a_finding_on_a_column_is_told_for_a_month(month_url: str) -> None:
    month = Month(month_url)
    month.do(TABLES, ACCOUNTS.format(30), SHEETS.format(60), "UPDATE play.sheet SET strength = 1 + id % 5")
    month.morning()
    month.do("UPDATE play.sheet SET strength = 5")
    told = [("one value", "play.sheet", "strength") in named(month.morning()) for _ in range(RUNS + 2)]
    assert told == [True] * RUNS + [False] * 2
