"""Connections that are lent to a rule's test: whatever it sends, it stays in the transaction that was begun for it.

Three things ensure that. Statements that would end the transaction are not sent, by no method of any cursor. The server
refuses to commit: a cursor WITH HOLD is declared whose query runs only at COMMIT, and fails. And at the end a setting that
lives as long as the transaction is read back.
"""

from __future__ import annotations

import contextlib
import inspect
import secrets
from collections.abc import Generator, Iterable, Iterator
from typing import Any, Final, NoReturn, Self, TypeVar

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from pytest_tgintegrity.database.connections.stalls import PatientConnection
from pytest_tgintegrity.errors import ConnectionFailed
from pytest_tgintegrity.planning.sql.encoding import bytes_of, sql_bytes, text_of
from pytest_tgintegrity.planning.sql.tokens import sign_at, tokens_of, word_at, words

Row = tuple[Any, ...]
T = TypeVar("T")

_NEVER_ENDED: Final = (
    "the transaction of db cannot be ended: nothing that is done in it is kept, there is nothing to commit or to roll"
    " back; to go on after an error use `with db.transaction():`"
)
_ONE: Final = "db takes one statement at a time: write the others in calls of their own"
_STRANGE: Final = "db takes statements from its own cursors only: use `db.execute` or `db.cursor()`"
_LEFT: Final = "its test left the transaction of db, which is on the snapshot of the run: what it saw after that is not what other rules saw"

_ENDS: Final = frozenset({"begin", "start", "commit", "end", "abort"})
_OPENED: Final = sql.SQL("""
    SELECT pg_catalog.set_config('tgintegrity.loan', {token}, true);
    DECLARE tgintegrity_loan NO SCROLL CURSOR WITH HOLD FOR
        SELECT pg_catalog.concat('a rule never commits: ', pg_catalog.pg_backend_pid())::pg_catalog.int4;
    SAVEPOINT tgintegrity_loan
""")  # the number of the process, so that it is no constant, which would fail at once
_BACK: Final = sql.SQL("ROLLBACK TO SAVEPOINT tgintegrity_loan")
_OURS: Final = sql.SQL("""
    SELECT pg_catalog.current_setting('tgintegrity.loan', true) OPERATOR(pg_catalog.=) {token}::pg_catalog.text
       AND pg_catalog.current_setting('transaction_read_only') OPERATOR(pg_catalog.=) 'on'::pg_catalog.text
""")


def ends_transaction(text: str) -> bool:
    """Whether a statement ends a transaction, or begins one: ROLLBACK TO a savepoint does not."""
    tokens, n = tokens_of(text), 0
    while sign_at(tokens, n) == ";":  # an empty statement
        n += 1
    first, second = word_at(tokens, n), word_at(tokens, n + 1)
    if first == "rollback":
        return word_at(tokens, n + 1 + (second in ("work", "transaction"))) != "to"
    return first in _ENDS or (first, second) == ("prepare", "transaction")


def is_several(text: str) -> bool:
    """Whether there is more than one statement."""
    tokens = tokens_of(text)
    return any(sign_at(tokens, n) == ";" and sign_at(tokens, n + 1) != ";" for n in range(len(tokens) - 1))


def _text(query: Any, connection: psycopg.Connection[Any]) -> str:
    if isinstance(query, str):
        return query
    if isinstance(query, bytes):
        return text_of(query)
    encoded = sql_bytes(query, connection) if isinstance(query, sql.Composable) else sql.as_bytes(query, connection)
    return text_of(encoded)


class OneStatementCursor(psycopg.Cursor[Row]):
    """A cursor that sends one statement at a time, always, and only inside the transaction of its connection.

    A pipeline uses the extended protocol also where there are no parameters; the simple protocol would take several
    statements, among them the COMMIT that ends the read-only transaction.
    """

    def execute(
        self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool | None = None
    ) -> Self:
        """As in psycopg. Raises `psycopg.ProgrammingError` for what ends the transaction, and for several statements."""
        check(self.connection, query)
        sent = bytes_of(query) if isinstance(query, str) else query  # the connection's own encoding may be ASCII
        with self.connection.pipeline():
            return super().execute(sent, params, prepare=prepare, binary=binary)

    def executemany(self, query: Any, params_seq: Iterable[Any], *, returning: bool = False) -> None:
        """As in psycopg. Raises `psycopg.ProgrammingError` for what ends the transaction."""
        check(self.connection, query, alone=True)
        super().executemany(query, params_seq, returning=returning)

    def stream(self, query: Any, params: Any = None, *, binary: bool | None = None, size: int = 1) -> Iterator[Row]:
        """As in psycopg. Raises `psycopg.ProgrammingError` for what ends the transaction."""
        check(self.connection, query, alone=True)
        return super().stream(query, params, binary=binary, size=size)

    def copy(  # type: ignore[override] # the same, but psycopg has one signature for each kind of statement
        self, statement: Any, params: Any = None, *, writer: Any = None
    ) -> contextlib.AbstractContextManager[psycopg.Copy]:
        """As in psycopg. Raises `psycopg.ProgrammingError` for what ends the transaction."""
        check(self.connection, statement, alone=True)
        return super().copy(statement, params, writer=writer)


