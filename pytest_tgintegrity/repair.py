"""Make the changes of a plan, or take back those of an earlier run: in batches, locked, journalled, all or nothing.

Each batch is one transaction. Its rows are locked in key order, what is planned for them is computed once more, and if
it is not the same any more, the batch is rolled back and tried again without the rows that changed.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import psycopg
from psycopg import errors, sql

from pytest_tgintegrity import journal
from pytest_tgintegrity.blueprint import TEXT_SETTINGS, Blueprint, read_changes
from pytest_tgintegrity.changes import Change, Row
from pytest_tgintegrity.database import Writer, one_line
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.mended import Left, Made
from pytest_tgintegrity.predicates import readable
from pytest_tgintegrity.remedies import Step, qualified
from pytest_tgintegrity.schema import Facts, Table

BATCH_ROWS = 1_000
WHOLE_PLAN_ROWS = 5_000
ATTEMPTS = 3

_RETRIED = (errors.SerializationFailure, errors.DeadlockDetected)


class _Moved(Exception):
    """Rows are not what they were when the plan was made."""

    def __init__(self, left: Sequence[Left]) -> None:
        super().__init__()
        self.left = left


@contextlib.contextmanager
def repairing(writer: Writer, facts: Facts, kind: str, undoes: str | None, plan: str | None) -> Iterator[Batches]:
    """Prepare the journal and begin a run in it; nobody else repairs meanwhile.

    Raises `UsageError` before anything is changed: for a role that may not write, or another repair under way.
    """
    with writer.transaction(patient=True) as guard:
        [(alone,)] = guard.execute(journal.ALONE)
        if not alone:
            raise UsageError(
                "another --fix or --undo is under way on this database: wait for it to end, then try again"
            )
        with Writer(writer.address, writer.limits) as second:
            _prepare_journal(second)
            batches = Batches(second, facts, uuid.uuid4().hex[:12])
            batches.begin(kind, undoes, plan)
            try:
                yield batches
            finally:
                batches.end()


def _prepare_journal(writer: Writer) -> None:
    try:
        with writer.transaction() as connection:
            [(exists,)] = connection.execute(journal.EXISTS)
            if not exists:
                [(has_schema,)] = connection.execute(journal.HAS_SCHEMA)
                if not has_schema:
                    connection.execute(journal.CREATE_SCHEMA)
                connection.execute(journal.CREATE)
                return
            (version,) = connection.execute(journal.READ_VERSION).fetchone() or (None,)
    except psycopg.Error as error:
        raise UsageError(
            f"the journal (schema tgintegrity) cannot be made or read: {one_line(error)}: nothing was changed; "
            "docs/fixing.md says what the role needs"
        ) from None
    if version != journal.VERSION:
        raise UsageError(
            f"the journal has version {version}, this pytest-tgintegrity writes version {journal.VERSION}: nothing was"
            " changed; use the version that made it"
        )


class Batches:
    """The transactions of one run, and what came of them."""

    def __init__(self, writer: Writer, facts: Facts, run: str) -> None:
        self.writer = writer
        self.facts = facts
        self.made = Made(run)
        self._types: dict[str, dict[str, str]] = {}

    @property
    def run(self) -> str:
        """The id of the run in the journal."""
        return self.made.run or ""

    def begin(self, kind: str, undoes: str | None, plan: str | None) -> None:
        """Enter the run. Raises `UsageError` where the role may not."""
        try:
            with self.writer.transaction() as connection:
                connection.execute(journal.BEGIN_RUN, [self.run, kind, undoes, plan])
        except psycopg.Error as error:
            raise UsageError(
                f"the journal cannot be written: {one_line(error)}: nothing was changed; docs/fixing.md says what the role needs"
            ) from None

    def end(self) -> None:
        """Enter the end of the run, if the connection is still there."""
        with contextlib.suppress(psycopg.Error, UsageError), self.writer.transaction() as connection:
            connection.execute(journal.END_RUN, [self.run])

    # --- making changes

    def make(
        self, changes: Iterable[Change], check: Callable[[psycopg.Connection[Any], Sequence[Change]], list[Left]]
    ) -> None:
        """Make changes batch by batch; `check` says, under the locks, which of them must not be made any more."""
        rest = iter(changes)
        while self.made.stopped is None and (batch := list(islice(rest, BATCH_ROWS))):
            self.make_together(batch, check)
        if self.made.stopped is not None:
            self.made.left += [Left(change, self.made.stopped) for change in islice(rest, BATCH_ROWS)]

    def make_together(
        self, batch: Sequence[Change], check: Callable[[psycopg.Connection[Any], Sequence[Change]], list[Left]]
    ) -> None:
        """One transaction; what cannot be made is left out, and the rest tried again."""
        reason = "others keep changing these rows"
        for _ in range(ATTEMPTS):
            if not batch:
                return
            try:
                self._attempt(batch, check)
            except _Moved as moved:
                self.made.left += moved.left
                places = {one.change.place for one in moved.left}
                batch = [change for change in batch if change.place not in places]
            except _RETRIED as error:
                reason = one_line(error)
            except errors.LockNotAvailable:
                self._leave(
                    batch, f"somebody else holds a lock on it (waited {self.writer.limits.lock:g} s, --lock-timeout)"
                )
                return
            except (psycopg.IntegrityError, psycopg.DataError, errors.RaiseException) as error:
                self._divide(batch, check, one_line(error))
                return
            except psycopg.Error as error:
                self.made.stopped = f"the server stopped us: {self.writer.address.scrub(one_line(error))}"
                self._leave(batch, self.made.stopped)
                return
            else:
                self.made.count(batch)
                return
        self._leave(batch, f"given up after {ATTEMPTS} attempts: {reason}")

    def _leave(self, batch: Iterable[Change], reason: str) -> None:
        self.made.left += [Left(change, reason) for change in batch]

    def _divide(
        self,
        batch: Sequence[Change],
        check: Callable[[psycopg.Connection[Any], Sequence[Change]], list[Left]],
        reason: str,
    ) -> None:
        """The server refuses the batch because of some row: halve it until that row stands alone."""
        if len(batch) == 1:
            self._leave(batch, reason)
            return
        middle = len(batch) // 2
        self.make_together(batch[:middle], check)
        self.make_together(batch[middle:], check)

    def _attempt(
        self, batch: Sequence[Change], check: Callable[[psycopg.Connection[Any], Sequence[Change]], list[Left]]
    ) -> None:
        with self.writer.transaction() as connection:
            connection.execute(TEXT_SETTINGS)
            tables = {one.table for one in batch}
            for table in sorted(tables):
                self._lock(connection, table, [one for one in batch if one.table == table and one.key])
            left = check(connection, batch)
            if left:
                raise _Moved(left)
            self._enter(connection, [one for one in batch if one.op != "insert"])
            for table in sorted(tables):
                self._write(connection, table, [one for one in batch if one.table == table])
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def _enter(self, connection: psycopg.Connection[Any], changes: Sequence[Change]) -> None:
        """Into the journal, before the rows change."""
        told = [{**one.to_json(), "rule": "; ".join(one.rules)} for one in changes]
        if told:
            connection.execute(journal.ENTER, [self.run, json.dumps(told)])

    def _table(self, name: str) -> Table:
        table = self.facts.tables.get(name)
        if table is None:
            raise UsageError(f"the table {name} is gone")
        return table

    def types(self, connection: psycopg.Connection[Any], name: str) -> Mapping[str, str]:
        """The types of a table's columns."""
        if name not in self._types:
            found = connection.execute(
                "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute"
                " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                [sql.Identifier(*self._table(name).path).as_string(None)],
            )
            self._types[name] = dict(found.fetchall())
        return self._types[name]

    def _lock(self, connection: psycopg.Connection[Any], name: str, changes: Sequence[Change]) -> None:
        if not changes:
            return
        table = self._table(name)
        mode = sql.SQL("UPDATE" if any(one.op == "delete" for one in changes) else "NO KEY UPDATE")
        query = sql.SQL("SELECT FROM {} AS t WHERE {} ORDER BY {} FOR {}").format(
            sql.Identifier(*table.path),
            self.among(connection, table, changes),
            sql.SQL(", ").join(map(sql.Identifier, table.key)),
            mode,
        )
        connection.execute(readable(query).encode())

    def among(self, connection: psycopg.Connection[Any], table: Table, changes: Iterable[Change]) -> sql.Composable:
        """TRUE for the rows that these changes are about."""
        types = self.types(connection, qualified(table))
        columns = sql.SQL(", ").join(map(sql.Identifier, table.key))
        keys = [one.key for one in changes if one.key]
        arrays = sql.SQL(", ").join(
            sql.SQL("CAST({} AS text[])::{}[]").format(sql.Literal([key[c] for key in keys]), sql.SQL(types[c]))
            for c in table.key
        )
        return sql.SQL("({}) IN (SELECT * FROM unnest({}))").format(columns, arrays)

    def _write(self, connection: psycopg.Connection[Any], name: str, changes: Sequence[Change]) -> None:
        table, types = self._table(name), self.types(connection, name)
        updates = [one for one in changes if one.op == "update"]
        if updates:
            _expect(connection.execute(*_update(table, types, updates)).rowcount, len(updates))
        deletes = [one for one in changes if one.op == "delete"]
        if deletes:
            statement = sql.SQL("DELETE FROM {} WHERE {}").format(
                sql.Identifier(*table.path), self.among(connection, table, deletes)
            )
            _expect(connection.execute(readable(statement).encode()).rowcount, len(deletes))
        for one in (one for one in changes if one.op == "insert"):
            row = connection.execute(*_insert(table, types, one)).fetchone()
            if row is None:
                raise errors.UniqueViolation("a row with its key is there already")
            whole: Row = row[0]
            key = {column: whole[column] for column in table.key}
            self._enter(connection, [Change(name, "insert", key, {}, whole, one.rules)])


