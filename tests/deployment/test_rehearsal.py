"""Whatever is written in a rehearsal is rolled back, whatever the writer tries; and nothing is rehearsed in production."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from operator import methodcaller
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pytest_tgintegrity.database.connections.address import parse_address
from pytest_tgintegrity.database.connections.loan import Connection
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.deployment.probes import rehearsal
from pytest_tgintegrity.deployment.probes.rehearsal import Rehearsal, why_not
from pytest_tgintegrity.errors import ConnectionFailed, NotTimed, UsageError
from rehearsals import declaring, found

ITEMS = """
CREATE TABLE item (id int PRIMARY KEY, size int);
INSERT INTO item SELECT i, i FROM generate_series(1, 20) AS i;
"""
INSERT = "INSERT INTO item VALUES (99, 99)"


@pytest.fixture(scope="module")
def items(make_database: Callable[[str], str]) -> str:
    """The URL of a database of twenty items."""
    return make_database(ITEMS)


@pytest.fixture
def stage(items: str) -> Iterator[Rehearsal]:
    with Rehearsal(parse_address(items), Limits(30.0, 0.1)) as stage:
        yield stage


def rehearse(stage: Rehearsal, *steps: str | Callable[[Connection], object]) -> None:
    """Statements, and what else a probe may do, in one transaction."""
    with stage.transaction() as db:
        for step in steps:
            _ = db.execute(step) if isinstance(step, str) else step(db)


def checksum(url: str) -> Any:
    return found(url, "SELECT md5(string_agg(item::text, ';' ORDER BY id)) FROM item")


def test_what_is_written_is_seen_inside_and_gone_afterwards(stage: Rehearsal, items: str) -> None:
    before = checksum(items)
    with stage.transaction() as db:
        db.execute(INSERT)
        db.execute("UPDATE item SET size = 0")
        inside = db.execute("SELECT count(*), sum(size), pg_current_xact_id()::text FROM item").fetchone()

    assert inside is not None
    assert inside[:2] == (21, 0)
    assert checksum(items) == before
    assert found(items, f"SELECT pg_xact_status('{inside[2]}'::xid8)") == "aborted"


def test_limits_are_set_inside(stage: Rehearsal) -> None:
    names = "transaction_read_only statement_timeout lock_timeout idle_in_transaction_session_timeout".split()
    with stage.transaction() as db:
        told = [db.execute(f"SHOW {name}").fetchone() for name in names]

    assert told == [("off",), ("30s",), ("100ms",), ("10s",)]


@pytest.mark.parametrize("end", ["COMMIT", "END", "COMMIT AND CHAIN", "/* now */ commit"])
def test_server_refuses_to_commit(stage: Rehearsal, items: str, end: str) -> None:
    before = checksum(items)
    with pytest.raises(NotTimed, match="it tried to commit, which the server refused"):
        rehearse(stage, INSERT, end)

    assert checksum(items) == before


def test_prepared_transaction_is_no_way_out(stage: Rehearsal, items: str) -> None:
    with pytest.raises(NotTimed, match="it ended the transaction"):
        rehearse(stage, INSERT, "PREPARE TRANSACTION 'kept'")

    assert found(items, "SELECT count(*) FROM item") == 20
    assert found(items, "SELECT count(*) FROM pg_prepared_xacts") == 0


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_connection_neither_commits_nor_rolls_back(stage: Rehearsal, items: str, end: str) -> None:
    with pytest.raises(psycopg.ProgrammingError, match="nothing that is done in it is kept"):
        rehearse(stage, INSERT, methodcaller(end))

    assert found(items, "SELECT count(*) FROM item") == 20


def test_several_statements_at_once_are_refused(stage: Rehearsal, items: str) -> None:
    with pytest.raises(psycopg.errors.SyntaxError):
        rehearse(stage, f"{INSERT}; COMMIT")

    assert found(items, "SELECT count(*) FROM item") == 20


@pytest.mark.parametrize("way_out", ["ROLLBACK", "ROLLBACK; BEGIN", "CLOSE ALL"])
def test_whoever_leaves_the_transaction_is_told_so(stage: Rehearsal, way_out: str) -> None:
    with pytest.raises(NotTimed, match="it ended the transaction that is rolled back"):
        rehearse(stage, lambda db: psycopg.RawCursor(db).execute(way_out.encode()))

    with stage.transaction() as db:
        assert db.execute("SELECT 1").fetchone() == (1,)


def test_what_was_kept_all_the_same_is_told_loudly(
    make_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the server had let a commit pass."""
    monkeypatch.setattr(rehearsal, "_GUARD", sql.SQL("SELECT 1"))
    lone = Rehearsal(parse_address(make_database(ITEMS)), Limits())
    with lone, pytest.raises(NotTimed, match=r"WHAT IT WROTE WAS KEPT: transaction \d+ is committed"):
        rehearse(lone, INSERT, "COMMIT")


