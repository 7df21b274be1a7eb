"""The pytest plugin: hooks and fixtures that wire declaring, scanning, judging and reporting together.

One process owns the run: pytest itself, or pytest-xdist's controller. Workers join it. Whoever runs a test attaches its
record, plain JSON, to the test's report; the owner gathers the records, whichever process they come from.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import shutil
import tempfile
import uuid
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_tgintegrity import options
from pytest_tgintegrity.errors import DeclarationError, TgIntegrityError
from pytest_tgintegrity.health import Health, Judged, assess
from pytest_tgintegrity.planning import BoundRule, plan
from pytest_tgintegrity.reports import terminal
from pytest_tgintegrity.reports.document import Report, RunFacts, refusal, write_refusal
from pytest_tgintegrity.rules import SEVERITIES, Declared, Metric, Mistake, Rule, declaration_of
from pytest_tgintegrity.run import Invitation, Run, Settings
from pytest_tgintegrity.scanning import Scanned
from pytest_tgintegrity.schema import Facts
from pytest_tgintegrity.verdicts import Measurement, Outcome, judge
from pytest_tgintegrity.violations import Violations

BOUND = pytest.StashKey[BoundRule]()
VIOLATIONS = pytest.StashKey[Violations]()
OUTCOME = pytest.StashKey[Outcome]()
MEASURED = pytest.StashKey[Measurement]()
SESSION = pytest.StashKey["Integrity"]()

RECORD = "tgintegrity"
VERBOSE_SAMPLES = 50
NO_URL = (
    "the selected rules need a database: give --db-url=postgresql://USER@HOST:PORT/DATABASE, set "
    f"{options.DB_URL_VARIABLE}, or look at the embedded one with --db-url=demo"
)


class Violated(pytest.fail.Exception):  # type: ignore[name-defined,misc]
    """A rule does not hold; shown without a Python traceback."""

    __module__ = "builtins"


class Unknown(pytest.fail.Exception):  # type: ignore[name-defined,misc]
    """A rule could not be evaluated; shown without a Python traceback."""

    __module__ = "builtins"


@dataclass(slots=True)
class Tidings:
    """What the owner of the run heard: records by rule, and what decides the exit status."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    selected: dict[str, dict[str, str]] = field(default_factory=dict)
    unrecorded: dict[str, str] = field(default_factory=dict)
    digest: str | None = None
    unscoped: tuple[str, ...] = ()
    refused: str | None = None
    refused_by_worker: bool = False
    not_collected: bool = False
    plain_failure: bool = False
    interrupted: bool = False
    health: Health | None = None
    report: Report | None = None


# --- options


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the command line options and their twins in the configuration file."""
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and take the URL out of sight."""
    config.addinivalue_line("markers", "integrity: a rule about the data of a database.")
    for severity in SEVERITIES:
        config.addinivalue_line("markers", f"{severity}: an integrity rule of this severity.")
    config.stash[SESSION] = integrity = Integrity(config)
    config.pluginmanager.register(integrity, "tgintegrity-session")
    if config.pluginmanager.hasplugin("xdist") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Controller(integrity), "tgintegrity-controller")


# --- collection


def _rule_id(item: pytest.Item) -> str:
    """The node id counted from the package's parent folder, however pytest was called."""
    root = item.path.parent
    while (root / "__init__.py").exists():
        root = root.parent
    root = item.path.parent.parent if root == item.path.parent else root
    _, _, name = item.nodeid.partition("::")
    return f"{item.path.relative_to(root).as_posix()}::{name}"


def _check_item(item: pytest.Function, declared: Rule | Mistake) -> BoundRule:
    """Bind a declaration to its test. Raises `DeclarationError`."""
    if isinstance(declared, Mistake):
        raise DeclarationError(declared.message)
    doc = inspect.getdoc(item.function)
    if not doc or not doc.strip():
        raise DeclarationError("a rule needs a docstring that says what holds, for whoever reads the report")
    if declared.fixture not in item.fixturenames:
        raise DeclarationError(f"the test never looks at the data: give it the argument {declared.fixture!r}")
    if isinstance(declared.kind, Declared) and "constraint" not in item.fixturenames:
        raise DeclarationError("a test of declared constraints needs the argument 'constraint'")
    params = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    bound: BoundRule = BoundRule(_rule_id(item), declared, doc, params)
    if not isinstance(declared.kind, Declared):
        _check_placeholders(bound)
    return bound


