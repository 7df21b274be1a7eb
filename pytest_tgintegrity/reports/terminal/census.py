"""What became of tables and columns, in the summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.text import plural, printable

WORD = "census"
LISTED = 5
RED = {"red": True}
YELLOW = {"yellow": True}


def census_lines(findings: Sequence[Mapping[str, Any]], uncounted: Sequence[tuple[str, str]]) -> Iterable[Line]:
    """The first findings, lost tables before all else, and how many more there are; then what could not be counted."""
    for number, found in enumerate(findings[:LISTED]):
        colour = RED if found["severity"] == "high" else YELLOW
        yield Line("" if number else WORD, printable(found["text"]), colour)
    if len(findings) > LISTED:
        yield Line("", f"and {plural(len(findings) - LISTED, 'more', 'more')} (JSON: census.findings)", YELLOW)
    if uncounted:
        table, reason = uncounted[0]
        words = f"{plural(len(uncounted), 'table')} not counted: {printable(table)}: {printable(reason)}"
        yield Line("" if findings else WORD, words, YELLOW)
