"""The steps of ``--fix-plan``, ``--fix``, ``--undo`` and ``--fix-history``: look, plan, write, and look again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from pytest_tgintegrity.database.connections.reader import Reader
from pytest_tgintegrity.database.connections.writer import Writer
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.errors import ConnectionFailed, TgIntegrityError, UsageError
from pytest_tgintegrity.fixing import plan_files
from pytest_tgintegrity.fixing.apply.applying import FixPolicy, apply
from pytest_tgintegrity.fixing.apply.batches import journalled_run
from pytest_tgintegrity.fixing.apply.restoring import take_back
from pytest_tgintegrity.fixing.changes import Change, Digest
from pytest_tgintegrity.fixing.journal import schema as journal
from pytest_tgintegrity.fixing.journal.checks import check_journal
from pytest_tgintegrity.fixing.namesakes import advice, namesakes
from pytest_tgintegrity.fixing.plan.planner import FixPlan, Wanted, prepare, stream
from pytest_tgintegrity.fixing.plan.planner import changes as planned_changes
from pytest_tgintegrity.fixing.results import Applied, FixResult, NeedsPerson, PastRun, Undone
from pytest_tgintegrity.judging.summary import Database
from pytest_tgintegrity.judging.verdicts import Measurement
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.sql.encoding import sql_text
from pytest_tgintegrity.rules.kinds import Check

PLANNINGS = 2
"""How often planning is tried, since a connection may be lost once and be there again."""

_PRIVILEGES = {
    "update": "SELECT pg_catalog.has_any_column_privilege($1, 'UPDATE')",
    "insert": "SELECT pg_catalog.has_any_column_privilege($1, 'INSERT')",
    "delete": "SELECT pg_catalog.has_table_privilege($1, 'DELETE')",
}


@dataclass(frozen=True, slots=True)
class FixRequest:
    """What the user asks for: a plan or, with `apply`, its changes too; with `plan` only if the plan still has that id.

    `folder` is where the plan's file goes, `samples` the number of changes to show. `failing` says whether a violation of
    a rule counts, which it does if it is as grave as ``--fail-on`` and not waived.
    """

    apply: bool
    plan: str | None
    folder: Path
    samples: int
    failing: Callable[[BoundRule], bool]


def fix_violations(run: Run, rules: Sequence[BoundRule], request: FixRequest) -> FixResult:
    """Plan the fixes of all violated rules and, if that was asked for, make them; then the run looks at the data anew.

    Raises `UsageError` before anything is written if the plan has another id than was asked for, or the role may not write.
    """
    fix_result, fix_plan = plan_fixes(run, rules, request)
    if request.apply:
        make_fixes(run, fix_result, fix_plan, request.plan)
        try:
            run.renew(rules)
        except TgIntegrityError as error:
            if fix_result.applied is None or fix_result.applied.run is None:
                raise
            fix_result.unseen = f"nobody looked again: {error}"
            run.forget(fix_result.unseen)
    return fix_result


def plan_fixes(run: Run, rules: Sequence[BoundRule], request: FixRequest) -> tuple[FixResult, FixPlan]:
    """Wait for the measurements of all rules, and plan the fixes of violated rules; nothing is written."""
    measurements = {bound.id: run.measurement(bound) for bound in rules if not isinstance(bound.rule.kind, Check)}
    counts = {rule: measurement.violations for rule, measurement in measurements.items() if measurement.error is None}
    fix_result = FixResult(
        {rule: count for rule, count in counts.items() if count},
        measurements_before=measurements,
        allows={bound.id: bound.rule.fix_allows for bound in rules},
        noted_fixes=[
            bound.id
            for bound in rules
            if bound.rule.fix is not None and counts.get(bound.id) and not request.failing(bound)
        ],
    )
    wanted = list(_wanted(rules, measurements, request))
    fix_plan = _plan(run, fix_result, request, (wanted, counts))
    fix_result.needs_person = list(_needing_person(rules, measurements, request, fix_plan, fix_result))
    checks = [bound.id for bound in rules if isinstance(bound.rule.kind, Check)]
    fix_result.unforeseen = sorted([*fix_plan.unforeseen, *checks]) if fix_result.count else []
    return fix_result, fix_plan


def _plan(
    run: Run, fix_result: FixResult, request: FixRequest, asked: tuple[Sequence[Wanted], dict[str, int]]
) -> FixPlan:
    """Plan on a connection of its own, and again if that is lost. `fix_result` says why there is no plan."""
    reason = ""
    for _ in range(PLANNINGS):
        try:
            with run.reader() as reader:
                return _plan_with(run, reader, fix_result, request, asked)
        except (psycopg.Error, ConnectionFailed) as error:
            reason = _server_reason(run, error)
        except UsageError as error:
            reason = str(error)
            break
    fix_result.failed = f"no plan was made, nothing was written: {reason}"
    return FixPlan()


def _plan_with(
    run: Run, reader: Reader, fix_result: FixResult, request: FixRequest, asked: tuple[Sequence[Wanted], dict[str, int]]
) -> FixPlan:
    wanted, counts = asked
    fixable = wanted if any(not fix.fresh for fix in wanted) else []
    fix_plan = prepare(reader, run.facts, run.plan, fixable, counts)
    _write_plan(
        fix_result, fix_plan, planned_changes(fix_plan, lambda query: stream(reader.connection, query)), request
    )
    return fix_plan


def _wanted(rules: Sequence[BoundRule], measurements: dict[str, Measurement], request: FixRequest) -> Iterator[Wanted]:
    for bound in rules:
        measurement = measurements.get(bound.id)
        if bound.rule.fix is not None and measurement is not None and measurement.error is None:
            yield Wanted(bound, fresh=not (measurement.violations and request.failing(bound)))


def _needing_person(
    rules: Sequence[BoundRule],
    measurements: dict[str, Measurement],
    request: FixRequest,
    fix_plan: FixPlan,
    fix_result: FixResult,
) -> Iterator[NeedsPerson]:
    planned = {rule for rule, _ in fix_result.counts}
    fixable_namesakes = namesakes(rules)
    for bound in rules:
        measurement = measurements.get(bound.id)
        if (
            measurement is None
            or measurement.error is not None
            or not measurement.violations
            or not request.failing(bound)
        ):
            continue
        if bound.id in fix_plan.fixed_rules:
            continue
        if bound.rule.fix is None:
            yield NeedsPerson(bound.id, measurement.violations, advice(bound, fixable_namesakes))
        elif bound.id in fix_plan.refused:
            yield NeedsPerson(bound.id, measurement.violations, fix_plan.refused[bound.id])
        elif bound.id not in planned:
            yield NeedsPerson(
                bound.id, measurement.violations, "its fix leaves these rows as they are: a person decides"
            )


def _write_plan(fix_result: FixResult, fix_plan: FixPlan, changes: Iterable[Change], request: FixRequest) -> None:
    """Write each change as a line of a file. The file is named by the plan's id, which is known in the end."""
    digest = Digest(fix_plan.moving)
    fix_result.shown.clear()
    fix_result.counts.clear()
    with plan_files.PlanFile(request.folder) as file:
        for change in changes:
            digest.add(change)
            file.write(change)
            fix_result.counts.update((rule, change.table) for rule in change.rules)
            if len(fix_result.shown) < request.samples:
                fix_result.shown.append(change)
        fix_result.plan, fix_result.count = digest.id, digest.count
        fix_result.file = file.finish(fix_result.plan) if fix_result.count else None