def _check_placeholders(bound: BoundRule) -> None:
    """Plan the rule against no tables at all: whatever cannot be filled in comes to light."""
    problems = plan([replace(bound, rule=replace(bound.rule, timeout=None))], Facts()).unplannable
    reason = problems.get(bound.id)
    if reason is not None and "primary key" not in reason:
        raise DeclarationError(reason)


def _mark(item: pytest.Function, rule: Rule) -> None:
    for name in (rule.severity, *rule.tags):
        if not any(line.split(":")[0] == name for line in item.config.getini("markers")):
            item.config.addinivalue_line("markers", f"{name}: integrity rules tagged {name}.")
        item.add_marker(name)


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> Generator[None, Any, Any]:
    """Check declarations while they are collected: one line says what is wrong, where, and the cure."""
    declared = declaration_of(obj) if callable(obj) else None
    if declared is None:
        return (yield)
    _register_fixtures(collector)
    found = yield
    for item in found or ():
        try:
            item.stash[BOUND] = bound = _check_item(item, declared)
            _mark(item, bound.rule)
        except DeclarationError as error:
            line = inspect.getsourcelines(inspect.unwrap(item.function))[1]
            raise collector.CollectError(f"{item.path.name}:{line}: {name}: {error}") from None
    return found


_WITH_FIXTURES = pytest.StashKey[bool]()


def _register_fixtures(collector: pytest.Module | pytest.Class) -> None:
    """Offer `violations` and `db` where rules are, and nowhere else: other suites have a `db` of their own."""
    node = collector.getparent(pytest.Module) or collector
    if _WITH_FIXTURES not in node.stash:
        node.stash[_WITH_FIXTURES] = True
        pytest.register_fixture(name="violations", func=_violations, node=node)
        pytest.register_fixture(name="db", func=_db, node=node)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each declared constraint; a placeholder where there is no database to ask."""
    declared = declaration_of(metafunc.function)
    if not isinstance(declared, Rule) or not isinstance(declared.kind, Declared):
        return
    if "constraint" not in metafunc.fixturenames:
        return
    found = metafunc.config.stash[SESSION].constraints(declared.kind)
    if found:
        metafunc.parametrize("constraint", found, ids=[one.label for one in found])
    else:
        metafunc.parametrize("constraint", [None], ids=["none-declared"])


# --- fixtures


def _violations(request: pytest.FixtureRequest) -> Violations:
    """The rows that violate the rule: `.count`, `.examined`, `.rate`, `.samples`; falsy when there are none."""
    bound, run = _bound(request), request.config.stash[SESSION].live_run()
    measurement = _measured(run, bound)
    if measurement.error is not None:
        raise Unknown(measurement.error, pytrace=False)

    def describe() -> str:
        return terminal.failure(bound.rule, bound.doc, measurement, run.see_all(bound))

    request.node.stash[MEASURED] = measurement
    request.node.stash[VIOLATIONS] = violations = Violations(measurement, describe)
    return violations


def _measured(run: Run, bound: BoundRule) -> Measurement:
    if isinstance(bound.rule.kind, Declared) and bound.params.get("constraint") is None:
        return Measurement(examined=0)
    return run.measurement(bound)


def _db(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A read-only psycopg connection on the snapshot that all rules of the run see."""
    _bound(request)
    try:
        with request.config.stash[SESSION].live_run().connection() as connection:
            yield connection
    except TgIntegrityError as error:
        raise Unknown(str(error), pytrace=False) from None


