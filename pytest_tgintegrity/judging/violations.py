"""What a rule's test is given: the rows that violate it, counted, with samples."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType

from pytest_tgintegrity.judging.verdicts import Measurement, Sample
from pytest_tgintegrity.rules.bodies import decides

FRAMES = 12
"""How many callers are searched for a reader of the violations: the test, its helper, and what stands between them."""


class Violations:
    """The violations of one rule; falsy when there are none.

    A test that looks at none of `count`, `rate`, `samples` or the truth value has not judged its rule: `looked_at`
    stays False and the verdict is unknown. The verdict is unknown too if there are violations and nothing that read them
    let them decide whether the test fails (`decided`).
    """

    def __init__(self, measurement: Measurement, describe: Callable[[], str]) -> None:
        self._measurement = measurement
        self._describe = describe
        self._readers: dict[CodeType, set[str]] = {}
        self.looked_at = False

    def _look(self) -> Measurement:
        self.looked_at = True
        if self._measurement.violations:
            for frame in _callers(sys._getframe(2)):  # noqa: SLF001 - the documented way to a caller
                names = {name for name, value in frame.f_locals.items() if value is self}
                if names:
                    self._readers.setdefault(frame.f_code, set()).update(names)
        return self._measurement

    @property
    def decided(self) -> bool:
        """Whether somebody who read the violations let them decide if the test fails."""
        return any(decides(code, names) for code, names in self._readers.items())

    @property
    def count(self) -> int:
        """How many rows violate the rule, all of them counted."""
        return self._look().violations

    @property
    def examined(self) -> int | None:
        """How many rows were looked at; None for queries and metrics, which cannot say."""
        return self._measurement.examined

    @property
    def rate(self) -> float:
        """Violations per row examined, 0 to 1; 0 where nothing was examined."""
        return self._look().violations / self._measurement.examined if self._measurement.examined else 0.0

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The first offending rows in key order."""
        return self._look().samples

    @property
    def value(self) -> object:
        """The number of a metric (or its labelled numbers)."""
        return self._look().value

    def __bool__(self) -> bool:
        """Whether anything violates the rule."""
        return self._look().violations > 0

    def __len__(self) -> int:
        """As `count`."""
        return self._look().violations

    def __repr__(self) -> str:
        """What a person needs to know, as the failure message says it."""
        return self._describe()


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame and some of those above it."""
    for _ in range(FRAMES):
        if frame is None:
            return
        yield frame
        frame = frame.f_back
