"""Fixes: under ``--fix-plan`` and ``--fix`` violated rules are fixed, or their fixes only planned; then stale caches are reported or deleted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_tgintegrity.fixing.caches import CACHES, Caches, Stale, parse_caches
from pytest_tgintegrity.fixing.commands import applying
from pytest_tgintegrity.fixing.fix import FixRequest, fix_violations
from pytest_tgintegrity.fixing.results import FixResult
from pytest_tgintegrity.history.memory import Memory
from pytest_tgintegrity.judging.summary import RunSummary
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal.fixes import fix_lines
from pytest_tgintegrity.reports.terminal.history import stale_lines
from pytest_tgintegrity.rules.severity import SEVERITIES
from pytest_tgintegrity.session import addresses, options
from pytest_tgintegrity.session.feature import Feature, Selection
from pytest_tgintegrity.session.features.waivers import Waivers
from pytest_tgintegrity.text import plural

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run

FIRST_CHANGES = 10


class Fixing(Feature):
    """`result` is what was planned or written, once the run has begun; None where neither option was given."""

    name = "fix"

    def __init__(self, config: pytest.Config, asked: options.Options, memory: Memory, waivers: Waivers) -> None:
        self.result: FixResult | None = None
        self._config = config
        self._asked = asked
        self._memory = memory
        self._waivers = waivers
        self._caches: list[Caches] = []
        self._stale: Stale | None = None

    def begun(self, run: Run, selection: Selection) -> None:
        """Plan, and write where that was asked. Raises `UsageError`."""
        fixing = self._asked.fixing
        if fixing is None:
            return
        self._caches = [parse_caches(text, name) for name, text in selection.beside(CACHES)]
        report = options.json_path(self._config.option)
        folder = report.parent if report else Path(self._config.invocation_params.dir)
        request = FixRequest(fixing.apply, fixing.plan, folder, self._asked.samples * FIRST_CHANGES, self._has_to_hold)
        self.result = fix_violations(run, list(selection.rules), request)
        self.result.noted_fixes = [rule for rule in self.result.noted_fixes if rule not in self._waivers.by_rule]

    def _has_to_hold(self, bound: BoundRule) -> bool:
        """Whether a violation of a rule fails the run."""
        grave = SEVERITIES.index(bound.rule.severity) <= SEVERITIES.index(self._asked.fail_on)
        return grave and bound.id not in self._waivers.by_rule

    def concluded(self, summary: RunSummary, run: Run | None) -> None:
        """Find the caches of what was written, and delete them where that was asked for."""
        flush = self._asked.fixing.flush if self._asked.fixing else None
        self._stale = self._memory.flush_caches(self.result.applied if self.result else None, self._caches, flush)

    def section(self, summary: RunSummary) -> Section:
        """What was planned or written, how to write it, and which caches are stale."""
        fixable = sum(rule.fixable for rule in summary.of_verdict("failed"))
        lines = [Line("fixable", f"{plural(fixable, 'failed rule')} with a safe fix declared")] if fixable else []
        caches = {} if self._stale is None else {"caches": self._stale.to_json()}
        stale = () if self._stale is None else stale_lines(self._stale)
        if self.result is None:
            return Section(caches, [*lines, *stale], step=_plan(fixable))
        command = applying(self.result, *addresses.invoked(self._config))
        severities: dict[str, str] = {rule.id: rule.severity for rule in summary.rules}
        lines += [*fix_lines(self.result, command, severities), *stale]
        section = {**self.result.to_json(), "apply": None if command is None else command.to_json()}
        return Section({"fix": section, **caches}, lines, step=_harm(self.result))


def _plan(fixable: int) -> str:
    return f"add --fix-plan to see what the safe fixes of {plural(fixable, 'rule')} would change" if fixable else ""


def _harm(result: FixResult) -> str:
    if result.applied is None or not result.harms:
        return ""
    return f"take the fix back with --undo {result.applied.run}, or mend what it harmed"
