"""Plan a repair on the snapshot: which fixes can be made, in which order, and every change that they come to.

Nothing is written. The same questions are asked once more under the locks of a batch, confined to its rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import psycopg
from psycopg import sql

from pytest_tgintegrity.changes import Change
from pytest_tgintegrity.database import Answer, Failure, Reader
from pytest_tgintegrity.errors import ConnectionFailed, DeclarationError, NotEvaluated
from pytest_tgintegrity.kinds import Unique
from pytest_tgintegrity.planning import BoundRule, Plan
from pytest_tgintegrity.predicates import Value, readable
from pytest_tgintegrity.remedies import (
    Intent,
    Remedy,
    Simulation,
    Step,
    Violating,
    components,
    in_order,
    intents,
    offending,
    qualified,
    remedy,
    violating,
)
from pytest_tgintegrity.schema import Facts, Table

PASSES = 2
FETCH_ROWS = 2_000
QUESTIONS = 60

TEXT_SETTINGS = sql.SQL(
    "SELECT set_config('DateStyle', 'ISO', true), set_config('IntervalStyle', 'postgres', true),"
    " set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true)"
)

_TYPES = sql.SQL("""
SELECT n.nspname, c.relname, a.attname::text, format_type(a.atttypid, NULL), a.attgenerated <> ''
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY (CAST({} AS regclass[])) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.oid, a.attnum
""")
_TRIGGERS = sql.SQL("""
SELECT t.tgrelid::regclass::text, t.tgname::text, t.tgtype::int FROM pg_trigger t
WHERE t.tgrelid = ANY (CAST({} AS regclass[])) AND NOT t.tgisinternal AND t.tgenabled <> 'D' ORDER BY t.tgname
""")
_CASCADES = sql.SQL("""
SELECT o.confrelid::regclass::text, o.conrelid::regclass::text, o.conname::text FROM pg_constraint o
WHERE o.contype = 'f' AND o.confdeltype IN ('c', 'n', 'd') AND o.confrelid = ANY (CAST({} AS regclass[]))
ORDER BY o.conname
""")
_TRIGGER_BITS = {"insert": 4, "delete": 8, "update": 16}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rule whose fix is asked for; `fresh` ones only for rows that other fixes put wrong."""

    bound: BoundRule
    fresh: bool = False


