"""Which of many failures the terminal shows whole: see `reports.blocks`. ``-v`` shows all of them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_tgintegrity.reports.terminal.blocks import Failure, folded
from pytest_tgintegrity.session.session import RECORD

KINDS = ("failed", "error")


def register(config: pytest.Config) -> None:
    """Have failures folded before pytest prints them, and counted and listed afterwards as ever."""
    fold = _Fold()
    config.pluginmanager.register(fold, "tgintegrity-fold")
    config.pluginmanager.register(_Unfold(fold), "tgintegrity-unfold")


class _Fold:
    """Takes what is not to be shown whole out of the terminal's lists."""

    def __init__(self) -> None:
        self.hidden: dict[str, list[Any]] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, None, None]:
        """The outermost: pytest prints its failures inside."""
        if terminalreporter.verbosity <= 0:
            for kind in KINDS:
                self.hidden[kind] = _fold(terminalreporter.stats.get(kind, []))
        return (yield)


class _Unfold:
    """Puts it back before the short summary."""

    def __init__(self, fold: _Fold) -> None:
        self._fold = fold

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """After the failures were printed."""
        for kind, hidden in self._fold.hidden.items():
            terminalreporter.stats.get(kind, []).extend(hidden)


def _fold(reports: list[Any]) -> list[Any]:
    """Keep of the failures of rules what is shown, in the order of its gravity behind all others; returns the rest."""
    rules = {report.nodeid: report for report in reports if hasattr(report, RECORD)}
    shown = folded([_failure(report) for report in rules.values()])
    for node, text in shown.items():
        if text != rules[node].longreprtext:
            rules[node].longrepr = text
    reports[:] = [*(one for one in reports if one.nodeid not in rules), *(rules[node] for node in shown)]
    return [report for node, report in rules.items() if node not in shown]


def _failure(report: Any) -> Failure:
    rule = getattr(report, RECORD)["rule"]
    return Failure(report.nodeid, rule["severity"], rule["violations"], report.longreprtext)
