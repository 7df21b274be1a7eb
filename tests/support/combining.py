"""Values of parameters, put together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any


def combinations(function: Callable[..., None]) -> Iterator[dict[str, Any]]:
    """What a test is parametrized with, each time."""
    marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
    for chosen in itertools.product(*(list(_values(*mark.args)) for mark in marks)):
        yield {name: value for one in chosen for name, value in one.items()}


def _values(names: Any, sets: Any) -> Iterator[dict[str, Any]]:
    listed = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
    for one in sets:
        found = one.values if hasattr(one, "marks") else one if len(listed) > 1 else [one]
        yield dict(zip(listed, found, strict=True))
