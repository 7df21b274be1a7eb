"""The only place that connects to the database under test; it can only read.

One connection, the `Coordinator`, exports a snapshot and then rests. Every question is asked by a `Reader`, which
imports that snapshot: REPEATABLE READ, READ ONLY, with its timeouts set inside the transaction and read back, so that
a pooler that drops settings is found out before the first rule runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Self

import psycopg
from psycopg import errors, sql
from psycopg.pq import ExecStatus, TransactionStatus

from pytest_tgintegrity.address import Address
from pytest_tgintegrity.encoding import adapt, text_of
from pytest_tgintegrity.errors import ConnectionFailed
from pytest_tgintegrity.loan import Connection, lent
from pytest_tgintegrity.paths import KEEP, LOOK, LOOK_AGAIN
from pytest_tgintegrity.predicates import Statement, parametrised
from pytest_tgintegrity.quiet import quiet
from pytest_tgintegrity.server_errors import explained, said, unconnected
from pytest_tgintegrity.stalls import Patience

Row = tuple[Any, ...]

CONNECT_SECONDS = 10
KEPT_ALIVE = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""When the system gives up a peer that does not answer: seconds, but milliseconds for what was sent."""

IDLE_SECONDS = 600
CANCEL_SECONDS = 2.0
POSTGRES_14 = 140_000
POSTGRES_17 = 170_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Timeouts in seconds: of one scan, and of waiting for a lock; and whether errors may quote rows."""

    statement: float = 60.0
    lock: float = 2.0
    quote: bool = True

    def said(self, error: BaseException) -> str:
        """What a server said of an error, as far as it may be told."""
        return said(error, quote=self.quote)


@dataclass(frozen=True, slots=True)
class Database:
    """Which database it is, and what we are in it. No password."""

    host: str
    port: int
    name: str
    user: str
    server_version: str
    system_identifier: str | None
    is_standby: bool
    read_only: bool
    superuser: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """A statement that the server, or the connection, did not answer: one sentence for a person, and the server's code if it gave one."""

    reason: str
    sqlstate: str | None = None


@dataclass(frozen=True, slots=True)
class TimedOut(Failure):
    """A statement that took longer than it was allowed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement returned: Python values in `rows`; `texts` and `types` are fetched as the server wrote them."""

    cursor: psycopg.Cursor[Row]

    @property
    def rows(self) -> list[Row]:
        """The rows as Python values."""
        if self.cursor.rowcount:  # none: there is no position to go to
            self.cursor.scroll(0, mode="absolute")
        return self.cursor.fetchall()

    @property
    def names(self) -> tuple[str, ...]:
        """The column names."""
        result = self.cursor.pgresult
        return tuple(text_of(result.fname(n) or b"") for n in range(result.nfields)) if result else ()

    @property
    def types(self) -> tuple[int, ...]:
        """The type OIDs of the columns."""
        result = self.cursor.pgresult
        return tuple(result.ftype(n) for n in range(result.nfields)) if result else ()

    @property
    def texts(self) -> list[tuple[str | None, ...]]:
        """The rows as text: values that Python cannot hold, such as the year 10000, survive."""
        result = self.cursor.pgresult
        if result is None:
            return []
        return [tuple(_text(result.get_value(i, j)) for j in range(result.nfields)) for i in range(result.ntuples)]


def _text(value: bytes | None) -> str | None:
    """For people and reports: bytes that are no text are marked as such."""
    return None if value is None else bytes(value).decode("utf-8", "replace")


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


PINNED = {
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "xmloption": "content",
    "xmlbinary": "base64",
    "array_nulls": "on",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
}
"""What decides how values are written as text and read again: the same in all our sessions, whoever runs them and where."""


