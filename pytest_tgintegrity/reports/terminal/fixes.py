"""What fixes would write, wrote or took back, line by line; and the runs of the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pytest_tgintegrity.fixing.changes import Change
from pytest_tgintegrity.fixing.commands import Command
from pytest_tgintegrity.fixing.results import Applied, FixResult, PastRun, Skipped, Undone
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.rules.severity import SEVERITIES
from pytest_tgintegrity.text import CELL, grouped, plural, printable, shown

RULES = 12
LEFT = 8
YELLOW = {"yellow": True}
RED = {"red": True}
REPORT = "all in the JSON report (--json-report)"
NOTHING = "nothing to mend: no violated rule has a safe fix that would change a row"


def fix_lines(
    fix_result: FixResult, command: Command | None = None, severities: Mapping[str, str] | None = None
) -> Iterable[Line]:
    """The plan by rule, its first changes, how to make them, what was made, and what needs a person."""
    yield from _plan(fix_result)
    yield from _noted(fix_result, severities or {})
    if command is not None:
        yield Line("apply", command.text)
        if command.hint:
            yield Line("", command.hint)
    if fix_result.applied is not None:
        yield from applied_lines(fix_result.applied, "fixed")
    if fix_result.unseen:
        yield Line("not seen", printable(fix_result.unseen), RED)
    yield from _harmed(fix_result)
    yield from _for_people(fix_result)


def _harmed(fix_result: FixResult) -> Iterable[Line]:
    """The rules that held before rows were written and do not now, and how to take the fix back."""
    if fix_result.harms and fix_result.applied is not None:
        rules = plural(len(fix_result.harms), "rule")
        yield Line(
            "harmed", f"{rules} held before this fix, not now: take it back with --undo {fix_result.applied.run}", RED
        )
        yield from _some(fix_result.harms)


def _plan(fix_result: FixResult) -> Iterable[Line]:
    if fix_result.failed:
        yield Line("fix plan", printable(fix_result.failed), RED)
        return
    if not fix_result.count:
        yield Line("fix plan", "nothing planned" if fix_result.noted_fixes else NOTHING)
        return
    tables = len({table for _, table in fix_result.counts})
    where = printable(str(fix_result.file))
    yield Line(
        "fix plan",
        f"{fix_result.plan}: {plural(fix_result.count, 'change')} in {plural(tables, 'table')}, all in {where}",
    )
    totals: Counter[str] = Counter()
    for (rule, _), count in fix_result.counts.items():
        totals[rule] += count
    ordered = totals.most_common()
    for rule, total in ordered[:RULES]:
        yield Line("", f"{printable(rule)}: {plural(total, 'row')}")
        yield from _changes(fix_result, rule, total)
    if rest := ordered[RULES:]:
        changes = plural(sum(total for _, total in rest), "change")
        yield Line("", f"{plural(len(rest), 'more rule')}, {changes}: all in {_file(fix_result)}")
    if fix_result.unforeseen:
        rules = plural(len(fix_result.unforeseen), "rule")
        yield Line("", f"what becomes of {rules} cannot be foreseen, only the look after the fix tells:", YELLOW)
        yield from _some(fix_result.unforeseen)


def _changes(fix_result: FixResult, rule: str, total: int) -> Iterable[Line]:
    """The changes of a rule that are shown, and where the others are."""
    listed = [change for change in fix_result.shown if rule in change.rules]
    yield from (Line("", f"  {change_text(change)}") for change in listed)
    if total > len(listed):
        more = f"and {grouped(total - len(listed))} more" if listed else f"all {grouped(total)}"
        yield Line("", f"  … {more} in {_file(fix_result)}")


def _file(fix_result: FixResult) -> str:
    return printable(fix_result.file.name) if fix_result.file else "its file"


def _noted(fix_result: FixResult, severities: Mapping[str, str]) -> Iterable[Line]:
    """Rules whose fixes were left out since their violations fail nothing, and how to choose them."""
    if not fix_result.noted_fixes:
        return
    yield Line("", noted_text(fix_result.noted_fixes, severities), YELLOW)
    yield from _some(fix_result.noted_fixes)


def _some(rules: Sequence[str]) -> Iterable[Line]:
    """The first rules, and how many more."""
    yield from (Line("", f"  {printable(rule)}", YELLOW) for rule in rules[:RULES])
    if len(rules) > RULES:
        yield Line("", f"  … and {grouped(len(rules) - RULES)} more, {REPORT}", YELLOW)


def noted_text(rules: Sequence[str], severities: Mapping[str, str]) -> str:
    """How many rules are only noted but have a fix, and the severity that chooses them all."""
    chosen = max((_rank(severities.get(rule)) for rule in rules), default=len(SEVERITIES) - 1)
    verb, them = ("has", "it") if len(rules) == 1 else ("have", "them")
    return f"{plural(len(rules), 'noted rule')} {verb} a safe fix: choose {them} with --fail-on {SEVERITIES[chosen]}"


def _rank(severity: str | None) -> int:
    return next((n for n, known in enumerate(SEVERITIES) if known == severity), len(SEVERITIES) - 1)


def change_text(change: Change) -> str:
    """Table, key, and what becomes of the columns."""
    place = f"{printable(change.table.removeprefix('public.'))} {_pairs(change.key)}".rstrip()
    if not (change.key or change.before or change.after):
        return place
    if change.op == "update":
        columns = (f"{printable(c)} {_from_to(change.before[c], new)}" for c, new in change.after.items())
        return f"{place}: {', '.join(columns)}"
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
    return " → ".join("NULL" if value is None else shown(f"…{value[cut:]}") for value in (before, after))


def _pairs(row: Mapping[str, str | None]) -> str:
    return ", ".join(f"{printable(name)} {shown(value)}" for name, value in row.items())


def applied_lines(applied: Applied, verb: str) -> Iterable[Line]:
    """What was written, in which run of the journal, and what was left."""
    if applied.run is not None:
        yield Line(
            verb, f"{plural(applied.rows, 'row')}, journalled as run {applied.run} (take back: --undo {applied.run})"
        )
    elif applied.skipped or applied.stopped:
        yield Line(verb, "nothing", YELLOW)
    if applied.followed:
        yield Line("", f"{plural(applied.followed, 'more row')} changed with them, journalled too")
    if applied.stopped:
        yield Line("stopped", printable(applied.stopped), RED)
    yield from _left(applied.shown_skipped)


def _left(left: list[Skipped]) -> Iterable[Line]:
    for number, skipped in enumerate(left[:LEFT]):
        yield Line("" if number else "left", f"{change_text(skipped.change)}: {printable(skipped.reason)}", YELLOW)
    if len(left) > LEFT:
        yield Line("", f"{plural(len(left) - LEFT, 'more change')} left, {REPORT}", YELLOW)


def _for_people(fix_result: FixResult) -> Iterable[Line]:
    for number, rule in enumerate(fix_result.needs_person[:RULES]):
        text = f"{printable(rule.rule)}: {plural(rule.violations, 'violation')}: {printable(rule.reason)}"
        yield Line("" if number else "by hand", text, YELLOW)
    if len(fix_result.needs_person) > RULES:
        yield Line("", f"{plural(len(fix_result.needs_person) - RULES, 'more rule')}, {REPORT}", YELLOW)


def undone_lines(undone: Undone) -> Iterable[Line]:
    """What an undo took back, and what it could not."""
    yield Line("undo", f"of run {undone.run}")
    yield from applied_lines(undone.applied, "undone")
    if undone.older and not undone.applied.rows:
        yield Line("older", f"the run before it is {undone.older} (take back: --undo {undone.older})")


def journal_lines(runs: Iterable[PastRun]) -> Iterable[Line]:
    """The runs of the journal, newest first."""
    listed = list(runs)
    if not listed:
        yield Line("history", "nothing was ever fixed here")
    for run in listed:
        state = "" if run.finished_at else ", not finished"
        partly = f"partly ({plural(run.standing, 'row')} left) " if run.standing else ""
        undone = f", {partly}undone by {run.undone_by}" if run.undone_by else ""
        of = f" of {run.undoes}" if run.undoes else ""
        what = f"{plural(run.rows, 'row')} in {plural(run.tables, 'table')}"
        yield Line(run.kind, f"{run.id}{of}, {run.started_at:%Y-%m-%d %H:%M} by {shown(run.by)}: {what}{undone}{state}")
