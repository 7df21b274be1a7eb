"""What became of tables and columns since earlier runs: lost rows, columns of one value, lost values. Pure.

Everything here is silent while rows are only added. A *loss* is a table that had rows and has none; it is a violation. What
else is found is *noted*, with both numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

from pytest_tgintegrity.census.counts import ColumnCount, Counted, TableCount
from pytest_tgintegrity.census.earlier import Earlier, KeptColumn, KeptRows
from pytest_tgintegrity.planning.facts import Before
from pytest_tgintegrity.text import grouped, plural

HALF = 0.5
FEW = 0.1
ENOUGH = 20
"""Of fewer rows, or values, nothing is noted: a handful changes in an ordinary hour."""
SAMPLED = 60
"""So many values have to be in a sample for it to say how many the table had."""
RUNS = 30
"""Runs to look back where no period was given; and so often a finding on a column is told, before its numbers count as usual."""

DOUBT: Final = "doubt"
"""What a sample suggests and nobody could confirm: it is not told, and its numbers do not count as usual."""

What = Literal["all rows lost", "fewer rows", "one value", "fewer values"]


@dataclass(frozen=True, slots=True)
class Commonest:
    """The beginning of the commonest value of a whole column, and in how many rows stand it and `others`."""

    value: str
    rows: int
    others: int


class Confirmation(Protocol):
    """Asks of a whole table what a sample suggests; None where that cannot be said."""

    def commonest(self, table: str, column: str) -> Commonest | None:
        """What most rows of a column have."""

    def presence(self, table: str, column: str) -> ColumnCount | None:
        """How many of all rows have a value."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a table or, where `column` is given, of a column.

    `before` and `now` are rows, rows that have another value than the one of most, or rows with a value, as `what` says; `since` is
    when the run began that counted `before`. `value` is that of most, None where values must not be shown.
    """

    what: What
    table: str
    before: int
    now: int
    since: datetime
    column: str | None = None
    value: str | None = None

    @property
    def subject(self) -> str:
        """The table, or the column with its table."""
        return self.table if self.column is None else f"{self.table}.{self.column}"

    @property
    def sentence(self) -> str:
        """It in words, with both numbers and the time."""
        when = f"in the run of {self.since:%Y-%m-%d %H:%M} UTC"
        match self.what:
            case "all rows lost":
                return f"{self.table} has no rows; it had {grouped(self.before)} {when}"
            case "fewer rows":
                return f"{self.table} has {plural(self.now, 'row')}; it had {grouped(self.before)} {when}"
            case "one value":
                of = "" if self.value is None else f", {self.value!r},"
                but = f"but {grouped(self.now)}" if self.now else "rows"
                return f"{self.subject} has one value{of} in all {but}; {grouped(self.before)} had another {when}"
        return f"{self.subject} has a value in {plural(self.now, 'row')}; it had one in {grouped(self.before)} {when}"

    def to_json(self) -> dict[str, Any]:
        """An entry of `census.findings` in the JSON report."""
        severity = "high" if self.what == "all rows lost" else "info"
        document: dict[str, Any] = {
            "what": self.what,
            "severity": severity,
            "table": self.table,
            "column": self.column,
            "before": self.before,
            "now": self.now,
            "since": self.since.isoformat(),
            "text": self.sentence,
        }
        return document if self.value is None else {**document, "value": self.value}


@dataclass(frozen=True, slots=True)
class Judged:
    """What rules judge, and is not told again: `tables` whose rows, and `columns` whose values, a rule bounds.

    `violated` are those of the tables whose rows are out of bounds; `waivers` say of each table for whose loss there is one
    whether it holds today.
    """

    tables: Collection[str] = ()
    columns: Collection[tuple[str, str]] = ()
    violated: Collection[str] = ()
    waivers: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found, and what the history has to keep of this run."""

    losses: tuple[Finding, ...] = ()
    noted: tuple[Finding, ...] = ()
    rows: KeptRows | None = None
    columns: Mapping[str, Mapping[str, KeptColumn]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A census, to be compared with earlier ones: `at` is the beginning of this run, `period` how far a window reaches back."""

    counted: Counted
    earlier: Earlier
    at: datetime
    period: timedelta | None
    judged: Judged
    confirm: Confirmation
    quote: bool

    def compared(self) -> Compared:
        """All findings in the order of the tables, and what is to be kept."""
        losses = tuple(self._losses())
        suspects = dict(self._suspects())
        columns = [found for found in suspects.values() if isinstance(found, Finding)]
        lost = {found.table: Before(found.before, found.since) for found in losses}
        waived = frozenset(name for name in lost if self.judged.waivers.get(name) or name in self._newest.waived)
        rows = KeptRows(self.at, self.counted.rows, {**dict(self._as_before()), **lost}, waived)
        return Compared(losses, (*self._fewer_rows(), *columns), rows, self._kept(suspects))

    @property
    def _newest(self) -> KeptRows:
        return self.earlier.runs[-1] if self.earlier.runs else KeptRows(self.at, {})

    # --- rows

    def _losses(self) -> Iterator[Finding]:
        for name, rows in self.counted.rows.items():
            if rows or name in self.judged.tables:
                continue
            before = self.earlier.last(name, waived=name in self.judged.waivers)
            if before is not None:
                yield Finding("all rows lost", name, before.rows, 0, before.at)

    def _as_before(self) -> Iterator[tuple[str, Before]]:
        """What to compare the next run with, of tables that are out of bounds, or were and could not be counted this time."""
        newest, usual = self._newest.healthy, self.earlier.rows.rows
        for name, table in self.counted.tables.items():
            if table.rows is None and name in newest:
                yield name, newest[name]
            elif name in self.judged.violated and name in usual:
                yield name, usual[name]

    def _fewer_rows(self) -> Iterator[Finding]:
        window = self._window()
        for name, rows in self.counted.rows.items():
            halved = (run for run in window if run.rows.get(name, 0) > max(ENOUGH - 1, 2 * rows))
            run = next(halved, None) if rows and name not in self.judged.tables else None
            if run is not None:
                yield Finding("fewer rows", name, run.rows[name], rows, run.at)

    def _window(self) -> list[KeptRows]:
        """The runs to look back on, newest first."""
        if self.period is None:
            return list(reversed(self.earlier.runs[-RUNS:]))
        begin = self.at - self.period
        within = [run for run in self.earlier.runs if run.at >= begin]
        return list(reversed(within or self.earlier.runs[-1:]))

    # --- values

    def _suspects(self) -> Iterator[tuple[tuple[str, str], Finding | Literal["doubt"]]]:
        """By table and column what was found, or a doubt."""
        for name, table in self.counted.tables.items():
            for column, before in self.earlier.columns.get(name, {}).items():
                now = table.columns.get(column)
                if now is None or (name, column) in self.judged.columns or before.told >= RUNS:
                    continue
                found = self._one_value(table, column, before, now) or self._fewer_values(table, column, before, now)
                if found is not None:
                    yield (name, column), found

    def _one_value(
        self, table: TableCount, column: str, before: KeptColumn, now: ColumnCount
    ) -> Finding | Literal["doubt"] | None:
        had = others_before(before, now.mark)
        if now.present < ENOUGH or now.presence * (1 - now.share) * (table.rows or 0) >= had * FEW:
            return None
        commonest = self.confirm.commonest(table.table, column)
        if commonest is None:
            return DOUBT
        value = commonest.value if self.quote else None
        found = Finding("one value", table.table, had, commonest.others, before.at, column, value)
        return found if commonest.others < had * FEW else None

    def _fewer_values(
        self, table: TableCount, column: str, before: KeptColumn, now: ColumnCount
    ) -> Finding | Literal["doubt"] | None:
        if not has_fewer_values(before, now, table.rows or 0):
            return None
        exact = now if now.looked_at == table.rows else self.confirm.presence(table.table, column)
        if exact is None:
            return DOUBT
        found = Finding("fewer values", table.table, _values(before), exact.present, before.at, column)
        return found if has_fewer_values(before, exact, exact.looked_at) else None

    # --- what is kept

    def _kept(self, suspects: Mapping[tuple[str, str], object]) -> dict[str, dict[str, KeptColumn]]:
        kept = {}
        for name, table in self.counted.tables.items():
            former = self.earlier.columns.get(name, {})
            fresh = {column: KeptColumn(count, table.rows or 0, self.at) for column, count in table.columns.items()}
            held = {
                column: replace(former[column], told=former[column].told + (suspects[name, column] != DOUBT))
                for column in fresh
                if (name, column) in suspects
            }
            kept[name] = {**fresh, **held} if fresh else dict(former)
        return kept


def others_before(kept: KeptColumn, mark: int) -> int:
    """How many rows had another value than the one with this mark, as far as a sample can say; 0 if most had it, or few others.

    That the rest joins the value of most is ordinary: the last open requests are decided.
    """
    count = kept.count
    share = count.share if mark == count.mark else min(count.share, 1 - count.share)
    others = count.present * (1 - share)
    return round(others * kept.rows / count.looked_at) if share <= HALF and others >= ENOUGH else 0


def has_fewer_values(before: KeptColumn, now: ColumnCount, rows: int) -> bool:
    """Whether less than half of the values that a column had are left, in number and as a share of the rows."""
    count = before.count
    enough = ENOUGH if count.looked_at == before.rows else SAMPLED
    if count.present < enough or now.looked_at == 0:
        return False
    return now.presence < count.presence * HALF and now.presence * rows < _values(before) * HALF


def _values(kept: KeptColumn) -> int:
    """How many rows had a value, as far as a sample can say."""
    return round(kept.count.presence * kept.rows)
