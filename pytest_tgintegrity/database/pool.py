"""Share scans between threads and processes: every batch runs once, on at most `jobs` connections in total.

The results of a run are in a store: in memory for one process, in a folder for pytest-xdist's workers. Whoever claims a
batch, or takes one of the connections (a slot), holds a lock that ends with its process: a crashed worker blocks nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, ClassVar, Protocol

from pytest_tgintegrity.database.connections.reader import Reader
from pytest_tgintegrity.database.scanning import Scanned, measure
from pytest_tgintegrity.judging.verdicts import Measurement
from pytest_tgintegrity.planning.scans import Scan

Batch = tuple[Scan, ...]

POLL_SECONDS = 0.01
REPORT_SECONDS = 1.0
JOIN_SECONDS = 3.0


class ResultStore(Protocol):
    """Holds results and decides who works on which batch; `shared`: several processes use it."""

    shared: ClassVar[bool]

    def claim(self, number: int) -> contextlib.AbstractContextManager[bool]:
        """Try to take a batch; True if it is ours to run now, for as long as the context lasts."""

    def put(self, number: int, results: list[Scanned]) -> None:
        """Store the results of a batch."""

    def get(self, number: int) -> list[Scanned] | None:
        """The results of a batch, if it is done."""

    def slot(self) -> contextlib.AbstractContextManager[None]:
        """Wait for the right to hold one connection."""


class MemoryResultStore:
    """Results of one process."""

    shared: ClassVar[bool] = False

    def __init__(self, jobs: int) -> None:
        self._lock = threading.Lock()
        self._claimed: set[int] = set()
        self._results: dict[int, list[Scanned]] = {}
        self._slots = threading.BoundedSemaphore(jobs)

    @contextlib.contextmanager
    def claim(self, number: int) -> Iterator[bool]:
        """Take a batch that nobody has taken."""
        with self._lock:
            claimed = number not in self._claimed
            self._claimed.add(number)
        yield claimed

    def put(self, number: int, results: list[Scanned]) -> None:
        """Keep the results."""
        self._results[number] = results

    def get(self, number: int) -> list[Scanned] | None:
        """The results, if they are there."""
        return self._results.get(number)

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one of the process's connections."""
        with self._slots:
            yield


