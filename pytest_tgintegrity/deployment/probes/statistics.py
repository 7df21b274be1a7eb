"""Compare timings with a baseline; a probe is called slower only if that is certain. Pure.

Beside each sample of a probe a sample of a yardstick is taken, a statement that reads no table. What slows down the whole
machine slows down both, so that their ratio stays the same. The ratio is that of the lower quartiles: other work on the
machine spoils only the slower samples, while slower code has no quick samples at all. Intervals are computed from order
statistics, so that no distribution is assumed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import accumulate
from statistics import median
from typing import Any

VERSION = 2
EPOCH, END = 1970, 9000
"""Years between which a time must lie, so that days can be added to it."""
ENOUGH = 30
SLOWER = 1.10
QUICKER = 0.25
LEAST, MOST = 1e-12, 1e12
"""Limits of what can have been measured, be it seconds or a ratio to the yardstick."""
DOUBT = 0.01
"""The probability that a quartile lies outside its interval. A comparison uses four intervals."""


@dataclass(frozen=True, slots=True)
class Timed:
    """The samples of a probe in short.

    `seconds` is their median. `relative` is the quartile of the probe divided by that of the yardstick, `low` and `high`
    are its interval. `server` answered, `host` asked. `writes` says that the probe writes, so that it was timed in
    transactions that were rolled back.
    """

    seconds: float
    relative: float
    low: float
    high: float
    samples: int
    server: str = ""
    host: str = ""
    writes: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for a report, a record or a baseline."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Timed | None:
        """The inverse of `to_json`; None for a document that `to_json` cannot have made."""
        try:
            seconds, relative, low, high = (float(document[name]) for name in ("seconds", "relative", "low", "high"))
            origin = int(document["samples"]), str(document["server"]), str(document["host"])
            writes = bool(document.get("writes", False))
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        sound = all(LEAST < number < MOST for number in (seconds, relative, low, high)) and 0 < origin[0] < MOST
        return cls(seconds, relative, low, high, *origin, writes) if sound else None


def timed(pairs: Sequence[tuple[float, float]], server: str = "", host: str = "", *, writes: bool = False) -> Timed:
    """Sum up samples, at least one: each is the seconds of the probe and of the yardstick beside it."""
    probes, yardsticks = (sorted(seconds) for seconds in zip(*pairs, strict=True))
    (low, high), (least, most) = interval(probes), interval(yardsticks)
    quartile = int((len(pairs) - 1) * QUICKER)
    relative = probes[quartile] / yardsticks[quartile]
    return Timed(median(probes), relative, low / most, high / least, len(pairs), server, host, writes)


def interval(ordered: Sequence[float]) -> tuple[float, float]:
    """The two of the ordered samples between which the true lower quartile lies, with a probability of 1 - `DOUBT`."""
    count = len(ordered)
    below = [math.comb(count, k) * QUICKER**k * (1 - QUICKER) ** (count - k) for k in range(count + 1)]
    return ordered[_unlikely(below)], ordered[count - 1 - _unlikely(reversed(below))]


def _unlikely(chances: Iterable[float]) -> int:
    """How many samples at one end lie beyond the quartile, with a probability of error of half of `DOUBT`."""
    return max(sum(total <= DOUBT / 2 for total in accumulate(chances)) - 1, 0)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Timings that later ones are compared with, and when they were pinned."""

    pinned_at: datetime
    probes: Mapping[str, Timed]

    def to_json(self) -> str:
        """One line of JSON that says its version."""
        probes = {name: timing.to_json() for name, timing in self.probes.items()}
        return json.dumps({"version": VERSION, "pinned_at": self.pinned_at.isoformat(), "probes": probes})

    @classmethod
    def from_json(cls, text: str) -> Baseline | None:
        """The inverse of `to_json`; None for a text, or the timing of a probe in it, that `to_json` cannot have made."""
        try:
            document = json.loads(text)
            pinned_at = datetime.fromisoformat(document["pinned_at"])
            probes = {name: Timed.from_json(timing) for name, timing in document["probes"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        sound = {name: timing for name, timing in probes.items() if timing is not None}
        dated = pinned_at.tzinfo is not None and EPOCH < pinned_at.year < END
        readable = document.get("version") == VERSION and dated and len(sound) == len(probes)
        return cls(pinned_at, sound) if readable and sound else None


@dataclass(frozen=True, slots=True)
class Compared:
    """A probe compared with its baseline.

    `ratio` is its time divided by that of the baseline, `low` and `high` are the interval of that ratio. `doubt` says why
    they are not known.
    """

    name: str
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    doubt: str | None = None

    @property
    def degraded(self) -> bool:
        """Whether it is certainly slower by more than 10 %."""
        return self.low is not None and self.low > SLOWER


def compare(today: Mapping[str, Timed], baseline: Mapping[str, Timed]) -> list[Compared]:
    """Compare each probe that was timed or pinned with its baseline."""
    names = [*today, *(name for name in baseline if name not in today)]
    return [_compared(name, today.get(name), baseline.get(name)) for name in names]


def _compared(name: str, now: Timed | None, then: Timed | None) -> Compared:
    if now is None:
        hint = " (it writes: --probe-writes)" if then and then.writes else ""
        return Compared(name, doubt=f"it is in the baseline, but was not timed{hint}")
    if then is None:
        return Compared(name, doubt="it is not in the baseline: pin it")
    if now.writes != then.writes:
        return Compared(name, doubt=f"it did {'not ' * now.writes}write when the baseline was pinned: pin it again")
    if min(now.samples, then.samples) < ENOUGH:
        return Compared(name, doubt=f"too few samples: {min(now.samples, then.samples)} of {ENOUGH}")
    if now.server != then.server:
        return Compared(name, doubt=f"the baseline is of {then.server}, this is {now.server}: pin it again")
    return Compared(name, now.relative / then.relative, now.low / then.high, now.high / then.low)


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """The probes compared with the pinned baseline.

    `pinned` says that this run pinned it; `reason` says why there is no comparison.
    """

    baseline: Baseline | None = None
    pinned: bool = False
    reason: str | None = None
    compared: tuple[Compared, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The `baseline` part of the report."""
        return {
            "pinned_at": self.baseline.pinned_at.isoformat() if self.baseline else None,
            "pinned": self.pinned,
            "reason": self.reason,
            "probes": [{**asdict(comparison), "degraded": comparison.degraded} for comparison in self.compared],
        }
