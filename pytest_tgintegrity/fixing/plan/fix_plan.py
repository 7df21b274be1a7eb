"""A repair as it is planned: which fixes can be made, in which order, and why others cannot. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from psycopg import sql

from pytest_tgintegrity.fixing.plan.simulation import Column, Simulation
from pytest_tgintegrity.fixing.plan.table_fixes import Step, TableFix, qualified
from pytest_tgintegrity.planning.facts import Table
from pytest_tgintegrity.planning.sql.names import Cell
from pytest_tgintegrity.planning.sql.times import moves

PASSES = 2


@dataclass(slots=True)
class FixPlan:
    """The fixes that can be made, in groups that have nothing to do with each other, and why others cannot.

    `healed` are the rules that no row violates any more after them, whoever's fixes they are. `unforeseen` are those of
    which it could not be told before what they say after them. `standing` are the names under which tables are looked at
    as they would be. `instant` is when the plan was made, a literal: times of the transaction are those of this instant.
    """

    groups: list[list[Step]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    types: dict[str, dict[str, Column]] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    standing: dict[str, str] = field(default_factory=dict)
    healed: set[str] = field(default_factory=set)
    unforeseen: frozenset[str] = frozenset()
    instant: str = ""

    @property
    def numbers(self) -> dict[str, int]:
        """The number that stands for a rule in SQL."""
        return {rule: number for number, rule in enumerate(self.rules)}

    @property
    def writes(self) -> frozenset[Cell]:
        """All that is written."""
        return written(step for group in self.groups for step in group)

    def simulation(self, group: Sequence[Step], only: Mapping[str, sql.Composable] | None = None) -> Simulation:
        """The tables of a group as its fixes would leave them; what is written by one is looked at by others again."""
        found = Simulation(self.types, self.standing, only or {})
        found.apply(group, self.numbers)
        writes = written(group)
        for _ in range(PASSES - 1):
            found.apply([replace(step) for step in group if len(group) > 1 and step.sees(writes)], self.numbers)
        return found

    def local(self, group: Sequence[Step], table: Table) -> bool:
        """Whether it is enough to look at some rows of a table to know what becomes of them."""
        table_fixes = [one for step in group for one in step.table_fixes]
        relations = {one.relation for one in table_fixes if one.table == table}
        return all(
            one.local if one.table == table else not any(one.reading.mentions(each) for each in relations)
            for one in table_fixes
        )

    @property
    def moving(self) -> dict[tuple[str, str], str]:
        """Columns whose planned values are others at another time, by table and name, and how their authors wrote them.

        They are computed from the time of the transaction, or by fixes that see such columns.
        """
        table_fixes = [one for group in self.groups for step in group for one in step.table_fixes if one.op != "delete"]
        found: dict[Cell, str] = {}
        for one in table_fixes:
            found |= {cell: words for cell, words in _valued(one) if moves(words)}
        known = -1
        while known < len(found):
            known = len(found)
            for one in table_fixes:
                if one.reading.reads_any(found):
                    found |= {cell: words for cell, words in _valued(one) if cell not in found}
        return {(".".join(cell.relation.path), cell.column): words for cell, words in found.items()}


def _valued(one: TableFix) -> Iterable[tuple[Cell, str]]:
    return [(Cell(one.relation, column), words) for column, words in zip(one.columns, one.words, strict=True)]


def written(steps: Iterable[Step]) -> frozenset[Cell]:
    """All that some steps write."""
    return frozenset(cell for step in steps for cell in step.writes)


def stand_ins(steps: Iterable[Step], taken: Container[str]) -> dict[str, str]:
    """The names under which the tables of steps are looked at as they would be; none of them is `taken`."""
    tables = dict.fromkeys(qualified(one.table) for step in steps for one in step.table_fixes)
    free = (name for number in count() if (name := f"tgi_of_{number}") not in taken)
    return dict(zip(tables, free, strict=False))
