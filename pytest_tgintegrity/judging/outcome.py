"""The outcome of a run, put together from what all its processes report: completeness, score, exit status. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any

from pytest_tgintegrity.judging.health import Health, Judged, assess
from pytest_tgintegrity.judging.summary import RuleRecord, RuleResult
from pytest_tgintegrity.rules.severity import Severity


class Exit(IntEnum):
    """The exit statuses, pytest's own and ours."""

    HELD = 0
    VIOLATED = 1
    INTERRUPTED = 2
    INTERNAL_ERROR = 3
    USAGE_ERROR = 4
    NOTHING_COLLECTED = 5
    UNKNOWN = 6
    UNHEALTHY = 7


@dataclass(frozen=True, slots=True)
class Selected:
    """A selected rule: what is known of it even if the process that should judge it dies."""

    nodeid: str
    severity: Severity
    doc: str

    def unjudged(self, rule: str, reason: str) -> RuleRecord:
        """The record of the rule if the process that should have judged it died, or failed for this reason."""
        proof = {"id": rule, "proven": False, "damages": 0, "legal": 0, "reason": reason}
        return RuleRecord(RuleResult(rule, self.doc, self.severity, reason=reason), proof=proof)


@dataclass(slots=True)
class RunOutcome:
    """What processes reported: records by rule, failures without a record by node, and what else decides the exit status.

    `stale`: a waiver or another text about the rules no longer fits them; `gate_passed`: the gate, if one was asked, is open.
    """

    records: dict[str, RuleRecord] = field(default_factory=dict)
    selected: dict[str, Selected] = field(default_factory=dict)
    digest: str | None = None
    former_digest: str | None = None
    unscoped: tuple[str, ...] = ()
    empty_scopes: tuple[str, ...] = ()
    zoneless: tuple[str, ...] = ()
    refused: str | None = None
    not_collected: bool = False
    plain_failure: bool = False
    interrupted: bool = False
    health: Health | None = None
    deselected: int = 0
    stale: bool = False
    gate_passed: bool = True
    _unrecorded: dict[str, str] = field(default_factory=dict)

    def hear(self, record: RuleRecord) -> None:
        """Keep a record; what fails after the body (a teardown) makes a rule unknown, unless it is violated."""
        known = self.records.get(record.rule.id)
        if known is None or record.rule.verdict != "unknown":
            self.records[record.rule.id] = record
        elif known.rule.verdict != "failed":
            self.records[record.rule.id] = known.unknown(record.rule.reason)

    def hear_failure(self, nodeid: str, words: str) -> None:
        """Keep a failure without a record: of an ordinary test, or of a rule whose worker died."""
        self._unrecorded[nodeid] = words.partition("\n")[0]

    def to_json(self) -> dict[str, Any]:
        """What a worker knows of the selection, in the form that `hear_worker` takes."""
        return {
            "selected": {rule: asdict(selected) for rule, selected in self.selected.items()},
            "digest": self.digest,
            "former_digest": self.former_digest,
            "unscoped": list(self.unscoped),
            "empty_scopes": list(self.empty_scopes),
            "zoneless": list(self.zoneless),
            "refused": self.refused,
            "deselected": self.deselected,
        }

    def hear_worker(self, selection: Mapping[str, Any]) -> None:
        """Take over what a worker knew of the selection, which xdist's controller never collected."""
        self.selected.update({rule: Selected(**selected) for rule, selected in selection["selected"].items()})
        self.digest = self.digest or selection["digest"]
        self.former_digest = self.former_digest or selection["former_digest"]
        self.unscoped = self.unscoped or tuple(selection["unscoped"])
        self.empty_scopes = self.empty_scopes or tuple(selection["empty_scopes"])
        self.zoneless = self.zoneless or tuple(selection["zoneless"])
        self.refused = self.refused or selection["refused"]
        self.deselected = max(self.deselected, selection["deselected"])

    @property
    def rules(self) -> list[RuleResult]:
        """The result of each rule."""
        return [record.rule for record in self.records.values()]

    @property
    def complete(self) -> bool:
        """Whether every selected rule was judged."""
        return self.records.keys() >= self.selected.keys() and not (self.not_collected or self.interrupted)

    def conclude(self, minimum: int) -> Health | None:
        """Give failures without a record to their rules, then compute the health; None if there were no rules.

        From here on the records stand in the order of the selection, in whichever order processes reported them.
        """
        self._place_unrecorded()
        self.records = {rule: self.records[rule] for rule in [*self.selected, *self.records] if rule in self.records}
        if self.refused is None and (self.records or self.selected):
            judged = [Judged(rule.id, rule.severity, rule.verdict, rule.violations) for rule in self.rules]
            self.health = assess(judged, minimum, complete=self.complete)
        return self.health

    def _place_unrecorded(self) -> None:
        rules = {selected.nodeid: rule for rule, selected in self.selected.items()}
        for node, words in self._unrecorded.items():
            if node in rules:
                self.hear(self.selected[rules[node]].unjudged(rules[node], words))
            else:
                self.plain_failure = True

    def exit_status(self, given: int) -> int:
        """The first that applies: Ctrl-C (2), refused (4), violated (1), not collected (2), unknown (6), unhealthy or gate closed (7).

        `given` is what pytest would return; it stays as it is where it is 3 or 5, or has nothing to do with rules.
        """
        verdicts = {rule.verdict for rule in self.rules}
        if self.interrupted:
            return Exit.INTERRUPTED
        if self.refused is not None or given == Exit.USAGE_ERROR:
            return Exit.USAGE_ERROR
        if given == Exit.INTERNAL_ERROR or not (verdicts or self.not_collected):
            return given
        return self._of_verdicts(given, verdicts)

    def _of_verdicts(self, given: int, verdicts: Iterable[str]) -> int:
        if "failed" in verdicts or self.plain_failure or self.stale:
            return Exit.VIOLATED
        if self.not_collected or any(record.idle for record in self.records.values()):
            return Exit.INTERRUPTED
        if "unknown" in verdicts or not self.complete:
            return Exit.UNKNOWN
        passed = self.gate_passed and (self.health is None or self.health.status == "healthy")
        return given if passed or given not in (Exit.HELD, Exit.VIOLATED) else Exit.UNHEALTHY
