"""What is wrong, on the page: blocks of rules of one test or one cause, the gravest first; and what is not known. Pure.

However many rules are violated the page stays one that a phone can open: what is left out is counted, and where it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any

from pytest_tgintegrity.reports.blocks import Block, Failure, blocks
from pytest_tgintegrity.reports.lines import grouped, plural
from pytest_tgintegrity.reports.markup import Child, Markup, details, fragment, table, tag
from pytest_tgintegrity.reports.signs import badge, name_of, value
from pytest_tgintegrity.reports.strips import strip
from pytest_tgintegrity.rules import SEVERITIES

Json = Mapping[str, Any]

VIOLATED = ("failed", "noted", "tolerated", "waived")
OPENED = 6
"""So many violated rules are shown open."""
BLOCKS = 60
MEMBERS = 30
RULES = 200
NAMES = 20
"""Blocks on the page, rules of a block with their rows, of all blocks, and rules of which only the names are told."""
STATEMENT = 800
ELSEWHERE = "the JSON report has them all"


def violated(document: Json) -> Markup:
    """All rules that are violated, with or without permission."""
    found = [Failure.of(one) for one in document["rules"] if one["verdict"] in VIOLATED]
    put_together = blocks(found)
    most = _fitting(put_together)
    by_severity = groupby(put_together[:most], key=lambda block: block.head.severity)
    opened = len(found) <= OPENED
    return fragment(
        [_graveness(severity, list(some), document, opened=opened) for severity, some in by_severity],
        _more(put_together[most:]),
    )


def _fitting(found: Sequence[Block]) -> int:
    """How many blocks there is room for."""
    rules = accumulate(min(len(block.members), MEMBERS) for block in found[:BLOCKS])
    return sum(1 for count in rules if count <= RULES)


def _graveness(severity: str, some: Sequence[Block], document: Json, *, opened: bool) -> Markup:
    count = sum(len(block.members) for block in some)
    inside = f" in {plural(len(some), 'block')}" if count > len(some) else ""
    return fragment(
        tag("h3", f"{severity.capitalize()} ({plural(count, 'rule')}{inside})"),
        [_block(block, document, opened=opened) for block in some],
    )


def _more(rest: Sequence[Block]) -> Markup:
    if not rest:
        return Markup()
    counts = Counter(one.severity for block in rest for one in block.members)
    told = ", ".join(f"{grouped(counts[one])} {one}" for one in SEVERITIES if counts[one])
    said = f"{plural(sum(counts.values()), 'more rule')} in {plural(len(rest), 'more block')} ({told})"
    names = by_test(one.rule for block in rest for one in block.members)
    return details([tag("b", said), f": {ELSEWHERE}"], named(names))


def named(names: Sequence[str]) -> Markup:
    """Names of rules or tests, and how many more."""
    hidden = len(names) - NAMES
    rest = tag("li", f"… and {grouped(hidden)} more: {ELSEWHERE}") if hidden > 0 else None
    return tag("ul", [tag("li", tag("code", one)) for one in names[:NAMES]], rest)


def by_test(rules: Iterable[Json]) -> list[str]:
    """The names of rules; those that one test makes are one name and their number."""
    counts = Counter(str(one["id"]).partition("[")[0] for one in rules)
    return [name if count == 1 else f"{name} ({plural(count, 'rule')})" for name, count in counts.items()]


def _block(block: Block, document: Json, *, opened: bool) -> Markup:
    """Rules of one test, or of one cause; one rule stands for itself."""
    rules = [one.rule for one in block.members]
    if len(rules) == 1:
        return rule(rules[0], document, opened=opened)
    verdicts = Counter(str(one["verdict"]) for one in rules)
    badges = [badge(verdict, count) for verdict, count in verdicts.items()]
    rest = [name_of(one["id"]) for one in rules[MEMBERS:]]
    return details(
        fragment(badges, _title(block), " ", strip([one["id"] for one in rules], document)),
        [rule(one, document, opened=False, within=block) for one in rules[:MEMBERS]],
        details(f"{plural(len(rest), 'more rule')} of this block", named(rest)) if rest else None,
        opened=opened,
    )


def _title(block: Block) -> Markup:
    head = block.head.rule
    if block.cause is not None:
        tests = plural(len({one.test for one in block.members}), "test")
        said = f"one cause, {plural(len(block.members), 'rule')} of {tests}: {_doc(head)[0]} …"
        return fragment(tag("b", block.cause), " ", tag("span", said, class_="soft"))
    rows = sum(one.violations for one in block.members)
    said = f"{name_of(block.head.test)}, {plural(rows, 'violation')}" if rows else name_of(block.head.test)
    return fragment(tag("b", _doc(head)[0]), " ", tag("span", said, class_="soft"))


def rule(one: Json, document: Json, *, opened: bool, within: Block | None = None) -> Markup:
    """A violated rule with its rows."""
    first, paragraphs = _doc(one)
    return details(
        fragment(badge(one["verdict"]), _headline(one, first, within), " ", strip([one["id"]], document)),
        tag("p", tag("code", one["id"])),
        [tag("p", paragraph) for paragraph in paragraphs],
        None if one["violations"] else tag("p", one["reason"]),
        _samples(one),
        _statement(one.get("see_all")),
        tag("p", tag("b", "Mend: "), tag("span", one["mend"])) if one.get("mend") else None,
        _waiver(one.get("waiver")),
        opened=opened,
    )


def _headline(one: Json, doc: str, within: Block | None) -> Markup:
    """What tells a rule from the others around it, and how often it is violated."""
    parameters = one["id"].partition("[")[2].removesuffix("]")
    graver = within is not None and one["severity"] != within.head.severity
    told = [_many(one), one["severity"] if graver else ""]
    soft = ", ".join(part for part in told if part)
    if within is not None and within.cause is None and parameters:
        return fragment(tag("b", parameters), " ", tag("span", soft, class_="soft"))
    return fragment(
        tag("b", doc), " ", tag("span", f"{parameters}: {soft}" if parameters and soft else soft, class_="soft")
    )


def _doc(one: Json) -> tuple[str, list[str]]:
    """The first line of a rule's docstring, and the paragraphs below it."""
    first, _, rest = (one["doc"] or "").strip().partition("\n")
    return first, [paragraph for paragraph in rest.strip().split("\n\n") if paragraph]


