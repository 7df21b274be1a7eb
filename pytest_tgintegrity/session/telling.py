"""What a session tells: the header, the summary, the JSON report, the files made of it, and alerts."""

from __future__ import annotations

import contextlib
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tgintegrity.commandline import parsing
from pytest_tgintegrity.errors import TgIntegrityError
from pytest_tgintegrity.judging.summary import RunFacts, RunSummary, ScanFacts
from pytest_tgintegrity.reports.alerts.state import alert
from pytest_tgintegrity.reports.document import document, refusal
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.reports.publishing import publish, save_whole
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal import summary as terminal
from pytest_tgintegrity.session import addresses, options
from pytest_tgintegrity.text import printable

if TYPE_CHECKING:
    from pytest_tgintegrity.session.session import Session

NOTHING_JUDGED = "no rule was judged"


class Telling:
    """Gathers what a run came to, once, and tells it in several forms. Until `conclude` there is nothing to tell."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._given = session.given
        self._config = session.config
        self._summary: RunSummary | None = None
        self._sections: list[Section] = []
        self._headed = False
        self._published: list[Line] = []

    # --- the header

    def pytest_report_header(self) -> str | None:
        """Say which database it is: xdist's controller can know before anything is collected."""
        session = self._session
        if not session.processes.hosting or session.run is None or self._given is None or not self._given.at_once:
            return None
        with contextlib.suppress(TgIntegrityError):  # it is told by those who need the database
            session.run.wait()
        return self._header()

    def pytest_report_collectionfinish(self) -> str | None:
        """Say which database it is, once it is known and rules are selected."""
        shown = self._config.get_verbosity() >= 0 and not self._config.getoption("no_header", default=False)
        return self._header() if self._session.outcome.selected and shown else None

    def _header(self) -> str | None:
        run, asked = self._session.run, self._session.options
        if run is None or run.database is None:
            return None
        self._headed = True
        return terminal.header(run.database, run.snapshot, terminal.confined(asked.period, asked.scopes))

    # --- the end

    def conclude(self) -> None:
        """Sum up; features conclude, and say what they have to tell. Nothing, where there was no rule."""
        outcome, run = self._session.outcome, self._session.run
        health = outcome.conclude(self._session.options.health_minimum)
        if health is None:
            return
        scanned = run.scanned(self._session.processes.folder) if run else []
        summary = RunSummary(
            run=self._facts(),
            database=run.database if run else None,
            records=list(outcome.records.values()),
            scans=[ScanFacts(one.source, list(one.measurements), one.seconds, one.rows) for one in scanned],
            health=health,
            unscoped=outcome.unscoped,
            empty_scopes=outcome.empty_scopes,
            zoneless=outcome.zoneless,
            former_digest=outcome.former_digest,
        )
        features = self._session.features.all
        looked = None if self._session.options.prove or self._config.option.collectonly else run
        for feature in features:
            feature.concluded(summary, looked)
        for feature in features:
            feature.recorded(summary)
        self._summary, self._sections = summary, [feature.section(summary) for feature in features]

    def _facts(self) -> RunFacts:
        run, outcome, finished = self._session.run, self._session.outcome, datetime.now(UTC)
        return RunFacts(
            id=uuid.uuid4().hex,
            started_at=run.started_at if run else finished,
            finished_at=finished,
            seconds=run.seconds if run else 0.0,
            snapshot=run.snapshot if run else None,
            period_hours=self._session.options.period,
            scopes=self._session.options.scopes,
            rule_set_digest=outcome.digest,
            complete=outcome.complete,
        )

    def _document(self) -> dict[str, Any] | None:
        """The `integrity` part of the JSON report without secrets; None if there is nothing to tell."""
        refused = self._session.outcome.refused
        if self._summary is None and self._given is None and not refused:
            return None
        if self._summary is None:
            told = refusal(refused or NOTHING_JUDGED)
        else:
            told = document(self._summary, [section.document for section in self._sections])
        return {**self._session.redaction.document(told), "database": told["database"]}

    def publish(self) -> None:
        """Write what is made of the JSON report; it tells of a run that judged nothing, too."""
        if self._config.option.collectonly:
            return
        files, receiver = options.published(self._config, self._config.option), addresses.alert_receiver(self._config)
        told = self._document() if files or receiver else None
        if told is None:
            return
        self._published = publish(told, files, addresses.asked_name(self._config, self._config.option))
        if receiver and not (self._session.outcome.interrupted or self._session.options.prove):
            address = self._given.url if self._given else None
            self._published += alert(told, receiver, address, getattr(self._config, "cache", None))

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_json_modifyreport(self, json_report: dict[str, Any]) -> None:
        """Add the `integrity` part to pytest-json-report's document, and take secrets out of all of it."""
        json_report.update(self._session.redaction.document(json_report))
        if (told := self._document()) is not None:
            json_report["integrity"] = told
        save_whole(self._config)

    def _told(self, line: Line) -> str:
        """A line with the names of options that work here, but for a command: in it others' options stand as they were given."""
        return str(line) if line.word == "apply" else parsing.told(self._config, str(line))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The end of the run, on one screen."""
        if self._summary is None or self._config.option.collectonly:
            return
        demo = self._session.run is not None and self._session.run.is_demo
        path = options.json_path(self._config.option)
        lines = terminal.summary(self._summary, self._sections, path, headed=self._headed, demo=demo)
        astray = self._session.features.access.astray is not None
        lines = terminal.cut(lines, self._summary, terminalreporter.verbosity, astray=astray)
        if terminalreporter.verbosity >= 0:
            terminalreporter.write_sep("=", "integrity")
        for line in [*lines, *self._published]:
            terminalreporter.write_line(self._told(line), **line.colour)
        for section in self._sections:
            if section.appendix is not None:
                terminalreporter.write_sep("=", section.title)
                for text in section.appendix(terminalreporter.verbosity):
                    terminalreporter.write_line(printable(text))
