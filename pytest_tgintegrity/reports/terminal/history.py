"""Past runs, what became of tables since then, and stale caches in the summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_tgintegrity.fixing.caches import Stale
from pytest_tgintegrity.history.record import Record
from pytest_tgintegrity.history.trend import Change, HistoryResult, Trend, sparkline
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.text import grouped, plural, printable, shown

CHANGES = 5
FINDINGS = 5
WIDTH = 30
RED = {"red": True}
YELLOW = {"yellow": True}


def history_lines(result: HistoryResult) -> Iterable[Line]:
    """The course of the score, what got worse and what is new; what was not recorded, and why."""
    if not result.wanted:
        yield Line("history", "none: --redis-url says where runs are kept")
        return
    if result.trend is not None:
        yield Line("trend", _course(result.trend))
        yield from _changes("worse", result.trend.worse)
        yield from _changes("new", result.trend.new)
    if not result.recorded:
        yield Line("no history", f"this run was not recorded: {printable(result.reason or '')}", YELLOW)
    if result.unreadable:
        yield Line(
            "history",
            f"{plural(len(result.unreadable), 'entry', 'entries')} in Redis cannot be read, left alone",
            YELLOW,
        )


def _course(trend: Trend) -> str:
    now, known = _score(trend.runs[-1]), trend.known
    if trend.previous is None:
        return f"{now}, the first run of its kind on record"
    spread = f"; {_spread(known)} in {plural(len(trend.runs), 'run')}" if known else ""
    return f"{now}, {_score(trend.previous)} before{spread} {sparkline(trend.scores[-WIDTH:])}"


def _spread(scores: Sequence[int]) -> str:
    low, high = min(scores), max(scores)
    return f"{low} to {high}" if low < high else f"always {low}"


def _score(record: Record) -> str:
    return "no score" if record.score is None else str(record.score)


def _changes(word: str, changes: Sequence[Change]) -> Iterable[Line]:
    several = len(changes) > 1
    if several:
        yield Line(word, f"{plural(len(changes), 'rule')}, the gravest first", RED)
    for change in changes[:CHANGES]:
        yield Line("" if several else word, f"{printable(change.rule)}: {_moved(change)}", RED)
    if len(changes) > CHANGES:
        yield Line("", plural(len(changes) - CHANGES, "more rule"), RED)


def _moved(change: Change) -> str:
    before = plural(change.before, "violation")
    if change.now is None:
        return f"unknown, {before} before"
    return f"{before} → {grouped(change.now)}" if change.before else plural(change.now, "violation")


def census_lines(findings: Sequence[Mapping[str, Any]], uncounted: Sequence[tuple[str, str]]) -> Iterable[Line]:
    """The first findings, lost tables before all else, and how many more there are; then what could not be counted."""
    for number, found in enumerate(findings[:FINDINGS]):
        colour = RED if found["severity"] == "high" else YELLOW
        yield Line("" if number else "census", printable(found["text"]), colour)
    if len(findings) > FINDINGS:
        yield Line("", f"and {plural(len(findings) - FINDINGS, 'more', 'more')} (JSON: census.findings)", YELLOW)
    if uncounted:
        table, reason = uncounted[0]
        words = f"{plural(len(uncounted), 'table')} not counted: {printable(table)}: {printable(reason)}"
        yield Line("" if findings else "census", words, YELLOW)


def stale_lines(stale: Stale) -> Iterable[Line]:
    """Which caches may be stale after a fix, and what was done about it."""
    if stale.error is not None:
        yield Line("caches", f"nothing was deleted, or not all: {printable(stale.error)}", YELLOW)
    elif stale.deleted is not None:
        words = f"{plural(stale.deleted, 'key')} deleted under {shown(stale.prefix)}, {grouped(stale.kept)} kept"
        yield Line("caches", words)
    if stale.note and stale.deleted is None:
        cure = f" (delete them: --redis-flush-prefix {shown(stale.prefix)})" if stale.prefix and not stale.error else ""
        yield Line("caches" if stale.error is None else "", f"{printable(stale.note)}{cure}", YELLOW)
