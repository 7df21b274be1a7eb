"""In another database than the rules mean thousands of rules fail for one reason: that reason is shown once. ``-v`` shows every rule."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_tgintegrity.session.session import Session
from pytest_tgintegrity.session.workers import RECORD

UNDEFINED = frozenset({"3F000", "42P01", "42703", "42704", "42883"})
"""What the server says of schemas, tables, columns, types and functions that are not there."""


class HideMissing:
    """Hides rules that ask for missing tables from what pytest prints; they are still counted, and reports in files have them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reporter: Any = session.config.pluginmanager.getplugin("terminalreporter")

    @property
    def _hides(self) -> bool:
        return self._session.asks_wrong_database and self._reporter is not None and self._reporter.verbosity <= 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Do not print the names of files: no test of them is shown."""
        if self._hides:
            self._reporter.showfspath = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """Count such a rule as an error, and print nothing."""
        return ("error", "", "") if _asks_for_missing(report) and self._hides else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, None, None]:
        """Print and list the other errors only."""
        errors = terminalreporter.stats.get("error", [])
        everything = list(errors)
        if self._hides:
            errors[:] = [report for report in everything if not _asks_for_missing(report)]
        try:
            return (yield)
        finally:
            errors[:] = everything


def _asks_for_missing(report: Any) -> bool:
    record = getattr(report, RECORD, None)
    return record is not None and record["rule"].get("sqlstate") in UNDEFINED
