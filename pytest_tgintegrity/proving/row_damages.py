"""Damage one row of a source, and see whether exactly that is reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psycopg import sql

from pytest_tgintegrity.database.connections.answers import Answer
from pytest_tgintegrity.errors import NotProven
from pytest_tgintegrity.fixing.plan.writes import (
    Choice,
    Placed,
    having,
    key_texts,
    select,
    update,
)
from pytest_tgintegrity.planning.sources import PreparedSource
from pytest_tgintegrity.proving.damage import BY_HAND, Damage
from pytest_tgintegrity.proving.scratch_copy import EMPTY, ScratchCopy, Sendable, Stopped
from pytest_tgintegrity.proving.witnesses import Case, Key, View, told

ROWS_TRIED = 32
FIRST_ROWS = (1, 64, None)


@dataclass(frozen=True, slots=True)
class Try:
    """A damage ready to be done to a row of a source."""

    damage: Damage
    source: PreparedSource
    writes: tuple[Placed, ...]
    choice: Choice

    @property
    def change(self) -> sql.Composed:
        """The statement that does it."""
        return update(self.source, self.writes, self.choice)

    def at(self, choice: Choice) -> Try:
        """The same to another row."""
        return replace(self, choice=choice)


class RowDamages:
    """Tries damages on the rows of a scratch copy; all that is done is forgotten."""

    def __init__(self, scratch: ScratchCopy) -> None:
        self._scratch = scratch

    def any_row(self, tries: Sequence[Try]) -> bool:
        """Whether there is a row that one of the damages can be done to."""
        found = self._scratch.try_all([[one.change] for one in tries])
        return any(not isinstance(answers, Stopped) and answers[0].rows for answers in found)

    def first_row(self, case: Case, tries: Sequence[Try]) -> list[tuple[Try, View]] | None:
        """All damages done to the first row; None unless each of them is caught."""
        try:
            return self.caught(case, tries, any_of=False) or None
        except NotProven:
            return None

    def caught(self, case: Case, tries: Sequence[Try], *, any_of: bool) -> list[tuple[Try, View]]:
        """The damages that are reported as they have to be. Raises `NotProven` for any other, unless one is enough."""
        caught = []
        for one, answers in self._looked(case, tries):
            problem = self._problem(case, one, answers)
            if problem is None:
                caught.append((one, case.view(answers[1:])))
            elif not (any_of and problem.startswith("missed")):
                raise NotProven(problem)
        return caught

    def _looked(self, case: Case, tries: Sequence[Try]) -> Iterator[tuple[Try, list[Answer]]]:
        """What the rule said of each damage that could be done; a value that a column cannot hold is no damage.

        Raises `NotProven` if the rule could not look at it.
        """
        trials: list[list[Sendable]] = [[one.change, *case.questions] for one in tries]
        for one, answers in zip(tries, self._scratch.try_all(trials), strict=True):
            if not isinstance(answers, Stopped):
                yield one, answers
            elif answers.at > 0:
                raise NotProven(f"it cannot look at its damage, {one.damage.words}: {answers.reason}")

    def victim(self, case: Case, tries: Sequence[Try]) -> Choice:
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
                    choice = one.choice if one.choice.limit == 1 else _pointed_out(one.source, news, rows)
                    return self._alone(case, one.at(choice))
        if written:
            raise NotProven(f"missed its break: {tries[0].damage.words}, in whatever row")
        raise NotProven(self._failure(tries[0]) or _nothing(tries[0]))

    def _failure(self, one: Try) -> str | None:
        [answer] = self._scratch.try_all([[one.change]])
        return f"its break fails: {answer.reason}" if isinstance(answer, Stopped) else None

    def _alone(self, case: Case, one: Try) -> Choice:
        """The chosen row if nothing but it is reported, else one of the first for which that is so."""
        if one.damage.where is not None:
            return one.choice
        others = [one.at(Choice(limit=1, after=n)) for n in range(ROWS_TRIED)]
        for tried in ([one], others):
            for each, answers in self._looked(case, tried):
                if self._problem(case, each, answers) is None:
                    return each.choice
        return one.choice

    def _problem(self, case: Case, one: Try, answers: Sequence[Answer]) -> str | None:
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

    def _related(self, one: Try) -> set[Key]:
        """The keys of all source rows that the damaged rows are part of, before and after."""
        with self._scratch.damaged(one.change) as done:
            rows = done.rows
            after = self._sharing(one, [(row[0], row[2]) for row in rows])
        return after | self._sharing(one, [(row[0], row[1]) for row in rows])

    def _sharing(self, one: Try, rows: Sequence[tuple[int, str]]) -> set[Key]:
        aliases = {placed.write.target.alias: placed.write.target for placed in one.writes}
        conditions = [
            sql.SQL("{}ctid = ANY({}::tid[])").format(
                about.prefix, sql.Literal([str(where) for alias, where in rows if alias == number])
            )
            for number, about in enumerate(aliases.values())
        ]
        [answer] = self._scratch.answers(
            [select(one.source, key_texts(one.source), Choice(sql.SQL(" OR ").join(conditions)))]
        )
        return set(answer.texts)

    def legal(self, case: Case, source: PreparedSource, legal: Iterable[Damage], victim: Choice) -> int:
        """How many legal values pass. Raises `NotProven` where one is reported."""
        passed = 0
        tries = [Try(one, source, self._scratch.placed(source, one.writes), victim) for one in legal]
        for one, answers in self._looked(case, tries):
            if case.view(answers[1:]).count.violations > case.base.count.violations:
                raise NotProven(f"a legal value fires: {one.damage.words}")
            passed += 1
        return passed


def _pointed_out(source: PreparedSource, news: Sequence[Key], rows: Sequence[Sequence[Any]]) -> Choice:
    """The row that was written to and is reported, by its key."""
    written = [tuple(row[3:]) for row in rows]
    key = next((one for one in news if one in set(written)), written[0])
    return Choice(having(source, key), limit=1)


def _moved(key: Key, row: Sequence[Any]) -> Key:
    """The key of a damaged row afterwards, where no column is its key but the place that it lies at."""
    return tuple(str(row[2]) if part == str(row[1]) else part for part in key)


def _nothing(one: Try) -> str:
    """Why nothing was damaged."""
    if one.damage.where is None:
        return EMPTY
    return f"no row to break: {one.damage.words} is what it takes, and none has that; {BY_HAND}"
