"""From rules to the steps of a fix plan: which tables their fixes write to, and which fixes must not be made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psycopg import sql

from pytest_tgintegrity.database.connections.answers import Answer, Failure
from pytest_tgintegrity.database.connections.reader import Reader
from pytest_tgintegrity.errors import ConnectionFailed, DeclarationError, NotEvaluated
from pytest_tgintegrity.fixing.plan.limits import FixLimits, read_limits, volatile_calls
from pytest_tgintegrity.fixing.plan.table_fixes import (
    Intent,
    Step,
    TableFix,
    Violating,
    as_of,
    intents,
    make_table_fix,
    qualified,
    violating,
)
from pytest_tgintegrity.fixing.plan.writes import table_behind
from pytest_tgintegrity.planning.facts import Facts, Table
from pytest_tgintegrity.planning.planner import BoundRule, Plan
from pytest_tgintegrity.planning.sql.compose import qualifier
from pytest_tgintegrity.rules.kinds import Unique


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rule whose fix is wanted; if it is `fresh`, only for rows that the fixes of other rules make violate it."""

    bound: BoundRule
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class _Draft:
    """A fix whose tables are not known yet."""

    wanted: Wanted
    violating: Violating
    intents: tuple[Intent, ...]


class Drafts:
    """Turns rules into steps; `refused` says why a rule becomes none, `limits` what is known of the tables of the steps."""

    def __init__(self, reader: Reader, facts: Facts, plan: Plan) -> None:
        self.reader = reader
        self.facts = facts
        self.plan = plan
        self.refused: dict[str, str] = {}
        self.limits = FixLimits()
        self._scans = {rule: scan for scan in plan.scans for rule in scan.rules}

    def steps(self, wanted: Sequence[Wanted], instant: str) -> list[Step]:
        """The steps that may be made, all of them at the same instant."""
        drafts = [draft for fix in wanted if (draft := self._draft(fix)) is not None]
        behind = self._tables_behind(drafts)
        steps = [step for draft in drafts if (step := self._step(draft, behind)) is not None]
        steps = self._steady(steps)
        self.limits = read_limits(self.rows, [table_fix.table for step in steps for table_fix in step.table_fixes])
        allows = {fix.bound.id: fix.bound.rule.fix_allows for fix in wanted}
        allowed = [step for step in steps if self._is_allowed(step, allows[step.rule])]
        return [self._complete(step, instant) for step in self._apart(allowed)]

    def rows(self, query: sql.Composable) -> list[tuple[Any, ...]]:
        """What the catalogs answer. Raises `ConnectionFailed`."""
        answer = self.reader.ask_catalogs(query)
        if isinstance(answer, Failure):
            raise ConnectionFailed(f"the catalogs cannot be read: {answer.reason}")
        return answer.rows

    def _refuse(self, rule: str, reason: str) -> None:
        self.refused.setdefault(rule, reason)

    # --- from declarations to SQL

    def _draft(self, wanted: Wanted) -> _Draft | None:
        bound = wanted.bound
        scan = self._scans.get(bound.id)
        if scan is None:
            self._refuse(bound.id, "it could not be planned")
            return None
        try:
            intended = intents(bound, self._columns(bound))
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

    def _step(self, draft: _Draft, behind: Mapping[tuple[str, str], Table]) -> Step | None:
        bound = draft.wanted.bound
        table_fixes: list[TableFix] = []
        for intent in _placed(draft, behind):
            table = behind.get((bound.id, intent.alias))
            reason = "its source has no rows to write to" if table is None else _unwritable(table, intent)
            if table is None or reason:
                self._refuse(bound.id, reason or "")
                return None
            table_fixes.append(make_table_fix(bound, draft.violating, intent, table, visible=self.is_visible(table)))
        return Step(bound.id, tuple(table_fixes), draft.wanted.fresh)

    def is_visible(self, table: Table) -> bool:
        """Whether the search path finds a table."""
        seen = self.facts.table(table.name)
        return seen is not None and seen.path == table.path

    # --- which tables

    def _tables_behind(self, drafts: Sequence[_Draft]) -> dict[tuple[str, str], Table]:
        tables: dict[tuple[str, str], Table] = {}
        asked: list[tuple[tuple[str, str], sql.Composable]] = []
        for draft in drafts:
            own = self._own_table(draft.wanted.bound)
            for intent in draft.intents:
                alias_key = (draft.wanted.bound.id, intent.alias)
                named = self.facts.table(intent.alias) if intent.op == "insert" else None
                if not intent.alias and own is not None:
                    tables[alias_key] = own
                elif named is not None:
                    tables[alias_key] = named
                else:
                    asked.append((alias_key, _behind(draft.violating, intent.alias)))
        answers = self.reader.ask([query for _, query in asked]) if asked else []
        for (alias_key, _), answer in zip(asked, answers, strict=True):
            if isinstance(answer, Answer) and (table := self._named(alias_key[0], answer.rows)) is not None:
                tables[alias_key] = table
        return tables

    def _named(self, rule: str, paths: Sequence[tuple[Any, ...]]) -> Table | None:
        """The table that the rule names, be it that of the rows themselves or one that this table is a part of."""
        tables = [table for path in paths if (table := self.facts.tables.get(".".join(path))) and table.path == path]
        named = {table.path for name in self.plan.tables.get(rule, ()) if (table := self.facts.table(name))}
        return next((table for table in tables if table.path in named), tables[0] if tables else None)

    # --- what may be done

    def _steady(self, steps: Sequence[Step]) -> list[Step]:
        """Leave out fixes whose values would differ each time they are computed."""
        volatile = volatile_calls(self.rows, {table_fix.text for step in steps for table_fix in step.table_fixes})
        for step in steps:
            for table_fix in step.table_fixes:
                if table_fix.text in volatile:
                    self._refuse(step.rule, volatile[table_fix.text])
        return [step for step in steps if step.rule not in self.refused]

    def _is_allowed(self, step: Step, allows: Collection[str]) -> bool:
        reason = next(filter(None, (self.limits.forbids(table_fix, allows) for table_fix in step.table_fixes)), "")
        if reason:
            self._refuse(step.rule, reason)
        return not reason

    def _apart(self, steps: Sequence[Step]) -> Iterable[Step]:
        """Leave out fixes that write to a part of a table that another fix writes to as a whole."""
        whole = {qualified(table_fix.table): step.rule for step in steps for table_fix in step.table_fixes}
        for step in steps:
            for table_fix in step.table_fixes:
                for above in self.limits.above.get(qualified(table_fix.table), ()):
                    if above in whole:
                        why = f"{qualified(table_fix.table)} is a part of {above}, which the fix of {whole[above]} writes to"
                        self._refuse(step.rule, why)
        return [step for step in steps if step.rule not in self.refused]

    def _complete(self, step: Step, instant: str) -> Step:
        table_fixes = (
            replace(as_of(table_fix, instant), computed=self.limits.computed_from(table_fix))
            for table_fix in step.table_fixes
        )
        return replace(step, table_fixes=tuple(table_fixes))


