"""Transactions that write and are always rolled back, for probes that time writing; never in production.

The server itself refuses to commit them: each transaction holds a cursor whose query is run only by COMMIT, and fails. Two
things remain to be checked in the end: that the transaction is still ours, and that it was aborted.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Self

import psycopg
from psycopg import errors, sql
from psycopg.pq import TransactionStatus

from pytest_tgintegrity.database.connections.address import Address
from pytest_tgintegrity.database.connections.loan import Connection
from pytest_tgintegrity.database.connections.opening import Limits, connect
from pytest_tgintegrity.database.connections.stalls import Patience
from pytest_tgintegrity.database.connections.writer import allow_writing
from pytest_tgintegrity.database.messages.server_errors import said
from pytest_tgintegrity.errors import ConnectionFailed, NotTimed, UsageError
from pytest_tgintegrity.planning.sql.encoding import sql_text

ENVIRONMENT: Final = "tgintegrity.environment"
HARMLESS: Final = ("staging", "test", "development", "demo")
_PRODUCTION: Final = re.compile(r"prod|(?<![a-z])(?:live|prd)(?![a-z])", re.IGNORECASE)

_REFUSAL: Final = "a probe that writes never commits"
_LEFT: Final = "it ended the transaction that is rolled back, or closed all cursors in it: what it wrote after that may have been kept"
_BEGIN: Final = sql.SQL("""
    SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text,
           pg_catalog.set_config('idle_in_transaction_session_timeout', '10s', true)
""")
_GUARD: Final = sql.SQL("""
    DECLARE tgintegrity_guard CURSOR WITH HOLD FOR SELECT pg_catalog.concat({}, pg_catalog.pg_backend_pid())::int
""").format(sql.Literal(f"{_REFUSAL}: "))  # of the process, so that it is no constant, which would fail at once
_OURS: Final = """
    SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text OPERATOR(pg_catalog.=) %s::pg_catalog.text AND EXISTS (
        SELECT FROM pg_catalog.pg_cursors WHERE name OPERATOR(pg_catalog.=) 'tgintegrity_guard'::pg_catalog.text)
