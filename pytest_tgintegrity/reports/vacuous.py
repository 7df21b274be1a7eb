"""Rules that held since there was nothing to look at, where there ought to have been.

Most rules without rows are as they should be: a table that nobody has filled, a period without a visit. Rows were expected
of a whole look (no ``--period``, no ``--scope``) where one of two things is known:

- the newest comparable run in the history that judged the rule found rows for it;
- the rule's own source gave none, although other scans of this very run found rows in every table that it reads: a join
  whose parts are filled and do not meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_tgintegrity.reports.lines import Line, grouped, plural, printable

if TYPE_CHECKING:
    from pytest_tgintegrity.reports.document import Report
    from pytest_tgintegrity.scanning import Scanned

FEW = 6
TABLES = 3
YELLOW = {"yellow": True}


def rows_expected(report: Report) -> list[dict[str, str]]:
    """Each such rule, and why rows were expected."""
    if report.run.period_hours is not None or report.run.scopes or not report.vacuous:
        return []
    trend = report.remembered.trend if report.remembered else None
    before = trend.emptied if trend else {}
    counts = largest(report.scans)
    own = {rule: one.source for one in report.scans for rule in one.measurements}
    sources = {one["id"]: one["sources"] for one in report.rules}
    found = []
    for rule in report.vacuous:
        if rule in before:
            found.append({"rule": rule, "why": f"there were rows in the run of {before[rule]:%Y-%m-%d %H:%M} UTC"})
        elif rule in own and not counts.get(own[rule]) and _filled(sources.get(rule, ()), counts):
            found.append({"rule": rule, "why": f"{_told(sources[rule], counts)}, and {own[rule]} has none"})
    return found


def largest(scans: Iterable[Scanned]) -> dict[str, int]:
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


def vacuous_lines(found: Sequence[Mapping[str, Any]]) -> Iterable[Line]:
    """A short section of the summary."""
    for number, one in enumerate(found[:FEW]):
        text = f"{printable(one['rule'])}: nothing to look at, but {printable(one['why'])}"
        yield Line("" if number else "no rows", text, YELLOW)
    if len(found) > FEW:
        yield Line("", f"{grouped(len(found) - FEW)} more: `rows_expected` of the JSON report", YELLOW)
