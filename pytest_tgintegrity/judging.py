"""One rule as a test: its fixtures, what its body made of them, and the record of it that travels with the report."""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tgintegrity.bodies import own_words
from pytest_tgintegrity.errors import TgIntegrityError
from pytest_tgintegrity.hiding import DatabaseError, quotes_a_row, without_row
from pytest_tgintegrity.kinds import Declared, Metric, Schema
from pytest_tgintegrity.namesakes import advice, namesakes
from pytest_tgintegrity.planning import BoundRule
from pytest_tgintegrity.reports import terminal
from pytest_tgintegrity.reports.causes import cause
from pytest_tgintegrity.reports.lines import printable, printable_lines
from pytest_tgintegrity.rules import Rule
from pytest_tgintegrity.run import Run
from pytest_tgintegrity.session import BOUND, IDLE, NO_URL, RECORD, Integrity, session_of
from pytest_tgintegrity.tidings import UNMEASURED, Record
from pytest_tgintegrity.verdicts import Judgement, Measurement, Outcome, judge
from pytest_tgintegrity.violations import Violations
from pytest_tgintegrity.waivers import Waiver, objection, waive

SHOWN = {"noted": "n", "waived": "w", "tolerated": "t"}
VIOLATED = ("failed", "noted", "waived", "tolerated")

ASYNC = (
    "is an `async def`, which nobody awaits, so that it looks at nothing: write `def`; the database is asked already"
)

VERDICT = "integrity_verdict"
"""The property that JUnit shows of a rule that did not simply pass."""

if TYPE_CHECKING:
    from pytest_tgintegrity.mended import Mended
    from pytest_tgintegrity.proof import Proof, Prover

_VIOLATIONS = pytest.StashKey[Violations]()
_JUDGEMENT = pytest.StashKey[Judgement]()
_MEASURED = pytest.StashKey[Measurement]()
_PROOF = pytest.StashKey["Proof"]()
_NAMESAKES = pytest.StashKey[Mapping[str, str]]()


class _Told(pytest.fail.Exception):  # type: ignore[name-defined,misc] # a class, which its type does not say
    """Ends a test in words for people; shown without a Python traceback."""

    def __init__(self, message: str) -> None:
        super().__init__(printable_lines(message), pytrace=False)


class Violated(_Told):
    """A rule does not hold."""

    __module__ = "builtins"


class Unknown(_Told):
    """A rule could not be evaluated; why is one line, whatever a server has to say of it."""

    __module__ = "builtins"

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class Unproven(_Told):
    """A rule was not shown to catch its own damage."""

    __module__ = "builtins"


# --- fixtures


def violations(request: pytest.FixtureRequest) -> Violations:
    """The rows that violate the rule: `.count`, `.examined`, `.rate`, `.samples`; falsy when there are none."""
    bound, run = _bound(request), _run(request)
    measurement = _proven(request, bound).measurement if _prover(request.node) else _measured(run, bound)
    request.node.stash[_MEASURED] = measurement
    if measurement.error is not None:
        raise Unknown(measurement.error)

    def describe() -> str:
        return terminal.failure(_advised(request.node, bound), bound.doc, measurement, run.see_all(bound), bound.fix)

    request.node.stash[_VIOLATIONS] = found = Violations(measurement, describe)
    return found


def _advised(item: pytest.Item, bound: BoundRule) -> Rule:
    """The rule; if it has no fix its hint names the selected rule that has one for the same constraint."""
    stash = item.session.stash
    if _NAMESAKES not in stash:
        stash[_NAMESAKES] = namesakes([one.stash[BOUND] for one in item.session.items if BOUND in one.stash])
    return replace(bound.rule, fix_hint=advice(bound, stash[_NAMESAKES]))


def _prover(item: pytest.Item) -> Prover | None:
    return session_of(item.config).prover


def _proven(request: pytest.FixtureRequest, bound: BoundRule) -> Proof:
    """What became of the rule when it was broken; what is said of that is said when the test is called."""
    prover = _prover(request.node)
    assert prover is not None
    request.node.stash[_PROOF] = proof = prover.prove(bound)
    return proof


def _measured(run: Run, bound: BoundRule) -> Measurement:
    if isinstance(bound.rule.kind, Declared) and bound.params.get("constraint") is None:
        return Measurement(examined=0)
    return run.measurement(bound)


