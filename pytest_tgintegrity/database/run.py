"""One run: the database it looks at, the snapshot all of it sees, the plan, and the scans under way.

A run is opened by the process that owns the snapshot, and joined by pytest-xdist's workers.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_tgintegrity.database.catalog import read_constraints, read_facts
from pytest_tgintegrity.database.connections.address import Address, parse_address
from pytest_tgintegrity.database.connections.answers import Failure
from pytest_tgintegrity.database.connections.reader import Reader, SnapshotHolder
from pytest_tgintegrity.database.connections.redaction import Secrets
from pytest_tgintegrity.database.connections.writer import Writer
from pytest_tgintegrity.database.freshness import fresh
from pytest_tgintegrity.database.pool import FolderResultStore, MemoryResultStore, ResultStore, ScanPool
from pytest_tgintegrity.database.scanning import Scanned
from pytest_tgintegrity.database.scoping import KnownValues, empty_scopes
from pytest_tgintegrity.errors import ScratchError, TgIntegrityError, UsageError
from pytest_tgintegrity.judging.summary import Database
from pytest_tgintegrity.judging.verdicts import Measurement
from pytest_tgintegrity.planning.facts import Constraint, EarlierRows, Facts
from pytest_tgintegrity.planning.planner import BoundRule, Plan, Subject, plan
from pytest_tgintegrity.planning.scans.batches import batches
from pytest_tgintegrity.planning.sql.compose import readable
from pytest_tgintegrity.planning.windows import ZONELESS, Window
from pytest_tgintegrity.planning.wrong_database import WrongDatabase, unanswerable, with_advice, wrong_database
from pytest_tgintegrity.rules.kinds import ConstraintKind, Volume

if TYPE_CHECKING:
    from pytest_tgintegrity.servers.datasets import Dataset
    from pytest_tgintegrity.servers.postgres import PostgresServer
from pytest_tgintegrity.database.settings import Invitation, Settings

T = TypeVar("T")

DEMO = "demo"


class Run:
    """A run (see the module). `url` says where the database is, `origin` which option or variable gave that URL.

    `recall` tells what earlier runs on a database of that identity counted; a worker has it from the invitation.
    """

    def __init__(self, settings: Settings, url: str, origin: str) -> None:
        self.settings = settings
        self.started_at = datetime.now(UTC)
        self.database: Database | None = None
        self.snapshot: str | None = None
        self.pool: ScanPool | None = None
        self.choices: list[BoundRule] = []
        self.empty_scopes: tuple[str, ...] = ()
        self.zoneless: tuple[str, ...] = ()
        self.wrong_database: WrongDatabase | None = None
        self.recall: Callable[[str], EarlierRows] = lambda _: EarlierRows()
        self._clock = time.perf_counter()
        self._url, self._origin = url, origin
        self._address = None if _is_demo(url) else parse_address(url, origin)
        self._writing: Address | None = None
        self._on_waiting: Callable[[int, int, float], None] | None = None
        self._holder: SnapshotHolder | None = None
        self._facts: Facts | None = None
        self._plan: Plan | None = None
        self._store: ResultStore = MemoryResultStore(settings.jobs)
        self._error: TgIntegrityError | None = None
        self._unknown_reason: str | None = None
        self._former_snapshot: str | None = None
        self._thread: threading.Thread | None = None
        self._beginning = threading.Lock()
        self._resources = contextlib.ExitStack()

    def __repr__(self) -> str:
        """Name the database, not the password."""
        return f"<Run on {self._address or self._url}>"

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.perf_counter() - self._clock

    @property
    def is_demo(self) -> bool:
        """Whether it looks at made-up data, once it is connected."""
        return self._writing is not None

    @property
    def facts(self) -> Facts:
        """What is known of the database's tables, once it is connected."""
        return self._facts or Facts()

    @property
    def secrets(self) -> Secrets:
        """What must not be shown."""
        return self._address.secrets if self._address else Secrets()

    # --- connecting

    def open(self) -> None:
        """Begin to connect, in the background."""
        self._in_background(self._connect)

    def _in_background(self, prepare: Callable[[], None]) -> None:
        with self._beginning:
            if self._thread is None:
                thread = threading.Thread(target=self._prepare, args=[prepare], name="connect", daemon=True)
                thread.start()
                self._thread = thread

    def _prepare(self, prepare: Callable[[], None]) -> None:
        try:
            prepare()
        except TgIntegrityError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001 - a thread's traceback would be lost: say it in the right place instead
            words = self.secrets.scrub(str(error))
            self._error = UsageError(f"cannot open the database: {type(error).__name__}: {words}")

    def _connect(self) -> None:
        self._holder = SnapshotHolder(self._address or self._start_demo())
        self._address = self._holder.address
        self.database, self.snapshot = self._holder.database, self._holder.snapshot
        with self.reader() as reader:
            self._facts = read_facts(reader)

    def _start_demo(self) -> Address:
        dataset = self._dataset(self._url)
        server = self._open_demo(self._url, dataset)
        self._writing = replace(parse_address(server.conninfo()), shown=f"{self._url} (embedded)")
        return replace(parse_address(server.conninfo(user=dataset.reader)), shown=f"{self._url} (embedded)")

    def scratch(self) -> PostgresServer:
        """A throw-away server with the clean rows of the demo, which proofs may damage. Raises `ScratchError`."""
        return self._open_demo(DEMO, self._dataset(DEMO))

    def _open_demo(self, name: str, dataset: Dataset) -> PostgresServer:
        from pytest_tgintegrity.servers.datasets import open_dataset  # noqa: PLC0415 - servers are only started for the demo

        return self._resources.enter_context(open_dataset(name, dataset))

    def _dataset(self, name: str) -> Dataset:
        """The demo's rows, which the suite brings along."""
        try:
            datasets = importlib.import_module(self.settings.demo_module).DATASETS
        except ImportError as error:
            raise ScratchError(f"the demo's module {self.settings.demo_module} cannot be imported: {error}") from None
        if name not in datasets:
            raise UsageError(f"{self._origin} is {name!r}: the demos are {', '.join(datasets)}")
        dataset: Dataset = datasets[name]
        return dataset

    def wait(self) -> None:
        """Wait until the database is connected and its tables are known. Raises the error that prevented it."""
        self.open()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    # --- workers

    def invite(self) -> Invitation:
        """Ask a worker in: it shares this run's snapshot. Raises the error that prevented connecting."""
        self.wait()
        if self._address is None or self.snapshot is None:
            raise UsageError("the run has no snapshot to share")
        return Invitation(self._address, self.snapshot, self.started_at, self._earlier)

    @classmethod
    def join(cls, settings: Settings, folder: Path, ask: Callable[[Run], Invitation]) -> Run:
        """Join a run as a worker: `ask` for the invitation in the background, share results in `folder`."""
        run = cls(settings, DEMO, "the controller")
        run._store = FolderResultStore(folder, settings.jobs)
        run._in_background(lambda: run._accept(ask(run)))
        return run

    def _accept(self, invitation: Invitation) -> None:
        self._address = invitation.address
        self.snapshot = invitation.snapshot
        self.started_at = invitation.started_at
        self.recall = lambda _: invitation.earlier
        self._facts = self._shared("facts", read_facts)

    def _shared(self, name: str, read: Callable[[Reader], T]) -> T:
        """Read from the catalogs once for all workers; the folder is private to this run."""
        if not isinstance(self._store, FolderResultStore):
            with self.reader() as reader:
                return read(reader)
        path = self._store.folder / f"{name}.pickle"
        with self._store.alone(name):
            if not path.exists():
                with self._store.slot(), self.reader() as reader:
                    part = path.with_suffix(f".{os.getpid()}")
                    part.write_bytes(pickle.dumps(read(reader)))
                    part.replace(path)
        facts: T = pickle.loads(path.read_bytes())  # noqa: S301 - written by this run's own processes
        return facts

    # --- looking

    def reader(self, *, writing: bool = False) -> Reader:
        """A new read-only connection on the snapshot; `writing`: as the role that fixes.

        Raises `UsageError` before we are connected.
        """
        address = (self._writing if writing else None) or self._address
        if address is None or self.snapshot is None:
            raise UsageError("the database is not connected yet")
        return Reader(address, self.snapshot, self.settings.limits)

    def constraints(self, kind: ConstraintKind) -> tuple[Constraint, ...]:
        """The declared constraints of the live catalog. Raises `ConnectionFailed`."""
        self.wait()
        return self._shared(f"constraints-{kind}", lambda reader: read_constraints(reader, kind))

    def begin(self, rules: Sequence[BoundRule], waiting: Callable[[int, int, float], None] | None = None) -> None:
        """Plan the selected rules and start to scan; `waiting` is called with the progress while a test waits for long.

        Raises the error that prevented connecting, or `UsageError` for a scope that no selected source declares.
        """
        self.wait()
        self._on_waiting = waiting
        period = self.settings.period
        cutoff = None if period is None else self.started_at - timedelta(hours=period)
        compares = any(isinstance(bound.rule.kind, Volume) for bound in rules)
        facts = replace(self.facts, earlier=self._earlier if compares else EarlierRows())
        window = Window(cutoff, self.settings.scopes, self.settings.timezone, self.started_at)
        self._plan = plan(rules, facts, window)
        strange = sorted(set(self.settings.scopes) - self._plan.scopes)
        if strange:
            known = ", ".join(sorted(self._plan.scopes)) or "none"
            raise UsageError(f"--scope {strange[0]}=…: no selected rule's source declares it (declared: {known})")
        self.empty_scopes = self._empty_scopes(self._plan, rules)
        self.zoneless = self._zoneless(self._plan)
        self.wrong_database = wrong_database(rules, self.facts, self._plan.tables)
        scan_batches = batches(self._plan.scans)
        self.pool = ScanPool(scan_batches, self._store, self.reader, self.settings.jobs, self.settings.samples, waiting)
        self.pool.start()

    @property
    def _earlier(self) -> EarlierRows:
        """What earlier runs on this database counted."""
        return self.recall(self.database.identity if self.database else "")

    def _empty_scopes(self, plan: Plan, rules: Sequence[BoundRule]) -> tuple[str, ...]:
        """The chosen scopes whose value no row has. Raises `UsageError` for a value that nobody knows."""
        if not self.settings.scopes:
            return ()
        known = KnownValues([*rules, *self.choices], lambda: self.constraints("foreign_key"))
        with self.reader() as reader:
            quote = bool(self.settings.samples)
            return empty_scopes(reader, self.settings.scopes, plan.scoped, known, quote=quote)

    def _zoneless(self, plan: Plan) -> tuple[str, ...]:
        """The columns without a time zone that a period looks at, if no zone is set for them."""
        if not plan.dated or self.settings.timezone is not None:
            return ()
        with self.reader() as reader:
            answers = reader.ask([place.question for place in plan.dated])
        named = {
            f"{place.name} ({place.since})"
            for place, answer in zip(plan.dated, answers, strict=True)
            if not isinstance(answer, Failure) and ZONELESS.intersection(answer.types)
        }
        return tuple(sorted(named))

    # --- fixing

    @property
    def plan(self) -> Plan:
        """The plan of the selected rules. Raises `UsageError` before it is made."""
        if self._plan is None:
            raise UsageError("the run did not begin")
        return self._plan

    def writer(self) -> Writer:
        """A connection that may write; of the demo as its owner. Raises `UsageError` before we are connected."""
        address = self._writing or self._address
        if address is None:
            raise UsageError("the database is not connected yet")
        return Writer(address, self.settings.limits)

    def renew(self, rules: Sequence[BoundRule]) -> None:
        """Scan again on a new snapshot, as rows were changed. Raises the error that prevents connecting.

        The old snapshot is kept for `before`.
        """
        self.interrupt()
        if self._holder is not None:
            self._resources.callback(self._holder.close)
            self._former_snapshot = self.snapshot
        if self._address is not None:
            self._holder = SnapshotHolder(self._address)
            self.database, self.snapshot = self._holder.database, self._holder.snapshot
        self._store = MemoryResultStore(self.settings.jobs)
        self.begin(rules, self._on_waiting)

    def forget(self, reason: str) -> None:
        """Make all rules unknown: rows were changed and cannot be scanned again."""
        self._unknown_reason = reason

    def measurement(self, bound: BoundRule) -> Measurement:
        """Wait for the measurement of a rule."""
        if self._unknown_reason is not None:
            return Measurement(error=self._unknown_reason)
        if self._plan is None or self.pool is None:
            return Measurement(error="the run did not begin")
        if self.wrong_database is not None and (unknown := unanswerable(bound, self.facts)) is not None:
            return unknown
        reason = self._plan.unplannable.get(bound.id)
        measurement = self.pool.measurement(bound.id) if reason is None else Measurement(error=reason)
        return with_advice(bound, measurement, self.facts, planned=reason is None)

    def see_all(self, bound: BoundRule) -> str | None:
        """The statement that lists every offending row of a rule."""
        for scan in self._plan.scans if self._plan else ():
            if bound.id in scan.rules and (sampling := scan.sampling(bound.id)) is not None:
                return f"{readable(sampling.rows)};"
        return None

    def subject(self, bound: BoundRule) -> Subject | None:
        """The table whose rows violate a rule, where that is known."""
        return self._plan.subjects.get(bound.id) if self._plan else None

    def sources(self, bound: BoundRule) -> tuple[str, ...]:
        """The tables that a rule reads."""
        return self._plan.tables.get(bound.id, ()) if self._plan else ()

    @property
    def tables(self) -> Mapping[str, tuple[str, ...]]:
        """The tables that each rule reads, by its id."""
        return self._plan.tables if self._plan else {}

    @property
    def unscoped(self) -> tuple[str, ...]:
        """Sources that do not declare every chosen scope, and so run whole."""
        return self._plan.unscoped if self._plan else ()

    @contextlib.contextmanager
    def connection(self) -> Iterator[Any]:
        """A read-only connection on the snapshot, for one test. Raises `NotEvaluated` if what it read was rewritten."""
        if self.pool is None:
            raise UsageError("the run did not begin")
        with self.pool.connection() as reader, fresh(reader) as connection:
            yield connection

    @contextlib.contextmanager
    def before(self) -> Iterator[Any]:
        """A read-only connection on the snapshot before `renew`, for one test. Raises `ConnectionFailed`."""
        if self._address is None or self._former_snapshot is None:
            raise UsageError("there was no look before")
        with Reader(self._address, self._former_snapshot, self.settings.limits) as reader, reader.lent() as connection:
            yield connection

    def scanned(self, folder: Path | None = None) -> list[Scanned]:
        """All finished scans: of this process, or of all workers that shared `folder`."""
        if folder is not None:
            return FolderResultStore(folder, 1).finished()
        return self.pool.finished() if self.pool else []

    # --- the end

    def interrupt(self) -> None:
        """Cancel our own backends, and begin nothing more."""
        if self.pool is not None:
            self.pool.stop()

    def close(self) -> None:
        """Close connections, snapshot and embedded servers."""
        self.interrupt()
        if self._thread is not None:
            self._thread.join(timeout=30)
        if self._holder is not None:
            self._holder.close()
        self._resources.close()


def _is_demo(url: str) -> bool:
    """Whether it names embedded data: ``demo`` or ``demo:NAME``, not a database whose name begins like that."""
    return re.fullmatch(rf"{DEMO}(:\w*)?", url) is not None
