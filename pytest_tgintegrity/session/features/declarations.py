"""Declarations: constraints that an earlier run knew and that are not declared any more are violations, until they are pinned or waived."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tgintegrity.errors import HistoryLost
from pytest_tgintegrity.history.memory import Memory
from pytest_tgintegrity.judging.outcome import RunOutcome
from pytest_tgintegrity.judging.summary import RuleRecord, RunSummary, ScanFacts
from pytest_tgintegrity.planning.expected.declarations import EarlierDeclarations, declared_items, function_of, gone
from pytest_tgintegrity.planning.expected.lock_file import LOCK_FILE
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal.verdicts import gone_lines
from pytest_tgintegrity.rules.kinds import Declared, Pinned
from pytest_tgintegrity.rules.severity import Severity
from pytest_tgintegrity.session.feature import Feature, Selection
from pytest_tgintegrity.session.features.census import whole
from pytest_tgintegrity.session.features.found import Found, OwnWaivers
from pytest_tgintegrity.session.features.waivers import Waivers
from pytest_tgintegrity.session.options import Options

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run

GONE = "gone"
"""The reason of such a violation."""


class Declarations(Feature):
    """`kept` is what the history has to keep of this run; None where it was no whole look."""

    name = "declarations"

    def __init__(
        self, config: pytest.Config, asked: Options, memory: Memory, waivers: Waivers, outcome: RunOutcome
    ) -> None:
        self.kept: Mapping[str, str] | None = None
        self._config = config
        self._asked = asked
        self._memory = memory
        self._all_waivers = waivers
        self._outcome = outcome
        self._items: dict[str, str] = {}
        self._tests: dict[str, tuple[Severity, str]] = {}
        self._pinned = False
        self._waivers = OwnWaivers()
        self._earlier: EarlierDeclarations | None = None
        self._gone: Sequence[str] = ()

    def selected(self, selection: Selection) -> None:
        """Refuse a lock file that pytest does not collect, as it is no regular file. Raises `UsageError`."""
        list(selection.beside(LOCK_FILE))

    def begun(self, run: Run, selection: Selection) -> None:
        """Note what is declared, whether it is pinned, and which violations of what is gone are waived."""
        self._items = declared_items(selection.rules)
        self._tests = {
            function_of(bound.id): (bound.rule.severity, bound.doc)
            for bound in selection.rules
            if isinstance(bound.rule.kind, Declared)
        }
        self._pinned = any(isinstance(bound.rule.kind, Pinned) for bound in selection.rules)
        own = {rule: waiver for rule, waiver in self._all_waivers.by_rule.items() if function_of(rule) in self._tests}
        self._waivers = OwnWaivers(own)

    def to_json(self) -> Any:
        """All that was noted."""
        return {"items": self._items, "tests": self._tests, "pinned": self._pinned, "waivers": self._waivers.to_json()}

    def hear(self, known: Any) -> None:
        """All workers know the same."""
        self._items, self._pinned = known["items"], known["pinned"]
        self._tests = {function: (severity, doc) for function, (severity, doc) in known["tests"].items()}
        self._waivers.hear(known["waivers"])

    def results(self, run: Run | None, scans: Sequence[ScanFacts]) -> Iterable[RuleRecord]:
        """A violated rule for each constraint that is gone."""
        if run is None or run.database is None or not self._is_whole():
            return ()
        self._compare(run.database.identity)
        known = {*self._outcome.selected, *self._gone}
        unmatched = [waiver for rule, waiver in self._waivers.by_rule.items() if rule not in known]
        self._all_waivers.hear_unmatched(unmatched, known)
        return list(self._judged(run.started_at.date()))

    def _is_whole(self) -> bool:
        return self._outcome.complete and not self._outcome.deselected and whole(self._config)

    def _compare(self, identity: str) -> None:
        """What is gone is kept, too: the next run has to miss it as well. So is what other rules look at, of the same database."""
        self.kept = self._items
        try:
            self._earlier = self._memory.past(identity).declared if self._memory.address else None
        except HistoryLost:
            self.kept = None
        if self._earlier is not None:
            self._gone = () if self._pinned else gone(self._earlier.items, self._items, self._tests)
            unasked = self._earlier.of_others(self._tests)
            self.kept = {**self._items, **self._earlier.kept([*self._gone, *unasked])}

    def _judged(self, today: date) -> Iterator[RuleRecord]:
        for rule in self._gone:
            severity, doc = self._tests[function_of(rule)]
            name = rule.partition("[")[2].removesuffix("]")
            samples = [{"key": name, "label": None, "values": {"last_declared": self._last_seen(rule)}}]
            found = Found(rule, doc, severity, GONE, samples=samples, constraint=True)
            yield found.judged(self._waivers.by_rule.get(rule), self._asked.fail_on, today)

    def _last_seen(self, rule: str) -> str | None:
        return self._earlier.last_seen(rule) if self._earlier else None

    def section(self, summary: RunSummary) -> Section:
        """What is gone and not waived, and how to have it back or let it go."""
        results = {rule.id: rule for rule in summary.rules}
        missing = [results[rule] for rule in self._gone if results[rule].verdict != "waived"]
        return Section(lines=list(gone_lines(missing)))
