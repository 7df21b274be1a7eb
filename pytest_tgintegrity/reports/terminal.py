"""What a person reads: the header, a violated rule, the summary. Text in, text out; colours are the caller's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_tgintegrity.database import Database
from pytest_tgintegrity.health import Health
from pytest_tgintegrity.kinds import Metric
from pytest_tgintegrity.reports.astray import WORD, astray_lines, one_screen
from pytest_tgintegrity.reports.blocks import see_all_line
from pytest_tgintegrity.reports.changes import mended_lines
from pytest_tgintegrity.reports.document import Report
from pytest_tgintegrity.reports.gate import gate_lines
from pytest_tgintegrity.reports.history import history_lines, stale_lines
from pytest_tgintegrity.reports.lines import Line, grouped, plural, printable, printable_lines, shown
from pytest_tgintegrity.reports.next_step import next_lines
from pytest_tgintegrity.reports.probes import probe_lines
from pytest_tgintegrity.reports.vacuous import largest, rows_expected, vacuous_lines
from pytest_tgintegrity.rules import Rule
from pytest_tgintegrity.verdicts import Measurement, Sample

FIX = 100
DEDUCTIONS = 6
UNKNOWNS = 4
SCOPES = 4
CURE = "the ini tgintegrity_timezone says which it is"
ACTIVITIES = 4
REASON = 160
YELLOW = {"yellow": True}
WAIVED = 6
BRIEF = frozenset(
    {
        "rules",
        "vacuous",
        "no rows",
        "score",
        "unknown",
        "tolerated",
        "waivers",
        "proof",
        "unproven",
        "trend",
        "worse",
        "new",
        "no history",
    }
)
ASKED_FOR = frozenset(
    {
        "gate",
        "probes",
        "baseline",
        "fix plan",
        "apply",
        "fixed",
        "left",
        "by hand",
        "stopped",
        "not seen",
        "harmed",
        WORD,
    }
)
VERDICTS = ("passed", "tolerated", "failed", "noted", "waived", "fixed", "unknown")


def header(database: Database, snapshot: str | None, confined: str = "") -> str:
    """Where the run looks, as whom, how, and what it is confined to."""
    return printable(f"integrity: {_where(database)}, read-only, snapshot {snapshot}{confined}")


def confined(period: float | None, scopes: Mapping[str, str]) -> str:
    """The period and the scopes of a run, for its header."""
    window = "" if period is None else f", the last {period:g} hours where a rule has a time"
    chosen = ", ".join(f"{shown(name)}={shown(value)}" for name, value in scopes.items())
    return f"{window}, only {chosen}" if chosen else window


def _where(database: Database) -> str:
    standby = " (standby)" if database.is_standby else ""
    superuser = " (superuser: a read-only role is safer)" if database.superuser else ""
    return f"{_place(database)}, PostgreSQL {database.server_version}{standby}, role {shown(database.user)}{superuser}"


def _place(database: Database) -> str:
    return f"{shown(database.name)} at {database.host}:{database.port}"


def failure(rule: Rule, doc: str, measurement: Measurement, see_all: str | None, fix: str | None) -> str:
    """A violated rule: how many rows, what it says, which rows, how to see all of them, what can mend them.

    `see_all` is the statement that lists them, `fix` what would be written, both with all placeholders filled in.
    """
    parts = [_headline(rule, doc, measurement), ""]
    parts += [f"  {line}" for line in _table(measurement.samples)]
    hidden = measurement.violations - len(measurement.samples)
    if measurement.samples and hidden > 0:
        parts.append(f"  … and {grouped(hidden)} more")
    if measurement.note:
        parts.append(f"  {printable(measurement.note)}")
    if see_all:
        parts.append(see_all_line(in_one_line(see_all)))
    parts.append(f"  mend:     {mend(rule, fix)}")
    return printable_lines("\n".join(parts))


def _headline(rule: Rule, doc: str, measurement: Measurement) -> str:
    first = printable(doc.strip().splitlines()[0])
    if isinstance(rule.kind, Metric):
        name, value = printable(rule.kind.name), printable(str(_exactly(measurement)))
        return f"{name} is {value}, not {_bounds(rule.kind)} [{rule.severity}]: {first}"
    of = "" if measurement.examined is None else f" of {grouped(measurement.examined)}"
    rows = "row" if (measurement.examined or measurement.violations) == 1 else "rows"
    verb = "violates" if measurement.violations == 1 else "violate"
    return f"{grouped(measurement.violations)}{of} {rows} {verb} [{rule.severity}]: {first}"


def _exactly(measurement: Measurement) -> Any:
    """The number of a metric with all its digits."""
    return measurement.value if measurement.text is None or isinstance(measurement.text, dict) else measurement.text


def _bounds(metric: Metric) -> str:
    sides = [("at least", metric.at_least), ("at most", metric.at_most)]
    return " and ".join(f"{word} {bound}" for word, bound in sides if bound is not None)


def mend(rule: Rule, fix: str | None) -> str:
    """What can mend it: the safe fix that is declared, or whose business it is."""
    if fix is not None:
        line = in_one_line(fix)
        return f"a safe fix is declared: {line if len(line) <= FIX else f'{line[:FIX]}…'}"
    return printable(rule.fix_hint or "") or "no safe fix is declared: a person decides"


_QUOTED_OR_BREAK = re.compile(r"""(?P<quoted>'[^']*'|"[^"]*")|\s*\n\s*""")


