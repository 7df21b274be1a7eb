"""Which of many failures the terminal shows, and how much of each: see `reports.blocks`. ``-v`` shows all of them.

``--tb=short`` leaves the statements out, ``--tb=line`` gives each failure a line, ``--tb=no`` none.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_tgintegrity.reports.blocks import BLOCKS, Failure, Style, folded
from pytest_tgintegrity.reports.lines import grouped
from pytest_tgintegrity.session import RECORD

KINDS = {"error": "ERRORS", "failed": "FAILURES"}
STYLES: dict[str, Style] = {"line": "line", "short": "short"}
UNASKED = "fE"
"""What pytest lists at the end if nobody asks for more with ``-r``."""


def register(config: pytest.Config) -> None:
    """Have failures folded before pytest prints them, and counted as ever; plugins that look at them meanwhile see all."""
    fold = _Fold()
    config.pluginmanager.register(fold, "tgintegrity-fold")
    config.pluginmanager.register(_Unfold(fold), "tgintegrity-unfold")
    config.pluginmanager.register(_Refold(fold), "tgintegrity-refold")


class _Fold:
    """Takes what is not to be shown out of the terminal's lists."""

    def __init__(self) -> None:
        self.stats: dict[str, list[Any]] = {}
        self.shown: dict[str, list[Any]] = {}
        self.all: dict[str, list[Any]] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, None, None]:
        """The outermost: pytest prints its failures, and the list of them, inside."""
        self.stats = terminalreporter.stats
        style = STYLES.get(terminalreporter.config.option.tbstyle, "whole")
        for kind, title in KINDS.items():
            self._fold(terminalreporter, kind, title, style)
        try:
            return (yield)
        finally:
            listed = {kind: len(self.stats.get(kind, [])) for kind in self.all}
            self.put(self.all)
            hidden = sum(len(self.all[kind]) - count for kind, count in listed.items())
            if hidden:
                terminalreporter.write_line(f"… and {grouped(hidden)} more: -v lists them")

    def _fold(self, terminalreporter: Any, kind: str, title: str, style: Style) -> None:
        """Keep of the failures of rules what is shown, in the order of its gravity behind all others."""
        reports = terminalreporter.stats.get(kind, [])
        rules = {report.nodeid: report for report in reports if hasattr(report, RECORD)}
        if not rules:
            return
        failures = [Failure.of(getattr(one, RECORD)["rule"], one.longreprtext, node) for node, one in rules.items()]
        texts = folded(failures, style, fold=terminalreporter.verbosity <= 0)
        others = [one for one in reports if one.nodeid not in rules]
        shown = [*others, *(rules[node] for node in texts)]
        self.all[kind] = [*shown, *(report for node, report in rules.items() if node not in texts)]
        self.shown[kind] = shown if terminalreporter.verbosity > 0 else shown[: len(others) + BLOCKS]
        if style == "line":
            terminalreporter.write_sep("=", title)
            for text in texts.values():
                terminalreporter.write_line(text)
            self.put({kind: others})
            return
        for node, text in texts.items():
            if text != rules[node].longreprtext:
                rules[node].longrepr = text
        self.put({kind: shown})

    def put(self, found: dict[str, list[Any]]) -> None:
        """Let the terminal know these."""
        for kind, reports in found.items():
            self.stats[kind][:] = reports


class _Unfold:
    """Puts them back after the failures were printed."""

    def __init__(self, fold: _Fold) -> None:
        self._fold = fold

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self) -> None:
        """Before anybody else looks at them."""
        self._fold.put(self._fold.all)


class _Refold:
    """Takes them out once more before they are listed, unless that is asked for."""

    def __init__(self, fold: _Fold) -> None:
        self._fold = fold

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """After everybody else has looked at them."""
        if terminalreporter.config.option.reportchars == UNASKED:
            self._fold.put(self._fold.shown)
