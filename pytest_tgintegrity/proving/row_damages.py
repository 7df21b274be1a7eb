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
from pytest_tgintegrity.proving.witnesses import Case, Key, View, key_text

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
        """The statement that does the damage."""
        return update(self.source, self.writes, self.choice)

    def at(self, choice: Choice) -> Try:
        """The same damage to another row."""
        return replace(self, choice=choice)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a rule's report of a damage, in words; `missed`: it reported nothing."""

    words: str
    missed: bool = False


class RowDamages:
    """Tries damages on the rows of a scratch copy; all of them are rolled back."""

    def __init__(self, scratch: ScratchCopy) -> None:
        self._scratch = scratch

    def any_row(self, tries: Sequence[Try]) -> bool:
        """Whether there is a row that one of the damages can be done to."""
        outcomes = self._scratch.try_all([[attempt.change] for attempt in tries])
        return any(not isinstance(answers, Stopped) and answers[0].rows for answers in outcomes)

    def first_row(self, case: Case, tries: Sequence[Try]) -> list[tuple[Try, View]] | None:
        """Do all damages to the first row; None unless each of them is caught."""
        try:
            return self.caught(case, tries, any_of=False) or None
        except NotProven:
            return None

    def caught(self, case: Case, tries: Sequence[Try], *, any_of: bool) -> list[tuple[Try, View]]:
        """The damages that are reported as they have to be. Raises `NotProven` for any other, unless one is enough."""
        caught = []
        for attempt, answers in self._observed(case, tries):
            problem = self._problem(case, attempt, answers)
            if problem is None:
                caught.append((attempt, case.view(answers[1:])))
            elif not (any_of and problem.missed):
                raise NotProven(problem.words)
        return caught

    def _observed(self, case: Case, tries: Sequence[Try]) -> Iterator[tuple[Try, list[Answer]]]:
        """What the rule reported of each damage that could be done; a value that a column cannot hold is left out.

        Raises `NotProven` if the rule could not look at it.
        """
        trials: list[list[Sendable]] = [[attempt.change, *case.questions] for attempt in tries]
        for attempt, answers in zip(tries, self._scratch.try_all(trials), strict=True):
            if not isinstance(answers, Stopped):
                yield attempt, answers
            elif answers.at > 0:
                raise NotProven(f"it cannot look at its damage, {attempt.damage.words}: {answers.reason}")

    def victim(self, case: Case, tries: Sequence[Try]) -> Choice:
        """Choose a row that violates the rule when it is damaged, if possible without others."""
        written = False
        # the value for one row may not fit into the column: then each row is tried alone
        alone = [Choice(limit=1, after=n) for n in range(1, ROWS_TRIED)]
        for choices in (*([Choice(limit=limit)] for limit in FIRST_ROWS), alone):
            wide = [attempt.at(choice) for choice in choices for attempt in tries if attempt.damage.where is None] + [
                attempt for attempt in tries if attempt.damage.where is not None
            ]
            for attempt, answers in self._observed(case, wide):
                rows, news = answers[0].rows, case.view(answers[1:]).news(case.base)
                written = written or bool(rows)
                if news:
                    choice = attempt.choice if attempt.choice.limit == 1 else _pointed_out(attempt.source, news, rows)
                    return self._alone(case, attempt.at(choice))
        if written:
            raise NotProven(f"missed its break: {tries[0].damage.words}, in whatever row")
        raise NotProven(self._failure(tries[0]) or _nothing(tries[0]))

    def _failure(self, attempt: Try) -> str | None:
        [answer] = self._scratch.try_all([[attempt.change]])
        return f"its break fails: {answer.reason}" if isinstance(answer, Stopped) else None

    def _alone(self, case: Case, attempt: Try) -> Choice:
        """The chosen row if it alone is reported, else one of the first rows of which that is true."""
        if attempt.damage.where is not None:
            return attempt.choice
        others = [attempt.at(Choice(limit=1, after=n)) for n in range(ROWS_TRIED)]
        for tried in ([attempt], others):
            for other, answers in self._observed(case, tried):
                if self._problem(case, other, answers) is None:
                    return other.choice
        return attempt.choice

    def _problem(self, case: Case, attempt: Try, answers: Sequence[Answer]) -> Problem | None:
        """What is wrong with the rule's report of a damage; None if it is right."""
        view, rows = case.view(answers[1:]), answers[0].rows
        if not rows:
            return Problem(_nothing(attempt))
        key = tuple(rows[0][3:])
        news, more = view.news(case.base), view.count.violations - case.base.count.violations
        if not news:
            return Problem(f"missed its break: {attempt.damage.words}, in row {key_text(key)}", missed=True)
        moved = _moved(key, rows[0])
        if more == attempt.damage.violations == 1 and news in ([key], [moved]):
            return None
        related = self._related(attempt) | {moved}
        strange = [key for key in news if key not in related]
        if attempt.damage.violations > 1 and more == attempt.damage.violations and len(strange) < len(news):
            return None
        if not strange:
            return None
        where = f"{attempt.damage.words}, in row {key_text(key)}"
        return Problem(f"reports others than what was damaged: {where}: {key_text(*strange)}")

    def _related(self, attempt: Try) -> set[Key]:
        """The keys of all source rows that the damaged rows are part of, before and after."""
        with self._scratch.damaged(attempt.change) as done:
            rows = done.rows
            after = self._sharing(attempt, [(row[0], row[2]) for row in rows])
        return after | self._sharing(attempt, [(row[0], row[1]) for row in rows])

    def _sharing(self, attempt: Try, rows: Sequence[tuple[int, str]]) -> set[Key]:
        aliases = {placed.write.target.alias: placed.write.target for placed in attempt.writes}
        conditions = [
            sql.SQL("{}ctid = ANY({}::tid[])").format(
                home.prefix, sql.Literal([str(where) for alias, where in rows if alias == number])
            )
            for number, home in enumerate(aliases.values())
        ]
        [answer] = self._scratch.answers(
            [select(attempt.source, key_texts(attempt.source), Choice(sql.SQL(" OR ").join(conditions)))]
        )
        return set(answer.texts)

    def legal(self, case: Case, source: PreparedSource, legal: Iterable[Damage], victim: Choice) -> int:
        """How many legal values pass. Raises `NotProven` where one is reported."""
        passed = 0
        tries = [Try(damage, source, self._scratch.placed(source, damage.writes), victim) for damage in legal]
        for attempt, answers in self._observed(case, tries):
            if case.view(answers[1:]).count.violations > case.base.count.violations:
                raise NotProven(f"a legal value fires: {attempt.damage.words}")
            passed += 1
        return passed


def _pointed_out(source: PreparedSource, news: Sequence[Key], rows: Sequence[Sequence[Any]]) -> Choice:
    """The row that was written to and is reported, by its key."""
    written = [tuple(row[3:]) for row in rows]
    key = next((key for key in news if key in set(written)), written[0])
    return Choice(having(source, key), limit=1)


def _moved(key: Key, row: Sequence[Any]) -> Key:
    """The key of a damaged row afterwards, for a table without a key, whose rows are named by their ctid."""
    return tuple(str(row[2]) if part == str(row[1]) else part for part in key)


def _nothing(attempt: Try) -> str:
    """Why nothing was damaged."""
    if attempt.damage.where is None:
        return EMPTY
    return f"no row to break: {attempt.damage.words} is what it takes, and none has that; {BY_HAND}"
