"""Time probes, each sample beside one of the yardstick: those that read on the snapshot, those that write to no effect."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from pytest_tgintegrity.errors import TgIntegrityError
from pytest_tgintegrity.performance import ENOUGH, Timed, timed
from pytest_tgintegrity.probes import Probe
from pytest_tgintegrity.rehearsal import Rehearsal
from pytest_tgintegrity.server_errors import exception

YARDSTICK = "SELECT sum(number) FROM generate_series(1, 3000) AS number"
WARM_UP = 5
MOST = 500
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
        return {**{name: one.to_json() for name, one in self.timed.items()}, **errors}


@dataclass(frozen=True, slots=True)
class Stage:
    """Where probes are timed: `reading` gives a read-only connection, `rehearsing` one that keeps nothing.

    `quote` says whether what the server says of a row may be told.
    """

    reading: Callable[[], AbstractContextManager[Any]]
    rehearsing: Callable[[], Rehearsal]
    quote: bool = True

    @contextmanager
    def taking(self, probe: Probe) -> Iterator[Callable[[], Pair]]:
        """Something that takes a sample each time it is called."""
        if probe.writes:
            with self.rehearsing() as rehearsal:
                yield lambda: _rehearsed(probe, rehearsal)
        else:
            with self.reading() as connection:
                yield lambda: (_seconds(probe.call, connection), _seconds(_yardstick, connection))


def _rehearsed(probe: Probe, rehearsal: Rehearsal) -> Pair:
    """What is deferred to the commit is part of what people wait for. The yardstick goes first: it needs none of the locks."""

    def written(connection: Any) -> None:
        probe.call(connection)
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with rehearsal.transaction() as connection:
        yardstick = _seconds(_yardstick, connection)
        return _seconds(written, connection), yardstick


def time_probes(probes: Iterable[Probe], stage: Stage, server: str) -> Timings:
    """Time each probe on a connection of its own; one that raises is told with its reason."""
    found: dict[str, Timed] = {}
    failed: dict[str, str] = {}
    for probe in probes:
        try:
            with stage.taking(probe) as take:
                found[probe.name] = timed(_samples(take), server, platform.node(), writes=probe.writes)
        except TgIntegrityError as error:
            failed[probe.name] = str(error)
        except Exception as error:  # noqa: BLE001 - a probe is anybody's code
            failed[probe.name] = exception(error, quote=stage.quote)
    return Timings(found, failed)


def _samples(take: Callable[[], Pair]) -> list[Pair]:
    """At least `ENOUGH` and for `SECONDS`, unless patience ends."""
    for _ in range(WARM_UP):
        take()
    pairs: list[Pair] = []
    began = perf_counter()
    while (passed := perf_counter() - began) < PATIENCE and len(pairs) < MOST:
        if len(pairs) >= ENOUGH and passed >= SECONDS:
            break
        pairs.append(take())
    return pairs


def _yardstick(connection: Any) -> None:
    connection.execute(YARDSTICK).fetchall()


def _seconds(what: Callable[[Any], object], connection: Any) -> float:
    began = perf_counter()
    what(connection)
    return perf_counter() - began
