"""What a run does with its history: read what was, add itself, compare; and, after a repair, see to stale caches."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from pytest_tgintegrity import history
from pytest_tgintegrity.caches import Caches, Stale
from pytest_tgintegrity.database import Failure
from pytest_tgintegrity.errors import HistoryLost, ScratchError, TgIntegrityError
from pytest_tgintegrity.mended import Made
from pytest_tgintegrity.records import Record
from pytest_tgintegrity.redis_url import DEMO, RedisAddress, parse_redis_url
from pytest_tgintegrity.reports.document import Report
from pytest_tgintegrity.reports.history import Remembered
from pytest_tgintegrity.run import Run
from pytest_tgintegrity.trend import trend_of

if TYPE_CHECKING:
    from pytest_tgintegrity.scratch import ValkeyServer

STATISTICS = sql.SQL(
    "SELECT xact_rollback::float8 / nullif(xact_commit + xact_rollback, 0), deadlocks"
    " FROM pg_stat_database WHERE datname = current_database()"
)


@dataclass(slots=True)
class Memory:
    """The history of a session; `address` is None where none was asked for. The embedded one lives as long as this."""

    address: RedisAddress | None
    _server: ValkeyServer | None = None

    def recall(self, report: Report, run: Run) -> Remembered:
        """Compare a run with those before it. What goes wrong is told, and breaks nothing."""
        if self.address is None or report.database is None:
            return Remembered(wanted=False)
        record = record_of(report, _statistics(run))
        severities = {one["id"]: one["severity"] for one in report.rules}
        try:
            past = history.read(self.opened(), record.identity)
        except HistoryLost as error:
            return Remembered(wanted=True, reason=str(error))
        records = under_one_name(past.records, report.former_digest, record.digest)
        trend = trend_of(record, records, severities)
        return Remembered(wanted=True, past=records, trend=trend, unreadable=past.unreadable, record=record)

    def keep(self, report: Report) -> Remembered | None:
        """Keep a run that was compared, and what its gate said."""
        known = report.remembered
        if known is None or known.record is None:
            return known
        record = replace(known.record, conditions=report.gate.met if report.gate else {})
        try:
            history.append(self.opened(), record, {one["id"]: one["seconds"] for one in report.rules})
        except HistoryLost as error:
            return replace(known, reason=str(error))
        return replace(known, recorded=True)

    def tidy(self, made: Made | None, caches: Sequence[Caches], prefix: str | None) -> Stale | None:
        """After rows were written, by a repair or an undo: tell which caches are stale, and delete their keys if a prefix was given."""
        if made is None or not made.rows or not (caches or prefix):
            return None
        note = " ".join(one.note for one in caches) or None
        stale = Stale(note, prefix or next((one.prefix for one in caches if one.prefix), None))
        if prefix is None or self.address is None:
            return stale
        try:
            flushed = history.flush(self.opened(), prefix, [one for cache in caches for one in cache.keep])
        except HistoryLost as error:
            return replace(stale, error=str(error))
        return replace(stale, deleted=flushed.deleted, kept=flushed.kept)

    def opened(self) -> RedisAddress:
        """The address of the server, which is started where it is the embedded one. Raises `HistoryLost`."""
        if self.address is None:
            raise HistoryLost("there is no history: give --redis-url")
        if self.address.url != DEMO:
            return self.address
        from pytest_tgintegrity.scratch import start_valkey  # noqa: PLC0415 - servers are only started for the demo

        try:
            self._server = self._server or start_valkey()
        except ScratchError as error:
            raise HistoryLost(f"the embedded server did not start: {error}") from None
        return replace(parse_redis_url(self._server.url), shown=self.address.shown)

    def close(self) -> None:
        """End the embedded server."""
        if self._server is not None:
            self._server.close()
            self._server = None


def record_of(
    report: Report,
    statistics: tuple[float | None, int | None],
) -> Record:
    """What is kept of a run."""
    rules, run = report.rules, report.run
    return Record(
        run=run.id,
        started_at=run.started_at,
        finished_at=run.finished_at,
        score=report.health.score,
        status=report.health.status,
        counts=Counter(one["verdict"] for one in rules),
        violations={one["id"]: one["violations"] for one in rules if one["violations"]},
        unknown=tuple(one["id"] for one in rules if one["verdict"] == "unknown"),
        digest=run.rule_set_digest,
        overlooked=len(report.overlooked),
        vacuous=tuple(report.vacuous),
        complete=run.complete,
        period=run.period_hours,
        scopes=run.scopes,
        probes=report.timings.to_json() if report.timings else {},
        rollback_rate=statistics[0],
        deadlocks=statistics[1],
        database=report.database.name if report.database else "",
        identity=report.identity,
        verdicts={one["id"]: one["verdict"] for one in rules if one["verdict"] != "passed"},
    )


def under_one_name(past: Sequence[Record], former: str | None, digest: str | None) -> tuple[Record, ...]:
    """Runs on record under the name that an earlier release gave to the set of rules of today, under the name of today."""
    return tuple(replace(one, digest=digest) if former is not None and one.digest == former else one for one in past)


def _statistics(run: Run) -> tuple[float | None, int | None]:
    """Rollback rate and deadlocks of the database; unknown where it cannot be asked any more."""
    with contextlib.suppress(TgIntegrityError), run.reader() as reader:
        (answer,) = reader.ask([STATISTICS])
        if not isinstance(answer, Failure) and answer.rows:
            rate, deadlocks = answer.rows[0]
            return rate, deadlocks
    return None, None
