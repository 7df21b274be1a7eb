"""What earlier runs counted, as the history keeps it: rows run by run, values only once. Pure.

What is violated never becomes what the next run is compared with: of an emptied table, and of one whose rows left the bounds of
a rule, the rows that it had before are kept (`KeptRows.healthy`), of a column that lost its values its numbers from before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pytest_tgintegrity.census.counts import ColumnCount
from pytest_tgintegrity.planning.facts import Before, EarlierRows

LARGEST = 2**63 - 1
DAMAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class KeptRows:
    """The rows that one run counted, by qualified name; of tables whose rows were a violation what they had before: `healthy`.

    A loss that was waived in that run is in `waived`.
    """

    at: datetime
    rows: Mapping[str, int]
    healthy: Mapping[str, Before] = field(default_factory=dict)
    waived: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KeptColumn:
    """What was counted of a column that was not suspect, when, and in how many runs since then it was: `told`."""

    count: ColumnCount
    rows: int
    at: datetime
    told: int = 0


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier runs counted: `runs`, oldest first, and the last healthy numbers of columns by table and name.

    `reason` says why there is nothing to ask.
    """

    runs: Sequence[KeptRows] = ()
    columns: Mapping[str, Mapping[str, KeptColumn]] = field(default_factory=dict)
    reason: str | None = None

    def last(self, table: str, *, waived: bool = False) -> Before | None:
        """The rows of a table when it last had some; None where no run counted any, or where its loss was accepted.

        It was accepted by a waiver that is no more: `waived` says whether there is one now.
        """
        for run in reversed(self.runs):
            if table in run.healthy:
                return None if table in run.waived and not waived else run.healthy[table]
            if table in run.rows:
                return Before(run.rows[table], run.at) if run.rows[table] else None
        return None

    @property
    def rows(self) -> EarlierRows:
        """What each table is compared with: its rows in the newest run that counted it or, if they were a violation, before."""
        newest: dict[str, Before] = {}
        for run in self.runs:
            newest |= {table: Before(rows, run.at) for table, rows in run.rows.items()}
            newest |= run.healthy
        return EarlierRows(newest, self.reason)


# --- rows, in the record of a run


def rows_to_json(kept: KeptRows, tables: Sequence[str], name: str) -> dict[str, Any]:
    """The part of a record: the `name` of the list of tables, their rows in its order (-1: not counted), and the rest."""
    healthy = {table: [before.rows, before.at.isoformat()] for table, before in kept.healthy.items()}
    more = {"healthy": healthy, "waived": sorted(kept.waived)}
    numbers = [kept.rows.get(table, -1) for table in tables]
    return {"tables": name, "rows": numbers, **{key: value for key, value in more.items() if value}}


def rows_from_json(document: Mapping[str, Any], tables: Sequence[str], at: datetime) -> KeptRows | None:
    """The inverse of `rows_to_json`; None for what is not ours, or does not fit the list of tables."""
    try:
        numbers = document["rows"]
        if len(numbers) != len(tables) or not all(type(number) is int and number <= LARGEST for number in numbers):
            return None
        rows = {table: number for table, number in zip(tables, numbers, strict=True) if number >= 0}
        healthy = {str(table): _before(*before) for table, before in document.get("healthy", {}).items()}
        waived = frozenset(map(str, document.get("waived", [])))
    except DAMAGE:
        return None
    return KeptRows(at, rows, healthy, waived)


def _before(rows: Any, at: Any) -> Before:
    if type(rows) is not int or rows < 0:
        raise ValueError("it is no number of rows")
    return Before(rows, _time(at))


def _time(text: Any) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("it does not say its time zone")
    return time


# --- values, kept once for each database


def columns_to_json(columns: Mapping[str, Mapping[str, KeptColumn]]) -> str:
    """The healthy numbers of all columns as text; the time and rows of most are those of their table."""
    return json.dumps({table: _table(of) for table, of in columns.items() if of}, separators=(",", ":"))


def _table(columns: Mapping[str, KeptColumn]) -> dict[str, Any]:
    newest = max(columns.values(), key=lambda column: column.at)
    common = (newest.at, newest.rows, 0)
    return {
        "at": newest.at.isoformat(),
        "rows": newest.rows,
        "columns": {
            name: [*kept.count.to_json(), *([] if (kept.at, kept.rows, kept.told) == common else [kept.at.isoformat(), kept.rows, kept.told])]
            for name, kept in columns.items()
        },
    }  # fmt: skip


def columns_from_json(text: str) -> dict[str, dict[str, KeptColumn]]:
    """The inverse of `columns_to_json`; nothing for what is not ours."""
    try:
        return {table: dict(_columns(of)) for table, of in json.loads(text).items()}
    except DAMAGE:
        return {}


def _columns(table: Mapping[str, Any]) -> Mapping[str, KeptColumn]:
    at, rows = _time(table["at"]), int(table["rows"])
    return {name: _column(numbers, at, rows) for name, numbers in table["columns"].items()}


def _column(numbers: Sequence[Any], at: datetime, rows: int) -> KeptColumn:
    count = ColumnCount.from_json(numbers[:5])
    if len(numbers) == 5:  # noqa: PLR2004 - those of `ColumnCount.to_json`
        return KeptColumn(count, rows, at)
    return KeptColumn(count, int(numbers[6]), _time(numbers[5]), int(numbers[7]))
