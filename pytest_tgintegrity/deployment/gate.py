"""Decide whether a deployment may go on: from a run, the runs before it and other facts to conditions with reasons. Pure.

A condition of which something is not known is not met. A look is a run as the gate sees it. It counts towards clean days
if it is *whole*: complete, over all data (no period, no scope), by the same rules on the same database. It belongs to the
UTC day on which it began, since its snapshot shows the data of that day. A day is clean if it has a clean whole look, if no
look of that day saw a violation or could not judge a rule, and if all records of that day can be read.
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
class MigrationsAt:
    """Where migrations are: in a project, in an app, or in a folder of nothing else; `label` says of which app, if that is given."""

    path: Path
    label: str = ""

    def __str__(self) -> str:
        """As the option takes it."""
        return f"{self.label}={self.path}" if self.label else str(self.path)


@dataclass(frozen=True, slots=True)
class GateRequest:
    """What the user asks of a gate: its name, when a backup was last verified, and where migrations are."""

    gate: str
    backup: datetime | None = None
    migrations: tuple[MigrationsAt, ...] = ()


class Look(Protocol):
    """A run as the gate sees it, be it this run or a past one."""

    @property
    def run(self) -> str:
        """Its id."""

    @property
    def started_at(self) -> datetime:
        """When it began."""

    @property
    def identity(self) -> str:
        """The name of the database, which is the same by whatever address it is reached."""

    @property
    def digest(self) -> str | None:
        """The name of its set of rules."""

    @property
    def complete(self) -> bool:
        """Whether every rule was judged."""

    @property
    def period(self) -> float | None:
        """How many hours it looked back; None if it looked at everything."""

    @property
    def scopes(self) -> Mapping[str, str]:
        """The scopes that it was narrowed to."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rules have each verdict."""

    @property
    def overlooked(self) -> int:
        """How many tolerated rules have more violations than they declare by `tolerates=`."""

    @property
    def score(self) -> int | None:
        """Its health; None if that is not determined."""

    @property
    def conditions(self) -> Mapping[str, bool]:
        """Whether each condition was met; empty if no gate was asked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What another part of the run found out for the gate.

    `met` says whether it is as it should be, None if nobody knows; `reason` says why it is not met.
    """

    met: bool | None = None
    measured: str = NOT_DETERMINED
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What a gate has to know beside today's look.

    `past` is None where there is no history. `deselected` counts rules that were collected and not run. `constraints` counts
    the rules about declared constraints and the schema, by verdict. `backup` is the time at which one was last verified.
    `unreadable` holds the times of the entries in the history that cannot be read: each of them may be a violation.
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
    """A condition of the gate: whether it is met, what was measured, what is required, and the reason if it is not met.

    `since` is the time since which it is met, or not met.
    """

    name: str
    passed: bool
    measured: str
    required: str
    reason: str | None = None
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """The decision of a gate, which is open only if every condition is met."""

    name: str
    conditions: tuple[Condition, ...]

    @property
    def passed(self) -> bool:
        """Whether all conditions are met."""
        return all(self.met.values())

    @property
    def met(self) -> dict[str, bool]:
        """Whether each condition is met, by its name."""
        return {condition.name: condition.passed for condition in self.conditions}

    def to_json(self) -> dict[str, Any]:
        """The `gate` part of the report."""
        return {
            "name": self.name,
            "passed": self.passed,
            "conditions": [asdict(condition) for condition in self.conditions],
        }


def decide(name: str, today: Look, facts: GateFacts, now: datetime) -> Gate:
    """All conditions of the gate called `name` (a key of `CLEAN_DAYS`), for the run `today`, at the time `now`."""
    earlier = [] if facts.past is None else [look for look in facts.past if look.identity == today.identity]
    looks = sorted([*(look for look in earlier if look.run != today.run), today], key=lambda look: look.started_at)
    conditions = (
        _rules_hold(today, looks, facts),
        _health(today, looks, facts),
        _nothing_unknown(today, looks),
        _backup(facts.backup, now),
        _from_finding("migrations", facts.migrations, "none pending, or all passed their pre-flight"),
        _constraints(facts.constraints),
        _clean_days(looks, today, facts, CLEAN_DAYS[name], now),
        _from_finding("performance", facts.performance, "no probe slower than the pinned baseline by more than 10 %"),
    )
    return Gate(
        name, tuple(condition if condition.since else _dated(condition, today, looks) for condition in conditions)
    )


def _dated(condition: Condition, today: Look, looks: Sequence[Look]) -> Condition:
    """The condition with the time since which it is as it is; only runs for which a gate was asked remember that."""
    asked = [look for look in looks if look is today or condition.name in look.conditions]
    if len(asked) == 1:
        return condition
    since = _since(asked, lambda look: condition.passed if look is today else look.conditions[condition.name])
    return replace(condition, since=since)


