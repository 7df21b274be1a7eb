"""Nothing secret is shown: whatever is printed, reported or written passes here."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from typing import Any

import pytest

from pytest_tgintegrity.database.connections.redaction import Secrets, scrub_document, together
from pytest_tgintegrity.text import printable_lines

Clean = Callable[[str], str]


class Redaction:
    """Takes secrets out: those that were given, and those that `learned` returns by the time something is shown."""

    def __init__(self, given: Secrets, learned: Callable[[], Secrets]) -> None:
        self._given = given
        self._learned = learned

    @property
    def secrets(self) -> Secrets:
        """All that must not be shown."""
        return together(self._learned(), self._given)

    def text(self, text: str) -> str:
        """`text` without secrets."""
        return self.secrets.scrub(text)

    def document(self, document: Any) -> Any:
        """JSON without secrets."""
        return scrub_document(document, self.text)

    def report(self, report: pytest.TestReport | pytest.CollectReport, *, shown: bool = True) -> None:
        """Clean a report's traceback and captured output; and, of rules, of what could steer a terminal."""
        _clean(report, self.shown if shown else self.text)
        if isinstance(report, pytest.TestReport):
            properties = report.user_properties
            report.user_properties = [(name, self.document(value)) for name, value in properties]

    def attach(self, config: pytest.Config, *, logs: bool) -> None:
        """Clean whatever pytest's terminal prints, whoever writes it: warnings, internal errors, summaries; with `logs` the live log, too."""
        if config.pluginmanager.hasplugin("terminalreporter"):
            _clean_writer(config.get_terminal_writer(), self.text)
        if logs:
            _clean_log(config.pluginmanager.getplugin("logging-plugin"), self.shown)

    def warning(self, warning: Any) -> None:
        """Clean a warning, which may quote what a server said."""
        _clean_warning(warning, self.shown)

    def shown(self, text: str) -> str:
        """`text` without secrets, and without what could steer a terminal."""
        return printable_lines(self.text(text))


def _clean(report: Any, text_of: Clean) -> None:
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
    """Clean a traceback in place: pytest's summaries need its structure."""
    for traceback, crash, _ in getattr(longrepr, "chain", ()):
        for entry in traceback.reprentries:
            entry.lines = [text_of(line) for line in entry.lines]
        if crash is not None:
            crash.message = text_of(crash.message)


def _clean_writer(writer: Any, text_of: Clean) -> None:
    """Clean whatever is printed by a terminal writer, whoever calls it."""
    write = writer.write

    def cleaned(msg: str, **markup: Any) -> None:
        write(text_of(msg), **markup)

    writer.write = cleaned  # as pytest's own pastebin does


def _clean_log(logs: Any, text_of: Clean) -> None:
    """Clean the messages of pytest's live log, if there is one; its colours stay, and other handlers see the messages as they were."""
    handler = getattr(logs, "log_cli_handler", None)
    if not isinstance(handler, logging.Handler):
        return
    format_record = handler.format

    def cleaned(record: logging.LogRecord) -> str:
        shown = copy.copy(record)
        shown.msg, shown.args = text_of(record.getMessage()), ()
        return format_record(shown)

    handler.format = cleaned  # type: ignore[method-assign] # the terminal owns the handler


def _clean_warning(warning: Any, text_of: Clean) -> None:
    """Put a cleaned text in the place of a warning's; its category stays."""
    text = str(warning.message)
    if text_of(text) != text:
        warning.message = text_of(text)
