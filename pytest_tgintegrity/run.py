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
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_tgintegrity.address import Address, parse_address
from pytest_tgintegrity.astray import Astray, astray, unanswerable, with_advice
from pytest_tgintegrity.board import Board, FolderShelf, MemoryShelf, Shelf
from pytest_tgintegrity.catalog import read_constraints, read_facts
from pytest_tgintegrity.coverage import Coverage, Reasons, cover
from pytest_tgintegrity.database import Coordinator, Database, Failure, Limits, Reader
from pytest_tgintegrity.errors import ScratchError, TgIntegrityError, UsageError
from pytest_tgintegrity.freshness import fresh
from pytest_tgintegrity.kinds import ConstraintKind
from pytest_tgintegrity.planning import BoundRule, Plan, Subject, plan
from pytest_tgintegrity.predicates import readable
from pytest_tgintegrity.scanning import Scanned, batches
from pytest_tgintegrity.schema import Constraint, Facts
from pytest_tgintegrity.scoping import Known, empty_scopes
from pytest_tgintegrity.secrecy import Secrets
from pytest_tgintegrity.verdicts import Measurement
from pytest_tgintegrity.windows import ZONELESS, Window
from pytest_tgintegrity.writer import Writer

if TYPE_CHECKING:
    from pytest_tgintegrity.scratch import PostgresServer

T = TypeVar("T")

