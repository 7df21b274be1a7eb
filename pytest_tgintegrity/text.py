"""How values, counts and foreign text are written for people."""

from __future__ import annotations

import re

CELL = 40
_COMMAND = re.compile(r"^(\s*):(?=:)|#(?=#(?:\[|vso\[))", re.MULTILINE)
"""Commands in a log that a CI obeys: ``::error`` at the beginning of a line, ``##[error]`` and ``##vso[…]`` anywhere."""


def shown(value: object) -> str:
    """A value in one line that cannot steer a terminal, cut to a width that leaves room for others."""
    safe = "NULL" if value is None else printable(str(value))
    return safe if len(safe) <= CELL else f"{safe[: CELL - 1]}…"


def printable(text: str) -> str:
    """Text in one line that can steer neither a terminal nor a CI: control characters are shown as Python would write them.

    All foreign text passes here before it is printed: what the server says, rows, docstrings, hints, names.
    """
    escaped = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return _COMMAND.sub(lambda command: f"{command[1] or ''}\\x{ord(command[0][-1]):x}", escaped)


def printable_lines(text: str) -> str:
    """Like `printable`, but line breaks and tabs stay: for text that we laid out ourselves."""
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def grouped(number: int) -> str:
    """A number with thin groups of three digits."""
    return f"{number:,}".replace(",", " ")


def plural(count: int, singular: str, several: str | None = None) -> str:
    """``1 row``, ``2 rows``."""
    return f"{grouped(count)} {singular if count == 1 else several or singular + 's'}"