def make_fixes(run: Run, fix_result: FixResult, fix_plan: FixPlan, plan: str | None = None) -> None:
    """Make the planned changes; with `plan` only if the plan still has that id. Raises `UsageError` before it writes."""
    if plan is not None and plan != fix_result.plan and fix_result.failed is None:
        raise UsageError(
            f"the plan is {fix_result.plan} now, not {plan}: data or rules have changed since; nothing was written; "
            "look at --fix-plan again"
        )
    fix_result.applied = Applied()
    if fix_result.file is None:
        return
    try:
        with run.writer() as writer:
            _check_privileges(writer, fix_result, fix_plan)
            with journalled_run(writer, "fix", None, fix_result.plan) as batches:
                fix_result.applied = batches.applied
                apply(
                    batches,
                    FixPolicy(fix_plan, run.plan, fix_result.allows),
                    plan_files.read(fix_result.file),
                    fix_result.count,
                )
    except psycopg.Error as error:
        _stopped(run, fix_result.applied, error)


def _server_reason(run: Run, error: Exception) -> str:
    """What a server says of an error, without secrets and, where rows may not be shown, without their values."""
    return run.secrets.scrub(run.settings.limits.said(error))


def _stopped(run: Run, applied: Applied, error: psycopg.Error) -> None:
    """Note that the connection was lost between batches. Raises `ConnectionFailed` if nothing was written yet."""
    if applied.run is None:
        raise ConnectionFailed(f"nothing was written: {_server_reason(run, error)}") from None
    applied.stopped = applied.stopped or f"the server stopped us: {_server_reason(run, error)}"


