"""Waivers: which known violations are permitted, and which permissions no longer fit any rule."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from pytest_tgintegrity.judging.outcome import RunOutcome
from pytest_tgintegrity.judging.summary import RunSummary
from pytest_tgintegrity.judging.waivers import CENSUS, Waiver, by_rule, parse_waivers, without_rule
from pytest_tgintegrity.planning.expected.declarations import function_of
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.rules import files as rule_files
from pytest_tgintegrity.rules.kinds import Declared
from pytest_tgintegrity.session.feature import Feature, Selection
from pytest_tgintegrity.text import printable

WAIVERS = "waivers.toml"


class Waivers(Feature):
    """Reads the file that was named, else those beside the rules. `by_rule` are waivers by the id of their rule."""

    name = "waivers"

    def __init__(self, named: Path | None, outcome: RunOutcome, *, wanted: bool) -> None:
        self.by_rule: dict[str, Waiver] = {}
        self._named = named
        self._wanted = wanted
        self._outcome = outcome
        self._stale: list[str] = []

    def selected(self, selection: Selection) -> None:
        """Read the waivers; note those for rules that do not exist. Raises `UsageError`."""
        if not self._wanted:
            return
        texts = rule_files.texts([self._named], selection.root) if self._named else selection.beside(WAIVERS)
        self.by_rule = by_rule(waiver for name, text in texts for waiver in parse_waivers(text, name))
        declared = {function_of(bound.id) for bound in selection.rules if isinstance(bound.rule.kind, Declared)}
        parents = {rule_files.parent_of(name, path) for name, path in selection.files}
        self.hear(
            without_rule(
                [
                    waiver
                    for rule, waiver in self.by_rule.items()
                    if not (rule.startswith(CENSUS) or function_of(rule) in declared)
                ],
                selection.collected,
                lambda file: any(os.path.exists(parent / file) for parent in parents),  # noqa: PTH110 - whatever its name is
            )
        )

    def to_json(self) -> Any:
        """Waivers without a rule."""
        return self._stale

    def hear(self, known: Any) -> None:
        """Waivers without a rule fail the run."""
        self._stale = self._stale or list(known)
        self._outcome.stale = bool(self._stale)

    def hear_unmatched(self, waivers: Iterable[Waiver], known: Collection[str]) -> None:
        """Waivers of which only history could tell whether they have a rule; `known` are the ids of all rules."""
        self._stale += without_rule(waivers, known, lambda _: True)
        self._outcome.stale = bool(self._stale)

    def section(self, summary: RunSummary) -> Section:
        """Each waiver without a rule."""
        lines = [Line("waivers", printable(words), {"red": True}) for words in self._stale]
        return Section({"stale_waivers": list(self._stale)} if self._stale else {}, lines)
