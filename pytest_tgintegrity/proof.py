"""Prove that rules can fail: each one is shown its own damage on a scratch copy, and has to report exactly that.

    prover = Prover(server, rules, facts)
    prover.prove(rule)

What is legal must not be reported, a declared fix has to heal the damage, and no other rule may fire unless one of the
two says so (`overlaps=`). Everything is forgotten after each rule.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import sql

from pytest_tgintegrity.arguments import deleting
from pytest_tgintegrity.damage import BY_HAND, NO_PROOF, Attempts, Columns, Damage, attempts, columns_of
from pytest_tgintegrity.database import Answer
from pytest_tgintegrity.domain_damage import domain_breaks
from pytest_tgintegrity.errors import DeclarationError, NotEvaluated, NotProven
from pytest_tgintegrity.evidence import SHOWN, Case, Evidence, Key, Touched, View, case_of, told, words_of
from pytest_tgintegrity.kinds import Check, Declared, Metric, Query, Schema, Unique
from pytest_tgintegrity.places import Place, Places, Window
from pytest_tgintegrity.planning import BoundRule, blanks_of, plan
from pytest_tgintegrity.predicates import fill
from pytest_tgintegrity.remedies import deletion, insertion, intents, violating
from pytest_tgintegrity.scans import Scan
from pytest_tgintegrity.schema import Constraint, Facts
from pytest_tgintegrity.scratch import PostgresServer
from pytest_tgintegrity.verdicts import Measurement
from pytest_tgintegrity.workbench import EMPTY, Sendable, Stopped, loosened
from pytest_tgintegrity.writes import (
    Choice,
    Placed,
    Stored,
    Target,
    at_home,
    fix_writes,
    having,
    key_texts,
    select,
    target,
    update,
)

FIRST_ROWS = (1, 64, None)
ROWS_TRIED = 32
REPRESENTATIVES = 2
STATEMENT = f"{NO_PROOF}, one SQL statement that RETURNs the keys of the rows that it has to report"

_CHANGED = """
SELECT relname, n_tup_ins + n_tup_del, n_tup_upd FROM pg_stat_xact_user_tables
WHERE n_tup_ins + n_tup_del + n_tup_upd > 0
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """How the proof of one rule ended.

    `reason` says why it is unproven, or that it could not be tried at all (`tried` is False); `vacuous` is a test of
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


@dataclass(frozen=True, slots=True)
class _Try:
    """A damage ready to be done to a row of a source."""

    damage: Damage
    place: Place
    writes: tuple[Placed, ...]
    choice: Choice

    @property
    def change(self) -> sql.Composed:
        """The statement that does it."""
        return update(self.place, self.writes, self.choice)

    def at(self, choice: Choice) -> _Try:
        """The same to another row."""
        return replace(self, choice=choice)


class Prover:
    """Proves rules on a scratch copy of a server's clean data."""

    def __init__(self, server: PostgresServer, rules: Sequence[BoundRule], facts: Facts, *, quote: bool = True) -> None:
        self._plan = plan(rules, facts)
        self._facts = facts
        self._places = Places(facts, Window())
        self._bench = loosened(server, quote=quote)
        with self._bench.transaction():
            self._evidence = Evidence(self._bench, self._plan, rules)

    def close(self) -> None:
        """Let go of the scratch copy."""
        self._bench.close()

    def sources(self, bound: BoundRule) -> tuple[str, ...]:
        """The tables that a rule reads."""
        return self._plan.tables.get(bound.id, ())

    # --- rules that are tests of their own

    @contextlib.contextmanager
    def connection(self) -> Iterator[Any]:
        """The scratch copy itself, for a test that looks with its own eyes; whatever happens there is forgotten."""
        with self._bench.transaction():
            yield self._bench.connection

    def prove_check(self, bound: BoundRule, look: Callable[[], object], *, failed: bool) -> Proof:
        """Prove a rule that has `failed` on clean data or not, and now looks at its damage."""
        if failed:
            return Proof(bound.id, "it fails on clean data")
        if not isinstance(bound.rule.breaks, str):
            return Proof(bound.id, STATEMENT)
        try:
            with self._bench.damaged(fill(bound.rule.breaks, bound.params)):
                look()
        except (NotProven, DeclarationError) as error:
            return Proof(bound.id, str(error))
        except AssertionError:
            return Proof(bound.id, damages=1)
        return Proof(bound.id, "missed its break: its body passes on the damaged data")

    # --- rules that the engine measures

    def prove(self, bound: BoundRule) -> Proof:
        """Break one rule, and see whether it notices."""
        if isinstance(bound.rule.kind, Declared) and bound.params.get("constraint") is None:
            return Proof(bound.id, vacuous=True, measurement=Measurement(examined=0))
        if bound.id in self._plan.unplannable:
            return Proof(bound.id, self._plan.unplannable[bound.id], tried=False)
        if isinstance(bound.rule.kind, Check):
            return Proof(bound.id, "no proof: a rule.check looks with the fixture db alone")
        try:
            with self._bench.transaction():
                return self._proof(self._case(bound))
        except (NotProven, DeclarationError) as error:
            return Proof(bound.id, str(error))
        except NotEvaluated as error:
            return Proof(bound.id, str(error), tried=False)

    def _case(self, bound: BoundRule) -> Case:
        scan = self._evidence.scans[bound.id]
        case = case_of(bound, scan, self._evidence.types, self._place(bound, scan))
        if not self._evidence.base(bound.id):
            return case
        base = case.view(self._bench.answers(case.questions))
        if bound.rule.severity != "info":
            raise NotProven(f"it fires on clean data: {told(*base.keys) or base.count.value}")
        return replace(case, base=base)

    def _place(self, bound: BoundRule, scan: Scan) -> Place | None:
        """The source of a rule, as the scan reads it; None for what looks at no rows of a source."""
        kind = bound.rule.kind
        if isinstance(kind, Query | Metric | Schema | Check):
            return None
        if isinstance(kind, Declared):
            constraint = bound.params["constraint"]
            if constraint.kind == "domain":
                return None
            place = self._places.declared(constraint.schema, constraint.table, only=constraint.only)
            if constraint.kind == "exclusion":
                return place
        else:
            place = self._places.target(kind.source, bound.params)
        return replace(place, table=getattr(scan, "table", place.table))

    def _proof(self, case: Case) -> Proof:
        kind = case.bound.rule.kind
        if isinstance(kind, Metric) and kind.at_least is None and kind.at_most is None:
            view = case.view(self._bench.answers(case.questions))
            return Proof(case.bound.id, measurement=view.measurement(case.base))
        if isinstance(kind, Query | Metric) and not isinstance(case.bound.rule.breaks, str):
            raise NotProven(STATEMENT)
        found = self._attempts(case)
        if found.deeds or case.place is None:
            return self._deeds(case, found.deeds)
        return self._damages(case, case.place, found)

    def _attempts(self, case: Case) -> Attempts:
        constraint = case.bound.params.get("constraint")
        if isinstance(constraint, Constraint) and constraint.kind == "domain":
            if not case.view(self._bench.answers(case.questions)).count.examined:
                raise NotProven(EMPTY)
            uses = [(one, self._places.declared(one.schema, one.table, only=True)) for one in constraint.uses]
            return Attempts(deeds=tuple(domain_breaks(constraint, uses)))
        return attempts(case.bound, case.scan, self._columns(case), blanks_of(self._facts))

    def _columns(self, case: Case) -> Columns:
        found: dict[str, tuple[Target, Stored]] = {}
        if case.place is None:
            return found
        for text in columns_of(case.bound, case.scan):
            named = target(text, case.bound.params, case.place.columns)
            where = None if named is None else at_home(named, case.place.table)
            if where is not None and (stored := self._bench.stored(case.place, where)) is not None:
                found[text] = (where, stored)
        return found

    # --- damaging one row

    def _damages(self, case: Case, place: Place, found: Attempts) -> Proof:
        tries = [
            _Try(one, place, self._bench.placed(place, one.writes), one.where or Choice(limit=1))
            for one in found.illegal
        ]
        if found.last_resort is not None and not self._any_row(tries):
            return self._deeds(case, [found.last_resort])
        caught = self._first_row(case, tries)
        if caught is None:
            victim = self._victim(case, tries)
            caught = self._caught(case, [one.at(victim) for one in tries], any_of=found.any_of)
        if not caught:
            raise NotProven(f"missed its break: {tries[0].damage.words}")
        legal = self._legal(case, place, found.legal, caught[0][0].choice)
        for one, view in caught[:REPRESENTATIVES]:
            self._side_effects(case, one.change, [placed.touched for placed in one.writes], view)
        return Proof(case.bound.id, damages=len(caught), legal=legal, measurement=caught[0][1].measurement(case.base))

    def _any_row(self, tries: Sequence[_Try]) -> bool:
        """Whether there is a row that one of the damages can be done to."""
        found = self._bench.try_all([[one.change] for one in tries])
        return any(not isinstance(answers, Stopped) and answers[0].rows for answers in found)

    def _first_row(self, case: Case, tries: Sequence[_Try]) -> list[tuple[_Try, View]] | None:
        """All damages done to the first row; None unless each of them is caught."""
        try:
            return self._caught(case, tries, any_of=False) or None
        except NotProven:
            return None

    def _caught(self, case: Case, tries: Sequence[_Try], *, any_of: bool) -> list[tuple[_Try, View]]:
        """The damages that are reported as they have to be. Raises `NotProven` for any other, unless one is enough."""
        caught = []
        for one, answers in self._looked(case, tries):
            problem = self._problem(case, one, answers)
            if problem is None:
                caught.append((one, case.view(answers[1:])))
            elif not (any_of and problem.startswith("missed")):
                raise NotProven(problem)
        return caught

    def _looked(self, case: Case, tries: Sequence[_Try]) -> Iterator[tuple[_Try, list[Answer]]]:
        """What the rule said of each damage that could be done; a value that a column cannot hold is no damage.

        Raises `NotProven` if the rule could not look at it.
        """
        trials: list[list[Sendable]] = [[one.change, *case.questions] for one in tries]
        for one, answers in zip(tries, self._bench.try_all(trials), strict=True):
            if not isinstance(answers, Stopped):
                yield one, answers
            elif answers.at > 0:
                raise NotProven(f"it cannot look at its damage, {one.damage.words}: {answers.reason}")

    def _victim(self, case: Case, tries: Sequence[_Try]) -> Choice:
        """A row that violates the rule, and it alone, when it is damaged."""
        written = False
        # the value of one row may be too much for the column: then each is tried alone
        alone = [Choice(limit=1, after=n) for n in range(1, ROWS_TRIED)]
        for choices in (*([Choice(limit=limit)] for limit in FIRST_ROWS), alone):
            wide = [one.at(choice) for choice in choices for one in tries if one.damage.where is None] + [
                one for one in tries if one.damage.where is not None
            ]
            for one, answers in self._looked(case, wide):
                rows, news = answers[0].rows, case.view(answers[1:]).news(case.base)
                written = written or bool(rows)
                if news:
                    choice = one.choice if one.choice.limit == 1 else _pointed_out(one.place, news, rows)
                    return self._alone(case, one.at(choice))
        if written:
            raise NotProven(f"missed its break: {tries[0].damage.words}, in whatever row")
        raise NotProven(self._failure(tries[0]) or _nothing(tries[0]))

    def _failure(self, one: _Try) -> str | None:
        [answer] = self._bench.try_all([[one.change]])
        return f"its break fails: {answer.reason}" if isinstance(answer, Stopped) else None

    def _alone(self, case: Case, one: _Try) -> Choice:
        """The chosen row if nothing but it is reported, else one of the first for which that is so."""
        if one.damage.where is not None:
            return one.choice
        others = [one.at(Choice(limit=1, after=n)) for n in range(ROWS_TRIED)]
        for tried in ([one], others):
            for each, answers in self._looked(case, tried):
                if self._problem(case, each, answers) is None:
                    return each.choice
        return one.choice

    def _problem(self, case: Case, one: _Try, answers: Sequence[Answer]) -> str | None:
        """What is wrong with how the rule saw a damage, in words."""
        view, rows = case.view(answers[1:]), answers[0].rows
        if not rows:
            return _nothing(one)
        key = tuple(rows[0][3:])
        news, more = view.news(case.base), view.count.violations - case.base.count.violations
        if not news:
            return f"missed its break: {one.damage.words}, in row {told(key)}"
        moved = _moved(key, rows[0])
        if more == one.damage.violations == 1 and news in ([key], [moved]):
            return None
        related = self._related(one) | {moved}
        strange = [found for found in news if found not in related]
        if one.damage.violations > 1 and more == one.damage.violations and len(strange) < len(news):
            return None
        return (
            f"reports others than what was damaged: {one.damage.words}, in row {told(key)}: {told(*strange)}"
            if strange
            else None
        )

    def _related(self, one: _Try) -> set[Key]:
        """The keys of all source rows that the damaged rows are part of, before and after."""
        with self._bench.damaged(one.change) as done:
            rows = done.rows
            after = self._sharing(one, [(row[0], row[2]) for row in rows])
        return after | self._sharing(one, [(row[0], row[1]) for row in rows])

    def _sharing(self, one: _Try, rows: Sequence[tuple[int, str]]) -> set[Key]:
        aliases = {placed.write.target.alias: placed.write.target for placed in one.writes}
        conditions = [
            sql.SQL("{}ctid = ANY({}::tid[])").format(
                about.prefix, sql.Literal([str(where) for alias, where in rows if alias == number])
            )
            for number, about in enumerate(aliases.values())
        ]
        [answer] = self._bench.answers(
            [select(one.place, key_texts(one.place), Choice(sql.SQL(" OR ").join(conditions)))]
        )
        return set(answer.texts)

    def _legal(self, case: Case, place: Place, legal: Iterable[Damage], victim: Choice) -> int:
        passed = 0
        tries = [_Try(one, place, self._bench.placed(place, one.writes), victim) for one in legal]
        for one, answers in self._looked(case, tries):
            if case.view(answers[1:]).count.violations > case.base.count.violations:
                raise NotProven(f"a legal value fires: {one.damage.words}")
            passed += 1
        return passed

    # --- damaging by a statement

    def _deeds(self, case: Case, deeds: Sequence[sql.Composable]) -> Proof:
        views = [view for deed in deeds if (view := self._deed(case, deed)) is not None]
        if not views:
            raise NotProven("its break changed nothing: it returned no row")
        return Proof(case.bound.id, damages=len(views), measurement=views[0].measurement(case.base))

    def _deed(self, case: Case, deed: sql.Composable) -> View | None:
        """What the rule says of a statement's damage; None if the statement returned nothing."""
        before = self._changed()
        with self._bench.damaged(deed) as done:
            expected = {tuple(texts[: case.key_columns]) for texts in done.texts}
            view = case.view(self._bench.answers(case.questions))
            touched = self._touched(deed, before)
        if not expected:
            return None
        news = view.news(case.base)
        if isinstance(case.bound.rule.kind, Metric):
            if not view.count.violations:
                raise NotProven(f"missed its break: it measures {view.count.value}")
        elif not news:
            raise NotProven(f"missed its break: nothing reported, expected {told(*expected)}")
        elif set(news) != expected:
            raise NotProven(
                f"its break says that it damages {told(*sorted(expected, key=str))}, it reports {told(*news)}"
            )
        self._side_effects(case, deed, touched, view)
        return view

    def _changed(self) -> dict[str, tuple[int, int]]:
        [answer] = self._bench.answers([sql.SQL(_CHANGED)])
        return {name: (moved, updated) for name, moved, updated in answer.rows}

    def _touched(self, deed: sql.Composable, before: Mapping[str, tuple[int, int]]) -> set[Touched]:
        """The tables and columns that a statement changed; it has to name the columns that it updates."""
        named, _ = words_of(deed)
        found: set[Touched] = set()
        for name, (moved, updated) in self._changed().items():
            was = before.get(name, (0, 0))
            if moved > was[0]:
                found.add((name, None))
            elif updated > was[1]:
                table = self._facts.table(name)
                found |= {(name, column) for column in (table.columns if table else ()) if column in named}
        return found

    # --- what others make of it

    def _side_effects(self, case: Case, change: sql.Composable, touched: Iterable[Touched], view: View) -> None:
        """No other rule may fire on the damage without saying so, and none on what the fix leaves of it."""
        if isinstance(case.bound.rule.kind, Declared):
            return
        others = self._evidence.readers(case.bound, touched)
        fixes = self._fixes(case, view)
        if not others and not fixes:
            return
        with self._bench.damaged(change):
            fired = self._fired(others, "its break")
            if strange := self._evidence.unexpected(case.bound, fired):
                raise NotProven(f"fires others on its break without overlaps=: {_named(strange)}")
            if fixes:  # anew: done once more, a damaged row may lie elsewhere
                self._mend(case, self._fixes(case, case.view(self._bench.answers(case.questions))))
                if worse := set(self._fired(others, "its fix")) - set(fired):
                    raise NotProven(f"its fix makes others fire: {_named(sorted(worse))}")

    def _fired(self, others: Sequence[Scan], what: str) -> list[str]:
        fired, failed = self._evidence.said(others)
        if failed:
            rule, reason = next(iter(failed.items()))
            raise NotProven(f"{what} is more than another rule can look at: {_named([rule])}: {reason}")
        return fired

    def _fixes(self, case: Case, view: View) -> list[sql.Composable]:
        """The statements of the declared fix."""
        if case.place is None or case.bound.rule.fix is None:
            return []
        if moved := list(self._moves(case, case.place)):
            return moved
        writes = fix_writes(case.bound.rule, case.bound.params, case.place.columns)
        where = sql.SQL(" OR ").join(having(case.place, key) for key in view.news(case.base))
        return [update(case.place, self._bench.placed(case.place, writes), Choice(where))]

    def _moves(self, case: Case, place: Place) -> Iterator[sql.Composable]:
        """Of a fix that deletes or inserts rows."""
        if not case.bound.rule.fix_allows:
            return
        found = violating(case.scan, keep_first=isinstance(case.bound.rule.kind, Unique))
        for intent in intents(case.bound, place.columns):
            if intent.op == "insert":
                yield insertion(found, intent)
            elif intent.op == "delete":
                alias = at_home(Target(intent.alias, "ctid"), place.table)
                yield deletion(found, intent, alias, self._bench.table(place, alias))

    def _mend(self, case: Case, fixes: Iterable[sql.Composable]) -> None:
        for fix in fixes:
            self._bench.change(fix, "its fix")
        deletion = deleting(case.bound.rule.fix)
        if deletion and deletion["where"]:  # what it leaves is for a person, and the damage may be of that sort
            return
        view = case.view(self._bench.answers(case.questions))
        if view.count.violations > case.base.count.violations:
            raise NotProven("its fix does not mend its break")


def _pointed_out(place: Place, news: Sequence[Key], rows: Sequence[Sequence[Any]]) -> Choice:
    """The row that was written to and is reported, by its key."""
    written = [tuple(row[3:]) for row in rows]
    key = next((one for one in news if one in set(written)), written[0])
    return Choice(having(place, key), limit=1)


def _moved(key: Key, row: Sequence[Any]) -> Key:
    """The key of a damaged row afterwards, where no column is its key but the place that it lies at."""
    return tuple(str(row[2]) if part == str(row[1]) else part for part in key)


def _nothing(one: _Try) -> str:
    """Why nothing was damaged."""
    if one.damage.where is None:
        return EMPTY
    return f"no row to break: {one.damage.words} is what it takes, and none has that; {BY_HAND}"


def _named(rules: Sequence[str]) -> str:
    names = ", ".join(rule.partition("::")[2] for rule in rules[:SHOWN])
    return names if len(rules) <= SHOWN else f"{names} and {len(rules) - SHOWN} more"
