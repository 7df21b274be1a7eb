"""A scratch copy of a database on which anything may be written: damage it, look, forget the damage.

The copy is loose: its constraints, indexes and triggers stand in the catalogs, where rules look for them and queries
need them, but nothing enforces them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pytest_tgintegrity.database import Answer, Failure
from pytest_tgintegrity.encoding import adapt
from pytest_tgintegrity.errors import NotEvaluated, NotProven, ScratchError
from pytest_tgintegrity.places import Place
from pytest_tgintegrity.predicates import Statement, parametrised, readable
from pytest_tgintegrity.scratch import PostgresServer, connect
from pytest_tgintegrity.server_errors import primary, said
from pytest_tgintegrity.writes import Placed, Stored, Target, Write, at_home

LOOSE = "tgintegrity_loose"
COPIES_FILES = 15  # the major version from which CREATE DATABASE has to be told so
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
    """A trial that the server did not go through with: the statement of that number failed, for that reason."""

    reason: str
    at: int


def _ready(one: Sendable) -> Statement:
    return one if isinstance(one, Statement) else parametrised(one)


def loosened(server: PostgresServer, *, quote: bool = True) -> Workbench:
    """Copy the server's database, and have nothing enforce what the copy declares; `quote`: errors may be of rows.

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
        return Workbench(connect(server, LOOSE), quote=quote)
    except psycopg.Error as error:
        raise ScratchError(f"the scratch copy cannot be made: {said(error, quote=quote)}") from None


class Workbench:
    """A connection on which everything is forgotten in the end."""

    def __init__(self, connection: psycopg.Connection[Any], *, quote: bool = True) -> None:
        self.connection = connection
        self._quote = quote
        connection.execute(_FREELY)
        adapt(connection)
        self._stored = {
            (oid, column): Stored(table, spelled, name)
            for oid, column, table, name, spelled in connection.execute(_STORED).fetchall()
        }
        self._relations: dict[tuple[str, str], int | None] = {}

    def close(self) -> None:
        """Let go of the connection."""
        self.connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done meanwhile is forgotten."""
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def damaged(self, change: sql.Composable) -> Iterator[Answer]:
        """Change something for as long as the context lasts; yields what the statement returned. Raises `NotProven`."""
        self.connection.execute("SAVEPOINT damaged")
        try:
            yield self.change(change, "its break")
        finally:
            self.connection.execute("ROLLBACK TO damaged; RELEASE damaged")

    def change(self, change: sql.Composable, what: str) -> Answer:
        """Change something until whatever is around this is forgotten. Raises `NotProven`: `what` fails."""
        [answer] = self.ask([change])
        if isinstance(answer, Failure):
            raise NotProven(f"{what} fails: {answer.reason}")
        return answer

    # --- asking

    def ask(self, statements: Sequence[Sendable]) -> list[Answer | Failure]:
        """Answers in the order of the statements; one that fails does not disturb those that only read."""
        answers: list[Answer | Failure] = []
        prepared = [_ready(one) for one in statements]
        while len(answers) < len(prepared):
            cursors, error = self._send([_SAVE, *prepared[len(answers) :], _RELEASE])
            answers += [Answer(cursor) for cursor in cursors[1:]][: len(prepared) - len(answers)]
            if error is not None:
                self._forget()
                answers.append(Failure(error))
        return answers

    def answers(self, statements: Sequence[Sendable]) -> list[Answer]:
        """As `ask`. Raises `NotEvaluated` for the first that fails."""
        found = []
        for answer in self.ask(statements):
            if isinstance(answer, Failure):
                raise NotEvaluated(answer.reason)
            found.append(answer)
        return found

    def try_all(self, trials: Sequence[Sequence[Sendable]]) -> list[list[Answer] | Stopped]:
        """Each trial on the data as it is now, forgotten before the next; all in one round trip."""
        found: list[list[Answer] | Stopped] = []
        prepared = [[*map(_ready, trial), _FORGET] for trial in trials]
        while len(found) < len(prepared):
            rest = prepared[len(found) :]
            cursors, error = self._send([_SAVE, *(one for trial in rest for one in trial), _RELEASE])
            del cursors[:1]
            for trial in rest:
                if len(trial) > len(cursors):
                    break
                found.append([Answer(cursor) for cursor in cursors[: len(trial) - 1]])
                del cursors[: len(trial)]
            if error is not None:
                self._forget()
                found.append(Stopped(error, len(cursors)))
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
            return answered, primary(error, quote=self._quote)
        return cursors, None

    # --- columns

    def stored(self, place: Place, target: Target) -> Stored | None:
        """The stored column behind a target; None if it is none. Raises `NotProven` where there is no row."""
        oid = self._relation(place, target)
        return None if oid is None else self._stored.get((oid, target.column))

    def table(self, place: Place, target: Target) -> str:
        """The table behind a target's alias, as SQL writes it. Raises `NotProven` where there is none."""
        oid = self._relation(place, target)
        found = next((stored.table for (one, _), stored in self._stored.items() if one == oid), None)
        if found is None:
            raise NotProven(f"no stored table stands behind {target.alias or 'its source'}")
        return found

    def _relation(self, place: Place, target: Target) -> int | None:
        key = (readable(place.table), target.alias)
        if key not in self._relations:
            self._relations[key] = self._asked_relation(place, target)
        return self._relations[key]

    def _asked_relation(self, place: Place, target: Target) -> int | None:
        own = sql.SQL("{}tableoid").format(target.prefix)
        query = sql.SQL("SELECT {own}::oid FROM {table} WHERE {own} IS NOT NULL LIMIT 1")
        [answer] = self.ask([query.format(own=own, table=place.table)])
        if isinstance(answer, Failure):
            return None
        rows = answer.rows
        if not rows:
            raise NotProven(EMPTY)
        oid: int = rows[0][0]
        return oid

    def placed(self, place: Place, writes: Iterable[Write]) -> tuple[Placed, ...]:
        """Each write with the stored column that it goes to. Raises `NotProven` where there is none."""
        found = []
        for write in writes:
            target = at_home(write.target, place.table)
            stored = self.stored(place, target)
            if stored is None:
                raise NotProven(f"{write.target.words} is no column of a stored table behind its source")
            found.append(Placed(Write(target, write.value), stored))
        return tuple(found)
