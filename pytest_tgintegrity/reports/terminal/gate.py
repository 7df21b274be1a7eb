"""The gate's conditions, line by line: those that are not met stand first, with the reason."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_tgintegrity.deployment.gate import Condition, Gate
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.text import printable

NAME = 16


def gate_lines(gate: Gate) -> Iterable[Line]:
    """The decision, then a line for each condition: what was measured, what is required, since when."""
    met = sum(1 for condition in gate.conditions if condition.passed)
    decision = f"{gate.name}: {'open' if gate.passed else 'closed'}, {met} of {len(gate.conditions)} conditions met"
    yield Line("gate", decision, {"green" if gate.passed else "red": True, "bold": True})
    for condition in sorted(gate.conditions, key=lambda condition: condition.passed):
        yield Line("", _condition(condition), {} if condition.passed else {"yellow": True})


def _condition(condition: Condition) -> str:
    since = f", since {condition.since}" if condition.since else ""
    reason = f": {printable(condition.reason)}" if condition.reason else ""
    wanted = f" (required: {condition.required})" if not condition.passed else ""
    return f"{'met' if condition.passed else 'not met':<9}{condition.name:<{NAME}}{printable(condition.measured)}{since}{reason}{wanted}"
