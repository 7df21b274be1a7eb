"""What fixes would write, wrote or took back, line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pytest_tgintegrity.changes import Change
from pytest_tgintegrity.commands import Command
from pytest_tgintegrity.mended import Left, Made, Mended, PastRun, Undone
from pytest_tgintegrity.reports.lines import CELL, Line, grouped, plural, printable, shown
from pytest_tgintegrity.rules import SEVERITIES

RULES = 12
LEFT = 8
YELLOW = {"yellow": True}
RED = {"red": True}
RED = {"red": True}
REPORT = "all in the JSON report (--json-report)"
NOTHING = "nothing to mend: no violated rule has a safe fix that would change a row"


def mended_lines(
    mended: Mended, command: Command | None = None, severities: Mapping[str, str] | None = None
) -> Iterable[Line]:
    """The plan by rule, its first changes, how to make them, what was made, and what needs a person."""
    yield from _plan(mended)
    yield from _noted(mended, severities or {})
    if command is not None:
        yield Line("apply", command.text)
        if command.hint:
            yield Line("", command.hint)
    if mended.made is not None:
        yield from made_lines(mended.made, "fixed")
    if mended.blind:
        yield Line("not seen", printable(mended.blind), RED)
    yield from _harmed(mended)
    yield from _for_people(mended)


def _harmed(mended: Mended) -> Iterable[Line]:
    """The rules that held before rows were written, and how to have it as it was."""
    if mended.harms and mended.made is not None:
        rules = plural(len(mended.harms), "rule")
        yield Line("harmed", f"{rules} held before this fix, not now: take it back with --undo {mended.made.run}", RED)
        yield from _some(mended.harms)


def _plan(mended: Mended) -> Iterable[Line]:
    if mended.failed:
        yield Line("fix plan", printable(mended.failed), RED)
        return
    if not mended.count:
        yield Line("fix plan", "nothing planned" if mended.noted_fixes else NOTHING)
        return
    tables = len({table for _, table in mended.counts})
    where = printable(str(mended.file))
    yield Line(
        "fix plan", f"{mended.plan}: {plural(mended.count, 'change')} in {plural(tables, 'table')}, all in {where}"
    )
    totals: Counter[str] = Counter()
    for (rule, _), count in mended.counts.items():
        totals[rule] += count
    ordered = totals.most_common()
    for rule, total in ordered[:RULES]:
        yield Line("", f"{printable(rule)}: {plural(total, 'row')}")
        yield from _changes(mended, rule, total)
    if rest := ordered[RULES:]:
        changes = plural(sum(total for _, total in rest), "change")
        yield Line("", f"{plural(len(rest), 'more rule')}, {changes}: all in {_file(mended)}")
    if mended.unforeseen:
        rules = plural(len(mended.unforeseen), "rule")
        yield Line("", f"what becomes of {rules} cannot be foreseen, only the look after the fix tells:", YELLOW)
        yield from _some(mended.unforeseen)


def _changes(mended: Mended, rule: str, total: int) -> Iterable[Line]:
    """What is shown of the changes of a rule, and where the others are."""
    found = [one for one in mended.shown if rule in one.rules]
    yield from (Line("", f"  {change_text(one)}") for one in found)
    if total > len(found):
        more = f"and {grouped(total - len(found))} more" if found else f"all {grouped(total)}"
        yield Line("", f"  … {more} in {_file(mended)}")


def _file(mended: Mended) -> str:
    return printable(mended.file.name) if mended.file else "its file"


def _noted(mended: Mended, severities: Mapping[str, str]) -> Iterable[Line]:
    """Rules whose fixes were left out since their violations fail nothing, and how to choose them."""
    if not mended.noted_fixes:
        return
    yield Line("", noted_text(mended.noted_fixes, severities), YELLOW)
    yield from _some(mended.noted_fixes)


def _some(rules: Sequence[str]) -> Iterable[Line]:
    """The first rules, and how many more."""
    yield from (Line("", f"  {printable(rule)}", YELLOW) for rule in rules[:RULES])
    if len(rules) > RULES:
        yield Line("", f"  … and {grouped(len(rules) - RULES)} more, {REPORT}", YELLOW)


def noted_text(rules: Sequence[str], severities: Mapping[str, str]) -> str:
    """How many rules are only noted but have a fix, and the severity that chooses them all."""
    chosen = max((_rank(severities.get(one)) for one in rules), default=len(SEVERITIES) - 1)
    verb, them = ("has", "it") if len(rules) == 1 else ("have", "them")
    return f"{plural(len(rules), 'noted rule')} {verb} a safe fix: choose {them} with --fail-on {SEVERITIES[chosen]}"


def _rank(severity: str | None) -> int:
    return next((n for n, one in enumerate(SEVERITIES) if one == severity), len(SEVERITIES) - 1)


def change_text(change: Change) -> str:
    """Table, key, and what becomes of the columns."""
    place = f"{printable(change.table.removeprefix('public.'))} {_pairs(change.key)}".rstrip()
    if not (change.key or change.before or change.after):
        return place
    if change.op == "update":
        told = (f"{printable(c)} {_from_to(change.before[c], new)}" for c, new in change.after.items())
        return f"{place}: {', '.join(told)}"
    return f"{place}: deleted" if change.op == "delete" else f"{place}: new row, {_pairs(change.after)}"


def _from_to(before: str | None, after: str | None) -> str:
    """Both values, cut so that the first difference is seen."""
    old, new = before or "", after or ""
    same = next(
        (n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new))
    )
    if same < CELL // 2 or max(len(old), len(new)) <= CELL:
        return f"{shown(before)} → {shown(after)}"
    cut = same - CELL // 4
    return " → ".join("NULL" if one is None else shown(f"…{one[cut:]}") for one in (before, after))


def _pairs(row: Mapping[str, str | None]) -> str:
    return ", ".join(f"{printable(name)} {shown(value)}" for name, value in row.items())


def made_lines(made: Made, verb: str) -> Iterable[Line]:
    """What was written, in which run of the journal, and what was left."""
    if made.run is not None:
        yield Line(verb, f"{plural(made.rows, 'row')}, journalled as run {made.run} (take back: --undo {made.run})")
    elif made.left or made.stopped:
        yield Line(verb, "nothing", YELLOW)
    if made.followed:
        yield Line("", f"{plural(made.followed, 'more row')} changed with them, journalled too")
    if made.stopped:
        yield Line("stopped", printable(made.stopped), RED)
    yield from _left(made.told)


def _left(left: list[Left]) -> Iterable[Line]:
    for number, one in enumerate(left[:LEFT]):
        yield Line("" if number else "left", f"{change_text(one.change)}: {printable(one.reason)}", YELLOW)
    if len(left) > LEFT:
        yield Line("", f"{plural(len(left) - LEFT, 'more change')} left, {REPORT}", YELLOW)


def _for_people(mended: Mended) -> Iterable[Line]:
    for number, one in enumerate(mended.unmended[:RULES]):
        text = f"{printable(one.rule)}: {plural(one.violations, 'violation')}: {printable(one.reason)}"
        yield Line("" if number else "by hand", text, YELLOW)
    if len(mended.unmended) > RULES:
        yield Line("", f"{plural(len(mended.unmended) - RULES, 'more rule')}, {REPORT}", YELLOW)


def undone_lines(undone: Undone) -> Iterable[Line]:
    """What an undo took back, and what it could not."""
    yield Line("undo", f"of run {undone.run}")
    yield from made_lines(undone.made, "undone")
    if undone.older and not undone.made.rows:
        yield Line("older", f"the run before it is {undone.older} (take back: --undo {undone.older})")


def history_lines(runs: Iterable[PastRun]) -> Iterable[Line]:
    """The runs of the journal, newest first."""
    found = list(runs)
    if not found:
        yield Line("history", "nothing was ever fixed here")
    for one in found:
        state = "" if one.finished_at else ", not finished"
        partly = f"partly ({plural(one.standing, 'row')} left) " if one.standing else ""
        undone = f", {partly}undone by {one.undone_by}" if one.undone_by else ""
        of = f" of {one.undoes}" if one.undoes else ""
        what = f"{plural(one.rows, 'row')} in {plural(one.tables, 'table')}"
        yield Line(one.kind, f"{one.id}{of}, {one.started_at:%Y-%m-%d %H:%M} by {shown(one.by)}: {what}{undone}{state}")


def _undone(run: PastRun) -> str:
    """Whether a run was taken back: nothing of it stands, or some of its rows."""
    if run.undone_by is None or run.standing == run.rows:
        return ""
    rest = f"{grouped(run.standing)} of {plural(run.rows, 'row')} left" if run.standing else ""
    return f", partly undone by {run.undone_by} ({rest})" if rest else f", undone by {run.undone_by}"
