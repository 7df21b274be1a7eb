"""Probes and their baseline, line by line."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_tgintegrity.deployment.probes.statistics import BaselineComparison, Compared, Timed
from pytest_tgintegrity.deployment.probes.timing import Timings
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.text import printable, shown

NAME = 28
RED = {"red": True}
YELLOW = {"yellow": True}


def probe_lines(timings: Timings | None, comparison: BaselineComparison | None) -> Iterable[Line]:
    """The median of each probe and how it compares, then the baseline."""
    if timings is not None:
        yield from _timed(timings, comparison)
    if comparison is None:
        return
    if comparison.reason:
        yield Line("baseline", printable(comparison.reason), YELLOW)
    elif comparison.baseline is not None:
        when = f"{comparison.baseline.pinned_at:%Y-%m-%d %H:%M} UTC"
        yield Line("baseline", "pinned by this run" if comparison.pinned else f"pinned {when}")
        if timings is None:
            yield from (Line("", _median(name, timed)) for name, timed in comparison.baseline.probes.items())


def _timed(timings: Timings, comparison: BaselineComparison | None) -> Iterable[Line]:
    compared = {probe.name: probe for probe in comparison.compared} if comparison else {}
    lines = [_line(_median(name, timed), compared.get(name)) for name, timed in timings.timed.items()]
    lines += [
        Line("", f"{shown(name)}: not timed, {printable(reason)}", YELLOW) for name, reason in timings.failed.items()
    ]
    for number, line in enumerate(lines or [Line("", "none was collected", YELLOW)]):
        yield Line("" if number else "probes", line.text, line.colour)


def _median(name: str, timed: Timed) -> str:
    return f"{shown(name):<{NAME}}{timed.seconds * 1000:.2f} ms{', rolled back' if timed.writes else ''}"


def _line(text: str, compared: Compared | None) -> Line:
    if compared is None:
        return Line("", text)
    if compared.ratio is None:
        return Line("", f"{text}, {printable(compared.doubt or '')}", YELLOW)
    degraded = ", degraded" if compared.degraded else ""
    ratio = f"{compared.ratio:.2f} ({compared.low:.2f} to {compared.high:.2f}) of the baseline"
    return Line("", f"{text}, {ratio}{degraded}", RED if compared.degraded else {})
