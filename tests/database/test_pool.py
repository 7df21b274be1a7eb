"""Batches are worked on once, by whoever comes first, and nobody waits for the dead."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg import sql

from harness import sleeping, wait_until
from pytest_tgintegrity.database.connections.address import parse_address
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.connections.reader import Reader, SnapshotHolder
from pytest_tgintegrity.database.pool import FolderResultStore, MemoryResultStore, ResultStore, ScanPool
from pytest_tgintegrity.database.scanning import Scanned
from pytest_tgintegrity.judging.verdicts import Measurement
from pytest_tgintegrity.planning.scans import QueryScan

DONE = [Scanned("item", 0.5, 20, {"a": Measurement(20, 1)})]
HOLDER = """
import sys, time
from pathlib import Path
from pytest_tgintegrity.database.pool import FolderResultStore
with FolderResultStore(Path(sys.argv[1]), 1).claim(0) as ours, FolderResultStore(Path(sys.argv[1]), 1).slot():
    print(ours, flush=True)
    time.sleep(60)
"""


def scan(name: str, query: str) -> QueryScan:
    """A scan for one rule of that name."""
    return QueryScan("item", name, sql.SQL(query))


@contextmanager
def pool(url: str, store: ResultStore, *queries: str, jobs: int = 2) -> Iterator[ScanPool]:
    """A board with one batch for each query, its rules called 0, 1, …"""
    holder = SnapshotHolder(parse_address(url))
    batches = [(scan(str(number), query),) for number, query in enumerate(queries)]
    found = ScanPool(batches, store, lambda: Reader(holder.address, holder.snapshot, Limits()), jobs, 0)
    try:
        yield found
    finally:
        found.stop()
        holder.close()


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_a_shelf(tmp_path: Path, kind: str) -> None:
    """Results come back as they were left; a batch is claimed once."""
    store: ResultStore = MemoryResultStore(2) if kind == "memory" else FolderResultStore(tmp_path, 2)

    assert store.get(0) is None
    with store.claim(0) as ours, store.claim(0) as theirs:
        assert (ours, theirs) == (True, False)
        store.put(0, DONE)
    assert store.get(0) == DONE
    with store.claim(0) as again:
        assert not again


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_slots_are_bounded(tmp_path: Path, kind: str) -> None:
    """Never more at once than there are jobs."""
    store: ResultStore = MemoryResultStore(2) if kind == "memory" else FolderResultStore(tmp_path, 2)
    inside, most = [], []

    def hold() -> None:
        with store.slot():
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=hold) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert max(most) == 2
    assert len(most) == 6


def test_all_batches_are_measured(url: str, tmp_path: Path) -> None:
    """In memory, and by two boards that share a folder."""
    queries = [f"SELECT id FROM item WHERE id <= {n}" for n in range(5)]
    with pool(url, MemoryResultStore(2), *queries) as alone:
        alone.start()
        assert [alone.measurement(str(n)).violations for n in range(5)] == [0, 1, 2, 3, 4]
    with (
        pool(url, FolderResultStore(tmp_path, 2), *queries) as one,
        pool(url, FolderResultStore(tmp_path, 2), *queries) as two,
    ):
        one.start()
        two.start()
        assert [two.measurement(str(n)).violations for n in range(5)] == [0, 1, 2, 3, 4]
        assert [one.measurement(str(n)).violations for n in range(5)] == [0, 1, 2, 3, 4]
        assert len(FolderResultStore(tmp_path, 1).finished()) == 5


def test_nobody_waits_for_a_process_that_was_killed(url: str, tmp_path: Path) -> None:
    """It held the only connection and the claim; the kernel lets both go."""
    with (
        subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder,
        pool(url, FolderResultStore(tmp_path, 1), "SELECT 1", jobs=1) as waiting,
    ):
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        waiting.start()
        time.sleep(0.1)
        holder.kill()
        began = time.monotonic()

        assert waiting.measurement("0").violations == 1
        assert time.monotonic() - began < 5


def test_a_stopped_board_gives_up(url: str) -> None:
    """What is under way is cancelled, what is not yet begun is left."""
    with pool(url, MemoryResultStore(1), "SELECT pg_sleep(30)", "SELECT pg_sleep(30)", jobs=1) as stopped:
        stopped.start()
        time.sleep(0.3)
        began = time.monotonic()
        stopped.stop()

        assert time.monotonic() - began < 2
        assert "user request" in str(stopped.finished()[0].measurements["0"].error)
        assert len(stopped.finished()) == 1


def test_what_a_stopped_process_cut_short_is_not_told_to_others(url: str, tmp_path: Path) -> None:
    store = FolderResultStore(tmp_path, 2)

    with pool(url, store, "SELECT 1 FROM pg_sleep(5)", jobs=1) as stopped:
        stopped.start()
        wait_until(lambda: sleeping(url) == 1)
        stopped.stop()

    assert store.get(0) is None


def test_waiting_is_told(url: str) -> None:
    """How many are done, of how many, and for how long; in the end that it is over."""
    told: list[tuple[int, int, float]] = []
    holder = SnapshotHolder(parse_address(url))
    slow = ScanPool(
        [(scan("0", "SELECT pg_sleep(1.3)"),)],
        MemoryResultStore(1),
        lambda: Reader(holder.address, holder.snapshot, Limits()),
        1,
        0,
        lambda done, of, waited: told.append((done, of, round(waited))),
    )
    slow.start()
    slow.measurement("0")
    slow.stop()
    holder.close()

    assert told == [(0, 1, 1), (1, 1, 0)]
