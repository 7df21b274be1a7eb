"""Which rows are young enough, where dates and times may have no zone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from psycopg import sql

from pytest_tgintegrity.planning.sql.compose import Value

FARTHEST = timedelta(hours=14)
"""No zone is farther from UTC."""
ZONELESS = frozenset({1082, 1114})
"""The oids of date and timestamp without time zone."""
_SHIFT, _STEP = timedelta(hours=3), timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Window:
    """What of the data a run looks at: rows younger than `cutoff` for rules with `since=`, and the chosen scopes.

    Dates and times without a zone are read in `zone`; where that is None they count if they are young enough in any zone.
    `now` is when the run began.
    """

    cutoff: datetime | None = None
    scopes: Mapping[str, str] = field(default_factory=dict)
    zone: str | None = None
    now: datetime | None = None

    @property
    def start(self) -> sql.Composable:
        """The beginning of the window as SQL, for ``%(since)s``."""
        return sql.SQL("CAST({} AS timestamptz)").format(Value(self.cutoff or "-infinity"))

    def within(self, at: sql.Composable, cutoff: datetime) -> sql.Composable:
        """Whether a date or a time of any type is young enough. A date is as young as its last moment."""
        local = self.local(cutoff)
        return sql.SQL(
            "CASE pg_catalog.pg_typeof({typed}) WHEN 'pg_catalog.date'::regtype THEN {at} >= {day}"
            " WHEN 'pg_catalog.timestamp'::regtype THEN {at} >= {local} ELSE {at} >= {cutoff} END"
        ).format(typed=typed(at), at=at, day=Value(local.date()), local=Value(local), cutoff=Value(cutoff))

    def local(self, cutoff: datetime) -> datetime:
        """The earliest that a clock without a zone can have shown at the cutoff or later: clocks are set back, too."""
        if self.zone is None:
            return (cutoff.astimezone(UTC) - FARTHEST).replace(tzinfo=None)
        moments = (cutoff + n * _STEP for n in range(_SHIFT // _STEP + 1))
        return min(moment.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None) for moment in moments)


def typed(at: sql.Composable) -> sql.Composed:
    """A NULL of the type of an expression, which is not evaluated; the base type where it is of a domain."""
    return sql.SQL("CASE WHEN TRUE THEN NULL ELSE {} END").format(at)


@dataclass(frozen=True, slots=True)
class Dated:
    """A source, and the time by which a period narrows it."""

    name: str
    since: str
    table: sql.Composable
    at: sql.Composable

    @property
    def question(self) -> sql.Composable:
        """A statement whose answer has the type of the time."""
        return sql.SQL("SELECT {} FROM {} LIMIT 0").format(typed(self.at), self.table)
