"""Past runs in Redis: the only module that talks to Redis.

Each database has a stream of its own, to which every run adds one entry: concurrent runs do not overwrite each other. The
stream is capped and expires. Nothing is retried, and Redis has to answer within seconds: a run does not wait longer.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, TypeVar

from pytest_tgintegrity.census.earlier import (
    Earlier,
    KeptRows,
    columns_from_json,
    columns_to_json,
    rows_from_json,
    rows_to_json,
)
from pytest_tgintegrity.census.findings import Compared
from pytest_tgintegrity.errors import HistoryLost
from pytest_tgintegrity.history.packing import (
    DAMAGE,
    pack_names,
    pack_seconds,
    packed,
    unpack_names,
    unpack_seconds,
    unpacked,
)
from pytest_tgintegrity.history.record import Record
from pytest_tgintegrity.history.redis_address import RedisAddress, parse_redis_url
from pytest_tgintegrity.planning.expected.declarations import EarlierDeclarations

OWN = "tgintegrity:"
PREFIX = f"{OWN}history:"
BASELINE = f"{OWN}baseline:"
RULES = f"{OWN}rules:"
TABLES = f"{OWN}tables:"
CENSUS = f"{OWN}census:"
DECLARED = f"{OWN}declared:"
FIELD = "record"
DIGEST = re.compile(r"[0-9a-f]{32}")
CAP = 6_000
"""A run every two minutes for the days that a gate looks back on."""
LIFE = timedelta(days=400)
TIMEOUT = 3.0
DEADLINE = 10.0
PAGE = 200
CENSUSES = 200
"""So many of the newest runs are asked for their numbers of rows."""
ROOM = 100_000_000
"""How much text of records is read, the newest first: each has a few kB, but a MB where thousands of rules are violated."""
SLACK = timedelta(days=1)
"""Entries are numbered by the clock of Redis, which may not be ours."""
GLOB = str.maketrans({char: f"\\{char}" for char in "*?[]\\"})

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Past:
    """The records of past runs, oldest first, when entries were added that we cannot read, what the runs counted, and what was declared."""

    records: tuple[Record, ...]
    unreadable: tuple[datetime, ...] = ()
    earlier: Earlier = field(default_factory=Earlier)
    declared: EarlierDeclarations | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """What a run found beside the results of its rules: what it counted, and what is declared (see `planning.expected.declarations`)."""

    census: Compared | None = None
    declared: Mapping[str, str] | None = None


NOTHING = Beside()


@dataclass(frozen=True, slots=True)
class Flushed:
    """How many keys were deleted, and how many of that prefix were kept."""

    deleted: int
    kept: int


def records(url: str, identity: str, since: datetime | None = None) -> list[Record]:
    """The runs on a database that began at or after `since`, oldest first. Raises `HistoryLost`."""
    return list(_read(parse_redis_url(url), identity, since, None).records)


def seconds(url: str, identity: str, since: datetime | None = None) -> dict[str, dict[str, float]]:
    """What each rule took, by run, where that is still known. Raises `HistoryLost`."""

    def ask(client: Any) -> dict[str, dict[str, float]]:
        lists: dict[bytes, bytes | None] = {}
        by_run = {}
        for _, entry in _entries(client, PREFIX + identity, since):
            name = entry.get(b"rules", b"")
            if name not in lists:
                lists[name] = client.get(RULES.encode() + name)
            with contextlib.suppress(*DAMAGE):
                run = Record.from_json(unpacked(entry.get(FIELD.encode(), b""))).run
                by_run[run] = unpack_seconds(lists[name] or b"", entry.get(b"seconds", b""))
        return by_run

    return _answer(parse_redis_url(url), ask, patient=True)


def read(address: RedisAddress, identity: str) -> Past:
    """The newest runs on a database, and the times of entries that cannot be read. Raises `HistoryLost`."""
    return _read(address, identity, None, ROOM)


def _read(address: RedisAddress, identity: str, since: datetime | None, room: int | None) -> Past:
    records: list[Record] = []
    unreadable: list[datetime] = []

    def ask(client: Any) -> tuple[Earlier, EarlierDeclarations | None]:
        read = 0
        for number, entry in islice(_entries(client, PREFIX + identity, since), CAP):
            try:
                text = unpacked(entry.get(FIELD.encode(), b""))
                record = Record.from_json(text)
            except DAMAGE:
                unreadable.append(_added(number))
                continue
            if record.identity == identity and (since is None or record.started_at >= since):
                records.append(record)
            read += len(text)
            if room is not None and read > room:
                break
        records.sort(key=lambda record: (record.started_at, record.run))
        return _earlier(client, identity, records), _declared(client, records)

    earlier, declared = _answer(address, ask, patient=room is None)
    return Past(tuple(records), tuple(unreadable), earlier, declared)


def _earlier(client: Any, identity: str, records: Sequence[Record]) -> Earlier:
    """What the newest runs counted; lists of tables that cannot be read are as if nothing had been counted."""
    lists: dict[str, tuple[str, ...]] = {}
    runs: list[KeptRows] = []
    for record in [record for record in records if record.census is not None][-CENSUSES:]:
        census = record.census or {}
        name = str(census.get("tables"))
        if name not in lists:
            lists[name] = _names(client, TABLES, name)
        if (rows := rows_from_json(census, lists[name], record.started_at)) is not None:
            runs.append(rows)
    with contextlib.suppress(*DAMAGE):
        return Earlier(runs, columns_from_json(unpacked(client.get(CENSUS + identity) or b"{}")))
    return Earlier(runs)


def _declared(client: Any, records: Sequence[Record]) -> EarlierDeclarations | None:
    """What the newest run that looked at everything knew to be declared; None if there is no such run."""
    for record in reversed([record for record in records if record.declared is not None]):
        items = [line.rpartition(" ") for line in _names(client, DECLARED, str(record.declared))]
        if items:
            return EarlierDeclarations(record.started_at, {rule: content for rule, _, content in items})
    return None


def _names(client: Any, prefix: str, name: str) -> tuple[str, ...]:
    """The list that is kept under a name of ours; empty for any other name."""
    with contextlib.suppress(*DAMAGE):
        if DIGEST.fullmatch(name):
            return unpack_names(client.get(prefix + name) or b"")
    return ()


def append(address: RedisAddress, record: Record, seconds: Mapping[str, float], beside: Beside = NOTHING) -> None:
    """Add a run, what each rule took, and what was found beside; kept until there are too many after it. Raises `HistoryLost`."""
    key, taken = PREFIX + record.identity, pack_seconds(seconds)
    kept: dict[str, bytes] = {}
    census = beside.census
    if beside.declared:
        declared = pack_names([f"{rule} {content}" for rule, content in sorted(beside.declared.items())])
        record = replace(record, declared=declared.name)
        kept = {DECLARED + declared.name: declared.data}
    if census is not None and census.rows is not None:
        tables = sorted(census.rows.rows)
        names = pack_names(tables)
        record = replace(record, census=rows_to_json(census.rows, tables, names.name))
        kept |= {TABLES + names.name: names.data, CENSUS + record.identity: packed(columns_to_json(census.columns))}
    entry = {FIELD: packed(record.to_json()), "rules": taken.name, "seconds": taken.taken}

    def ask(client: Any) -> None:
        with client.pipeline(transaction=False) as pipeline:
            pipeline.set(RULES + taken.name, taken.rules, ex=LIFE)
            for name, data in kept.items():
                pipeline.set(name, data, ex=LIFE)
            pipeline.xadd(key, entry, maxlen=CAP, approximate=True)
            pipeline.expire(key, LIFE)
            pipeline.execute()

    _answer(address, ask)


def pin(address: RedisAddress, identity: str, baseline: str) -> None:
    """Store a baseline in place of the previous one; it does not expire. Raises `HistoryLost`."""
    _answer(address, lambda client: client.set(BASELINE + identity, baseline))


def pinned(address: RedisAddress, identity: str) -> str | None:
    """The baseline of a database, if there is one. Raises `HistoryLost`."""
    baseline: bytes | None = _answer(address, lambda client: client.get(BASELINE + identity))
    return None if baseline is None else _text(baseline)


def flush(address: RedisAddress, prefix: str, keep: Sequence[str]) -> Flushed:
    """Delete all keys of a prefix except our own and those that match a pattern of `keep`. Raises `HistoryLost`."""

    def ask(client: Any) -> Flushed:
        deleted, kept = 0, 0
        keys: Iterator[bytes] = client.scan_iter(match=f"{prefix.translate(GLOB)}*", count=1_000)
        while page := list(islice(keys, PAGE)):
            unlinked = [key for key in page if not _is_kept(_text(key), keep)]
            kept += len(page) - len(unlinked)
            deleted += client.unlink(*unlinked) if unlinked else 0
        return Flushed(deleted, kept)

    return _answer(address, ask, patient=True)


def _is_kept(key: str, patterns: Iterable[str]) -> bool:
    return key.startswith(OWN) or any(fnmatchcase(key, pattern) for pattern in patterns)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _added(number: bytes) -> datetime:
    """When an entry was added, by its number: Redis makes it of the time, but whoever adds an entry may choose any number."""
    try:
        return datetime.fromtimestamp(int(number.partition(b"-")[0]) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def _entries(client: Any, key: str, since: datetime | None) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
    """Newest first, a page at a time, so that no single answer takes long."""
    oldest = "-" if since is None else str(max(0, int((since - SLACK).timestamp() * 1000)))
    newest = "+"
    while page := client.xrevrange(key, max=newest, min=oldest, count=PAGE):
        yield from page
        newest = f"({page[-1][0].decode()}"


def _answer(address: RedisAddress, ask: Callable[[Any], Answer], *, patient: bool = False) -> Answer:
    """The result of `ask` with a client. Raises `HistoryLost`, unless `patient` also after the deadline if the client hangs."""
    answer: Future[Answer] = Future()

    def work() -> None:
        try:
            with _client(address) as client:
                value = ask(client)
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that waits
            answer.set_exception(error)
        else:
            answer.set_result(value)

    threading.Thread(target=work, daemon=True).start()
    try:
        return answer.result(None if patient else DEADLINE)
    except TimeoutError:
        raise HistoryLost(f"Redis at {address.shown} was not done within {DEADLINE:g} s") from None


@contextlib.contextmanager
def _client(address: RedisAddress) -> Iterator[Any]:
    """A client with short timeouts; its errors become `HistoryLost`, a sentence without secrets."""
    import redis
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisClusterException  # no RedisError, of all things
    from redis.retry import Retry

    wanted: dict[str, Any] = {
        **address.options,
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
    }
    try:
        with contextlib.ExitStack() as opened:
            if address.cluster:
                client: Any = redis.RedisCluster.from_url(
                    address.url, **wanted, connection_pool_class=_closed_by(opened)
                )
            else:
                client = redis.Redis.from_url(address.url, **wanted)
            yield opened.enter_context(contextlib.closing(client))
    except (redis.RedisError, RedisClusterException, OSError, ValueError) as error:
        raise HistoryLost(f"Redis at {address.shown} {address.secrets.scrub(_complaint(error))}") from None


def _closed_by(opened: contextlib.ExitStack) -> type[Any]:
    """A class of connection pools that are closed with `opened`: the client of a cluster does not close its pools."""
    import redis

    class Pool(redis.ConnectionPool):
        def __init__(self, *args: Any, **wanted: Any) -> None:
            super().__init__(*args, **wanted)
            opened.callback(self.disconnect)

    return Pool


def _complaint(error: Exception) -> str:
    """What is wrong with Redis; for a cluster the cause of the client's exception says it."""
    import redis

    while isinstance(error, redis.exceptions.RedisClusterException):
        deeper = error.__cause__ or error.__context__
        if not isinstance(deeper, (redis.RedisError, redis.exceptions.RedisClusterException)):
            break
        error = deeper
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
