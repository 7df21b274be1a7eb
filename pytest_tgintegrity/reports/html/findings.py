"""What is wrong, on the page: blocks of rules of one test or one cause, the gravest first; and what is not known. Pure.

The page stays small enough for a phone however many rules are violated: it says how many it leaves out, and where they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any

from pytest_tgintegrity.reports.failures.blocks import Block, RuleFailure, blocks
from pytest_tgintegrity.reports.html.markup import Child, Markup, details, fragment, table, tag
from pytest_tgintegrity.reports.html.signs import badge, test_of, value
from pytest_tgintegrity.reports.html.strips import strip
from pytest_tgintegrity.rules.severity import SEVERITIES
from pytest_tgintegrity.text import grouped, plural

Json = Mapping[str, Any]

VIOLATED = ("failed", "noted", "tolerated", "waived")
OPENED = 6
"""So many violated rules are shown open."""
BLOCKS = 60
MEMBERS = 30
RULES = 200
NAMES = 20
"""Blocks on the page, rules of a block with their rows, of all blocks, and rules of which only the names are shown."""
STATEMENT = 800
ELSEWHERE = "the JSON report has them all"


def violated(document: Json) -> Markup:
    """All rules that are violated, with or without permission."""
    failures = [RuleFailure.of(rule) for rule in document["rules"] if rule["verdict"] in VIOLATED]
    all_blocks = blocks(failures)
    most = _fitting(all_blocks)
    by_severity = groupby(all_blocks[:most], key=lambda block: block.head.severity)
    opened = len(failures) <= OPENED
    return fragment(
        [_graveness(severity, list(members), document, opened=opened) for severity, members in by_severity],
        _more(all_blocks[most:]),
    )


def _fitting(all_blocks: Sequence[Block]) -> int:
    """How many blocks there is room for."""
    rules = accumulate(min(len(block.members), MEMBERS) for block in all_blocks[:BLOCKS])
    return sum(1 for count in rules if count <= RULES)


def _graveness(severity: str, members: Sequence[Block], document: Json, *, opened: bool) -> Markup:
    count = sum(len(block.members) for block in members)
    inside = f" in {plural(len(members), 'block')}" if count > len(members) else ""
    return fragment(
        tag("h3", f"{severity.capitalize()} ({plural(count, 'rule')}{inside})"),
        [_block(block, document, opened=opened) for block in members],
    )


def _more(rest: Sequence[Block]) -> Markup:
    if not rest:
        return Markup()
    counts = Counter(failure.severity for block in rest for failure in block.members)
    by_severity = ", ".join(f"{grouped(counts[severity])} {severity}" for severity in SEVERITIES if counts[severity])
    headline = f"{plural(sum(counts.values()), 'more rule')} in {plural(len(rest), 'more block')} ({by_severity})"
    names = by_test(failure.rule for block in rest for failure in block.members)
    return details([tag("b", headline), f": {ELSEWHERE}"], named(names))


def named(names: Sequence[str]) -> Markup:
    """Names of rules or tests, and how many more."""
    hidden = len(names) - NAMES
    rest = tag("li", f"… and {grouped(hidden)} more: {ELSEWHERE}") if hidden > 0 else None
    return tag("ul", [tag("li", tag("code", name)) for name in names[:NAMES]], rest)


def by_test(rules: Iterable[Json]) -> list[str]:
    """The names of rules; rules of one test are one name and their number."""
    counts = Counter(str(rule["id"]).partition("[")[0] for rule in rules)
    return [name if count == 1 else f"{name} ({plural(count, 'rule')})" for name, count in counts.items()]


def _block(block: Block, document: Json, *, opened: bool) -> Markup:
    """Rules of one test, or of one cause; a single rule is shown without a block."""
    rules = [failure.rule for failure in block.members]
    if len(rules) == 1:
        return rule_details(rules[0], document, opened=opened)
    verdicts = Counter(str(rule["verdict"]) for rule in rules)
    badges = [badge(verdict, count) for verdict, count in verdicts.items()]
    rest = [test_of(rule["id"]) for rule in rules[MEMBERS:]]
    return details(
        fragment(badges, _title(block), " ", strip([rule["id"] for rule in rules], document)),
        [rule_details(member, document, opened=False, within=block) for member in rules[:MEMBERS]],
        details(f"{plural(len(rest), 'more rule')} of this block", named(rest)) if rest else None,
        opened=opened,
    )


def _title(block: Block) -> Markup:
    head = block.head.rule
    if block.cause is not None:
        tests = plural(len({failure.test for failure in block.members}), "test")
        words = f"one cause, {plural(len(block.members), 'rule')} of {tests}: {_doc(head)[0]} …"
        return fragment(tag("b", block.cause), " ", tag("span", words, class_="soft"))
    rows = sum(failure.violations for failure in block.members)
    words = f"{test_of(block.head.test)}, {plural(rows, 'violation')}" if rows else test_of(block.head.test)
    return fragment(tag("b", _doc(head)[0]), " ", tag("span", words, class_="soft"))


def rule_details(rule: Json, document: Json, *, opened: bool, within: Block | None = None) -> Markup:
    """A violated rule with its rows."""
    first, paragraphs = _doc(rule)
    return details(
        fragment(badge(rule["verdict"]), _headline(rule, first, within), " ", strip([rule["id"]], document)),
        tag("p", tag("code", rule["id"])),
        [tag("p", paragraph) for paragraph in paragraphs],
        None if rule["violations"] else tag("p", rule["reason"]),
        _samples(rule),
        _statement(rule.get("see_all")),
        tag("p", tag("b", "Mend: "), tag("span", rule["mend"])) if rule.get("mend") else None,
        _waiver(rule.get("waiver")),
        opened=opened,
    )


def _headline(rule: Json, doc: str, within: Block | None) -> Markup:
    """The headline of a rule: what distinguishes it within its block, and how often it is violated."""
    parameters = rule["id"].partition("[")[2].removesuffix("]")
    graver = within is not None and rule["severity"] != within.head.severity
    parts = [_many(rule), rule["severity"] if graver else ""]
    soft = ", ".join(part for part in parts if part)
    if within is not None and within.cause is None and parameters:
        return fragment(tag("b", parameters), " ", tag("span", soft, class_="soft"))
    return fragment(
        tag("b", doc), " ", tag("span", f"{parameters}: {soft}" if parameters and soft else soft, class_="soft")
    )


def _doc(rule: Json) -> tuple[str, list[str]]:
    """The first line of a rule's docstring, and the paragraphs below it."""
    first, _, rest = (rule["doc"] or "").strip().partition("\n")
    return first, [paragraph for paragraph in rest.strip().split("\n\n") if paragraph]


