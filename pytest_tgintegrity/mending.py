"""What ``--fix-plan``, ``--fix``, ``--undo`` and ``--fix-history`` do with a run: look, plan, write, and look again."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

from pytest_tgintegrity import blueprint as drawing
from pytest_tgintegrity import journal, repair
from pytest_tgintegrity.blueprint import TEXT_SETTINGS, Blueprint, Wanted, stream
from pytest_tgintegrity.changes import Change, Digest
from pytest_tgintegrity.database import Database, Writer, one_line
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.kinds import Check
from pytest_tgintegrity.mended import Made, Mended, PastRun, Undone, Unmended
from pytest_tgintegrity.planning import BoundRule
from pytest_tgintegrity.run import Run
from pytest_tgintegrity.verdicts import Measurement

PRIVILEGE = "SELECT has_table_privilege($1, $2)"


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
        run.renew(rules)
    return mended


def plan_fixes(run: Run, rules: Sequence[BoundRule], order: Order) -> tuple[Mended, Blueprint]:
    """Wait for what the scans say of the rules, and plan the fixes of those that are violated; nothing is written."""
    looked = {one.id: run.measurement(one) for one in rules if not isinstance(one.rule.kind, Check)}
    wanted = list(_wanted(rules, looked, order))
    mended = Mended({rule: one.violations for rule, one in looked.items() if one.error is None and one.violations})
    with run.reader() as reader:
        reader.ask([TEXT_SETTINGS])
        counts = {rule: one.violations for rule, one in looked.items() if one.error is None}
        mendable = wanted if any(not one.fresh for one in wanted) else []
        drawn = drawing.draw(reader, run.facts, run.plan, mendable, counts)
        _write_plan(mended, drawing.changes(drawn, lambda query: stream(reader.connection, query)), order)
    mended.unmended = list(_unmended(rules, looked, order, drawn, mended))
    return mended, drawn


def _wanted(rules: Sequence[BoundRule], looked: dict[str, Measurement], order: Order) -> Iterator[Wanted]:
    for one in rules:
        found = looked.get(one.id)
        if one.rule.fix is not None and found is not None and found.error is None:
            yield Wanted(one, fresh=not (found.violations and order.failing(one)))


def _unmended(
    rules: Sequence[BoundRule], looked: dict[str, Measurement], order: Order, drawn: Blueprint, mended: Mended
) -> Iterator[Unmended]:
    planned = {rule for rule, _ in mended.counts}
    for one in rules:
        found = looked.get(one.id)
        if found is None or found.error is not None or not found.violations or not order.failing(one):
            continue
        if one.id in drawn.healed:
            continue
        if one.rule.fix is None:
            yield Unmended(one.id, found.violations, one.rule.fix_hint or "no safe fix is declared: a person decides")
        elif one.id in drawn.refused:
            yield Unmended(one.id, found.violations, drawn.refused[one.id])
        elif one.id not in planned:
            yield Unmended(one.id, found.violations, "its fix leaves these rows as they are: a person decides")


def _write_plan(mended: Mended, changes: Iterator[Change], order: Order) -> None:
    """Every change into a file, one a line; the id is known at the end, and names the file."""
    digest = Digest()
    with _part(order.folder) as part, contextlib.ExitStack() as remains:
        remains.callback(Path(part.name).unlink, missing_ok=True)
        for change in changes:
            digest.add(change)
            part.write(change.line + "\n")
            mended.counts.update((rule, change.table) for rule in change.rules)
            if len(mended.shown) < order.samples:
                mended.shown.append(change)
        part.flush()
        mended.plan, mended.count = digest.id, digest.count
        if mended.count:
            mended.file = order.folder / f"fix-plan-{mended.plan}.jsonl"
            Path(part.name).replace(mended.file)


def _part(folder: Path) -> IO[str]:
    """A file that nobody else may read: it holds data."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".fix-plan-", suffix=".part", dir=folder)
    except OSError as error:
        raise UsageError(f"the plan cannot be written to {folder}: {error.strerror}") from None
    os.close(handle)
    return Path(name).open("w", encoding="utf-8")


def _read_plan(path: Path | None) -> Iterator[Change]:
    if path is not None:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield Change.from_json(json.loads(line))


def make_fixes(run: Run, mended: Mended, drawn: Blueprint, plan: str | None = None) -> None:
    """Make the planned changes; with `plan` only if that is still the plan's id. Raises `UsageError` before the first."""
    if plan is not None and plan != mended.plan:
        raise UsageError(
            f"the plan is {mended.plan} now, not {plan}: data or rules have changed since; nothing was written; "
            "look at --fix-plan again"
        )
    if not mended.count:
        mended.made = Made()
        return
    with run.writer() as writer:
        _check_privileges(writer, mended, drawn)
        with repair.repairing(writer, run.facts, "fix", None, mended.plan) as batches:
            repair.apply(batches, drawn, _read_plan(mended.file), mended.count)
            mended.made = batches.made


def _check_privileges(writer: Writer, mended: Mended, drawn: Blueprint) -> None:
    """Refuse before the first write what the server would refuse in the middle."""
    ops = {(one.table.path, one.op) for group in drawn.groups for step in group for one in step.remedies}
    touched = {table for _, table in mended.counts}
    with writer.transaction() as connection:
        for (schema, table), op in sorted(ops):
            if f"{schema}.{table}" in touched:
                name = f'"{schema}"."{table}"'
                (may,) = connection.execute(PRIVILEGE, [name, op.upper()]).fetchone() or (False,)
                if not may:
                    raise UsageError(
                        f"the role {connection.info.user} may not {op} {schema}.{table}: nothing was changed; "
                        f"GRANT {op.upper()} ON {schema}.{table}, or use a role that may (docs/fixing.md)"
                    )


# --- --undo and --fix-history


def undo(run: Run, which: str) -> Undone:
    """Take back what a run changed, ``last`` for the last fix that was not taken back yet. Raises `UsageError`."""
    run.wait()
    with run.writer() as writer:
        chosen = _chosen(writer, which, run.database)
        with repair.repairing(writer, run.facts, "undo", chosen, None) as batches:
            repair.undo(batches, chosen)
            return Undone(chosen, batches.made)


def _chosen(writer: Writer, which: str, database: Database | None) -> str:
    where = database.name if database else "this database"
    if not _journalled(writer):
        raise UsageError(f"{where} has no journal (schema tgintegrity): nothing was ever fixed here")
    with writer.transaction() as connection:
        if which == "last":
            found = connection.execute(journal.LAST_RUN).fetchone()
            if found is None:
                raise UsageError("there is no fix left to undo: --fix-history lists them all")
            return str(found[0])
        if connection.execute(journal.KNOWN_RUN, [which]).fetchone() is None:
            raise UsageError(f"the journal of {where} knows no run {which!r}: --fix-history lists them")
    return which


def _journalled(writer: Writer) -> bool:
    with writer.transaction() as connection:
        row = connection.execute(journal.EXISTS).fetchone()
        return bool(row and row[0])


def past_runs(run: Run, limit: int = 50) -> list[PastRun]:
    """The runs in the journal, newest first."""
    run.wait()
    with run.writer() as writer:
        if not _journalled(writer):
            return []
        try:
            with writer.transaction() as connection:
                return [PastRun(*row) for row in connection.execute(journal.RUNS, [limit]).fetchall()]
        except psycopg.Error as error:
            raise UsageError(f"the journal cannot be read: {one_line(error)}") from None
