"""Decide: may this go on? From a run, the runs before it and what else was found, to conditions with reasons. Pure.

Whatever is not known is not met. A look counts towards clean days if it was *whole*: complete, of all data (no period, no
scope), by the same rules on the same database. It belongs to the UTC day on which it began, which is what its snapshot
shows. A day is clean if there was a clean whole look on it, no look at all saw a violation or could not judge, and no
record of that day is unreadable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

CLEAN_DAYS: Mapping[str, int] = {"staging": 7, "production": 7}
"""How many complete days before today have to be clean, by gate."""

DAY = timedelta(days=1)
PERFECT = 100
NOT_DETERMINED = "not determined"
NO_HISTORY = "no history: give --redis-url"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which gate it is about, when the user says that a backup was last verified, and where migrations are."""

    gate: str
    backup: datetime | None = None
    migrations: tuple[Path, ...] = ()


class Look(Protocol):
    """What the gate reads of a run, past or present."""

    @property
    def run(self) -> str:
        """Its id."""

    @property
    def started_at(self) -> datetime:
        """When it began."""

    @property
    def identity(self) -> str:
        """Names the database, by whatever address it is reached."""

    @property
    def digest(self) -> str | None:
        """Names its set of rules."""

    @property
    def complete(self) -> bool:
        """Whether every rule was judged."""

    @property
    def period(self) -> float | None:
        """The hours that it looked back; None: at everything."""

    @property
    def scopes(self) -> Mapping[str, str]:
        """What it was narrowed to."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rules, by verdict."""

    @property
    def overlooked(self) -> int:
        """How many of the tolerated rules tolerate more than they declare by `tolerates=`."""

    @property
    def score(self) -> int | None:
        """Its health; None: not determined."""

    @property
    def conditions(self) -> Mapping[str, bool]:
        """Which conditions were met, where a gate was asked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out elsewhere: whether it is as it should be (None: nobody knows), what was seen, and why not."""

    met: bool | None = None
    measured: str = NOT_DETERMINED
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What else a gate has to know. `backup` is when one was last verified; `past` is None where there is no history.

    `deselected` counts rules that were collected and not run, `constraints` those about declared constraints and the
    schema, by verdict. `unreadable` is when entries were added to the history that say nothing: each may be of a violation.
    """

    minimum: int
    healthy: bool
    past: Sequence[Look] | None
    constraints: Mapping[str, int]
    deselected: int = 0
    backup: datetime | None = None
    migrations: Finding = Finding()
    performance: Finding = Finding()
    no_history: str = NO_HISTORY
    unreadable: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: met or not, what was seen, what is wanted, why it is not met, and since when it is as it is."""

    name: str
    passed: bool
    measured: str
    required: str
    reason: str | None = None
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A decision; open only if every condition is met."""

    name: str
    conditions: tuple[Condition, ...]

    @property
    def passed(self) -> bool:
        """Whether all conditions are met."""
        return all(self.met.values())

    @property
    def met(self) -> dict[str, bool]:
        """Which conditions are met, by name."""
        return {one.name: one.passed for one in self.conditions}

    def to_json(self) -> dict[str, Any]:
        """The `gate` part of the report."""
        return {"name": self.name, "passed": self.passed, "conditions": [asdict(one) for one in self.conditions]}


def decide(name: str, today: Look, evidence: GateFacts, now: datetime) -> Gate:
    """All conditions of the gate called `name` (a key of `CLEAN_DAYS`), for the run `today`, at the time `now`."""
    before = [] if evidence.past is None else [one for one in evidence.past if one.identity == today.identity]
    looks = sorted([*(one for one in before if one.run != today.run), today], key=lambda one: one.started_at)
    conditions = (
        _rules_hold(today, looks, evidence),
        _health(today, looks, evidence),
        _nothing_unknown(today, looks),
        _backup(evidence.backup, now),
        _told("migrations", evidence.migrations, "none pending, or all passed their pre-flight"),
        _constraints(evidence.constraints),
        _clean_days(looks, today, evidence, CLEAN_DAYS[name], now),
        _told("performance", evidence.performance, "no probe slower than the pinned baseline by more than 10 %"),
    )
    return Gate(name, tuple(one if one.since else _dated(one, today, looks) for one in conditions))


def _dated(condition: Condition, today: Look, looks: Sequence[Look]) -> Condition:
    """Since when it is as it is, as far as the gate was asked before: only then a run remembers it."""
    told = [one for one in looks if one is today or condition.name in one.conditions]
    if len(told) == 1:
        return condition
    since = _since(told, lambda one: condition.passed if one is today else one.conditions[condition.name])
    return replace(condition, since=since)


def _rules_hold(today: Look, looks: Sequence[Look], evidence: GateFacts) -> Condition:
    seen = [
        f"{today.counts[verdict]} {verdict}"
        for verdict in ("failed", "noted", "tolerated", "waived")
        if _count(today, verdict)
    ]
    judged = sum(today.counts.values()) - _count(today, "unknown")
    return Condition(
        "rules hold",
        (reason := _not_held(today, evidence.deselected)) is None,
        f"{', '.join(seen) or 'nothing violated'} in {judged} rule{'s' if judged != 1 else ''}",
        "nothing above info violated, in a complete run of all rules over all data",
        reason,
        _since(looks, lambda one: _not_held(one, 0) is None),
    )


def _not_held(look: Look, deselected: int) -> str | None:
    """Why a run does not show that all rules hold. Below 100 points something above info is violated, if only noted."""
    if _count(look, "failed"):
        return "a rule is violated"
    if not look.complete:
        return "the run was not complete"
    if _narrowed(look):
        return "the run looked at a part of the data: leave out --period and --scope"
    if deselected:
        return f"{deselected} of the collected rules were not run: leave out -k, -m and --deselect"
    if look.overlooked:
        return "a test lets violations pass without saying how many: declare tolerates="
    noted = _count(look, "noted") and not _count(look, "unknown") and look.score != PERFECT
    return "--fail-on only notes a violation that the gate counts" if noted else None


def _health(today: Look, looks: Sequence[Look], evidence: GateFacts) -> Condition:
    least = evidence.minimum
    enough = today.score is not None and today.score >= least
    reason = (
        None if evidence.healthy and enough else f"below {least}" if not enough else "something else is not healthy"
    )
    measured = NOT_DETERMINED if today.score is None else str(today.score)
    since = _since(looks, lambda one: one.score is not None and one.score >= least)
    return Condition("health", reason is None, measured, f"at least {least}", reason, since)


def _nothing_unknown(today: Look, looks: Sequence[Look]) -> Condition:
    unknown = _count(today, "unknown")
    reason = "what is unknown may be violated" if unknown else None
    since = _since(looks, lambda one: not _count(one, "unknown"))
    return Condition("nothing unknown", not unknown, f"{unknown} unknown", "0 unknown", reason, since)


def _backup(verified: datetime | None, now: datetime) -> Condition:
    required = "verified, and younger than a day"
    if verified is None:
        return Condition(
            "backup", passed=False, measured=NOT_DETERMINED, required=required, reason="no backup was verified"
        )
    age = now - verified
    reason = "it is too old" if age >= DAY else "it is said to be of the future" if age < timedelta() else None
    told = f"{age / timedelta(hours=1):.1f} hours old"
    return Condition("backup", reason is None, told, required, reason, _minute(verified))


def _constraints(counts: Mapping[str, int]) -> Condition:
    judged = sum(counts.values())
    awry = {verdict: count for verdict, count in counts.items() if count and verdict not in ("passed", "fixed")}
    told = ", ".join([f"{judged} judged", *(f"{count} {verdict}" for verdict, count in awry.items())])
    reason = "some are not in force, or do not hold" if awry else None
    if not judged:
        told, reason = NOT_DETERMINED, "no rule about declared constraints or the schema was run"
    return Condition("constraints", reason is None, told, "all in place, validated, and true of the data", reason)


def _told(name: str, finding: Finding, required: str) -> Condition:
    return Condition(name, finding.met is True, finding.measured, required, finding.reason)


# --- days


def _clean_days(looks: Sequence[Look], today: Look, evidence: GateFacts, wanted: int, now: datetime) -> Condition:
    required = f"{wanted} complete days in a row, by UTC, before today"
    if evidence.past is None:
        return Condition(
            "clean days", passed=False, measured=NOT_DETERMINED, required=required, reason=evidence.no_history
        )
    first, stopped = clean_since(looks, today, now, evidence.unreadable)
    count = (_day(now) - first).days
    reason = None if count >= wanted else stopped
    return Condition(
        "clean days", reason is None, f"{count} of {wanted}", required, reason, first.isoformat() if count else None
    )


def clean_since(
    looks: Iterable[Look], today: Look, now: datetime, unreadable: Iterable[datetime] = ()
) -> tuple[date, str]:
    """The first of the clean days that reach up to today (today itself if there is none), and what broke the row.

    Looks of today and, where a clock was set back, of later days can break the row but do not lengthen it.
    """
    by_day: dict[date, list[Look]] = {}
    ends = _day(now)
    for look in looks:
        by_day.setdefault(min(_day(look.started_at), ends), []).append(look)
    lost = {min(_day(added), ends) for added in unreadable}
    first = ends
    if stopped := _awry_on(by_day.get(first, ()), lost=first in lost):
        return first, f"{stopped} today"
    while True:
        day = first - DAY
        stopped = _awry_on(by_day.get(day, ()), lost=day in lost) or _unseen_on(by_day.get(day, ()), today)
        if stopped:
            return first, f"{stopped} on {day.isoformat()}"
        first = day


def _awry_on(looks: Iterable[Look], *, lost: bool) -> str | None:
    """What was wrong on a day, if anything; `lost` is whether the record of a run may be missing."""
    for look in looks:
        if _count(look, "failed") or _count(look, "fixed"):
            return "a rule was violated"
        if _count(look, "unknown"):
            return "a rule was unknown"
        if look.score is not None and look.score < PERFECT:
            return "a violation was noted"
        if look.overlooked:
            return "a violation was tolerated without tolerates="
    return "an entry of the history cannot be read" if lost else None


def _unseen_on(looks: Sequence[Look], today: Look) -> str | None:
    """Why a day without violations is not a clean one: nobody looked at everything."""
    whole = [one for one in looks if one.complete and one.score is not None and not _narrowed(one)]
    if any(one.digest == today.digest and today.digest is not None for one in whole):
        return None
    if whole:
        return "other rules were run"
    return "there was no complete run over all data" if looks else "there was no run"


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


# --- looks


def _count(look: Look, verdict: str) -> int:
    return look.counts.get(verdict, 0)


def _narrowed(look: Look) -> bool:
    return look.period is not None or bool(look.scopes)


def _since(looks: Sequence[Look], holds: Callable[[Look], bool]) -> str:
    """When it came to be as it is in the last look: the first of the looks in a row that agree with it."""
    state, first = holds(looks[-1]), looks[-1]
    for look in reversed(looks):
        if holds(look) != state:
            break
        first = look
    return _minute(first.started_at)
