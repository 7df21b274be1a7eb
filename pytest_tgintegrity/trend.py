"""How the score moves, and which rules got worse: from this run's record and those before it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pytest_tgintegrity.records import Record
from pytest_tgintegrity.rules import SEVERITIES

RUNS = 30
"""How many runs a trend covers where no period says it."""
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
    """Runs like this one, oldest first, the last of them this one; what got `worse` since, and what is violated `new`.

    `emptied` are the rules that have nothing to look at now, and when they had.
    """

    runs: tuple[Record, ...]
    previous: Record | None
    worse: tuple[Change, ...]
    new: tuple[Change, ...]
    emptied: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def scores(self) -> list[int | None]:
        """The score of each run."""
        return [one.score for one in self.runs]

    @property
    def known(self) -> list[int]:
        """The scores of those that judged anything."""
        return [score for score in self.scores if score is not None]

    @property
    def verdicts(self) -> dict[str, list[str]]:
        """What each rule that did not pass in all of the runs was found to be in each of them.

        Which rules passed is only remembered as the digest of all: of a run of other rules that is not known.
        """
        awry = dict.fromkeys(rule for one in reversed(self.runs) for rule in one.verdicts)
        now = self.runs[-1].digest
        runs = [(one, PASSED if one.digest == now else NOT_KNOWN) for one in self.runs]
        return {rule: [one.verdicts.get(rule, otherwise) for one, otherwise in runs] for rule in awry}

    def to_json(self) -> dict[str, Any]:
        """The parts of `history` in the JSON report."""
        return {
            "previous_score": self.previous.score if self.previous else None,
            "trend": [_point(one) for one in self.runs],
            "worse": [asdict(one) for one in self.worse],
            "new": [asdict(one) for one in self.new],
            "rules": self.verdicts,
        }


NO_TREND: Mapping[str, Any] = {"previous_score": None, "trend": [], "worse": [], "new": [], "rules": {}}


def trend_of(now: Record, past: Iterable[Record], severities: Mapping[str, str]) -> Trend:
    """Compare a run with those before it that looked at the same part of the data by about as many rules."""
    alike = [one for one in past if one.run != now.run and one.started_at <= now.started_at and _alike(one, now)]
    runs = _window(now, alike)
    if not alike:
        return Trend(runs, None, (), ())
    changes = sorted(_changes(now, alike), key=lambda one: _gravity(one, severities))
    new = tuple(one for one in changes if not one.before and one.now)
    return Trend(runs, alike[-1], tuple(one for one in changes if one not in new), new, dict(_emptied(now, alike)))


def sparkline(scores: Sequence[int | None]) -> str:
    """Scores from 0 to 100 as bars."""
    return "".join(NO_BAR if one is None else BARS[min(one * len(BARS) // 100, len(BARS) - 1)] for one in scores)


def _alike(one: Record, now: Record) -> bool:
    """Whether scores can be compared: a selection by -k says nothing of the whole; a rule more or less does not matter."""
    if one.period != now.period or dict(one.scopes) != dict(now.scopes) or one.identity != now.identity:
        return False
    rules, of = sum(one.counts.values()), sum(now.counts.values())
    return one.digest == now.digest or abs(rules - of) * TENTH <= of


def _window(now: Record, alike: Sequence[Record]) -> tuple[Record, ...]:
    if now.period is None:
        return (*alike[-(RUNS - 1) :], now)
    begin = now.started_at - timedelta(hours=now.period)
    return (*(one for one in alike if one.started_at >= begin), now)


def _changes(now: Record, past: Sequence[Record]) -> Iterable[Change]:
    unknown = set(now.unknown)
    for rule in {*now.violations, *unknown}:
        found = None if rule in unknown else now.violations[rule]
        before = _before(rule, past)
        if before is None:
            continue
        if found is None or found > before:
            yield Change(rule, before, found)


def _emptied(now: Record, past: Sequence[Record]) -> Iterable[tuple[str, datetime]]:
    """The rules without rows that had some in the newest run that judged them."""
    for rule in now.vacuous or ():
        last = next((one for one in reversed(past) if _judged_rows(rule, one, now)), None)
        if last is not None and rule not in (last.vacuous or ()):
            yield rule, last.started_at


def _judged_rows(rule: str, one: Record, now: Record) -> bool:
    """Whether a run tells if it had rows for a rule: of a run of other rules that is known of those that it names."""
    if one.vacuous is None or rule in one.unknown:
        return False
    return one.digest == now.digest or rule in one.vacuous or rule in one.verdicts


def _before(rule: str, past: Sequence[Record]) -> int | None:
    """The violations of a rule when it was last judged; None where it is no news that nobody knows."""
    if rule in past[-1].unknown and all(rule in one.unknown for one in past):
        return None
    return next(one.violations.get(rule, 0) for one in reversed(past) if rule not in one.unknown)


def _gravity(change: Change, severities: Mapping[str, str]) -> tuple[int, int, str]:
    severity = severities.get(change.rule)
    rank = list(SEVERITIES).index(severity) if severity in SEVERITIES else len(SEVERITIES)
    return rank, change.before - (change.now or 0), change.rule


def _point(one: Record) -> dict[str, Any]:
    return {
        "run": one.run,
        "started_at": one.started_at.isoformat(),
        "score": one.score,
        "status": one.status,
        "violations": sum(one.violations.values()),
        "unknown": len(one.unknown),
        "complete": one.complete,
        "rollback_rate": one.rollback_rate,
        "deadlocks": one.deadlocks,
    }
