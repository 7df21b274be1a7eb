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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Protocol

import psycopg
from psycopg import errors, sql

from pytest_tgintegrity import journal
from pytest_tgintegrity.changes import Change, Place
from pytest_tgintegrity.effects import Unseen, Written, mark, other_changes
from pytest_tgintegrity.errors import ConnectionFailed, UsageError
from pytest_tgintegrity.journal_checks import check_journal, close_to_others
from pytest_tgintegrity.mended import Left, Made
from pytest_tgintegrity.server_errors import refused
from pytest_tgintegrity.stored import (
    StoredRow,
    StoredTable,
    deleting,
    held_tables,
    inserting,
    parents_first,
    read_rows,
    updating,
)
from pytest_tgintegrity.writer import Writer, own_path

BATCH_ROWS = 1_000
WHOLE_PLAN_ROWS = 5_000
ATTEMPTS = 3
COMMIT_SECONDS = 5.0
"""How long a commit is waited for whose answer was lost."""

Connection = psycopg.Connection[Any]
_RETRIED = (errors.SerializationFailure, errors.DeadlockDetected)
_FATAL = ("08", "53", "57P", "58")
"""SQLSTATEs that are about the server or the connection: no other batch would fare better."""

_ORDERS = (("insert", "update", "delete"), ("delete", "update", "insert"))
"""A new row may be what an update points to, and a row that goes may free the key that a new one takes."""

OPPOSITES = {"update": "update", "delete": "insert", "insert": "delete"}
"""What takes an operation back."""

_TRIGGERS = {"O": "ENABLE TRIGGER", "A": "ENABLE ALWAYS TRIGGER"}


class Refused(Exception):
    """A batch is not made as it is; `args` is the reason."""


class Unanswered(ConnectionFailed):
    """The connection was lost while a batch was committed, and nobody can say whether it is there."""


class Disturbed(Refused):
    """Triggers keep the rows from being what they have to be."""


@dataclass(slots=True)
class Work:
    """A batch in its transaction: tables and rows as they are under the locks, and as they are once it is written."""

    connection: Connection
    batch: Sequence[Change]
    tables: Mapping[str, StoredTable]
    rows: Mapping[Place, StoredRow] = field(default_factory=dict)
    stored: Mapping[Place, StoredRow] = field(default_factory=dict)

    def at(self, table: str) -> list[Change]:
        """The changes of one table."""
        return [one for one in self.batch if one.table == table]


class Policy(Protocol):
    """What tells a fix from an undo."""

    @property
    def quiet(self) -> bool:
        """Whether the triggers of users may be switched off where they are in the way."""

    def left(self, work: Work) -> list[Left]:
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
        self.made = Made(quote=writer.limits.quote)
        self._run = run

    def end(self) -> None:
        """Enter the end of the run, if something was written and the connection is still there."""
        if self.made.run is not None:
            with contextlib.suppress(psycopg.Error, ConnectionFailed), self.writer.transaction() as connection:
                connection.execute(journal.END_RUN, [self.made.run])

    # --- batch by batch

    def make(self, changes: Iterable[Change], policy: Policy, *, whole: bool) -> None:
        """Make changes: in larger batches if they are to be made as a whole. What is refused is tried again with others."""
        size = max(WHOLE_PLAN_ROWS if whole else 0, BATCH_ROWS)
        waiting: list[_Waiting] = []
        for batch in _batches(changes, size):
            if self.made.stopped is None:
                waiting += self._tried(batch, policy)
            else:
                self._leave(batch, self.made.stopped)
        rows = -1
        while waiting and self.made.stopped is None:
            if rows == self.made.rows:
                if all(len(one.batch) == 1 for one in waiting):
                    break
                waiting = [half for one in waiting for half in _halves(one)]
            rows = self.made.rows
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
                reason = self.made.stopped = f"the server stopped us: {self._told(error)}"
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
        self.made.left += [Left(change, reason) for change in batch]

    def _attempt(self, batch: Sequence[Change], policy: Policy) -> None:
        """Make a batch, in another order of operations or with triggers off where it can only be made so."""
        orders = _ORDERS if len({one.op for one in batch}) > 1 else _ORDERS[:1]
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
                work.rows = {p: row for name in sorted(tables) for p, row in _locked(work, tables[name]).items()}
                left = policy.left(work)
                places = {one.change.place for one in left}
                work.batch = [one for one in batch if one.place not in places]
                if work.batch:
                    entries, others = self._written(work, policy, order, quiet=quiet)
                    committing = self._enter(connection, [*entries, *others])
        except psycopg.Error as error:
            if committing is None or not _is_fatal(error) or not self._is_committed(committing):
                raise
        self.made.left += left
        if work.batch:
            self.made.run = self._run.id
            self.made.count(work.batch)
            self.made.followed += len(others)

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
        self.made.run = self._run.id
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
        with _silenced(work.connection, ordered if quiet else ()):
            with own_path(work.connection, exactly=True):
                keyed = _write(work, ordered, order)
                work.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            work.stored = _read_back(work, keyed)
        entries = [_entry(work, one) for one in keyed]
        written = [_traced(work, one) for one in entries]
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
        if self.made.run is None:
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


