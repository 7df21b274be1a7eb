"""Sequences in parts: chunks of a size, or halves, as in a search for the item that is to blame. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in chunks of `size`; the last may be shorter."""
    return (items[start : start + size] for start in range(0, len(items), size))


def halves(items: Sequence[T]) -> tuple[Sequence[T], ...]:
    """The first and the second half of the items; a single one stays whole."""
    middle = (len(items) + 1) // 2
    return tuple(half for half in (items[:middle], items[middle:]) if half)
