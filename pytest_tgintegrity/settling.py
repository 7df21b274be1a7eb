"""Leave out of a repair what would not come to rest, what cannot be stored, and what would harm other rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from pytest_tgintegrity.database import Answer, Failure, Reader
from pytest_tgintegrity.drawn import Blueprint, written
from pytest_tgintegrity.encoding import sql_text
from pytest_tgintegrity.foresight import Foresight
from pytest_tgintegrity.kinds import Metric
from pytest_tgintegrity.remedies import Remedy, Step, in_order, offending, qualified
from pytest_tgintegrity.scans import MetricScan, Scan
from pytest_tgintegrity.simulation import Simulation
from pytest_tgintegrity.sql_reading import reading
from pytest_tgintegrity.sql_text import words

QUESTIONS = 60
Found = tuple[Any, ...] | Failure


@dataclass(frozen=True, slots=True)
class Question:
    """What a rule asks: `rows` violate it, or none are known; `text` is its SQL."""

    text: str
    rows: sql.Composable | None
    bounded: bool = True


def question(scan: Scan) -> Question:
    """What the one rule of a scan asks."""
    rows = offending(scan)
    if isinstance(scan, MetricScan):
        return Question(sql_text(scan.query), None, bounded=_is_bounded(scan.metric))
    return Question("" if rows is None else sql_text(rows), rows)


def _is_bounded(metric: Metric) -> bool:
    return metric.at_least is not None or metric.at_most is not None


@dataclass(slots=True)
class _Restless:
    """Why a fix does not come to rest: how many rows, whose fixes wrote to them, and whether values were rounded."""

    rows: int
    writers: set[str] = field(default_factory=set)
    rounded: Remedy | None = None


class Settling:
    """Judges groups of steps by what they would leave behind.

    `called` are rules that fixes put wrong and that have a fix themselves. `counts` is what became of rules that the
    groups which were kept might touch, `failed` are those that could not be looked at.
    """

    def __init__(
        self,
        reader: Reader,
        blueprint: Blueprint,
        scans: Mapping[str, Scan],
        violations: Mapping[str, int],
        foresight: Foresight,
    ) -> None:
        self.reader = reader
        self.blueprint = blueprint
        self.violations = violations
        self.foresight = foresight
        self.called: set[str] = set()
        self.counts: dict[str, int] = {}
        self.failed: set[str] = set()
        self._scans = scans
        self._questions: dict[str, Question] = {}

    def begin(self) -> None:
        """Forget what became of rules: other groups are judged."""
        self.counts, self.failed = {}, set()

    def question(self, rule: str) -> Question:
        """What a rule asks."""
        if rule not in self._questions:
            self._questions[rule] = question(self._scans[rule].only([rule]))
        return self._questions[rule]

    def _refuse(self, rule: str, reason: str) -> None:
        self.blueprint.refused.setdefault(rule, reason)

    # --- asking

    def _ask_together(self, simulation: Simulation, questions: Sequence[sql.Composable]) -> list[Found]:
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

    def _counts(self, simulation: Simulation, watched: Mapping[str, sql.Composable]) -> Iterator[tuple[str, int]]:
        """How many rows would violate each rule, where that can be told."""
        answers = self._ask_together(simulation, [simulation.count(query) for query in watched.values()])
        for rule, answer in zip(watched, answers, strict=True):
            if not isinstance(answer, Failure):
                yield rule, answer[0]

    # --- what settles

    def settled(self, group: list[Step]) -> list[Step]:
        """Leave out fixes that never come to rest: those that undo each other, or do not mend what they are for."""
        while group:
            simulation = self.blueprint.simulation(group)
            places, cuts = simulation.cut_off()
            stored = [simulation.stored(table) for table in simulation.tables]
            answers = self._ask_together(simulation, [*cuts, *self._restless(simulation, group), *stored])
            failures = [one for one in answers if isinstance(one, Failure)]
            if failures:
                group = self._without_broken(group, failures[0].reason)
                continue
            rows = [one for one in answers[: len(answers) - len(stored)] if not isinstance(one, Failure)]
            wrong = {number for row in rows[: len(cuts)] for number in row[1] or ()}
            if not wrong:
                restless = self._found_restless(group, rows[len(cuts) :])
                if not restless:
                    return group
                self._refuse_restless(group, restless)
            for rule, table, column in (places[number] for number in sorted(wrong)):
                of = self.blueprint.types[table][column].type
                self._refuse(rule, f"its fix writes values that {table}.{column}, {of}, cannot hold")
            group = [step for step in group if step.rule not in self.blueprint.refused]
        return group

    def _restless(self, simulation: Simulation, group: Sequence[Step]) -> list[sql.Composable]:
        writes, numbers = written(group), self.blueprint.numbers
        return [
            simulation.restless(
                step,
                one,
                numbers[step.rule],
                sure=self.foresight.outlook(one.text, writes, self.blueprint.standing) == "foreseen",
            )
            for step in group
            for one in step.remedies
        ]

    def _found_restless(self, group: Sequence[Step], rows: Sequence[tuple[Any, ...]]) -> dict[str, _Restless]:
        found: dict[str, _Restless] = {}
        remedies = [(step.rule, one) for step in group for one in step.remedies]
        for (rule, one), (count, numbers, rounded) in zip(remedies, rows, strict=True):
            if count:
                told = found.setdefault(rule, _Restless(0))
                told.rows += count
                told.writers |= {self.blueprint.rules[number] for number in numbers or ()}
                told.rounded = one if rounded else told.rounded
        return found

    def _refuse_restless(self, group: Sequence[Step], restless: Mapping[str, _Restless]) -> None:
        """Refuse fixes that are never done, and those that keep them busy."""
        steps = {step.rule: step for step in group}
        for rule, found in restless.items():
            one = steps[rule]
            busy = [
                other for other in group if other is not one and (other.rule in found.writers or one.sees(other.writes))
            ]
            busy = [other for other in busy if other.sees(one.writes) or one.fresh]
            for other in busy:
                self._refuse(other.rule, f"it and the fix of {rule} undo each other")
            others = ", ".join(other.rule for other in busy)
            why = f"it and the fix of {others} undo each other" if busy else self._why(found)
            self._refuse(rule, f"its fix does not mend {found.rows} of the rows that it writes to: {why}")

    def _why(self, found: _Restless) -> str:
        if found.rounded is None:
            return "they still violate it"
        table = qualified(found.rounded.table)
        columns = {each: self.blueprint.types[table][each] for each in found.rounded.columns}
        name, column = next((name, each) for name, each in columns.items() if each.rounds)
        advice = "" if column.scale is None else f": say round(…, {column.scale}) in the rule"
        return f"{table}.{name}, {column.type}, rounds what it is given{advice}"

    def _without_broken(self, group: list[Step], reason: str) -> list[Step]:
        """Refuse the fixes that the server cannot compute; all, if it is not to be said which one is to blame."""
        broken = {step.rule: why for step in group if (why := self._broken([step]))}
        if not broken:
            sizes = range(2, len(group) + 1)
            broken = next(({group[n - 1].rule: why} for n in sizes if (why := self._broken(group[:n]))), {})
        for rule, why in (broken or {step.rule: reason for step in group}).items():
            self._refuse(rule, f"its fix cannot be computed: {why}")
        return [step for step in group if step.rule not in broken] if broken else []

    def _broken(self, group: Sequence[Step]) -> str:
        """Why the server cannot compute some fixes; empty if it can."""
        simulation = self.blueprint.simulation(group)
        _, cuts = simulation.cut_off()
        stored = [simulation.stored(table) for table in simulation.tables]
        answers = self._ask_together(simulation, [*cuts, *self._restless(simulation, group), *stored])
        return next((one.reason for one in answers if isinstance(one, Failure)), "")

    # --- what does no harm

    def harmless(self, group: list[Step], waiting: Mapping[str, Step], chosen: Sequence[Step]) -> list[Step]:
        """Leave out fixes that would make more rows violate a rule than did before, unless that has a fix itself.

        Fixes that are called for so are remembered: they have to be planned too.
        """
        while group:
            watched = self._watched(group, self.violations)
            counts = dict(self._counts(self.blueprint.simulation(group), watched))
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
        """Whether groups that are harmless one by one are so together; else fixes of the last of them are refused."""
        watched = [self._watched(group, self.violations) for group in groups]
        touching: dict[tuple[int, ...], list[str]] = {}
        for rule in self.violations:
            touching.setdefault(tuple(n for n, one in enumerate(watched) if rule in one), []).append(rule)
        for numbers, rules in touching.items():
            if len(numbers) > 1:
                steps = in_order([step for n in numbers for step in groups[n]])
                counts = dict(self._counts(self.blueprint.simulation(steps), self._watched(steps, rules)))
                self.counts |= counts
                if self._blamed(groups[numbers[-1]], self._grown(counts)):
                    return False
        return True

    def _blamed(self, group: Sequence[Step], rules: Iterable[str]) -> set[str]:
        """Refuse the steps that make more rows violate a rule: others' fixes, if it has one itself."""
        blamed = set()
        for rule in sorted(rules):
            found = reading(self.question(rule).text)
            steps = [step for step in group if found.reads_any(step.writes)]
            for step in [one for one in steps if one.rule != rule] or steps:
                self._refuse(step.rule, f"its fix would make more rows violate {rule}")
                blamed.add(step.rule)
        return blamed

    def _unhelped(self, group: Sequence[Step], grown: set[str], chosen: Sequence[Step]) -> set[str]:
        """Those that still grow when what fixes of other groups write is looked at too."""
        rules = {step.rule for step in group}
        found = [reading(self.question(rule).text) for rule in grown]
        helpers = [one for one in chosen if one.rule not in rules and any(each.reads_any(one.writes) for each in found)]
        if not helpers:
            return grown
        steps = in_order([*group, *helpers])
        return self._grown(dict(self._counts(self.blueprint.simulation(steps), self._watched(steps, grown))))

    def _grown(self, counts: Mapping[str, int]) -> set[str]:
        """The rules that more rows would violate."""
        return {rule for rule, count in counts.items() if count > self.violations[rule]}

    def _watched(self, group: Sequence[Step], rules: Iterable[str]) -> dict[str, sql.Composable]:
        """What is asked of those rules of which it is told what they say by looking at what these fixes would leave."""
        writes = written(group)
        names = {cell.relation.name for cell in writes}
        found = {}
        for rule in rules:
            asked = self.question(rule) if rule in self._scans else None
            if asked is not None and asked.rows is not None and not names.isdisjoint(words(asked.text).names):
                reads = reading(asked.text).reads_any(writes)
                if reads and self.foresight.outlook(asked.text, writes, self.blueprint.standing) == "foreseen":
                    found[rule] = asked.rows
        return found

    # --- the end

    def unforeseen(self) -> Iterator[str]:
        """The rules that the planned writes might touch, and of which nobody knows what they say after them."""
        writes, standing = self.blueprint.writes, self.blueprint.standing
        for rule in self.violations:
            if not writes or rule not in self._scans:
                continue
            asked = self.question(rule)
            outlook = self.foresight.outlook(asked.text, writes, standing)
            unknown = outlook == "hidden" or (outlook == "foreseen" and rule not in self.counts)
            if unknown and asked.bounded:
                yield rule