def in_one_line(sql: str) -> str:
    """A statement without its author's line breaks, but for those in a string or a name, and those that end a comment."""
    return sql if "--" in sql else _QUOTED_OR_BREAK.sub(lambda found: found["quoted"] or " ", sql)


def _table(samples: Sequence[Sample]) -> Iterable[str]:
    if not samples:
        return
    labelled = any(sample.label is not None for sample in samples)
    heads = ["key", *(["label"] if labelled else []), *(shown(name) for name in samples[0].values)]
    rows = [_cells(sample, labelled=labelled) for sample in samples]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for cells in [heads, *rows]:
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cells(sample: Sample, *, labelled: bool) -> list[str]:
    key = ", ".join(map(shown, sample.key)) if isinstance(sample.key, list) else shown(sample.key)
    return [key, *([shown(sample.label)] if labelled else []), *map(shown, sample.values.values())]


def summary(report: Report, json_path: Path | None, *, headed: bool, demo: bool = False) -> list[Line]:
    """The end of a run; fits a screen however many rules there are.

    `headed`: the database was named before; `demo`: it is made up.
    """
    if report.proofs is not None:
        return [*_proofs(report.proofs), *([Line("report", str(json_path))] if json_path else [])]
    lines = [Line("rules", _verdicts(report)), Line("looked at", _looked_at(report))]
    if report.database is not None and not headed:
        lines.insert(0, Line("database", _where(report.database)))
    lines += [*_score(report.health, report.rules), *_unknown(report.rules), *_waived(report.rules)]
    lines += [*_tolerated(report.rules), *_noted(report.rules), *vacuous_lines(rows_expected(report))]
    lines += [Line("waivers", printable(text), {"red": True}) for text in report.stale_waivers]
    fixable = sum(1 for one in report.rules if one["fixable"] and one["verdict"] == "failed")
    if fixable:
        lines.append(Line("fixable", f"{plural(fixable, 'failed rule')} with a safe fix declared"))
    lines += _around(report)
    for one in report.empty_scopes:
        words = f"NO ROW has {printable(one)}: what was narrowed to it passed with nothing to look at"
        lines.insert(0, Line("vacuous", words, {"red": True, "bold": True}))
    if report.zoneless:
        more = len(report.zoneless) - SCOPES
        names = ", ".join(map(printable, report.zoneless[:SCOPES])) + (f" and {more} more" if more > 0 else "")
        lines.append(
            Line("period", f"without a zone, so rows count that are young enough in any (±14 h): {names}; {CURE}")
        )
    if report.unscoped:
        more = len(report.unscoped) - SCOPES
        rest = f" and {more} more" if more > 0 else ""
        names = ", ".join(map(shown, report.unscoped[:SCOPES]))
        lines.append(Line("scope", f"looked at whole, since they do not declare it: {names}{rest}"))
    if report.activity:
        lines += _activity(report.activity)
    if not report.run.complete:
        lines.append(Line("run", "not complete: some selected rules were not judged", YELLOW))
    lines += _decided(report)
    if json_path:
        lines.append(Line("report", str(json_path)))
    first = astray_lines(report.astray, _place(report.database) if report.database else "", refused=bool(report.grants))
    return [*first, *lines, *next_lines(report, demo=demo)]