def settings_of(limits: Limits | None, version: int) -> dict[str, str]:
    """SET LOCAL settings of a transaction; None for one that only holds the snapshot and must not be timed out."""
    settings = {
        **PINNED,
        "statement_timeout": str(_milliseconds(limits.statement) if limits else 0),
        "lock_timeout": str(_milliseconds(limits.lock) if limits else 0),
        "idle_in_transaction_session_timeout": str(IDLE_SECONDS * 1000 if limits else 0),
        "row_security": "off",
        "constraint_exclusion": "off",
        "jit": "off",
        "tcp_keepalives_idle": "60",
    }
    if version >= POSTGRES_14:
        settings["client_connection_check_interval"] = "5000"
    if version >= POSTGRES_17:
        settings["transaction_timeout"] = "0"
    return settings


READ_BACK = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def _begin(settings: dict[str, str], snapshot: str | None) -> sql.Composed:
    """One round trip: SET LOCAL may stand before SET TRANSACTION SNAPSHOT, a SELECT may not."""
    parts: list[sql.Composable] = [sql.SQL("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")]
    parts += [sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(k), sql.Literal(v)) for k, v in settings.items()]
    if snapshot is not None:
        parts.append(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
    return sql.SQL("; ").join(parts)


def read_back(expected: Mapping[str, str]) -> sql.Composed:
    """Whether settings have these values; so that it means the same on any path, operators have their schema."""
    return sql.SQL(", ").join(
        sql.SQL(
            "pg_catalog.current_setting({name}){type} OPERATOR(pg_catalog.=) {value}::pg_catalog.text{type}"
        ).format(
            name=sql.Literal(name),
            type=sql.SQL("::pg_catalog.interval" if name in READ_BACK else ""),
            value=sql.Literal(f"{value} ms" if name in READ_BACK else value),
        )
        for name, value in expected.items()
    )


def _settle(connection: Connection, settings: Mapping[str, str]) -> None:
    """In a transaction that has just begun: see that it is ours, and look on the path of the role.

    Raises `ConnectionFailed`.
    """
    expected = {"transaction_read_only": "on", "transaction_isolation": "repeatable read", "row_security": "off"}
    timeouts = {name: settings[name] for name in READ_BACK}
    kept = sql.SQL("SELECT {}, {}").format(read_back({**expected, **timeouts}), sql.SQL(LOOK))
    _check_kept((connection.execute(kept).fetchone() or ())[:-1])


def _check_kept(answer: Iterable[bool]) -> None:
    names = ("read-only transaction", "repeatable read", "row_security = off", *READ_BACK)
    dropped = [name for name, kept in zip(names, answer, strict=True) if not kept]
    if dropped:
        raise ConnectionFailed(
            f"the connection does not keep what was set inside its transaction ({', '.join(dropped)}): something between"
            " us and the server, such as a pooler, drops it; connect to PostgreSQL directly"
        )


def connect(address: Address) -> Connection:
    """Open a connection in autocommit mode, without prepared statements, which poolers do not keep.

    Raises `ConnectionFailed` in one sentence that does not hold the password.
    """
    try:
        return adapt(Connection.connect(address.conninfo, autocommit=True, prepare_threshold=None, **defaults(address)))
    except psycopg.Error as error:
        raise ConnectionFailed(f"cannot connect to {address.shown}: {address.scrub(unconnected(error))}") from None


def defaults(address: Address) -> dict[str, Any]:
    """What a connection of ours is opened with, where its address does not say otherwise."""
    settings: dict[str, Any] = {"client_encoding": "UTF8"}
    if "connect_timeout=" not in address.conninfo:
        settings["connect_timeout"] = CONNECT_SECONDS
    if "application_name=" not in address.conninfo:
        settings["application_name"] = "pytest-tgintegrity"
    alive = {name: value for name, value in KEPT_ALIVE.items() if f"{name}=" not in address.conninfo}
    return {**settings, **alive}


_IDENTITY = """
SELECT pg_catalog.pg_export_snapshot(), pg_catalog.current_database(), current_user,
       pg_catalog.current_setting('server_version'), pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('transaction_read_only') = 'on',
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
       pg_catalog.has_function_privilege('pg_catalog.pg_control_system()'::pg_catalog.text, 'EXECUTE'::pg_catalog.text)
"""
_SYSTEM = "SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system()"


class Coordinator:
    """The connection that holds the snapshot; nothing runs on it, so nothing can end it.

    `snapshot` is the id that readers import, `database` says where we are. Raises `ConnectionFailed`.
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
        self._connection.say(_begin(settings, None))
        _settle(self._connection, settings)
        row = self._connection.execute(_IDENTITY).fetchone()
        if row is None:
            raise ConnectionFailed(f"{self.address.shown} did not say which database it is")
        return str(row[0]), self._identity(row)

    def _identity(self, row: Sequence[Any]) -> Database:
        info = self._connection.info
        identifier = None
        if row[7]:
            found = self._connection.execute(_SYSTEM).fetchone()
            identifier = found[0] if found else None
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
        """Let the snapshot go."""
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
        """Connect; a reader that was connected before tries that once more, and no oftener.

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
        """The open connection for a test of its own, which cannot leave its transaction. Raises `ConnectionFailed`."""
        with lent(self.connection) as connection:
            connection.patience = Patience.for_statements(self._limits.statement)
            yield connection

    def _begin(self, connection: Connection) -> None:
        settings = settings_of(self._limits, connection.info.server_version)
        connection.patience = Patience.for_statements(self._limits.statement, 1)
        try:
            if connection.info.transaction_status is not TransactionStatus.IDLE:
                connection.say(sql.SQL("ROLLBACK"))
            connection.say(_begin(settings, self._snapshot))
            _settle(connection, settings)
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
        prepared = [parametrised(one) for one in statements]
        answers: list[Answer | Failure] = []
        retried = -1
        while len(answers) < len(prepared):
            answers += self._ask_some(prepared[len(answers) :], timeout)
            last = answers[-1]
            if isinstance(last, _Conflict) and retried < len(answers):
                retried = len(answers)
                answers.pop()
        return answers

    def allows(self, timeout: float | None) -> float:
        """The seconds that a statement may take."""
        return self._limits.statement if timeout is None else timeout

    def let_go(self) -> None:
        """End the transaction, and its locks with it; the next question begins another on the same snapshot."""
        if self._connection is not None and not self._connection.closed:
            with contextlib.suppress(psycopg.Error):
                self._connection.say(sql.SQL("ROLLBACK"))

    @contextlib.contextmanager
    def anew(self) -> Iterator[None]:
        """Look at the data of now for a while, not at the shared snapshot."""
        kept, self._snapshot = self._snapshot, None
        self.let_go()
        try:
            yield
        finally:
            self._snapshot = kept
            self.let_go()

    def ask_catalogs(self, question: sql.Composable, timeout: float | None = None) -> Answer | Failure:
        """Ask something of the catalogs: all names in it are the server's, but visible is what the role sees.

        A cursor means what it meant where it was declared, and looks with the path of where it is read.
        """
        declared = sql.SQL("DECLARE tgintegrity_catalogs NO SCROLL CURSOR FOR {}").format(question)
        steps = [
            sql.SQL(KEEP),
            declared,
            sql.SQL(LOOK_AGAIN),
            sql.SQL("FETCH ALL FROM tgintegrity_catalogs"),
            sql.SQL("CLOSE tgintegrity_catalogs"),
        ]
        statements = [parametrised(one) for one in steps]
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
        """Another statement timeout for what is sent meanwhile; its answers are waited for a little longer than that."""
        connection.patience = Patience.for_statements(self.allows(timeout), count)
        if timeout is None:
            yield
            return
        self._set_timeout(connection, timeout)
        yield
        self._set_timeout(connection, self._limits.statement)

    def _set_timeout(self, connection: Connection, seconds: float) -> None:
        value = f"{_milliseconds(seconds)}ms"
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
