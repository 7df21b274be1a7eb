"""Make the changes of a fix plan: only those that would still be planned, and that harm no rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import psycopg

from pytest_tgintegrity import repair
from pytest_tgintegrity.blueprint import Blueprint, read_changes
from pytest_tgintegrity.changes import Change, Place
from pytest_tgintegrity.encoding import sql_bytes
from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.mended import Left
from pytest_tgintegrity.planning import Plan
from pytest_tgintegrity.predicates import parametrised
from pytest_tgintegrity.remedies import Step, qualified
from pytest_tgintegrity.repair import Batches, Connection, Refused, Work
from pytest_tgintegrity.scans import Scan
from pytest_tgintegrity.stored import StoredRow, StoredTable, among, read_rows
from pytest_tgintegrity.writer import own_path

MOVED = "it changed after it was planned"


def apply(batches: Batches, policy: Applying, planned: Iterable[Change], count: int) -> None:
    """Make the planned changes; a plan that is small enough in one transaction, so that it is done as a whole or not."""
    batches.make(planned, policy, whole=count <= repair.WHOLE_PLAN_ROWS)


class Applying:
    """How a batch of a fix is judged. `allows` holds what each rule consents to, by its id."""

    quiet = False

    def __init__(self, blueprint: Blueprint, plan: Plan, allows: Mapping[str, Sequence[str]]) -> None:
        self._blueprint = blueprint
        self._allows = allows
        self._watched = {
            rule: scan.only([rule]) for scan in plan.scans for rule in scan.rules if rule in blueprint.unforeseen
        }
        self._counts: dict[str, int] = {}

    def left(self, work: Work) -> list[Left]:
        """The changes that would not be planned any more: somebody was faster."""
        now: dict[Place, Change] = {}
        with own_path(work.connection):
            for group in self._blueprint.groups:
                now |= self._planned_now(work, group)
        return [Left(one, reason) for one in work.batch if (reason := self._obstacle(work, one, now.get(one.place)))]

    def _obstacle(self, work: Work, change: Change, now: Change | None) -> str:
        table = work.tables.get(change.table)
        if table is None:
            return f"the table {change.table} is gone"
        row = work.rows.get(change.place)
        if change.op == "delete" and row is not None and row.relation not in table.relations:
            return f"it lies in a table that inherits from {table.name}: name that table in the rule"
        fired = [trigger.name for trigger in table.triggers if trigger.fires(change.op)]
        if fired and not all("triggers" in self._allows.get(rule, ()) for rule in change.rules):
            return f'{table.name} has the trigger {fired[0]}: say fix_allows="triggers" if it may fire'
        if now is None or (now.op, now.before, now.after) != (change.op, change.before, change.after):
            return MOVED
        return ""

    def _planned_now(self, work: Work, group: list[Step]) -> dict[Place, Change]:
        mine = {qualified(one.table): one.table for step in group for one in step.remedies}
        touched = {name: changes for name in mine if name in work.tables and (changes := work.at(name))}
        only = {
            name: among(work.tables[name], changes)
            for name, changes in touched.items()
            if all(one.key for one in changes) and self._blueprint.local(group, mine[name])
        }
        simulation = self._blueprint.simulation(group, only)
        found: dict[Place, Change] = {}
        for name in touched:
            rows = work.connection.execute(sql_bytes(simulation.changes(mine[name]))).fetchall()
            found.update({one.place: one for one in read_changes(self._blueprint, mine[name], rows)})
        return found

    # --- what must not be harmed

    def begin(self, work: Work) -> None:
        """Count what violates the rules that planning could not foresee."""
        self._counts = self._violations(work)

    def _violations(self, work: Work) -> dict[str, int]:
        found = {}
        with own_path(work.connection):
            for rule, scan in self._watched.items():
                count = _violations(work.connection, scan)
                if count is not None:
                    found[rule] = count
        return found

    def check(self, work: Work, others: Sequence[Change]) -> None:
        """What is stored has to be what was planned, but for triggers that may fire. Raises `Refused`."""
        for planned in work.batch:
            if not work.tables[planned.table].triggers:
                _expect_stored(work, work.tables[planned.table], planned)
        if others and not any(table.triggers for table in work.tables.values()):
            raise Refused(f"{others[0].table} would be changed too")
        after = self._violations(work) if self._watched else {}
        for rule, count in after.items():
            if count > self._counts.get(rule, count):
                raise Refused(f"its fix would make more rows violate {rule}")


def _expect_stored(work: Work, table: StoredTable, planned: Change) -> None:
    """Raise `Refused` if a row does not hold what was planned; names of types and tables are read as the plan reads them."""
    if planned.op != "update" or not _differing(work.stored.get(planned.place), planned):
        return
    with own_path(work.connection):
        rows = read_rows(work.connection, table, [planned])
    other = _differing(rows.get(planned.place), planned)
    if other:
        raise Refused(f"{table.name}.{other[0]}, {table.types[other[0]]}, does not store what its fix computes")


def _differing(stored: StoredRow | None, planned: Change) -> list[str]:
    return [] if stored is None else [name for name, text in planned.after.items() if stored.row[name] != text]


def _violations(connection: Connection, scan: Scan) -> int | None:
    """How often a rule is violated inside this transaction; None where that cannot be told."""
    (rule,) = scan.rules
    statement = parametrised(scan.question({}))
    try:
        with connection.transaction():
            rows = connection.execute(statement.query, statement.values).fetchall()
        counts = scan.tally(rows).counts
    except (psycopg.Error, NotEvaluated, ValueError, TypeError, ArithmeticError):
        return None
    return None if counts is None else counts[rule].violations