def _check_privileges(writer: Writer, fix_result: FixResult, fix_plan: FixPlan) -> None:
    """Raise `UsageError` where the role lacks a right, before the server would refuse it in the middle."""
    ops = {
        (table_fix.table.path, table_fix.op)
        for group in fix_plan.groups
        for step in group
        for table_fix in step.table_fixes
    }
    touched = {table for _, table in fix_result.counts}
    with writer.transaction() as connection:
        for path, op in sorted(ops):
            name = ".".join(path)
            if name in touched:
                quoted = sql_text(sql.Identifier(*path))
                (is_granted,) = connection.execute(_PRIVILEGES[op], [quoted]).fetchone() or (False,)
                if not is_granted:
                    raise UsageError(
                        f"the role {connection.info.user} may not {op} {name}: nothing was changed; "
                        f"GRANT {op.upper()} ON {quoted}, or use a role that may (docs/fixing.md)"
                    )


# --- --undo and --fix-history


def undo(run: Run, which: str) -> Undone:
    """Take back what a run changed; ``last`` is the last fix that is not wholly taken back. Raises `UsageError`."""
    run.wait()
    undone = Undone(which, Applied())
    try:
        with run.writer() as writer:
            chosen, older = _chosen(writer, which, run.database)
            with (
                journalled_run(writer, "undo", chosen, None) as batches,
                Writer(writer.address, writer.limits) as journal_writer,
            ):
                undone = Undone(chosen, batches.applied, older)
                take_back(batches, journal_writer, chosen)
    except psycopg.Error as error:
        _stopped(run, undone.applied, error)
    return undone


def _chosen(writer: Writer, which: str, database: Database | None) -> tuple[str, str | None]:
    """The id of the run to take back and, for ``last``, that of the run before it."""
    where = database.name if database else "this database"
    with writer.transaction() as connection:
        if not _journalled(connection):
            raise UsageError(f"{where} has no journal (schema tgintegrity): nothing was ever fixed here")
        check_journal(connection, writing=True)
        if which == "last":
            runs = [str(run) for (run,) in connection.execute(journal.FIXES).fetchall()]
            if not runs:
                raise UsageError("there is no fix left to undo: --fix-history lists them all")
            return runs[0], (runs[1] if runs[1:] else None)
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
    """Lock the journal's tables, so that nobody puts a view in the place of a table until they are read."""
    for (name,) in connection.execute(journal.TABLES).fetchall():
        connection.execute(
            sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(sql.Identifier("tgintegrity", str(name)))
        )


def past_runs(run: Run, limit: int = 50) -> list[PastRun]:
    """The runs in the journal, newest first; nothing is written, so that it can be read on a standby, too."""
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
        raise UsageError(f"the journal cannot be read: {_server_reason(run, error)}") from None
