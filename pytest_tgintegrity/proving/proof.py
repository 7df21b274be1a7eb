"""Prove that rules can fail: each rule is damaged on a scratch copy, and has to report exactly that damage.

    prover = Prover(server, rules, facts)
    prover.prove(rule)

Legal values must not be reported, a declared fix has to remove the damage, and no other rule may fire unless one of the
two rules says so (`overlaps=`). All changes are rolled back after each rule.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from psycopg import sql

from pytest_tgintegrity.errors import DeclarationError, NotEvaluated, NotProven
from pytest_tgintegrity.fixing.plan.writes import (
    Choice,
    ColumnType,
    Target,
    at_home,
    target,
)
from pytest_tgintegrity.judging.verdicts import Measurement
from pytest_tgintegrity.planning.facts import Before, Constraint, EarlierRows, Facts
from pytest_tgintegrity.planning.planner import BoundRule, blanks_of, plan
from pytest_tgintegrity.planning.scans import Scan
from pytest_tgintegrity.planning.sources import PreparedSource, PreparedSources
from pytest_tgintegrity.planning.sql.compose import fill, plain, readable
from pytest_tgintegrity.planning.sql.names import lone_name
from pytest_tgintegrity.planning.sql.tokens import words
from pytest_tgintegrity.planning.windows import Window
from pytest_tgintegrity.proving.damage import NO_PROOF, Attempts, StoredColumns, attempts, columns_of
from pytest_tgintegrity.proving.domain_damage import domain_breaks
from pytest_tgintegrity.proving.row_damages import RowDamages, Try
from pytest_tgintegrity.proving.scratch_copy import EMPTY, loosened
from pytest_tgintegrity.proving.side_effects import SideEffects
from pytest_tgintegrity.proving.witnesses import Case, Touched, View, Witnesses, case_of, key_text
from pytest_tgintegrity.rules.kinds import Check, Declared, Metric, Query, Volume, VolumeKind
from pytest_tgintegrity.rules.kinds.fields import source_of
from pytest_tgintegrity.servers.postgres import PostgresServer

REPRESENTATIVES = 2
STATEMENT = f"{NO_PROOF}, one SQL statement that RETURNs the keys of the rows that it has to report"

_CHANGED = """
SELECT relid::regclass::text, n_tup_ins + n_tup_del, n_tup_upd FROM pg_stat_xact_user_tables
WHERE n_tup_ins + n_tup_del + n_tup_upd > 0
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """How the proof of one rule ended.

    `reason` says why it is unproven, or why it could not be tried at all (`tried` is False); `vacuous` is a test of
    declared constraints where there is none. `measurement` is what the rule saw of the damage; `damages` and
    `legal` are how many values it had to catch and to let pass.
    """

    rule: str
    reason: str | None = None
    tried: bool = True
    vacuous: bool = False
    damages: int = 0
    legal: int = 0
    measurement: Measurement = field(default_factory=Measurement)

    @property
    def proven(self) -> bool:
        """Whether the rule was shown to fail when it has to, and only then."""
        return self.reason is None


