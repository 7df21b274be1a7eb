"""The verdicts in the summary: the score, the rules of each verdict that a person has to know of, and what ``--prove`` found out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_tgintegrity.judging.health import Health
from pytest_tgintegrity.judging.summary import RuleResult
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.text import grouped, plural, printable

DEDUCTIONS = 6
UNKNOWNS = 4
REASON = 160
LISTED = 6
YELLOW = {"yellow": True}
RED = {"red": True}
GONE_CURE = "put them back; or let them go: pytest --pin-schema, or a waiver"


def score_lines(health: Health, rules: Iterable[RuleResult]) -> Iterable[Line]:
    """The score, and what took the most points from it."""
    verdicts = {rule.id: rule.verdict for rule in rules}
    score = "none" if health.score is None else f"{health.score} of 100{_below(health)}"
    colour = "green" if health.status == "healthy" else "red"
    yield Line("score", f"{score}, {health.status} (healthy from {health.minimum})", {colour: True, "bold": True})
    costly = [deduction for deduction in health.deductions if deduction.points]
    for deduction in costly[:DEDUCTIONS]:
        violations = (
            plural(deduction.violations, "violation") if deduction.violations else verdicts.get(deduction.rule, "")
        )
        yield Line("", f"-{deduction.points:<3} {deduction.severity:<8} {printable(deduction.rule)}: {violations}")
    if len(costly) > DEDUCTIONS:
        rest = sum(deduction.points for deduction in costly[DEDUCTIONS:])
        yield Line("", f"-{rest:<3} {'':<8} {plural(len(costly) - DEDUCTIONS, 'more rule')}")


def _below(health: Health) -> str:
    """The score before it is cut off at zero, if it would be below."""
    return f" ({health.raw} before it is cut off at 0)" if health.raw is not None and health.raw < 0 else ""


def noted_lines(rules: Iterable[RuleResult]) -> Iterable[Line]:
    """Rules that are violated, but do not fail the run, and declared constraints that are not in force."""
    yield from _listed("noted", [f"{_named(rule)} [{rule.severity}]: {_told(rule)}" for rule in rules])


def _told(rule: RuleResult) -> str:
    return _count(rule) if rule.violations or not rule.reason else printable(rule.reason.partition("\n")[0])


def tolerated_lines(rules: Iterable[RuleResult]) -> Iterable[Line]:
    """Rules that are violated, but let pass by the test's own assert."""
    yield from _listed(
        "tolerated", [f"{_named(rule)}: {_count(rule)}, which its own assert lets pass" for rule in rules]
    )


def waived_lines(rules: Iterable[RuleResult]) -> Iterable[Line]:
    """Rules that are violated with permission: how often, until when, and who answers for it."""
    waived = [(rule, rule.waiver) for rule in rules if rule.waiver is not None]
    ordered = sorted(waived, key=lambda pair: (pair[1]["expires"], pair[0].id))
    yield from _listed("waived", [_permitted(rule, waiver) for rule, waiver in ordered])


def _permitted(rule: RuleResult, waiver: Mapping[str, Any]) -> str:
    count = f"{plural(rule.violations, 'violation')} " if rule.violations else ""
    by = printable(f"{waiver['owner']}: {waiver['reason']}")
    return f"{_named(rule)}: {count}until {waiver['expires']} ({by})"


def _named(rule: RuleResult) -> str:
    return printable(rule.id)


def _count(rule: RuleResult) -> str:
    return plural(rule.violations, "violation") if rule.violations else "does not hold"


def _listed(word: str, texts: Sequence[str]) -> Iterable[Line]:
    """A line for each text under one word; beyond a few only their number."""
    for number, text in enumerate(texts[:LISTED]):
        yield Line("" if number else word, text, YELLOW)
    if len(texts) > LISTED:
        yield Line("", plural(len(texts) - LISTED, "more rule"), YELLOW)


def gone_lines(missing: Sequence[RuleResult]) -> Iterable[Line]:
    """How many declared constraints are gone, of what severities, since when, and which."""
    if not missing:
        return
    counts = Counter(rule.severity for rule in missing)
    severities = ", ".join(f"{grouped(count)} {word}" for word, count in counts.items())
    seen = min(str(rule.samples[0]["values"]["last_declared"]) for rule in missing)
    words = (
        f"{plural(len(missing), 'constraint')} not declared any more, last in the run of {seen[:16]}Z ({severities})"
    )
    yield Line("gone", printable(words), RED)
    for rule in missing[:LISTED]:
        yield Line("", f"{_named(rule)} [{rule.severity}]", RED)
    if len(missing) > LISTED:
        yield Line("", f"and {grouped(len(missing) - LISTED)} more (JSON: rules whose reason is gone)", RED)
    yield Line("", GONE_CURE)


def unknown_lines(rules: Iterable[RuleResult]) -> Iterable[Line]:
    """Unknown rules by reason: a missing permission is one line, not four hundred."""
    reasons = Counter(str(rule.reason) for rule in rules)
    for number, (reason, count) in enumerate(reasons.most_common(UNKNOWNS)):
        words = printable(reason)
        cut = words if len(words) <= REASON else f"{words[: REASON - 1]}…"
        yield Line("" if number else "unknown", f"{plural(count, 'rule')}: {cut}", YELLOW)
    if len(reasons) > UNKNOWNS:
        yield Line("", f"{plural(len(reasons) - UNKNOWNS, 'more reason')}", YELLOW)


def vacuous_lines(rules: Sequence[Mapping[str, Any]]) -> Iterable[Line]:
    """Rules that held since there was nothing to look at, where there ought to have been."""
    for number, rule in enumerate(rules[:LISTED]):
        text = f"{printable(rule['rule'])}: nothing to look at, but {printable(rule['why'])}"
        yield Line("" if number else "no rows", text, YELLOW)
    if len(rules) > LISTED:
        yield Line("", f"{grouped(len(rules) - LISTED)} more: `rows_expected` of the JSON report", YELLOW)


def proof_lines(proofs: Sequence[Mapping[str, Any]]) -> Iterable[Line]:
    """How many rules were shown to catch their own damage, and each that was not, with the reason and cure."""
    unproven = [proof for proof in proofs if proof["proven"] is False]
    proven = sum(1 for proof in proofs if proof["proven"])
    damages = sum(proof["damages"] for proof in proofs)
    words = f"{plural(proven, 'rule')} proven by {plural(damages, 'damage')}, {len(unproven)} unproven"
    if vacuous := len(proofs) - proven - len(unproven):
        words += f" ({vacuous} vacuous: nothing declared)"
    yield Line("proof", words, {"red" if unproven else "green": True, "bold": True})
    for proof in unproven:
        yield Line("unproven", f"{printable(proof['id'])}: {printable(str(proof['reason']))}")
