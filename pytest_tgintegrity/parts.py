"""Sequences in parts: so many at a time, or in halves, as when the one that is to blame is looked for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items, so many at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def halves(items: Sequence[T]) -> tuple[Sequence[T], ...]:
    """The first and the second half of the items; a single one stays whole."""
    middle = (len(items) + 1) // 2
    return tuple(half for half in (items[:middle], items[middle:]) if half)
