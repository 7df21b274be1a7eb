"""Connections that can only read, on one snapshot, with their limits kept; and what is said when something goes wrong."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from psycopg import sql

from pytest_tgintegrity.database.connections.address import parse_address
from pytest_tgintegrity.database.connections.answers import Answer, Failure
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.connections.reader import Reader, SnapshotHolder
from pytest_tgintegrity.errors import ConnectionFailed
from pytest_tgintegrity.servers.postgres import PostgresServer


@contextmanager
def reading(url: str, limits: Limits | None = None) -> Iterator[Reader]:
    """A reader on a snapshot of its own."""
    holder = SnapshotHolder(parse_address(url))
    try:
        with Reader(holder.address, holder.snapshot, limits or Limits()) as reader:
            yield reader
    finally:
        holder.close()


def ask(reader: Reader, *texts: str, timeout: float | None = None) -> list[Answer | Failure]:
    """Ask plain statements."""
    return reader.ask([sql.SQL(text) for text in texts], timeout)


def reason(answer: Answer | Failure) -> str:
    """Why a statement was not answered."""
    assert isinstance(answer, Failure)
    return answer.reason


@contextmanager
def dropping_settings(server: PostgresServer) -> Iterator[int]:
    """A proxy that blanks out SET LOCAL on its way to the server, as some poolers ignore settings; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    upstream = socket.create_connection(("127.0.0.1", server.port))
                    for source, target in ((client, upstream), (upstream, client)):
                        threading.Thread(target=pump, args=(source, target), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on what arrives, with statements of the same length that set something else."""
    with suppress(OSError), source, target:
        while data := source.recv(65536):
            target.sendall(data.replace(b'SET LOCAL "row_security"', b'SET LOCAL "own.security"'))


def test_nothing_can_be_written(make_database: Callable[[str], str]) -> None:
    """Whatever statement tries."""
    url = make_database("CREATE TABLE t (id int); CREATE SEQUENCE s")
    with reading(url) as reader:
        for text in [
            "INSERT INTO t VALUES (1)",
            "SELECT nextval('s')",
            "CREATE TEMP TABLE x ()",
            "SELECT * FROM t FOR UPDATE",
        ]:
            assert "read-only transaction" in reason(ask(reader, text)[0])
        assert "multiple commands" in reason(
            ask(reader, "SELECT 1; COMMIT; BEGIN READ WRITE; INSERT INTO t VALUES (1)")[0]
        )
        assert reason(ask(reader, "SET TRANSACTION READ WRITE")[0])


def test_the_connection_of_a_free_test(make_database: Callable[[str], str]) -> None:
    """Ordinary psycopg, but one statement at a time, and never out of its transaction."""
    with reading(make_database("CREATE TABLE t (id int)")) as reader:
        db = reader.connection
        assert db.execute("SELECT %s::int + 1, '%%'", [1]).fetchone() == (2, "%")
        assert db.execute("SELECT %(a)s::text", {"a": "x"}).fetchone() == ("x",)
        assert list(db.cursor().stream("SELECT generate_series(1, 3)")) == [(1,), (2,), (3,)]
        for text in ["SELECT 1; COMMIT; BEGIN READ WRITE; INSERT INTO t VALUES (1)", "SELECT 1; SELECT 2"]:
            with pytest.raises(psycopg.errors.SyntaxError, match="multiple commands"), db.transaction():
                db.execute(text)
            with pytest.raises(psycopg.errors.SyntaxError, match="multiple commands"), db.transaction():
                db.execute(text, [])
        with pytest.raises(psycopg.errors.DivisionByZero), db.transaction():
            db.execute("SELECT 1/0")
        assert db.execute("SELECT count(*) FROM t").fetchone() == (0,)


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_the_transaction_cannot_be_left(make_database: Callable[[str], str], end: str) -> None:
    """Neither by psycopg's method nor by a statement: what follows is refused."""
    url = make_database("CREATE TABLE t (id int)")
    with (  # noqa: PT012 - it is told in the end
        pytest.raises(ConnectionFailed, match="left the transaction"), reading(url) as reader, reader.lent() as db
    ):  # fmt: skip
        with pytest.raises(psycopg.ProgrammingError, match="nothing to commit"):
            getattr(db, end)()
        with pytest.raises(psycopg.ProgrammingError):
            db.set_autocommit(False)
        with pytest.raises(psycopg.ProgrammingError, match="cannot be ended"):
            db.execute(end)
        db.pgconn.exec_(b"ROLLBACK")
        with pytest.raises(psycopg.ProgrammingError, match="cannot be ended"):
            db.execute("INSERT INTO t VALUES (1)")


def test_limits_are_set_inside_the_transaction(url: str) -> None:
    """And a reader says so itself; the connection that holds the snapshot has none."""
    settings = ["statement_timeout", "lock_timeout", "transaction_read_only", "transaction_isolation", "row_security"]
    with reading(url, Limits(1.5, 0.25)) as reader:
        found = [reader.connection.execute(f"SHOW {name}").fetchone() for name in settings]

    assert found == [("1500ms",), ("250ms",), ("on",), ("repeatable read",), ("off",)]


def test_something_that_drops_settings_is_refused(server: PostgresServer, url: str) -> None:
    """Better no answer than one without limits."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with dropping_settings(server) as port:
        through = f"postgresql://postgres:{server.password}@127.0.0.1:{port}/{name}?sslmode=disable&gssencmode=disable"
        with pytest.raises(
            ConnectionFailed, match=r"\(row_security = off\): something between us .* connect to PostgreSQL directly"
        ):
            SnapshotHolder(parse_address(through))


def test_what_a_failure_says(make_database: Callable[[str], str], server: PostgresServer) -> None:
    """What happened, and the cure."""
    url = make_database(
        "CREATE TABLE t (id int); CREATE TABLE locked (id int); CREATE TABLE hidden (id int); CREATE ROLE modest LOGIN;"
        "GRANT SELECT ON locked, hidden TO modest; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY"
    ).replace("postgres@", "modest@")
    with psycopg.connect(url.replace("modest@", "postgres@")) as other:
        other.execute("LOCK TABLE locked")
        with reading(url, Limits(statement=0.2, lock=0.05)) as reader:
            answers = ask(
                reader, "TABLE t", "TABLE locked", "TABLE hidden", "SELECT pg_sleep(5)", "SELECT foo", "SELECT 7 AS n",
            )  # fmt: skip
            slow = ask(reader, "SELECT pg_sleep(5)", "SELECT current_setting('statement_timeout')", timeout=0.1)

    assert reason(answers[0]) == "permission denied for table t: GRANT SELECT to the role, or USAGE on its schema"
    assert "not granted within 0.05 s (--lock-timeout)" in reason(answers[1])
    assert "use a role with BYPASSRLS" in reason(answers[2])
    assert "longer than 0.2 s (--statement-timeout" in reason(answers[3])
    assert reason(answers[4]) == 'column "foo" does not exist'
    assert isinstance(answers[5], Answer)
    assert (answers[5].rows, answers[5].names, answers[5].texts) == ([(7,)], ("n",), [("7",)])
    assert "longer than 0.1 s" in reason(slow[0])


def test_who_and_where(make_database: Callable[[str], str]) -> None:
    """A role of least privilege learns the system identifier, unless that was taken from it."""
    url = make_database("CREATE ROLE least LOGIN; GRANT pg_read_all_data TO least; CREATE TABLE t (id int)")
    with psycopg.connect(url) as connection:
        connection.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO postgres")
        connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    least = url.replace("postgres@", "least@")
    without = SnapshotHolder(parse_address(least))
    without.close()
    with psycopg.connect(url) as connection:
        connection.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
    with reading(least) as reader:
        assert isinstance(ask(reader, "TABLE t")[0], Answer)
    knowing = SnapshotHolder(parse_address(least))
    knowing.close()

    assert without.database.system_identifier is None
    assert str(knowing.database.system_identifier).isdigit()
    assert (knowing.database.user, knowing.database.superuser, knowing.database.read_only) == ("least", False, True)


def terminate(url: str, what: str) -> None:
    """End backends of ours, and wait until they are gone."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'pytest-tgintegrity' AND "
            "datname = current_database() AND query LIKE %s", [what],
        )  # fmt: skip


