"""Clean what pytest tells: a test's traceback and what was captured, warnings, logs, by whoever knows what may be told."""

from __future__ import annotations

import copy
import logging
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


def veil(writer: Any, text_of: Clean) -> None:
    """Clean whatever is printed by a terminal writer, by whom ever: warnings, internal errors, summaries."""
    write = writer.write

    def cleaned(msg: str, **markup: Any) -> None:
        write(text_of(msg), **markup)

    writer.write = cleaned  # as pytest's own pastebin does


def veil_log(logs: Any, text_of: Clean) -> None:
    """Clean the messages of pytest's live log, if there is one; not its colours, nor what others see of them."""
    handler = getattr(logs, "log_cli_handler", None)
    if not isinstance(handler, logging.Handler):
        return
    format_record = handler.format

    def cleaned(record: logging.LogRecord) -> str:
        told = copy.copy(record)
        told.msg, told.args = text_of(record.getMessage()), ()
        return format_record(told)

    handler.format = cleaned  # type: ignore[method-assign]


def clean_warning(warning: Any, text_of: Clean) -> None:
    """Put a cleaned text in the place of a warning's; its category stays."""
    text = str(warning.message)
    if text_of(text) != text:
        warning.message = text_of(text)
