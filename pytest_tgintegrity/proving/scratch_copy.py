"""A scratch copy of a database on which anything may be written: damage it, look, roll the damage back.

The copy is loose: its constraints, indexes and triggers are still in the catalogs, where rules look for them and queries
need them, but nothing enforces them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pytest_tgintegrity.database.connections.answers import Answer, Failure
from pytest_tgintegrity.database.messages.encoding import adapt
from pytest_tgintegrity.database.messages.server_errors import primary, said
from pytest_tgintegrity.errors import NotEvaluated, NotProven, ScratchError
from pytest_tgintegrity.fixing.plan.writes import ColumnType, Placed, Target, Write, at_home, table_behind
from pytest_tgintegrity.planning.sources import PreparedSource
from pytest_tgintegrity.planning.sql.compose import Statement, parametrised, readable
from pytest_tgintegrity.servers.postgres import PostgresServer, connect

LOOSE = "tgintegrity_loose"
COPIES_FILES = 15  # the major version from which CREATE DATABASE has to name this strategy
EMPTY = "no row to break: what it looks at is empty in the clean data"

_LOOSEN = """
SET allow_system_table_mods = on;
UPDATE pg_index SET indisunique = false, indisprimary = false, indisexclusion = false WHERE indrelid >= 16384;
UPDATE pg_attribute SET attnotnull = false WHERE attrelid >= 16384 AND attnum > 0 AND attnotnull;
UPDATE pg_attribute SET attidentity = 'd' WHERE attrelid >= 16384 AND attidentity = 'a';
UPDATE pg_class SET relchecks = 0 WHERE oid >= 16384 AND relchecks > 0;
UPDATE pg_type SET typnotnull = false WHERE oid >= 16384 AND typnotnull;
UPDATE pg_constraint SET contype = 't' WHERE contypid >= 16384;  -- of domains: any sort that asks nothing of values
"""
_FREELY = """
SET session_replication_role = replica;
SET allow_system_table_mods = on;
SET statement_timeout = '60s';
SET client_encoding = 'UTF8';
"""
_STORED = """
WITH RECURSIVE based AS (
    SELECT oid AS own, oid AS base, typbasetype AS below FROM pg_type
    UNION ALL SELECT own, t.oid, t.typbasetype FROM based JOIN pg_type t ON t.oid = below
)
SELECT a.attrelid::oid, a.attname, a.attrelid::regclass::text, t.typname, format_type(t.oid, -1)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN based ON own = a.atttypid AND below = 0 JOIN pg_type t ON t.oid = base
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND c.oid >= 16384
"""
_SAVE, _FORGET, _RELEASE = (parametrised(sql.SQL(text)) for text in ("SAVEPOINT tgi", "ROLLBACK TO tgi", "RELEASE tgi"))


Sendable = sql.Composable | Statement


@dataclass(frozen=True, slots=True)
class Stopped:
    """A trial that the server broke off: the statement number `at` failed, for `reason`."""

    reason: str
    at: int


def _ready(statement: Sendable) -> Statement:
    return statement if isinstance(statement, Statement) else parametrised(statement)


def loosened(server: PostgresServer, *, quote: bool = True) -> ScratchCopy:
    """Copy the server's database, and stop enforcing what the copy declares; `quote`: messages of errors may quote rows.

    Raises `ScratchError`.
    """
    try:
        with connect(server, "postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(LOOSE)))
            how = sql.SQL(" STRATEGY file_copy" if server.binaries.major >= COPIES_FILES else "")
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}{}").format(
                    sql.Identifier(LOOSE), sql.Identifier(server.database), how
                )
            )
        with connect(server, LOOSE) as connection:
            connection.execute(_LOOSEN)
        return ScratchCopy(connect(server, LOOSE), quote=quote)
    except psycopg.Error as error:
        raise ScratchError(f"the scratch copy cannot be made: {said(error, quote=quote)}") from None


class ScratchCopy:
    """A connection to the copy; all changes on it are rolled back in the end."""

    def __init__(self, connection: psycopg.Connection[Any], *, quote: bool = True) -> None:
        self.connection = connection
        self._quote = quote
        connection.execute(_FREELY)
        adapt(connection)
        self._stored = {
            (oid, column): ColumnType(table, spelled, name)
            for oid, column, table, name, spelled in connection.execute(_STORED).fetchall()
        }
        self._relations: dict[tuple[str, str], int | None] = {}

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes within the context are rolled back."""
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def damaged(self, change: sql.Composable) -> Iterator[Answer]:
        """Run a statement, and roll it back at the end of the context; yields what it returned. Raises `NotProven`."""
        self.connection.execute("SAVEPOINT damaged")
        try:
            yield self.change(change, "its break")
        finally:
            self.connection.execute("ROLLBACK TO damaged; RELEASE damaged")

    def change(self, change: sql.Composable, what: str) -> Answer:
        """Run a statement that lasts until the surrounding transaction is rolled back. Raises `NotProven`: `what` fails."""
        [answer] = self.ask([change])
        if isinstance(answer, Failure):
            raise NotProven(f"{what} fails: {answer.reason}")
        return answer

    # --- asking

    def ask(self, statements: Sequence[Sendable]) -> list[Answer | Failure]:
        """Answers in the order of the statements; one that fails does not disturb the others, as long as they only read."""
        answers: list[Answer | Failure] = []
        prepared = [_ready(statement) for statement in statements]
        while len(answers) < len(prepared):
            cursors, error = self._send([_SAVE, *prepared[len(answers) :], _RELEASE])
            answers += [Answer(cursor) for cursor in cursors[1:]][: len(prepared) - len(answers)]
            if error is not None:
                self._forget()
                answers.append(Failure(error))
        return answers

    def answers(self, statements: Sequence[Sendable]) -> list[Answer]:
        """Like `ask`, but raises `NotEvaluated` for the first statement that fails."""
        answers = []
        for answer in self.ask(statements):
            if isinstance(answer, Failure):
                raise NotEvaluated(answer.reason)
            answers.append(answer)
        return answers

    def try_all(self, trials: Sequence[Sequence[Sendable]]) -> list[list[Answer] | Stopped]:
        """Run each trial on the data as they are now, and roll it back before the next; all in one round trip."""
        outcomes: list[list[Answer] | Stopped] = []
        prepared = [[*map(_ready, trial), _FORGET] for trial in trials]
        while len(outcomes) < len(prepared):
            rest = prepared[len(outcomes) :]
            cursors, error = self._send([_SAVE, *(statement for trial in rest for statement in trial), _RELEASE])
            del cursors[:1]
            for trial in rest:
                if len(trial) > len(cursors):
                    break
                outcomes.append([Answer(cursor) for cursor in cursors[: len(trial) - 1]])
                del cursors[: len(trial)]
            if error is not None:
                self._forget()
                outcomes.append(Stopped(error, len(cursors)))
        return outcomes

    def _forget(self) -> None:
        self.connection.execute("ROLLBACK TO tgi; RELEASE tgi")

    def _send(self, statements: Sequence[Statement]) -> tuple[list[psycopg.Cursor[Any]], str | None]:
        """The cursors that were answered, and the error of the next one."""
        cursors: list[psycopg.Cursor[Any]] = []
        try:
            with self.connection.pipeline():
                for statement in statements:
                    cursors.append(psycopg.RawCursor(self.connection))
                    cursors[-1].execute(statement.query, statement.values)
        except psycopg.Error as error:
            answered = [cursor for cursor in cursors if cursor.pgresult is not None]
            return answered, primary(error, quote=self._quote)
        return cursors, None

    # --- columns

    def stored(self, source: PreparedSource, target: Target) -> ColumnType | None:
        """The stored column behind a target; None if there is none. Raises `NotProven` where there is no row."""
        oid = self._relation(source, target)
        return None if oid is None else self._stored.get((oid, target.column))

    def table(self, source: PreparedSource, target: Target) -> str:
        """The table behind a target's alias, as SQL writes it. Raises `NotProven` where there is none."""
        oid = self._relation(source, target)
        table = next((stored.table for (known, _), stored in self._stored.items() if known == oid), None)
        if table is None:
            raise NotProven(f"no stored table stands behind {target.alias or 'its source'}")
        return table

    def _relation(self, source: PreparedSource, target: Target) -> int | None:
        key = (readable(source.table), target.alias)
        if key not in self._relations:
            self._relations[key] = self._asked_relation(source, target)
        return self._relations[key]

    def _asked_relation(self, source: PreparedSource, target: Target) -> int | None:
        [answer] = self.ask([table_behind(target.prefix, source.table)])
        if isinstance(answer, Failure):
            return None
        rows = answer.rows
        if not rows:
            raise NotProven(EMPTY)
        oid: int = rows[0][0]
        return oid

    def placed(self, source: PreparedSource, writes: Iterable[Write]) -> tuple[Placed, ...]:
        """Each write with the stored column that it goes to. Raises `NotProven` where there is none."""
        placed = []
        for write in writes:
            target = at_home(write.target, source.table)
            stored = self.stored(source, target)
            if stored is None:
                raise NotProven(f"{write.target.words} is no column of a stored table behind its source")
            placed.append(Placed(Write(target, write.value), stored))
        return tuple(placed)