def test_a_lost_connection_is_made_again(database_url: str) -> None:
    """On the same snapshot; without the connection that holds it, that is said."""
    with reading(database_url) as reader:
        assert isinstance(ask(reader, "SELECT 1")[0], Answer)
        terminate(database_url, "%")

        assert reason(ask(reader, "SELECT 2")[0]).startswith("the connection was lost: ")
        assert "snapshot of this run cannot be used any more" in reason(ask(reader, "SELECT 3")[0])


def test_a_reader_that_lost_its_backend_goes_on(database_url: str) -> None:
    """The statement under way fails; the next one is answered from the same snapshot."""
    with reading(database_url) as reader:
        ask(reader, "SELECT 'find me'")
        terminate(database_url, "%find me%")
        first, second = ask(reader, "SELECT 1", "SELECT 2")

        assert reason(first).startswith("the connection was lost: ")
        assert isinstance(second, Answer)


def test_a_stopped_reader_answers_nothing_more(url: str) -> None:
    """The statement under way is cancelled, and the rest of its batch is not sent."""
    with reading(url) as reader:
        threading.Timer(0.3, reader.stop).start()
        answers = ask(reader, "SELECT pg_sleep(20)", "SELECT pg_sleep(20)", "SELECT 1")

    assert "user request" in reason(answers[0])
    assert [reason(one) for one in answers[1:]] == ["the run was interrupted"] * 2


def test_a_database_without_tables_is_no_problem(database_url: str) -> None:
    """No row, no position in it."""
    with reading(database_url) as reader:
        (answer,) = ask(reader, "SELECT 1 WHERE false")

        assert isinstance(answer, Answer)
        assert answer.rows == []
        assert answer.texts == []
