"""The report as a page for a browser: one file, no network, no script. Pure, made from the JSON document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pytest_tgintegrity.reports.html import chart, figures, findings
from pytest_tgintegrity.reports.html.markup import Child, Markup, details, fragment, section, table, tag
from pytest_tgintegrity.reports.html.signs import SIGNS, STATUS, badge, met, minute, sign, test_of
from pytest_tgintegrity.reports.html.strips import strip
from pytest_tgintegrity.reports.html.style import CSS
from pytest_tgintegrity.reports.terminal.fixes import NOTHING, noted_text
from pytest_tgintegrity.reports.terminal.wrong_database import QUESTION, wrong_database_sentences
from pytest_tgintegrity.rules.severity import SEVERITIES
from pytest_tgintegrity.text import grouped, plural

Json = Mapping[str, Any]

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
FULL = 100
LISTED = 100
"""So many rules are named in the calculation of a score."""


def render(document: Json) -> str:
    """The whole page for the `integrity` part of a JSON report, of this run or of a stored one."""
    parts = [part for part in _sections(document) if part[2]]
    title = f"Data integrity: {_headline(document)}"
    links = [tag("li", tag("a", title, href=f"#{anchor}")) for anchor, title, _ in parts]
    body = tag(
        "body",
        tag("a", "Skip to the results", href="#results", class_="skip"),
        tag("header", tag("h1", "Data integrity"), _where(document)),
        tag("nav", tag("ul", links), aria_label="Parts of this page"),
        tag("main", [section(*part) for part in parts], id="results"),
        tag("footer", tag("p", _origin(document))),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        Markup(f"<style>{CSS}</style>"),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _sections(document: Json) -> Iterator[tuple[str, str, Markup]]:
    rules = document["rules"]
    yield "score", "Score", _score(document)
    yield "gate", "Gate", _gate(document.get("gate"))
    yield "trend", "Trend", _trend(document)
    yield "violated", "Violated rules", findings.violated(document)
    yield "unknown", "Not known", findings.unknown(rules)
    yield "rows", "No rows", _expected(document.get("rows_expected"))
    yield "census", "Census", figures.census(document.get("census"))
    yield "fixes", "Fixes", _fixes(document)
    yield "proof", "Proofs", _proof(document.get("proof"))
    yield "rules", "All rules", _areas(document)
    yield "performance", "Performance", figures.probes(document)
    yield "activity", "Activity", figures.activity(document["activity"])
    yield "coverage", "Coverage", figures.coverage(document.get("coverage"))


# --- where, and how it is


def _headline(document: Json) -> str:
    health, database = document["health"], document["database"]
    score = "" if health["score"] is None else f", {health['score']} of 100"
    return f"{health['status']}{score}{'' if database is None else ', ' + str(database['name'])}"


def _where(document: Json) -> Markup:
    run, database = document["run"], document["database"]
    facts = []
    if database is not None:
        standby = ", standby" if database["is_standby"] else ""
        facts.append(f"{database['name']} at {database['host']}:{database['port']}")
        facts.append(f"PostgreSQL {database['server_version']}{standby}, role {database['user']}")
    facts.append(f"{minute(run['finished_at'])}, {run['seconds']:.2f} s")
    if run.get("period_hours"):
        facts.append(f"dated rows of the last {run['period_hours']:g} hours")
    facts += [f"only {name} {value}" for name, value in run.get("scopes", {}).items()]
    return tag("p", " · ".join(facts), class_="soft")


def _origin(document: Json) -> str:
    run = document["run"]
    facts = {"run": run["id"], "snapshot": run["snapshot"], "rule set": (run["rule_set_digest"] or "")[:12]}
    return " · ".join(["pytest-tgintegrity", *(f"{name} {value}" for name, value in facts.items() if value)])


# --- score, gate, trend


def _score(document: Json) -> Markup:
    health, run = document["health"], document["run"]
    mark, colour = STATUS[health["status"]]
    number = "–" if health["score"] is None else str(health["score"])
    minimum = "" if health["minimum"] is None else f"healthy from {health['minimum']}"
    status = tag("span", sign(mark), health["status"], class_=f"status {colour}")
    words = [tag("strong", number), " ", tag("span", "of 100"), " ", status, " ", tag("span", minimum, class_="soft")]
    big = tag("p", words, class_="score")
    error = tag("p", "No rule was judged: ", run["error"], class_="bad") if run.get("error") else None
    partial = None if run["complete"] else tag("p", "Not complete: some selected rules were not judged.", class_="warn")
    return fragment(_wrong_database(document), big, error, partial, _tiles(document["rules"]), _calculation(health))


def _wrong_database(document: Json) -> Markup:
    missing = document.get("wrong_database")
    if missing is None:
        return Markup()
    sentences = [tag("li", text) for text in wrong_database_sentences(missing, refused="grants" in document)]
    return fragment(tag("p", tag("strong", QUESTION), class_="bad"), tag("ul", sentences))


def _tiles(rules: Sequence[Json]) -> Markup:
    counts = Counter(rule["verdict"] for rule in rules)
    tiles = [
        tag("li", tag("b", grouped(counts[verdict]), class_=SIGNS[verdict][1]), verdict)
        for verdict in SIGNS
        if counts[verdict]
    ]
    return tag("ul", tiles, class_="tiles", aria_label="Rules by verdict") if tiles else Markup()


def _calculation(health: Json) -> Markup:
    listed = health["deductions"]
    if not listed:
        return Markup()
    rows = [
        (test_of(deduction["rule"]), deduction["severity"], deduction["points"], grouped(deduction["violations"]))
        for deduction in listed[:LISTED]
    ]
    if rest := listed[LISTED:]:
        hidden = f"{plural(len(rest), 'more rule')}: {findings.ELSEWHERE}"
        rows.append(
            (
                hidden,
                "",
                sum(deduction["points"] for deduction in rest),
                grouped(sum(deduction["violations"] for deduction in rest)),
            )
        )
    total = sum(deduction["points"] for deduction in listed)
    calculation = f"100 − {grouped(total)}{' = ' if total <= FULL else ', not below 0: '}{health['score']}"
    caption = "What each rule that does not pass costs"
    heads = ("rule", "severity", "points", "violations")
    return details(["How it comes about: ", tag("b", calculation)], table(caption, heads, rows, numbers=[2, 3]))


def _gate(gate: Json | None) -> Markup:
    if gate is None:
        return Markup()
    heads = ("condition", "met", "measured", "required", "since")
    rows = [
        (
            condition["name"],
            _met(condition),
            condition["measured"],
            condition["required"],
            _since(condition.get("since")),
        )
        for condition in gate["conditions"]
    ]
    decision = tag("p", tag("b", gate["name"]), ": ", met(gate["passed"], "open", "closed"))
    return fragment(decision, table(f"Conditions of the gate {gate['name']}", heads, rows))


def _met(condition: Json) -> Markup:
    """Whether a condition is met, and why not; side by side also on a phone."""
    return fragment(met(condition["passed"]), condition["reason"] and tag("div", condition["reason"]))


def _since(moment: str | None) -> str:
    return minute(moment) if moment else ""


def _trend(document: Json) -> Markup:
    history = document.get("history") or {}
    previous = history.get("previous_score")
    before = None if previous is None else tag("p", f"The run before scored {previous}.")
    drawn = chart.trend(chart.points(history.get("trend") or ()), document["health"]["minimum"])
    changes = [("Worse than before", history.get("worse")), ("Newly violated", history.get("new"))]
    return fragment(before, drawn, [_changes(title, changed or ()) for title, changed in changes])


def _changes(title: str, changed: Sequence[Json]) -> Markup:
    if not changed:
        return Markup()
    rows = [
        (test_of(change["rule"]), change["before"], "unknown" if change["now"] is None else change["now"])
        for change in changed
    ]
    return table(title, ("rule", "violations before", "now"), rows, numbers=[1, 2])


# --- fixes and proofs


def _item(rule: str) -> Markup:
    return tag("li", tag("code", rule))


def _fixes(document: Json) -> Markup:
    fix = document.get("fix")
    if fix is not None:
        return _plan(fix, {rule["id"]: rule["severity"] for rule in document["rules"]})
    fixable = [rule for rule in document["rules"] if rule["fixable"] and rule["verdict"] == "failed"]
    if not fixable:
        return Markup()
    headline = f"{plural(len(fixable), 'violated rule')} with a safe fix declared: --fix-plan shows every change."
    return details(headline, findings.named(findings.by_test(fixable)), opened=len(fixable) <= findings.OPENED)


def _plan(fix: Json, severities: Mapping[str, str]) -> Markup:
    noted = fix.get("noted_fixes", ())
    by_rule = [(test_of(row["rule"]), row["table"], grouped(row["rows"])) for row in fix["by_rule"]]
    people = [(test_of(row["rule"]), grouped(row["violations"]), row["reason"]) for row in fix["needs_a_person"]]
    first = [(row["table"], row["op"], _row(row["key"]), _difference(row)) for row in fix["first_changes"]]
    return fragment(
        tag("p", fix["failed"], class_="bad") if fix.get("failed") else None,
        _planned(fix),
        _rules(f"{noted_text(noted, severities)}.", noted),
        _rules("What becomes of these rules only the look after the fix tells:", fix.get("unforeseen", ())),
        _command(fix.get("apply")),
        _applied(fix["applied"]),
        table("Changes by rule", ("rule", "table", "rows"), by_rule, numbers=[2]) if by_rule else None,
        details(_first(fix), table("Changes", ("table", "what", "key", "columns"), first)) if first else None,
        details("What needs a person", table("By hand", ("rule", "violations", "why"), people, numbers=[1]))
        if people
        else None,
    )


def _planned(fix: Json) -> Markup:
    if fix["changes"]:
        return tag("p", f"Plan {fix['plan']}: {plural(fix['changes'], 'change')}, all in {fix['file']}")
    if fix.get("failed"):
        return Markup()
    return tag("p", "Nothing planned." if fix.get("noted_fixes") else f"{NOTHING[0].upper()}{NOTHING[1:]}.")


def _rules(headline: str, rules: Sequence[str]) -> Markup:
    return fragment(tag("p", headline), tag("ul", map(_item, rules))) if rules else Markup()


def _first(fix: Json) -> str:
    """How many changes are shown, and where the others are."""
    shown, hidden = len(fix["first_changes"]), fix["changes"] - len(fix["first_changes"])
    return f"The first {plural(shown, 'change')}; {grouped(hidden)} more in {fix['file']}" if hidden else "All changes"


def _command(apply: Json | None) -> Markup:
    if apply is None:
        return Markup()
    hint = f" ({apply['hint']})" if apply["hint"] else None
    return tag("p", "To make these changes: ", tag("code", apply["command"]), hint)


def _row(row: Json | None) -> str:
    return ", ".join(f"{name} {_text(value)}" for name, value in (row or {}).items())


def _text(stored: Any) -> str:
    return "NULL" if stored is None else str(stored)


def _difference(change: Json) -> str:
    before, after = change.get("before") or {}, change.get("after") or {}
    if change["op"] != "update":
        return _row(after)
    return ", ".join(f"{name} {_text(before.get(name))} → {_text(after[name])}" for name in after)


def _applied(applied: Json | None) -> Markup:
    if applied is None or applied["run"] is None:
        return Markup()
    stopped = tag("p", applied["stopped"], class_="bad") if applied["stopped"] else None
    followed = applied.get("followed")
    more = f" and {plural(followed, 'more row')} with them" if followed else ""
    headline = f"{plural(applied['rows'], 'row')} changed{more}, journalled as run {applied['run']}"
    return fragment(tag("p", f"{headline} (take back: --undo {applied['run']})"), stopped)


def _expected(vacuous: Sequence[Json] | None) -> Markup:
    if not vacuous:
        return Markup()
    rows = [(test_of(rule["rule"]), rule["why"]) for rule in vacuous]
    return table("Rules without rows, where some were expected", ("rule", "why some were expected"), rows)


def _proof(proof: Json | None) -> Markup:
    if proof is None:
        return Markup()
    rows = [(test_of(rule["id"]), rule["reason"]) for rule in proof["rules"] if rule["proven"] is False]
    headline = f"{plural(proof['proven'], 'rule')} proven, {grouped(proof['unproven'])} unproven."
    return fragment(tag("p", headline), table("Unproven rules", ("rule", "reason"), rows) if rows else None)


# --- all rules


def _area(rule: str) -> str:
    """The file of a rule, in words."""
    return rule.partition("::")[0].rpartition("/")[2].removesuffix(".py").removeprefix("test_").replace("_", " ")


def _areas(document: Json) -> Markup:
    areas: dict[str, list[Json]] = {}
    for rule in document["rules"]:
        areas.setdefault(_area(rule["id"]), []).append(rule)
    if not areas:
        return Markup()
    rows = [(area, *(_cell(rules, severity) for severity in SEVERITIES)) for area, rules in sorted(areas.items())]
    caption = "Rules by area and severity: how many; and how many of them do not pass"
    return fragment(
        table(caption, ("area", *SEVERITIES), rows, numbers=range(1, len(SEVERITIES) + 1)),
        [_area_details(area, rules, document) for area, rules in sorted(areas.items())],
    )


def _cell(rules: Iterable[Json], severity: str) -> Child:
    verdicts = [rule["verdict"] for rule in rules if rule["severity"] == severity]
    awry = Counter(verdict for verdict in verdicts if verdict != "passed")
    return [grouped(len(verdicts)) if verdicts else "", [[" ", badge(verdict, n)] for verdict, n in awry.items()]]


def _area_details(area: str, rules: Sequence[Json], document: Json) -> Markup:
    """The rules of a file; rules of one test with many parameters share one line."""
    families: dict[str, list[Json]] = {}
    for rule in rules:
        families.setdefault(test_of(rule["id"]).partition("[")[0], []).append(rule)
    heads = ("rule", "severity", "verdicts", "violations", "seconds", "past runs")
    rows = [_family(name, members, document) for name, members in families.items()]
    return details([tag("b", area), f" ({plural(len(rules), 'rule')})"], table(area, heads, rows, numbers=[3, 4]))


def _family(name: str, rules: Sequence[Json], document: Json) -> Sequence[Child]:
    verdicts = Counter(rule["verdict"] for rule in rules)
    first = (rules[0]["doc"] or "").strip().partition("\n")[0]
    return (
        [name, tag("br"), tag("span", first, class_="soft")],
        ", ".join(sorted({str(rule["severity"]) for rule in rules})),
        [badge(verdict, count if len(rules) > 1 else None) for verdict, count in verdicts.items()],
        grouped(sum(rule["violations"] for rule in rules)),
        f"{sum(rule['seconds'] for rule in rules):.3f}",
        strip([rule["id"] for rule in rules], document),
    )
