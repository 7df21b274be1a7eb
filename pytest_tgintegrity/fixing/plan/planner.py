"""Plan fixes on the snapshot: which of them can be made, in which order, and every change that they make.

Nothing is written. The same questions are asked once more under the locks of a batch, confined to its rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from pytest_tgintegrity.database.connections.answers import Answer, Failure
from pytest_tgintegrity.database.connections.reader import Reader
from pytest_tgintegrity.fixing.changes import Change
from pytest_tgintegrity.fixing.plan.drafts import Drafts, Wanted
from pytest_tgintegrity.fixing.plan.fix_plan import FixPlan, stand_in_names
from pytest_tgintegrity.fixing.plan.foresight import read_foresight
from pytest_tgintegrity.fixing.plan.settling import Settling
from pytest_tgintegrity.fixing.plan.table_fixes import Step, components, in_order, qualified
from pytest_tgintegrity.planning.facts import Facts, Table
from pytest_tgintegrity.planning.planner import Plan
from pytest_tgintegrity.planning.sql.encoding import sql_bytes

__all__ = ["FETCH_ROWS", "TEXT_SETTINGS", "Asker", "FixPlan", "Wanted", "changes", "prepare", "read_changes", "stream"]

FETCH_ROWS = 2_000

TEXT_SETTINGS = sql.SQL(
    "SELECT set_config('DateStyle', 'ISO', true), set_config('IntervalStyle', 'postgres', true),"
    " set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true)"
)
_INSTANT = sql.SQL(
    "SELECT pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.now()), 'YYYY-MM-DD HH24:MI:SS.US') || '+00'"
)


class Asker(Protocol):
    """What answers statements: a reader on the snapshot, or the connection that holds the locks."""

    def ask(self, statements: Sequence[sql.Composable]) -> list[Answer | Failure]:
        """The answer to each statement, or its failure."""


def prepare(
    reader: Reader, facts: Facts, plan: Plan, wanted: Iterable[Wanted], violations: Mapping[str, int] | None = None
) -> FixPlan:
    """Find out which of the wanted fixes can be made, and how they depend on each other.

    `violations` are the counts of all rules that were measured: none of them may grow.
    """
    asked = list(wanted)
    if not asked:
        return FixPlan()
    drafts = Drafts(reader, facts, plan)
    instant = str(drafts.rows(_INSTANT)[0][0])
    steps = drafts.steps(asked, f"'{instant}'")
    fix_plan = FixPlan(
        refused=drafts.refused,
        types=drafts.limits.columns,
        rules=tuple(fix.bound.id for fix in asked),
        stand_ins=stand_in_names(steps, facts.tables),
        instant=instant,
    )
    foresight = read_foresight(drafts.rows, [table_fix.table for step in steps for table_fix in step.table_fixes])
    scans = {rule: scan for scan in plan.scans for rule in scan.rules}
    settling = Settling(reader, fix_plan, scans, violations or {}, foresight)
    fix_plan.groups = _groups(settling, steps)
    fix_plan.fixed_rules = {rule for rule, count in settling.counts.items() if not count and settling.violations[rule]}
    fix_plan.unforeseen = frozenset(settling.unforeseen())
    return fix_plan


def _groups(settling: Settling, steps: Sequence[Step]) -> list[list[Step]]:
    """The steps that settle and harm no rule, in groups that have nothing to do with each other."""
    waiting = {step.rule: step for step in steps if step.fresh}
    chosen = [step for step in steps if not step.fresh]
    while True:
        settling.begin()
        asked = chosen
        groups = [settling.harmless(settling.settled(group), waiting, asked) for group in components(in_order(asked))]
        chosen = [step for group in groups for step in group]
        called = [waiting.pop(rule) for rule in sorted(settling.called & waiting.keys())]
        groups = [group for group in groups if group]
        if not called and len(chosen) == len(asked) and settling.harmless_together(groups):
            return groups
        chosen = [step for step in [*chosen, *called] if step.rule not in settling.fix_plan.refused]


# --- every change


def changes(fix_plan: FixPlan, fetch: Callable[[sql.Composable], Iterable[Sequence[Any]]]) -> Iterator[Change]:
    """Every change of the plan, group by group, table by table, in key order. `fetch` streams the rows of a query."""
    for group in fix_plan.groups:
        simulation = fix_plan.simulation(group)
        for table in sorted(simulation.tables, key=lambda table: table.path):
            yield from read_changes(fix_plan, table, fetch(simulation.changes(table)))


def read_changes(fix_plan: FixPlan, table: Table, rows: Iterable[Sequence[Any]]) -> Iterator[Change]:
    """Changes from the rows of a simulation's answer."""
    for op, key, before, after, numbers in rows:
        rules = [fix_plan.rules[number] for number in dict.fromkeys(numbers)]
        yield Change.between(qualified(table), op, _row(key), (_row(before), _row(after)), rules)


def _row(value: Any) -> dict[str, str | None]:
    row: dict[str, str | None] = json.loads(value) if isinstance(value, str) else value
    return row or {}


def stream(connection: psycopg.Connection[Any], query: sql.Composable) -> Iterator[Sequence[Any]]:
    """The rows of a query, fetched by a cursor of the server, `FETCH_ROWS` at a time."""
    cursor = psycopg.RawCursor(connection)
    cursor.execute(b"DECLARE tgi_changes NO SCROLL CURSOR FOR " + sql_bytes(query))
    try:
        while rows := cursor.execute(b"FETCH FORWARD %d FROM tgi_changes" % FETCH_ROWS).fetchall():
            yield from rows
    finally:
        if connection.info.transaction_status is TransactionStatus.INTRANS:
            cursor.execute(b"CLOSE tgi_changes")