def _many(rule: Json) -> str:
    if not rule["violations"]:
        return ""
    if rule["examined"] is None:
        return plural(rule["violations"], "violation")
    return f"{grouped(rule['violations'])} of {plural(rule['examined'], 'row')}"


def _statement(text: str | None) -> Markup:
    """The statement that lists all rows; a very long one is cut, and whole in the JSON report."""
    if not text:
        return Markup()
    cut = text if len(text) <= STATEMENT else f"{text[:STATEMENT]}…"
    whole = (
        None if cut == text else tag("p", f"The JSON report has all {grouped(len(text))} characters.", class_="soft")
    )
    return tag("div", tag("b", "All of them: "), tag("pre", cut), whole)


def _waiver(waiver: Json | None) -> Markup:
    if waiver is None:
        return Markup()
    return tag("p", tag("b", "Waived: "), f"until {waiver['expires']} by {waiver['owner']}: {waiver['reason']}")


def _samples(rule: Json) -> Markup:
    samples = rule["samples"]
    if not samples:
        return Markup()
    labelled = any(sample["label"] is not None for sample in samples)
    rows = [
        (_key(sample["key"]), *([value(sample["label"])] if labelled else []), *map(value, sample["values"].values()))
        for sample in samples
    ]
    hidden = rule["violations"] - len(samples)
    caption = f"{plural(len(samples), 'row')} of {grouped(rule['violations'])}" if hidden > 0 else "The rows"
    return table(caption, ("key", *(["label"] if labelled else []), *samples[0]["values"]), rows)


def _key(key: Any) -> Child:
    return ", ".join(str(part) for part in key) if isinstance(key, list) else value(key)


def unknown(rules: Iterable[Json]) -> Markup:
    """Rules that could not be evaluated, by the reason why; the gravest first, then the reasons of most rules."""
    by_reason: dict[str, list[Json]] = {}
    for rule in rules:
        if rule["verdict"] == "unknown":
            by_reason.setdefault(str(rule["reason"]), []).append(rule)
    reasons = sorted(by_reason.items(), key=lambda item: (min(map(_severity, item[1])), -len(item[1])))
    rest = sum(len(members) for _, members in reasons[BLOCKS:])
    more = f"{plural(rest, 'more rule')} for {plural(len(reasons[BLOCKS:]), 'more reason')}: {ELSEWHERE}."
    return fragment(
        [_reason(reason, members) for reason, members in reasons[:BLOCKS]], tag("p", more) if rest else None
    )


def _severity(rule: Json) -> int:
    return SEVERITIES.index(rule["severity"])


def _reason(reason: str, members: Sequence[Json]) -> Markup:
    ordered = sorted(members, key=_severity)
    gravest = tag("span", f"[{ordered[0]['severity']}]", class_="soft")
    headline = [tag("b", plural(len(members), "rule")), f": {reason} ", gravest]
    return details([badge("unknown"), *headline], named(by_test(ordered)))
