"""Which of many failures the terminal shows, and how much of each: see `reports.failures.blocks`. ``-v`` shows all of them.

``--tb=short`` leaves the statements out, ``--tb=line`` gives each failure a line, ``--tb=no`` none.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_tgintegrity.reports.failures.blocks import BLOCKS, RuleFailure, Style, shown_texts
from pytest_tgintegrity.session.workers import RECORD
from pytest_tgintegrity.text import grouped

KINDS = {"error": "ERRORS", "failed": "FAILURES"}
STYLES: dict[str, Style] = {"line": "line", "short": "short"}
UNASKED = "fE"
"""What pytest lists at the end if nobody asks for more with ``-r``."""


def register(config: pytest.Config) -> None:
    """Shorten failures before pytest prints them, and restore them for its counts; other plugins see all of them in between."""
    shorten = _Shorten()
    config.pluginmanager.register(shorten, "tgintegrity-fold")
    config.pluginmanager.register(_Restore(shorten), "tgintegrity-unfold")
    config.pluginmanager.register(_ShortenList(shorten), "tgintegrity-refold")


class _Shorten:
    """Takes what is not to be shown out of the terminal's lists."""

    def __init__(self) -> None:
        self.stats: dict[str, list[Any]] = {}
        self.shown: dict[str, list[Any]] = {}
        self.all: dict[str, list[Any]] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, None, None]:
        """Runs outermost: pytest prints its failures, and the list of them, within the `yield`."""
        self.stats = terminalreporter.stats
        style = STYLES.get(terminalreporter.config.option.tbstyle, "whole")
        for kind, title in KINDS.items():
            self._shorten(terminalreporter, kind, title, style)
        try:
            return (yield)
        finally:
            listed = {kind: len(self.stats.get(kind, [])) for kind in self.all}
            self.put(self.all)
            hidden = sum(len(self.all[kind]) - count for kind, count in listed.items())
            if hidden:
                terminalreporter.write_line(f"… and {grouped(hidden)} more: -v lists them")

    def _shorten(self, terminalreporter: Any, kind: str, title: str, style: Style) -> None:
        """Of failed rules keep only what is shown, the gravest first, after all other failures."""
        reports = terminalreporter.stats.get(kind, [])
        rules = {report.nodeid: report for report in reports if hasattr(report, RECORD)}
        if not rules:
            return
        failures = [
            RuleFailure.of(getattr(report, RECORD)["rule"], report.longreprtext, node) for node, report in rules.items()
        ]
        texts = shown_texts(failures, style, shorten=terminalreporter.verbosity <= 0)
        others = [report for report in reports if report.nodeid not in rules]
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

    def put(self, lists: dict[str, list[Any]]) -> None:
        """Give the terminal these reports instead of its own, by kind."""
        for kind, reports in lists.items():
            self.stats[kind][:] = reports


class _Restore:
    """Puts all failures back once pytest has printed them."""

    def __init__(self, shorten: _Shorten) -> None:
        self._shorten = shorten

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self) -> None:
        """Runs before other plugins look at the failures."""
        self._shorten.put(self._shorten.all)


class _ShortenList:
    """Takes what is not shown out once more before failures are listed, unless ``-r`` asks for the list."""

    def __init__(self, shorten: _Shorten) -> None:
        self._shorten = shorten

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Runs after other plugins have looked at the failures."""
        if terminalreporter.config.option.reportchars == UNASKED:
            self._shorten.put(self._shorten.shown)
