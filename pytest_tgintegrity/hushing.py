"""In another database than the rules mean, thousands of rules fail for one reason: it is told once. ``-v`` shows all of them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_tgintegrity.session import RECORD, Integrity

UNDEFINED = frozenset({"3F000", "42P01", "42703", "42704", "42883"})
"""What the server says of schemas, tables, columns, types and functions that are not there."""


class Hush:
    """Keeps rules that ask for what is not there out of what pytest prints, but for its counts; reports in files have them."""

    def __init__(self, integrity: Integrity) -> None:
        self._integrity = integrity
        self._reporter: Any = integrity.config.pluginmanager.getplugin("terminalreporter")

    @property
    def _hushed(self) -> bool:
        return self._integrity.is_astray and self._reporter is not None and self._reporter.verbosity <= 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Name no files either: there is nothing to say of them."""
        if self._hushed:
            self._reporter.showfspath = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """Count such a rule as an error, and print nothing."""
        return ("error", "", "") if _asks_for_missing(report) and self._hushed else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, None, None]:
        """Print and list the others."""
        errors = terminalreporter.stats.get("error", [])
        everything = list(errors)
        if self._hushed:
            errors[:] = [one for one in everything if not _asks_for_missing(one)]
        try:
            return (yield)
        finally:
            errors[:] = everything


def _asks_for_missing(report: Any) -> bool:
    record = getattr(report, RECORD, None)
    return record is not None and record["rule"].get("sqlstate") in UNDEFINED
