"""Make changes in batches: locked, written, read back, journalled, all or nothing.

Each batch is one transaction. Its rows are locked in key order and looked at once more; those that moved on are left out.
What is written is read back after triggers and deferred constraints, and that is what the journal holds. If the server
refuses a batch, it is tried again after the others, then in halves, until the row that is to blame stands alone.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

import psycopg
from psycopg import errors

from pytest_tgintegrity.database.connections.writer import Writer, own_path
from pytest_tgintegrity.database.messages.server_errors import refused
from pytest_tgintegrity.errors import ConnectionFailed, UsageError
from pytest_tgintegrity.fixing.apply.effects import Unseen, mark, other_changes
from pytest_tgintegrity.fixing.apply.stored import (
    held_tables,
    parents_first,
)
from pytest_tgintegrity.fixing.apply.writing import (
    ORDERS,
    Connection,
    Disturbed,
    Refused,
    Work,
    journal_entry,
    locked_rows,
    read_back_rows,
    silenced,
    traced,
    write_rows,
)
from pytest_tgintegrity.fixing.changes import Change, Place
from pytest_tgintegrity.fixing.journal import schema as journal
from pytest_tgintegrity.fixing.journal.checks import check_journal, close_to_others
from pytest_tgintegrity.fixing.results import Applied, Skipped
from pytest_tgintegrity.parts import halves

BATCH_ROWS = 1_000
WHOLE_PLAN_ROWS = 5_000
ATTEMPTS = 3
COMMIT_SECONDS = 5.0
"""How long a commit is waited for whose answer was lost."""

_RETRIED = (errors.SerializationFailure, errors.DeadlockDetected)
_FATAL = ("08", "53", "57P", "58")
"""SQLSTATEs that are about the server or the connection: no other batch would fare better."""


class Unanswered(ConnectionFailed):
    """The connection was lost while a batch was committed, and nobody can say whether it is there."""


class Policy(Protocol):
    """What tells a fix from an undo."""

    @property
    def quiet(self) -> bool:
        """Whether the triggers of users may be switched off where they are in the way."""

    def left(self, work: Work) -> list[Skipped]:
        """The changes that must not be made, now that their rows are locked."""

    def begin(self, work: Work) -> None:
        """Look at what the changes must not harm."""

    def check(self, work: Work, others: Sequence[Change]) -> None:
        """Look at what was stored. Raises `Refused`."""


@contextlib.contextmanager
def repairing(writer: Writer, kind: str, undoes: str | None, plan: str | None) -> Iterator[Batches]:
    """Prepare the journal for a run; nobody else repairs meanwhile.

    Raises `UsageError` before anything is changed: for a role that may not write, a journal that is not ours, or another
    repair under way.
    """
    with Writer(writer.address, writer.limits) as second, _alone(writer) as outside:
        _prepare_journal(second)
        yield Batches(second, outside, _Run(uuid.uuid4().hex[:12], kind, undoes, plan))


@contextlib.contextmanager
def _alone(writer: Writer) -> Iterator[Connection]:
    """Hold the lock that keeps others from repairing; that its connection is lost in the end does no harm."""
    held = contextlib.ExitStack()
    connection = held.enter_context(writer.transaction(patient=True))
    try:
        [(alone,)] = connection.execute(journal.ALONE)
        if not alone:
            raise UsageError(
                f"another --fix or --undo is under way on this database{_holders(connection)}: wait for it to end, then"
                " try again"
            )
        connection.patience = writer.patience  # what is asked of it is little, it only lasts
        yield connection
    finally:
        with contextlib.suppress(psycopg.Error):
            held.close()


def _holders(connection: Connection) -> str:
    """Who holds the lock, if he still does: any role can, and then it is no --fix."""
    found = connection.execute(journal.HOLDERS).fetchall()
    told = ", ".join(f"process {pid} of {user}" for pid, user in found)
    return f" ({told})" if told else ""


def _prepare_journal(writer: Writer) -> None:
    try:
        with writer.transaction() as connection:
            [(exists,)] = connection.execute(journal.EXISTS)
            if not exists:
                [(has_schema,)] = connection.execute(journal.HAS_SCHEMA)
                if not has_schema:
                    connection.execute(journal.CREATE_SCHEMA)
                connection.execute(journal.CREATE)
                close_to_others(connection)
            check_journal(connection, writing=True)
            (version,) = connection.execute(journal.READ_VERSION).fetchone() or (None,)
    except psycopg.Error as error:
        if error.sqlstate is None:  # the connection was lost
            raise
        raise UsageError(
            f"the journal (schema tgintegrity) cannot be made or read: {writer.limits.said(error)}: nothing was changed; "
            "docs/fixing.md says what the role needs"
        ) from None
    if version != journal.VERSION:
        raise UsageError(
            f"the journal has version {version}, this pytest-tgintegrity writes version {journal.VERSION}: nothing was"
            " changed; use the version that made it"
        )


@dataclass(frozen=True, slots=True)
class _Run:
    """A run as it stands in the journal, once something was written."""

    id: str
    kind: str
    undoes: str | None
    plan: str | None


@dataclass(slots=True)
class _Waiting:
    """A batch that the server refused, and why."""

    batch: Sequence[Change]
    reason: str


class Batches:
    """The transactions of one run, and what came of them. `outside` sees only what is committed."""

    def __init__(self, writer: Writer, outside: Connection, run: _Run) -> None:
        self.writer = writer
        self.outside = outside
        self.applied = Applied(quote=writer.limits.quote)
        self._run = run

    def end(self) -> None:
        """Enter the end of the run, if something was written and the connection is still there."""
        if self.applied.run is not None:
            with contextlib.suppress(psycopg.Error, ConnectionFailed), self.writer.transaction() as connection:
                connection.execute(journal.END_RUN, [self.applied.run])

    # --- batch by batch

    def make(self, changes: Iterable[Change], policy: Policy, *, whole: bool) -> None:
        """Make changes: in larger batches if they are to be made as a whole. What is refused is tried again with others."""
        size = max(WHOLE_PLAN_ROWS if whole else 0, BATCH_ROWS)
        waiting: list[_Waiting] = []
        for batch in _batches(changes, size):
            if self.applied.stopped is None:
                waiting += self._tried(batch, policy)
            else:
                self._leave(batch, self.applied.stopped)
        rows = -1
        while waiting and self.applied.stopped is None:
            if rows == self.applied.rows:
                if all(len(one.batch) == 1 for one in waiting):
                    break
                waiting = [replace(one, batch=half) for one in waiting for half in halves(one.batch)]
            rows = self.applied.rows
            waiting = [refused for one in reversed(waiting) for refused in self._tried(one.batch, policy)]
        for one in waiting:
            self._leave(one.batch, one.reason)
        self.end()

    def _tried(self, batch: Sequence[Change], policy: Policy) -> list[_Waiting]:
        """Make one batch; it is given back where the server refuses it."""
        reason = ""
        for _ in range(ATTEMPTS):
            try:
                self._attempt(batch, policy)
            except _RETRIED as error:
                reason = f"given up after {ATTEMPTS} attempts: {self.writer.limits.said(error)}"
            except Refused as refused:
                return [_Waiting(batch, str(refused))]
            except (errors.LockNotAvailable, errors.QueryCanceled) as error:
                reason = self._waited(error)
                break
            except (psycopg.Error, ConnectionFailed) as error:
                if not _is_fatal(error):
                    return [_Waiting(batch, self._told(error))]
                reason = self.applied.stopped = f"the server stopped us: {self._told(error)}"
                break
            else:
                return []
        self._leave(batch, reason)
        return []

    def _waited(self, error: psycopg.Error) -> str:
        if isinstance(error, errors.LockNotAvailable):
            return f"somebody else holds a lock on it (waited {self.writer.limits.lock:g} s, --lock-timeout)"
        return self._told(error)

    def _told(self, error: Exception) -> str:
        return self.writer.address.scrub(refused(error, quote=self.writer.limits.quote))

    def _leave(self, batch: Iterable[Change], reason: str) -> None:
        self.applied.left += [Skipped(change, reason) for change in batch]

    def _attempt(self, batch: Sequence[Change], policy: Policy) -> None:
        """Make a batch, in another order of operations or with triggers off where it can only be made so."""
        orders = ORDERS if len({one.op for one in batch}) > 1 else ORDERS[:1]
        for order in orders:
            try:
                self._transaction(batch, policy, order)
            except (Disturbed, errors.RaiseException):
                if not policy.quiet:
                    raise
                self._transaction(batch, policy, order, quiet=True)
            except psycopg.IntegrityError:
                if order == orders[-1]:
                    raise
                continue
            return

    # --- one transaction

    def _transaction(
        self, batch: Sequence[Change], policy: Policy, order: Sequence[str], *, quiet: bool = False
    ) -> None:
        committing: int | None = None
        try:
            with self.writer.transaction() as connection:
                tables = held_tables(connection, [one.table for one in batch])
                work = Work(connection, batch, tables)
                work.rows = {p: row for name in sorted(tables) for p, row in locked_rows(work, tables[name]).items()}
                left = policy.left(work)
                places = {one.change.place for one in left}
                work.batch = [one for one in batch if one.place not in places]
                if work.batch:
                    entries, others = self._written(work, policy, order, quiet=quiet)
                    committing = self._enter(connection, [*entries, *others])
        except psycopg.Error as error:
            if committing is None or not _is_fatal(error) or not self._is_committed(committing):
                raise
        self.applied.left += left
        if work.batch:
            self.applied.run = self._run.id
            self.applied.count(work.batch)
            self.applied.followed += len(others)

    def _is_committed(self, transaction: int) -> bool:
        """Whether a transaction was committed although the answer was lost. Raises `Unanswered` if nobody can tell."""
        status: str | None = "in progress"
        with contextlib.suppress(psycopg.Error, ConnectionFailed):
            end = time.monotonic() + COMMIT_SECONDS
            while status == "in progress" and time.monotonic() < end:
                with self.writer.transaction() as connection:
                    [(status,)] = connection.execute(journal.STATUS, [transaction])
                time.sleep(0.05)
            if status in ("committed", "aborted"):
                return status == "committed"
        self.applied.run = self._run.id
        raise Unanswered(
            "the connection was lost while rows were committed: whether they are written, --fix-history says of run"
            f" {self._run.id}"
        )

    def _written(
        self, work: Work, policy: Policy, order: Sequence[str], *, quiet: bool
    ) -> tuple[list[Change], list[Change]]:
        """Write a batch, and tell what came of it: its own rows as they are stored, and others that changed with them."""
        policy.begin(work)
        ordered = parents_first(work.connection, (work.tables[name] for name in {one.table for one in work.batch}))
        before = mark(work.connection)
        with silenced(work.connection, ordered if quiet else ()):
            with own_path(work.connection, exactly=True):
                keyed = write_rows(work, ordered, order)
                work.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            work.stored = read_back_rows(work, keyed)
        entries = [journal_entry(work, one) for one in keyed]
        written = [traced(work, one) for one in entries]
        try:
            others = other_changes(work.connection, self.outside, before, written)
        except Unseen as unseen:
            reason = str(unseen)
            raise (Refused(reason) if quiet or not policy.quiet else Disturbed(reason)) from None
        others = [replace(one, rules=_asked(work.batch)) for one in others]
        policy.check(work, others)
        return entries, others

    def _enter(self, connection: Connection, changes: Sequence[Change]) -> int:
        """Into the journal, the run itself too if this is its first change; the transaction's number is returned."""
        if self.applied.run is None:
            run = self._run
            connection.execute(journal.BEGIN_RUN, [run.id, run.kind, run.undoes, run.plan])
        told = [{**one.to_json(), "rule": "; ".join(one.rules)} for one in changes]
        connection.execute(journal.ENTER, [self._run.id, json.dumps(told, ensure_ascii=False)])
        [(transaction,)] = connection.execute(journal.TRANSACTION)
        return int(transaction)


def _batches(changes: Iterable[Change], size: int) -> Iterator[list[Change]]:
    """Batches of a size in which no row stands twice."""
    rest = iter(changes)
    held: list[Change] = []
    while batch := [*held, *islice(rest, size - len(held))]:
        seen: dict[Place, int] = {}
        end = next((n for n, one in enumerate(batch) if seen.setdefault(one.place, n) != n), len(batch))
        yield batch[:end]
        held = batch[end:]


def _is_fatal(error: psycopg.Error | ConnectionFailed) -> bool:
    """Whether it is about the server or the connection, not about rows."""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return state is None or state.startswith(_FATAL)


def _asked(batch: Sequence[Change]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule for one in batch for rule in one.rules))