def _expect(count: int, planned: int) -> None:
    if count != planned:
        raise errors.RaiseException(f"{count} rows would be written where {planned} are planned")


def _update(table: Table, types: Mapping[str, str], changes: Sequence[Change]) -> tuple[sql.Composed, list[Any]]:
    columns = sorted({column for one in changes for column in one.after})
    sets = sql.SQL(", ").join(
        sql.SQL("{c} = CASE WHEN v.after ? {n} THEN (v.after ->> {n})::{t} ELSE t.{c} END").format(
            c=sql.Identifier(c), n=sql.Literal(c), t=sql.SQL(types[c])
        )
        for c in columns
    )
    on = sql.SQL(" AND ").join(
        sql.SQL("t.{c} = (v.key ->> {n})::{t}").format(c=sql.Identifier(c), n=sql.Literal(c), t=sql.SQL(types[c]))
        for c in table.key
    )
    statement = sql.SQL(
        "UPDATE {} AS t SET {} FROM jsonb_to_recordset($1::jsonb) AS v(key jsonb, after jsonb) WHERE {}"
    ).format(sql.Identifier(*table.path), sets, on)
    return statement, [json.dumps([{"key": dict(one.key), "after": dict(one.after)} for one in changes])]


def _insert(table: Table, types: Mapping[str, str], change: Change) -> tuple[sql.Composed, list[Any]]:
    """Insert a row, with its key if it has one, and return the whole of it as texts."""
    columns = list(change.after)
    values = sql.SQL(", ").join(
        sql.SQL("{}::text::{}").format(sql.SQL(f"${n}"), sql.SQL(types[c])) for n, c in enumerate(columns, 1)
    )
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    whole = sql.SQL("jsonb_object(ARRAY[{}], ARRAY[{}])").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Literal(c)) for c in types),
        sql.SQL(", ").join(sql.SQL("t.{}::text").format(sql.Identifier(c)) for c in types),
    )
    statement = sql.SQL(
        "INSERT INTO {} AS t ({}) OVERRIDING SYSTEM VALUE VALUES ({}) ON CONFLICT DO NOTHING RETURNING {}"
    ).format(sql.Identifier(*table.path), names, values, whole)
    return statement, [change.after[c] for c in columns]


