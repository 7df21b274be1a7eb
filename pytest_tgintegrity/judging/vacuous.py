"""Rules that held since there was nothing to look at, where there ought to have been.

Most rules without rows are as they should be: a table that nobody has filled, a period without a visit. Rows were expected
of a whole look (no ``--period``, no ``--scope``) where one of two things is known:

- the newest comparable run in the history that judged the rule found rows for it;
- the rule's own source gave none, although other scans of this very run found rows in every table that it reads: a join
  whose parts are filled and do not meet. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pytest_tgintegrity.judging.summary import RunSummary, ScanFacts
from pytest_tgintegrity.text import plural

TABLES = 3


def rows_expected(told: RunSummary, before: Mapping[str, datetime]) -> list[dict[str, str]]:
    """Each such rule, and why rows were expected; `before` says when rules that have none now had some."""
    if told.run.period_hours is not None or told.run.scopes or not told.vacuous:
        return []
    counts = largest_sources(told.scans)
    own = {rule: scan.source for scan in told.scans for rule in scan.rules}
    sources = {rule.id: rule.sources for rule in told.rules}
    found = []
    for rule in told.vacuous:
        if rule in before:
            found.append({"rule": rule, "why": f"there were rows in the run of {before[rule]:%Y-%m-%d %H:%M} UTC"})
        elif rule in own and not counts.get(own[rule]) and _filled(sources.get(rule, ()), counts):
            found.append({"rule": rule, "why": f"{_told(sources[rule], counts)}, and {own[rule]} has none"})
    return found


def largest_sources(scans: Iterable[ScanFacts]) -> dict[str, int]:
    """The most rows that any scan found in each source."""
    found: dict[str, int] = {}
    for scan in scans:
        if scan.rows is not None:
            found[scan.source] = max(found.get(scan.source, 0), scan.rows)
    return found


def _filled(tables: Sequence[str], counts: Mapping[str, int]) -> bool:
    return bool(tables) and all(counts.get(one) for one in tables)


def _told(tables: Sequence[str], counts: Mapping[str, int]) -> str:
    listed = ", ".join(f"{one} has {plural(counts[one], 'row')}" for one in tables[:TABLES])
    return f"{listed} and so on" if len(tables) > TABLES else listed