def _many(one: Json) -> str:
    if not one["violations"]:
        return ""
    if one["examined"] is None:
        return plural(one["violations"], "violation")
    return f"{grouped(one['violations'])} of {plural(one['examined'], 'row')}"


def _statement(text: str | None) -> Markup:
    """How to see all rows; one that goes on for pages is whole in the JSON report."""
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


def _samples(one: Json) -> Markup:
    samples = one["samples"]
    if not samples:
        return Markup()
    labelled = any(each["label"] is not None for each in samples)
    rows = [
        (_key(each["key"]), *([value(each["label"])] if labelled else []), *map(value, each["values"].values()))
        for each in samples
    ]
    hidden = one["violations"] - len(samples)
    caption = f"{plural(len(samples), 'row')} of {grouped(one['violations'])}" if hidden > 0 else "The rows"
    return table(caption, ("key", *(["label"] if labelled else []), *samples[0]["values"]), rows)


def _key(key: Any) -> Child:
    return ", ".join(str(part) for part in key) if isinstance(key, list) else value(key)


def unknown(rules: Iterable[Json]) -> Markup:
    """Rules that could not be evaluated, by the reason why; the gravest first, then the reasons of most rules."""
    by_reason: dict[str, list[Json]] = {}
    for one in rules:
        if one["verdict"] == "unknown":
            by_reason.setdefault(str(one["reason"]), []).append(one)
    found = sorted(by_reason.items(), key=lambda item: (min(map(_severity, item[1])), -len(item[1])))
    rest = sum(len(some) for _, some in found[BLOCKS:])
    reasons = f"{plural(rest, 'more rule')} for {plural(len(found[BLOCKS:]), 'more reason')}: {ELSEWHERE}."
    return fragment([_reason(reason, some) for reason, some in found[:BLOCKS]], tag("p", reasons) if rest else None)


def _severity(one: Json) -> int:
    return SEVERITIES.index(one["severity"])


def _reason(reason: str, some: Sequence[Json]) -> Markup:
    ordered = sorted(some, key=_severity)
    gravest = tag("span", f"[{ordered[0]['severity']}]", class_="soft")
    told = [tag("b", plural(len(some), "rule")), f": {reason} ", gravest]
    return details([badge("unknown"), *told], named(by_test(ordered)))