"""
_FATE: Final = "SELECT pg_catalog.pg_xact_status($1::pg_catalog.text::pg_catalog.xid8)"
_WHERE: Final = f"""
    SELECT pg_catalog.pg_is_in_recovery(),
           pg_catalog.current_setting('default_transaction_read_only') OPERATOR(pg_catalog.=) 'on'::pg_catalog.text,
           pg_catalog.current_database()::pg_catalog.text, ARRAY(
        SELECT pg_catalog.current_setting('tgintegrity.environment', true)
        UNION SELECT pg_catalog.substr(setting, {len(ENVIRONMENT) + 2})
        FROM pg_catalog.pg_db_role_setting AS kept CROSS JOIN pg_catalog.unnest(kept.setconfig) AS setting
        WHERE kept.setdatabase OPERATOR(pg_catalog.=) (
            SELECT oid FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
        AND pg_catalog.starts_with(setting, 'tgintegrity.environment=')
    )
"""  # noqa: S608 - only a length of ours is filled in


def why_not(database: str, names: Iterable[str], declared: Iterable[str]) -> str | None:
    """Why nothing may be written to a database, or None.

    `names` are those of the database, its server and its address; `declared` are the environments that it says it is.
    """
    declarations = list(declared)
    if strange := [environment for environment in declarations if environment.lower() not in HARMLESS]:
        return (
            f"--probe-writes is for staging, and {database} says that it is {strange[0]!r} ({ENVIRONMENT}): leave it out,"
            f" or declare one of {', '.join(HARMLESS)}"
        )
    if not declarations and (alarming := [name for name in names if _PRODUCTION.search(name)]):
        return (
            f"--probe-writes is for staging, and {alarming[0]!r} looks like production: leave it out, or if it is none, "
            f"ALTER DATABASE {sql_text(sql.Identifier(database))} SET {ENVIRONMENT} = 'staging'"
        )
    return None


class Rehearsal:
    """A connection on which everything is rolled back. Nothing is opened before it is used.

    Raises `UsageError` where nothing may be written, and `ConnectionFailed` where nothing can be.
    """

    def __init__(self, address: Address, limits: Limits) -> None:
        self._address = address
        self._limits = limits
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        """Nothing to do before the first transaction."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection: a transaction that is still open ends with it."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()

    def check(self) -> None:
        """Raise unless something may be written to this database."""
        self._open()

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._address)
            self._check(self._connection)
        return self._connection

    def _check(self, connection: Connection) -> None:
        where = self._address.shown
        try:
            standby, only_reads, database, declared = _ask(connection, _WHERE) or (None, None, "", [])
        except psycopg.Error as error:
            answer = self._address.scrub(self._limits.said(error))
            raise ConnectionFailed(f"--probe-writes: {where} does not say whether it is production: {answer}") from None
        if standby:
            raise UsageError(f"--probe-writes: {where} is a standby, where nothing can be written: name its primary")
        if only_reads:
            raise UsageError(
                f"--probe-writes: {where} is set to read only (default_transaction_read_only), by role, database or"
                " server: use a role that is meant to write, on staging (docs/roles.md)"
            )
        names = [database, connection.info.host, where]
        if refusal := why_not(database, names, [environment for environment in declared if environment]):
            raise UsageError(refusal)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction in which anything can be written, and which is rolled back in the end.

        Raises `NotTimed` if somebody tries to commit it, if others hold a lock, or if it is not ours any more in the end.
        """
        connection = self._open()
        connection.patience = Patience.for_statements(self._limits.statement)
        connection.say(sql.SQL("BEGIN"))
        allow_writing(connection, self._limits)
        (number, _) = connection.execute(_BEGIN).fetchone() or ("0", None)
        connection.execute(_GUARD)
        try:
            yield connection
            _check_ours(connection, number)
        except psycopg.Error as error:
            raise self._explained(error, connection) from None
        finally:
            if not connection.closed:  # whoever is cut off from the server is rolled back by it
                _take_back(connection, number)

    def _explained(self, error: psycopg.Error, connection: Connection) -> Exception:
        if connection.closed:
            return _lost(error)
        if isinstance(error, errors.LockNotAvailable):
            waited = f"{self._limits.lock:g} s, --lock-timeout"
            return NotTimed(f"somebody else holds a lock that it needs (waited {waited})")
        if _REFUSAL in str(error):
            return NotTimed("it tried to commit, which the server refused: a probe that writes is always rolled back")
        return NotTimed(_LEFT) if connection.info.transaction_status is TransactionStatus.IDLE else error


def _ask(connection: Connection, query: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    """The first row of a query that is asked outside of any transaction."""
    return psycopg.RawCursor(connection).execute(query.encode(), values).fetchone()


def _lost(error: psycopg.Error) -> ConnectionFailed:
    return ConnectionFailed(f"the connection was lost: {said(error)}")


def _check_ours(connection: Connection, number: str) -> None:
    (ours,) = connection.execute(_OURS, [number]).fetchone() or (False,)
    if not ours:
        raise NotTimed(_LEFT)


def _take_back(connection: Connection, number: str) -> None:
    """Roll back, and raise `NotTimed` unless the server says that the transaction was aborted."""
    try:
        if connection.info.transaction_status is not TransactionStatus.IDLE:
            connection.say(sql.SQL("ROLLBACK"))
        (fate,) = _ask(connection, _FATE, [number]) or (None,)
    except psycopg.OperationalError as error:
        raise _lost(error) from None
    if fate != "aborted":
        raise NotTimed(
            f"WHAT IT WROTE WAS KEPT: transaction {number} is {fate or 'unknown'}, not aborted; look at it at once"
        )
