"""What a session reports: the header, the summary, the JSON report, the files made of it, and alerts."""

from __future__ import annotations

import contextlib
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tgintegrity.commandline import parsing
from pytest_tgintegrity.errors import TgIntegrityError
from pytest_tgintegrity.judging.summary import RuleRecord, RunFacts, RunSummary, ScanFacts
from pytest_tgintegrity.reports.alerts.state import alert
from pytest_tgintegrity.reports.document import refusal, report_document
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.reports.publishing import publish, save_whole
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal import summary as terminal
from pytest_tgintegrity.session import addresses, options
from pytest_tgintegrity.session.workers import RECORD
from pytest_tgintegrity.text import printable

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run
    from pytest_tgintegrity.session.session import Session

NOTHING_JUDGED = "no rule was judged"


def _report_of(record: RuleRecord) -> pytest.TestReport:
    """The report of a violated rule that the run found by itself, beside its tests."""
    rule = record.rule
    file, _, name = rule.id.partition("::")
    text = f"{rule.reason} [{rule.severity}]: {rule.doc.strip().partition(chr(10))[0]}"
    report = pytest.TestReport(rule.id, (file, None, name), {name: 1}, "failed", printable(text), "call")
    setattr(report, RECORD, record.to_json())
    return report


class Reporting:
    """Gathers the results of a run once, and reports them in several forms. Until `conclude` there is nothing to report."""

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
        """Name the database; xdist's controller can know it before anything is collected."""
        session = self._session
        if not session.processes.hosting or session.run is None or self._given is None or not self._given.at_once:
            return None
        with contextlib.suppress(TgIntegrityError):  # whoever needs the database reports it
            session.run.wait()
        return self._header()

    def pytest_report_collectionfinish(self) -> str | None:
        """Name the database, once it is known and rules are selected."""
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
        """Sum up the run, have the features conclude, and keep their sections. Does nothing where there was no rule."""
        outcome, run = self._session.outcome, self._session.run
        features = self._session.features.all
        looked = None if self._session.options.prove or self._config.option.collectonly else run
        scans = self._scans(run) if run else []
        if outcome.refused is None and outcome.selected:
            for record in [record for feature in features for record in feature.results(looked, scans)]:
                outcome.hear(record)
                self._show(record)
        health = outcome.conclude(self._session.options.health_minimum)
        if health is None:
            return
        summary = RunSummary(
            run=self._facts(),
            database=run.database if run else None,
            records=list(outcome.records.values()),
            scans=scans,
            health=health,
            unscoped=outcome.unscoped,
            empty_scopes=outcome.empty_scopes,
            zoneless=outcome.zoneless,
            former_digest=outcome.former_digest,
        )
        for feature in features:
            feature.concluded(summary, looked)
        for feature in features:
            feature.recorded(summary)
        self._summary, self._sections = summary, [feature.section(summary) for feature in features]

    def _show(self, record: RuleRecord) -> None:
        """Have all plugins know of a violation that no test found; the terminal counts and shows it, but has ended its progress."""
        if record.rule.verdict != "failed":
            return
        report, plugins = _report_of(record), self._config.pluginmanager
        terminal_reporter: Any = plugins.getplugin("terminalreporter")
        others = [plugin for plugin in (terminal_reporter, self._session) if plugin is not None]
        plugins.subset_hook_caller("pytest_runtest_logreport", others)(report=report)
        if terminal_reporter is not None:
            terminal_reporter.stats.setdefault("failed", []).append(report)

    def _scans(self, run: Run) -> list[ScanFacts]:
        """What was scanned, by whichever process."""
        return [
            ScanFacts(scan.source, list(scan.measurements), scan.seconds, scan.rows, scan.table)
            for scan in run.scanned(self._session.processes.folder)
        ]

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
        """The `integrity` part of the JSON report without secrets; None if there is nothing to report."""
        refused = self._session.outcome.refused
        if self._summary is None and self._given is None and not refused:
            return None
        if self._summary is None:
            section = refusal(refused or NOTHING_JUDGED)
        else:
            section = report_document(self._summary, [section.document for section in self._sections])
        return {**self._session.redaction.document(section), "database": section["database"]}

    def publish(self) -> None:
        """Write the files that are made of the JSON report and send the alert, also of a run that judged nothing."""
        if self._config.option.collectonly:
            return
        files, receiver = options.published(self._config, self._config.option), addresses.alert_receiver(self._config)
        section = self._document() if files or receiver else None
        if section is None:
            return
        self._published = publish(section, files, addresses.asked_name(self._config, self._config.option))
        if receiver and not (self._session.outcome.interrupted or self._session.options.prove):
            address = self._given.url if self._given else None
            self._published += alert(section, receiver, address, getattr(self._config, "cache", None))

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_json_modifyreport(self, json_report: dict[str, Any]) -> None:
        """Add the `integrity` part to pytest-json-report's document, and take secrets out of all of it."""
        json_report.update(self._session.redaction.document(json_report))
        if (section := self._document()) is not None:
            json_report["integrity"] = section
        save_whole(self._config)

    def _worded(self, line: Line) -> str:
        """A line with the names that our options have here; a command to repeat stays as it is, since options of others stand in it too."""
        return str(line) if line.word == "apply" else parsing.respelled(self._config, str(line))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The end of the run, on one screen."""
        if self._summary is None or self._config.option.collectonly:
            return
        demo = self._session.run is not None and self._session.run.is_demo
        path = options.json_path(self._config.option)
        lines = terminal.summary_lines(self._summary, self._sections, path, headed=self._headed, demo=demo)
        wrong_database = self._session.features.access.wrong_database is not None
        lines = terminal.cut(lines, self._summary, terminalreporter.verbosity, wrong_database=wrong_database)
        if terminalreporter.verbosity >= 0:
            terminalreporter.write_sep("=", "integrity")
        for line in [*lines, *self._published]:
            terminalreporter.write_line(self._worded(line), **line.colour)
        for section in self._sections:
            if section.appendix is not None:
                terminalreporter.write_sep("=", section.title)
                for text in section.appendix(terminalreporter.verbosity):
                    terminalreporter.write_line(printable(text))
