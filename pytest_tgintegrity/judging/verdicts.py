"""Verdicts: made from what a scan measured and how the test ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pytest_tgintegrity.rules.severity import SEVERITIES, Severity

Verdict = Literal["passed", "tolerated", "failed", "noted", "waived", "fixed", "unknown"]


@dataclass(frozen=True, slots=True)
class Sample:
    """An offending row: its key as text (a list where it is composite), its label, and the columns concerned.

    Values are JSON-safe: integers and booleans as such, numerics, dates and everything else as text.
    """

    key: str | list[str | None] | None
    label: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a scan says of one rule. With an `error` the other fields mean nothing, except two.

    These are `sqlstate`, the server's code of the error, and `missing`, the tables that do not exist.
    `examined` is None where it cannot be said (queries, metrics); `value` is the number of a metric and
    `text` the same with all digits, or what is wrong with the number of a whole table in words; `note` says why samples are missing although there are violations.
    """

    examined: int | None = None
    violations: int = 0
    samples: tuple[Sample, ...] = ()
    seconds: float = 0.0
    error: str | None = None
    note: str | None = None
    value: Any = None
    text: Any = None
    sqlstate: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def vacuous(self) -> bool:
        """Whether the rule held only because there was nothing to look at."""
        return self.error is None and self.examined == 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for a report or another process."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Measurement:
        """The inverse of `to_json`."""
        samples = tuple(Sample(**sample) for sample in document["samples"])
        return cls(**{**document, "samples": samples, "missing": tuple(document["missing"])})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a test ended: `held` by its own assertion, or None if it never came to one, with the reason.

    `tolerated`: the assertion read the violations and let them pass. `unforced`: there are none, and nothing prevents them.
    """

    held: bool | None = None
    reason: str | None = None
    tolerated: bool = False
    unforced: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and, where it needs one, its reason."""

    verdict: Verdict
    reason: str | None = None


def judge(severity: Severity, outcome: Outcome, fail_on: Severity) -> Judgement:
    """Passed, tolerated, failed, noted (violated, but graver rules alone fail the run; or a declared constraint that is not in force) or unknown."""
    if outcome.held is None:
        return Judgement("unknown", outcome.reason or "it was not evaluated")
    if outcome.held and outcome.unforced:
        return Judgement("noted", outcome.reason)
    if outcome.held:
        return Judgement("tolerated" if outcome.tolerated else "passed", outcome.reason)
    if SEVERITIES.index(severity) > SEVERITIES.index(fail_on):
        return Judgement("noted", outcome.reason)
    return Judgement("failed", outcome.reason)
