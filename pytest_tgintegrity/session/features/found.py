"""What a run finds by itself, beside its tests, is judged as a rule is: by its severity, and with the waiver of its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from pytest_tgintegrity.judging.summary import RuleRecord, RuleResult
from pytest_tgintegrity.judging.verdicts import Judgement, Outcome, judge
from pytest_tgintegrity.judging.waivers import Waiver, objection, waive
from pytest_tgintegrity.rules.severity import Severity


@dataclass(frozen=True, slots=True)
class Found:
    """A rule of the run's own: what it says, and the reason why it is violated, or None if it holds."""

    id: str
    doc: str
    severity: Severity
    reason: str | None
    sources: Sequence[str] = ()
    samples: Sequence[Mapping[str, Any]] = ()
    constraint: bool = False

    def judged(self, waiver: Waiver | None, fail_on: Severity, today: date) -> RuleRecord:
        """Its record."""
        count = 0 if self.reason is None else 1
        outcome = Outcome(held=not count, reason=self.reason)
        judgement = judge(self.severity, outcome, fail_on)
        if waiver is not None:
            judgement = waive(judgement, objection(waiver, judgement, count, today, whole=True))
        return RuleRecord(self._result(judgement, count, waiver), constraint=self.constraint)

    def _result(self, judgement: Judgement, count: int, waiver: Waiver | None) -> RuleResult:
        return RuleResult(
            self.id,
            self.doc,
            self.severity,
            sources=self.sources,
            verdict=judgement.verdict,
            reason=judgement.reason,
            violations=count,
            samples=self.samples,
            waiver=None if waiver is None else waiver.to_json(),
        )


@dataclass(slots=True)
class OwnWaivers:
    """The waivers of what a run may find by itself, by id: the process that owns the run hears of them from its workers."""

    by_rule: dict[str, Waiver] = field(default_factory=dict)

    def to_json(self) -> list[dict[str, Any]]:
        """Plain JSON."""
        return [{**asdict(waiver), "expires": waiver.expires.isoformat()} for waiver in self.by_rule.values()]

    def hear(self, known: Sequence[Mapping[str, Any]]) -> None:
        """Take over what `to_json` returned."""
        waivers = [Waiver(**{**waiver, "expires": date.fromisoformat(waiver["expires"])}) for waiver in known]
        self.by_rule = {waiver.rule: waiver for waiver in waivers}
