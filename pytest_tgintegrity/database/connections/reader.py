"""The only place that connects to the database under test; it can only read.

One connection, the `SnapshotHolder`, exports a snapshot and is then idle. Every question is asked by a `Reader`, which
imports that snapshot: REPEATABLE READ, READ ONLY, with its timeouts set inside the transaction and read back, so that
a pooler that drops settings is noticed before the first rule runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Self

import psycopg
from psycopg import errors, sql
from psycopg.pq import ExecStatus, TransactionStatus

from pytest_tgintegrity.database.connections.address import Address
from pytest_tgintegrity.database.connections.answers import Answer, Failure, Row, TimedOut
from pytest_tgintegrity.database.connections.loan import Connection, lent
from pytest_tgintegrity.database.connections.opening import (
    Limits,
    begin_reading,
    check_settled,
    connect,
    milliseconds,
    settings_of,
)
from pytest_tgintegrity.database.connections.stalls import Patience
from pytest_tgintegrity.database.messages.quiet import quiet
from pytest_tgintegrity.database.messages.server_errors import explained, said
from pytest_tgintegrity.errors import ConnectionFailed
from pytest_tgintegrity.judging.summary import Database
from pytest_tgintegrity.planning.sql.compose import Statement, parametrised
from pytest_tgintegrity.planning.sql.paths import KEEP, LOOK_AGAIN

CANCEL_SECONDS = 2.0


_IDENTITY = """
SELECT pg_catalog.pg_export_snapshot(), pg_catalog.current_database(), current_user,
       pg_catalog.current_setting('server_version'), pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('transaction_read_only') = 'on',
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
       pg_catalog.has_function_privilege('pg_catalog.pg_control_system()'::pg_catalog.text, 'EXECUTE'::pg_catalog.text)
