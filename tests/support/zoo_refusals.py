"""What the manual says of refusals over the zoo: each reason, and in how many situations it is the answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from zoo_outcomes import told_of

MANUAL: Final = Path(__file__).parents[2] / "docs" / "fixing.md"
HEADING: Final = "## Refused over the zoo"
_NUMBERED: Final = re.compile(r"\b((?:public|t|tr|r|f|log|fk|child|parent|c|k|p)[._a-z]*_\d+(?:_\w+)*)\b")
_ROW: Final = re.compile(r"\| (\w[\w ]*) \| (update|delete) \| (\d+) \| (.+) \|")

Counts = Mapping[tuple[str, str, str], int]
"""Situations by what they are about, how it is fixed, and the reason."""


def counted(what: str, way: str, found: Mapping[str, str]) -> Counts:
    """The reasons among outcomes, with the names of tables left out."""
    reasons = Counter(_general(line.partition(" - ")[2]) for line in told_of(found))
    return {(what, way, reason): count for reason, count in reasons.items()}


def _general(reason: str) -> str:
    return _NUMBERED.sub("…", reason.replace("|", "/")).replace("public.…", "…")


def lines(counts: Counts) -> Iterable[str]:
    """The rows of the manual's table."""
    return (f"| {what} | {way} | {count} | {reason} |" for (what, way, reason), count in sorted(counts.items()))


def listed(what: str, way: str) -> Counts:
    """What the manual lists of some situations."""
    text = MANUAL.read_text(encoding="utf-8").partition(HEADING)[2]
    rows = (row.groups() for row in map(_ROW.fullmatch, text.splitlines()) if row is not None)
    return {(one, fix, reason): int(n) for one, fix, n, reason in rows if (one, fix) == (what, way)}