def _halves(one: _Waiting) -> list[_Waiting]:
    middle = (len(one.batch) + 1) // 2
    return [replace(one, batch=part) for part in (one.batch[:middle], one.batch[middle:]) if part]


def _asked(batch: Sequence[Change]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule for one in batch for rule in one.rules))


def _locked(work: Work, table: StoredTable) -> dict[Place, StoredRow]:
    changes = [one for one in work.at(table.name) if one.key and set(one.key) == set(table.key)]
    return read_rows(work.connection, table, changes, lock=True)


def _write(work: Work, tables: Sequence[StoredTable], order: Sequence[str]) -> list[Change]:
    """Write all of a batch, and return its changes with their keys, those of new rows too."""
    keyed: list[Change] = []
    for op in order:
        for table in tables if op != "delete" else reversed(tables):
            changes = [one for one in work.at(table.name) if one.op == op]
            rule = table.rules.get(op) or table.rules.get(OPPOSITES[op])
            if changes and rule:
                raise Refused(f"{table.name} has the rewrite rule {rule}: what it does could not be undone")
            if op == "insert":
                keyed += _insert(work.connection, table, changes)
            elif changes:
                statement = updating(table, changes) if op == "update" else deleting(table, changes)
                _expect(work.connection.execute(*statement).rowcount, len(changes))
                keyed += changes
    return keyed


def _insert(connection: Connection, table: StoredTable, changes: Sequence[Change]) -> list[Change]:
    """Insert rows, those of the same columns by one statement, as they may point to each other."""
    groups: dict[tuple[str, ...], list[Change]] = {}
    for one in changes:
        groups.setdefault(tuple(sorted(one.after)), []).append(one)
    keyed = []
    for members in groups.values():
        keys = [key for (key,) in connection.execute(*inserting(table, members)).fetchall()]
        _expect(len(keys), len(members))
        keyed += [replace(one, key=key) for one, key in zip(members, keys, strict=True)]
    return keyed


def _expect(count: int, planned: int) -> None:
    if count != planned:
        raise Refused(f"{count} rows would be written where {planned} are planned")


def _read_back(work: Work, keyed: Sequence[Change]) -> dict[Place, StoredRow]:
    """The rows as they are stored, after triggers and deferred constraints."""
    found: dict[Place, StoredRow] = {}
    for name in {one.table for one in keyed}:
        found |= read_rows(work.connection, work.tables[name], [one for one in keyed if one.table == name])
    return found


def _entry(work: Work, change: Change) -> Change:
    """What is journalled of a change: the values as they were and are stored, of all columns that are not the same."""
    before, after = work.rows.get(change.place), work.stored.get(change.place)
    if change.op == "delete":
        if before is None or after is not None:
            raise Refused("a trigger keeps the row from being deleted")
        return replace(change, before=before.row, after={})
    if after is None:
        raise Refused("a trigger keeps the row from being stored under its key")
    if change.op == "insert":
        return replace(change, before={}, after=after.row)
    if before is None:
        raise Refused("the row is gone")
    changed = [name for name, text in after.row.items() if text != before.row[name]]
    return replace(
        change, before={name: before.row[name] for name in changed}, after={name: after.row[name] for name in changed}
    )


def _traced(work: Work, entry: Change) -> Written:
    was, now = work.rows.get(entry.place), work.stored.get(entry.place)
    return Written(
        work.tables[entry.table],
        entry.op,
        entry.place,
        None if was is None or entry.op == "insert" else was.relation,
        None if now is None else now.relation,
    )


@contextlib.contextmanager
def _silenced(connection: Connection, tables: Sequence[StoredTable]) -> Iterator[None]:
    """Keep the triggers of users from firing for as long as the context lasts. Raises `Refused` for who may not."""
    triggers = [trigger for table in tables for trigger in table.triggers]
    try:
        for trigger in triggers:
            _alter(connection, trigger.relation, "DISABLE TRIGGER", trigger.name)
    except errors.InsufficientPrivilege:
        first = triggers[0]
        raise Refused(
            f"the trigger {first.name} changes it again: only the owner of {'.'.join(first.relation)} can undo this, its"
            " triggers switched off meanwhile"
        ) from None
    yield
    for trigger in triggers:
        _alter(connection, trigger.relation, _TRIGGERS[trigger.enabled], trigger.name)


def _alter(connection: Connection, relation: tuple[str, str], how: str, trigger: str) -> None:
    statement = sql.SQL("ALTER TABLE ONLY {} {} {}").format(
        sql.Identifier(*relation), sql.SQL(how), sql.Identifier(trigger)
    )
    connection.execute(statement)
