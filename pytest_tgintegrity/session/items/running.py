"""One rule as a test: its fixtures, the outcome of its body, and the record that travels with its report."""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tgintegrity.database.messages.hiding import DatabaseError, quotes_a_row, without_row
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.errors import TgIntegrityError
from pytest_tgintegrity.judging.verdicts import Judgement, Measurement, Outcome, judge
from pytest_tgintegrity.judging.violations import Violations
from pytest_tgintegrity.judging.waivers import Waiver, objection, waive
from pytest_tgintegrity.planning.facts import Constraint
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.reports.failures.text import failure
from pytest_tgintegrity.rules.bodies import own_words
from pytest_tgintegrity.rules.kinds import Declared
from pytest_tgintegrity.session.items.records import (
    JUDGEMENT,
    MEASURED,
    PROOF,
    Unknown,
    Unproven,
    Violated,
    advised,
    judgement_of,
    record,
)
from pytest_tgintegrity.session.options import NO_URL
from pytest_tgintegrity.session.session import BOUND, IDLE, Session, session_of
from pytest_tgintegrity.session.workers import RECORD
from pytest_tgintegrity.text import printable

SHOWN = {"noted": "n", "waived": "w", "tolerated": "t"}

ASYNC = (
    "is an `async def`, which nobody awaits, so that it looks at nothing: write `def`; the database is asked already"
)

VERDICT = "integrity_verdict"
"""The property that JUnit shows of a rule that did not simply pass."""

if TYPE_CHECKING:
    from pytest_tgintegrity.fixing.results import FixResult
    from pytest_tgintegrity.proving.proof import Proof, Prover

_VIOLATIONS = pytest.StashKey[Violations]()


# --- fixtures


def violations(request: pytest.FixtureRequest) -> Violations:
    """The rows that violate the rule: `.count`, `.examined`, `.rate`, `.samples`; falsy when there are none."""
    bound, run = _bound(request), _run(request)
    measurement = _proven(request, bound).measurement if _prover(request.node) else _measured(run, bound)
    request.node.stash[MEASURED] = measurement
    if measurement.error is not None:
        raise Unknown(measurement.error)

    def describe() -> str:
        return failure(advised(request.node, bound), bound.doc, measurement, run.see_all(bound), bound.fix)

    request.node.stash[_VIOLATIONS] = violating = Violations(measurement, describe)
    return violating


def _prover(item: pytest.Item) -> Prover | None:
    return session_of(item.config).features.proving.prover


def _proven(request: pytest.FixtureRequest, bound: BoundRule) -> Proof:
    """Break the rule, and keep the proof; the verdict on it is given when the test is called."""
    prover = _prover(request.node)
    assert prover is not None
    request.node.stash[PROOF] = proof = prover.prove(bound)
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
    """Under `--no-samples` hide messages of the server that quote a row, in a rule and in its fixtures."""
    try:
        yield
    except DatabaseError as error:
        if BOUND not in item.stash or session_of(item.config).options.samples or not quotes_a_row(error):
            raise
        raise Unknown(without_row(error)) from None


@pytest.hookimpl(tryfirst=True, specname="pytest_runtest_setup")
def pytest_runtest_setup_of_idle(item: pytest.Item) -> None:
    """A rule whose body cannot fail is an error. Other plugins' wrappers have begun by now, and the rest of the file is not affected."""
    if IDLE in item.stash:
        raise Unknown(item.stash[IDLE])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Hide rows in errors of fixtures that are set up."""
    with _hiding(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Hide rows in errors of fixtures that are torn down."""
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
    violating = item.stash.get(_VIOLATIONS, None)
    if violating is not None and not violating.looked_at:
        raise Unknown("the test never looked at its violations: write `assert not violations`")
    outcome = _held(violating, item.stash.get(MEASURED, Measurement()).violations)
    _settle(item, bound, _unless_unforced(bound, outcome), None)
    return result


def _unless_unforced(bound: BoundRule, outcome: Outcome) -> Outcome:
    """A declared constraint that holds and is not in force may not hold tomorrow."""
    constraint = bound.params.get("constraint")
    if not isinstance(constraint, Constraint) or constraint.not_in_force is None or outcome.tolerated:
        return outcome
    return Outcome(held=True, reason=f"it holds, but is not in force: {constraint.not_in_force}", unforced=True)


