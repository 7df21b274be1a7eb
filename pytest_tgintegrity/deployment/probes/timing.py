"""Time probes: beside each sample of a probe, the yardstick is timed.

Probes that read are timed on the snapshot, probes that write in transactions that are rolled back.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from pytest_tgintegrity.database.messages.server_errors import exception
from pytest_tgintegrity.deployment.probes.rehearsal import Rehearsal
from pytest_tgintegrity.deployment.probes.statistics import ENOUGH, Timed, timed
from pytest_tgintegrity.errors import TgIntegrityError
from pytest_tgintegrity.rules.probes import Probe

YARDSTICK = "SELECT sum(number) FROM generate_series(1, 3000) AS number"
WARM_UP = 5
MOST_SAMPLES = 500
SECONDS = 1.0
PATIENCE = 20.0

Pair = tuple[float, float]
"""Seconds of a probe, and of the yardstick beside it."""


@dataclass(frozen=True, slots=True)
class Timings:
    """The probes that were timed, and why others were not."""

    timed: Mapping[str, Timed] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The `probes` part of a report or a record: by name, numbers or an error."""
        errors = {name: {"error": reason} for name, reason in self.failed.items()}
        return {**{name: timing.to_json() for name, timing in self.timed.items()}, **errors}


@dataclass(frozen=True, slots=True)
class ProbeConnections:
    """Where probes are timed: `reading` opens a read-only connection, `rehearsing` one on which all is rolled back.

    `quote` says whether a reason may hold what the server says of a row.
    """

    reading: Callable[[], AbstractContextManager[Any]]
    rehearsing: Callable[[], Rehearsal]
    quote: bool = True

    @contextmanager
    def taking(self, probe: Probe) -> Iterator[Callable[[], Pair]]:
        """A function that takes a sample each time it is called."""
        if probe.writes:
            with self.rehearsing() as rehearsal:
                yield lambda: _rehearsed(probe, rehearsal)
        else:
            with self.reading() as connection:
                yield lambda: (_seconds(probe.call, connection), _seconds(_yardstick, connection))


def _rehearsed(probe: Probe, rehearsal: Rehearsal) -> Pair:
    """A sample of a probe that writes.

    People also wait for what is deferred to the commit, so that it is timed, too. The yardstick goes first, as long as no
    locks are held.
    """

    def write(connection: Any) -> None:
        probe.call(connection)
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with rehearsal.transaction() as connection:
        yardstick = _seconds(_yardstick, connection)
        return _seconds(write, connection), yardstick


def time_probes(probes: Iterable[Probe], connections: ProbeConnections, server: str) -> Timings:
    """Time each probe on a connection of its own; the reason of a probe that raises is kept."""
    timings: dict[str, Timed] = {}
    failed: dict[str, str] = {}
    for probe in probes:
        try:
            with connections.taking(probe) as take:
                timings[probe.name] = timed(_samples(take), server, platform.node(), writes=probe.writes)
        except TgIntegrityError as error:
            failed[probe.name] = str(error)
        except Exception as error:  # noqa: BLE001 - a probe is anybody's code
            failed[probe.name] = exception(error, quote=connections.quote)
    return Timings(timings, failed)


def _samples(take: Callable[[], Pair]) -> list[Pair]:
    """At least `ENOUGH` samples, taken for at least `SECONDS`, unless `PATIENCE` or `MOST_SAMPLES` ends it before."""
    for _ in range(WARM_UP):
        take()
    pairs: list[Pair] = []
    began = perf_counter()
    while (passed := perf_counter() - began) < PATIENCE and len(pairs) < MOST_SAMPLES:
        if len(pairs) >= ENOUGH and passed >= SECONDS:
            break
        pairs.append(take())
    return pairs


def _yardstick(connection: Any) -> None:
    connection.execute(YARDSTICK).fetchall()


def _seconds(call: Callable[[Any], object], connection: Any) -> float:
    began = perf_counter()
    call(connection)
    return perf_counter() - began
