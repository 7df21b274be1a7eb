"""Time probes on the snapshot, each sample beside one of the yardstick."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from pytest_tgintegrity.performance import ENOUGH, Timed, timed

YARDSTICK = "SELECT sum(number) FROM generate_series(1, 3000) AS number"
WARM_UP = 5
MOST = 500
SECONDS = 1.0
PATIENCE = 20.0

Probe = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Timings:
    """The probes that were timed, and why others were not."""

    timed: Mapping[str, Timed] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The `probes` part of a report or a record: by name, numbers or an error."""
        errors = {name: {"error": reason} for name, reason in self.failed.items()}
        return {**{name: one.to_json() for name, one in self.timed.items()}, **errors}


def time_probes(
    probes: Mapping[str, Probe], connect: Callable[[], AbstractContextManager[Any]], server: str
) -> Timings:
    """Time each probe on a connection of its own; one that raises is told with its reason."""
    found: dict[str, Timed] = {}
    failed: dict[str, str] = {}
    for name, probe in probes.items():
        try:
            with connect() as connection:
                found[name] = timed(_samples(probe, connection), server, platform.node())
        except Exception as error:  # noqa: BLE001 - a probe is anybody's code
            failed[name] = f"{type(error).__name__}: {error}".partition("\n")[0]
    return Timings(found, failed)


def _samples(probe: Probe, connection: Any) -> list[tuple[float, float]]:
    """Pairs of seconds: at least `ENOUGH` and for `SECONDS`, unless patience ends."""
    for _ in range(WARM_UP):
        _pair(probe, connection)
    pairs: list[tuple[float, float]] = []
    began = perf_counter()
    while (passed := perf_counter() - began) < PATIENCE and len(pairs) < MOST:
        if len(pairs) >= ENOUGH and passed >= SECONDS:
            break
        pairs.append(_pair(probe, connection))
    return pairs


def _pair(probe: Probe, connection: Any) -> tuple[float, float]:
    return _seconds(probe, connection), _seconds(_yardstick, connection)


def _yardstick(connection: Any) -> None:
    connection.execute(YARDSTICK).fetchall()


def _seconds(what: Probe, connection: Any) -> float:
    began = perf_counter()
    what(connection)
    return perf_counter() - began
