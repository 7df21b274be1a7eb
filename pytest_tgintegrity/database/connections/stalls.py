"""Protection from a network that goes silent: we wait for an answer little longer than the server may take."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from pytest_tgintegrity.planning.sql.encoding import sql_bytes

T = TypeVar("T")
R = TypeVar("R")

LITTLE_SECONDS = 10.0
"""The most that a question to the catalogs takes."""
LONG_SECONDS = 600.0
"""How long we wait for a statement that the server does not limit."""

GRACE_SECONDS = 5.0
"""What is granted to the network beyond the time that the server may take."""


class Stalled(Exception):
    """Nothing has come for longer than the server may take."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for any byte of an answer (`silence`), and for all answers of a pipeline (`total`)."""

    silence: float
    total: float

    @classmethod
    def for_statements(cls, seconds: float, count: float = math.inf) -> Patience:
        """For `count` statements with a limit of so many seconds each, with some grace."""
        return cls(seconds + GRACE_SECONDS, seconds * count + GRACE_SECONDS)

    @classmethod
    def without_limit(cls) -> Patience:
        """For a statement that the server does not limit."""
        return cls.for_statements(LONG_SECONDS, 1)


def watched(waiting: Generator[Any, Any, T], patience: Patience) -> Generator[Any, Any, T]:
    """Wait for psycopg's generator, step by step, as long as `patience` allows. Raises `Stalled`."""
    began = heard = time.monotonic()
    try:
        state = next(waiting)
        while True:
            ready = yield state
            now = time.monotonic()
            heard = now if ready else heard
            if now - heard > patience.silence or now - began > patience.total:
                raise Stalled(f"silent for {now - heard:.0f} s, waited for {now - began:.0f} s")
            state = waiting.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result


class PatientConnection(psycopg.Connection[R]):
    """A connection that waits for a silent network only as long as its `patience`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patience = Patience.for_statements(LITTLE_SECONDS, 1)

    def execute(self, query: Any, params: Any = None, **more: Any) -> psycopg.Cursor[R]:
        """As in psycopg, but names may hold any bytes."""
        sent = sql_bytes(query, self) if isinstance(query, sql.Composable) else query
        return super().execute(sent, params, **more)

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        """As in psycopg, which sends everything from here. Raises `psycopg.OperationalError` when that takes too long."""
        try:
            return super().wait(watched(gen, self.patience), *args, **kwargs)
        except Stalled as error:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"the server cannot be heard any more, {error}") from None
