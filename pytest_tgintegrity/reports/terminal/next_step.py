"""The last line of a run: what to do next, in one sentence. Never a password: it names options, not their values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_tgintegrity.judging.summary import RunSummary
from pytest_tgintegrity.reports.lines import Line

LONG = 600


def next_lines(summary: RunSummary, steps: Sequence[str], *, demo: bool) -> Iterable[Line]:
    """The first of the steps that features offer; no line where there is nothing to do."""
    text = next(filter(None, steps), "") or (_own_database(summary) if demo else "")
    if text:
        yield Line("next", text)


def _own_database(summary: RunSummary) -> str:
    if any(rule.verdict not in ("passed", "noted") for rule in summary.rules):
        return ""
    return "look at your own database: --db-url=postgresql://… (docs/roles.md: a role that can only read)"