def _placed(draft: _Draft, behind: Mapping[tuple[str, str], Table]) -> Sequence[Intent]:
    """The intents of a draft, without those of several deletions that have nothing to delete, unless none has."""
    rule = draft.wanted.bound.id
    placed = [intent for intent in draft.intents if not intent.partial or (rule, intent.alias) in behind]
    return placed or draft.intents


def _behind(rows: Violating, alias: str) -> sql.Composable:
    """A query for the schema and name of the table behind an alias, and of the tables that it is a part of."""
    return sql.SQL(
        "WITH RECURSIVE tgi_behind(oid, depth) AS ("
        "SELECT oid, 0 FROM ({first}) AS tgi_first(oid) UNION ALL"
        " SELECT i.inhparent, b.depth + 1 FROM tgi_behind b JOIN pg_catalog.pg_inherits i ON i.inhrelid = b.oid)"
        " SELECT n.nspname::text, c.relname::text FROM tgi_behind b JOIN pg_catalog.pg_class c ON c.oid = b.oid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY b.depth"
    ).format(first=table_behind(qualifier(alias), rows.table))


def _unwritable(table: Table, intent: Intent) -> str:
    if not table.stored:
        return f"{table.name} is a view: a fix writes to tables"
    if not table.key:
        return f"{table.name} has no primary key: its rows could not be journalled"
    strange = [write.target.column for write in intent.writes if write.target.column not in table.columns]
    if strange:
        return f"{table.name} has no column {strange[0]}"
    if intent.op == "update" and any(write.target.column in table.key for write in intent.writes):
        return f"it would change the primary key of {table.name}"
    return ""
