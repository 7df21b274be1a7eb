"""A scratch copy of a database on which anything may be written: damage it, look, forget the damage.

The copy is loose: its constraints and triggers are still declared, as queries need them to be, but nothing enforces them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from pytest_tgintegrity.database import Answer, Failure, one_line
from pytest_tgintegrity.errors import ScratchError
from pytest_tgintegrity.predicates import Statement, parametrised
from pytest_tgintegrity.scratch import PostgresServer, connect

LOOSE = "tgintegrity_loose"
Trial = Sequence[sql.Composable]

_LOOSEN = """
SET allow_system_table_mods = on;
UPDATE pg_index SET indisunique = false, indisprimary = false WHERE indrelid >= 16384;
UPDATE pg_attribute SET attnotnull = false WHERE attrelid >= 16384 AND attnum > 0;
DO $$
DECLARE one record;
BEGIN
    FOR one IN
        SELECT conrelid::regclass AS name, string_agg(format('DROP CONSTRAINT %I', conname), ', ') AS what
        FROM pg_constraint WHERE contype IN ('c', 'x') AND conrelid >= 16384 AND coninhcount = 0 GROUP BY 1
    LOOP
        EXECUTE format('ALTER TABLE %s %s', one.name, one.what);
    END LOOP;
END $$;
"""
_SAVE, _FORGET, _RELEASE = (
    parametrised(sql.SQL(text)) for text in ("SAVEPOINT tgi", "ROLLBACK TO tgi", "RELEASE tgi")
)
_REPLICA = "SET session_replication_role = replica; SET statement_timeout = '60s'"


def loosened(server: PostgresServer) -> Workbench:
    """Copy the server's database and let go of whatever would forbid damage. Raises `ScratchError`."""
    try:
        with connect(server, "postgres") as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                    sql.Identifier(LOOSE), sql.Identifier(server.database)
                )
            )
        with connect(server, LOOSE) as connection:
            connection.execute(_LOOSEN)
        return Workbench(connect(server, LOOSE))
    except psycopg.Error as error:
        raise ScratchError(f"the scratch copy cannot be made: {one_line(error)}") from None


class Workbench:
    """A connection on which everything is forgotten in the end."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        connection.execute(_REPLICA)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done meanwhile is forgotten."""
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")

    def ask(self, statements: Sequence[sql.Composable]) -> list[Answer | Failure]:
        """Answers in the order of the statements, which only read; one that fails does not disturb the others."""
        answers: list[Answer | Failure] = []
        prepared = [parametrised(one) for one in statements]
        while len(answers) < len(prepared):
            cursors, error = self._send([_SAVE, *prepared[len(answers) :], _RELEASE])
            answers += [Answer(cursor) for cursor in cursors[1:]][: len(prepared) - len(answers)]
            if error is not None:
                self._forget()
                answers.append(Failure(error))
        return answers

    def ask_for_good(self, statements: Sequence[sql.Composable]) -> list[Answer | Failure]:
        """As `ask`; what the statements write lasts until the transaction, or a savepoint around this, ends."""
        return self.ask(statements)

    def try_all(self, trials: Sequence[Trial]) -> list[list[Answer] | Failure]:
        """Each trial on the data as it is now, forgotten before the next."""
        found: list[list[Answer] | Failure] = []
        prepared = [[_SAVE, *map(parametrised, trial), _FORGET, _RELEASE] for trial in trials]
        while len(found) < len(prepared):
            rest = prepared[len(found) :]
            cursors, error = self._send([one for trial in rest for one in trial])
            for trial in rest:
                if len(trial) > len(cursors):
                    break
                found.append([Answer(cursor) for cursor in cursors[1 : len(trial) - 2]])
                cursors = cursors[len(trial) :]
            if error is not None:
                self._forget()
                found.append(Failure(error))
        return found

    def _forget(self) -> None:
        self.connection.execute("ROLLBACK TO tgi; RELEASE tgi")

    def _send(self, statements: Sequence[Statement]) -> tuple[list[psycopg.Cursor[Any]], str | None]:
        """The cursors that were answered, and what went wrong with the next one."""
        cursors: list[psycopg.Cursor[Any]] = []
        try:
            with self.connection.pipeline():
                for statement in statements:
                    cursors.append(psycopg.RawCursor(self.connection))
                    cursors[-1].execute(statement.query, statement.values)
        except psycopg.Error as error:
            answered = [cursor for cursor in cursors if cursor.pgresult is not None]
            return answered, error.diag.message_primary or one_line(error)
        return cursors, None

    def close(self) -> None:
        """Let go of the connection."""
        self.connection.close()
