"""Make the changes of a fix plan: only those that would still be planned, and that harm no rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import psycopg

from pytest_tgintegrity.database.connections.writer import own_path
from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.fixing.apply import batches as batching
from pytest_tgintegrity.fixing.apply.batches import Batches
from pytest_tgintegrity.fixing.apply.stored import StoredRow, StoredTable, among, read_rows
from pytest_tgintegrity.fixing.apply.writing import Connection, Refused, Work
from pytest_tgintegrity.fixing.changes import Change, Place
from pytest_tgintegrity.fixing.plan.planner import FixPlan, read_changes
from pytest_tgintegrity.fixing.plan.table_fixes import Step, qualified
from pytest_tgintegrity.fixing.results import Skipped
from pytest_tgintegrity.planning.planner import Plan
from pytest_tgintegrity.planning.scans import Scan
from pytest_tgintegrity.planning.sql.compose import parametrised
from pytest_tgintegrity.planning.sql.encoding import sql_bytes

MOVED = "it changed after it was planned"


def apply(batches: Batches, policy: FixPolicy, planned: Iterable[Change], count: int) -> None:
    """Make the planned changes. A plan that is small enough is made in one transaction: as a whole, or not at all."""
    batches.make(planned, policy, whole=count <= batching.WHOLE_PLAN_ROWS)


class FixPolicy:
    """The policy of a fix. `allows` holds what each rule consents to, by its id."""

    quiet = False

    def __init__(self, fix_plan: FixPlan, plan: Plan, allows: Mapping[str, Sequence[str]]) -> None:
        self._fix_plan = fix_plan
        self._allows = allows
        self._watched = {
            rule: scan.only([rule]) for scan in plan.scans for rule in scan.rules if rule in fix_plan.unforeseen
        }
        self._counts: dict[str, int] = {}

    def skipped(self, work: Work) -> list[Skipped]:
        """The changes that would not be planned any more, since somebody changed the rows meanwhile."""
        now: dict[Place, Change] = {}
        with own_path(work.connection):
            for group in self._fix_plan.groups:
                now |= self._planned_now(work, group)
        return [
            Skipped(change, reason)
            for change in work.batch
            if (reason := self._obstacle(work, change, now.get(change.place)))
        ]

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
        tables = {qualified(table_fix.table): table_fix.table for step in group for table_fix in step.table_fixes}
        touched = {name: changes for name in tables if name in work.tables and (changes := work.at(name))}
        only = {
            name: among(work.tables[name], changes)
            for name, changes in touched.items()
            if all(change.key for change in changes) and self._fix_plan.local(group, tables[name])
        }
        simulation = self._fix_plan.simulation(group, only)
        planned: dict[Place, Change] = {}
        for name in touched:
            rows = work.connection.execute(sql_bytes(simulation.changes(tables[name]))).fetchall()
            planned.update({change.place: change for change in read_changes(self._fix_plan, tables[name], rows)})
        return planned

    # --- what must not be harmed

    def begin(self, work: Work) -> None:
        """Count the violations of the rules for which the plan could not foresee what its changes do."""
        self._counts = self._violations(work)

    def _violations(self, work: Work) -> dict[str, int]:
        counts = {}
        with own_path(work.connection):
            for rule, scan in self._watched.items():
                count = _violations(work.connection, scan)
                if count is not None:
                    counts[rule] = count
        return counts

    def check(self, work: Work, others: Sequence[Change]) -> None:
        """Raise `Refused` if a row is not stored as it was planned, or if a rule has more violations than before.

        Rows of a table with triggers may be stored otherwise, if the triggers may fire.
        """
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
    """Raise `Refused` if a row does not hold what was planned; it is read on the search path of the plan."""
    if planned.op != "update" or not _differing(work.stored.get(planned.place), planned):
        return
    with own_path(work.connection):
        rows = read_rows(work.connection, table, [planned])
    differing = _differing(rows.get(planned.place), planned)
    if differing:
        raise Refused(f"{table.name}.{differing[0]}, {table.types[differing[0]]}, does not store what its fix computes")


def _differing(stored: StoredRow | None, planned: Change) -> list[str]:
    return [] if stored is None else [name for name, text in planned.after.items() if stored.row[name] != text]


def _violations(connection: Connection, scan: Scan) -> int | None:
    """How many violations a rule has inside this transaction; None where that is not known."""
    (rule,) = scan.rules
    statement = parametrised(scan.question({}))
    try:
        with connection.transaction():
            rows = connection.execute(statement.query, statement.values).fetchall()
        counts = scan.tally(rows).counts
    except (psycopg.Error, NotEvaluated, ValueError, TypeError, ArithmeticError):
        return None
    return None if counts is None else counts[rule].violations
