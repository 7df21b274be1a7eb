"""What a person reads: the header, a violated rule, the summary. Text in, text out; colours are the caller's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_tgintegrity.judging.summary import Database, RunSummary
from pytest_tgintegrity.judging.vacuous import largest_sources
from pytest_tgintegrity.judging.verdicts import Verdict
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal.next_step import next_lines
from pytest_tgintegrity.reports.terminal.verdicts import (
    noted_lines,
    score_lines,
    tolerated_lines,
    unknown_lines,
    waived_lines,
)
from pytest_tgintegrity.reports.terminal.wrong_database import WORD, one_screen
from pytest_tgintegrity.text import grouped, plural, printable, shown

SCOPES = 4
CURE = "the ini tgintegrity_timezone says which it is"
ACTIVITIES = 4
YELLOW = {"yellow": True}
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
VERDICTS: tuple[Verdict, ...] = ("passed", "tolerated", "failed", "noted", "waived", "fixed", "unknown")


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
    return f"{place(database)}, PostgreSQL {database.server_version}{standby}, role {shown(database.user)}{superuser}"


def place(database: Database) -> str:
    """Which database, and where."""
    return f"{shown(database.name)} at {database.host}:{database.port}"


def summary(
    told: RunSummary, sections: Sequence[Section], json_path: Path | None, *, headed: bool, demo: bool = False
) -> list[Line]:
    """The end of a run; fits a screen however many rules there are.

    `headed`: the database was named before; `demo`: it is made up.
    """
    report = [Line("report", str(json_path))] if json_path else []
    alone = [section for section in sections if section.alone]
    if alone:
        return [*(line for section in alone for line in section.lines), *report]
    return [
        *(line for section in sections for line in section.first),
        *_empty(told.empty_scopes),
        *_judged(told, headed=headed),
        *(line for section in sections for line in section.lines),
        *_confined(told),
        *_activity(told.activity),
        *([] if told.run.complete else [Line("run", "not complete: some selected rules were not judged", YELLOW)]),
        *(line for section in sections for line in section.decisions),
        *report,
        *next_lines(told, [section.step for section in sections], demo=demo),
    ]


def _judged(told: RunSummary, *, headed: bool) -> Iterable[Line]:
    """What became of the rules."""
    if told.database is not None and not headed:
        yield Line("database", _where(told.database))
    yield Line("rules", _verdicts(told))
    yield Line("looked at", _looked_at(told))
    yield from score_lines(told.health, told.rules)
    yield from unknown_lines(told.of_verdict("unknown"))
    yield from waived_lines(told.of_verdict("waived"))
    yield from tolerated_lines(told.of_verdict("tolerated"))
    yield from noted_lines(told.of_verdict("noted"))


def _empty(scopes: Iterable[str]) -> Iterable[Line]:
    for scope in scopes:
        words = f"NO ROW has {printable(scope)}: what was narrowed to it passed with nothing to look at"
        yield Line("vacuous", words, {"red": True, "bold": True})


def _confined(told: RunSummary) -> Iterable[Line]:
    """Where a window or a scope could not be applied as it was meant."""
    if told.zoneless:
        names = _first(map(printable, told.zoneless))
        yield Line("period", f"without a zone, so rows count that are young enough in any (±14 h): {names}; {CURE}")
    if told.unscoped:
        yield Line("scope", f"looked at whole, since they do not declare it: {_first(map(shown, told.unscoped))}")


def _first(names: Iterable[str]) -> str:
    """The first of them, and how many more there are."""
    known = list(names)
    more = len(known) - SCOPES
    return ", ".join(known[:SCOPES]) + (f" and {more} more" if more > 0 else "")


def cut(lines: list[Line], told: RunSummary, verbosity: int, *, wrong_database: bool) -> list[Line]:
    """What is shown of a summary: with ``-v`` all of it, without in another database what is said of that, with ``-q`` little."""
    if wrong_database and verbosity <= 0:
        lines = list(one_screen(lines, told.rules, ASKED_FOR))
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


def _verdicts(report: RunSummary) -> str:
    counts = Counter(rule.verdict for rule in report.rules)
    found = [f"{grouped(counts[verdict])} {verdict}" for verdict in VERDICTS if counts[verdict]]
    vacuous = f" ({grouped(len(report.vacuous))} vacuous: nothing to look at)" if report.vacuous else ""
    return (", ".join(found) or "none judged") + vacuous


def _looked_at(report: RunSummary) -> str:
    found = largest_sources(report.scans)
    rows, scans = plural(sum(found.values()), "row"), plural(len(report.scans), "scan")
    what = f"{rows} of {plural(len(found), 'source')} in {scans}" if found else scans
    return f"{what}, {report.run.seconds:.2f} s"
