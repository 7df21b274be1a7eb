"""Clean what pytest tells of a test: its traceback and what was captured, by whoever knows what may be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Clean = Callable[[str], str]


def clean(report: Any, text_of: Clean) -> None:
    """Put a cleaned text in the place of each text of a report."""
    if isinstance(report.longrepr, tuple):
        path, line, words = report.longrepr
        report.longrepr = (path, line, text_of(words))
    elif report.longrepr is not None:
        _clean_traceback(report.longrepr, text_of)
        text = str(report.longrepr)
        if text_of(text) != text:
            report.longrepr = text_of(text)
    report.sections = [(title, text_of(text)) for title, text in report.sections]


def _clean_traceback(longrepr: Any, text_of: Clean) -> None:
    """In place, so that pytest's summaries know it still."""
    for traceback, crash, _ in getattr(longrepr, "chain", ()):
        for entry in traceback.reprentries:
            entry.lines = [text_of(line) for line in entry.lines]
        if crash is not None:
            crash.message = text_of(crash.message)