class OneStatementServerCursor(psycopg.ServerCursor[Row]):
    """A cursor in the server: what it declares is one query."""

    def execute(self, query: Any, params: Any = None, *, binary: bool | None = None, **more: Any) -> Self:
        """As in psycopg. Raises `psycopg.ProgrammingError` for several statements."""
        check(self.connection, query, alone=True)
        return super().execute(query, params, binary=binary, **more)

    def stream(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: a cursor in the server is read as it comes."""
        raise psycopg.NotSupportedError(_STRANGE)

    def copy(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: nothing is copied from a cursor in the server."""
        raise psycopg.NotSupportedError(_STRANGE)


def check(connection: psycopg.Connection[Any], query: Any, *, alone: bool = False) -> None:
    """Raise `psycopg.ProgrammingError` outside the transaction, and for statements that a lent connection must not send."""
    if connection.info.transaction_status is TransactionStatus.IDLE:
        raise psycopg.ProgrammingError(_NEVER_ENDED)
    if not isinstance(connection, Connection) or not connection.is_lent:
        return
    text = _text(query, connection)
    if ends_transaction(text):
        raise psycopg.ProgrammingError(_NEVER_ENDED)
    connection.lost_locks |= "rollback" in words(text).names
    if alone and is_several(text):
        raise psycopg.ProgrammingError(_ONE)


class Connection(PatientConnection[Row]):
    """A psycopg connection that stays in the transaction that was begun on it; `is_lent` while a test has it.

    `lost_locks`: a test went back to a savepoint, so tables that it read since then are not locked any more.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_lent = False
        self.lost_locks = False
        self.cursor_factory = OneStatementCursor
        self.server_cursor_factory = OneStatementServerCursor

    def say(self, statements: sql.SQL | sql.Composed) -> None:
        """Send statements that begin or end the transaction."""
        psycopg.RawCursor(self).execute(statements)

    @contextlib.contextmanager
    def transaction(
        self,
        savepoint_name: str | None = None,
        force_rollback: bool = False,  # noqa: FBT001, FBT002 - as in psycopg
    ) -> Iterator[psycopg.Transaction]:
        """As in psycopg; a rollback sets `lost_locks`."""
        self.lost_locks |= self.is_lent and force_rollback
        with super().transaction(savepoint_name, force_rollback) as transaction:
            try:
                yield transaction
            except BaseException:
                self.lost_locks |= self.is_lent
                raise

    def commit(self) -> NoReturn:
        """Refuse: what follows would be outside the snapshot."""
        raise psycopg.ProgrammingError(_NEVER_ENDED)

    def rollback(self) -> NoReturn:
        """Refuse: what follows would be outside the snapshot."""
        raise psycopg.ProgrammingError(_NEVER_ENDED)

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        """As in psycopg, which sends everything from here: a lent connection knows its own cursors only."""
        if self.is_lent:
            self._check(gen)
        return super().wait(gen, *args, **kwargs)

    def _check(self, gen: object) -> None:
        if self.info.transaction_status is TransactionStatus.IDLE:
            raise psycopg.ProgrammingError(_NEVER_ENDED)
        sender = inspect.getgeneratorlocals(gen).get("self") if inspect.isgenerator(gen) else None
        if isinstance(sender, psycopg.Cursor) and not isinstance(sender, OneStatementCursor | OneStatementServerCursor):
            raise psycopg.ProgrammingError(_STRANGE)


@contextlib.contextmanager
def lent(connection: Connection) -> Iterator[Connection]:
    """A connection for a test; afterwards it is checked that its transaction is still the same.

    Raises `ConnectionFailed` if it is not: the test may have read outside the snapshot.
    """
    token = secrets.token_hex(8)
    connection.say(_OPENED.format(token=sql.Literal(token)))
    connection.is_lent, connection.lost_locks = True, False
    try:
        yield connection
    finally:
        connection.is_lent = False
        _check_ours(connection, token)


_UNASKED: Final = (TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN)
"""A statement is still being read, or the connection is gone: nothing can have followed it."""


def _check_ours(connection: Connection, token: str) -> None:
    status = connection.info.transaction_status
    if status in _UNASKED:
        return
    if status is TransactionStatus.IDLE or not _is_ours(connection, token, status):
        raise ConnectionFailed(_LEFT)


def _is_ours(connection: Connection, token: str, status: TransactionStatus) -> bool:
    try:
        if status is TransactionStatus.INERROR:
            connection.say(_BACK)
            connection.lost_locks = True
        cursor = psycopg.RawCursor(connection, row_factory=tuple_row).execute(_OURS.format(token=sql.Literal(token)))
        return bool((cursor.fetchone() or (False,))[0])
    except psycopg.errors.InvalidSavepointSpecification:
        return False
