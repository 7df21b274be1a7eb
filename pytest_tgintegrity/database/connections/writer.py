"""A connection that may write to the database under test: for fixes and undos, and for probes that are rolled back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Self

import psycopg
from psycopg import sql

from pytest_tgintegrity.database.connections.address import Address
from pytest_tgintegrity.database.connections.answers import Row
from pytest_tgintegrity.database.connections.opening import READ_BACK, Limits, defaults, read_back, settings_of
from pytest_tgintegrity.database.connections.stalls import Patience, PatientConnection
from pytest_tgintegrity.database.messages.encoding import adapt
from pytest_tgintegrity.database.messages.server_errors import said
from pytest_tgintegrity.errors import ConnectionFailed
from pytest_tgintegrity.planning.sql import paths


class Writer:
    """A connection that may write, one transaction at a time: READ COMMITTED, with the limits of the run set inside.

    Nothing but `pg_catalog` is found without its schema (but see `own_path`). Values are passed as ``$1``. Nothing is opened
    before the first transaction.
    """

    def __init__(self, address: Address, limits: Limits) -> None:
        self.address = address
        self.limits = limits
        self._connection: PatientConnection[Row] | None = None

    def __enter__(self) -> Self:
        """Nothing to do before the first transaction."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()

    @contextlib.contextmanager
    def transaction(self, *, patient: bool = False) -> Iterator[PatientConnection[Row]]:
        """One transaction: committed at the end, rolled back by an exception. With `patient` the server sets it no time limit.

        Raises `ConnectionFailed` where nothing can be written, as on a standby.
        """
        connection = self._open()
        connection.patience = self.patience
        with connection.transaction():
            allow_writing(connection, None if patient else self.limits)
            connection.execute(paths.KEEP)
            if patient:
                connection.patience = Patience.without_limit()
            try:
                yield connection
            finally:
                connection.patience = self.patience

    @property
    def patience(self) -> Patience:
        """How long to wait for the answer to a statement that the server limits."""
        return Patience.for_statements(self.limits.statement, 1)

    def _open(self) -> PatientConnection[Row]:
        if self._connection is None or self._connection.closed:
            try:
                self._connection = adapt(
                    PatientConnection[Row].connect(
                        self.address.conninfo, autocommit=True, prepare_threshold=None, **defaults(self.address)
                    )
                )
                self._connection.cursor_factory = psycopg.RawCursor
                (standby,) = self._connection.execute("SELECT pg_catalog.pg_is_in_recovery()").fetchone() or (None,)
            except psycopg.Error as error:
                raise ConnectionFailed(
                    f"cannot connect to {self.address.shown} to write: {self.address.scrub(said(error))}"
                ) from None
            if standby:
                raise ConnectionFailed(f"{self.address.shown} is a standby: mend the data on the primary")
        return self._connection


@contextlib.contextmanager
def own_path(connection: psycopg.Connection[Row], *, exactly: bool = False) -> Iterator[None]:
    """The search path of the role again, for rules and triggers, which name tables without their schema.

    For triggers it is `exactly` the path of the application; for rules ``pg_catalog`` comes first.
    """
    connection.execute(paths.OWN if exactly else paths.LOOK_AGAIN)
    yield
    connection.execute(paths.OURS)


def allow_writing(connection: psycopg.Connection[Row], limits: Limits | None) -> None:
    """Let the transaction that has just begun write, with limits set inside. Raises `ConnectionFailed` if they are dropped."""
    settings = settings_of(limits, connection.info.server_version)
    connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE")
    sets = [
        sql.SQL("pg_catalog.set_config({}, {}, true)").format(sql.Literal(k), sql.Literal(v))
        for k, v in settings.items()
    ]
    connection.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(sets)))
    expected = {"transaction_read_only": "off", **{name: settings[name] for name in READ_BACK}}
    kept = connection.execute(sql.SQL("SELECT {}").format(read_back(expected))).fetchone() or (False,)
    if not all(kept):
        raise ConnectionFailed("the connection does not keep what was set inside its transaction: connect directly")
