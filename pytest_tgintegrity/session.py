"""The integrity part of a pytest session: it wires declaring, scanning, judging and reporting together.

One process owns the run: pytest itself, or pytest-xdist's controller. Workers join it. Whoever runs a test attaches its
record, plain JSON, to the test's report; the owner gathers the records, whichever process they come from.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import uuid
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tgintegrity import gating, options, rule_files
from pytest_tgintegrity.alerting import alert
from pytest_tgintegrity.baselines import beside, check_staging, time_on
from pytest_tgintegrity.caches import CACHES, Caches, parse_caches
from pytest_tgintegrity.commands import applying
from pytest_tgintegrity.coverage import parse_reasons
from pytest_tgintegrity.database import Limits
from pytest_tgintegrity.errors import TgIntegrityError, UsageError
from pytest_tgintegrity.kinds import Declared
from pytest_tgintegrity.mended import Mended
from pytest_tgintegrity.mending import Order, mend
from pytest_tgintegrity.migrations import Migration
from pytest_tgintegrity.pending import look_for_pending, read_migrations
from pytest_tgintegrity.permissions import missing_grants
from pytest_tgintegrity.planning import BoundRule
from pytest_tgintegrity.probes import Probe
from pytest_tgintegrity.progress import show_progress
from pytest_tgintegrity.publishing import publish, save_whole
from pytest_tgintegrity.remembering import Memory
from pytest_tgintegrity.reports import coverage, terminal
from pytest_tgintegrity.reports.cleaning import clean, clean_warning, veil, veil_log
from pytest_tgintegrity.reports.document import Report, RunFacts, refusal
from pytest_tgintegrity.reports.lines import Line, printable, printable_lines
from pytest_tgintegrity.rules import SEVERITIES
from pytest_tgintegrity.run import Run, Settings
from pytest_tgintegrity.schema import Constraint
from pytest_tgintegrity.secrecy import Secrets, passwords_in, scrub_document, together
from pytest_tgintegrity.selection import check_ids, digest_of, former_digest_of
from pytest_tgintegrity.tidings import Selected, Tidings
from pytest_tgintegrity.waivers import Waiver, by_rule, parse_waivers, without_rule
from pytest_tgintegrity.workers import Host, join, shared_folder

if TYPE_CHECKING:
    from pytest_tgintegrity.proof import Prover

NAME = "tgintegrity-session"
RECORD = "tgintegrity"
BOUND = pytest.StashKey[BoundRule]()
IDLE = pytest.StashKey[str]()  # why the body of a rule can never fail
VERBOSE_SAMPLES = 50
WAIVERS = "waivers.toml"
UNCOVERED = "uncovered.toml"
FIRST_CHANGES = 10
NOTHING_JUDGED = "no rule was judged"
NO_URL = options.NO_URL


def session_of(config: pytest.Config) -> Integrity:
    """The integrity part of this session, which has begun."""
    found: Integrity = config.pluginmanager.getplugin(NAME)
    return found


class Integrity:
    """See the module. `run` is None without a URL; `error` is a mistake that matters once rules are selected."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.options = options.read_options(config)
        self.tidings = Tidings()
        self.collected: set[str] = set()
        self.waivers: dict[str, Waiver] = {}
        self.run: Run | None = None
        self.mended: Mended | None = None
        self.error: TgIntegrityError | None = None
        self.is_worker = hasattr(config, "workerinput")
        self._given = None if self.is_worker else options.given_url(config)
        self.memory = Memory(options.redis_address(config))
        self._caches: list[Caches] = []
        self._secrets = Secrets() if self._given is None else Secrets(passwords_in(self._given.url))
        if self.memory.address is not None:
            self._secrets = self._secrets.including(*self.memory.address.secrets.words)
        self._receiver = options.alert_receiver(config)
        self._secrets = self._secrets.including(*(self._receiver.secrets if self._receiver else ()))
        self._folder: Path | None = None
        self._host: Host | None = None
        self._headed = False
        self._report: Report | None = None
        self._published: list[Line] = []
        self.prover: Prover | None = None
        self.probes: dict[str, Probe] = {}
        self._migrations: Sequence[Migration] = ()
        try:
            self.run = self._find_run()
            self._migrations = read_migrations(self.options.gate.migrations if self.options.gate else ())
        except TgIntegrityError as error:
            self.error = error
        self._veil_terminal()

    def _find_run(self) -> Run | None:
        """The run on the database that was named; nothing connects yet."""
        if self.is_worker:
            told = self.config.workerinput.get(RECORD)  # type: ignore[attr-defined] # xdist gives it to its workers
            self._folder = Path(told["folder"]) if told else None
            self._secrets = Secrets(told["secrets"], told["public"]) if told else Secrets()
            return join(self._settings(), self._folder) if self._folder else None
        return Run(self._settings(), self._given.url, self._given.origin) if self._given else None

    def _settings(self) -> Settings:
        chosen = self.options
        verbose = self.config.get_verbosity() > 0 and self.config.getoption("tgintegrity_samples") is None
        samples = max(chosen.samples, VERBOSE_SAMPLES) if verbose and chosen.samples else chosen.samples
        limits = Limits(chosen.statement_timeout, chosen.lock_timeout, quote=bool(samples))
        return Settings(chosen.jobs, limits, samples, chosen.period, chosen.scopes, chosen.demo_module, chosen.timezone)

    # --- starting

    def start(self, *, distributed: bool) -> None:
        """Begin to connect while tests are collected, if the command line says where; get ready for xdist's workers."""
        if self.run is None:
            return
        if distributed:
            self._folder = shared_folder()
            self._host = Host(self.run, self._folder)
        if self._given is not None and self._given.at_once:
            self.run.open()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of xdist where to ask for the run."""
        hidden = self._hidden
        told = {"folder": str(self._folder), "secrets": list(hidden.words), "public": list(hidden.public)}
        node.workerinput[RECORD] = told if self._folder else None

    def constraints(self, kind: Declared) -> tuple[Constraint, ...]:
        """Declared constraints; none if there is no database, and if it cannot be reached the error is told later."""
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
        found = [(item, item.stash[BOUND]) for item in session.items if BOUND in item.stash]
        if not found:
            return
        rules = [rule for _, rule in found]
        files = {(rule.id.partition("::")[0], item.path) for item, rule in found}
        self.tidings.selected = {one.id: Selected(item.nodeid, one.rule.severity, one.doc) for item, one in found}
        self.tidings.digest, self.tidings.former_digest = digest_of(rules), former_digest_of(rules)
        self.tidings.deselected = len(self.collected) - len(rules)
        try:
            check_ids((item.path, rule) for item, rule in found)
            if not self.options.prove:
                self._read_waivers(files)
            self._begin(rules, self._beside(CACHES, files))
            self._cover(rules, files)
        except TgIntegrityError as error:
            self.tidings.refused = options.told(self.config, self.scrubbed(str(error)))
            if not self.is_worker:
                raise pytest.UsageError(printable(self.tidings.refused)) from None
            session.items.clear()
        if self.is_worker:
            self._tell_controller()

    def _read_waivers(self, files: set[tuple[str, Path]]) -> None:
        """Read the file that was named, else those beside the rules; note waivers for rules that do not exist."""
        named = self.options.waivers
        texts = rule_files.texts([named], self.config.rootpath) if named else self._beside(WAIVERS, files)
        self.waivers = by_rule(one for name, text in texts for one in parse_waivers(text, name))
        parents = {rule_files.parent_of(name, path) for name, path in files}
        self.tidings.stale_waivers = without_rule(
            self.waivers.values(),
            self.collected,
            lambda file: any(os.path.exists(parent / file) for parent in parents),  # noqa: PTH110 - whatever its name is
        )

    def _beside(self, name: str, files: set[tuple[str, Path]]) -> Iterator[tuple[str, str]]:
        """The files of that name in the folders of the rules, and at pytest's root."""
        folders = [*(rule_files.folder_of(file, path) for file, path in sorted(files)), self.config.rootpath]
        return rule_files.texts(rule_files.beside(name, folders), self.config.rootpath)

    def _cover(self, rules: list[BoundRule], files: set[tuple[str, Path]]) -> None:
        """Find out what the rules look at, where that is asked."""
        if self.run is None or self.options.prove or not self.options.coverage or self.config.option.collectonly:
            return
        reasons: dict[str, str] = {}
        for name, text in self._beside(UNCOVERED, files):
            reasons.update(parse_reasons(text, name))
        self.tidings.coverage = self.run.coverage(rules, reasons, len(self.collected)).to_json()

    def _begin(self, rules: list[BoundRule], caches: Iterable[tuple[str, str]]) -> None:
        if self.error is not None:
            raise self.error
        if self.run is None:
            if self.config.option.collectonly:
                return
            raise UsageError(NO_URL)
        if self.config.option.collectonly:
            self.run.wait()
            return
        if self.options.prove:
            self.prover = self._prover(self.run, rules)
            return
        if self.options.probe == "writes":
            check_staging(self.run)
        self.run.begin(rules, partial(show_progress, self.config))
        if self.options.fixing is not None:
            self._caches = [parse_caches(text, name) for name, text in caches]
            self.mended = mend(self.run, rules, self._order(self.options.fixing))
            self.mended.noted_fixes = [one for one in self.mended.noted_fixes if one not in self.waivers]
        self.tidings.unscoped, self.tidings.empty_scopes = self.run.unscoped, self.run.empty_scopes
        self.tidings.zoneless = self.run.zoneless
        self.tidings.astray = self.run.astray.to_json() if self.run.astray else None

    def _prover(self, run: Run, rules: list[BoundRule]) -> Prover:
        """Whoever breaks rules, on a scratch copy."""
        if importlib.util.find_spec("hypothesis") is None:
            raise UsageError("--prove draws values with hypothesis: pip install 'pytest-tgintegrity[prove]'")
        from pytest_tgintegrity.proof import Prover  # noqa: PLC0415 - only under --prove

        run.wait()
        return Prover(run.scratch(), rules, run.facts, quote=bool(self.options.samples))

    def sources(self, bound: BoundRule) -> tuple[str, ...]:
        """The tables that a rule reads."""
        return self.prover.sources(bound) if self.prover else self.run.sources(bound) if self.run else ()

    def _order(self, fixing: options.Fixing) -> Order:
        report = options.json_path(self.config.option)
        folder = report.parent if report else self.config.invocation_params.dir
        return Order(fixing.apply, fixing.plan, folder, self.options.samples * FIRST_CHANGES, self._has_to_hold)

    def _has_to_hold(self, one: BoundRule) -> bool:
        """Whether a violation of a rule fails the run."""
        severity = SEVERITIES.index(one.rule.severity)
        return severity <= SEVERITIES.index(self.options.fail_on) and one.id not in self.waivers

    # --- the header

    def pytest_report_header(self) -> str | None:
        """Say which database it is: xdist's controller can know before anything is collected."""
        if self._host is None or self.run is None or self._given is None or not self._given.at_once:
            return None
        with contextlib.suppress(TgIntegrityError):  # it is told by those who need the database
            self.run.wait()
        return self._header()

    def pytest_report_collectionfinish(self) -> str | None:
        """Say which database it is, once it is known and rules are selected."""
        shown = self.config.get_verbosity() >= 0 and not self.config.getoption("no_header", default=False)
        return self._header() if self.tidings.selected and shown else None

    def _header(self) -> str | None:
        if self.run is None or self.run.database is None:
            return None
        self._headed = True
        confined = terminal.confined(self.options.period, self.options.scopes)
        return terminal.header(self.run.database, self.run.snapshot, confined)

    # --- secrets

    def scrubbed(self, text: str) -> str:
        """`text` without the database's password."""
        return self._hidden.scrub(text)

    @property
    def _hidden(self) -> Secrets:
        """What the run knows, once it knows it: that includes what libpq found elsewhere."""
        known = self.run.secrets if self.run else Secrets()
        return together(known, self._secrets)

    def scrub(self, report: pytest.TestReport | pytest.CollectReport, *, shown: bool = True) -> None:
        """Take the password out of a report's traceback and captured output; and, of rules, what could steer a terminal."""
        clean(report, self._safe if shown else self.scrubbed)
        if isinstance(report, pytest.TestReport):
            report.user_properties = [(key, scrub_document(one, self.scrubbed)) for key, one in report.user_properties]

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Take the password out of collection errors."""
        report = yield
        self.scrub(report)
        return report

    def _veil_terminal(self) -> None:
        """Whatever else is printed, by whom ever, passes here: warnings, internal errors, summaries."""
        if self.config.pluginmanager.hasplugin("terminalreporter"):
            veil(self.config.get_terminal_writer(), self.scrubbed)
        veil_log(self.run and self.config.pluginmanager.getplugin("logging-plugin"), self._safe)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """A warning may quote what a server said, too."""
        if self.run is not None:
            clean_warning(warning_message, self._safe)

    def _safe(self, text: str) -> str:
        return printable_lines(self.scrubbed(text))

    # --- listening

    @property
    def is_astray(self) -> bool:
        """Whether most tables that the rules name are not there, as far as this process has heard."""
        if self.tidings.astray is None and not self.is_worker:
            self._hear_workers()
        return self.tidings.astray is not None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the record of a rule, and the failure of what has none."""
        record = getattr(report, RECORD, None)
        if record is not None:
            self.tidings.hear(record)
        elif report.failed:
            self.tidings.hear_failure(report.nodeid, str(report.longrepr or ""))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember that a file could not be collected."""
        if report.failed:
            self.tidings.not_collected = True

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """On Ctrl-C cancel what the server is doing for us, and have workers do so."""
        if excinfo.type is KeyboardInterrupt:  # xdist and -x interrupt by subclasses of it
            self.tidings.interrupted = True
            self._let_workers_go()
            if self.run is not None:
                self.run.interrupt()

    # --- finishing

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Assess the run and decide the exit status before any report is written; at the end let go of everything."""
        if not self.is_worker:
            self._conclude()
            session.exitstatus = self.tidings.exit_status(int(session.exitstatus))
            self._publish()
        try:
            return (yield)
        finally:
            self._let_workers_go()
            if self.prover is not None:
                self.prover.close()
            if self.run is not None:
                self.run.close()
            self.memory.close()
            if self._folder is not None and not self.is_worker:
                shutil.rmtree(self._folder, ignore_errors=True)

    def _let_workers_go(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None

    def _tell_controller(self) -> None:
        """What only a worker knows of the selection; as a file, which outlives the worker, wherever there is a folder."""
        told = self.tidings.told()
        if self._folder is None:
            self.config.workeroutput[RECORD] = told  # type: ignore[attr-defined] # as above
        else:
            part = self._folder / f"selection.{os.getpid()}"
            part.write_text(json.dumps(told), encoding="utf-8")
            part.replace(part.with_suffix(".told"))

    def refused_by_workers(self) -> str | None:
        """Why the workers could not begin; who cannot read the URL knows better than who was not given any."""
        self._hear_workers()
        if self.tidings.refused and self.error:
            self.tidings.refused = self.scrubbed(str(self.error))
        return self.tidings.refused

    def _hear_workers(self) -> None:
        """Take over what workers left."""
        for path in self._folder.glob("*.told") if self._folder else ():
            self.tidings.hear_worker(json.loads(path.read_text(encoding="utf-8")))
            path.unlink()

    def _conclude(self) -> None:
        heard = self.tidings
        self._hear_workers()
        health = heard.conclude(self.options.health_minimum)
        if health is None:
            return
        metrics = [record["metric"] for record in heard.records.values() if record["metric"]]
        report = Report(
            run=self._run_facts(),
            database=self.run.database if self.run else None,
            rules=heard.rules,
            scans=self.run.scanned(self._folder) if self.run else [],
            health=health,
            activity={name: value for name, value, _ in metrics},
            exact={name: text for name, _, text in metrics},
            vacuous=[record["rule"]["id"] for record in heard.records.values() if record["vacuous"]],
            overlooked=[record["rule"]["id"] for record in heard.records.values() if record.get("overlooked")],
            unscoped=heard.unscoped,
            empty_scopes=heard.empty_scopes,
            zoneless=heard.zoneless,
            astray=heard.astray,
            mended=self.mended,
            apply=applying(self.mended, *options.invoked(self.config)),
            stale_waivers=heard.stale_waivers,
            proofs=[record["proof"] for record in heard.records.values()] if self.prover else None,
            coverage=heard.coverage,
            former_digest=heard.former_digest,
            timings=None if heard.interrupted else time_on(self.run, self.probes.values(), self.options.probe),
        )
        self._report = self._looked_back(report)

    def _looked_back(self, report: Report) -> Report:
        """See to caches after a repair; compare with past runs, become one of them, and ask the gate."""
        flush = self.options.fixing.flush if self.options.fixing else None
        stale = self.memory.tidy(self.mended.made if self.mended else None, self._caches, flush)
        looked = self.run is not None and not (self.prover or self.config.option.collectonly)
        remembered = self.memory.recall(report, self.run) if looked and self.run else None
        grants = missing_grants(self.run, report.rules) if looked and self.run else ()
        report = replace(report, stale=stale, remembered=remembered, grants=grants)
        if looked:
            report = replace(report, beside=beside(self.memory, report, self.options.baseline))
        if self.options.gate is not None:
            found = look_for_pending(self.run, self._migrations)
            self.tidings.gate = gating.ask(self.options.gate, report, self.tidings, found)
        report = replace(report, gate=self.tidings.gate)
        return replace(report, remembered=self.memory.keep(report))

    def _publish(self) -> None:
        """Write what is made of the JSON report; it tells of a run that judged nothing, too."""
        if self.config.option.collectonly:
            return
        files, to = options.published(self.config, self.config.option), self._receiver
        document = self._document() if files or to else None
        if document is None:
            return
        self._published = publish(document, files, options.asked_name(self.config, self.config.option))
        if to and not (self.tidings.interrupted or self.prover):
            self._published += alert(document, to, self._given, getattr(self.config, "cache", None))

    def _document(self) -> dict[str, Any] | None:
        """The `integrity` part of the JSON report without secrets; None if there is nothing to tell."""
        if self._report is None and self._given is None and not self.tidings.refused:
            return None
        told = self._report.to_json() if self._report else refusal(self.tidings.refused or NOTHING_JUDGED)
        return {**scrub_document(told, self.scrubbed), "database": told["database"]}

    def _run_facts(self) -> RunFacts:
        finished = datetime.now(UTC)
        return RunFacts(
            id=uuid.uuid4().hex,
            started_at=self.run.started_at if self.run else finished,
            finished_at=finished,
            seconds=self.run.seconds if self.run else 0.0,
            snapshot=self.run.snapshot if self.run else None,
            period_hours=self.options.period,
            scopes=self.options.scopes,
            rule_set_digest=self.tidings.digest,
            complete=self.tidings.complete,
        )

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_json_modifyreport(self, json_report: dict[str, Any]) -> None:
        """Add the `integrity` part to pytest-json-report's document, and take secrets out of all of it."""
        json_report.update(scrub_document(json_report, self.scrubbed))
        if (told := self._document()) is not None:
            json_report["integrity"] = told
        save_whole(self.config)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The end of the run, on one screen."""
        if self._report is None or self.config.option.collectonly:
            return
        demo = self.run is not None and self.run.is_demo
        lines = terminal.summary(self._report, options.json_path(self.config.option), headed=self._headed, demo=demo)
        lines = terminal.cut(lines, self._report, terminalreporter.verbosity)
        if terminalreporter.verbosity >= 0:
            terminalreporter.write_sep("=", "integrity")
        for line in [*lines, *self._published]:
            terminalreporter.write_line(options.told_line(self.config, line), **line.colour)
        if self.tidings.coverage is not None:
            terminalreporter.write_sep("=", "integrity coverage")
            for told in coverage.told(self.tidings.coverage, terminalreporter.verbosity):
                terminalreporter.write_line(printable(told))
