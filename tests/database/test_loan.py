"""A test of one's own cannot leave the transaction of the snapshot, whichever door it tries; and it is looked at after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest
from psycopg import sql

from harness import RunRules
from pytest_tgintegrity.database.connections.address import parse_address
from pytest_tgintegrity.database.connections.loan import Connection, ends_transaction, is_several
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.connections.reader import Reader, SnapshotHolder
from pytest_tgintegrity.errors import ConnectionFailed

ENDS = [
    "COMMIT", "commit work", "COMMIT AND CHAIN", "COMMIT PREPARED 'x'", "END", "ROLLBACK", "rollback transaction", "ABORT",
    "ROLLBACK AND CHAIN", "BEGIN", "BEGIN READ WRITE", "START TRANSACTION", "PREPARE TRANSACTION 'x'", "; COMMIT", ";;commit",
    "/* a /* b */ c */ COMMIT", "-- so\nCOMMIT", "\t\nCOMMIT;", "ROLLBACK WORK AND NO CHAIN", "ROLLBACK PREPARED 'x'",
]  # fmt: skip
STAYS = [
    "ROLLBACK TO here", "rollback work to savepoint here", "SAVEPOINT here", "RELEASE here", "PREPARE x AS SELECT 1",
    'SELECT "commit" FROM (SELECT 1 AS "commit") AS t', "SELECT 'COMMIT'", "", ";", "SELECT 1; COMMIT", "TABLE begin",
]  # fmt: skip


@pytest.mark.parametrize("text", ENDS)
def test_what_ends_a_transaction(text: str) -> None:
    assert ends_transaction(text)


@pytest.mark.parametrize("text", STAYS)
def test_what_does_not(text: str) -> None:
    assert not ends_transaction(text)


def test_several_statements() -> None:
    assert is_several("SELECT 1; COMMIT")
    assert is_several("COPY t TO STDOUT; INSERT INTO t VALUES (1)")
    assert not is_several("SELECT ';'; -- and no more;\n;")
    assert not is_several("SELECT $$;a$$, \";b\", E'\\';c'")


@contextmanager
def lending(url: str) -> Iterator[Connection]:
    """A connection as a test has it."""
    holder = SnapshotHolder(parse_address(url))
    try:
        with Reader(holder.address, holder.snapshot, Limits()) as reader, reader.lent() as db:
            yield db
    finally:
        holder.close()


def rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM t").fetchone()
    return found[0] if found else -1


Send = Callable[[Connection, str], object]


def _copied(db: Connection, text: str) -> None:
    with db.cursor().copy(sql.SQL(text)) as copy:
        list(copy)


def _pipelined(db: Connection, text: str) -> None:
    with db.pipeline():
        db.execute(text)


def _made(factory: Any) -> Send:
    return lambda db, text: factory(db).execute(text)


DOORS: dict[str, Send] = {
    "execute": lambda db, text: db.execute(text),
    "with arguments": lambda db, text: db.execute(text, []),
    "bytes": lambda db, text: db.execute(text.encode()),
    "composed": lambda db, text: db.execute(sql.SQL("{}").format(sql.SQL(text))),
    "prepared": lambda db, text: db.execute(text, prepare=True),
    "binary": lambda db, text: db.execute(text, binary=True),
    "cursor": lambda db, text: db.cursor(binary=True).execute(text),
    "executemany": lambda db, text: db.cursor().executemany(text, [[]]),
    "executemany returning": lambda db, text: db.cursor().executemany(text, [[], []], returning=True),
    "stream": lambda db, text: list(db.cursor().stream(text)),
    "copy": _copied,
    "pipeline": _pipelined,
    "psycopg.Cursor": _made(psycopg.Cursor),
    "psycopg.RawCursor": _made(psycopg.RawCursor),
    "psycopg.ClientCursor": _made(psycopg.ClientCursor),
    "executemany of another": lambda db, text: psycopg.RawCursor(db).executemany(text, [[]]),
    "stream of another": lambda db, text: list(psycopg.ClientCursor(db).stream(text)),
}


@pytest.fixture(scope="module")
def t(make_database: Callable[[str], str]) -> str:
    """A database with an empty table."""
    return make_database("CREATE TABLE t (id int)")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("text", ["COMMIT", "rollback", "/* now */ ; commit and chain", "BEGIN READ WRITE"])
def test_nothing_ends_it_and_nothing_writes(t: str, door: str, text: str) -> None:
    """The statement is refused before it is sent, and the transaction is the same as before."""
    send = DOORS[door]
    with lending(t) as db:
        before = db.execute("SELECT pg_current_snapshot()::text").fetchone()
        with pytest.raises(psycopg.ProgrammingError, match=r"cannot be ended|own cursors"):
            send(db, text)
        assert db.execute("SELECT pg_current_snapshot()::text").fetchone() == before
        with suppress(psycopg.Error):
            send(db, "INSERT INTO t VALUES (1)")

    assert rows(t) == 0


def test_methods_do_not_end_it(t: str) -> None:
    """Those of psycopg."""
    with lending(t) as db:
        leaves: list[Callable[[], object]] = [db.commit, db.rollback, lambda: db.tpc_begin("x"), db.tpc_commit]
        for leave in leaves:
            with pytest.raises(psycopg.ProgrammingError):
                leave()
        with pytest.raises(psycopg.errors.ActiveSqlTransaction), db.transaction():
            db.tpc_commit("x")
        with pytest.raises(psycopg.ProgrammingError):
            db.autocommit = False
        with pytest.raises(psycopg.ProgrammingError):
            db.read_only = False
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), db.transaction():
            db.execute("INSERT INTO t VALUES (1)")
        with db.transaction(force_rollback=True), db.cursor() as cursor:
            assert cursor.execute("SELECT 1").fetchone() == (1,)
        assert [*db.execute("SELECT 2")] == [(2,)]


def test_several_statements_go_through_no_door(t: str) -> None:
    """Not by the simple protocol either, which copy speaks."""
    for send in DOORS.values():
        with lending(t) as db, pytest.raises(psycopg.Error):
            send(db, "COPY (SELECT 1) TO STDOUT; ROLLBACK; BEGIN READ WRITE; INSERT INTO t VALUES (1); COMMIT")
    with lending(t) as db, pytest.raises(psycopg.ProgrammingError, match="one statement"):
        _copied(db, "COPY (SELECT 1) TO STDOUT; ROLLBACK")

    assert rows(t) == 0


@pytest.mark.parametrize("encoding", ["UTF8", "SQL_ASCII", "LATIN1"])
def test_text_of_every_encoding(make_database: Callable[[str], str], t: str, encoding: str) -> None:
    """What is looked at is what is sent."""
    url = make_database("")
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname + encoding.lower()
        made = "CREATE DATABASE {} ENCODING {} TEMPLATE template0 LOCALE 'C'"
        connection.execute(sql.SQL(made).format(sql.Identifier(name), sql.Literal(encoding)))
    with lending(url.replace(name.removesuffix(encoding.lower()), name)) as db:
        for query in ("SELECT 'é'", "SELECT 'é'".encode(), sql.SQL("SELECT {}").format("é")):
            assert db.execute(query).fetchone() == ("é",)
            with pytest.raises(psycopg.ProgrammingError, match="cannot be ended"):
                db.execute(sql.SQL("/* {} */ COMMIT").format("é"))


def test_a_cursor_in_the_server(t: str) -> None:
    """It reads, and declares one query."""
    with lending(t) as db:
        with db.cursor("own") as cursor:
            assert cursor.execute("SELECT generate_series(1, %s)", [3]).fetchall() == [(1,), (2,), (3,)]
        with db.cursor("own") as cursor:
            with pytest.raises(psycopg.ProgrammingError, match="one statement"):
                cursor.execute("SELECT 1; COMMIT")
            for refused in (cursor.stream, cursor.copy):
                with pytest.raises(psycopg.NotSupportedError):
                    refused("COPY t TO STDOUT; COMMIT")


@pytest.mark.parametrize(
    "text",
    [
        "ROLLBACK", "ROLLBACK; BEGIN READ WRITE; INSERT INTO t VALUES (1); SELECT 1/0", "ROLLBACK AND CHAIN",
        "ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "COMMIT", "COMMIT AND CHAIN",
        "ROLLBACK TO tgintegrity_loan; RELEASE tgintegrity_loan; ROLLBACK; BEGIN; SELECT 1/0",
    ],
)  # fmt: skip
def test_who_left_is_found_out(t: str, text: str) -> None:
    """By a door that is none: libpq itself, beneath psycopg."""
    with pytest.raises(ConnectionFailed, match="left the transaction"), lending(t) as db:
        db.pgconn.exec_(text.encode())

    assert rows(t) == 0


def test_who_has_only_failed_is_not_blamed(t: str) -> None:
    """An error leaves the transaction where it was; a stream that was not read to its end, too."""
    with lending(t) as db, suppress(psycopg.Error):
        db.execute("SELECT 1/0")
    with lending(t) as db:
        held = iter(db.cursor().stream("SELECT generate_series(1, 100000)"))
        assert next(held) == (1,)
    with lending(t) as db:
        db.execute("SAVEPOINT own")
        db.execute("ROLLBACK TO own")
        db.execute("SET LOCAL search_path = 'nowhere'")
        db.execute("CLOSE ALL")
    with lending(t) as db:
        db.close()


RULES = """
@rule.check()
def test_leaves(db):
    \"\"\"It goes round the back.\"\"\"
    db.pgconn.exec_(b"ROLLBACK")
    assert True

@rule.check()
def test_leaves_and_fails(db):
    \"\"\"It goes round the back, and says that something is wrong.\"\"\"
    db.pgconn.exec_(b"ROLLBACK; BEGIN")
    assert not db.execute("SELECT count(*) FROM item").fetchone()[0]

@rule.check()
def test_swallows(db):
    \"\"\"It tries, and does not mind.\"\"\"
    for text in ["COMMIT", "ROLLBACK"]:
        try:
            db.cursor().executemany(text, [[]])
        except Exception:
            pass
    assert db.execute("SELECT count(*) FROM item").fetchone() == (20,)

@rule.check()
def test_fails(db):
    \"\"\"It does not hold.\"\"\"
    assert db.execute("SELECT count(*) FROM item").fetchone() == (21,)
"""


def test_a_run_tells(check: RunRules) -> None:
    """A rule whose test left is unknown, and says why; one that fails as well stays failed."""
    ran = check(RULES)

    assert ran.verdicts == {
        "test_leaves": "unknown", "test_leaves_and_fails": "failed", "test_swallows": "passed", "test_fails": "failed",
    }  # fmt: skip
    assert "left the transaction of db" in ran.reasons["test_leaves"]
