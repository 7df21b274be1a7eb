"""The integrity part of a pytest session: it wires declaring, scanning, judging and reporting together.

One process owns the run: pytest itself, or pytest-xdist's controller. Workers join it. Whoever runs a test attaches its
record, plain JSON, to the test's report; the owner gathers the records, whichever process they come from.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any

import pytest

from pytest_tgintegrity.commandline import parsing
from pytest_tgintegrity.database.connections.redaction import Secrets
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.errors import TgIntegrityError, UsageError
from pytest_tgintegrity.history.memory import Memory
from pytest_tgintegrity.judging.outcome import RunOutcome, Selected
from pytest_tgintegrity.judging.summary import RuleRecord
from pytest_tgintegrity.planning.facts import Constraint
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.selection import check_ids, digest_of, former_digest_of
from pytest_tgintegrity.rules.kinds import Declared
from pytest_tgintegrity.session import addresses, options
from pytest_tgintegrity.session.feature import Selection
from pytest_tgintegrity.session.features.registry import Features, features_of
from pytest_tgintegrity.session.progress import show_progress
from pytest_tgintegrity.session.redacting import Redaction
from pytest_tgintegrity.session.reporting import Reporting
from pytest_tgintegrity.session.workers import RECORD, Processes, join
from pytest_tgintegrity.text import printable

NAME = "tgintegrity-session"
BOUND = pytest.StashKey[BoundRule]()
IDLE = pytest.StashKey[str]()  # why the body of a rule can never fail


def session_of(config: pytest.Config) -> Session:
    """The integrity part of this session, which exists by now."""
    session: Session = config.pluginmanager.getplugin(NAME)
    return session


class Session:
    """Wires a run, as the module says. `run` is None without a URL; `error` is a mistake that matters only once rules are selected."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.options = options.read_options(config)
        self.outcome = RunOutcome()
        self.collected: set[str] = set()
        self.run: Run | None = None
        self.error: TgIntegrityError | None = None
        self.processes = Processes(config)
        self.given = None if self.processes.is_worker else addresses.given_url(config)
        self.memory = Memory(addresses.redis_address(config))
        self.features: Features = features_of(config, self.options, self.memory, self.outcome)
        self.redaction = Redaction(
            addresses.given_secrets(config, self.processes.secrets), lambda: self.run.secrets if self.run else Secrets()
        )
        try:
            self.run = self._find_run()
            for feature in self.features.all:
                feature.prepared()
        except TgIntegrityError as error:
            self.error = error
        self.redaction.attach(config, logs=self.run is not None)
        self._reporting = Reporting(self)
        config.pluginmanager.register(self._reporting, "tgintegrity-telling")

    def _find_run(self) -> Run | None:
        """The run on the database that was named; nothing connects yet."""
        settings = options.settings(self.config, self.options)
        if self.processes.is_worker:
            return join(settings, self.processes.folder) if self.processes.folder else None
        if self.given is None:
            return None
        run = Run(settings, self.given.url, self.given.origin)
        run.recall = lambda identity: self.memory.earlier(identity).rows
        return run

    # --- starting

    def start(self, *, distributed: bool) -> None:
        """Connect while tests are collected, if the command line names the database; get ready for xdist's workers."""
        if self.run is None:
            return
        if distributed:
            self.processes.host(self.run)
        if self.given is not None and self.given.at_once:
            self.run.open()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of xdist where to ask for the run."""
        self.processes.instruct(node, self.redaction.secrets)

    def constraints(self, kind: Declared) -> tuple[Constraint, ...]:
        """Declared constraints; none without a database. If it cannot be reached the error is kept in `error` for later."""
        if self.run is None or self.error is not None:
            return ()
        try:
            return self.run.constraints(kind.what)
        except TgIntegrityError as error:
            self.error = error
            return ()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The selection is final: plan it and start to scan, while the tests begin."""
        items = [(item, item.stash[BOUND]) for item in session.items if BOUND in item.stash]
        if not items:
            return
        rules = [rule for _, rule in items]
        self.outcome.selected = {rule.id: Selected(item.nodeid, rule.rule.severity, rule.doc) for item, rule in items}
        self.outcome.digest, self.outcome.former_digest = digest_of(rules), former_digest_of(rules)
        self.outcome.deselected = len(self.collected) - len(rules)
        files = {(rule.id.partition("::")[0], item.path) for item, rule in items}
        try:
            check_ids((item.path, rule) for item, rule in items)
            self._begin(Selection(rules, self.collected, files, self.config.rootpath))
        except TgIntegrityError as error:
            self.outcome.refused = parsing.respelled(self.config, self.redaction.text(str(error)))
            if not self.processes.is_worker:
                raise pytest.UsageError(printable(self.outcome.refused)) from None
            session.items.clear()
        if self.processes.is_worker:
            features = {feature.name: feature.to_json() for feature in self.features.all}
            self.processes.tell({**self.outcome.to_json(), "features": features})

    def _begin(self, selection: Selection) -> None:
        for feature in self.features.all:
            feature.selected(selection)
        if self.error is not None:
            raise self.error
        if self.run is None:
            if self.config.option.collectonly:
                return
            raise UsageError(options.NO_URL)
        if self.config.option.collectonly:
            self.run.wait()
        elif self.options.prove:
            self.features.proving.prepare(self.run, selection.rules)
        else:
            self._scan(self.run, selection)

    def _scan(self, run: Run, selection: Selection) -> None:
        """Begin the scans, and call the features before and after that."""
        for feature in self.features.all:
            feature.opened(run)
        run.begin(selection.rules, partial(show_progress, self.config))
        for feature in self.features.all:
            feature.begun(run, selection)
        self.outcome.unscoped, self.outcome.empty_scopes = run.unscoped, run.empty_scopes
        self.outcome.zoneless = run.zoneless

    def sources(self, bound: BoundRule) -> tuple[str, ...]:
        """The tables that a rule reads."""
        prover = self.features.proving.prover
        return prover.sources(bound) if prover else self.run.sources(bound) if self.run else ()

    # --- reports of tests

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Take the password out of collection errors."""
        report = yield
        self.redaction.report(report)
        return report

    @property
    def asks_wrong_database(self) -> bool:
        """Whether most tables that the rules name are missing, as far as this process knows."""
        if self.features.access.wrong_database is None and not self.processes.is_worker:
            self.hear_workers()
        return self.features.access.wrong_database is not None

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """A warning may quote what a server said, too."""
        if self.run is not None:
            self.redaction.warning(warning_message)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the record of a rule; of a failed test without a record keep the failure."""
        record = getattr(report, RECORD, None)
        if record is not None:
            self.outcome.hear(RuleRecord.from_json(record))
        elif report.failed:
            self.outcome.hear_failure(report.nodeid, str(report.longrepr or ""))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember that a file could not be collected."""
        if report.failed:
            self.outcome.not_collected = True

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """On Ctrl-C cancel what the server is doing for us, and have workers do so."""
        if excinfo.type is KeyboardInterrupt:  # xdist and -x interrupt by subclasses of it
            self.outcome.interrupted = True
            self.processes.dismiss()
            if self.run is not None:
                self.run.interrupt()

    # --- finishing

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Assess the run and decide the exit status before any report is written; at the end close what was opened."""
        if not self.processes.is_worker:
            self.hear_workers()
            self._reporting.conclude()
            session.exitstatus = self.outcome.exit_status(int(session.exitstatus))
            self._reporting.publish()
        try:
            return (yield)
        finally:
            self.processes.dismiss()
            for feature in self.features.all:
                feature.close()
            if self.run is not None:
                self.run.close()
            self.processes.close()

    def refused_by_workers(self) -> str | None:
        """Why the workers could not begin. If this process cannot use the URL, its own error says more than theirs."""
        self.hear_workers()
        if self.outcome.refused and self.error:
            self.outcome.refused = self.redaction.text(str(self.error))
        return self.outcome.refused

    def hear_workers(self) -> None:
        """Take over what workers have sent."""
        for message in self.processes.heard():
            self.hear_worker(message)

    def hear_worker(self, message: Any) -> None:
        """Take over what a worker knew of the selection."""
        self.outcome.hear_worker(message)
        for feature in self.features.all:
            if (known := message["features"][feature.name]) is not None:
                feature.hear(known)
