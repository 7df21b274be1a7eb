"""How values, counts and the lines of a summary are written for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CELL = 40


def shown(value: object) -> str:
    """A value in one line that cannot steer a terminal, cut to a width that leaves room for others."""
    safe = "NULL" if value is None else printable(str(value))
    return safe if len(safe) <= CELL else f"{safe[: CELL - 1]}…"


def printable(text: str) -> str:
    """Text that cannot steer a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def grouped(number: int) -> str:
    """A number with thin groups of three digits."""
    return f"{number:,}".replace(",", " ")


def plural(count: int, one: str, many: str | None = None) -> str:
    """``1 row``, ``2 rows``."""
    return f"{grouped(count)} {one if count == 1 else many or one + 's'}"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the summary; the first of several on one subject begins with its word."""

    word: str
    text: str
    colour: Mapping[str, bool] = field(default_factory=dict)

    def __str__(self) -> str:
        """Word and text in columns."""
        return f"{self.word:<11}{self.text}"
