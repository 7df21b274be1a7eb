"""Past runs, in Redis: the only place that talks to it.

Each database has a stream of its own, to which every run adds one entry: concurrent runs lose nothing of each other. It is
capped and expires. Nothing is retried: a run waits seconds for its history, no longer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from pytest_tgintegrity.errors import HistoryLost
from pytest_tgintegrity.records import Foreign, Record
from pytest_tgintegrity.redis_url import RedisAddress, parse_redis_url

OWN = "tgintegrity:"
PREFIX = f"{OWN}history:"
BASELINE = f"{OWN}baseline:"
FIELD = "record"
CAP = 2_000
LIFE = timedelta(days=400)
TIMEOUT = 3.0
PAGE = 200
SLACK = timedelta(days=1)
"""Entries are numbered by the clock of Redis, which may not be ours."""
GLOB = str.maketrans({char: f"\\{char}" for char in "*?[]\\"})


@dataclass(frozen=True, slots=True)
class Past:
    """The records of past runs, oldest first, and how many entries were none that we can read."""

    records: tuple[Record, ...]
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class Flushed:
    """How many keys were deleted, and how many of that prefix were kept."""

    deleted: int
    kept: int


def records(url: str, identity: str, since: datetime | None = None) -> list[Record]:
    """The runs on a database that began at or after `since`, oldest first. Raises `HistoryLost`."""
    return list(read(parse_redis_url(url), identity, since).records)


def read(address: RedisAddress, identity: str, since: datetime | None = None, limit: int = CAP) -> Past:
    """The newest `limit` runs on a database, and what else lies among them. Raises `HistoryLost`."""
    found: list[Record] = []
    foreign = 0
    with _client(address) as client:
        for _, entry in islice(_entries(client, PREFIX + identity, since), limit):
            try:
                record = Record.from_json(_text(entry.get(FIELD.encode(), b"")))
            except Foreign:
                foreign += 1
                continue
            if record.identity == identity and (since is None or record.started_at >= since):
                found.append(record)
    return Past(tuple(sorted(found, key=lambda one: (one.started_at, one.run))), foreign)


def append(address: RedisAddress, record: Record) -> None:
    """Add a run; it is kept for as long as there are not too many after it. Raises `HistoryLost`."""
    key = PREFIX + record.identity
    with _client(address) as client, client.pipeline(transaction=False) as pipeline:
        pipeline.xadd(key, {FIELD: record.to_json()}, maxlen=CAP, approximate=True)
        pipeline.expire(key, LIFE)
        pipeline.execute()


def pin(address: RedisAddress, identity: str, baseline: str) -> None:
    """Keep a baseline in place of the one before it, for good. Raises `HistoryLost`."""
    with _client(address) as client:
        client.set(BASELINE + identity, baseline)


def pinned(address: RedisAddress, identity: str) -> str | None:
    """The baseline of a database, if there is one. Raises `HistoryLost`."""
    with _client(address) as client:
        found: bytes | None = client.get(BASELINE + identity)
    return None if found is None else _text(found)


def flush(address: RedisAddress, prefix: str, keep: Sequence[str]) -> Flushed:
    """Delete all keys of a prefix but those that match a pattern of `keep`, and our own. Raises `HistoryLost`."""
    deleted, kept = 0, 0
    with _client(address) as client:
        keys: Iterator[bytes] = client.scan_iter(match=f"{prefix.translate(GLOB)}*", count=1_000)
        while some := list(islice(keys, PAGE)):
            going = [key for key in some if not _is_kept(_text(key), keep)]
            kept += len(some) - len(going)
            deleted += client.unlink(*going) if going else 0
    return Flushed(deleted, kept)


def _is_kept(key: str, patterns: Iterable[str]) -> bool:
    return key.startswith(OWN) or any(fnmatchcase(key, one) for one in patterns)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _entries(client: Any, key: str, since: datetime | None) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
    """Newest first, a page at a time, so that no single answer takes long."""
    oldest = "-" if since is None else str(max(0, int((since - SLACK).timestamp() * 1000)))
    newest = "+"
    while page := client.xrevrange(key, max=newest, min=oldest, count=PAGE):
        yield from page
        newest = f"({page[-1][0].decode()}"


@contextlib.contextmanager
def _client(address: RedisAddress) -> Iterator[Any]:
    """A client that gives up after seconds, and whose complaints become one sentence without secrets."""
    import redis  # noqa: PLC0415 - it takes a tenth of a second, which runs without a history do not have to wait
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.exceptions import RedisClusterException  # noqa: PLC0415 - no RedisError, of all things
    from redis.retry import Retry  # noqa: PLC0415

    wanted = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "retry": Retry(NoBackoff(), 0)}
    make: Any = redis.RedisCluster.from_url if address.cluster else redis.Redis.from_url
    try:
        with contextlib.closing(make(address.url, **wanted)) as client:
            yield client
    except (redis.RedisError, RedisClusterException, OSError, ValueError) as error:
        raise HistoryLost(f"Redis at {address.shown} {address.secrets.scrub(_complaint(error))}") from None


def _complaint(error: Exception) -> str:
    """What is wrong with Redis, told by the cause."""
    import redis  # noqa: PLC0415 - see above

    words = " ".join(str(error).split()) or type(error).__name__
    causes: list[tuple[type[Exception], str]] = [
        (redis.TimeoutError, f"did not answer within {TIMEOUT:g} s"),
        (redis.exceptions.ReadOnlyError, "is a read-only replica: name its primary"),
        (redis.exceptions.OutOfMemoryError, "is full (maxmemory): give it room, or let it evict"),
        (redis.AuthenticationError, f"does not let us in: {words}"),
        (redis.exceptions.NoPermissionError, f"does not allow it: {words}"),
        (redis.exceptions.BusyLoadingError, "is still loading its data"),
        (redis.ConnectionError, f"cannot be reached: {words}"),
        (redis.ResponseError, f"refused: {words}"),
    ]
    return next((text for kind, text in causes if isinstance(error, kind)), f"could not be asked: {words}")