def _around(report: Report) -> Iterable[Line]:
    """What was mended, what that leaves stale, and what was before."""
    if report.mended is not None:
        severities = {str(one["id"]): str(one["severity"]) for one in report.rules}
        yield from mended_lines(report.mended, report.apply, severities)
    if report.stale is not None:
        yield from stale_lines(report.stale)
    if report.remembered is not None:
        yield from history_lines(report.remembered)


def _proofs(proofs: Sequence[Mapping[str, Any]]) -> Iterable[Line]:
    """How many rules were shown to catch their own damage, and each that was not, with the reason and cure."""
    unproven = [one for one in proofs if one["proven"] is False]
    proven = sum(1 for one in proofs if one["proven"])
    damages = sum(one["damages"] for one in proofs)
    told = f"{plural(proven, 'rule')} proven by {plural(damages, 'damage')}, {len(unproven)} unproven"
    if vacuous := len(proofs) - proven - len(unproven):
        told += f" ({vacuous} vacuous: nothing declared)"
    yield Line("proof", told, {"red" if unproven else "green": True, "bold": True})
    for one in unproven:
        yield Line("unproven", f"{printable(one['id'])}: {printable(str(one['reason']))}")


def cut(lines: list[Line], report: Report, verbosity: int) -> list[Line]:
    """What is shown of a summary: with ``-v`` all of it, without in another database what is said of that, with ``-q`` little."""
    if report.astray is not None and verbosity <= 0:
        lines = list(one_screen(lines, report.rules, ASKED_FOR))
    return list(brief(lines)) if verbosity < 0 else lines


def brief(lines: Iterable[Line]) -> Iterable[Line]:
    """What ``-q`` shows: the first line of what matters, and all of what was asked for by an option of its own."""
    subject = ""
    for line in lines:
        subject = line.word or subject
        if line.word in BRIEF or subject in ASKED_FOR:
            yield line


def _activity(activity: Mapping[str, Any]) -> Iterable[Line]:
    told = [f"{shown(name)} {_figure(value)}" for name, value in activity.items()]
    for number, text in enumerate(told[:ACTIVITIES]):
        yield Line("" if number else "activity", text)
    if len(told) > ACTIVITIES:
        yield Line("", f"{plural(len(told) - ACTIVITIES, 'more number')} in the JSON report")


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{shown(k)} {_figure(v)}" for k, v in list(value.items())[:8]) + ")"
    return "–" if value is None else shown(value)


def _decided(report: Report) -> Iterable[Line]:
    """What was timed, and whether the gate is open, where that was asked."""
    yield from probe_lines(report.timings, report.beside)
    if report.gate is not None:
        yield from gate_lines(report.gate)


def _verdicts(report: Report) -> str:
    counts = Counter(one["verdict"] for one in report.rules)
    found = [f"{grouped(counts[verdict])} {verdict}" for verdict in VERDICTS if counts[verdict]]
    vacuous = f" ({grouped(len(report.vacuous))} vacuous: nothing to look at)" if report.vacuous else ""
    return (", ".join(found) or "none judged") + vacuous


