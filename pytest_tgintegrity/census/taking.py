"""Take a census: ask the questions on the run's snapshot, in a bounded time, of tables that can be read without waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from psycopg import sql

from pytest_tgintegrity.census.counts import ColumnCount, Counted, TableCount
from pytest_tgintegrity.census.findings import Commonest
from pytest_tgintegrity.census.questions import (
    ALL_ROWS,
    HUGE,
    MARKS,
    TABLES,
    Countable,
    commonest_question,
    countable,
    nulls_question,
    rows_question,
    values_question,
)
from pytest_tgintegrity.database.connections.answers import Answer, Failure
from pytest_tgintegrity.database.connections.reader import Reader
from pytest_tgintegrity.database.freshness import changed
from pytest_tgintegrity.parts import chunks

SECONDS = 30.0
"""No new questions are asked after that."""
TOGETHER = 48
MAY_NOT = "this role may not read it"
LOCKED = "another session holds it, or waits for it, in a mode that blocks readers"
LATE = f"the census had taken {SECONDS:g} s before it was asked"
REWRITTEN = "it was rewritten or replaced after the snapshot was taken"


class Taking:
    """A census on a reader. `known` are rows that scans of the run counted anyway, by qualified name.

    Without `quote` no value leaves the server.
    """

    def __init__(self, reader: Reader, known: Mapping[str, int], *, quote: bool = True) -> None:
        self._reader = reader
        self._known = known
        self._quote = quote
        self._end = time.monotonic() + SECONDS
        self._tables: dict[str, Countable] = {}

    def take(self) -> Counted:
        """Count the rows of all tables, and look at the values of their columns."""
        answer = self._reader.ask_catalogs(TABLES)
        if isinstance(answer, Failure):
            return Counted(reason=f"the catalogs cannot be read: {answer.reason}")
        counts = {}
        for row in sorted(answer.rows, key=lambda row: row[:2]):
            reason = None if row[4] and not row[5] else LOCKED if row[4] else MAY_NOT
            table = countable(row)
            self._tables[table.label] = table
            counts[table.label] = TableCount(table.label, None, reason=reason)
        counts |= self._counted([self._tables[name] for name, count in counts.items() if count.reason is None])
        counts |= self._looked_at(counts)
        return Counted(self._as_the_snapshot_knows(counts))

    # --- rows

    def _counted(self, tables: Sequence[Countable]) -> dict[str, TableCount]:
        known = {
            table.label: TableCount(table.label, self._known[table.label])
            for table in tables
            if table.label in self._known
        }
        unknown = [table for table in tables if table.label not in known]
        answers = self._ask(unknown, rows_question)
        return known | {table.label: _rows(table, answers[table.label]) for table in unknown}

    def _ask(
        self, tables: Sequence[Countable], question: Callable[[Countable], sql.Composable]
    ) -> dict[str, Answer | Failure]:
        answers: dict[str, Answer | Failure] = {}
        for part in chunks(tables, TOGETHER):
            late = time.monotonic() > self._end
            told = [Failure(LATE)] * len(part) if late else self._reader.ask([question(table) for table in part])
            answers.update(zip((table.label for table in part), told, strict=True))
        return answers

    # --- values

    def _looked_at(self, counts: Mapping[str, TableCount]) -> dict[str, TableCount]:
        """The tables with rows, and what stands in their columns; a table of which that cannot be said has none, and the reason."""
        filled = [self._tables[name] for name, count in counts.items() if count.rows and self._tables[name].looked_at]
        answers = self._ask(filled, lambda table: values_question(table, counts[table.label].rows or 0))
        return {
            name: replace(counts[name], reason=f"its values were not looked at: {answer.reason}")
            if isinstance(answer, Failure)
            else replace(counts[name], columns=_columns(self._tables[name], answer))
            for name, answer in answers.items()
        }

    # --- what a sample suggests

    def commonest(self, table: str, column: str) -> Commonest | None:
        """What most rows of a column have; None where that cannot be said."""
        sort = dict(self._tables[table].columns)[column]
        answer = self._confirmed(commonest_question(self._tables[table], column, sort, quote=self._quote))
        return Commonest(*answer.rows[0]) if isinstance(answer, Answer) and answer.rows else None

    def presence(self, table: str, column: str) -> ColumnCount | None:
        """How many of all rows have a value; None where that cannot be said."""
        answer = self._confirmed(nulls_question(self._tables[table], column))
        return ColumnCount(*answer.rows[0]) if isinstance(answer, Answer) else None

    def _confirmed(self, question: sql.Composable) -> Answer | Failure:
        return Failure(LATE) if time.monotonic() > self._end else self._reader.ask([question])[0]

    # --- the snapshot

    def _as_the_snapshot_knows(self, counts: dict[str, TableCount]) -> dict[str, TableCount]:
        """The snapshot sees no rows in a table that was truncated or rewritten meanwhile: those are not counted."""
        tables = changed(self._reader, everywhere=self._reader.begun > 1)
        if isinstance(tables, Failure):
            return {name: TableCount(name, None, reason=tables.reason) for name in counts}
        return counts | {
            name: TableCount(name, None, reason=REWRITTEN) for name in counts if _plainly(self._tables[name]) in tables
        }


def _plainly(table: Countable) -> str:
    """As `freshness.changed` writes it."""
    return f"{table.schema}.{table.name}"


def _rows(table: Countable, answer: Answer | Failure) -> TableCount:
    if isinstance(answer, Failure):
        return TableCount(table.label, None, reason=answer.reason)
    rows: int = answer.rows[0][0]
    if rows and table.pages >= HUGE:
        return TableCount(table.label, max(1, table.estimate), exact=False)
    return TableCount(table.label, rows)


def _columns(table: Countable, answer: Answer) -> dict[str, ColumnCount]:
    found = {number: numbers for number, *numbers in answer.rows}
    looked_at = found.pop(ALL_ROWS, [0])[0]
    columns = {}
    for number, (name, sort) in enumerate(table.looked_at):
        present, distinct, commonest = found.get(number, (0, 0, 0))
        count = ColumnCount(looked_at, int(present))
        if sort != "other":
            count = replace(count, distinct=distinct, commonest=commonest // MARKS, mark=commonest % MARKS)
        columns[name] = count
    return columns
