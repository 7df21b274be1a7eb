"""TG's rules, asked without a run of pytest for each database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.database.settings import Settings
from pytest_tgintegrity.planning.planner import BoundRule
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


def run_on(url: str, rules: Sequence[BoundRule]) -> Run:
    """A run on a database that has begun; the caller closes it."""
    run = Run(Settings(2, Limits(), 5, None, {}, "no_demo"), url, "the test")
    run.begin(rules)
    return run


def violations(url: str, rules: Sequence[BoundRule]) -> dict[str, int]:
    """Which rules are violated, and how often. Fails if one of them could not be asked."""
    run = run_on(url, rules)
    try:
        found = {one.id: run.measurement(one) for one in rules}
    finally:
        run.close()
    unknown = {rule: one.error for rule, one in found.items() if one.error and "[none-declared]" not in rule}
    assert not unknown, unknown
    return {rule: count for rule, one in found.items() if (count := one.violations)}