def _held(violating: Violations | None, count: int) -> Outcome:
    """The outcome of a body that passes: violations are tolerated if the body decided by them."""
    if violating is None or not count:
        return Outcome(held=True)
    if not violating.decided:
        raise Unknown(
            f"{count} violations were read and nothing was decided by them: write `assert not violations`, or a bound"
            " such as `assert violations.count <= 3`"
        )
    return Outcome(
        held=True, reason=f"{repr(violating).splitlines()[0]}; the test's own assert lets that pass", tolerated=True
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Under `--prove` a test passes if its rule is proven, and its body fails on the damage."""
    bound, prover = pyfuncitem.stash.get(BOUND, None), _prover(pyfuncitem)
    if bound is None or prover is None:
        return (yield)
    return (yield from _call_to_prove(pyfuncitem, bound, prover))


@pytest.hookimpl(specname="pytest_pyfunc_call")
def pytest_pyfunc_call_of_coroutines(pyfuncitem: pytest.Function) -> None:
    """A rule that is a coroutine is an error, unless a plugin that runs such tests has taken it before."""
    function = pyfuncitem.obj
    if BOUND in pyfuncitem.stash and (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)):
        pyfuncitem.stash[IDLE] = f"{pyfuncitem.path.name}: {pyfuncitem.originalname} {ASYNC}"
        raise Unknown(pyfuncitem.stash[IDLE])


def _call_to_prove(item: pytest.Function, bound: BoundRule, prover: Prover) -> Generator[None, object, object]:
    proof = item.stash.get(PROOF, None)
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
        proof = item.stash[PROOF] = prover.prove_check(bound, lambda: _body(item), failed=failed)
    elif failed != (proof.damages > 0):
        words = "its body passes although rows are damaged: write `assert not violations`"
        proof = replace(proof, reason="its body fails on clean data" if failed else words)
    if not proof.proven:
        raise _unproven(item, proof)
    item.stash[JUDGEMENT] = Judgement("passed")
    return result


def _body(item: pytest.Function, **others: Any) -> None:
    """Call the test's function once more with the same arguments, except for `others`."""
    arguments = {**item.funcargs, **others}
    item.obj(**{name: arguments[name] for name in inspect.signature(item.obj).parameters})


def _unproven(item: pytest.Item, proof: Proof) -> BaseException:
    item.stash[PROOF] = proof
    reason = proof.reason or ""
    if not proof.tried:
        return Unknown(reason)
    item.stash[JUDGEMENT] = Judgement("failed", reason)
    return Unproven(f"unproven: {reason}")


def _does_not_hold(item: pytest.Item, bound: BoundRule, error: BaseException) -> None:
    violating = item.stash.get(_VIOLATIONS, None)
    if not violating:
        message = _said(bound, error)
        _settle(item, bound, Outcome(held=False, reason=message.splitlines()[0]), message)
        return
    headline, _, rest = repr(violating).partition("\n")
    words = [line.strip() for line in own_words(str(error)).splitlines()]
    message = "\n".join([headline, *(f"  {line}" for line in words), rest])
    _settle(item, bound, Outcome(held=False, reason=" – ".join([headline, *words])), message)


def _settle(item: pytest.Item, bound: BoundRule, outcome: Outcome, message: str | None) -> None:
    """Judge a rule, with the waiver for it; if it is violated, or the waiver does not fit, the test fails."""
    session = session_of(item.config)
    judgement = judge(bound.rule.severity, outcome, session.options.fail_on)
    waiver = session.features.waivers.by_rule.get(bound.id)
    objected = None if waiver is None else _objection(session, item, waiver, judgement)
    if waiver is not None:
        judgement = waive(judgement, objected)
    fix_result = session.features.fixing.result
    if fix_result is not None and not outcome.held and waiver is None and _held_before(session, item, fix_result):
        judgement = Judgement("failed", fix_result.harmed(bound.id, judgement.reason))
        message = f"{message}\n  harmed:   {judgement.reason}"
    if judgement.verdict == "passed" and fix_result is not None and fix_result.is_fixed(bound.id):
        judgement = Judgement("fixed", fix_result.fixed_reason(bound.id))
    item.stash[JUDGEMENT] = judgement
    if judgement.verdict != "passed":
        item.user_properties.append((VERDICT, judgement.verdict))
    if judgement.verdict == "failed":
        raise Violated(_with_waiver(message, objected)) from None


def _held_before(session: Session, item: pytest.Item, fix_result: FixResult) -> bool:
    """Whether the rule held before rows were written: its body is called once more on the rows of that time."""
    if (
        fix_result.applied is None
        or fix_result.applied.run is None
        or session.run is None
        or not isinstance(item, pytest.Function)
    ):
        return False
    looked = fix_result.measurements_before.get(item.stash[BOUND].id, Measurement())
    if looked.error is not None:
        return False
    try:
        with session.run.before() as former:
            _body(item, violations=Violations(looked, str), db=former)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - a body may raise anything: it did not hold then either
        return False
    return True


def _objection(session: Session, item: pytest.Item, waiver: Waiver, judgement: Judgement) -> str | None:
    measured = item.stash.get(MEASURED, None)
    today = (session.run.started_at if session.run else datetime.now(UTC)).date()
    whole = session.options.period is None and not session.options.scopes
    return objection(waiver, judgement, None if measured is None else measured.violations, today, whole=whole)


def _with_waiver(message: str | None, objected: str | None) -> str:
    """What is violated and why the waiver does not help; only the reason where nothing is violated."""
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
    session = session_of(item.config)
    bound = item.stash.get(BOUND, None)
    if bound is not None and (report.when == "call" or not report.passed):
        setattr(report, RECORD, record(session, item, judgement_of(item, report, call), call).to_json())
    session.redaction.report(report, shown=bound is not None)
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
    """Read the JSON of a record before the report is made of it."""
    if isinstance(data.get(RECORD), str):
        data[RECORD] = json.loads(data[RECORD])


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
    """Keep passwords out of test ids, and commands that a CI would obey."""
    if not isinstance(val, str):
        return None
    scrubbed = session_of(config).redaction.text(val)
    shown = (
        printable(" " + scrubbed)[1:] if "##" in scrubbed else scrubbed
    )  # an id stands in a line; pytest escapes the rest
    return None if shown == val else shown
