"""What ``--fix-plan``, ``--fix``, ``--undo`` and ``--fix-history`` do with a run: look, plan, write, and look again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from pytest_tgintegrity import blueprint as drawing
from pytest_tgintegrity import journal, plan_files, repair
from pytest_tgintegrity.applying import Applying, apply
from pytest_tgintegrity.blueprint import Blueprint, Wanted, stream
from pytest_tgintegrity.changes import Change, Digest
from pytest_tgintegrity.database import Database, Reader
from pytest_tgintegrity.encoding import sql_text
from pytest_tgintegrity.errors import ConnectionFailed, TgIntegrityError, UsageError
from pytest_tgintegrity.journal_checks import check_journal
from pytest_tgintegrity.kinds import Check
from pytest_tgintegrity.mended import Made, Mended, PastRun, Undone, Unmended
from pytest_tgintegrity.namesakes import advice, namesakes
from pytest_tgintegrity.planning import BoundRule
from pytest_tgintegrity.restoring import undo as take_back
from pytest_tgintegrity.run import Run
from pytest_tgintegrity.verdicts import Measurement
from pytest_tgintegrity.writer import Writer

PLANNINGS = 2
"""How often a plan is begun: a connection that is lost once is not lost for ever."""

_PRIVILEGES = {
    "update": "SELECT pg_catalog.has_any_column_privilege($1, 'UPDATE')",
    "insert": "SELECT pg_catalog.has_any_column_privilege($1, 'INSERT')",
    "delete": "SELECT pg_catalog.has_table_privilege($1, 'DELETE')",
}


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for: only a plan, or to make its changes, perhaps only if it is still the plan of that id.

    `folder` is where the plan's file goes, `samples` the number of changes to show, `failing` whether a violation of such
    a rule counts (graver than ``--fail-on``, not waived).
    """

    apply: bool
    plan: str | None
    folder: Path
    samples: int
    failing: Callable[[BoundRule], bool]


def mend(run: Run, rules: Sequence[BoundRule], order: Order) -> Mended:
    """Plan the fixes of all violated rules and, if that was asked for, make them; then the run looks anew.

    Raises `UsageError` before anything is written: for a plan that is not the one any more, or a role that may not write.
    """
    mended, drawn = plan_fixes(run, rules, order)
    if order.apply:
        make_fixes(run, mended, drawn, order.plan)
        try:
            run.renew(rules)
        except TgIntegrityError as error:
            if mended.made is None or mended.made.run is None:
                raise
            mended.blind = f"nobody looked again: {error}"
            run.forget(mended.blind)
    return mended


def plan_fixes(run: Run, rules: Sequence[BoundRule], order: Order) -> tuple[Mended, Blueprint]:
    """Wait for what the scans say of the rules, and plan the fixes of those that are violated; nothing is written."""
    looked = {one.id: run.measurement(one) for one in rules if not isinstance(one.rule.kind, Check)}
    counts = {rule: one.violations for rule, one in looked.items() if one.error is None}
    mended = Mended(
        {rule: count for rule, count in counts.items() if count},
        looked=looked,
        allows={one.id: one.rule.fix_allows for one in rules},
        noted_fixes=[
            one.id for one in rules if one.rule.fix is not None and counts.get(one.id) and not order.failing(one)
        ],
    )
    wanted = list(_wanted(rules, looked, order))
    drawn = _planned(run, mended, order, (wanted, counts))
    mended.unmended = list(_unmended(rules, looked, order, drawn, mended))
    checks = [one.id for one in rules if isinstance(one.rule.kind, Check)]
    mended.unforeseen = sorted([*drawn.unforeseen, *checks]) if mended.count else []
    return mended, drawn


def _planned(run: Run, mended: Mended, order: Order, asked: tuple[Sequence[Wanted], dict[str, int]]) -> Blueprint:
    """Plan on a connection of its own, once more if that is lost. What keeps a plan from being made is told in `mended`."""
    reason = ""
    for _ in range(PLANNINGS):
        try:
            with run.reader() as reader:
                return _drawn(run, reader, mended, order, asked)
        except (psycopg.Error, ConnectionFailed) as error:
            reason = _said(run, error)
        except UsageError as error:
            reason = str(error)
            break
    mended.failed = f"no plan was made, nothing was written: {reason}"
    return Blueprint()


def _drawn(
    run: Run, reader: Reader, mended: Mended, order: Order, asked: tuple[Sequence[Wanted], dict[str, int]]
) -> Blueprint:
    wanted, counts = asked
    mendable = wanted if any(not one.fresh for one in wanted) else []
    drawn = drawing.draw(reader, run.facts, run.plan, mendable, counts)
    _write_plan(mended, drawn, drawing.changes(drawn, lambda query: stream(reader.connection, query)), order)
    return drawn


def _wanted(rules: Sequence[BoundRule], looked: dict[str, Measurement], order: Order) -> Iterator[Wanted]:
    for one in rules:
        found = looked.get(one.id)
        if one.rule.fix is not None and found is not None and found.error is None:
            yield Wanted(one, fresh=not (found.violations and order.failing(one)))


def _unmended(
    rules: Sequence[BoundRule], looked: dict[str, Measurement], order: Order, drawn: Blueprint, mended: Mended
) -> Iterator[Unmended]:
    planned = {rule for rule, _ in mended.counts}
    named = namesakes(rules)
    for one in rules:
        found = looked.get(one.id)
        if found is None or found.error is not None or not found.violations or not order.failing(one):
            continue
        if one.id in drawn.healed:
            continue
        if one.rule.fix is None:
            yield Unmended(one.id, found.violations, advice(one, named))
        elif one.id in drawn.refused:
            yield Unmended(one.id, found.violations, drawn.refused[one.id])
        elif one.id not in planned:
            yield Unmended(one.id, found.violations, "its fix leaves these rows as they are: a person decides")


