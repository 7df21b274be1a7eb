"""Find what triggers, rules and foreign keys changed in a transaction beside the rows that it was to write.

The server counts the rows that a transaction inserts, updates and deletes in each table. Where it counts more rows than
were written, the others are found by the transaction that wrote them. Their former values are asked on a connection that
does not see that transaction yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pytest_tgintegrity.fixing.apply.stored import StoredTable, numbered_tables, read_rows, whole_row
from pytest_tgintegrity.fixing.changes import Change, Place
from pytest_tgintegrity.planning.sql.encoding import bytes_of, sql_bytes

Counts = Mapping[int, tuple[int, int, int]]
"""Rows inserted, updated and deleted, by the OID of the relation."""

_COUNTS = """
SELECT s.relid::pg_catalog.int8, s.n_tup_ins, s.n_tup_upd, s.n_tup_del
FROM pg_catalog.pg_stat_xact_all_tables s JOIN pg_catalog.pg_class c ON c.oid = s.relid
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0
  AND s.schemaname NOT IN ('pg_catalog', 'information_schema', 'tgintegrity')
"""
_FILES = """
SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.format('%s %s', c.oid, c.relfilenode), ' ' ORDER BY c.oid))
FROM pg_catalog.pg_class c WHERE c.relkind = 'r' AND c.oid >= 16384 AND c.relpersistence <> 't'
"""
_COUNTED = "SELECT pg_catalog.current_setting('track_counts') = 'on'"

# The 64 bits of a row's xmin are counted from those of our own transaction. What is in progress and visible is ours.
_OURS = sql.SQL(
    "SELECT {row} FROM ONLY {table} AS t WHERE pg_catalog.age(t.xmin) <= pg_catalog.age({top}::pg_catalog.text::pg_catalog.xid)"
    " AND pg_catalog.txid_status({mine} + pg_catalog.age({top}::pg_catalog.text::pg_catalog.xid)"
    " - pg_catalog.age(t.xmin)) = 'in progress'"
)
_MINE = sql.SQL("pg_catalog.txid_current()")
_TOP = sql.SQL("(pg_catalog.txid_current() % 4294967296)")


class Untraceable(Exception):
    """Something was changed that cannot be journalled; the message is the reason."""


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """A row that was written on purpose: its table, its place, and the OIDs of the relations that held it and hold it now."""

    table: StoredTable
    op: str
    place: Place
    was: int | None
    now: int | None


@dataclass(frozen=True, slots=True)
class Mark:
    """The counters of a transaction, and a digest of the files of all tables, before the transaction writes."""

    counts: Counts
    files: str | None


def mark(connection: psycopg.Connection[Any]) -> Mark:
    """The counters of this transaction as they stand now."""
    return Mark(_counts(connection), _value(connection, _FILES))


def _counts(connection: psycopg.Connection[Any]) -> Counts:
    return {oid: (ins, upd, dele) for oid, ins, upd, dele in connection.execute(_COUNTS).fetchall()}


def _value(connection: psycopg.Connection[Any], statement: str) -> Any:
    row = connection.execute(bytes_of(statement)).fetchone()
    return row[0] if row else None


def other_changes(
    connection: psycopg.Connection[Any],
    outside: psycopg.Connection[Any],
    before: Mark,
    written: Sequence[WrittenRow],
) -> list[Change]:
    """The changes beside those that were `written`; `outside` is a connection that does not see this transaction.

    Raises `Untraceable` where they are not known row by row: a table has no key, a row was deleted, a table was emptied.
    """
    if not _value(connection, _COUNTED):
        triggers = sorted({trigger.name for row in written for trigger in row.table.triggers})
        if triggers:
            raise Untraceable(
                f"the trigger {triggers[0]} may change other rows, and track_counts is off: nobody counts them"
            )
        return []
    if _value(connection, _FILES) != before.files:
        raise Untraceable("a trigger emptied or rewrote a table")
    surplus = _surplus(before.counts, _counts(connection), _expected(written))
    tables = numbered_tables(connection, surplus)
    own_places = {row.place for row in written} | {
        (tables[oid].name, row.place[1]) for row in written for oid in (row.now,) if oid in tables
    }
    others: list[Change] = []
    for oid, deleted in sorted(surplus.items()):
        others += _others(connection, outside, tables.get(oid), deleted=deleted, own_places=own_places)
    return others


def _expected(written: Iterable[WrittenRow]) -> dict[int, list[int]]:
    """The counts that the written rows explain; an update that moves a row to another partition deletes and inserts it."""
    expected: dict[int, list[int]] = {}
    for row in written:
        moved = row.op == "update" and row.was != row.now
        for oid, index in ((row.now, 0), (row.was, 2)) if moved else ((row.now or row.was, _INDEX[row.op]),):
            if oid is not None:
                expected.setdefault(oid, [0, 0, 0])[index] += 1
    return expected


_INDEX = {"insert": 0, "update": 1, "delete": 2}


def _surplus(before: Counts, after: Counts, expected: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """The relations in which more rows changed than were written, and how many more rows were deleted there."""
    surplus = {}
    for oid, counts in after.items():
        more = [
            now - was - own
            for now, was, own in zip(counts, before.get(oid, (0, 0, 0)), expected.get(oid, (0, 0, 0)), strict=True)
        ]
        if any(more):
            surplus[oid] = more[2]
    return surplus


def _others(
    connection: psycopg.Connection[Any],
    outside: psycopg.Connection[Any],
    table: StoredTable | None,
    *,
    deleted: int,
    own_places: set[Place],
) -> list[Change]:
    if table is None:
        raise Untraceable("a table was changed too that is gone now")
    if deleted:
        raise Untraceable(f"rows of {table.name} would be deleted too ({_causes(table)})")
    if not table.key:
        raise Untraceable(
            f"{table.name} would be changed too, and it has no primary key: its rows could not be journalled"
        )
    statement = _OURS.format(row=whole_row(table), table=sql.Identifier(*table.path), top=_TOP, mine=_MINE)
    now = {table.place(row): row for (row,) in connection.execute(sql_bytes(statement)).fetchall()}
    keys = {
        place: {column: row[column] for column in table.key} for place, row in now.items() if place not in own_places
    }
    asked = [Change(table.name, "update", key, {}, {}, ()) for key in keys.values()]
    former = read_rows(outside, table, asked)
    changes = []
    for place, key in keys.items():
        if place in former:
            before = former[place].row
            changed = [name for name, text in now[place].items() if text != before[name]]
            if changed:
                rows = {name: before[name] for name in changed}, {name: now[place][name] for name in changed}
                changes.append(Change(table.name, "update", key, *rows, ()))
        else:
            changes.append(Change(table.name, "insert", key, {}, now[place], ()))
    return changes


def _causes(table: StoredTable) -> str:
    names = ", ".join(trigger.name for trigger in table.triggers)
    return f"by a foreign key, or a trigger such as {names}" if names else "by a foreign key, a rule or a trigger"
