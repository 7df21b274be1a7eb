"""Rules that held since there was nothing to look at, where there ought to have been. Pure.

Most rules without rows are as they should be: a table that nobody has filled, a period without a visit. Rows were expected
of a whole look (no ``--period``, no ``--scope``) where one of two things is known:

- the newest comparable run in the history that judged the rule found rows for it;
- the rule's own source gave none, although other scans of this very run found rows in every table that it reads: a join
  whose parts are filled and do not meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pytest_tgintegrity.judging.summary import RunSummary, ScanFacts
from pytest_tgintegrity.text import plural

TABLES = 3


def rows_expected(summary: RunSummary, before: Mapping[str, datetime]) -> list[dict[str, str]]:
    """The rules without rows that should have had some, each with the reason; `before` says when such rules last had rows."""
    if summary.run.period_hours is not None or summary.run.scopes or not summary.vacuous:
        return []
    counts = largest_sources(summary.scans)
    own = {rule: scan.source for scan in summary.scans for rule in scan.rules}
    sources = {rule.id: rule.sources for rule in summary.rules}
    expected = []
    for rule in summary.vacuous:
        if rule in before:
            expected.append({"rule": rule, "why": f"there were rows in the run of {before[rule]:%Y-%m-%d %H:%M} UTC"})
        elif rule in own and not counts.get(own[rule]) and _filled(sources.get(rule, ()), counts):
            expected.append({"rule": rule, "why": f"{_row_counts(sources[rule], counts)}, and {own[rule]} has none"})
    return expected


def largest_sources(scans: Iterable[ScanFacts]) -> dict[str, int]:
    """The most rows that any scan found in each source."""
    largest: dict[str, int] = {}
    for scan in scans:
        if scan.rows is not None:
            largest[scan.source] = max(largest.get(scan.source, 0), scan.rows)
    return largest


def _filled(tables: Sequence[str], counts: Mapping[str, int]) -> bool:
    return bool(tables) and all(counts.get(table) for table in tables)


def _row_counts(tables: Sequence[str], counts: Mapping[str, int]) -> str:
    listed = ", ".join(f"{table} has {plural(counts[table], 'row')}" for table in tables[:TABLES])
    return f"{listed} and so on" if len(tables) > TABLES else listed