"""
_SYSTEM = "SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system()"


class SnapshotHolder:
    """The connection that holds the snapshot; nothing runs on it, so nothing can end it.

    `snapshot` is the id that readers import, `database` describes the database. Raises `ConnectionFailed`.
    """

    def __init__(self, address: Address) -> None:
        self._connection = connect(address)
        self.address = address.with_password(self._connection.info.password)
        try:
            self.snapshot, self.database = self._begin()
        except psycopg.Error as error:
            self.close()
            raise ConnectionFailed(f"{address.shown} refused a read-only snapshot: {said(error)}") from None
        except ConnectionFailed:
            self.close()
            raise

    def _begin(self) -> tuple[str, Database]:
        settings = settings_of(None, self._connection.info.server_version)
        self._connection.say(begin_reading(settings, None))
        check_settled(self._connection, settings)
        row = self._connection.execute(_IDENTITY).fetchone()
        if row is None:
            raise ConnectionFailed(f"{self.address.shown} did not say which database it is")
        return str(row[0]), self._identity(row)

    def _identity(self, row: Sequence[Any]) -> Database:
        info = self._connection.info
        identifier = None
        if row[7]:
            system = self._connection.execute(_SYSTEM).fetchone()
            identifier = system[0] if system else None
        return Database(
            host=info.host,
            port=info.port,
            name=row[1],
            user=row[2],
            server_version=row[3],
            system_identifier=identifier,
            is_standby=row[4],
            read_only=row[5],
            superuser=row[6],
        )

    def close(self) -> None:
        """Release the snapshot."""
        with contextlib.suppress(psycopg.Error):
            self._connection.close()


_SET_TIMEOUT = "SELECT pg_catalog.set_config('statement_timeout', $1, true)"


class Reader:
    """A connection on the shared snapshot. After an error it begins again on the same snapshot.

    `begun` counts its transactions: locks last as long as one of them.
    """

    def __init__(self, address: Address, snapshot: str, limits: Limits) -> None:
        self._address = address
        self._snapshot: str | None = snapshot
        self.begun = 0
        self._limits = limits
        self._connection: Connection | None = None
        self._stopped = False
        self._lost: str | None = None

    def __enter__(self) -> Self:
        """Nothing is opened before the first question."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    @property
    def connection(self) -> Connection:
        """The open connection, inside its read-only transaction.

        Raises `ConnectionFailed` if it cannot be opened, or if the settings are not kept.
        """
        if self._stopped:
            raise ConnectionFailed("the run was interrupted")
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        if self._connection.info.transaction_status is not TransactionStatus.INTRANS:
            self._begin(self._connection)
        return self._connection

    def _connect(self) -> Connection:
        """Connect; a reader that lost its connection tries it only once more.

        Raises `ConnectionFailed`.
        """
        if self._lost is not None:
            raise ConnectionFailed(self._lost)
        try:
            connection = connect(self._address)
        except ConnectionFailed as error:
            self._lost = str(error) if self.begun else None
            raise
        return connection

    @contextlib.contextmanager
    def lent(self) -> Iterator[Connection]:
        """The open connection, lent to a test, which cannot leave its transaction. Raises `ConnectionFailed`."""
        with lent(self.connection) as connection:
            connection.patience = Patience.for_statements(self._limits.statement)
            yield connection

    def _begin(self, connection: Connection) -> None:
        settings = settings_of(self._limits, connection.info.server_version)
        connection.patience = Patience.for_statements(self._limits.statement, 1)
        try:
            if connection.info.transaction_status is not TransactionStatus.IDLE:
                connection.say(sql.SQL("ROLLBACK"))
            connection.say(begin_reading(settings, self._snapshot))
            check_settled(connection, settings)
            self.begun += 1
        except psycopg.Error as error:
            connection.close()
            words = self._address.scrub(self._limits.said(error))
            raise ConnectionFailed(f"the snapshot of this run cannot be used any more: {words}") from None

    def ask(self, statements: Sequence[sql.Composable], timeout: float | None = None) -> list[Answer | Failure]:
        """Send all statements in one pipeline; each is answered or failed on its own.

        `timeout` (seconds) replaces the statement timeout of the limits. A statement that lost a conflict with a
        standby's recovery is tried once more.
        """
        prepared = [parametrised(statement) for statement in statements]
        answers: list[Answer | Failure] = []
        retried = -1
        while len(answers) < len(prepared):
            answers += self._ask_some(prepared[len(answers) :], timeout)
            last = answers[-1]
            if isinstance(last, _Conflict) and retried < len(answers):
                retried = len(answers)
                answers.pop()
        return answers

    def begin(self) -> int:
        """Begin a transaction unless there is one; its number. What prevents that is the answer to the next question."""
        with contextlib.suppress(ConnectionFailed):
            _ = self.connection
        return self.begun

    def allows(self, timeout: float | None) -> float:
        """The seconds that a statement may take."""
        return self._limits.statement if timeout is None else timeout

    def end_transaction(self) -> None:
        """End the transaction, and its locks with it; the next question begins another on the same snapshot."""
        if self._connection is not None and not self._connection.closed:
            with contextlib.suppress(psycopg.Error):
                self._connection.say(sql.SQL("ROLLBACK"))

    @contextlib.contextmanager
    def on_current_data(self) -> Iterator[None]:
        """Read current data, not the shared snapshot, inside the block."""
        kept, self._snapshot = self._snapshot, None
        self.end_transaction()
        try:
            yield
        finally:
            self._snapshot = kept
            self.end_transaction()

    def ask_catalogs(self, question: sql.Composable, timeout: float | None = None) -> Answer | Failure:
        """Ask about the catalogs: names in the question are the server's own, but visibility is that of the role's search path.

        A cursor resolves names with the path of its declaration, but functions use the path at the time of the fetch.
        """
        declared = sql.SQL("DECLARE tgintegrity_catalogs NO SCROLL CURSOR FOR {}").format(question)
        steps = [
            sql.SQL(KEEP),
            declared,
            sql.SQL(LOOK_AGAIN),
            sql.SQL("FETCH ALL FROM tgintegrity_catalogs"),
            sql.SQL("CLOSE tgintegrity_catalogs"),
        ]
        statements = [parametrised(step) for step in steps]
        answers = self._ask_some(statements, timeout)
        if isinstance(answers[-1], _Conflict):
            answers = self._ask_some(statements, timeout)
        return answers[-1] if isinstance(answers[-1], Failure) else answers[3]

    def _ask_some(self, statements: Sequence[Statement], timeout: float | None) -> list[Answer | Failure]:
        """The answers up to and including the first failure."""
        cursors: list[psycopg.Cursor[Row]] = []
        try:
            connection = self.connection
            with quiet(), connection.pipeline(), self._allowing(connection, timeout, len(statements)):
                for statement in statements:
                    cursors.append(psycopg.RawCursor(connection))
                    cursors[-1].execute(statement.query, statement.values)
                    connection.pgconn.send_flush_request()  # each answer comes when it is there: silence means something
        except ConnectionFailed as error:
            return [Failure(str(error))] * len(statements)
        except psycopg.Error as error:
            answered: list[Answer | Failure] = [Answer(cursor) for cursor in takewhile(_is_answered, cursors)]
            return [*answered, replace(self._failure(error, timeout), sqlstate=error.sqlstate)][: len(statements)]
        return [Answer(cursor) for cursor in cursors]

    @contextlib.contextmanager
    def _allowing(self, connection: Connection, timeout: float | None, count: int) -> Iterator[None]:
        """Another statement timeout for what is sent meanwhile; we wait a little longer for the answers."""
        connection.patience = Patience.for_statements(self.allows(timeout), count)
        if timeout is None:
            yield
            return
        self._set_timeout(connection, timeout)
        yield
        self._set_timeout(connection, self._limits.statement)

    def _set_timeout(self, connection: Connection, seconds: float) -> None:
        value = f"{milliseconds(seconds)}ms"
        psycopg.RawCursor(connection).execute(_SET_TIMEOUT, [value])

    def _failure(self, error: psycopg.Error, timeout: float | None) -> Failure:
        kinds = {errors.SerializationFailure: _Conflict, errors.QueryCanceled: TimedOut}
        kind = next((kind for of, kind in kinds.items() if isinstance(error, of)), Failure)
        words = explained(error, self.allows(timeout), self._limits.lock, quote=self._limits.quote)
        return kind(self._address.scrub(words))

    def stop(self) -> None:
        """Ask the server to stop what this connection is doing, and ask it nothing more."""
        self._stopped = True
        if self._connection is not None and not self._connection.closed:
            with contextlib.suppress(psycopg.Error):
                self._connection.cancel_safe(timeout=CANCEL_SECONDS)

    def close(self) -> None:
        """Close the connection; its transaction ends with it."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()


def _is_answered(cursor: psycopg.Cursor[Row]) -> bool:
    return cursor.pgresult is not None and cursor.pgresult.status == ExecStatus.TUPLES_OK


@dataclass(frozen=True, slots=True)
class _Conflict(Failure):
    """A statement that lost to the recovery of a standby."""
