"""The values of options: each converter makes a value of a word, or raises a sentence that says what the option takes. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime

from pytest_tgintegrity.rules.arguments import SHORTEST_TIMEOUT
from pytest_tgintegrity.rules.severity import SEVERITIES, Severity

LONGEST_TIMEOUT = 2_000_000.0
"""In seconds: PostgreSQL counts milliseconds in 31 bits."""
LONGEST_PERIOD = 1_000_000.0
"""In hours: a century."""


def integer(low: int, high: int) -> Callable[[str], int]:
    """A whole number between two others, both allowed."""

    def convert(text: str) -> int:
        number = int(text) if text.lstrip("-").isdecimal() else None
        if number is None or not low <= number <= high:
            raise ValueError(f"it takes a whole number from {low} to {high}")
        return number

    return convert


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def seconds(text: str) -> float:
    """A time limit. Raises `ValueError`."""
    number = _number(text)
    if number is None or not SHORTEST_TIMEOUT <= number <= LONGEST_TIMEOUT:
        raise ValueError("it takes seconds, fractions allowed, at least 0.001 (1 ms)")
    return number


def hours(text: str) -> float:
    """A period. Raises `ValueError`."""
    number = _number(text)
    if number is None or not 0 < number <= LONGEST_PERIOD:
        raise ValueError("it takes hours, such as 24 or 168")
    return number


def severity(text: str) -> Severity:
    """A severity, in whatever case it is written. Raises `ValueError`."""
    for known in SEVERITIES:
        if text.lower() == known:
            return known
    raise ValueError(f"it takes one of {', '.join(SEVERITIES)}")


def one_of(*words: str) -> Callable[[str], str]:
    """One of a few words."""

    def convert(text: str) -> str:
        if text not in words:
            raise ValueError(f"it takes {' or '.join(words)}")
        return text

    return convert


def moment(text: str) -> datetime:
    """A time that says its zone. Raises `ValueError`."""
    with contextlib.suppress(ValueError):
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time
    raise ValueError("it takes a time with its zone, such as 2030-06-30T04:00Z")
