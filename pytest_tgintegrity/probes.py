"""Declare performance probes: functions that read what people often wait for, timed by ``--probe``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pytest_tgintegrity.errors import DeclarationError

Function = TypeVar("Function", bound=Callable[..., object])

ATTRIBUTE = "__tgintegrity_probe__"


def probe(name: str) -> Callable[[Function], Function]:
    """Time the function under this name: it is called again and again with a read-only connection on the snapshot.

    Write it in a file that pytest collects, but call it as no test is called:
    ``@probe("character sheet")`` ``def character_sheet(db): db.execute("SELECT …").fetchall()``.
    """
    if not isinstance(name, str) or not name.strip():  # type: ignore[redundant-expr] # @probe without a name
        raise DeclarationError('a probe has a name: @probe("character sheet")')

    def declare(function: Function) -> Function:
        setattr(function, ATTRIBUTE, name.strip())
        return function

    return declare


def probe_name(function: Any) -> str | None:
    """The name under which a function is timed; None if it is no probe."""
    found = getattr(function, ATTRIBUTE, None)
    return found if isinstance(found, str) else None
