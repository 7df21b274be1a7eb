"""What a feature of a run reports: its parts of the JSON report, and its lines of the summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_tgintegrity.reports.lines import Line


@dataclass(frozen=True, slots=True)
class Section:
    """`document` goes into the JSON report; `first` stands above all else, `lines` follow the score, `decisions` stand at the end of the summary.

    `alone`: nothing else is shown on the terminal, since no rule was judged. `appendix` is text under a title of its own, after
    the summary; it is given pytest's verbosity. `step` is what the user might do next; of several the first is shown.
    """

    document: Mapping[str, Any] = field(default_factory=dict)
    lines: Sequence[Line] = ()
    first: Sequence[Line] = ()
    decisions: Sequence[Line] = ()
    alone: bool = False
    title: str = ""
    appendix: Callable[[int], Iterable[str]] | None = None
    step: str = ""