def _looked_at(report: Report) -> str:
    found = largest(report.scans)
    rows, scans = plural(sum(found.values()), "row"), plural(len(report.scans), "scan")
    what = f"{rows} of {plural(len(found), 'source')} in {scans}" if found else scans
    return f"{what}, {report.run.seconds:.2f} s"


def _score(health: Health, rules: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
    verdicts = {one["id"]: one["verdict"] for one in rules}
    score = "none" if health.score is None else f"{health.score} of 100{_below(health)}"
    colour = "green" if health.status == "healthy" else "red"
    yield Line("score", f"{score}, {health.status} (healthy from {health.minimum})", {colour: True, "bold": True})
    costly = [one for one in health.deductions if one.points]
    for one in costly[:DEDUCTIONS]:
        found = plural(one.violations, "violation") if one.violations else verdicts.get(one.rule, "")
        yield Line("", f"-{one.points:<3} {one.severity:<8} {printable(one.rule)}: {found}")
    if len(costly) > DEDUCTIONS:
        rest = sum(one.points for one in costly[DEDUCTIONS:])
        yield Line("", f"-{rest:<3} {'':<8} {plural(len(costly) - DEDUCTIONS, 'more rule')}")


def _below(health: Health) -> str:
    """How far below zero the points would take it."""
    return f" ({health.raw} before it is cut off at 0)" if health.raw is not None and health.raw < 0 else ""


def _noted(rules: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
    """What is violated, but fails nothing."""
    noted = [one for one in rules if one["verdict"] == "noted"]
    for number, one in enumerate(noted[:WAIVED]):
        found = plural(one["violations"], "violation") if one["violations"] else "does not hold"
        yield Line("" if number else "noted", f"{printable(one['id'])} [{one['severity']}]: {found}", YELLOW)
    if len(noted) > WAIVED:
        yield Line("", plural(len(noted) - WAIVED, "more rule"), YELLOW)


def _waived(rules: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
    """What is violated with permission: how much, until when, and who answers for it."""
    waived = [one for one in rules if one["verdict"] == "waived"]
    for number, one in enumerate(sorted(waived, key=lambda one: (one["waiver"]["expires"], one["id"]))[:WAIVED]):
        found = f"{plural(one['violations'], 'violation')} " if one["violations"] else ""
        by = printable(f"{one['waiver']['owner']}: {one['waiver']['reason']}")
        text = f"{printable(one['id'])}: {found}until {one['waiver']['expires']} ({by})"
        yield Line("" if number else "waived", text, YELLOW)
    if len(waived) > WAIVED:
        yield Line("", plural(len(waived) - WAIVED, "more rule"), YELLOW)


def _tolerated(rules: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
    """What is violated and let pass by the test's own assert."""
    found = [one for one in rules if one["verdict"] == "tolerated"]
    for number, one in enumerate(found[:WAIVED]):
        text = f"{printable(one['id'])}: {plural(one['violations'], 'violation')}, which its own assert lets pass"
        yield Line("" if number else "tolerated", text, YELLOW)
    if len(found) > WAIVED:
        yield Line("", plural(len(found) - WAIVED, "more rule"), YELLOW)


def _unknown(rules: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
    """Unknown rules by reason: a missing permission is one line, not four hundred."""
    reasons = Counter(str(one["reason"]) for one in rules if one["verdict"] == "unknown")
    for number, (reason, count) in enumerate(reasons.most_common(UNKNOWNS)):
        told = printable(reason)
        cut = told if len(told) <= REASON else f"{told[: REASON - 1]}…"
        yield Line("" if number else "unknown", f"{plural(count, 'rule')}: {cut}", YELLOW)
    if len(reasons) > UNKNOWNS:
        yield Line("", f"{plural(len(reasons) - UNKNOWNS, 'more reason')}", YELLOW)
