"""What a person reads: the header, a violated rule, the summary. Text in, text out; colours are the caller's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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
"""How many numbers are shown of a run that is about something else."""
LABELS = 8
NUMBERS = 5
"""A run is about its numbers if they are one in so many of its rules."""
ACTIVITY = "activity"
YELLOW = {"yellow": True}
BRIEF = frozenset(
    {
        "rules",
        "gone",
        "census",
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


def header(database: Database, snapshot: str | None, confined: str = "", *, writing: bool = False) -> str:
    """Where the run looks, as whom, how, and what it is confined to; `writing`: it takes back what was written."""
    access = "" if writing else "read-only, "
    return printable(f"integrity: {_where(database)}, {access}snapshot {snapshot}{confined}")


def confined(period: float | None, scopes: Mapping[str, str]) -> str:
    """The period and the scopes of a run, for its header."""
    window = "" if period is None else f", the last {period:g} hours where a rule has a time"
    chosen = ", ".join(f"{shown(name)}={shown(value)}" for name, value in scopes.items())
    return f"{window}, only {chosen}" if chosen else window


def _where(database: Database) -> str:
    standby = " (standby)" if database.is_standby else ""
    superuser = " (superuser: a read-only role is safer)" if database.superuser else ""
    return (
        f"{address_of(database)}, PostgreSQL {database.server_version}{standby}, role {shown(database.user)}{superuser}"
    )


def address_of(database: Database) -> str:
    """Which database, and where."""
    return f"{shown(database.name)} at {database.host}:{database.port}"


def summary_lines(
    run_summary: RunSummary, sections: Sequence[Section], json_path: Path | None, *, headed: bool, demo: bool = False
) -> list[Line]:
    """The end of a run; fits a screen however many rules there are.

    `headed`: the header has named the database already; `demo`: it is made up.
    """
    report = [Line("report", str(json_path))] if json_path else []
    alone = [section for section in sections if section.alone]
    if alone:
        return [*(line for section in alone for line in section.lines), *report]
    return [
        *(line for section in sections for line in section.first),
        *_empty(run_summary.empty_scopes),
        *_judged(run_summary, headed=headed),
        *(line for section in sections for line in section.lines),
        *_confined(run_summary),
        *_activity(run_summary),
        *(
            []
            if run_summary.run.complete
            else [Line("run", "not complete: some selected rules were not judged", YELLOW)]
        ),
        *(line for section in sections for line in section.decisions),
        *report,
        *next_lines(run_summary, [section.step for section in sections], demo=demo),
    ]


def _judged(run_summary: RunSummary, *, headed: bool) -> Iterable[Line]:
    """The score, and how many rules have which verdict."""
    if run_summary.database is not None and not headed:
        yield Line("database", _where(run_summary.database))
    yield Line("rules", _verdicts(run_summary))
    yield Line("looked at", _looked_at(run_summary))
    yield from score_lines(run_summary.health, run_summary.rules)
    yield from unknown_lines(run_summary.of_verdict("unknown"))
    yield from waived_lines(run_summary.of_verdict("waived"))
    yield from tolerated_lines(run_summary.of_verdict("tolerated"))
    yield from noted_lines(run_summary.of_verdict("noted"))


def _empty(scopes: Iterable[str]) -> Iterable[Line]:
    for scope in scopes:
        words = f"NO ROW has {printable(scope)}: what was narrowed to it passed with nothing to look at"
        yield Line("vacuous", words, {"red": True, "bold": True})


def _confined(run_summary: RunSummary) -> Iterable[Line]:
    """Where a window or a scope could not be applied as it was meant."""
    if run_summary.zoneless:
        names = _first(map(printable, run_summary.zoneless))
        yield Line("period", f"without a zone, so rows count that are young enough in any (±14 h): {names}; {CURE}")
    if run_summary.unscoped:
        yield Line(
            "scope", f"looked at whole, since they do not declare it: {_first(map(shown, run_summary.unscoped))}"
        )


def _first(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    known = list(names)
    more = len(known) - SCOPES
    return ", ".join(known[:SCOPES]) + (f" and {more} more" if more > 0 else "")


def cut(lines: list[Line], run_summary: RunSummary, verbosity: int, *, wrong_database: bool) -> list[Line]:
    """The lines to show: with ``-v`` all, with ``-q`` few; in a wrong database, unless ``-v`` is given, what is said of that."""
    asked_for = ASKED_FOR | {ACTIVITY} if _is_about_numbers(run_summary) else ASKED_FOR
    if wrong_database and verbosity <= 0:
        lines = list(one_screen(lines, run_summary.rules, asked_for))
    return list(brief(lines, asked_for)) if verbosity < 0 else lines


def brief(lines: Iterable[Line], asked_for: Collection[str]) -> Iterable[Line]:
    """What ``-q`` shows: the first lines of what matters, and everything that was asked for."""
    subject = ""
    for line in lines:
        subject = line.word or subject
        if line.word in BRIEF or subject in asked_for:
            yield line


def _is_about_numbers(run_summary: RunSummary) -> bool:
    return len(run_summary.rules) <= NUMBERS * len(run_summary.activity)


def _activity(run_summary: RunSummary) -> Iterable[Line]:
    """The numbers of metrics: all of them in a run that is about numbers, else the first."""
    numbers = list(run_summary.activity.items())
    some = numbers if _is_about_numbers(run_summary) else numbers[:ACTIVITIES]
    width = max((len(shown(name)) for name, _ in some), default=0)
    for number, (name, value) in enumerate(some):
        yield Line("" if number else ACTIVITY, f"{shown(name):<{width}}  {_figure(value)}")
    if len(numbers) > len(some):
        yield Line("", f"{plural(len(numbers) - len(some), 'more number')} in the JSON report")


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        parts = [f"{shown(label)} {_figure(number)}" for label, number in list(value.items())[:LABELS]]
        return f"({', '.join([*parts, *([f'{len(value) - LABELS} more'] * (len(value) > LABELS))])})"
    return "n/a" if value is None else shown(value)


def _verdicts(run_summary: RunSummary) -> str:
    counts = Counter(rule.verdict for rule in run_summary.rules)
    counted = [f"{grouped(counts[verdict])} {verdict}" for verdict in VERDICTS if counts[verdict]]
    vacuous = f" ({grouped(len(run_summary.vacuous))} vacuous: nothing to look at)" if run_summary.vacuous else ""
    return (", ".join(counted) or "none judged") + vacuous


def _looked_at(run_summary: RunSummary) -> str:
    sources = largest_sources(run_summary.scans)
    rows, scans = plural(sum(sources.values()), "row"), plural(len(run_summary.scans), "scan")
    what = f"{rows} of {plural(len(sources), 'source')} in {scans}" if sources else scans
    return f"{what}, {run_summary.run.seconds:.2f} s"