def db(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A read-only psycopg connection on the snapshot that all rules of the run see."""
    _bound(request)
    if "violations" in request.fixturenames:
        request.getfixturevalue("violations")  # before this test holds a connection that the scan may be waiting for
    if prover := _prover(request.node):
        with prover.connection() as connection:
            yield connection
        return
    try:
        with _run(request).connection() as connection:
            yield connection
    except TgIntegrityError as error:
        raise Unknown(str(error)) from None


def _bound(request: pytest.FixtureRequest) -> BoundRule:
    bound: BoundRule | None = request.node.stash.get(BOUND, None)
    if bound is None:
        raise Unknown(f"the fixture {request.fixturename!r} is for rules: declare one with @rule.…")
    return bound


def _run(request: pytest.FixtureRequest) -> Run:
    run = session_of(request.config).run
    if run is None:
        raise Unknown(NO_URL)
    return run


# --- running and judging


@contextlib.contextmanager
def _hiding(item: pytest.Item) -> Iterator[None]:
    """Under `--no-samples` nothing of a row passes by what a server says to a rule or its fixtures."""
    try:
        yield
    except DatabaseError as error:
        if BOUND not in item.stash or session_of(item.config).options.samples or not quotes_a_row(error):
            raise
        raise Unknown(without_row(error)) from None


@pytest.hookimpl(tryfirst=True, specname="pytest_runtest_setup")
def pytest_runtest_setup_of_idle(item: pytest.Item) -> None:
    """A rule whose body cannot fail is an error, and it alone; what others wrap around a test has begun."""
    if IDLE in item.stash:
        raise Unknown(item.stash[IDLE])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """What a fixture asks at first may fail."""
    with _hiding(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """What a fixture asks in the end may fail, too."""
    with _hiding(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Turn what the body of a rule did into an outcome; a violated rule fails without a traceback."""
    bound = item.stash.get(BOUND, None)
    if bound is None or _prover(item):
        with _hiding(item):
            return (yield)
    try:
        with _hiding(item):
            result = yield
    except Unknown:
        raise
    except (AssertionError, pytest.fail.Exception) as error:
        _does_not_hold(item, bound, error)
        return None
    found = item.stash.get(_VIOLATIONS, None)
    if found is not None and not found.looked_at:
        raise Unknown("the test never looked at its violations: write `assert not violations`")
    _settle(item, bound, _held(found, item.stash.get(_MEASURED, Measurement()).violations), None)
    return result


def _held(found: Violations | None, count: int) -> Outcome:
    """What a body that passes says: rows that violate the rule are tolerated if it was they that it decided by."""
    if found is None or not count:
        return Outcome(held=True)
    if not found.decided:
        raise Unknown(
            f"{count} violations were read and nothing was decided by them: write `assert not violations`, or a bound"
            " such as `assert violations.count <= 3`"
        )
    return Outcome(
        held=True, reason=f"{repr(found).splitlines()[0]}; the test's own assert lets that pass", tolerated=True
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Under `--prove` a test passes if its rule is proven, and its body fails on the damage that it is given."""
    bound, prover = pyfuncitem.stash.get(BOUND, None), _prover(pyfuncitem)
    if bound is None or prover is None:
        return (yield)
    return (yield from _call_to_prove(pyfuncitem, bound, prover))


@pytest.hookimpl(specname="pytest_pyfunc_call")
def pytest_pyfunc_call_of_coroutines(pyfuncitem: pytest.Function) -> None:
    """A rule that is a coroutine is an error of its own, unless a plugin that runs such tests has taken it before."""
    function = pyfuncitem.obj
    if BOUND in pyfuncitem.stash and (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)):
        pyfuncitem.stash[IDLE] = f"{pyfuncitem.path.name}: {pyfuncitem.originalname} {ASYNC}"
        raise Unknown(pyfuncitem.stash[IDLE])


def _call_to_prove(item: pytest.Function, bound: BoundRule, prover: Prover) -> Generator[None, object, object]:
    proof = item.stash.get(_PROOF, None)
    if proof is not None and not proof.proven:
        raise _unproven(item, proof)
    failed = False
    result = None
    try:
        result = yield
    except Unknown:
        raise
    except (AssertionError, pytest.fail.Exception):
        failed = True
    if proof is None:
        proof = item.stash[_PROOF] = prover.prove_check(bound, lambda: _body(item), failed=failed)
    elif failed != (proof.damages > 0):
        words = "its body passes although rows are damaged: write `assert not violations`"
        proof = replace(proof, reason="its body fails on clean data" if failed else words)
    if not proof.proven:
        raise _unproven(item, proof)
    item.stash[_JUDGEMENT] = Judgement("passed")
    return result


def _body(item: pytest.Function, **others: Any) -> None:
    """Call the test's function once more, with the same arguments but for some."""
    arguments = {**item.funcargs, **others}
    item.obj(**{name: arguments[name] for name in inspect.signature(item.obj).parameters})


def _unproven(item: pytest.Item, proof: Proof) -> BaseException:
    item.stash[_PROOF] = proof
    reason = proof.reason or ""
    if not proof.tried:
        return Unknown(reason)
    item.stash[_JUDGEMENT] = Judgement("failed", reason)
    return Unproven(f"unproven: {reason}")


def _does_not_hold(item: pytest.Item, bound: BoundRule, error: BaseException) -> None:
    found = item.stash.get(_VIOLATIONS, None)
    if not found:
        message = _said(bound, error)
        _settle(item, bound, Outcome(held=False, reason=message.splitlines()[0]), message)
        return
    headline, _, rest = repr(found).partition("\n")
    words = [line.strip() for line in own_words(str(error)).splitlines()]
    message = "\n".join([headline, *(f"  {line}" for line in words), rest])
    _settle(item, bound, Outcome(held=False, reason=" – ".join([headline, *words])), message)


def _settle(item: pytest.Item, bound: BoundRule, outcome: Outcome, message: str | None) -> None:
    """Judge a rule, with the waiver for it; if it is violated, or the waiver does not fit, the test fails."""
    integrity = session_of(item.config)
    judgement = judge(bound.rule.severity, outcome, integrity.options.fail_on)
    waiver = integrity.waivers.get(bound.id)
    objected = None if waiver is None else _objection(integrity, item, waiver, judgement)
    if waiver is not None:
        judgement = waive(judgement, objected)
    mended = integrity.mended
    if mended is not None and not outcome.held and waiver is None and _held_before(integrity, item, mended):
        judgement = Judgement("failed", mended.harmed(bound.id, judgement.reason))
        message = f"{message}\n  harmed:   {judgement.reason}"
    if judgement.verdict == "passed" and mended is not None and mended.healed(bound.id):
        judgement = Judgement("fixed", mended.told(bound.id))
    item.stash[_JUDGEMENT] = judgement
    if judgement.verdict != "passed":
        item.user_properties.append((VERDICT, judgement.verdict))
    if judgement.verdict == "failed":
        raise Violated(_with_waiver(message, objected)) from None


def _held_before(integrity: Integrity, item: pytest.Item, mended: Mended) -> bool:
    """Whether the body of a rule that does not hold would pass on what was there before rows were written."""
    if mended.made is None or mended.made.run is None or integrity.run is None or not isinstance(item, pytest.Function):
        return False
    looked = mended.looked.get(item.stash[BOUND].id, Measurement())
    if looked.error is not None:
        return False
    try:
        with integrity.run.before() as former:
            _body(item, violations=Violations(looked, str), db=former)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - a body may raise anything: it did not hold then either
        return False
    return True


def _objection(integrity: Integrity, item: pytest.Item, waiver: Waiver, judgement: Judgement) -> str | None:
    measured = item.stash.get(_MEASURED, None)
    today = (integrity.run.started_at if integrity.run else datetime.now(UTC)).date()
    whole = integrity.options.period is None and not integrity.options.scopes
    return objection(waiver, judgement, None if measured is None else measured.violations, today, whole=whole)


def _with_waiver(message: str | None, objected: str | None) -> str:
    """What is violated, and why the waiver does not help; only the latter where nothing is violated."""
    if message is None or objected is None:
        return message or objected or ""
    return f"{message}\n  waiver:   {objected}"


def _said(bound: BoundRule, error: BaseException) -> str:
    first = bound.doc.strip().splitlines()[0]
    return f"does not hold [{bound.rule.severity}]: {first}\n\n{error}".rstrip()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the record of a rule to its report, and take secrets out of it."""
    report = yield
    integrity = session_of(item.config)
    bound = item.stash.get(BOUND, None)
    if bound is not None and (report.when == "call" or not report.passed):
        setattr(report, RECORD, _record(integrity, item, bound, _judged(item, report, call), call))
    integrity.scrub(report, shown=bound is not None)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Between processes a record is JSON: names of a database may be no text that pytest-xdist can send."""
    data = yield
    if data and RECORD in data:
        data[RECORD] = json.dumps(data[RECORD])
    return data


@pytest.hookimpl(tryfirst=True)
def pytest_report_from_serializable(data: dict[str, Any]) -> None:
    """The inverse, before the report is made."""
    if isinstance(data.get(RECORD), str):
        data[RECORD] = json.loads(data[RECORD])


def _judged(item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]) -> Judgement:
    """The verdict of the body, or unknown with the reason why it never came to one."""
    if hasattr(report, "wasxfail"):
        happened = "xfail" if report.skipped else "xpass"
        return Judgement("unknown", f"{happened}: {report.wasxfail or 'no reason given'}")
    if report.skipped:
        return Judgement("unknown", f"skipped: {_skip_reason(report)}")
    known = item.stash.get(_JUDGEMENT, None)
    if report.when == "call" and known is not None and (report.passed or known.verdict == "failed"):
        return known
    words = _words(report, call)
    return Judgement("unknown", f"tearing it down failed: {words}" if report.when == "teardown" else words)


def _skip_reason(report: pytest.TestReport) -> str:
    words = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return words.removeprefix("Skipped: ")


def _words(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    """What went wrong, in one line."""
    if call.excinfo is None:
        text = report.longreprtext
    elif isinstance(call.excinfo.value, Unknown):
        return str(call.excinfo.value)
    else:
        text = call.excinfo.exconly(tryshort=True)
    return text.strip().partition("\n")[0] or "no reason given"


def _record(
    integrity: Integrity, item: pytest.Item, bound: BoundRule, judgement: Judgement, call: pytest.CallInfo[None]
) -> Record:
    """What is known of a rule, as plain JSON: it has to cross processes."""
    rule = bound.rule
    measured = item.stash.get(_MEASURED, Measurement())
    waiver = integrity.waivers.get(bound.id)
    return {
        "proof": _told(item, bound, judgement) if integrity.prover else None,
        "rule": {
            **UNMEASURED,
            "id": bound.id,
            "doc": bound.doc,
            "severity": rule.severity,
            "tags": list(rule.tags),
            "sources": list(integrity.sources(bound)),
            "verdict": judgement.verdict,
            "reason": None if judgement.reason is None else integrity.scrubbed(judgement.reason),
            "examined": measured.examined,
            "violations": measured.violations,
            "samples": [{"key": s.key, "label": s.label, "values": dict(s.values)} for s in measured.samples],
            "seconds": round(measured.seconds, 6),
            "fixable": rule.fix is not None,
            "fixed": integrity.mended.rows(bound.id) if integrity.mended else 0,
            "enforced_by": bound.enforced_by,
            "waiver": None if waiver is None else waiver.to_json(),
            **_advice(integrity, item, bound, judgement),
            **_refused(measured, judgement, call),
        },
        "metric": [rule.kind.name, measured.value, measured.text] if isinstance(rule.kind, Metric) else None,
        "constraint": isinstance(rule.kind, Declared | Schema),
        "vacuous": judgement.verdict == "passed" and measured.vacuous,
        "idle": IDLE in item.stash,
        "overlooked": judgement.verdict == "tolerated" and not rule.allows(measured.violations, measured.examined),
    }


def _advice(integrity: Integrity, item: pytest.Item, bound: BoundRule, judgement: Judgement) -> dict[str, str | None]:
    """How to see all rows of a violated rule, and what can mend them."""
    if integrity.prover or integrity.run is None or judgement.verdict not in VIOLATED:
        return {}
    see_all = integrity.run.see_all(bound)
    return {
        "see_all": None if see_all is None else terminal.in_one_line(see_all),
        "mend": terminal.mend(_advised(item, bound), bound.fix),
        "cause": cause(integrity.run.subject(bound), item.stash.get(_MEASURED, Measurement())),
    }


def _refused(measured: Measurement, judgement: Judgement, call: pytest.CallInfo[None]) -> dict[str, Any]:
    """The server's code, where it is the server that made a rule unknown, and the tables that it does not have."""
    error = call.excinfo.value if call.excinfo else None
    code = error.sqlstate if isinstance(error, DatabaseError) else measured.sqlstate
    if not code or judgement.verdict != "unknown":
        return {}
    return {"sqlstate": code, **({"missing": list(measured.missing)} if measured.missing else {})}


def _told(item: pytest.Item, bound: BoundRule, judgement: Judgement) -> dict[str, Any]:
    proof = item.stash.get(_PROOF, None)
    proven = judgement.verdict == "passed"
    return {
        "id": bound.id,
        "proven": None if proven and proof is not None and proof.vacuous else proven,
        "damages": proof.damages if proof else 0,
        "legal": proof.legal if proof else 0,
        "reason": None if proven else judgement.reason,
    }


def pytest_report_teststatus(report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str, Any] | None:
    """Show unknown rules as errors, and rules that are violated but noted as such."""
    record = getattr(report, RECORD, None)
    verdict = record["rule"]["verdict"] if record else None
    if verdict == "unknown" and report.failed and getattr(report, "when", "") == "call":
        return "error", "E", "ERROR"
    if verdict in SHOWN and report.passed:
        return "passed", SHOWN[verdict], (verdict.upper(), {"yellow": True})
    return None


def pytest_make_parametrize_id(config: pytest.Config, val: object) -> str | None:
    """Keep a password out of test ids, and what a CI obeys."""
    if not isinstance(val, str):
        return None
    scrubbed = session_of(config).scrubbed(val)
    told = (
        printable(" " + scrubbed)[1:] if "##" in scrubbed else scrubbed
    )  # an id stands in a line; pytest escapes the rest
    return None if told == val else told