class Prover:
    """Proves rules on a scratch copy of a server's clean data."""

    def __init__(self, server: PostgresServer, rules: Sequence[BoundRule], facts: Facts, *, quote: bool = True) -> None:
        self._scratch = loosened(server, quote=quote)
        now = datetime.now(UTC)
        facts = replace(facts, earlier=EarlierRows(dict(self._clean_rows(rules, facts, now)), None))
        self._plan = plan(rules, facts, Window(now=now))
        self._facts = facts
        self._sources = PreparedSources(facts, Window())
        with self._scratch.transaction():
            self._witnesses = Witnesses(self._scratch, self._plan, rules, facts)
        self._rows = RowDamages(self._scratch)
        self._side_effects = SideEffects(self._scratch, self._witnesses)

    def _clean_rows(self, rules: Iterable[BoundRule], facts: Facts, now: datetime) -> Iterator[tuple[str, Before]]:
        """The rows that the clean data have in the tables whose number of rows is bounded: a damage is compared with these."""
        named = {plain(bound.rule.kind.table, bound.params) for bound in rules if isinstance(bound.rule.kind, Volume)}
        tables = [table for name in sorted(named) if (table := facts.table(name)) is not None]
        counts = [sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.path)) for table in tables]
        with self._scratch.transaction():
            for table, answer in zip(tables, self._scratch.answers(counts), strict=True):
                yield table.qualified, Before(answer.rows[0][0], now)

    def close(self) -> None:
        """Close the scratch copy."""
        self._scratch.close()

    def sources(self, bound: BoundRule) -> tuple[str, ...]:
        """The tables that a rule reads."""
        return self._plan.tables.get(bound.id, ())

    # --- rules that are tests of their own

    @contextlib.contextmanager
    def connection(self) -> Iterator[Any]:
        """The connection to the scratch copy, for a test that sends its own queries; all changes are rolled back."""
        with self._scratch.transaction():
            yield self._scratch.connection

    def prove_check(self, bound: BoundRule, look: Callable[[], object], *, failed: bool) -> Proof:
        """Prove a rule by its body: `failed` is what it did on clean data, `look` calls it on the damaged data."""
        if failed:
            return Proof(bound.id, "it fails on clean data")
        if not isinstance(bound.rule.breaks, str):
            return Proof(bound.id, STATEMENT)
        try:
            with self._scratch.damaged(fill(bound.rule.breaks, bound.params)):
                look()
        except (NotProven, DeclarationError) as error:
            return Proof(bound.id, str(error))
        except AssertionError:
            return Proof(bound.id, damages=1)
        return Proof(bound.id, "missed its break: its body passes on the damaged data")

    # --- rules that the engine measures

    def prove(self, bound: BoundRule) -> Proof:
        """Damage the data of one rule, and see whether it reports that."""
        if isinstance(bound.rule.kind, Declared) and bound.params.get("constraint") is None:
            return Proof(bound.id, vacuous=True, measurement=Measurement(examined=0))
        if bound.id in self._plan.unplannable:
            return Proof(bound.id, self._plan.unplannable[bound.id], tried=False)
        if isinstance(bound.rule.kind, Check):
            return Proof(bound.id, "no proof: a rule.check looks with the fixture db alone")
        try:
            with self._scratch.transaction():
                return self._proof(self._case(bound))
        except (NotProven, DeclarationError) as error:
            return Proof(bound.id, str(error))
        except NotEvaluated as error:
            return Proof(bound.id, str(error), tried=False)

    def _case(self, bound: BoundRule) -> Case:
        scan = self._witnesses.scans[bound.id]
        case = case_of(bound, scan, self._witnesses.types, self._source(bound, scan))
        if not self._witnesses.base(bound.id):
            return case
        base = case.view(self._scratch.answers(case.questions))
        if bound.rule.severity != "info":
            raise NotProven(f"it fires on clean data: {key_text(*base.keys) or base.count.value}")
        return replace(case, base=base)

    def _source(self, bound: BoundRule, scan: Scan) -> PreparedSource | None:
        """The source of a rule, as the scan reads it; None for a rule that looks at no rows of a source."""
        kind = bound.rule.kind
        declared = source_of(kind)
        if isinstance(kind, Declared):
            constraint = bound.params["constraint"]
            if constraint.kind == "domain":
                return None
            source = self._sources.declared(constraint.schema, constraint.table, only=constraint.only)
            if constraint.kind == "exclusion":
                return source
        elif declared is None:
            return None
        else:
            source = self._sources.target(declared, bound.params)
        return replace(source, table=getattr(scan, "table", source.table))

    def _proof(self, case: Case) -> Proof:
        kind = case.bound.rule.kind
        if isinstance(kind, Metric) and kind.at_least is None and kind.at_most is None:
            view = case.view(self._scratch.answers(case.questions))
            return Proof(case.bound.id, measurement=view.measurement(case.base))
        if isinstance(kind, Query | Metric) and not isinstance(case.bound.rule.breaks, str):
            raise NotProven(STATEMENT)
        tried = self._attempts(case)
        if tried.statements or case.source is None:
            return self._prove_statements(case, tried.statements)
        return self._damages(case, case.source, tried)

    def _attempts(self, case: Case) -> Attempts:
        constraint = case.bound.params.get("constraint")
        if isinstance(constraint, Constraint) and constraint.kind == "domain":
            if not case.view(self._scratch.answers(case.questions)).count.examined:
                raise NotProven(EMPTY)
            uses = [(use, self._sources.declared(use.schema, use.table, only=True)) for use in constraint.uses]
            return Attempts(statements=tuple(domain_breaks(constraint, uses)))
        return attempts(case.bound, case.scan, self._columns(case), blanks_of(self._facts))

    def _columns(self, case: Case) -> StoredColumns:
        columns: dict[str, tuple[Target, ColumnType]] = {}
        if case.source is None:
            return columns
        for text in columns_of(case.bound, case.scan):
            named = target(text, case.source.binding(case.bound.params))
            where = None if named is None else at_home(named, case.source.table)
            if where is not None and (stored := self._scratch.stored(case.source, where)) is not None:
                columns[text] = (where, stored)
        return columns

    # --- damaging one row

    def _damages(self, case: Case, source: PreparedSource, tried: Attempts) -> Proof:
        tries = [
            Try(damage, source, self._scratch.placed(source, damage.writes), damage.where or Choice(limit=1))
            for damage in tried.illegal
        ]
        if tried.last_resort is not None and not self._rows.any_row(tries):
            return self._prove_statements(case, [tried.last_resort])
        caught = self._rows.first_row(case, tries)
        if caught is None:
            victim = self._rows.victim(case, tries)
            caught = self._rows.caught(case, [attempt.at(victim) for attempt in tries], any_of=tried.any_of)
        if not caught:
            raise NotProven(f"missed its break: {tries[0].damage.words}")
        legal = self._rows.legal(case, source, tried.legal, caught[0][0].choice)
        for attempt, view in caught[:REPRESENTATIVES]:
            self._side_effects.check(case, attempt.change, [placed.touched for placed in attempt.writes], view)
        return Proof(case.bound.id, damages=len(caught), legal=legal, measurement=caught[0][1].measurement(case.base))

    # --- damaging by a statement

    def _prove_statements(self, case: Case, statements: Sequence[sql.Composable]) -> Proof:
        views = [view for statement in statements if (view := self._prove_statement(case, statement)) is not None]
        if not views:
            raise NotProven("its break changed nothing: it returned no row")
        return Proof(case.bound.id, damages=len(views), measurement=views[0].measurement(case.base))

    def _prove_statement(self, case: Case, statement: sql.Composable) -> View | None:
        """What the rule reports of a statement's damage; None if the statement returned nothing."""
        before = self._changed()
        with self._scratch.damaged(statement) as done:
            expected = {tuple(texts[: case.key_columns]) for texts in done.texts}
            view = case.view(self._scratch.answers(case.questions))
            touched = self._touched(statement, before)
        if not expected:
            return None
        news = view.news(case.base)
        if isinstance(case.bound.rule.kind, Metric | VolumeKind):
            if not view.count.violations:
                raise NotProven(f"missed its break: it measures {view.count.value}")
        elif not news:
            raise NotProven(f"missed its break: nothing reported, expected {key_text(*expected)}")
        elif set(news) != expected:
            raise NotProven(
                f"its break says that it damages {key_text(*sorted(expected, key=str))}, it reports {key_text(*news)}"
            )
        self._side_effects.check(case, statement, touched, view)
        return view

    def _changed(self) -> dict[str, tuple[int, int]]:
        [answer] = self._scratch.answers([sql.SQL(_CHANGED)])
        return {name: (moved, updated) for name, moved, updated in answer.rows}

    def _touched(self, statement: sql.Composable, before: Mapping[str, tuple[int, int]]) -> set[Touched]:
        """The tables and columns that a statement changed; it has to name the columns that it updates."""
        named = words(readable(statement)).names
        touched: set[Touched] = set()
        for name, (moved, updated) in self._changed().items():
            was = before.get(name, (0, 0))
            if moved > was[0]:
                touched.add((name, None))
            elif updated > was[1]:
                table = self._facts.table(".".join(lone_name(name) or ()))
                touched |= {(name, column) for column in (table.columns if table else ()) if column in named}
        return touched