DEMO = "demo"
DEMO_ROLE = "tg_reader"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run needs to know: how many connections, which limits and window, how many samples."""

    jobs: int
    limits: Limits
    samples: int
    period: float | None
    scopes: Mapping[str, str]
    demo_module: str
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a worker needs to join a run. Holds the password, so it is never shown."""

    address: Address
    snapshot: str
    started_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for another process of the same run."""
        secrets = self.address.secrets
        return {
            "conninfo": self.address.conninfo,
            "shown": self.address.shown,
            "secrets": sorted(secrets.words),
            "public": sorted(secrets.public),
            "snapshot": self.snapshot,
            "started_at": self.started_at.isoformat(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Invitation:
        """The inverse of `to_json`."""
        secrets = Secrets(document["secrets"], document["public"])
        address = Address(document["conninfo"], document["shown"], secrets)
        return cls(address, document["snapshot"], datetime.fromisoformat(document["started_at"]))


class Run:
    """See the module. `url` and `origin` say where the database is and who said so."""

    def __init__(self, settings: Settings, url: str, origin: str) -> None:
        self.settings = settings
        self.started_at = datetime.now(UTC)
        self.database: Database | None = None
        self.snapshot: str | None = None
        self.board: Board | None = None
        self.choices: list[BoundRule] = []
        self.empty_scopes: tuple[str, ...] = ()
        self.zoneless: tuple[str, ...] = ()
        self.astray: Astray | None = None
        self._clock = time.perf_counter()
        self._url, self._origin = url, origin
        self._address = None if _is_demo(url) else parse_address(url, origin)
        self._writing: Address | None = None
        self._waiting: Callable[[int, int, float], None] | None = None
        self._coordinator: Coordinator | None = None
        self._facts: Facts | None = None
        self._plan: Plan | None = None
        self._shelf: Shelf = MemoryShelf(settings.jobs)
        self._error: TgIntegrityError | None = None
        self._lost: str | None = None
        self._former: str | None = None
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
        self._coordinator = Coordinator(self._address or self._start_demo())
        self._address = self._coordinator.address
        self.database, self.snapshot = self._coordinator.database, self._coordinator.snapshot
        with self.reader() as reader:
            self._facts = read_facts(reader)

    def _start_demo(self) -> Address:
        server = self._open_demo(self._url)
        self._writing = replace(parse_address(server.conninfo()), shown=f"{self._url} (embedded)")
        return replace(parse_address(server.conninfo(user=DEMO_ROLE)), shown=f"{self._url} (embedded)")

    def scratch(self) -> PostgresServer:
        """A server of our own with the clean rows of the demo, for whoever wants to damage them. Raises `ScratchError`."""
        return self._open_demo(DEMO)

    def _open_demo(self, name: str) -> PostgresServer:
        from pytest_tgintegrity.scratch import open_dataset  # noqa: PLC0415 - servers are only started for the demo

        try:
            datasets = importlib.import_module(self.settings.demo_module).DATASETS
        except ImportError as error:
            raise ScratchError(f"the demo's module {self.settings.demo_module} cannot be imported: {error}") from None
        if name not in datasets:
            raise UsageError(f"{self._origin} is {name!r}: the demos are {', '.join(datasets)}")
        return self._resources.enter_context(open_dataset(name, datasets[name]))

    def wait(self) -> None:
        """Wait until the database is connected and its tables are known. Raises what went wrong."""
        self.open()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    # --- workers

    def invite(self) -> Invitation:
        """Ask a worker in: it shares this run's snapshot. Raises what kept us from connecting."""
        self.wait()
        if self._address is None or self.snapshot is None:
            raise UsageError("the run has no snapshot to share")
        return Invitation(self._address, self.snapshot, self.started_at)

    @classmethod
    def join(cls, settings: Settings, folder: Path, ask: Callable[[Run], Invitation]) -> Run:
        """Join a run as a worker: `ask` for the invitation in the background, share results in `folder`."""
        run = cls(settings, DEMO, "the controller")
        run._shelf = FolderShelf(folder, settings.jobs)
        run._in_background(lambda: run._accept(ask(run)))
        return run

    def _accept(self, invitation: Invitation) -> None:
        self._address = invitation.address
        self.snapshot = invitation.snapshot
        self.started_at = invitation.started_at
        self._facts = self._shared("facts", read_facts)

    def _shared(self, name: str, read: Callable[[Reader], T]) -> T:
        """Read from the catalogs once for all workers; the folder is private to this run."""
        if not isinstance(self._shelf, FolderShelf):
            with self.reader() as reader:
                return read(reader)
        path = self._shelf.folder / f"{name}.pickle"
        with self._shelf.alone(name):
            if not path.exists():
                with self._shelf.slot(), self.reader() as reader:
                    part = path.with_suffix(f".{os.getpid()}")
                    part.write_bytes(pickle.dumps(read(reader)))
                    part.replace(path)
        found: T = pickle.loads(path.read_bytes())  # noqa: S301 - written by this run's own processes
        return found

    # --- looking

    def reader(self, *, writing: bool = False) -> Reader:
        """A connection of one's own on the snapshot; `writing`: by the role that fixes, though it only reads.

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
        """Plan the selected rules and start to scan; `waiting` is told of progress when somebody has to wait long.

        Raises what kept us from connecting, or `UsageError` for a scope that no selected source declares.
        """
        self.wait()
        self._waiting = waiting
        period = self.settings.period
        cutoff = None if period is None else self.started_at - timedelta(hours=period)
        self._plan = plan(rules, self._facts or Facts(), Window(cutoff, self.settings.scopes, self.settings.timezone))
        strange = sorted(set(self.settings.scopes) - self._plan.scopes)
        if strange:
            known = ", ".join(sorted(self._plan.scopes)) or "none"
            raise UsageError(f"--scope {strange[0]}=…: no selected rule's source declares it (declared: {known})")
        self.empty_scopes = self._empty_scopes(self._plan, rules)
        self.zoneless = self._zoneless(self._plan)
        self.astray = astray(rules, self.facts, self._plan.tables)
        found = batches(self._plan.scans)
        self.board = Board(found, self._shelf, self.reader, self.settings.jobs, self.settings.samples, waiting)
        self.board.start()

    def _empty_scopes(self, plan: Plan, rules: Sequence[BoundRule]) -> tuple[str, ...]:
        """The chosen scopes whose value no row has. Raises `UsageError` for a value that nobody knows."""
        if not self.settings.scopes:
            return ()
        known = Known([*rules, *self.choices], lambda: self.constraints("foreign_key"))
        with self.reader() as reader:
            quote = bool(self.settings.samples)
            return empty_scopes(reader, self.settings.scopes, plan.scoped, known, quote=quote)

    def _zoneless(self, plan: Plan) -> tuple[str, ...]:
        """The times without a zone that a period looks at, where nobody said which zone they are meant in."""
        if not plan.dated or self.settings.timezone is not None:
            return ()
        with self.reader() as reader:
            answers = reader.ask([one.question for one in plan.dated])
        named = {
            f"{one.name} ({one.since})"
            for one, answer in zip(plan.dated, answers, strict=True)
            if not isinstance(answer, Failure) and ZONELESS.intersection(answer.types)
        }
        return tuple(sorted(named))

    # --- mending

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
        """Look anew, at a new snapshot: the data is not what it was. Raises what keeps us from connecting.

        The old snapshot is kept for `before`.
        """
        self.interrupt()
        if self._coordinator is not None:
            self._resources.callback(self._coordinator.close)
            self._former = self.snapshot
        if self._address is not None:
            self._coordinator = Coordinator(self._address)
            self.database, self.snapshot = self._coordinator.database, self._coordinator.snapshot
        self._shelf = MemoryShelf(self.settings.jobs)
        self.begin(rules, self._waiting)

    def forget(self, reason: str) -> None:
        """What was found is not so any more, and nobody can look: all rules are unknown."""
        self._lost = reason

    def measurement(self, bound: BoundRule) -> Measurement:
        """Wait for what the scan says of a rule."""
        if self._lost is not None:
            return Measurement(error=self._lost)
        if self._plan is None or self.board is None:
            return Measurement(error="the run did not begin")
        if self.astray is not None and (unknown := unanswerable(bound, self.facts)) is not None:
            return unknown
        reason = self._plan.unplannable.get(bound.id)
        found = self.board.measurement(bound.id) if reason is None else Measurement(error=reason)
        return with_advice(bound, found, self.facts, planned=reason is None)

    def see_all(self, bound: BoundRule) -> str | None:
        """The statement that lists every offending row of a rule."""
        for scan in self._plan.scans if self._plan else ():
            if bound.id in scan.rules and (sampling := scan.sampling(bound.id)) is not None:
                return f"{readable(sampling.rows)};"
        return None

    def subject(self, bound: BoundRule) -> Subject | None:
        """Whose rows violate a rule, where that is known."""
        return self._plan.subjects.get(bound.id) if self._plan else None

    def sources(self, bound: BoundRule) -> tuple[str, ...]:
        """The tables that a rule reads."""
        return self._plan.tables.get(bound.id, ()) if self._plan else ()

    def coverage(self, rules: Sequence[BoundRule], reasons: Reasons, collected: int) -> Coverage:
        """What the rules look at, of what is there; the number of `collected` rules is only told."""
        keys = self.constraints("foreign_key")
        tables = self._plan.tables if self._plan else {}
        return cover(rules, tables, self._facts or Facts(), keys, reasons, collected)

    @property
    def unscoped(self) -> tuple[str, ...]:
        """Sources that do not declare every chosen scope, and so run whole."""
        return self._plan.unscoped if self._plan else ()

    @contextlib.contextmanager
    def connection(self) -> Iterator[Any]:
        """A read-only connection on the snapshot, for one test. Raises `NotEvaluated` if what it read was rewritten."""
        if self.board is None:
            raise UsageError("the run did not begin")
        with self.board.connection() as reader, fresh(reader) as connection:
            yield connection

    @contextlib.contextmanager
    def before(self) -> Iterator[Any]:
        """A read-only connection on the snapshot of the first look, for one test. Raises `ConnectionFailed`."""
        if self._address is None or self._former is None:
            raise UsageError("there was no look before")
        with Reader(self._address, self._former, self.settings.limits) as reader, reader.lent() as connection:
            yield connection

    def scanned(self, folder: Path | None = None) -> list[Scanned]:
        """All finished scans: of this process, or of all workers that shared `folder`."""
        if folder is not None:
            return FolderShelf(folder, 1).finished()
        return self.board.finished() if self.board else []

    # --- the end

    def interrupt(self) -> None:
        """Cancel our own backends, and begin nothing more."""
        if self.board is not None:
            self.board.stop()

    def close(self) -> None:
        """Let go of connections, snapshot and embedded servers."""
        self.interrupt()
        if self._thread is not None:
            self._thread.join(timeout=30)
        if self._coordinator is not None:
            self._coordinator.close()
        self._resources.close()


def _is_demo(url: str) -> bool:
    """Whether it names embedded data: ``demo`` or ``demo:NAME``, not a database whose name begins like that."""
    return re.fullmatch(rf"{DEMO}(:\w*)?", url) is not None
