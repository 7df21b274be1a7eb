"""TG's rules, asked without a run of pytest for each database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from engine import looking_at
from pytest_tgintegrity.planning.planner import BoundRule, Plan
from pytest_tgintegrity.rules.kinds import Check
from pytest_tgintegrity.session.session import BOUND

RULES: Final = str(Path(__file__).parents[2] / "integrity_tests")


@dataclass
class Collected:
    """Takes down the rules of a run of pytest."""

    rules: list[BoundRule] = field(default_factory=list)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.rules = [item.stash[BOUND] for item in session.items if BOUND in item.stash]


def collected(url: str) -> list[BoundRule]:
    """All of TG's rules, with those that are made from the constraints of a database."""
    found = Collected()
    arguments = [RULES, "--collect-only", "-qq", "-p", "no:cacheprovider", "--no-header", f"--db-url={url}"]
    assert pytest.main(arguments, plugins=[found]) == 0
    return [one for one in found.rules if not isinstance(one.rule.kind, Check)]


def planned(url: str, rules: Sequence[BoundRule]) -> Plan:
    """How the rules are asked; it holds as long as no table changes its form."""
    with looking_at(url) as engine:
        return engine.plan(rules)


def violations(url: str, asked: Plan) -> dict[str, int]:
    """Which of the planned rules are violated, and how often. Fails if one of them could not be asked."""
    with looking_at(url) as engine:
        scanned = engine.scan(asked, samples=0)
    found = {rule: one for scan in scanned for rule, one in scan.measurements.items()}
    unknown = {rule: one.error for rule, one in found.items() if one.error} | dict(asked.unplannable)
    assert not unknown, unknown
    return {rule: count for rule, one in found.items() if (count := one.violations)}
