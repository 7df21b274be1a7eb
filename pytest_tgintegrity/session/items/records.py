"""What a rule's test leaves behind: words for people on how it ended, and the record that travels with its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tgintegrity.database.messages.hiding import DatabaseError
from pytest_tgintegrity.fixing.namesakes import advice, namesakes
from pytest_tgintegrity.judging.summary import Advice, RuleRecord, RuleResult
from pytest_tgintegrity.judging.verdicts import Judgement, Measurement
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.sql.layout import in_one_line
from pytest_tgintegrity.reports.failures.causes import cause
from pytest_tgintegrity.reports.failures.text import mend
from pytest_tgintegrity.rules.kinds import Declared, Metric, Pinned, Schema
from pytest_tgintegrity.rules.rule import Rule
from pytest_tgintegrity.session.session import BOUND, IDLE, Session
from pytest_tgintegrity.text import printable, printable_lines

if TYPE_CHECKING:
    from pytest_tgintegrity.proving.proof import Proof

VIOLATED = ("failed", "noted", "waived", "tolerated")
MEASURED = pytest.StashKey[Measurement]()
JUDGEMENT = pytest.StashKey[Judgement]()
PROOF: pytest.StashKey[Proof] = pytest.StashKey()
_NAMESAKES = pytest.StashKey[Mapping[str, str]]()


class _InWords(pytest.fail.Exception):  # type: ignore[name-defined,misc] # a class, which its type does not say
    """Ends a test in words for people; shown without a Python traceback."""

    def __init__(self, message: str) -> None:
        super().__init__(printable_lines(message), pytrace=False)


class Violated(_InWords):
    """A rule does not hold."""

    __module__ = "builtins"


class Unknown(_InWords):
    """A rule could not be evaluated; the reason is one line, even if a server's message has more."""

    __module__ = "builtins"

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class Unproven(_InWords):
    """A rule was not shown to catch its own damage."""

    __module__ = "builtins"


def advised(item: pytest.Item, bound: BoundRule) -> Rule:
    """The rule; if it has no fix its hint names the selected rule that has one for the same constraint."""
    stash = item.session.stash
    if _NAMESAKES not in stash:
        stash[_NAMESAKES] = namesakes([test.stash[BOUND] for test in item.session.items if BOUND in test.stash])
    return replace(bound.rule, fix_hint=advice(bound, stash[_NAMESAKES]))


def judgement_of(item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]) -> Judgement:
    """The verdict of the body; if there is none the rule is unknown, with the reason."""
    if hasattr(report, "wasxfail"):
        happened = "xfail" if report.skipped else "xpass"
        return Judgement("unknown", f"{happened}: {report.wasxfail or 'no reason given'}")
    if report.skipped:
        return Judgement("unknown", f"skipped: {_skip_reason(report)}")
    known = item.stash.get(JUDGEMENT, None)
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


def record(session: Session, item: pytest.Item, judgement: Judgement, call: pytest.CallInfo[None]) -> RuleRecord:
    """What is known of a rule."""
    bound = item.stash[BOUND]
    rule, measured = bound.rule, item.stash.get(MEASURED, Measurement())
    return RuleRecord(
        rule=_result(session, item, judgement, call),
        metric=(rule.kind.name, measured.value, measured.text) if isinstance(rule.kind, Metric) else None,
        constraint=isinstance(rule.kind, Declared | Schema | Pinned),
        vacuous=judgement.verdict == "passed" and measured.vacuous,
        idle=IDLE in item.stash,
        overlooked=judgement.verdict == "tolerated" and not rule.allows(measured.violations, measured.examined),
        proof=_proof(item, judgement) if session.features.proving.prover else None,
    )


def _result(session: Session, item: pytest.Item, judgement: Judgement, call: pytest.CallInfo[None]) -> RuleResult:
    bound, features = item.stash[BOUND], session.features
    measured, waiver = item.stash.get(MEASURED, Measurement()), features.waivers.by_rule.get(bound.id)
    return RuleResult(
        id=bound.id,
        doc=bound.doc,
        severity=bound.rule.severity,
        tags=bound.rule.tags,
        sources=session.sources(bound),
        verdict=judgement.verdict,
        reason=None if judgement.reason is None else session.redaction.text(judgement.reason),
        examined=measured.examined,
        violations=measured.violations,
        samples=[
            {"key": sample.key, "label": sample.label, "values": dict(sample.values)} for sample in measured.samples
        ],
        seconds=round(measured.seconds, 6),
        fixable=bound.rule.fix is not None,
        fixed=features.fixing.result.rows(bound.id) if features.fixing.result else 0,
        enforced_by=bound.enforced_by,
        waiver=None if waiver is None else waiver.to_json(),
        advice=_advice(session, item, bound, judgement),
        sqlstate=(code := _sqlstate(measured, judgement, call)),
        missing=measured.missing if code else (),
    )


def _advice(session: Session, item: pytest.Item, bound: BoundRule, judgement: Judgement) -> Advice | None:
    """How to see all rows of a violated rule, and what can fix them."""
    if session.features.proving.prover or session.run is None or judgement.verdict not in VIOLATED:
        return None
    see_all = session.run.see_all(bound)
    return Advice(
        see_all=None if see_all is None else in_one_line(see_all),
        mend=mend(advised(item, bound), bound.fix),
        cause=cause(session.run.subject(bound), item.stash.get(MEASURED, Measurement())),
    )


def _sqlstate(measured: Measurement, judgement: Judgement, call: pytest.CallInfo[None]) -> str | None:
    """The server's code, where it is the server that made a rule unknown."""
    error = call.excinfo.value if call.excinfo else None
    code = error.sqlstate if isinstance(error, DatabaseError) else measured.sqlstate
    return code if judgement.verdict == "unknown" else None


def _proof(item: pytest.Item, judgement: Judgement) -> dict[str, Any]:
    proof = item.stash.get(PROOF, None)
    proven = judgement.verdict == "passed"
    return {
        "id": item.stash[BOUND].id,
        "proven": None if proven and proof is not None and proof.vacuous else proven,
        "damages": proof.damages if proof else 0,
        "legal": proof.legal if proof else 0,
        "reason": None if proven else judgement.reason,
    }
