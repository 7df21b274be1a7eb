"""Plan a repair on the snapshot: which fixes can be made, in which order, and every change that they come to.

Nothing is written. The same questions are asked once more under the locks of a batch, confined to its rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from pytest_tgintegrity.changes import Change
from pytest_tgintegrity.database import Answer, Failure, Reader
from pytest_tgintegrity.drafts import Drafts, Wanted
from pytest_tgintegrity.drawn import Blueprint, stand_ins
from pytest_tgintegrity.encoding import sql_bytes
from pytest_tgintegrity.foresight import read_foresight
from pytest_tgintegrity.planning import Plan
from pytest_tgintegrity.remedies import Step, components, in_order, qualified
from pytest_tgintegrity.schema import Facts, Table
from pytest_tgintegrity.settling import Settling

__all__ = ["FETCH_ROWS", "TEXT_SETTINGS", "Asker", "Blueprint", "Wanted", "changes", "draw", "read_changes", "stream"]

FETCH_ROWS = 2_000

TEXT_SETTINGS = sql.SQL(
    "SELECT set_config('DateStyle', 'ISO', true), set_config('IntervalStyle', 'postgres', true),"
    " set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true)"
)
_INSTANT = sql.SQL(
    "SELECT pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.now()), 'YYYY-MM-DD HH24:MI:SS.US') || '+00'"
)


class Asker(Protocol):
    """Whoever can be asked: a reader on the snapshot, or the connection that holds the locks."""

    def ask(self, statements: Sequence[sql.Composable]) -> list[Answer | Failure]:
        """Each statement answered or failed."""


def draw(
    reader: Reader, facts: Facts, plan: Plan, wanted: Iterable[Wanted], violations: Mapping[str, int] | None = None
) -> Blueprint:
    """Find out which of the wanted fixes can be made, and how they depend on each other.

    `violations` are the counts of all rules that were looked at: none of them may grow.
    """
    asked = list(wanted)
    if not asked:
        return Blueprint()
    drafts = Drafts(reader, facts, plan)
    instant = str(drafts.rows(_INSTANT)[0][0])
    steps = drafts.steps(asked, f"'{instant}'")
    blueprint = Blueprint(
        refused=drafts.refused,
        types=drafts.limits.columns,
        rules=tuple(one.bound.id for one in asked),
        standing=stand_ins(steps, facts.tables),
        instant=instant,
    )
    foresight = read_foresight(drafts.rows, [one.table for step in steps for one in step.remedies])
    scans = {rule: scan for scan in plan.scans for rule in scan.rules}
    settling = Settling(reader, blueprint, scans, violations or {}, foresight)
    blueprint.groups = _groups(settling, steps)
    blueprint.healed = {rule for rule, count in settling.counts.items() if not count and settling.violations[rule]}
    blueprint.unforeseen = frozenset(settling.unforeseen())
    return blueprint


def _groups(settling: Settling, steps: Sequence[Step]) -> list[list[Step]]:
    """The steps that come to rest and harm nothing, apart where they have nothing to do with each other."""
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
        chosen = [step for step in [*chosen, *called] if step.rule not in settling.blueprint.refused]


# --- every change


def changes(blueprint: Blueprint, fetch: Callable[[sql.Composable], Iterable[Sequence[Any]]]) -> Iterator[Change]:
    """Every change of the plan, group by group, table by table, in key order. `fetch` streams the rows of a query."""
    for group in blueprint.groups:
        simulation = blueprint.simulation(group)
        for table in sorted(simulation.tables, key=lambda one: one.path):
            yield from read_changes(blueprint, table, fetch(simulation.changes(table)))


def read_changes(blueprint: Blueprint, table: Table, rows: Iterable[Sequence[Any]]) -> Iterator[Change]:
    """Changes from the rows of a simulation's answer."""
    for op, key, before, after, numbers in rows:
        rules = [blueprint.rules[number] for number in dict.fromkeys(numbers)]
        yield Change.between(qualified(table), op, _row(key), (_row(before), _row(after)), rules)


def _row(value: Any) -> dict[str, str | None]:
    found: dict[str, str | None] = json.loads(value) if isinstance(value, str) else value
    return found or {}


def stream(connection: psycopg.Connection[Any], query: sql.Composable) -> Iterator[Sequence[Any]]:
    """The rows of a query, a few thousand at a time, by a cursor of the server."""
    cursor = psycopg.RawCursor(connection)
    cursor.execute(b"DECLARE tgi_changes NO SCROLL CURSOR FOR " + sql_bytes(query))
    try:
        while rows := cursor.execute(b"FETCH FORWARD %d FROM tgi_changes" % FETCH_ROWS).fetchall():
            yield from rows
    finally:
        if connection.info.transaction_status is TransactionStatus.INTRANS:
            cursor.execute(b"CLOSE tgi_changes")
