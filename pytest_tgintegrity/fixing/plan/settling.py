"""Leave out of a fix plan the fixes that do not settle, whose values cannot be stored, or that would harm other rules.

A fix settles if it would change nothing more in the state that all fixes leave behind; otherwise it is restless.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from pytest_tgintegrity.database.connections.answers import Answer, Failure
from pytest_tgintegrity.database.connections.reader import Reader
from pytest_tgintegrity.fixing.plan.fix_plan import FixPlan, written
from pytest_tgintegrity.fixing.plan.foresight import Foresight
from pytest_tgintegrity.fixing.plan.simulation import Simulation
from pytest_tgintegrity.fixing.plan.table_fixes import Step, TableFix, in_order, offending, qualified
from pytest_tgintegrity.parts import chunks
from pytest_tgintegrity.planning.scans import MetricScan, Scan
from pytest_tgintegrity.planning.sql.encoding import sql_text
from pytest_tgintegrity.planning.sql.names import reading
from pytest_tgintegrity.planning.sql.tokens import words
from pytest_tgintegrity.rules.kinds import Metric

QUESTIONS_AT_ONCE = 60
QuestionAnswer = tuple[Any, ...] | Failure


@dataclass(frozen=True, slots=True)
class Question:
    """What a rule asks: `text` is its SQL, `rows` is a query for its violations, or None if these are no rows.

    `bounded` says whether any answer can violate the rule.
    """

    text: str
    rows: sql.Composable | None
    bounded: bool = True


def question(scan: Scan) -> Question:
    """What the only rule of a scan asks."""
    rows = offending(scan)
    if isinstance(scan, MetricScan):
        return Question(sql_text(scan.query), None, bounded=_is_bounded(scan.metric))
    if rows is None:
        return Question("", None, bounded=False)
    return Question(sql_text(rows), rows)


def _is_bounded(metric: Metric) -> bool:
    return metric.at_least is not None or metric.at_most is not None


@dataclass(slots=True)
class _Restless:
    """Why a fix does not settle: how many rows it leaves, whose fixes wrote to them, and which table fix was rounded."""

    rows: int
    writers: set[str] = field(default_factory=set)
    rounded: TableFix | None = None


class Settling:
    """Judges groups of steps by the state that they would leave behind.

    `called` are the rules that fixes would make more rows violate, and that have a fix themselves. `counts` are the
    violations, after all fixes that were kept, of the rules that these fixes might touch; `failed` are those of them that
    could not be counted.
    """

    def __init__(
        self,
        reader: Reader,
        fix_plan: FixPlan,
        scans: Mapping[str, Scan],
        violations: Mapping[str, int],
        foresight: Foresight,
    ) -> None:
        self.reader = reader
        self.fix_plan = fix_plan
        self.violations = violations
        self.foresight = foresight
        self.called: set[str] = set()
        self.counts: dict[str, int] = {}
        self.failed: set[str] = set()
        self._scans = scans
        self._questions: dict[str, Question] = {}

    def begin(self) -> None:
        """Forget the counts, since other groups are judged from now on."""
        self.counts, self.failed = {}, set()

    def question(self, rule: str) -> Question:
        """What a rule asks."""
        if rule not in self._questions:
            self._questions[rule] = question(self._scans[rule].only([rule]))
        return self._questions[rule]

    def _refuse(self, rule: str, reason: str) -> None:
        self.fix_plan.refused.setdefault(rule, reason)

    # --- asking

    def _ask_together(self, simulation: Simulation, questions: Sequence[sql.Composable]) -> list[QuestionAnswer]:
        """The row that answers each question. If the server refuses to answer them together, they are asked one by one."""
        if len(questions) > QUESTIONS_AT_ONCE:
            batches = chunks(questions, QUESTIONS_AT_ONCE)
            return [answer for batch in batches for answer in self._ask_together(simulation, batch)]
        if not questions:
            return []
        answer = self.reader.ask([simulation.together(questions)])[0]
        if isinstance(answer, Answer):
            return [row[1:] for row in answer.rows]
        if len(questions) == 1:
            return [answer]
        return [answer for asked in questions for answer in self._ask_together(simulation, [asked])]

    def _counts(self, simulation: Simulation, watched: Mapping[str, sql.Composable]) -> Iterator[tuple[str, int]]:
        """How many rows would violate each rule; a rule for which that is not known is left out."""
        answers = self._ask_together(simulation, [simulation.count(query) for query in watched.values()])
        for rule, answer in zip(watched, answers, strict=True):
            if not isinstance(answer, Failure):
                yield rule, answer[0]

    # --- what settles

    def settled(self, group: list[Step]) -> list[Step]:
        """Leave out fixes that never settle: they undo each other, or rows that they wrote to still violate their rule."""
        while group:
            simulation = self.fix_plan.simulation(group)
            values, cuts = simulation.cut_off()
            stored = [simulation.stored(table) for table in simulation.tables]
            answers = self._ask_together(simulation, [*cuts, *self._restless(simulation, group), *stored])
            failures = [answer for answer in answers if isinstance(answer, Failure)]
            if failures:
                group = self._without_broken(group, failures[0].reason)
                continue
            rows = [answer for answer in answers[: len(answers) - len(stored)] if not isinstance(answer, Failure)]
            wrong = {number for row in rows[: len(cuts)] for number in row[1] or ()}
            if not wrong:
                restless = self._restless_rules(group, rows[len(cuts) :])
                if not restless:
                    return group
                self._refuse_restless(group, restless)
            for rule, table, column in (values[number] for number in sorted(wrong)):
                of = self.fix_plan.types[table][column].type
                self._refuse(rule, f"its fix writes values that {table}.{column}, {of}, cannot hold")
            group = [step for step in group if step.rule not in self.fix_plan.refused]
        return group

    def _restless(self, simulation: Simulation, group: Sequence[Step]) -> list[sql.Composable]:
        writes, numbers = written(group), self.fix_plan.numbers
        return [
            simulation.restless(
                step,
                table_fix,
                numbers[step.rule],
                sure=self.foresight.outlook(table_fix.text, writes, self.fix_plan.stand_ins) == "foreseen",
            )
            for step in group
            for table_fix in step.table_fixes
        ]

    def _restless_rules(self, group: Sequence[Step], rows: Sequence[tuple[Any, ...]]) -> dict[str, _Restless]:
        restless: dict[str, _Restless] = {}
        table_fixes = [(step.rule, table_fix) for step in group for table_fix in step.table_fixes]
        for (rule, table_fix), (count, numbers, rounded) in zip(table_fixes, rows, strict=True):
            if count:
                reason = restless.setdefault(rule, _Restless(0))
                reason.rows += count
                reason.writers |= {self.fix_plan.rules[number] for number in numbers or ()}
                reason.rounded = table_fix if rounded else reason.rounded
        return restless

    def _refuse_restless(self, group: Sequence[Step], restless: Mapping[str, _Restless]) -> None:
        """Refuse fixes that never settle, and the fixes that keep them from settling."""
        steps = {step.rule: step for step in group}
        for rule, reason in restless.items():
            step = steps[rule]
            busy = [
                other
                for other in group
                if other is not step and (other.rule in reason.writers or step.sees(other.writes))
            ]
            busy = [other for other in busy if other.sees(step.writes) or step.fresh]
            for other in busy:
                self._refuse(other.rule, f"it and the fix of {rule} undo each other")
            others = ", ".join(other.rule for other in busy)
            why = f"it and the fix of {others} undo each other" if busy else self._why(reason)
            self._refuse(rule, f"its fix does not mend {reason.rows} of the rows that it writes to: {why}")

    def _why(self, restless: _Restless) -> str:
        if restless.rounded is None:
            return "they still violate it"
        table = qualified(restless.rounded.table)
        columns = {name: self.fix_plan.types[table][name] for name in restless.rounded.columns}
        name, column = next((name, column) for name, column in columns.items() if column.rounds)
        advice = "" if column.scale is None else f": say round(…, {column.scale}) in the rule"
        return f"{table}.{name}, {column.type}, rounds what it is given{advice}"

    def _without_broken(self, group: list[Step], reason: str) -> list[Step]:
        """Refuse the fixes that the server cannot compute, or all of them if nobody can say which of them is to blame."""
        broken = {step.rule: why for step in group if (why := self._broken([step]))}
        if not broken:
            sizes = range(2, len(group) + 1)
            broken = next(({group[n - 1].rule: why} for n in sizes if (why := self._broken(group[:n]))), {})
        for rule, why in (broken or {step.rule: reason for step in group}).items():
            self._refuse(rule, f"its fix cannot be computed: {why}")
        return [step for step in group if step.rule not in broken] if broken else []

    def _broken(self, group: Sequence[Step]) -> str:
        """Why the server cannot compute the fixes of a group; empty if it can."""
        simulation = self.fix_plan.simulation(group)
        _, cuts = simulation.cut_off()
        stored = [simulation.stored(table) for table in simulation.tables]
        answers = self._ask_together(simulation, [*cuts, *self._restless(simulation, group), *stored])
        return next((answer.reason for answer in answers if isinstance(answer, Failure)), "")

    # --- what does no harm

    def harmless(self, group: list[Step], waiting: Mapping[str, Step], chosen: Sequence[Step]) -> list[Step]:
        """Leave out fixes that would make more rows violate a rule than before, unless that rule has a fix itself.

        Such a rule is remembered in `called`, since its fix has to be planned, too.
        """
        while group:
            watched = self._watched(group, self.violations)
            counts = dict(self._counts(self.fix_plan.simulation(group), watched))
            grown = self._grown(counts)
            self.called |= grown & waiting.keys()
            blamed = self._blamed(group, self._unhelped(group, grown - waiting.keys(), chosen))
            if not blamed:
                self.counts |= counts
                self.failed |= watched.keys() - counts.keys()
                return group
            group = [step for step in group if step.rule not in blamed]
        return group

    def harmless_together(self, groups: Sequence[Sequence[Step]]) -> bool:
        """Whether groups that are harmless one by one are harmless together; otherwise fixes of the last are refused."""
        watched = [self._watched(group, self.violations) for group in groups]
        touching: dict[tuple[int, ...], list[str]] = {}
        for rule in self.violations:
            touching.setdefault(
                tuple(n for n, rules_watched in enumerate(watched) if rule in rules_watched), []
            ).append(rule)
        for numbers, rules in touching.items():
            if len(numbers) > 1:
                steps = in_order([step for n in numbers for step in groups[n]])
                counts = dict(self._counts(self.fix_plan.simulation(steps), self._watched(steps, rules)))
                self.counts |= counts
                if self._blamed(groups[numbers[-1]], self._grown(counts)):
                    return False
        return True

    def _blamed(self, group: Sequence[Step], rules: Iterable[str]) -> set[str]:
        """Refuse the steps that make more rows violate a rule; the rule's own step only if there are no others."""
        blamed = set()
        for rule in sorted(rules):
            reads = reading(self.question(rule).text)
            steps = [step for step in group if reads.reads_any(step.writes)]
            for step in [step for step in steps if step.rule != rule] or steps:
                self._refuse(step.rule, f"its fix would make more rows violate {rule}")
                blamed.add(step.rule)
        return blamed

    def _unhelped(self, group: Sequence[Step], grown: set[str], chosen: Sequence[Step]) -> set[str]:
        """The rules that still grow when the fixes of other groups are made, too."""
        rules = {step.rule for step in group}
        readings = [reading(self.question(rule).text) for rule in grown]
        helpers = [
            step
            for step in chosen
            if step.rule not in rules and any(reads.reads_any(step.writes) for reads in readings)
        ]
        if not helpers:
            return grown
        steps = in_order([*group, *helpers])
        return self._grown(dict(self._counts(self.fix_plan.simulation(steps), self._watched(steps, grown))))

    def _grown(self, counts: Mapping[str, int]) -> set[str]:
        """The rules that more rows would violate than do now."""
        return {rule for rule, count in counts.items() if count > self.violations[rule]}

    def _watched(self, group: Sequence[Step], rules: Iterable[str]) -> dict[str, sql.Composable]:
        """The queries for the violations of those rules that these fixes may touch, and that are sure to see their layers."""
        writes = written(group)
        names = {cell.relation.name for cell in writes}
        watched = {}
        for rule in rules:
            asked = self.question(rule) if rule in self._scans else None
            if asked is not None and asked.rows is not None and not names.isdisjoint(words(asked.text).names):
                reads = reading(asked.text).reads_any(writes)
                if reads and self.foresight.outlook(asked.text, writes, self.fix_plan.stand_ins) == "foreseen":
                    watched[rule] = asked.rows
        return watched

    # --- the end

    def unforeseen(self) -> Iterator[str]:
        """The rules that the planned writes might touch, and for which it is not known what they will say afterwards."""
        writes, stand_ins = self.fix_plan.writes, self.fix_plan.stand_ins
        for rule in self.violations:
            if not writes or rule not in self._scans:
                continue
            asked = self.question(rule)
            outlook = self.foresight.outlook(asked.text, writes, stand_ins)
            unknown = outlook == "hidden" or (outlook == "foreseen" and rule not in self.counts)
            if unknown and asked.bounded:
                yield rule
