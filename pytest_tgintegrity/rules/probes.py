"""Declare performance probes: functions that do what people often wait for, timed by ``--probe``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pytest_tgintegrity.errors import DeclarationError

Probing = Literal["reads", "writes"]
"""Which probes are timed: those that only read, or also those that write."""
Function = TypeVar("Function", bound=Callable[..., object])

ATTRIBUTE = "__tgintegrity_probe__"


@dataclass(frozen=True, slots=True)
class Probe:
    """A function under the name by which it is told; `writes` if it changes something."""

    name: str
    call: Callable[[Any], object]
    writes: bool = False


def probe(name: str, *, writes: bool = False) -> Callable[[Function], Function]:
    """Time the function under this name: it is called again and again with a read-only connection on the snapshot.

    Write it in a file that pytest collects, but call it as no test is called:
    ``@probe("character sheet")`` ``def character_sheet(db): db.execute("SELECT …").fetchall()``.
    With `writes` it is called under ``--probe-writes`` only, each time in a transaction that is rolled back.
    """
    if not isinstance(name, str) or not name.strip():  # type: ignore[redundant-expr] # @probe without a name
        raise DeclarationError('a probe has a name: @probe("character sheet")')

    def declare(function: Function) -> Function:
        setattr(function, ATTRIBUTE, Probe(name.strip(), function, writes))
        return function

    return declare


def probe_of(function: Any) -> Probe | None:
    """What is declared of a function; None if it is no probe."""
    declared = getattr(function, ATTRIBUTE, None)
    return declared if isinstance(declared, Probe) else None
