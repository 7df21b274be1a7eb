"""What the query of a metric gave: a number, or numbers by label, inside their bounds or not. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.planning.exact import exact
from pytest_tgintegrity.rules.kinds import Metric

METRIC_ROWS = 1_000
LONGEST = 400
"""Digits of a number that anybody could want to read."""

Number = int | float | Decimal


def measured(answer: Sequence[Sequence[Any]], metric: Metric) -> Any:
    """The number, or the numbers by label, in the rows of a metric's query. Raises `NotEvaluated`."""
    match answer:
        case [[number]]:
            return _number(number)
        case [[_, _], *_] if len(answer) <= METRIC_ROWS:
            return _breakdown(answer)
        case [] if metric.at_least is None and metric.at_most is None:
            return None
    rows = f"more than {METRIC_ROWS}" if len(answer) > METRIC_ROWS else len(answer)
    raise NotEvaluated(
        f"the metric {metric.name} has to give one number, or rows of label and number; it gave {rows} rows"
    )


def out_of_bounds(value: Any, metric: Metric) -> bool:
    """A metric without a value (NULL: nothing to measure) is inside its bounds, as NULL is in a CHECK."""
    numbers = value.values() if isinstance(value, dict) else [value]
    return any(_is_outside(number, metric.at_least, metric.at_most) for number in numbers if number is not None)


def _is_outside(number: Number, least: Any, most: Any) -> bool:
    """Python compares whole numbers, floats and decimals exactly; beside a decimal, a bound is the one that it is written as."""
    if isinstance(number, Decimal):
        least, most = exact(least), exact(most)
    return (least is not None and not number >= least) or (most is not None and not number <= most)


def json_value(value: Any) -> Any:
    """A value as JSON has it: a decimal that no float is written as becomes the nearest one, beside its exact `text_of`."""
    if isinstance(value, dict):
        return {label: json_value(number) for label, number in value.items()}
    return float(value) if isinstance(value, Decimal) else value


def text_of(value: Any) -> Any:
    """The exact text of a value, or of each number by its label."""
    if isinstance(value, dict):
        return {label: text_of(number) for label, number in value.items()}
    number = exact(value)
    if not isinstance(number, Decimal):
        return None if number is None else str(number)
    return format(number, "f").rstrip("0").rstrip(".") if int(number.as_tuple().exponent) < 0 else format(number, "f")


def _breakdown(answer: Sequence[Sequence[Any]]) -> dict[str, Number | None]:
    numbers = {str(label): _number(value) for label, value in answer}
    if len(numbers) < len(answer):
        raise NotEvaluated("it gives a label twice: GROUP BY the label")
    return numbers


def _number(value: Any) -> Number | None:
    """Whole numbers as such, whatever their type; what is a decimal in the database stays one."""
    if value is None or type(value) is int:
        return value
    number = value if isinstance(value, Decimal) else float(value)
    if not (number.is_finite() if isinstance(number, Decimal) else math.isfinite(number)):
        raise NotEvaluated(f"it gave {value}, which is not a number")
    if isinstance(number, float):
        return int(number) if number.is_integer() else number
    if max(number.adjusted(), -int(number.as_tuple().exponent)) > LONGEST:
        raise NotEvaluated(f"it gave a number of more than {LONGEST} digits")
    return int(number) if number == number.to_integral_value() else number