class FolderResultStore:
    """Results of all workers of a run, as files in a private folder; locks are `flock`, which the kernel releases."""

    shared: ClassVar[bool] = True

    def __init__(self, folder: Path, jobs: int) -> None:
        self.folder = folder
        self._jobs = jobs

    @contextlib.contextmanager
    def claim(self, number: int) -> Iterator[bool]:
        """Take a batch that is neither done nor being worked on."""
        with _locked(self.folder / f"{number}.lock") as claimed:
            yield claimed and self.get(number) is None

    def put(self, number: int, results: list[Scanned]) -> None:
        """Write, then rename: a reader sees all or nothing."""
        part = self.folder / f"{number}.{os.getpid()}.part"
        part.write_text(json.dumps([scanned.to_json() for scanned in results]), encoding="utf-8")
        part.replace(self.folder / f"{number}.json")

    def get(self, number: int) -> list[Scanned] | None:
        """Read the results, if they are there."""
        try:
            text = (self.folder / f"{number}.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return [Scanned.from_json(scanned) for scanned in json.loads(text)]

    def finished(self) -> list[Scanned]:
        """All results that any worker left, in order of their batches."""
        numbers = sorted(int(path.stem) for path in self.folder.glob("*.json"))
        return [scanned for number in numbers for scanned in self.get(number) or ()]

    def slot(self) -> contextlib.AbstractContextManager[None]:
        """Wait until one of the run's connections is free."""
        return _any_of([self.folder / f"slot{number}" for number in range(self._jobs)])

    def alone(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Wait for the lock called `name`, which one process holds at a time."""
        return _any_of([self.folder / f"{name}.alone"])


@contextlib.contextmanager
def _any_of(paths: Sequence[Path]) -> Iterator[None]:
    """Wait until one of the files can be locked."""
    while True:
        for path in paths:
            with _locked(path) as claimed:
                if claimed:
                    yield
                    return
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Try to lock a file; never waits."""
    with path.open("a", encoding="utf-8") as file:
        yield _try_lock(file)


def _try_lock(file: IO[str]) -> bool:
    import fcntl  # noqa: PLC0415 - not on every platform, and only xdist needs it

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class ScanPool:
    """The batches of a plan, worked on by threads of this process while other processes may work on the same store."""

    def __init__(
        self,
        batches: Sequence[Batch],
        store: ResultStore,
        open_reader: Callable[[], Reader],
        jobs: int,
        samples: int,
        waiting: Callable[[int, int, float], None] | None = None,
    ) -> None:
        self._batches = batches
        self._store = store
        self._open_reader = open_reader
        self._samples = samples
        self._waiting = waiting
        self._changed = threading.Condition()
        self._readers: set[Reader] = set()
        self._stopped = False
        self._number = {rule: n for n, batch in enumerate(batches) for scan in batch for rule in scan.rules}
        self._measured: dict[str, Measurement] = {}
        wanted = min(jobs, len(batches))
        self._threads = [threading.Thread(target=self._work, name=f"scan-{n}", daemon=True) for n in range(wanted)]

    def start(self) -> None:
        """Begin to scan in the background."""
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        with self._store.slot(), self.reading() as reader:
            for number in range(len(self._batches)):
                if self._stopped:
                    return
                self._run(number, reader)

    def _run(self, number: int, reader: Reader) -> None:
        with self._store.claim(number) as claimed:
            if claimed:
                results = self._measure(number, reader)
                cut_short = self._stopped and self._store.shared
                if not cut_short:  # a process that waits for it then runs it again
                    self._store.put(number, results)
        with self._changed:
            self._changed.notify_all()

    def _measure(self, number: int, reader: Reader) -> list[Scanned]:
        batch = self._batches[number]
        try:
            return measure(reader, batch, self._samples)
        except Exception as error:  # noqa: BLE001 - whatever it is, its rules are unknown, and nobody waits for ever
            reason = f": {error}" if self._samples else ""
            failed = Measurement(error=f"the scan broke: {type(error).__name__}{reason}")
            return [Scanned(scan.source, 0.0, None, dict.fromkeys(scan.rules, failed)) for scan in batch]

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader that `stop` can cancel."""
        with self._open_reader() as reader:
            self._readers.add(reader)
            try:
                yield reader
            finally:
                self._readers.discard(reader)

    @contextlib.contextmanager
    def connection(self) -> Iterator[Reader]:
        """A reader for a test of its own, within the number of connections that the run may hold."""
        with self._store.slot(), self.reading() as reader:
            yield reader

    def measurement(self, rule: str) -> Measurement:
        """Wait for the scan of a rule; run it here if whoever claimed it is gone."""
        number = self._number[rule]
        if rule not in self._measured:
            for scanned in self._await(number):
                self._measured.update(scanned.measurements)
        return self._measured[rule]

    def _await(self, number: int) -> list[Scanned]:
        began = reported = time.monotonic()
        while (results := self._store.get(number)) is None:
            with self._changed:
                self._changed.wait(POLL_SECONDS)
            now = time.monotonic()
            if now - reported > REPORT_SECONDS:
                reported = now
                self._report(now - began)
                self._take_over(number)
        if reported != began:
            self._report(0.0)
        return results

    def _report(self, waited: float) -> None:
        if self._waiting is not None:
            done = sum(len(batch) for n, batch in enumerate(self._batches) if self._store.get(n) is not None)
            self._waiting(done, sum(map(len, self._batches)), waited)

    def _take_over(self, number: int) -> None:
        """Run the batch, if no thread here scans any more and whoever claimed it is gone."""
        if not any(thread.is_alive() for thread in self._threads):
            with self._store.slot(), self.reading() as reader:
                self._run(number, reader)

    def finished(self) -> list[Scanned]:
        """The results of all batches that are done, in the plan's order."""
        return [scanned for n in range(len(self._batches)) for scanned in self._store.get(n) or ()]

    def stop(self) -> None:
        """Cancel what the server is doing for us and wait a moment for the threads."""
        self._stopped = True
        for reader in list(self._readers):
            reader.stop()
        deadline = time.monotonic() + JOIN_SECONDS
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
