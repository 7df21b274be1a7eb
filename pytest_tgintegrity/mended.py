"""What came of plans, repairs and undos: plain values, to be shown and reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_tgintegrity.changes import Change
from pytest_tgintegrity.verdicts import Measurement


@dataclass(frozen=True, slots=True)
class Left:
    """A change that was not made, and why."""

    change: Change
    reason: str


@dataclass(slots=True)
class Made:
    """What came of a repair or an undo: rows changed by rule and by table, what was left, and the journal's run.

    `run` is None as long as nothing was written. `followed` counts the rows that triggers changed with them; `quote` says
    whether rows may be shown.
    """

    run: str | None = None
    rows: int = 0
    followed: int = 0
    by_rule: dict[str, int] = field(default_factory=dict)
    by_table: dict[str, int] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    stopped: str | None = None
    quote: bool = True

    @property
    def told(self) -> list[Left]:
        """What was left, as far as it may be shown."""
        return self.left if self.quote else [Left(one.change.bare, one.reason) for one in self.left]

    def count(self, changes: Iterable[Change]) -> None:
        """Count what was committed."""
        for change in changes:
            self.rows += 1
            self.by_table[change.table] = self.by_table.get(change.table, 0) + 1
            for rule in change.rules:
                self.by_rule[rule] = self.by_rule.get(rule, 0) + 1


@dataclass(frozen=True, slots=True)
class Unmended:
    """A violated rule that no fix mends: how many rows, and who has to decide what."""

    rule: str
    violations: int
    reason: str


@dataclass(slots=True)
class Mended:
    """What was planned and, after ``--fix``, made; `first` holds the rules that were violated to begin with.

    `counts` are the planned changes by rule and table, `shown` the first of them, `file` holds every one. `noted_fixes`
    are the rules that are violated, but only noted, and have a fix: it is not planned. `unforeseen` are rules of which the
    plan cannot tell what it does to them, `harms` those that held before and do not hold now. `looked` is what was said of
    the rules before. `failed` says why there is no plan, `blind` why nobody looked again after rows were written.
    """

    first: dict[str, int]
    plan: str = ""
    count: int = 0
    file: Path | None = None
    shown: list[Change] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    unmended: list[Unmended] = field(default_factory=list)
    noted_fixes: list[str] = field(default_factory=list)
    unforeseen: list[str] = field(default_factory=list)
    harms: list[str] = field(default_factory=list)
    looked: Mapping[str, Measurement] = field(default_factory=dict)
    allows: Mapping[str, Sequence[str]] = field(default_factory=dict)
    failed: str | None = None
    blind: str | None = None
    made: Made | None = None

    def rows(self, rule: str) -> int:
        """How many rows were written for a rule."""
        return 0 if self.made is None else self.made.by_rule.get(rule, 0)

    def healed(self, rule: str) -> bool:
        """Whether a rule that holds now was violated before something was written."""
        return rule in self.first and self.made is not None and self.made.rows > 0

    def harmed(self, rule: str, reason: str | None) -> str:
        """What to say of a rule that does not hold any more since rows were written; it is remembered."""
        self.harms.append(rule)
        run = self.made.run if self.made else None
        return f"harmed by this fix, it held before (take it back with --undo {run}): {reason or 'it does not hold'}"

    def told(self, rule: str) -> str:
        """What was done about a rule that holds now."""
        return f"violated by {self.first[rule]} before, {self.rows(rule)} rows mended for it"

    def to_json(self) -> dict[str, Any]:
        """The `fix` part of the JSON report."""
        made = self.made
        return {
            "plan": self.plan,
            "changes": self.count,
            "file": None if self.file is None else str(self.file),
            "by_rule": [{"rule": rule, "table": table, "rows": n} for (rule, table), n in sorted(self.counts.items())],
            "first_changes": [one.to_json() for one in self.shown],
            "needs_a_person": [
                {"rule": one.rule, "violations": one.violations, "reason": one.reason} for one in self.unmended
            ],
            "noted_fixes": self.noted_fixes,
            "unforeseen": self.unforeseen,
            "harmed": self.harms,
            "failed": self.failed or self.blind,
            "first_look": dict(sorted(self.first.items())),
            "applied": None if made is None else applied_json(made),
        }


def applied_json(made: Made) -> dict[str, Any]:
    """What was written, as plain JSON."""
    return {
        "run": made.run,
        "rows": made.rows,
        "followed": made.followed,
        "by_table": dict(sorted(made.by_table.items())),
        "left": [{**one.change.to_json(), "reason": one.reason} for one in made.told],
        "stopped": made.stopped,
    }


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back, and of which run; `older` is the run before it that is not wholly undone."""

    run: str
    made: Made
    older: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The `undo` part of a JSON report."""
        return {"undoes": self.run, **applied_json(self.made)}


@dataclass(frozen=True, slots=True)
class PastRun:
    """A line of ``--fix-history``; `standing` counts the rows that were not taken back."""

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