def _write_plan(mended: Mended, drawn: Blueprint, changes: Iterable[Change], order: Order) -> None:
    """Every change into a file, one a line; the id is known at the end, and names the file."""
    digest = Digest(drawn.moving)
    mended.shown.clear()
    mended.counts.clear()
    with plan_files.PlanFile(order.folder) as file:
        for change in changes:
            digest.add(change)
            file.write(change)
            mended.counts.update((rule, change.table) for rule in change.rules)
            if len(mended.shown) < order.samples:
                mended.shown.append(change)
        mended.plan, mended.count = digest.id, digest.count
        mended.file = file.finish(mended.plan) if mended.count else None


def make_fixes(run: Run, mended: Mended, drawn: Blueprint, plan: str | None = None) -> None:
    """Make the planned changes; with `plan` only if that is still the plan's id. Raises `UsageError` before the first."""
    if plan is not None and plan != mended.plan and mended.failed is None:
        raise UsageError(
            f"the plan is {mended.plan} now, not {plan}: data or rules have changed since; nothing was written; "
            "look at --fix-plan again"
        )
    mended.made = Made()
    if mended.file is None:
        return
    try:
        with run.writer() as writer:
            _check_privileges(writer, mended, drawn)
            with repair.repairing(writer, "fix", None, mended.plan) as batches:
                mended.made = batches.made
                apply(batches, Applying(drawn, run.plan, mended.allows), plan_files.read(mended.file), mended.count)
    except psycopg.Error as error:
        _stopped(run, mended.made, error)


def _said(run: Run, error: Exception) -> str:
    """What a server says of an error, as far as it may be told."""
    return run.secrets.scrub(run.settings.limits.said(error))


def _stopped(run: Run, made: Made, error: psycopg.Error) -> None:
    """The connection was lost between batches. Raises `ConnectionFailed` where nothing was written."""
    if made.run is None:
        raise ConnectionFailed(f"nothing was written: {_said(run, error)}") from None
    made.stopped = made.stopped or f"the server stopped us: {_said(run, error)}"


def _check_privileges(writer: Writer, mended: Mended, drawn: Blueprint) -> None:
    """Refuse before the first write what the server would refuse in the middle."""
    ops = {(one.table.path, one.op) for group in drawn.groups for step in group for one in step.remedies}
    touched = {table for _, table in mended.counts}
    with writer.transaction() as connection:
        for path, op in sorted(ops):
            name = ".".join(path)
            if name in touched:
                quoted = sql_text(sql.Identifier(*path))
                (may,) = connection.execute(_PRIVILEGES[op], [quoted]).fetchone() or (False,)
                if not may:
                    raise UsageError(
                        f"the role {connection.info.user} may not {op} {name}: nothing was changed; "
                        f"GRANT {op.upper()} ON {quoted}, or use a role that may (docs/fixing.md)"
                    )


# --- --undo and --fix-history


def undo(run: Run, which: str) -> Undone:
    """Take back what a run changed, ``last`` for the last fix that is not wholly taken back. Raises `UsageError`."""
    run.wait()
    undone = Undone(which, Made())
    try:
        with run.writer() as writer:
            chosen, older = _chosen(writer, which, run.database)
            with (
                repair.repairing(writer, "undo", chosen, None) as batches,
                Writer(writer.address, writer.limits) as third,
            ):
                undone = Undone(chosen, batches.made, older)
                take_back(batches, third, chosen)
    except psycopg.Error as error:
        _stopped(run, undone.made, error)
    return undone


def _chosen(writer: Writer, which: str, database: Database | None) -> tuple[str, str | None]:
    """The run to take back and, for ``last``, the one before it."""
    where = database.name if database else "this database"
    with writer.transaction() as connection:
        if not _journalled(connection):
            raise UsageError(f"{where} has no journal (schema tgintegrity): nothing was ever fixed here")
        check_journal(connection, writing=True)
        if which == "last":
            found = [str(run) for (run,) in connection.execute(journal.FIXES).fetchall()]
            if not found:
                raise UsageError("there is no fix left to undo: --fix-history lists them all")
            return found[0], (found[1] if found[1:] else None)
        if connection.execute(journal.KNOWN_RUN, [which]).fetchone() is None:
            raise UsageError(f"the journal of {where} knows no run {which!r}: --fix-history lists them")
        (standing,) = connection.execute(journal.STANDS, [which]).fetchone() or (0,)
    if not standing:
        raise UsageError(f"nothing of run {which} is left to undo: --fix-history says what undid it")
    return which, None


def _journalled(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = connection.execute(journal.EXISTS).fetchone()
    return bool(row and row[0])


def _hold_journal(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Until it was read, nobody puts a view in the place of a table."""
    for (name,) in connection.execute(journal.TABLES).fetchall():
        connection.execute(
            sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(sql.Identifier("tgintegrity", str(name)))
        )


def past_runs(run: Run, limit: int = 50) -> list[PastRun]:
    """The runs in the journal, newest first; nothing is written, so that a standby can be asked."""
    run.wait()
    try:
        with run.reader(writing=True) as reader:
            connection = reader.connection
            connection.execute("SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)")
            if not _journalled(connection):
                return []
            _hold_journal(connection)
            check_journal(connection, writing=False)
            rows = psycopg.RawCursor(connection).execute(journal.RUNS, [limit]).fetchall()
            return [PastRun(*row) for row in rows]
    except psycopg.Error as error:
        raise UsageError(f"the journal cannot be read: {_said(run, error)}") from None