# --- --fix


def apply(batches: Batches, blueprint: Blueprint, planned: Iterable[Change], count: int) -> None:
    """Make the planned changes; a plan that is small enough in one transaction, so that it is done as a whole or not."""

    def check(connection: psycopg.Connection[Any], batch: Sequence[Change]) -> list[Left]:
        return _differing(batches, blueprint, connection, batch)

    if count <= WHOLE_PLAN_ROWS:
        batches.make_together(list(planned), check)
    else:
        batches.make(planned, check)


def _differing(
    batches: Batches, blueprint: Blueprint, connection: psycopg.Connection[Any], batch: Sequence[Change]
) -> list[Left]:
    """The changes of a batch that would not be planned any more: somebody was faster."""
    now: dict[tuple[str, str], Change] = {}
    for group in blueprint.groups:
        now |= _planned_now(batches, blueprint, connection, (group, batch))
    return [
        Left(one, "it changed after it was planned")
        for one in batch
        if (found := now.get(one.place)) is None
        or (found.op, found.before, found.after) != (one.op, one.before, one.after)
    ]


def _planned_now(
    batches: Batches,
    blueprint: Blueprint,
    connection: psycopg.Connection[Any],
    asked: tuple[list[Step], Sequence[Change]],
) -> dict[tuple[str, str], Change]:
    group, batch = asked
    mine = {qualified(one.table): one.table for step in group for one in step.remedies}
    touched = {name: [one for one in batch if one.table == name] for name in mine}
    only = {
        name: batches.among(connection, table, touched[name])
        for name, table in mine.items()
        if touched[name] and all(one.key for one in touched[name]) and blueprint.local(group, table)
    }
    simulation = blueprint.simulation(group, only)
    found = {}
    for name, table in mine.items():
        if touched[name]:
            rows = connection.execute(readable(simulation.changes(table)).encode()).fetchall()
            found.update({one.place: one for one in read_changes(blueprint, table, rows)})
    return found