def test_savepoints_are_free_to_use(stage: Rehearsal) -> None:
    with stage.transaction() as db:
        with contextlib.suppress(psycopg.errors.UniqueViolation), db.transaction():
            db.execute("INSERT INTO item VALUES (1, 1)")
        with db.transaction():
            db.execute(INSERT)

        assert db.execute("SELECT count(*) FROM item").fetchone() == (21,)


def test_own_exception_of_a_writer_comes_through_and_its_work_is_gone(stage: Rehearsal, items: str) -> None:
    with pytest.raises(KeyError, match="nothing to spend"):
        rehearse(stage, INSERT, lambda _: dict[str, int]()["nothing to spend"])

    assert found(items, "SELECT count(*) FROM item") == 20


def test_locked_row_is_waited_for_no_longer_than_the_lock_timeout(stage: Rehearsal, items: str) -> None:
    with psycopg.connect(items) as other:
        other.execute("SELECT FROM item WHERE id = 7 FOR UPDATE")
        began = time.monotonic()
        with pytest.raises(
            NotTimed, match=r"somebody else holds a lock that it needs \(waited 0.1 s, --lock-timeout\)"
        ):
            rehearse(stage, "UPDATE item SET size = 0 WHERE id = 7")
        assert time.monotonic() - began < 20


def test_lost_connection_is_told_and_nothing_is_kept(stage: Rehearsal, items: str) -> None:
    def lose(db: Connection) -> object:
        return found(items, f"SELECT pg_terminate_backend({db.info.backend_pid}, 5000)")

    with pytest.raises(ConnectionFailed, match="the connection was lost"):
        rehearse(stage, INSERT, lose, "SELECT 1")

    assert found(items, "SELECT count(*) FROM item") == 20


# --- where


@pytest.mark.parametrize(
    ("names", "declared", "expected"),
    [
        (["tg", "db.example"], [], None),
        (["tg_staging", "localhost"], [], None),
        (["delivery", "olives"], [], None),
        (["tg", "tg-prod-1.example"], [], "'tg-prod-1.example' looks like production"),
        (["tgproduction"], [], "'tgproduction' looks like production"),
        (["service TG_PRD"], [], "'service TG_PRD' looks like production"),
        (["tg_live"], [], "ALTER DATABASE \"tg\" SET tgintegrity.environment = 'staging'"),
        (["tg_prod"], ["staging"], None),
        (["tg"], ["Test"], None),
        (["tg"], ["production"], "tg says that it is 'production' (tgintegrity.environment)"),
        (["tg"], ["stagign"], "declare one of staging, test, development, demo"),
        (["tg"], ["staging", "production"], "says that it is 'production'"),
    ],
)
def test_production_is_known_by_what_it_says_else_by_its_name(
    names: list[str], declared: list[str], expected: str | None
) -> None:
    reason = why_not("tg", names, declared)

    assert reason is None if expected is None else expected in str(reason)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("tgintegrity.environment = 'production'", "says that it is 'production'"),
        ("default_transaction_read_only = on", r"is set to read only \(default_transaction_read_only\)"),
    ],
)
def test_database_can_say_that_nothing_is_to_be_written(database_url: str, setting: str, reason: str) -> None:
    declaring(database_url, setting)
    overruling = psycopg.conninfo.make_conninfo(database_url, options="-c tgintegrity.environment=staging")
    for url in (database_url, overruling):
        with Rehearsal(parse_address(url), Limits()) as stage, pytest.raises(UsageError, match=reason):
            stage.check()


def test_server_that_does_not_say_is_refused(items: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "_WHERE", "SELECT 1 / 0")
    with Rehearsal(parse_address(items), Limits()) as stage, pytest.raises(ConnectionFailed, match="division by zero"):
        stage.check()


def test_staging_can_be_declared_whatever_it_is_called(server: Any, make_database: Callable[[str], str]) -> None:
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE copy_of_prod")
    url = server.url("copy_of_prod")
    with Rehearsal(parse_address(url), Limits()) as stage, pytest.raises(UsageError, match="'copy_of_prod' looks like"):
        stage.check()
    declaring(url, "tgintegrity.environment = 'staging'")
    with Rehearsal(parse_address(url), Limits()) as stage:
        stage.check()
