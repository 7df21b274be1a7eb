"""What a rule's test is given: the rows that violate it, counted, with samples."""

from __future__ import annotations

from collections.abc import Callable

from pytest_tgintegrity.verdicts import Measurement, Sample


class Violations:
    """The violations of one rule; falsy when there are none.

    A test that looks at none of `count`, `rate`, `samples` or the truth value has not judged its rule: `looked_at`
    stays False and the verdict is unknown.
    """

    def __init__(self, measurement: Measurement, describe: Callable[[], str]) -> None:
        self._measurement = measurement
        self._describe = describe
        self.looked_at = False

    def _look(self) -> Measurement:
        self.looked_at = True
        return self._measurement

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
        return self.count

    def __repr__(self) -> str:
        """What a person needs to know, as the failure message says it."""
        return self._describe()
