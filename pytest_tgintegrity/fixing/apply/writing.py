"""Lock, write and read back the rows of a batch, in its transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg import errors, sql

from pytest_tgintegrity.fixing.apply.effects import WrittenRow
from pytest_tgintegrity.fixing.apply.stored import (
    StoredRow,
    StoredTable,
    delete_statement,
    insert_statement,
    read_rows,
    update_statement,
)
from pytest_tgintegrity.fixing.changes import OPPOSITES, Change, Place

Connection = psycopg.Connection[Any]
ORDERS = (("insert", "update", "delete"), ("delete", "update", "insert"))
"""Two orders of operations: an update may point to a new row, and a new row may take the key of a deleted row."""
_TRIGGERS = {"O": "ENABLE TRIGGER", "A": "ENABLE ALWAYS TRIGGER"}


class Refused(Exception):
    """A batch must not be committed; the message is the reason."""


class Disturbed(Refused):
    """Triggers keep the rows of a batch from becoming what they have to be."""


@dataclass(slots=True)
class Work:
    """A batch in its transaction: its tables, its `rows` as they are under the locks, and the rows as they are `stored`."""

    connection: Connection
    batch: Sequence[Change]
    tables: Mapping[str, StoredTable]
    rows: Mapping[Place, StoredRow] = field(default_factory=dict)
    stored: Mapping[Place, StoredRow] = field(default_factory=dict)

    def at(self, table: str) -> list[Change]:
        """The changes of one table."""
        return [change for change in self.batch if change.table == table]


def locked_rows(work: Work, table: StoredTable) -> dict[Place, StoredRow]:
    """Lock the rows that the changes of a table are about, and return them."""
    changes = [change for change in work.at(table.name) if change.key and set(change.key) == set(table.key)]
    return read_rows(work.connection, table, changes, lock=True)


def write_rows(work: Work, tables: Sequence[StoredTable], order: Sequence[str]) -> list[Change]:
    """Write all changes of a batch, and return them with their keys, those of new rows too."""
    keyed: list[Change] = []
    for op in order:
        for table in tables if op != "delete" else reversed(tables):
            changes = [change for change in work.at(table.name) if change.op == op]
            rule = table.rules.get(op) or table.rules.get(OPPOSITES[op])
            if changes and rule:
                raise Refused(f"{table.name} has the rewrite rule {rule}: what it does could not be undone")
            if op == "insert":
                keyed += _insert(work.connection, table, changes)
            elif changes:
                statement = update_statement(table, changes) if op == "update" else delete_statement(table, changes)
                _expect(work.connection.execute(*statement).rowcount, len(changes))
                keyed += changes
    return keyed


def _insert(connection: Connection, table: StoredTable, changes: Sequence[Change]) -> list[Change]:
    """Insert rows; a statement inserts all rows that have the same columns, since they may point to each other."""
    groups: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        groups.setdefault(tuple(sorted(change.after)), []).append(change)
    keyed = []
    for members in groups.values():
        keys = [key for (key,) in connection.execute(*insert_statement(table, members)).fetchall()]
        _expect(len(keys), len(members))
        keyed += [replace(change, key=key) for change, key in zip(members, keys, strict=True)]
    return keyed


def _expect(count: int, planned: int) -> None:
    if count != planned:
        raise Refused(f"{count} rows would be written where {planned} are planned")


def read_back_rows(work: Work, keyed: Sequence[Change]) -> dict[Place, StoredRow]:
    """The rows as they are stored, after triggers and deferred constraints."""
    rows: dict[Place, StoredRow] = {}
    for name in {change.table for change in keyed}:
        rows |= read_rows(work.connection, work.tables[name], [change for change in keyed if change.table == name])
    return rows


def journal_entry(work: Work, change: Change) -> Change:
    """The entry of a change in the journal: the values of all columns that differ, before and as they are stored now."""
    before, after = work.rows.get(change.place), work.stored.get(change.place)
    if change.op == "delete":
        if before is None or after is not None:
            raise Refused("a trigger keeps the row from being deleted")
        return replace(change, before=before.row, after={})
    if after is None:
        raise Refused("a trigger keeps the row from being stored under its key")
    if change.op == "insert":
        return replace(change, before={}, after=after.row)
    if before is None:
        raise Refused("the row is gone")
    changed = [name for name, text in after.row.items() if text != before.row[name]]
    return replace(
        change, before={name: before.row[name] for name in changed}, after={name: after.row[name] for name in changed}
    )


def traced(work: Work, entry: Change) -> WrittenRow:
    """What a change of ours did to a row, so that it can be told from what triggers did."""
    was, now = work.rows.get(entry.place), work.stored.get(entry.place)
    return WrittenRow(
        work.tables[entry.table],
        entry.op,
        entry.place,
        None if was is None or entry.op == "insert" else was.relation,
        None if now is None else now.relation,
    )


@contextlib.contextmanager
def silenced(connection: Connection, tables: Sequence[StoredTable]) -> Iterator[None]:
    """Keep the triggers of users from firing while the context lasts. Raises `Refused` for a role that may not do so."""
    triggers = [trigger for table in tables for trigger in table.triggers]
    try:
        for trigger in triggers:
            _alter(connection, trigger.relation, "DISABLE TRIGGER", trigger.name)
    except errors.InsufficientPrivilege:
        first = triggers[0]
        raise Refused(
            f"the trigger {first.name} changes it again: only the owner of {'.'.join(first.relation)} can undo this, its"
            " triggers switched off meanwhile"
        ) from None
    yield
    for trigger in triggers:
        _alter(connection, trigger.relation, _TRIGGERS[trigger.enabled], trigger.name)


def _alter(connection: Connection, relation: tuple[str, str], how: str, trigger: str) -> None:
    statement = sql.SQL("ALTER TABLE ONLY {} {} {}").format(
        sql.Identifier(*relation), sql.SQL(how), sql.Identifier(trigger)
    )
    connection.execute(statement)
