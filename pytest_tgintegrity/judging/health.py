"""Score: from verdicts to one number that prints its own working. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pytest_tgintegrity.judging.verdicts import Verdict
from pytest_tgintegrity.rules.severity import SEVERITIES, Severity

Status = Literal["healthy", "degraded", "undetermined"]

POINTS: Mapping[Severity, int] = {"critical": 30, "high": 15, "medium": 10, "low": 5, "info": 0}
COSTLY: frozenset[Verdict] = frozenset({"failed", "noted", "unknown"})
LISTED: frozenset[Verdict] = COSTLY | {"tolerated", "waived", "fixed"}


@dataclass(frozen=True, slots=True)
class Judged:
    """What the score needs to know of a rule."""

    rule: str
    severity: Severity
    verdict: Verdict
    violations: int


@dataclass(frozen=True, slots=True)
class Deduction:
    """What one rule costs."""

    rule: str
    severity: Severity
    points: int
    violations: int


@dataclass(frozen=True, slots=True)
class Health:
    """Score from 0 to 100 (None if nothing was judged), status, and the deductions, largest first.

    `raw` is the score before it is cut off at 0, so it moves with every rule that is fixed, however many are violated.
    """

    score: int | None
    raw: int | None
    minimum: int
    status: Status
    deductions: tuple[Deduction, ...]

    def to_json(self) -> dict[str, Any]:
        """The `health` part of the report."""
        return asdict(self)


def assess(judged: Iterable[Judged], minimum: int, *, complete: bool) -> Health:
    """100 minus the points of each rule that failed, is noted or unknown.

    Undetermined if anything critical is unknown or the run was not complete; healthy at or above `minimum` with nothing
    unknown and no critical rule violated; else degraded.
    """
    rules = list(judged)
    raw = 100 - sum(_points(rule) for rule in rules) if rules else None
    score = None if raw is None else max(0, raw)
    listed = [
        Deduction(rule.rule, rule.severity, _points(rule), rule.violations) for rule in rules if rule.verdict in LISTED
    ]
    ordered = sorted(listed, key=lambda cost: (-cost.points, SEVERITIES.index(cost.severity), cost.rule))
    return Health(score, raw, minimum, _status(rules, score, minimum, complete=complete), tuple(ordered))


def _points(rule: Judged) -> int:
    return POINTS[rule.severity] if rule.verdict in COSTLY else 0


def _status(rules: list[Judged], score: int | None, minimum: int, *, complete: bool) -> Status:
    unknown = {rule.severity for rule in rules if rule.verdict == "unknown"}
    if score is None or not complete or "critical" in unknown:
        return "undetermined"
    critical = any(rule.severity == "critical" and rule.verdict in {"failed", "noted"} for rule in rules)
    return "healthy" if score >= minimum and not unknown and not critical else "degraded"