@dataclass(slots=True)
class Blueprint:
    """The fixes that can be made, in groups that have nothing to do with each other, and why others cannot.

    `healed` are the rules that no row violates any more after them, whoever's fixes they are.
    """

    groups: list[list[Step]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    types: dict[str, dict[str, str]] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    visible: frozenset[str] = frozenset()
    healed: set[str] = field(default_factory=set)

    @property
    def numbers(self) -> dict[str, int]:
        """The number that stands for a rule in SQL."""
        return {rule: number for number, rule in enumerate(self.rules)}

    def simulation(self, group: Sequence[Step], only: Mapping[str, sql.Composable] | None = None) -> Simulation:
        """The tables of a group as its fixes would leave them; what is written by one is looked at by others again."""
        found = Simulation(self.types, self.visible, only or {})
        found.apply(group, self.numbers)
        writes = {write for step in group for write in step.writes}
        for _ in range(PASSES - 1):
            found.apply([replace(step) for step in group if len(group) > 1 and step.sees(writes)], self.numbers)
        return found

    def local(self, group: Sequence[Step], table: Table) -> bool:
        """Whether it is enough to look at some rows of a table to know what becomes of them."""
        return all(
            one.local if one.table == table else table.name not in one.words for step in group for one in step.remedies
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
    return _Drawing(reader, facts, plan, violations or {}).draw(list(wanted))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A fix whose tables are not known yet."""

    wanted: Wanted
    found: Violating
    intents: tuple[Intent, ...]


class _Drawing:
    def __init__(self, reader: Reader, facts: Facts, plan: Plan, violations: Mapping[str, int]) -> None:
        self.reader = reader
        self.violations = violations
        self._called: set[str] = set()
        self._chosen: list[Step] = []
        self._scans = {rule: scan for scan in plan.scans for rule in scan.rules}
        self.facts = facts
        self.plan = plan
        self.blueprint = Blueprint()

    def draw(self, wanted: Sequence[Wanted]) -> Blueprint:
        """See `draw`."""
        drafts = [draft for one in wanted if (draft := self._draft(one)) is not None]
        steps = self._steps(drafts)
        self.blueprint.rules = tuple(one.bound.id for one in wanted)
        allowed = self._allowed(steps, {one.bound.id: one.bound for one in wanted})
        waiting = {step.rule: step for step in allowed if step.fresh}
        chosen = [step for step in allowed if not step.fresh]
        while True:
            asked = self._chosen = chosen
            groups = [self._harmless(self._settled(group), waiting) for group in components(in_order(chosen))]
            chosen = [step for group in groups for step in group]
            called = [waiting.pop(rule) for rule in sorted(self._called & waiting.keys())]
            if not called and len(chosen) == len(asked):
                break
            chosen += called
        self.blueprint.groups = [group for group in groups if group]
        for group in self.blueprint.groups:
            self.blueprint.healed |= self._healed(group)
        return self.blueprint

    def _refuse(self, rule: str, reason: str) -> None:
        self.blueprint.refused.setdefault(rule, reason)

    def _draft(self, wanted: Wanted) -> _Draft | None:
        bound = wanted.bound
        scan = self._scans.get(bound.id)
        if scan is None:
            self._refuse(bound.id, "it could not be planned")
            return None
        try:
            columns = self._columns(bound)
            intended = intents(bound, columns)
            surplus = isinstance(bound.rule.kind, Unique) and intended[0].op == "delete" and intended[0].where is None
            return _Draft(wanted, violating(scan.only([bound.id]), keep_first=surplus), intended)
        except (NotEvaluated, DeclarationError) as error:
            self._refuse(bound.id, str(error))
            return None

    def _columns(self, bound: BoundRule) -> frozenset[str]:
        table = self._own_table(bound)
        return table.columns if table else frozenset()

    def _own_table(self, bound: BoundRule) -> Table | None:
        """The table of a rule on a plain table."""
        tables = self.plan.tables.get(bound.id, ())
        source = getattr(bound.rule.kind, "source", None)
        return self.facts.table(tables[0]) if tables and isinstance(source, str | None) else None

    def _steps(self, drafts: Sequence[_Draft]) -> list[Step]:
        behind = self._tables_behind(drafts)
        steps = []
        for draft in drafts:
            remedies: list[Remedy] = []
            for intent in draft.intents:
                table = behind.get((draft.wanted.bound.id, intent.alias))
                reason = "its source has no rows to write to" if table is None else _unwritable(table, intent)
                if table is None or reason:
                    self._refuse(draft.wanted.bound.id, reason or "")
                    break
                remedies.append(remedy(draft.wanted.bound, draft.found, intent, table))
            else:
                steps.append(Step(draft.wanted.bound.id, tuple(remedies), draft.wanted.fresh))
        return steps

    def _tables_behind(self, drafts: Sequence[_Draft]) -> dict[tuple[str, str], Table]:
        found: dict[tuple[str, str], Table] = {}
        asked: list[tuple[tuple[str, str], sql.Composable]] = []
        for draft in drafts:
            for intent in draft.intents:
                place = (draft.wanted.bound.id, intent.alias)
                own = self._own_table(draft.wanted.bound)
                named = self.facts.table(intent.alias) if intent.op == "insert" else None
                if not intent.alias and own is not None:
                    found[place] = own
                elif named is not None:
                    found[place] = named
                else:
                    asked.append((place, _behind(draft.found, intent.alias)))
        for (place, _), answer in zip(asked, self._ask([query for _, query in asked]), strict=True):
            table = None
            if isinstance(answer, Answer) and answer.rows:
                table = self.facts.tables.get(".".join(answer.rows[0]))
            if table is not None:
                found[place] = table
        return found

    def _ask(self, statements: Sequence[sql.Composable]) -> list[Answer | Failure]:
        return self.reader.ask(statements) if statements else []

    def _ask_together(
        self, simulation: Simulation, questions: Sequence[sql.Composable]
    ) -> list[tuple[Any, ...] | Failure]:
        """The one row that answers each question: all at once or, if the server refuses that, one by one."""
        if len(questions) > QUESTIONS:
            halves = questions[:QUESTIONS], questions[QUESTIONS:]
            return [found for half in halves for found in self._ask_together(simulation, half)]
        if not questions:
            return []
        answer = self.reader.ask([simulation.together(questions)])[0]
        if isinstance(answer, Answer):
            return [row[1:] for row in answer.rows]
        if len(questions) == 1:
            return [answer]
        return [found for one in questions for found in self._ask_together(simulation, [one])]

    # --- what is allowed

    def _allowed(self, steps: Sequence[Step], rules: Mapping[str, BoundRule]) -> list[Step]:
        """Leave out fixes that would set off triggers or cascades, unless the rule says that they may."""
        paths = sorted({one.table.path for step in steps for one in step.remedies})
        self.blueprint.visible = frozenset(
            ".".join(path) for path in paths if (seen := self.facts.table(path[1])) is not None and seen.path == path
        )
        names = Value([sql.Identifier(*path).as_string(None) for path in paths])
        types, triggers, cascades = (self._rows(query.format(names)) for query in (_TYPES, _TRIGGERS, _CASCADES))
        generated: set[tuple[str, str]] = set()
        for schema, table, column, of, is_generated in types:
            self.blueprint.types.setdefault(f"{schema}.{table}", {})[column] = of
            if is_generated:
                generated.add((f"{schema}.{table}", column))
        kept = []
        for step in steps:
            allows = rules[step.rule].rule.fix_allows
            reason = next(
                filter(None, (_forbidden(one, allows, triggers, cascades, generated) for one in step.remedies)), ""
            )
            if reason:
                self._refuse(step.rule, reason)
            else:
                kept.append(step)
        return kept

    def _rows(self, query: sql.Composable) -> list[tuple[Any, ...]]:
        answer = self.reader.ask([query])[0]
        if isinstance(answer, Failure):
            raise ConnectionFailed(f"the catalogs cannot be read: {answer.reason}")
        return answer.rows

    # --- what settles

    def _settled(self, group: list[Step]) -> list[Step]:
        """Leave out fixes that never come to rest: those that undo each other, or do not mend what they are for."""
        while group:
            simulation = self.blueprint.simulation(group)
            remedies = [(step, one) for step in group for one in step.remedies]
            answers = self._ask_together(simulation, [simulation.restless(one) for _, one in remedies])
            failures = [one for one in answers if isinstance(one, Failure)]
            if failures:
                return self._settled(self._without_broken(group, failures[0].reason))
            restless = {
                step.rule: (answer[0], {self.blueprint.rules[n] for n in answer[1] or ()})
                for (step, _), answer in zip(remedies, answers, strict=True)
                if not isinstance(answer, Failure) and answer[0]
            }
            if not restless:
                return group
            group = self._without_restless(group, restless)
        return group

    def _harmless(self, group: list[Step], waiting: Mapping[str, Step]) -> list[Step]:
        """Leave out fixes that would make more rows violate a rule than did before, unless that has a fix itself.

        Fixes that are called for so are remembered: they have to be planned too.
        """
        while group:
            watched = self._watched(group, self.violations.keys() - {step.rule for step in group})
            grown = self._grown(self.blueprint.simulation(group), watched)
            self._called |= grown & waiting.keys()
            blamed = {
                step.rule: rule
                for rule in sorted(self._unhelped(group, {one: watched[one] for one in grown - waiting.keys()}))
                for step in group
                if _names(watched[rule], step.writes)
            }
            if not blamed:
                return group
            for step, rule in blamed.items():
                self._refuse(step, f"its fix would make more rows violate {rule}")
            group = [step for step in group if step.rule not in blamed]
        return group

    def _unhelped(self, group: Sequence[Step], grown: Mapping[str, sql.Composable]) -> set[str]:
        """Those that still grow when what fixes of other groups write is looked at too."""
        rules = {step.rule for step in group}
        others = [one for one in self._chosen if one.rule not in rules]
        helpers = [one for one in others if any(_names(query, one.writes) for query in grown.values())]
        if not helpers:
            return set(grown)
        return self._grown(self.blueprint.simulation(in_order([*group, *helpers])), grown)

    def _grown(self, simulation: Simulation, watched: Mapping[str, sql.Composable]) -> set[str]:
        """The rules that more rows would violate."""
        return {rule for rule, count in self._counts(simulation, watched) if count > self.violations[rule]}

    def _healed(self, group: Sequence[Step]) -> set[str]:
        """The rules that are violated, and would not be any more."""
        watched = self._watched(group, {rule for rule, count in self.violations.items() if count})
        return {rule for rule, count in self._counts(self.blueprint.simulation(group), watched) if not count}

    def _counts(self, simulation: Simulation, watched: Mapping[str, sql.Composable]) -> Iterator[tuple[str, int]]:
        """How many rows would violate each rule, where that can be told."""
        answers = self._ask_together(simulation, [simulation.count(query) for query in watched.values()])
        for rule, answer in zip(watched, answers, strict=True):
            if not isinstance(answer, Failure):
                yield rule, answer[0]

    def _watched(self, group: Sequence[Step], rules: Iterable[str]) -> dict[str, sql.Composable]:
        """What is asked of those rules that can see what these fixes write."""
        writes = {write for step in group for write in step.writes}
        tables = {table for table, _ in writes}
        found: dict[str, sql.Composable] = {}
        for rule in rules:
            scan = self._scans.get(rule)
            if scan is not None and tables & {name.rpartition(".")[2] for name in self.plan.tables.get(rule, ())}:
                query = offending(scan.only([rule]))
                if query is not None and _names(query, writes):
                    found[rule] = query
        return found

    def _without_restless(self, group: list[Step], restless: Mapping[str, tuple[int, set[str]]]) -> list[Step]:
        """Leave out fixes that are never done, and those that keep them busy."""
        steps = {step.rule: step for step in group}
        for rule, (count, writers) in restless.items():
            one = steps[rule]
            busy = [other for other in group if other is not one and (other.rule in writers or one.sees(other.writes))]
            busy = [other for other in busy if other.sees(one.writes) or one.fresh]
            for other in busy:
                self._refuse(other.rule, f"it and the fix of {rule} undo each other")
            others = ", ".join(other.rule for other in busy)
            why = f"it and the fix of {others} undo each other" if busy else "they still violate it"
            self._refuse(rule, f"its fix does not mend {count} of the rows that it writes to: {why}")
        return [step for step in group if step.rule not in self.blueprint.refused]

    def _without_broken(self, group: list[Step], reason: str) -> list[Step]:
        """The fixes whose own SQL the server runs; none if it is not to be said which one is to blame."""
        answers = self._ask(
            [
                sql.SQL("SELECT count(*) FROM ({}) AS tgi_found").format(one.hits)
                for step in group
                for one in step.remedies
            ]
        )
        flat = [step for step in group for _ in step.remedies]
        broken = {
            step.rule: answer.reason for step, answer in zip(flat, answers, strict=True) if isinstance(answer, Failure)
        }
        for rule, why in (broken or {step.rule: reason for step in group}).items():
            self._refuse(rule, f"its fix cannot be computed: {why}")
        return [step for step in group if step.rule not in broken] if broken else []


def _names(query: sql.Composable, writes: Iterable[tuple[str, str]]) -> bool:
    """Whether a query names something that is written."""
    words = set(re.findall(r"\w+", readable(query)))
    return any(table in words and (column in words or column == "*") for table, column in writes)


def _behind(found: Violating, alias: str) -> sql.Composable:
    """The schema and name of the table behind an alias."""
    prefix = sql.SQL("{}.").format(sql.Identifier(*alias.split("."))) if alias else sql.SQL("")
    return sql.SQL(
        "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.oid = (SELECT {prefix}tableoid FROM {table} WHERE {prefix}tableoid IS NOT NULL LIMIT 1)"
    ).format(prefix=prefix, table=found.table)


def _unwritable(table: Table, intent: Intent) -> str:
    if not table.stored:
        return f"{table.name} is a view: a fix writes to tables"
    if not table.key:
        return f"{table.name} has no primary key: its rows could not be journalled"
    strange = [one.target.column for one in intent.writes if one.target.column not in table.columns]
    if strange:
        return f"{table.name} has no column {strange[0]}"
    if intent.op == "update" and any(one.target.column in table.key for one in intent.writes):
        return f"it would change the primary key of {table.name}"
    return ""


def _forbidden(
    one: Remedy,
    allows: Sequence[str],
    triggers: Sequence[tuple[Any, ...]],
    cascades: Sequence[tuple[Any, ...]],
    generated: Collection[tuple[str, str]],
) -> str:
    name, path = one.table.name, {one.table.name, ".".join(one.table.path)}
    fired = [
        trigger for table, trigger, bits in triggers if table.replace('"', "") in path and bits & _TRIGGER_BITS[one.op]
    ]
    if fired and "triggers" not in allows:
        return f'{name} has the trigger {fired[0]}: say fix_allows="triggers" if it may fire'
    followed = [(child, constraint) for table, child, constraint in cascades if table.replace('"', "") in path]
    if one.op == "delete" and followed:
        return f"deleting from {name} would change {followed[0][0]} too ({followed[0][1]}), unjournalled"
    if one.op in ("delete", "insert") and one.op not in allows:
        return f'it would {one.op} rows of {name}: say fix_allows="{one.op}" if it may'
    computed = [column for column in one.columns if (qualified(one.table), column) in generated]
    return f"{name}.{computed[0]} is generated: it cannot be written to" if computed else ""


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
    return found


def stream(connection: psycopg.Connection[Any], query: sql.Composable) -> Iterator[Sequence[Any]]:
    """The rows of a query, a few thousand at a time, by a cursor of the server."""
    with psycopg.ServerCursor(connection, "tgi_changes") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(readable(query).encode())
        yield from cursor