def _bound(request: pytest.FixtureRequest) -> BoundRule:
    bound = request.node.stash.get(BOUND, None)
    if bound is None:
        raise Unknown(f"the fixture {request.fixturename!r} is for rules: declare one with @rule.…", pytrace=False)
    return bound


# --- running and judging one rule


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Turn what the body of a rule did into an outcome; a violated rule fails without a traceback."""
    bound = item.stash.get(BOUND, None)
    if bound is None:
        return (yield)
    try:
        result = yield
    except (AssertionError, pytest.fail.Exception) as error:
        _does_not_hold(item, bound, error)
        return None
    violations = item.stash.get(VIOLATIONS, None)
    if violations is not None and not violations.looked_at:
        item.stash[OUTCOME] = Outcome(reason="the test never looked at its violations")
        raise Unknown("the test never looked at its violations: assert not violations", pytrace=False)
    item.stash[OUTCOME] = Outcome(held=True)
    return result


def _does_not_hold(item: pytest.Item, bound: BoundRule, error: BaseException) -> None:
    violations = item.stash.get(VIOLATIONS, None)
    message = repr(violations) if violations else _said(bound, error)
    item.stash[OUTCOME] = Outcome(held=False, reason=message.splitlines()[0])
    if judge(bound.rule.severity, item.stash[OUTCOME], _fail_on(item)).verdict == "failed":
        raise Violated(message, pytrace=False) from None


def _said(bound: BoundRule, error: BaseException) -> str:
    first = bound.doc.strip().splitlines()[0]
    return f"does not hold [{bound.rule.severity}]: {first}\n\n{error}".rstrip()


def _fail_on(item: pytest.Item) -> Any:
    return item.config.stash[SESSION].options.fail_on


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, pytest.TestReport]:
    """Attach the record of a rule to its report, and take secrets out of it."""
    report: pytest.TestReport = yield
    integrity = item.config.stash[SESSION]
    bound = item.stash.get(BOUND, None)
    if bound is not None and (report.when == "call" or not report.passed):
        setattr(report, RECORD, integrity.record(item, bound, _outcome(item, report, call)))
    integrity.scrub(report)
    return report


def _outcome(item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]) -> Outcome:
    if hasattr(report, "wasxfail"):
        return Outcome(reason=f"xfail: {report.wasxfail or 'no reason given'}")
    if report.skipped:
        return Outcome(reason=f"skipped: {_skip_reason(report)}")
    known = item.stash.get(OUTCOME, None)
    if report.when == "call" and known is not None:
        return known
    what = call.excinfo.exconly(tryshort=True) if call.excinfo else "no reason given"
    words = what.splitlines()[0] if what else "no reason given"
    if call.excinfo is not None and isinstance(call.excinfo.value, Unknown):
        words = str(call.excinfo.value)
    return Outcome(reason=words if report.when != "teardown" else f"tearing it down failed: {words}")


def _skip_reason(report: pytest.TestReport) -> str:
    words = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return words.removeprefix("Skipped: ")


def pytest_report_teststatus(report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str, Any] | None:
    """Show unknown rules as errors, and rules that are violated but noted as such."""
    record = getattr(report, RECORD, None)
    verdict = record["rule"]["verdict"] if record else None
    if verdict == "unknown" and report.failed and getattr(report, "when", "") == "call":
        return "error", "E", "ERROR"
    if verdict == "noted" and report.passed:
        return "passed", "n", ("NOTED", {"yellow": True})
    return None


def pytest_make_parametrize_id(config: pytest.Config, val: object) -> str | None:
    """Keep a password out of test ids."""
    integrity = config.stash.get(SESSION, None)
    if integrity is None or not isinstance(val, str):
        return None
    scrubbed: str = integrity.scrubbed(val)
    return None if scrubbed == val else scrubbed


# --- the session


class Integrity:
    """The integrity part of a pytest session: its options, its run, and what it heard."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.tidings = Tidings()
        self.run: Run | None = None
        self.error: TgIntegrityError | None = None
        self.folder: Path | None = None
        self.is_worker = hasattr(config, "workerinput")
        self._url = None if self.is_worker else options.db_url(config)
        self._secrets: frozenset[str] = frozenset()
        self._options: options.Options | None = None
        if config.option.tgintegrity_db_url:
            config.option.tgintegrity_db_url = "(hidden)"
        with contextlib.suppress(TgIntegrityError):
            self._prepare()

    def _prepare(self) -> None:
        """Read the options and find the database, without touching it; a mistake is kept until it matters."""
        try:
            self._options = options.read_options(self.config)
            if self.is_worker:
                self._join()
            elif self._url is not None:
                self.run = Run(self._settings(), *self._url)
                self._secrets = self.run.secrets
        except TgIntegrityError as error:
            self.error = error
            raise

    def _join(self) -> None:
        given = self.config.workerinput.get(RECORD)  # type: ignore[attr-defined]
        if given:
            invitation = Invitation(**{**given, "secrets": tuple(given["secrets"])})
            self._secrets = frozenset(invitation.secrets)
            self.run = Run.join(self._settings(), invitation)

    @property
    def options(self) -> options.Options:
        """The checked options. Raises `UsageError`."""
        if self._options is None:
            self._options = options.read_options(self.config)
        return self._options

    def _settings(self) -> Settings:
        chosen = self.options
        verbose = self.config.get_verbosity() > 0 and self.config.getoption("tgintegrity_samples") is None
        samples = max(chosen.samples, VERBOSE_SAMPLES) if verbose and chosen.samples else chosen.samples
        return Settings(chosen.jobs, chosen.limits, samples, chosen.period, chosen.scopes, chosen.demo_module)

    def live_run(self) -> Run:
        """The run, for a fixture of a rule."""
        if self.run is None:
            raise Unknown(NO_URL, pytrace=False)
        return self.run

    def constraints(self, kind: Declared) -> tuple[Any, ...]:
        """Declared constraints; none if there is no database, and if it cannot be reached the error is told later."""
        if self.run is None or self.error is not None:
            return ()
        try:
            return self.run.constraints(kind.what)
        except TgIntegrityError as error:
            self.error = error
            return ()

    # --- secrets

    def scrubbed(self, text: str) -> str:
        """`text` without the database's password."""
        secrets = self.run.secrets if self.run else self._secrets
        for secret in sorted(secrets | self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def scrub(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Take the password out of a report's traceback and captured output."""
        if report.longrepr is not None and not isinstance(report.longrepr, tuple):
            text = str(report.longrepr)
            if self.scrubbed(text) != text:
                report.longrepr = self.scrubbed(text)
        report.sections = [(title, self.scrubbed(text)) for title, text in report.sections]

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, Any, pytest.CollectReport]:
        """Take the password out of collection errors."""
        report: pytest.CollectReport = yield
        self.scrub(report)
        return report

    # --- starting

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Begin to connect while tests are collected; what was mistyped on the command line is told at once."""
        if self.is_worker:
            return
        if self.error is not None:
            self._refuse(self.error)
        if self.run is not None and self._url is not None and self._url[1] == "--db-url":
            self.run.open()

    def _refuse(self, error: TgIntegrityError) -> None:
        """Stop with exit status 4 and one line, and see to it that no old report is taken for today's."""
        self.tidings.refused = str(error)
        path = self._json_path()
        if path is not None:
            with contextlib.suppress(OSError):
                write_refusal(path, str(error), int(pytest.ExitCode.USAGE_ERROR))
        raise pytest.UsageError(str(error))

    def _json_path(self) -> Path | None:
        if not self.config.getoption("json_report", default=False):
            return None
        name = self.config.getoption("json_report_file", default=None)
        return Path(name) if name else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The selection is final: plan it and start to scan, while the tests begin."""
        rules = [item.stash[BOUND] for item in session.items if BOUND in item.stash]
        if not rules:
            return
        nodes = [item.nodeid for item in session.items if BOUND in item.stash]
        self.tidings.selected = {
            one.id: {"nodeid": node, "severity": one.rule.severity, "doc": one.doc}
            for one, node in zip(rules, nodes, strict=True)
        }
        self.tidings.digest = _digest(rules)
        try:
            self._begin(rules)
        except TgIntegrityError as error:
            if not self.is_worker:
                self._refuse(error)
            self.tidings.refused = str(error)
            session.items.clear()

    def _begin(self, rules: list[BoundRule]) -> None:
        if self.error is not None:
            raise self.error
        if self.run is None:
            if self.config.option.collectonly:
                return
            raise _NoDatabase(NO_URL)
        if self.config.option.collectonly:
            self.run.wait()
            return
        self.run.begin(rules, self._show_progress)
        self.tidings.unscoped = self.run.unscoped

    def _show_progress(self, done: int, of: int, waited: float) -> None:
        """On a terminal, tell of scans that take long; the last call, with no time waited, wipes the line."""
        reporter: Any = self.config.pluginmanager.getplugin("terminalreporter")
        if self.is_worker or reporter is None or not reporter.isatty or reporter.verbosity < 0:
            return
        reporter.ensure_newline()
        text = f"integrity: scanning, {done} of {of} scans done, {waited:.0f} s" if waited else ""
        reporter.rewrite(text, erase=True)
        reporter.currentfspath = None

    def pytest_report_header(self) -> str | None:
        """Say which database it is: xdist's controller knows it before anything is collected."""
        return self._header() if self.folder is not None else None

    def pytest_report_collectionfinish(self) -> str | None:
        """Say which database it is, once it is known and rules are selected."""
        return self._header() if self.tidings.selected else None

    def _header(self) -> str | None:
        if self.run is None or self.run.database is None:
            return None
        return terminal.header(self.run.database, self.run.snapshot)

    # --- listening

    def record(self, item: pytest.Item, bound: BoundRule, outcome: Outcome) -> dict[str, Any]:
        """What is known of a rule, as plain JSON: it has to cross processes."""
        rule = bound.rule
        measured = item.stash.get(MEASURED, Measurement())
        verdict, reason = _judged(bound, outcome, self.options.fail_on)
        return {
            "rule": {
                **_UNMEASURED,
                "id": bound.id,
                "doc": bound.doc,
                "severity": rule.severity,
                "tags": list(rule.tags),
                "sources": list(self.run.sources(bound)) if self.run else [],
                "verdict": verdict,
                "reason": None if reason is None else self.scrubbed(reason),
                "examined": measured.examined,
                "violations": measured.violations,
                "samples": [{"key": s.key, "label": s.label, "values": dict(s.values)} for s in measured.samples],
                "seconds": round(measured.seconds, 6),
                "fixable": rule.fix is not None,
                "enforced_by": rule.enforced_by,
            },
            "metric": [rule.kind.name, measured.value] if isinstance(rule.kind, Metric) else None,
            "vacuous": verdict == "passed" and measured.vacuous,
        }

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the record of a rule, and whether an ordinary test failed."""
        record = getattr(report, RECORD, None)
        if record is not None:
            self._keep(record)
        elif report.failed:
            self.tidings.unrecorded[report.nodeid] = report.longreprtext.splitlines()[0] if report.longreprtext else ""

    def _keep(self, record: dict[str, Any]) -> None:
        known = self.tidings.records.get(record["rule"]["id"])
        if known is not None and record["rule"]["verdict"] == "unknown":
            failed_already = known["rule"]["verdict"] == "failed"
            known["rule"].update({} if failed_already else {"verdict": "unknown", "reason": record["rule"]["reason"]})
            return
        self.tidings.records[record["rule"]["id"]] = record

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember that a file could not be collected."""
        if report.failed:
            self.tidings.not_collected = True

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """On Ctrl-C cancel what the server is doing for us."""
        if not isinstance(excinfo.value, pytest.Session.Interrupted | pytest.exit.Exception):
            self.tidings.interrupted = True
            if self.run is not None:
                self.run.interrupt()

    # --- finishing

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Assess the run and decide the exit status before any report is written; at the end let go of everything."""
        if self.is_worker:
            self._report_to_controller()
        else:
            self._assess()
            session.exitstatus = exit_status(int(session.exitstatus), self.tidings)
        try:
            return (yield)
        finally:
            if self.run is not None:
                self.run.close()
            if self.folder is not None:
                shutil.rmtree(self.folder, ignore_errors=True)

    def _report_to_controller(self) -> None:
        heard = self.tidings
        self.config.workeroutput[RECORD] = {  # type: ignore[attr-defined]
            "selected": heard.selected,
            "digest": heard.digest,
            "unscoped": list(heard.unscoped),
            "refused": heard.refused,
        }

    def hear_worker(self, told: dict[str, Any]) -> None:
        """Take over what a worker knew of the selection, which the controller never collected."""
        self.tidings.selected.update(told["selected"])
        self.tidings.digest = self.tidings.digest or told["digest"]
        self.tidings.unscoped = self.tidings.unscoped or tuple(told["unscoped"])
        if told["refused"] and not self.tidings.refused:
            self.tidings.refused, self.tidings.refused_by_worker = told["refused"], True

    def _place_unrecorded(self) -> None:
        """A failure without a record is an ordinary test's, or that of a rule whose worker died."""
        heard = self.tidings
        rules = {one["nodeid"]: rule for rule, one in heard.selected.items()}
        for node, words in heard.unrecorded.items():
            if node in rules:
                heard.records[rules[node]] = _lost(rules[node], heard.selected[rules[node]], words)
            else:
                heard.plain_failure = True

    def _assess(self) -> None:
        heard = self.tidings
        self._place_unrecorded()
        if heard.refused or not (heard.records or heard.selected):
            return
        rules = [record["rule"] for record in heard.records.values()]
        complete = heard.records.keys() >= heard.selected.keys() and not heard.not_collected and not heard.interrupted
        judged = [Judged(one["id"], one["severity"], one["verdict"], one["violations"]) for one in rules]
        heard.health = assess(judged, self.options.health_minimum, complete=complete)
        metrics = [record["metric"] for record in heard.records.values() if record["metric"]]
        heard.report = Report(
            run=self._run_facts(complete=complete),
            database=self.run.database if self.run else None,
            rules=rules,
            scans=self._scanned(),
            health=heard.health,
            activity={name: value for name, value in metrics},
            vacuous=[record["rule"]["id"] for record in heard.records.values() if record["vacuous"]],
            unscoped=heard.unscoped,
        )

    def _scanned(self) -> list[Scanned]:
        return self.run.scanned(self.folder) if self.run else []

    def _run_facts(self, *, complete: bool) -> RunFacts:
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
            complete=complete,
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_json_modifyreport(self, json_report: dict[str, Any]) -> None:
        """Add the `integrity` part to pytest-json-report's document."""
        if self.tidings.report is not None:
            json_report["integrity"] = self.tidings.report.to_json()
        elif self._url is not None or self.tidings.refused:
            json_report["integrity"] = refusal(self.tidings.refused or "no rule was judged")
        _scrub_document(json_report, self.scrubbed)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The end of the run, on one screen."""
        report = self.tidings.report
        if self.tidings.refused_by_worker:
            terminalreporter.write_line(f"ERROR: {self.tidings.refused}", red=True)
        if report is None or self.config.option.collectonly:
            return
        path = self._json_path()
        lines = terminal.summary(report, str(path) if path else None)
        if terminalreporter.verbosity < 0:
            lines = [(word, line) for word, line in lines if word in {"rules", "score", "unknown"}]
        else:
            terminalreporter.write_sep("=", "integrity")
        for word, line in lines:
            terminalreporter.write_line(f"{word:<10}{line}", **_colour(word, report.health))


class _NoDatabase(TgIntegrityError):
    """Rules were selected, but no database was named."""


def _colour(word: str, health: Health) -> dict[str, bool]:
    if word == "score":
        return {"green": health.status == "healthy", "red": health.status != "healthy", "bold": True}
    return {"yellow": True} if word == "unknown" else {}


_UNMEASURED: dict[str, Any] = {
    "id": None,
    "doc": None,
    "severity": None,
    "tags": [],
    "sources": [],
    "verdict": "unknown",
    "reason": None,
    "examined": None,
    "violations": 0,
    "samples": [],
    "seconds": 0.0,
    "fixable": False,
    "fixed": 0,
    "enforced_by": None,
    "waiver": None,
}


def _lost(rule: str, known: dict[str, str], words: str) -> dict[str, Any]:
    """The record of a rule whose worker died before it could tell."""
    told = {"id": rule, "doc": known["doc"], "severity": known["severity"], "reason": words}
    return {"rule": {**_UNMEASURED, **told}, "metric": None, "vacuous": False}


def _judged(bound: BoundRule, outcome: Outcome, fail_on: Any) -> tuple[str, str | None]:
    judgement = judge(bound.rule.severity, outcome, fail_on)
    return judgement.verdict, judgement.reason


def _digest(rules: list[BoundRule]) -> str:
    """Names this set of rules: it changes when a rule is added, removed or declared otherwise."""
    told = sorted(f"{one.id}\0{one.rule!r}" for one in rules)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _scrub_document(value: Any, scrubbed: Any) -> Any:
    """Take secrets out of every string of a JSON document, in place."""
    if isinstance(value, str):
        return scrubbed(value)
    if isinstance(value, dict):
        value.update({key: _scrub_document(one, scrubbed) for key, one in value.items()})
    elif isinstance(value, list):
        value[:] = [_scrub_document(one, scrubbed) for one in value]
    return value


def exit_status(given: int, heard: Tidings) -> int:
    """Ctrl-C is 2; else refused (4) over violated (1) over not collected (2) over unknown (6) over unhealthy (7).

    `given` is what pytest would return: 3 and 5, and all that has nothing to do with rules, stay as they are.
    """
    verdicts = {record["rule"]["verdict"] for record in heard.records.values()}
    if heard.interrupted:
        return int(pytest.ExitCode.INTERRUPTED)
    if heard.refused is not None or given == pytest.ExitCode.USAGE_ERROR:
        return int(pytest.ExitCode.USAGE_ERROR)
    if given == pytest.ExitCode.INTERNAL_ERROR or not (verdicts or heard.not_collected):
        return given
    if "failed" in verdicts or heard.plain_failure:
        return int(pytest.ExitCode.TESTS_FAILED)
    if heard.not_collected:
        return int(pytest.ExitCode.INTERRUPTED)
    return _undecided(given, verdicts, heard)


def _undecided(given: int, verdicts: set[str], heard: Tidings) -> int:
    if "unknown" in verdicts or heard.records.keys() < heard.selected.keys():
        return 6
    if (
        given in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        and heard.health
        and heard.health.status != "healthy"
    ):
        return 7
    return given


class Controller:
    """What only pytest-xdist's controller does: share the run with workers, and hear what they knew."""

    def __init__(self, integrity: Integrity) -> None:
        self._integrity = integrity
        self._invitation: dict[str, Any] | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Connect before the workers start: they share the snapshot."""
        integrity = self._integrity
        if not session.config.pluginmanager.hasplugin("dsession") or integrity.run is None:
            return
        integrity.folder = Path(tempfile.mkdtemp(prefix="tgintegrity-"))
        try:
            self._invitation = asdict(integrity.run.invite(integrity.folder))
        except TgIntegrityError as error:
            shutil.rmtree(integrity.folder, ignore_errors=True)
            integrity._refuse(error)  # noqa: SLF001 - the same session, seen from the controller

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand the invitation to a worker."""
        node.workerinput[RECORD] = self._invitation

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear what a worker knew of the selection."""
        told = getattr(node, "workeroutput", {}).get(RECORD)
        if told:
            self._integrity.hear_worker(told)
