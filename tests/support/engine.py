"""Ask a database through the engine, with no pytest run in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pytest_tgintegrity.database.catalog import read_constraints, read_facts
from pytest_tgintegrity.database.connections.address import parse_address
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.connections.reader import Reader, SnapshotHolder
from pytest_tgintegrity.database.scanning import Scanned, measure
from pytest_tgintegrity.judging.verdicts import Measurement
from pytest_tgintegrity.planning.facts import Constraint, Facts
from pytest_tgintegrity.planning.planner import BoundRule, Plan, plan
from pytest_tgintegrity.planning.scans.batches import batches
from pytest_tgintegrity.planning.windows import Window
from pytest_tgintegrity.rules.kinds import CONSTRAINT_KINDS, ConstraintKind, Declared, Kind
from pytest_tgintegrity.rules.rule import Rule


def bound(kind: Kind, name: str = "it", params: Mapping[str, Any] | None = None, **more: Any) -> BoundRule:
    """A rule as a test would bind it."""
    return BoundRule(name, Rule(kind, **more), "A rule.", params or {})


def named(kinds: Iterable[Any], name: str = "rule") -> list[BoundRule]:
    """Rules named by their numbers."""
    return [bound(kind, f"{name}{number}") for number, kind in enumerate(kinds)]


def reasons(found: Mapping[str, Measurement]) -> dict[str, str]:
    """Why rules could not be evaluated."""
    return {rule: one.error for rule, one in found.items() if one.error is not None}


@dataclass(frozen=True)
class Engine:
    """A reader on a snapshot, and what the catalogs said."""

    reader: Reader
    facts: Facts

    def plan(self, rules: Iterable[BoundRule], window: Window | None = None) -> Plan:
        return plan(rules, self.facts, window)

    def scan(self, planned: Plan, samples: int = 5) -> list[Scanned]:
        return [scanned for batch in batches(planned.scans) for scanned in measure(self.reader, batch, samples)]

    def measure(
        self, rules: Iterable[BoundRule], samples: int = 5, window: Window | None = None
    ) -> dict[str, Measurement]:
        """What is said of each rule, planned together."""
        planned = self.plan(rules, window)
        found = {rule: Measurement(error=reason) for rule, reason in planned.unplannable.items()}
        for scanned in self.scan(planned, samples):
            found |= scanned.measurements
        return found

    def ask(self, kind: Kind, params: Mapping[str, Any] | None = None, **more: Any) -> Measurement:
        """What is said of one rule."""
        return self.measure([bound(kind, "it", params, **more)])["it"]

    def constraints(self, *kinds: ConstraintKind) -> list[Constraint]:
        return [one for kind in kinds or CONSTRAINT_KINDS for one in read_constraints(self.reader, kind)]

    def declared(self, *kinds: ConstraintKind, samples: int = 5) -> dict[str, Measurement]:
        """What is said of each declared constraint, by its label."""
        found = self.constraints(*kinds)
        return self.measure([bound(Declared(one.kind), one.label, {"constraint": one}) for one in found], samples)


@contextmanager
def looking_at(url: str, limits: Limits | None = None) -> Iterator[Engine]:
    """Hold a snapshot of a database."""
    holder = SnapshotHolder(parse_address(url))
    try:
        with Reader(holder.address, holder.snapshot, limits or Limits()) as reader:
            yield Engine(reader, read_facts(reader))
    finally:
        holder.close()
