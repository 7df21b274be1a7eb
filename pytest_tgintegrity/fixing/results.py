"""Results of plans, fixes and undos: plain values for the reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_tgintegrity.fixing.changes import Change
from pytest_tgintegrity.judging.verdicts import Measurement


@dataclass(frozen=True, slots=True)
class Skipped:
    """A change that was not made, and why."""

    change: Change
    reason: str


@dataclass(slots=True)
class Applied:
    """The changes that a fix or an undo made, counted by rule and by table, and those that it skipped.

    `run` is its id in the journal, None as long as nothing was written. `followed` counts the rows that triggers changed
    with them. `stopped` says why it ended early. `quote` says whether rows may be shown.
    """

    run: str | None = None
    rows: int = 0
    followed: int = 0
    by_rule: dict[str, int] = field(default_factory=dict)
    by_table: dict[str, int] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    stopped: str | None = None
    quote: bool = True

    @property
    def shown_skipped(self) -> list[Skipped]:
        """The skipped changes, as far as they may be shown."""
        return (
            self.skipped
            if self.quote
            else [Skipped(left_out.change.bare, left_out.reason) for left_out in self.skipped]
        )

    def count(self, changes: Iterable[Change]) -> None:
        """Count changes that were committed."""
        for change in changes:
            self.rows += 1
            self.by_table[change.table] = self.by_table.get(change.table, 0) + 1
            for rule in change.rules:
                self.by_rule[rule] = self.by_rule.get(rule, 0) + 1


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """A violated rule that no fix can fix: how many violations it has, and what a person has to decide."""

    rule: str
    violations: int
    reason: str


@dataclass(slots=True)
class FixResult:
    """A fix plan and, after ``--fix``, what was made of it.

    `violations_before` counts the violations of the rules that were violated when the plan was made,
    `measurements_before` holds what the scans said of all rules then. `plan` is the id of the plan, `count` the number of
    its changes. `counts` are the changes by rule and table, `shown` are the first changes, `file` holds all of them.

    `noted_fixes` are violated rules with a fix that is not planned, since their violations are only noted. For the rules in
    `unforeseen` the plan cannot tell what it does to them. The rules in `harms` held before and do not hold now. `allows` is
    what each rule consents to. `failed` says why there is no plan, `unseen` why nobody looked again after rows were written.
    """

    violations_before: dict[str, int]
    plan: str = ""
    count: int = 0
    file: Path | None = None
    shown: list[Change] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    needs_person: list[NeedsPerson] = field(default_factory=list)
    noted_fixes: list[str] = field(default_factory=list)
    unforeseen: list[str] = field(default_factory=list)
    harms: list[str] = field(default_factory=list)
    measurements_before: Mapping[str, Measurement] = field(default_factory=dict)
    allows: Mapping[str, Sequence[str]] = field(default_factory=dict)
    failed: str | None = None
    unseen: str | None = None
    applied: Applied | None = None

    def rows(self, rule: str) -> int:
        """How many rows were written for a rule."""
        return 0 if self.applied is None else self.applied.by_rule.get(rule, 0)

    def is_fixed(self, rule: str) -> bool:
        """Whether a rule that holds now was violated before something was written."""
        return rule in self.violations_before and self.applied is not None and self.applied.rows > 0

    def harmed(self, rule: str, reason: str | None) -> str:
        """Remember a rule that does not hold any more since rows were written, and return the reason for its verdict."""
        self.harms.append(rule)
        run = self.applied.run if self.applied else None
        return f"harmed by this fix, it held before (take it back with --undo {run}): {reason or 'it does not hold'}"

    def fixed_reason(self, rule: str) -> str:
        """The reason for the verdict of a rule that is fixed."""
        return f"violated by {self.violations_before[rule]} before, {self.rows(rule)} rows mended for it"

    def to_json(self) -> dict[str, Any]:
        """The `fix` part of the JSON report."""
        applied = self.applied
        return {
            "plan": self.plan,
            "changes": self.count,
            "file": None if self.file is None else str(self.file),
            "by_rule": [{"rule": rule, "table": table, "rows": n} for (rule, table), n in sorted(self.counts.items())],
            "first_changes": [change.to_json() for change in self.shown],
            "needs_a_person": [
                {"rule": violated.rule, "violations": violated.violations, "reason": violated.reason}
                for violated in self.needs_person
            ],
            "noted_fixes": self.noted_fixes,
            "unforeseen": self.unforeseen,
            "harmed": self.harms,
            "failed": self.failed or self.unseen,
            "first_look": dict(sorted(self.violations_before.items())),
            "applied": None if applied is None else applied_json(applied),
        }


def applied_json(applied: Applied) -> dict[str, Any]:
    """What was written and skipped, as plain JSON."""
    return {
        "run": applied.run,
        "rows": applied.rows,
        "followed": applied.followed,
        "by_table": dict(sorted(applied.by_table.items())),
        "left": [{**skipped.change.to_json(), "reason": skipped.reason} for skipped in applied.shown_skipped],
        "stopped": applied.stopped,
    }


@dataclass(frozen=True, slots=True)
class Undone:
    """The result of an undo of a run; `older` is the run before that one that is not wholly undone."""

    run: str
    applied: Applied
    older: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The `undo` part of a JSON report."""
        return {"undoes": self.run, **applied_json(self.applied)}


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run in the journal, which is a line of ``--fix-history``; `standing` counts the rows that were not taken back."""

    id: str
    kind: str
    undoes: str | None
    by: str
    started_at: datetime
    finished_at: datetime | None
    rows: int
    tables: int
    undone_by: str | None
    standing: int
