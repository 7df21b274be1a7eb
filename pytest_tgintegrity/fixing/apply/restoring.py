"""Take back what a run changed: only rows that still are as the run left them, and only if they become what they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg.types.json import set_json_loads

from pytest_tgintegrity.database.connections.writer import Writer
from pytest_tgintegrity.errors import ConnectionFailed
from pytest_tgintegrity.fixing.apply.batches import Batches
from pytest_tgintegrity.fixing.apply.stored import StoredRow, StoredTable
from pytest_tgintegrity.fixing.apply.writing import Disturbed, Refused, Work
from pytest_tgintegrity.fixing.changes import OPPOSITES, Change, Row
from pytest_tgintegrity.fixing.journal import schema as journal
from pytest_tgintegrity.fixing.journal.entries import document, entry_of, schema_reason
from pytest_tgintegrity.fixing.plan.planner import FETCH_ROWS
from pytest_tgintegrity.fixing.results import Skipped
from pytest_tgintegrity.planning.sql.encoding import sql_bytes


def take_back(batches: Batches, writer: Writer, run: str) -> None:
    """Take back the changes of a run that still stand, newest first."""
    batches.make(_opposites(batches, writer, run), UndoPolicy(), whole=True)


def _opposites(batches: Batches, writer: Writer, run: str) -> Iterator[Change]:
    """The opposite of each change of a run that still stands; an entry that is none of ours is skipped."""
    try:
        with (
            writer.transaction(patient=True) as connection,
            psycopg.RawServerCursor(connection, "tgi_entries") as cursor,
        ):
            set_json_loads(document, cursor)
            cursor.itersize = FETCH_ROWS
            cursor.execute(sql_bytes(journal.STANDING), [run])
            for row in cursor:
                entry = entry_of(row)
                if isinstance(entry, Change):
                    yield opposite(entry)
                else:
                    batches.applied.skipped.append(Skipped(_unreadable(row), entry))
    except (psycopg.Error, ConnectionFailed) as error:
        batches.applied.stopped = (
            f"the journal cannot be read any more: {writer.address.scrub(writer.limits.said(error))}"
        )


def _unreadable(row: Sequence[Any]) -> Change:
    """A change that shows the number of an entry that cannot be read."""
    return Change(f"tgintegrity.journal {row[0]}", "update", {}, {}, {}, ())


def opposite(entry: Change) -> Change:
    """The change that takes an entry back."""
    return replace(entry, op=OPPOSITES[entry.op], before=entry.after, after=entry.before)


@dataclass(frozen=True, slots=True)
class UndoPolicy:
    """The policy of an undo: triggers are switched off where they keep rows from becoming what they were."""

    quiet: bool = True

    def skipped(self, work: Work) -> list[Skipped]:
        """The changes whose rows are not any more what the run made of them, or cannot become what they were."""
        return [Skipped(change, reason) for change in work.batch if (reason := _obstacle(work, change))]

    def begin(self, work: Work) -> None:
        """Do nothing: an undo brings back only what was there before."""

    def check(self, work: Work, others: Sequence[Change]) -> None:
        """Raise `Refused` unless each row is what it was, and nothing else changed."""
        for change in work.batch:
            reason = _not_restored(work, change)
            if reason:
                raise (Disturbed if work.tables[change.table].triggers else Refused)(reason)
        if others:
            raise Disturbed(f"{others[0].table} would be changed too, by a trigger")


def _obstacle(work: Work, change: Change) -> str:
    table = work.tables.get(change.table)
    reason = schema_reason(change, None if table is None else table.types, () if table is None else tuple(table.key))
    if reason is not None or table is None:
        return reason or ""
    if change.op in table.rules:
        return f"{table.name} has the rewrite rule {table.rules[change.op]}: what it does could not be taken back"
    row = work.rows.get(change.place)
    if change.op == "insert":
        return "" if row is None else "a row with its key is there already"
    return "the row is gone" if row is None else _moved_on(table, change, row)


def _moved_on(table: StoredTable, change: Change, row: StoredRow) -> str:
    if change.op == "delete" and row.relation not in table.relations:
        return f"it lies in a table that inherits from {table.name} now"
    if _holds(row.row, change.before):
        return ""
    already = change.op == "update" and _holds(row.row, change.after)
    return "it is as before already" if already else "it was changed since"


def _holds(row: Row, values: Row) -> bool:
    return all(row[column] == text for column, text in values.items())


def _not_restored(work: Work, change: Change) -> str:
    """Why a row is not what it was; empty if it is."""
    if change.op == "delete":
        return ""
    table: StoredTable = work.tables[change.table]
    row = work.stored[change.place].row
    former = work.rows[change.place].row if change.op == "update" else {}
    kept = {name: text for name, text in former.items() if name not in table.computed}
    differing = [name for name, text in {**kept, **change.after}.items() if row[name] != text]
    if not differing:
        return ""
    trigger = f", by a trigger such as {table.triggers[0].name}" if table.triggers else ""
    return f"{table.name}.{differing[0]} would not be stored as it was{trigger}"
