"""What a run does with its history: read past runs, compare, add itself; and flush stale caches after rows were changed."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pytest_tgintegrity.census.earlier import Earlier
from pytest_tgintegrity.database.connections.answers import Failure
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.errors import HistoryLost, ScratchError, TgIntegrityError
from pytest_tgintegrity.fixing.caches import Caches, Stale
from pytest_tgintegrity.fixing.results import Applied
from pytest_tgintegrity.history import redis_store as history
from pytest_tgintegrity.history.record import Record
from pytest_tgintegrity.history.redis_address import DEMO, RedisAddress, parse_redis_url
from pytest_tgintegrity.history.trend import HistoryResult, trend_of
from pytest_tgintegrity.judging.summary import RunSummary
from pytest_tgintegrity.planning.facts import NO_RUN

if TYPE_CHECKING:
    from pytest_tgintegrity.servers.valkey import ValkeyServer

STATISTICS = sql.SQL(
    "SELECT xact_rollback::float8 / nullif(xact_commit + xact_rollback, 0), deadlocks"
    " FROM pg_stat_database WHERE datname = current_database()"
)


@dataclass(slots=True)
class Memory:
    """The history of a session; `address` is None where no history was asked for. The embedded server lives until `close`."""

    address: RedisAddress | None
    _server: ValkeyServer | None = None
    _past: history.Past | HistoryLost | None = None
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def past(self, identity: str) -> history.Past:
        """The runs before this one, read once in a session, whoever asks first. Raises `HistoryLost`, also the second time."""
        with self._reading:
            if self._past is None:
                try:
                    self._past = history.read(self.opened(), identity)
                except HistoryLost as error:
                    self._past = error
        if isinstance(self._past, HistoryLost):
            raise self._past
        return self._past

    def earlier(self, identity: str) -> Earlier:
        """What earlier runs counted; of a history that cannot be asked only why."""
        if self.address is None:
            return Earlier(reason=NO_RUN)
        try:
            return self.past(identity).earlier
        except HistoryLost as error:
            return Earlier(reason=f"no comparable run: {error}")

    def compare(self, summary: RunSummary, run: Run, probes: Mapping[str, Any]) -> HistoryResult:
        """Compare a run with those before it; `probes` are its timings. An error becomes the `reason` of the result."""
        if self.address is None or summary.database is None:
            return HistoryResult(wanted=False)
        record = record_of(summary, probes, _statistics(run))
        severities = {rule.id: rule.severity for rule in summary.rules}
        try:
            past = self.past(record.identity)
        except HistoryLost as error:
            return HistoryResult(wanted=True, reason=str(error))
        records = under_one_name(past.records, summary.former_digest, record.digest)
        trend = trend_of(record, records, severities)
        return HistoryResult(wanted=True, past=records, trend=trend, unreadable=past.unreadable, record=record)

    def keep(
        self,
        known: HistoryResult,
        conditions: Mapping[str, bool],
        seconds: Mapping[str, float],
        beside: history.Beside = history.NOTHING,
    ) -> HistoryResult:
        """Store a run that was compared, the conditions of its gate, the seconds of each rule, and what was found beside the rules."""
        if known.record is None:
            return known
        try:
            history.append(self.opened(), replace(known.record, conditions=conditions), seconds, beside)
        except HistoryLost as error:
            return replace(known, reason=str(error))
        return replace(known, recorded=True)

    def flush_caches(self, applied: Applied | None, caches: Sequence[Caches], prefix: str | None) -> Stale | None:
        """After a fix or an undo wrote rows: say which caches are stale, and delete their keys if a prefix was given."""
        if applied is None or not applied.rows or not (caches or prefix):
            return None
        note = " ".join(cache.note for cache in caches) or None
        stale = Stale(note, prefix or next((cache.prefix for cache in caches if cache.prefix), None))
        if prefix is None or self.address is None:
            return stale
        try:
            flushed = history.flush(self.opened(), prefix, [pattern for cache in caches for pattern in cache.keep])
        except HistoryLost as error:
            return replace(stale, error=str(error))
        return replace(stale, deleted=flushed.deleted, kept=flushed.kept)

    def opened(self) -> RedisAddress:
        """The address of the server; the embedded one is started if need be. Raises `HistoryLost`."""
        if self.address is None:
            raise HistoryLost("there is no history: give --redis-url")
        if self.address.url != DEMO:
            return self.address
        from pytest_tgintegrity.servers.valkey import start_valkey  # noqa: PLC0415 - servers are only started for the demo

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


def record_of(summary: RunSummary, probes: Mapping[str, Any], statistics: tuple[float | None, int | None]) -> Record:
    """The record of a run that the history keeps."""
    rules, run = summary.rules, summary.run
    return Record(
        run=run.id,
        started_at=run.started_at,
        finished_at=run.finished_at,
        score=summary.health.score,
        status=summary.health.status,
        counts=Counter(rule.verdict for rule in rules),
        violations={rule.id: rule.violations for rule in rules if rule.violations},
        unknown=tuple(rule.id for rule in summary.of_verdict("unknown")),
        digest=run.rule_set_digest,
        overlooked=len(summary.overlooked),
        vacuous=tuple(summary.vacuous),
        complete=run.complete,
        period=run.period_hours,
        scopes=run.scopes,
        probes=probes,
        rollback_rate=statistics[0],
        deadlocks=statistics[1],
        database=summary.database.name if summary.database else "",
        identity=summary.identity,
        verdicts={rule.id: rule.verdict for rule in rules if rule.verdict != "passed"},
    )


def under_one_name(past: Sequence[Record], former: str | None, digest: str | None) -> tuple[Record, ...]:
    """The records, with the digest of today where they have the one that an earlier release gave to the same set of rules."""
    return tuple(
        replace(record, digest=digest) if former is not None and record.digest == former else record for record in past
    )


def _statistics(run: Run) -> tuple[float | None, int | None]:
    """Rollback rate and deadlocks of the database; None where it cannot be asked any more."""
    with contextlib.suppress(TgIntegrityError), run.reader() as reader:
        (answer,) = reader.ask([STATISTICS])
        if not isinstance(answer, Failure) and answer.rows:
            rate, deadlocks = answer.rows[0]
            return rate, deadlocks
    return None, None
