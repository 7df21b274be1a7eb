"""The last line of a run: what to do next, in one sentence. Never a password: it names options, not their values."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_tgintegrity.reports.document import Report
from pytest_tgintegrity.reports.lines import Line, plural

LONG = 600


def next_lines(report: Report, *, demo: bool) -> Iterable[Line]:
    """What helps most now; nothing where there is nothing to do."""
    text = _harmed(report) or _refused(report) or _fixable(report) or (_own_database(report) if demo else "")
    if text:
        yield Line("next", text)


def _harmed(report: Report) -> str:
    mended = report.mended
    if mended is None or mended.made is None or not mended.harms:
        return ""
    return f"take the fix back with --undo {mended.made.run}, or mend what it harmed"


def _refused(report: Report) -> str:
    """What an owner has to run, as it stands; statements that go on for a page are whole in the JSON report."""
    told = "; ".join(report.grants)
    return told if len(told) <= LONG else f"{told[: LONG - 1]}… (whole as `grants` in the JSON report)"


def _fixable(report: Report) -> str:
    """Only where nobody asked for a plan yet: after a plan stands the command that makes it."""
    if report.mended is not None:
        return ""
    fixable = sum(1 for one in report.rules if one["fixable"] and one["verdict"] == "failed")
    return f"add --fix-plan to see what the safe fixes of {plural(fixable, 'rule')} would change" if fixable else ""


def _own_database(report: Report) -> str:
    if any(one["verdict"] not in ("passed", "noted") for one in report.rules):
        return ""
    return "look at your own database: --db-url=postgresql://… (docs/roles.md: a role that can only read)"
