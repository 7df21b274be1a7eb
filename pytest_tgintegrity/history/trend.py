"""How the score moves, and which rules got worse: from this run's record and those before it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pytest_tgintegrity.history.record import Record
from pytest_tgintegrity.rules.severity import SEVERITIES

RUNS = 30
"""How many runs a trend covers where no period was given."""
BARS = "▁▂▃▄▅▆▇█"
NO_BAR = "·"
PASSED = "passed"
NOT_KNOWN = "not known"
TENTH = 10


@dataclass(frozen=True, slots=True)
class Change:
    """Violations of a rule when it was last judged, and now; `now` is None where it could not be judged this time."""

    rule: str
    before: int
    now: int | None


@dataclass(frozen=True, slots=True)
class Trend:
    """Comparable runs, oldest first, this run last; `previous` is the one before it.

    `worse` are rules with more violations than before, or that cannot be judged now; `new` are rules that held when they
    were last judged and are violated now. `emptied` are the rules that have no rows now, with the time of the run in which
    they last had some.
    """

    runs: tuple[Record, ...]
    previous: Record | None
    worse: tuple[Change, ...]
    new: tuple[Change, ...]
    emptied: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def scores(self) -> list[int | None]:
        """The score of each run."""
        return [run.score for run in self.runs]

    @property
    def known(self) -> list[int]:
        """The scores of the runs that have one."""
        return [score for score in self.scores if score is not None]

    @property
    def verdicts(self) -> dict[str, list[str]]:
        """The verdicts, run by run, of each rule that did not pass in all of the runs.

        A record names only rules that did not pass. That another rule passed is known only of runs of the same set of rules (digest).
        """
        not_passed = dict.fromkeys(rule for run in reversed(self.runs) for rule in run.verdicts)
        now = self.runs[-1].digest
        runs = [(run, PASSED if run.digest == now else NOT_KNOWN) for run in self.runs]
        return {rule: [run.verdicts.get(rule, otherwise) for run, otherwise in runs] for rule in not_passed}

    def to_json(self) -> dict[str, Any]:
        """The parts of `history` in the JSON report."""
        return {
            "previous_score": self.previous.score if self.previous else None,
            "trend": [_point(run) for run in self.runs],
            "worse": [asdict(change) for change in self.worse],
            "new": [asdict(change) for change in self.new],
            "rules": self.verdicts,
        }


NO_TREND: Mapping[str, Any] = {"previous_score": None, "trend": [], "worse": [], "new": [], "rules": {}}


def trend_of(now: Record, past: Iterable[Record], severities: Mapping[str, str]) -> Trend:
    """Compare a run with earlier runs that looked at the same part of the data with about as many rules."""
    alike = [run for run in past if run.run != now.run and run.started_at <= now.started_at and _comparable(run, now)]
    runs = _window(now, alike)
    if not alike:
        return Trend(runs, None, (), ())
    changes = sorted(_changes(now, alike), key=lambda change: _order(change, severities))
    new = tuple(change for change in changes if not change.before and change.now)
    return Trend(
        runs, alike[-1], tuple(change for change in changes if change not in new), new, dict(_emptied(now, alike))
    )


def sparkline(scores: Sequence[int | None]) -> str:
    """Scores from 0 to 100 as bars."""
    return "".join(NO_BAR if score is None else BARS[min(score * len(BARS) // 100, len(BARS) - 1)] for score in scores)


def _comparable(run: Record, now: Record) -> bool:
    """Whether scores can be compared: not if few rules were selected, as by -k; a rule more or less does not matter."""
    if run.period != now.period or dict(run.scopes) != dict(now.scopes) or run.identity != now.identity:
        return False
    rules, rules_now = sum(run.counts.values()), sum(now.counts.values())
    return run.digest == now.digest or abs(rules - rules_now) * TENTH <= rules_now


def _window(now: Record, alike: Sequence[Record]) -> tuple[Record, ...]:
    if now.period is None:
        return (*alike[-(RUNS - 1) :], now)
    begin = now.started_at - timedelta(hours=now.period)
    return (*(run for run in alike if run.started_at >= begin), now)


def _changes(now: Record, past: Sequence[Record]) -> Iterable[Change]:
    unknown = set(now.unknown)
    for rule in {*now.violations, *unknown}:
        violations = None if rule in unknown else now.violations[rule]
        before = _before(rule, past)
        if before is None:
            continue
        if violations is None or violations > before:
            yield Change(rule, before, violations)


def _emptied(now: Record, past: Sequence[Record]) -> Iterable[tuple[str, datetime]]:
    """The rules without rows that had some in the newest run that judged them."""
    for rule in now.vacuous or ():
        last = next((run for run in reversed(past) if _judged_rows(rule, run, now)), None)
        if last is not None and rule not in (last.vacuous or ()):
            yield rule, last.started_at


def _judged_rows(rule: str, run: Record, now: Record) -> bool:
    """Whether a record shows if a rule had rows: always for the same set of rules, else only for rules that it names."""
    if run.vacuous is None or rule in run.unknown:
        return False
    return run.digest == now.digest or rule in run.vacuous or rule in run.verdicts


def _before(rule: str, past: Sequence[Record]) -> int | None:
    """The violations of a rule when it was last judged; None where it was unknown in all past runs, which is no change."""
    if rule in past[-1].unknown and all(rule in run.unknown for run in past):
        return None
    return next(run.violations.get(rule, 0) for run in reversed(past) if rule not in run.unknown)


def _order(change: Change, severities: Mapping[str, str]) -> tuple[int, int, str]:
    severity = severities.get(change.rule)
    rank = list(SEVERITIES).index(severity) if severity in SEVERITIES else len(SEVERITIES)
    return rank, change.before - (change.now or 0), change.rule


def _point(run: Record) -> dict[str, Any]:
    return {
        "run": run.run,
        "started_at": run.started_at.isoformat(),
        "score": run.score,
        "status": run.status,
        "violations": sum(run.violations.values()),
        "unknown": len(run.unknown),
        "complete": run.complete,
        "rollback_rate": run.rollback_rate,
        "deadlocks": run.deadlocks,
    }


@dataclass(frozen=True, slots=True)
class HistoryResult:
    """The comparison of a run with its history, and whether it was `recorded`; `reason` says why not. `past` is None if unread.

    `record` is the record of the run that can be stored; None where the history could not be read.
    """

    wanted: bool
    recorded: bool = False
    reason: str | None = None
    past: tuple[Record, ...] | None = None
    trend: Trend | None = None
    unreadable: tuple[datetime, ...] = ()
    record: Record | None = None

    def to_json(self) -> dict[str, Any] | None:
        """The part `history` of the JSON report; None where there is no Redis."""
        if not self.wanted:
            return None
        trend = NO_TREND if self.trend is None else self.trend.to_json()
        return {"recorded": self.recorded, "reason": self.reason, "foreign_records": len(self.unreadable), **trend}
