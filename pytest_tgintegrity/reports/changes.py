"""What fixes would write, wrote or took back, line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from pytest_tgintegrity.changes import Change
from pytest_tgintegrity.mended import Left, Made, Mended, PastRun, Undone
from pytest_tgintegrity.reports.lines import Line, plural, printable, shown

RULES = 12
LEFT = 8
YELLOW = {"yellow": True}


def mended_lines(mended: Mended) -> Iterable[Line]:
    """The plan by rule, its first changes, what was made of it, and what needs a person."""
    yield from _plan(mended)
    if mended.made is not None:
        yield from made_lines(mended.made, "fixed")
    yield from _for_people(mended)


def _plan(mended: Mended) -> Iterable[Line]:
    if not mended.count:
        yield Line("fix plan", "nothing to mend: no violated rule has a safe fix that would change a row")
        return
    tables = len({table for _, table in mended.counts})
    yield Line(
        "fix plan",
        f"{mended.plan}: {plural(mended.count, 'change')} in {plural(tables, 'table')}, all in {mended.file}",
    )
    totals: Counter[str] = Counter()
    for (rule, _), count in mended.counts.items():
        totals[rule] += count
    for rule, total in totals.most_common(RULES):
        yield Line("", f"{printable(rule)}: {plural(total, 'row')}")
        yield from (Line("", f"  {change_text(one)}") for one in mended.shown if one.rules[0] == rule)


def change_text(change: Change) -> str:
    """Table, key, and what becomes of the columns."""
    place = f"{shown(change.table.removeprefix('public.'))} {_pairs(change.key)}".rstrip()
    if change.op == "update":
        told = ", ".join(f"{shown(c)} {shown(change.before[c])} → {shown(v)}" for c, v in change.after.items())
        return f"{place}: {told}"
    return f"{place}: deleted" if change.op == "delete" else f"{place}: new row, {_pairs(change.after)}"


def _pairs(row: Mapping[str, str | None]) -> str:
    return ", ".join(f"{shown(name)} {shown(value)}" for name, value in row.items())


def made_lines(made: Made, verb: str) -> Iterable[Line]:
    """What was written, in which run of the journal, and what was left."""
    if made.run is None:
        return
    yield Line(verb, f"{plural(made.rows, 'row')}, journalled as run {made.run} (take back: --undo {made.run})")
    if made.stopped:
        yield Line("stopped", printable(made.stopped), {"red": True})
    yield from _left(made.left)


def _left(left: list[Left]) -> Iterable[Line]:
    for number, one in enumerate(left[:LEFT]):
        yield Line("" if number else "left", f"{change_text(one.change)}: {printable(one.reason)}", YELLOW)
    if len(left) > LEFT:
        yield Line("", f"{plural(len(left) - LEFT, 'more change')} left, all in the JSON report", YELLOW)


def _for_people(mended: Mended) -> Iterable[Line]:
    for number, one in enumerate(mended.unmended[:RULES]):
        text = f"{printable(one.rule)}: {plural(one.violations, 'violation')}: {printable(one.reason)}"
        yield Line("" if number else "by hand", text, YELLOW)
    if len(mended.unmended) > RULES:
        yield Line("", f"{plural(len(mended.unmended) - RULES, 'more rule')}, all in the JSON report", YELLOW)


def undone_lines(undone: Undone) -> Iterable[Line]:
    """What an undo took back, and what it could not."""
    yield Line("undo", f"of run {undone.run}")
    yield from made_lines(undone.made, "undone")


def history_lines(runs: Iterable[PastRun]) -> Iterable[Line]:
    """The runs of the journal, newest first."""
    found = list(runs)
    if not found:
        yield Line("history", "nothing was ever fixed here")
    for one in found:
        state = "" if one.finished_at else ", not finished"
        undone = f", undone by {one.undone_by}" if one.undone_by else ""
        of = f" of {one.undoes}" if one.undoes else ""
        what = f"{plural(one.rows, 'row')} in {plural(one.tables, 'table')}"
        yield Line(one.kind, f"{one.id}{of}, {one.started_at:%Y-%m-%d %H:%M} by {shown(one.by)}: {what}{undone}{state}")
