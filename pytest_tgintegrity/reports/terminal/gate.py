"""The gate's conditions, line by line: those that are not met stand first, with the reason."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_tgintegrity.deployment.gate import Condition, Gate
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.text import printable

NAME = 16


def gate_lines(gate: Gate) -> Iterable[Line]:
    """The decision, then a line for each condition: what was measured, what is required, since when."""
    met = sum(1 for one in gate.conditions if one.passed)
    told = f"{gate.name}: {'open' if gate.passed else 'closed'}, {met} of {len(gate.conditions)} conditions met"
    yield Line("gate", told, {"green" if gate.passed else "red": True, "bold": True})
    for one in sorted(gate.conditions, key=lambda one: one.passed):
        yield Line("", _told(one), {} if one.passed else {"yellow": True})


def _told(one: Condition) -> str:
    since = f", since {one.since}" if one.since else ""
    reason = f": {printable(one.reason)}" if one.reason else ""
    wanted = f" (required: {one.required})" if not one.passed else ""
    return f"{'met' if one.passed else 'not met':<9}{one.name:<{NAME}}{printable(one.measured)}{since}{reason}{wanted}"
