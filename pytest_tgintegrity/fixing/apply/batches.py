"""Make changes in batches, each of which is locked, written, read back and journalled, or not made at all.

Each batch is one transaction. Its rows are locked in key order and looked at once more; rows that somebody changed
meanwhile are skipped. The rows are read back after triggers and deferred constraints, and the journal holds what was read.
A batch that the server refuses is tried again after the others, then in halves, until the row that is to blame stands alone.
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
from pytest_tgintegrity.fixing.apply.effects import Untraceable, mark, other_changes
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
"""How long to wait for a commit whose answer was lost."""

_RETRIED = (errors.SerializationFailure, errors.DeadlockDetected)
_FATAL = ("08", "53", "57P", "58")
"""Beginnings of SQLSTATEs that are about the server or the connection: no other batch would succeed either."""


class Unanswered(ConnectionFailed):
    """The connection was lost while a batch was committed, and nobody can say whether it was committed."""


class Policy(Protocol):
    """What differs between a fix and an undo."""

    @property
    def quiet(self) -> bool:
        """Whether the triggers of users may be switched off where they are in the way."""

    def skipped(self, work: Work) -> list[Skipped]:
        """The changes that must not be made, now that their rows are locked."""

    def begin(self, work: Work) -> None:
        """Look at the data that the changes must not harm, before they are written."""

    def check(self, work: Work, others: Sequence[Change]) -> None:
        """Raise `Refused` if the rows must not stay as they are stored now; `others` are the changes that triggers made."""


@contextlib.contextmanager
def journalled_run(writer: Writer, kind: str, undoes: str | None, plan: str | None) -> Iterator[Batches]:
    """Prepare the journal for a fix or an undo, and keep others from fixing or undoing meanwhile.

    Raises `UsageError` before anything is changed if the role may not write, the journal is not ours, or another fix or
    undo is under way.
    """
    with Writer(writer.address, writer.limits) as second, _alone(writer) as outside:
        _prepare_journal(second)
        yield Batches(second, outside, _JournalRun(uuid.uuid4().hex[:12], kind, undoes, plan))


@contextlib.contextmanager
def _alone(writer: Writer) -> Iterator[Connection]:
    """Hold the lock that keeps others from fixing; if its connection is lost in the end, that does no harm."""
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
    """Who holds the lock, if anybody still does; any role can take it, so that it need not be a --fix."""
    holders = connection.execute(journal.HOLDERS).fetchall()
    processes = ", ".join(f"process {pid} of {user}" for pid, user in holders)
    return f" ({processes})" if processes else ""


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
class _JournalRun:
    """A run as the journal holds it, once something was written."""

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
    """The transactions of a run; `applied` is their result. The connection `outside` sees only what is committed."""

    def __init__(self, writer: Writer, outside: Connection, run: _JournalRun) -> None:
        self.writer = writer
        self.outside = outside
        self.applied = Applied(quote=writer.limits.quote)
        self._run = run

    def end(self) -> None:
        """Enter the end of the run into the journal, if something was written and the connection is still there."""
        if self.applied.run is not None:
            with contextlib.suppress(psycopg.Error, ConnectionFailed), self.writer.transaction() as connection:
                connection.execute(journal.END_RUN, [self.applied.run])

    # --- batch by batch

    def make(self, changes: Iterable[Change], policy: Policy, *, whole: bool) -> None:
        """Make changes, in larger batches if they are to be made as a `whole`; refused batches are tried again in the end."""
        size = max(WHOLE_PLAN_ROWS if whole else 0, BATCH_ROWS)
        waiting: list[_Waiting] = []
        for batch in _batches(changes, size):
            if self.applied.stopped is None:
                waiting += self._tried(batch, policy)
            else:
                self._skip(batch, self.applied.stopped)
        rows = -1
        while waiting and self.applied.stopped is None:
            if rows == self.applied.rows:
                if all(len(refused_batch.batch) == 1 for refused_batch in waiting):
                    break
                waiting = [
                    replace(refused_batch, batch=half)
                    for refused_batch in waiting
                    for half in halves(refused_batch.batch)
                ]
            rows = self.applied.rows
            waiting = [
                still_waiting
                for refused_batch in reversed(waiting)
                for still_waiting in self._tried(refused_batch.batch, policy)
            ]
        for refused_batch in waiting:
            self._skip(refused_batch.batch, refused_batch.reason)
        self.end()

    def _tried(self, batch: Sequence[Change], policy: Policy) -> list[_Waiting]:
        """Make a batch; a batch that is refused is returned, to be tried again."""
        reason = ""
        for _ in range(ATTEMPTS):
            try:
                self._attempt(batch, policy)
            except _RETRIED as error:
                reason = f"given up after {ATTEMPTS} attempts: {self.writer.limits.said(error)}"
            except Refused as refusal:
                return [_Waiting(batch, str(refusal))]
            except (errors.LockNotAvailable, errors.QueryCanceled) as error:
                reason = self._waited(error)
                break
            except (psycopg.Error, ConnectionFailed) as error:
                if not _is_fatal(error):
                    return [_Waiting(batch, self._server_reason(error))]
                reason = self.applied.stopped = f"the server stopped us: {self._server_reason(error)}"
                break
            else:
                return []
        self._skip(batch, reason)
        return []

    def _waited(self, error: psycopg.Error) -> str:
        if isinstance(error, errors.LockNotAvailable):
            return f"somebody else holds a lock on it (waited {self.writer.limits.lock:g} s, --lock-timeout)"
        return self._server_reason(error)

    def _server_reason(self, error: Exception) -> str:
        return self.writer.address.scrub(refused(error, quote=self.writer.limits.quote))

    def _skip(self, batch: Iterable[Change], reason: str) -> None:
        self.applied.skipped += [Skipped(change, reason) for change in batch]

    def _attempt(self, batch: Sequence[Change], policy: Policy) -> None:
        """Make a batch. If that fails, try another order of operations, or triggers switched off."""
        orders = ORDERS if len({change.op for change in batch}) > 1 else ORDERS[:1]
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
                tables = held_tables(connection, [change.table for change in batch])
                work = Work(connection, batch, tables)
                work.rows = {p: row for name in sorted(tables) for p, row in locked_rows(work, tables[name]).items()}
                skipped = policy.skipped(work)
                places = {skipped_change.change.place for skipped_change in skipped}
                work.batch = [change for change in batch if change.place not in places]
                if work.batch:
                    entries, others = self._written(work, policy, order, quiet=quiet)
                    committing = self._enter(connection, [*entries, *others])
        except psycopg.Error as error:
            if committing is None or not _is_fatal(error) or not self._is_committed(committing):
                raise
        self.applied.skipped += skipped
        if work.batch:
            self.applied.run = self._run.id
            self.applied.count(work.batch)
            self.applied.followed += len(others)

    def _is_committed(self, transaction: int) -> bool:
        """Whether a transaction whose answer was lost was committed. Raises `Unanswered` if nobody can tell."""
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
        """Write a batch, and return its entries for the journal, and the changes of other rows that triggers made."""
        policy.begin(work)
        ordered = parents_first(
            work.connection, (work.tables[name] for name in {change.table for change in work.batch})
        )
        before = mark(work.connection)
        with silenced(work.connection, ordered if quiet else ()):
            with own_path(work.connection, exactly=True):
                keyed = write_rows(work, ordered, order)
                work.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            work.stored = read_back_rows(work, keyed)
        entries = [journal_entry(work, change) for change in keyed]
        written = [traced(work, entry) for entry in entries]
        try:
            others = other_changes(work.connection, self.outside, before, written)
        except Untraceable as untraceable:
            reason = str(untraceable)
            raise (Refused(reason) if quiet or not policy.quiet else Disturbed(reason)) from None
        others = [replace(change, rules=_rules_of(work.batch)) for change in others]
        policy.check(work, others)
        return entries, others

    def _enter(self, connection: Connection, changes: Sequence[Change]) -> int:
        """Enter changes into the journal, after the run itself if they are its first; return the transaction's number."""
        if self.applied.run is None:
            run = self._run
            connection.execute(journal.BEGIN_RUN, [run.id, run.kind, run.undoes, run.plan])
        entries = [{**change.to_json(), "rule": "; ".join(change.rules)} for change in changes]
        connection.execute(journal.ENTER, [self._run.id, json.dumps(entries, ensure_ascii=False)])
        [(transaction,)] = connection.execute(journal.TRANSACTION)
        return int(transaction)


def _batches(changes: Iterable[Change], size: int) -> Iterator[list[Change]]:
    """Batches of at most a size, in which no row occurs twice."""
    rest = iter(changes)
    carried: list[Change] = []
    while batch := [*carried, *islice(rest, size - len(carried))]:
        seen: dict[Place, int] = {}
        end = next((n for n, change in enumerate(batch) if seen.setdefault(change.place, n) != n), len(batch))
        yield batch[:end]
        carried = batch[end:]


def _is_fatal(error: psycopg.Error | ConnectionFailed) -> bool:
    """Whether an error is about the server or the connection, not about rows."""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return state is None or state.startswith(_FATAL)


def _rules_of(batch: Sequence[Change]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule for change in batch for rule in change.rules))