def _rules_hold(today: Look, looks: Sequence[Look], facts: GateFacts) -> Condition:
    seen = [
        f"{today.counts[verdict]} {verdict}"
        for verdict in ("failed", "noted", "tolerated", "waived")
        if _count(today, verdict)
    ]
    judged = sum(today.counts.values()) - _count(today, "unknown")
    return Condition(
        "rules hold",
        (reason := _not_held(today, facts.deselected)) is None,
        f"{', '.join(seen) or 'nothing violated'} in {judged} rule{'s' if judged != 1 else ''}",
        "nothing above info violated, in a complete run of all rules over all data",
        reason,
        _since(looks, lambda look: _not_held(look, 0) is None),
    )


def _not_held(look: Look, deselected: int) -> str | None:
    """Why a run does not show that all rules hold, or None.

    A score below 100 means that a rule above info is violated, even if the violation is only noted.
    """
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


def _health(today: Look, looks: Sequence[Look], facts: GateFacts) -> Condition:
    minimum = facts.minimum
    enough = today.score is not None and today.score >= minimum
    reason = None if facts.healthy and enough else f"below {minimum}" if not enough else "something else is not healthy"
    measured = NOT_DETERMINED if today.score is None else str(today.score)
    since = _since(looks, lambda look: look.score is not None and look.score >= minimum)
    return Condition("health", reason is None, measured, f"at least {minimum}", reason, since)


def _nothing_unknown(today: Look, looks: Sequence[Look]) -> Condition:
    unknown = _count(today, "unknown")
    reason = "what is unknown may be violated" if unknown else None
    since = _since(looks, lambda look: not _count(look, "unknown"))
    return Condition("nothing unknown", not unknown, f"{unknown} unknown", "0 unknown", reason, since)


def _backup(verified: datetime | None, now: datetime) -> Condition:
    required = "verified, and younger than a day"
    if verified is None:
        return Condition(
            "backup", passed=False, measured=NOT_DETERMINED, required=required, reason="no backup was verified"
        )
    age = now - verified
    reason = "it is too old" if age >= DAY else "it is said to be of the future" if age < timedelta() else None
    measured = f"{age / timedelta(hours=1):.1f} hours old"
    return Condition("backup", reason is None, measured, required, reason, _minute(verified))


def _constraints(counts: Mapping[str, int]) -> Condition:
    judged = sum(counts.values())
    awry = {verdict: count for verdict, count in counts.items() if count and verdict not in ("passed", "fixed")}
    measured = ", ".join([f"{judged} judged", *(f"{count} {verdict}" for verdict, count in awry.items())])
    reason = "some are gone, not in force, or do not hold" if awry else None
    if not judged:
        measured, reason = NOT_DETERMINED, "no rule about declared constraints or the schema was run"
    return Condition("constraints", reason is None, measured, "all in place, validated, and true of the data", reason)


def _from_finding(name: str, finding: Finding, required: str) -> Condition:
    return Condition(name, finding.met is True, finding.measured, required, finding.reason)


# --- days


def _clean_days(looks: Sequence[Look], today: Look, facts: GateFacts, wanted: int, now: datetime) -> Condition:
    required = f"{wanted} complete days in a row, by UTC, before today"
    if facts.past is None:
        return Condition(
            "clean days", passed=False, measured=NOT_DETERMINED, required=required, reason=facts.no_history
        )
    first, stopped = clean_since(looks, today, now, facts.unreadable)
    count = (_day(now) - first).days
    reason = None if count >= wanted else stopped
    return Condition(
        "clean days", reason is None, f"{count} of {wanted}", required, reason, first.isoformat() if count else None
    )


def clean_since(
    looks: Iterable[Look], today: Look, now: datetime, unreadable: Iterable[datetime] = ()
) -> tuple[date, str]:
    """The first day of the row of clean days that ends yesterday, and what broke the row before it.

    The day is today if yesterday is not clean. A look of today can break the row, but does not lengthen it; so can a look
    of a later day, which there is if a clock was set back.
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
    """What was wrong on a day, or None; `lost` says that an entry of that day cannot be read."""
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
    """Why a day without violations is not clean, or None: it needs a look at everything."""
    whole = [look for look in looks if look.complete and look.score is not None and not _narrowed(look)]
    if any(look.digest == today.digest and today.digest is not None for look in whole):
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
    """The start of the first look in the row of looks that agree with the last look."""
    state, first = holds(looks[-1]), looks[-1]
    for look in reversed(looks):
        if holds(look) != state:
            break
        first = look
    return _minute(first.started_at)