# --- --undo


def undo(batches: Batches, run: str) -> None:
    """Take back what a run did, newest first: only rows that are still as it left them."""

    def check(connection: psycopg.Connection[Any], batch: Sequence[Change]) -> list[Left]:
        return _moved_on(batches, connection, batch)

    batches.make(_entries(batches.writer, run), check)


def _entries(writer: Writer, run: str) -> Iterator[Change]:
    """The opposite of each change in the journal."""
    before = 2**63 - 1
    while True:
        with writer.transaction() as connection:
            page = connection.execute(journal.ENTRIES, [run, before, BATCH_ROWS]).fetchall()
        if not page:
            return
        before = page[-1][0]
        yield from (_opposite(*entry[1:]) for entry in page)


def _opposite(rule: str, table: str, key: Row, op: str, before: Row, after: Row) -> Change:
    opposite = {"update": "update", "delete": "insert", "insert": "delete"}[op]
    return Change(table, opposite, key, after, before, (rule,))


def _moved_on(batches: Batches, connection: psycopg.Connection[Any], batch: Sequence[Change]) -> list[Left]:
    """The changes whose rows are not any more what the run made of them."""
    found = []
    for name in {one.table for one in batch}:
        changes = [one for one in batch if one.table == name and one.op != "insert"]
        now = _current(batches, connection, name, changes) if changes else {}
        found += [left for one in changes if (left := _not_as_left(one, now.get(one.place))) is not None]
    return found


def _not_as_left(change: Change, row: Row | None) -> Left | None:
    if row is None:
        return Left(change, "the row is gone")
    if all(row[column] == text for column, text in change.before.items()):
        return None
    if change.op == "update" and all(row[column] == text for column, text in change.after.items()):
        return Left(change, "it is as before already")
    return Left(change, "it was changed since")


def _current(
    batches: Batches, connection: psycopg.Connection[Any], name: str, changes: Sequence[Change]
) -> dict[tuple[str, str], Row]:
    table, types = batches.facts.tables[name], batches.types(connection, name)
    query = sql.SQL("SELECT jsonb_object(ARRAY[{}], ARRAY[{}]) FROM {} AS t WHERE {}").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Literal(c)) for c in types),
        sql.SQL(", ").join(sql.SQL("t.{}::text").format(sql.Identifier(c)) for c in types),
        sql.Identifier(*table.path),
        batches.among(connection, table, changes),
    )
    rows = [row for (row,) in connection.execute(readable(query).encode()).fetchall()]
    return {(name, json.dumps({column: row[column] for column in table.key}, sort_keys=True)): row for row in rows}
