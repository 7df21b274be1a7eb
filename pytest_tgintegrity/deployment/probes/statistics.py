"""Compare timings with a baseline: slower only if it is certain. Pure.

Each sample of a probe is taken next to one of a yardstick, a statement that reads no table: what slows down the whole
machine slows down both, and their ratio stays. It is that of their lower quartiles: what else is done on the machine
spoils the slower samples, and slower code has no quick ones. Intervals are of order statistics: no distribution is assumed.
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
"""Years between which a time can be, with room for what is added to it."""
ENOUGH = 30
SLOWER = 1.10
QUICKER = 0.25
LEAST, MOST = 1e-12, 1e12
"""What can have been measured: seconds, or how many times those of a yardstick."""
DOUBT = 0.01
"""How likely a quartile may lie outside of its interval. Four of them make a comparison."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A probe's samples in short: median seconds; the quartile in yardsticks with its interval; what answered whom.

    `writes` is of the probe: whether it was timed in transactions that were rolled back.
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
        """For a report, a record or a baseline."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Timed | None:
        """The inverse of `to_json`; None if it is nothing of ours."""
        try:
            seconds, relative, low, high = (float(document[name]) for name in ("seconds", "relative", "low", "high"))
            about = int(document["samples"]), str(document["server"]), str(document["host"])
            writes = bool(document.get("writes", False))
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        sound = all(LEAST < one < MOST for one in (seconds, relative, low, high)) and 0 < about[0] < MOST
        return cls(seconds, relative, low, high, *about, writes) if sound else None


def timed(pairs: Sequence[tuple[float, float]], server: str = "", host: str = "", *, writes: bool = False) -> Timed:
    """Sum up samples: seconds of the probe, and of the yardstick beside it. There is at least one."""
    probes, yardsticks = (sorted(seconds) for seconds in zip(*pairs, strict=True))
    (low, high), (least, most) = interval(probes), interval(yardsticks)
    place = int((len(pairs) - 1) * QUICKER)
    relative = probes[place] / yardsticks[place]
    return Timed(median(probes), relative, low / most, high / least, len(pairs), server, host, writes)


def interval(ordered: Sequence[float]) -> tuple[float, float]:
    """Between which of the ordered samples the true lower quartile lies, but for `DOUBT`."""
    count = len(ordered)
    below = [math.comb(count, k) * QUICKER**k * (1 - QUICKER) ** (count - k) for k in range(count + 1)]
    return ordered[_unlikely(below)], ordered[count - 1 - _unlikely(reversed(below))]


def _unlikely(chances: Iterable[float]) -> int:
    """How many samples at one end are beyond the quartile, but for half of the doubt."""
    return max(sum(total <= DOUBT / 2 for total in accumulate(chances)) - 1, 0)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Timings that later ones are compared with, and when they were pinned."""

    pinned_at: datetime
    probes: Mapping[str, Timed]

    def to_json(self) -> str:
        """One line of JSON that says its version."""
        probes = {name: one.to_json() for name, one in self.probes.items()}
        return json.dumps({"version": VERSION, "pinned_at": self.pinned_at.isoformat(), "probes": probes})

    @classmethod
    def from_json(cls, text: str) -> Baseline | None:
        """The inverse of `to_json`; None if it is no baseline of ours, or any of its probes is not."""
        try:
            document = json.loads(text)
            pinned_at = datetime.fromisoformat(document["pinned_at"])
            probes = {name: Timed.from_json(one) for name, one in document["probes"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        sound = {name: one for name, one in probes.items() if one is not None}
        dated = pinned_at.tzinfo is not None and EPOCH < pinned_at.year < END
        readable = document.get("version") == VERSION and dated and len(sound) == len(probes)
        return cls(pinned_at, sound) if readable and sound else None


@dataclass(frozen=True, slots=True)
class Compared:
    """A probe beside its baseline: how many times as slow, and between what; `doubt` says why that is not known."""

    name: str
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    doubt: str | None = None

    @property
    def degraded(self) -> bool:
        """Whether it is slower by more than 10 %, beyond doubt."""
        return self.low is not None and self.low > SLOWER


def compare(today: Mapping[str, Timed], baseline: Mapping[str, Timed]) -> list[Compared]:
    """Each probe that was timed or pinned, beside its baseline."""
    names = [*today, *(name for name in baseline if name not in today)]
    return [_compared(name, today.get(name), baseline.get(name)) for name in names]


def _compared(name: str, now: Timed | None, then: Timed | None) -> Compared:
    if now is None:
        cure = " (it writes: --probe-writes)" if then and then.writes else ""
        return Compared(name, doubt=f"it is in the baseline, but was not timed{cure}")
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
    """The baseline that is pinned, or was just now, and the probes beside it; `reason` says why there is none."""

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
            "probes": [{**asdict(one), "degraded": one.degraded} for one in self.compared],
        }
