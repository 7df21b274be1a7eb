"""Probes and their baseline, line by line and as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_tgintegrity.deployment.probes.statistics import BaselineComparison, Compared, Timed
from pytest_tgintegrity.deployment.probes.timing import Timings
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.text import printable, shown

NAME = 28
RED = {"red": True}
YELLOW = {"yellow": True}


def probe_lines(timings: Timings | None, beside: BaselineComparison | None) -> Iterable[Line]:
    """The median of each probe and how it compares, then the baseline."""
    if timings is not None:
        yield from _timed(timings, beside)
    if beside is None:
        return
    if beside.reason:
        yield Line("baseline", printable(beside.reason), YELLOW)
    elif beside.baseline is not None:
        when = f"{beside.baseline.pinned_at:%Y-%m-%d %H:%M} UTC"
        yield Line("baseline", "pinned by this run" if beside.pinned else f"pinned {when}")
        if timings is None:
            yield from (Line("", _median(name, one)) for name, one in beside.baseline.probes.items())


def _timed(timings: Timings, beside: BaselineComparison | None) -> Iterable[Line]:
    compared = {one.name: one for one in beside.compared} if beside else {}
    told = [_line(_median(name, one), compared.get(name)) for name, one in timings.timed.items()]
    told += [
        Line("", f"{shown(name)}: not timed, {printable(reason)}", YELLOW) for name, reason in timings.failed.items()
    ]
    for number, line in enumerate(told or [Line("", "none was collected", YELLOW)]):
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
