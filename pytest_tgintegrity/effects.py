"""What a transaction changed: what it was to write, and what triggers, rules and foreign keys changed with it.

The server counts the rows that a transaction inserts, updates and deletes in each table. Where that is more than was
written, the other rows are found by the transaction that wrote them, and their former values are asked of a connection that
does not see that transaction yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pytest_tgintegrity.changes import Change, Place
from pytest_tgintegrity.encoding import bytes_of, sql_bytes
from pytest_tgintegrity.stored import StoredTable, numbered_tables, read_rows, whole_row

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

# The 64 bits of a row's xmin are counted from those of our own transaction; whoever is in progress and visible is us.
_OURS = sql.SQL(
    "SELECT {row} FROM ONLY {table} AS t WHERE pg_catalog.age(t.xmin) <= pg_catalog.age({top}::pg_catalog.text::pg_catalog.xid)"
    " AND pg_catalog.txid_status({mine} + pg_catalog.age({top}::pg_catalog.text::pg_catalog.xid)"
    " - pg_catalog.age(t.xmin)) = 'in progress'"
)
_MINE = sql.SQL("pg_catalog.txid_current()")
_TOP = sql.SQL("(pg_catalog.txid_current() % 4294967296)")


class Unseen(Exception):
    """Something was changed that cannot be journalled; `args` is the reason."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written on purpose: the table of each row, its place, and where it was and is now."""

    table: StoredTable
    op: str
    place: Place
    was: int | None
    now: int | None


@dataclass(frozen=True, slots=True)
class Mark:
    """The state of the counters before a transaction writes."""

    counts: Counts
    files: str | None


def mark(connection: psycopg.Connection[Any]) -> Mark:
    """Remember where the counters of this transaction stand."""
    return Mark(_counts(connection), _one(connection, _FILES))


def _counts(connection: psycopg.Connection[Any]) -> Counts:
    return {oid: (ins, upd, dele) for oid, ins, upd, dele in connection.execute(_COUNTS).fetchall()}


def _one(connection: psycopg.Connection[Any], statement: str) -> Any:
    row = connection.execute(bytes_of(statement)).fetchone()
    return row[0] if row else None


def other_changes(
    connection: psycopg.Connection[Any],
    outside: psycopg.Connection[Any],
    before: Mark,
    written: Sequence[Written],
) -> list[Change]:
    """What was changed beside what was `written`; `outside` is a connection that does not see this transaction.

    Raises `Unseen` where that cannot be told row by row: a table without key, a row deleted, a table emptied.
    """
    if not _one(connection, _COUNTED):
        triggers = sorted({trigger.name for one in written for trigger in one.table.triggers})
        if triggers:
            raise Unseen(
                f"the trigger {triggers[0]} may change other rows, and track_counts is off: nobody counts them"
            )
        return []
    if _one(connection, _FILES) != before.files:
        raise Unseen("a trigger emptied or rewrote a table")
    surplus = _surplus(before.counts, _counts(connection), _expected(written))
    tables = numbered_tables(connection, surplus)
    own = {one.place for one in written} | {
        (tables[oid].name, one.place[1]) for one in written for oid in (one.now,) if oid in tables
    }
    found: list[Change] = []
    for oid, deleted in sorted(surplus.items()):
        found += _others(connection, outside, tables.get(oid), deleted=deleted, own=own)
    return found


def _expected(written: Iterable[Written]) -> dict[int, list[int]]:
    """The counts that come of what was written; an update that moves a row to another partition deletes and inserts."""
    expected: dict[int, list[int]] = {}
    for one in written:
        moved = one.op == "update" and one.was != one.now
        for oid, index in ((one.now, 0), (one.was, 2)) if moved else ((one.now or one.was, _INDEX[one.op]),):
            if oid is not None:
                expected.setdefault(oid, [0, 0, 0])[index] += 1
    return expected


_INDEX = {"insert": 0, "update": 1, "delete": 2}


def _surplus(before: Counts, after: Counts, expected: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """The relations in which more was changed than written, and how many rows more were deleted there."""
    found = {}
    for oid, counts in after.items():
        more = [
            now - was - own
            for now, was, own in zip(counts, before.get(oid, (0, 0, 0)), expected.get(oid, (0, 0, 0)), strict=True)
        ]
        if any(more):
            found[oid] = more[2]
    return found


def _others(
    connection: psycopg.Connection[Any],
    outside: psycopg.Connection[Any],
    table: StoredTable | None,
    *,
    deleted: int,
    own: set[Place],
) -> list[Change]:
    if table is None:
        raise Unseen("a table was changed too that is gone now")
    if deleted:
        raise Unseen(f"rows of {table.name} would be deleted too ({_causes(table)})")
    if not table.key:
        raise Unseen(f"{table.name} would be changed too, and it has no primary key: its rows could not be journalled")
    statement = _OURS.format(row=whole_row(table), table=sql.Identifier(*table.path), top=_TOP, mine=_MINE)
    now = {table.place(row): row for (row,) in connection.execute(sql_bytes(statement)).fetchall()}
    keys = {place: {column: row[column] for column in table.key} for place, row in now.items() if place not in own}
    asked = [Change(table.name, "update", key, {}, {}, ()) for key in keys.values()]
    former = read_rows(outside, table, asked)
    found = []
    for place, key in keys.items():
        if place in former:
            before = former[place].row
            changed = [name for name, text in now[place].items() if text != before[name]]
            if changed:
                rows = {name: before[name] for name in changed}, {name: now[place][name] for name in changed}
                found.append(Change(table.name, "update", key, *rows, ()))
        else:
            found.append(Change(table.name, "insert", key, {}, now[place], ()))
    return found


def _causes(table: StoredTable) -> str:
    names = ", ".join(trigger.name for trigger in table.triggers)
    return f"by a foreign key, or a trigger such as {names}" if names else "by a foreign key, a rule or a trigger"
