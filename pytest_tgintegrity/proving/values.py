"""Values to try on columns: next to bounds, extreme, and drawn by hypothesis, which is imported when it is needed."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Literal

DRAWS = 4
FAR = 10_000
INTEGERS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
FRACTIONS = frozenset({"numeric", "float4", "float8"})
TEXTS = frozenset({"text", "varchar", "bpchar", "citext", "name"})
TIMES = frozenset({"date", "timestamp", "timestamptz"})

Family = Literal["number", "text", "bool", "time", "other"]


def family(name: str) -> Family:
    """The family of types that a type belongs to."""
    if name in INTEGERS or name in FRACTIONS:
        return "number"
    if name in TEXTS:
        return "text"
    return "time" if name in TIMES else "bool" if name == "bool" else "other"


@dataclass(frozen=True, slots=True)
class Spread:
    """Values below a range, above it and in it; in each tuple those next to the bounds come first."""

    below: tuple[Any, ...] = ()
    above: tuple[Any, ...] = ()
    inside: tuple[Any, ...] = ()

    @property
    def outside(self) -> tuple[Any, ...]:
        """The nearest value on either side, then the others."""
        return (*self.below[:1], *self.above[:1], *self.below[1:], *self.above[1:])


@functools.cache
def spread(name: str, low: Any, high: Any) -> Spread:
    """Values of a type around the range from `low` to `high`; None leaves a side open."""
    if name in INTEGERS:
        return _integers(INTEGERS[name], _whole(low, math.ceil), _whole(high, math.floor))
    if name in FRACTIONS:
        return _fractions(Decimal if name == "numeric" else float, low, high)
    if name in TIMES:
        step = timedelta(days=1)
        return Spread(tuple(_shifted(low, -step)), tuple(_shifted(high, step)), _known(low, high))
    return Spread()


def _whole(bound: Any, rounded: Callable[[Any], int]) -> int | None:
    """A bound as the next integer within; None where it is no limit."""
    return None if bound is None or not math.isfinite(bound) else rounded(bound)


def _shifted(moment: Any, step: timedelta) -> Iterator[Any]:
    """A moment after or before another, where Python can write it."""
    with contextlib.suppress(OverflowError):
        yield from [] if moment is None else [moment + step]


def _known(*values: Any) -> tuple[Any, ...]:
    return tuple(value for value in values if value is not None)


def _integers(limit: int, low: int | None, high: int | None) -> Spread:
    from hypothesis.strategies import integers

    least, most = -limit, limit - 1
    below: tuple[int, ...] = ()
    above: tuple[int, ...] = ()
    if low is not None and least < low <= most:
        below = (low - 1, least, *drawn(integers(least, low - 1)))
    if high is not None and least <= high < most:
        above = (high + 1, most, *drawn(integers(high + 1, most)))
    first, last = max(least, least if low is None else low), min(most, most if high is None else high)
    within = drawn(integers(first, last)) if first <= last else ()
    return Spread(below, above, (*_known(low, high), *within))


def _fractions(make: Any, low: Any, high: Any) -> Spread:
    from hypothesis.strategies import integers

    below: tuple[Any, ...] = ()
    above: tuple[Any, ...] = ()
    if low is not None and math.isfinite(low):
        least = int(low) - 1
        below = (make(low) - make("0.01"), *map(make, drawn(integers(least - FAR, least))), make("-Infinity"))
    if high is not None and math.isfinite(high):
        most = int(high) + 1
        above = (
            make(high) + make("0.01"),
            *map(make, drawn(integers(most, most + FAR))),
            make("Infinity"),
            make("NaN"),
        )
    return Spread(below, above, tuple(map(make, _known(low, high))))


def disallowed(name: str, allowed: Sequence[Any]) -> tuple[Any, ...]:
    """Values of a type that are not allowed; some differ only a little from allowed ones."""
    if name in TEXTS:
        known = str(allowed[0])
        tried = ["?", known.swapcase(), f" {known}", f"{known}\xa0", "", *drawn_texts()]
        return tuple(value for value in dict.fromkeys(tried) if value.rstrip(" ") not in allowed)
    if name in INTEGERS:
        numbers = {int(value) for value in allowed}
        return tuple(islice(_between_and_beside(numbers), DRAWS * 2))
    if name in FRACTIONS:
        known_numbers = [value for value in map(Decimal, map(str, allowed)) if value.is_finite()]
        return tuple(
            number + step for number in known_numbers for step in (1, -1) if number + step not in known_numbers
        )[:DRAWS]
    return ()


def _between_and_beside(numbers: AbstractSet[int]) -> Iterator[int]:
    """The numbers just outside, then those between; there may be very many."""
    least, most = min(numbers), max(numbers)
    yield from (most + 1, least - 1)
    yield from (number for number in range(least, most) if number not in numbers)


@functools.cache
def drawn_texts() -> tuple[str, ...]:
    """Short texts of any letters."""
    from hypothesis.strategies import characters, text

    return drawn(text(characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8))


def extremes(name: str) -> tuple[Any, ...]:
    """Values of a type at its limits, which a condition may have forgotten."""
    if name in INTEGERS:
        return (-1, INTEGERS[name] - 1, -INTEGERS[name], 0, None)
    if name in FRACTIONS:
        return (-1, FAR, -FAR, 0, None)
    if name in TEXTS:
        return ("", "?", " ", "x" * 100, None)
    return (True, False, None) if name == "bool" else (None,)


def drawn(strategy: Any) -> tuple[Any, ...]:
    """A few different values of a hypothesis strategy, the same ones every time."""
    from hypothesis import HealthCheck, Phase, given, settings

    values: dict[Any, None] = {}
    once = settings(
        max_examples=DRAWS,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @once
    @given(strategy)
    def draw(value: Any) -> None:
        values[value] = None

    draw()
    return tuple(values)
