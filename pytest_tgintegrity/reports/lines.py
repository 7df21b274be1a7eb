"""The lines of a summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_tgintegrity.text import printable


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the summary. Of several lines on one subject only the first has the word."""

    word: str
    text: str
    colour: Mapping[str, bool] = field(default_factory=dict)

    def __str__(self) -> str:
        """Word and text in columns."""
        return printable(f"{self.word:<11}{self.text}")
