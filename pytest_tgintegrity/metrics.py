"""What the query of a metric gave: a number, or numbers by label, inside their bounds or not. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.kinds import Metric

METRIC_ROWS = 1_000


def measured(answer: Sequence[Sequence[Any]], metric: Metric) -> Any:
    """The number, or the numbers by label, in the rows of a metric's query. Raises `NotEvaluated`."""
    match answer:
        case [[number]]:
            return _number(number)
        case [[_, _], *_] if len(answer) <= METRIC_ROWS:
            return _breakdown(answer)
        case [] if metric.at_least is None and metric.at_most is None:
            return None
    found = f"more than {METRIC_ROWS}" if len(answer) > METRIC_ROWS else len(answer)
    raise NotEvaluated(
        f"the metric {metric.name} has to give one number, or rows of label and number; it gave {found} rows"
    )


def out_of_bounds(value: Any, metric: Metric) -> bool:
    """A metric without a value (NULL: nothing to measure) is inside its bounds, as NULL is in a CHECK."""
    numbers = value.values() if isinstance(value, dict) else [value]
    return any(
        (metric.at_least is not None and not number >= metric.at_least)
        or (metric.at_most is not None and not number <= metric.at_most)
        for number in numbers
        if number is not None
    )


def _breakdown(answer: Sequence[Sequence[Any]]) -> dict[str, int | float | None]:
    found = {str(label): _number(value) for label, value in answer}
    if len(found) < len(answer):
        raise NotEvaluated("it gives a label twice: GROUP BY the label")
    return found


def _number(value: Any) -> int | float | None:
    if value is None:
        return None
    number = float(value)
    if not math.isfinite(number):
        raise NotEvaluated(f"it gave {value}, which is not a number")
    return int(number) if number.is_integer() else number
