"""What the owner of a run hears of it, from whichever process, and what follows: completeness, score, exit status. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any

from pytest_tgintegrity.gate import Gate
from pytest_tgintegrity.health import Health, Judged, assess

Record = dict[str, Any]


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


UNMEASURED: Mapping[str, Any] = {
    "id": None,
    "doc": None,
    "severity": None,
    "tags": [],
    "sources": [],
    "verdict": "unknown",
    "reason": None,
    "examined": None,
    "violations": 0,
    "samples": [],
    "seconds": 0.0,
    "fixable": False,
    "fixed": 0,
    "enforced_by": None,
    "waiver": None,
}


def _untold(told: Mapping[str, Any]) -> dict[str, Any]:
    """The proof of a rule that nobody lived to tell of."""
    return {"id": told["id"], "proven": False, "damages": 0, "legal": 0, "reason": told["reason"]}


@dataclass(frozen=True, slots=True)
class Selected:
    """A rule that was selected: what is known of it even if nobody lives to judge it."""

    nodeid: str
    severity: str
    doc: str


@dataclass(slots=True)
class Tidings:
    """What was heard: records by rule, failures without a record by node, and what else decides the exit status."""

    records: dict[str, Record] = field(default_factory=dict)
    selected: dict[str, Selected] = field(default_factory=dict)
    digest: str | None = None
    former_digest: str | None = None
    unscoped: tuple[str, ...] = ()
    empty_scopes: tuple[str, ...] = ()
    zoneless: tuple[str, ...] = ()
    stale_waivers: tuple[str, ...] = ()
    coverage: Mapping[str, Any] | None = None
    astray: Mapping[str, Any] | None = None
    refused: str | None = None
    not_collected: bool = False
    plain_failure: bool = False
    interrupted: bool = False
    health: Health | None = None
    deselected: int = 0
    gate: Gate | None = None
    _unrecorded: dict[str, str] = field(default_factory=dict)

    def hear(self, record: Record) -> None:
        """Keep a record; what fails after the body (a teardown) makes a rule unknown, unless it is violated."""
        rule = record["rule"]
        known = self.records.get(rule["id"])
        if known is None or rule["verdict"] != "unknown":
            self.records[rule["id"]] = record
        elif known["rule"]["verdict"] != "failed":
            known["rule"].update(verdict="unknown", reason=rule["reason"])

    def hear_failure(self, nodeid: str, words: str) -> None:
        """Keep a failure without a record: of an ordinary test, or of a rule whose worker died."""
        self._unrecorded[nodeid] = words.partition("\n")[0]

    def told(self) -> dict[str, Any]:
        """What a worker knows of the selection, as `hear_worker` takes it over."""
        return {
            "selected": {rule: asdict(one) for rule, one in self.selected.items()},
            "digest": self.digest,
            "former_digest": self.former_digest,
            "unscoped": list(self.unscoped),
            "empty_scopes": list(self.empty_scopes),
            "zoneless": list(self.zoneless),
            "stale_waivers": list(self.stale_waivers),
            "coverage": self.coverage,
            "astray": self.astray,
            "refused": self.refused,
            "deselected": self.deselected,
        }

    def hear_worker(self, told: Mapping[str, Any]) -> None:
        """Take over what a worker knew of the selection, which xdist's controller never collected."""
        self.selected.update({rule: Selected(**one) for rule, one in told["selected"].items()})
        self.digest = self.digest or told["digest"]
        self.former_digest = self.former_digest or told["former_digest"]
        self.unscoped = self.unscoped or tuple(told["unscoped"])
        self.empty_scopes = self.empty_scopes or tuple(told["empty_scopes"])
        self.zoneless = self.zoneless or tuple(told["zoneless"])
        self.stale_waivers = self.stale_waivers or tuple(told["stale_waivers"])
        self.coverage = self.coverage or told["coverage"]
        self.astray = self.astray or told["astray"]
        self.refused = self.refused or told["refused"]
        self.deselected = max(self.deselected, told["deselected"])

    @property
    def rules(self) -> list[dict[str, Any]]:
        """What is told of each rule in a report."""
        return [record["rule"] for record in self.records.values()]

    @property
    def complete(self) -> bool:
        """Whether every selected rule was judged."""
        return self.records.keys() >= self.selected.keys() and not (self.not_collected or self.interrupted)

    def conclude(self, minimum: int) -> Health | None:
        """Place what has no record yet, and assess; None if there were no rules."""
        self._place_unrecorded()
        if self.refused is None and (self.records or self.selected):
            judged = [Judged(one["id"], one["severity"], one["verdict"], one["violations"]) for one in self.rules]
            self.health = assess(judged, minimum, complete=self.complete)
        return self.health

    def _place_unrecorded(self) -> None:
        rules = {one.nodeid: rule for rule, one in self.selected.items()}
        for node, words in self._unrecorded.items():
            if node in rules:
                rule, one = rules[node], self.selected[rules[node]]
                told = {"id": rule, "doc": one.doc, "severity": one.severity, "reason": words}
                self.hear({"rule": {**UNMEASURED, **told}, "metric": None, "vacuous": False, "proof": _untold(told)})
            else:
                self.plain_failure = True

    def exit_status(self, given: int) -> int:
        """Ctrl-C is 2; else refused (4) over violated (1) over not collected (2) over unknown (6) over unhealthy or closed (7).

        `given` is what pytest would return: 3 and 5, and all that has nothing to do with rules, stay as they are.
        """
        verdicts = {one["verdict"] for one in self.rules}
        if self.interrupted:
            return Exit.INTERRUPTED
        if self.refused is not None or given == Exit.USAGE_ERROR:
            return Exit.USAGE_ERROR
        if given == Exit.INTERNAL_ERROR or not (verdicts or self.not_collected):
            return given
        return self._of_verdicts(given, verdicts)

    def _of_verdicts(self, given: int, verdicts: Iterable[str]) -> int:
        if "failed" in verdicts or self.plain_failure or self.stale_waivers:
            return Exit.VIOLATED
        if self.not_collected or any(record.get("idle") for record in self.records.values()):
            return Exit.INTERRUPTED
        if "unknown" in verdicts or not self.complete:
            return Exit.UNKNOWN
        healthy = self.health is None or self.health.status == "healthy"
        gated = self.gate is not None and not self.gate.passed
        return Exit.UNHEALTHY if given in (Exit.HELD, Exit.VIOLATED) and (gated or not healthy) else given
