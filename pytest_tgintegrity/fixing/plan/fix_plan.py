"""The fix plan: which fixes can be made, in which order, and why others cannot. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from psycopg import sql

from pytest_tgintegrity.fixing.plan.layer_columns import LayerColumn
from pytest_tgintegrity.fixing.plan.simulation import Simulation
from pytest_tgintegrity.fixing.plan.table_fixes import Step, TableFix, qualified
from pytest_tgintegrity.planning.facts import Table
from pytest_tgintegrity.planning.sql.names import Cell
from pytest_tgintegrity.planning.sql.times import moves

PASSES = 2


@dataclass(slots=True)
class FixPlan:
    """The fixes that can be made, in groups that have nothing to do with each other, and why others cannot.

    `fixed_rules` are the violated rules that no row violates any more after all fixes, be they their own or those of other
    rules. `unforeseen` are the rules for which it is not known what they will say after the fixes. `stand_ins` are the names
    under which rules look at tables as the fixes would leave them. `instant` is a literal, the time at which the plan was
    made: fixes take it for the time of the transaction.
    """

    groups: list[list[Step]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    types: dict[str, dict[str, LayerColumn]] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    stand_ins: dict[str, str] = field(default_factory=dict)
    fixed_rules: set[str] = field(default_factory=set)
    unforeseen: frozenset[str] = frozenset()
    instant: str = ""

    @property
    def numbers(self) -> dict[str, int]:
        """The number that stands for a rule in SQL."""
        return {rule: number for number, rule in enumerate(self.rules)}

    @property
    def writes(self) -> frozenset[Cell]:
        """All cells that the fixes write."""
        return written(step for group in self.groups for step in group)

    def simulation(self, group: Sequence[Step], only: Mapping[str, sql.Composable] | None = None) -> Simulation:
        """The tables of a group as its fixes would leave them; a fix that sees what another one writes is applied again."""
        simulation = Simulation(self.types, self.stand_ins, only or {})
        simulation.apply(group, self.numbers)
        writes = written(group)
        for _ in range(PASSES - 1):
            simulation.apply([replace(step) for step in group if len(group) > 1 and step.sees(writes)], self.numbers)
        return simulation

    def local(self, group: Sequence[Step], table: Table) -> bool:
        """Whether what becomes of some rows of a table is known from these rows alone."""
        table_fixes = [table_fix for step in group for table_fix in step.table_fixes]
        relations = {table_fix.relation for table_fix in table_fixes if table_fix.table == table}
        return all(
            table_fix.local
            if table_fix.table == table
            else not any(table_fix.reading.mentions(relation) for relation in relations)
            for table_fix in table_fixes
        )

    @property
    def moving(self) -> dict[tuple[str, str], str]:
        """The columns whose planned values depend on the time, by table and name, and the expressions of their authors.

        Their values are computed from the time of the transaction, or by fixes that see such columns.
        """
        table_fixes = [
            table_fix
            for group in self.groups
            for step in group
            for table_fix in step.table_fixes
            if table_fix.op != "delete"
        ]
        moving: dict[Cell, str] = {}
        for table_fix in table_fixes:
            moving |= {cell: words for cell, words in _valued(table_fix) if moves(words)}
        count = -1
        while count < len(moving):
            count = len(moving)
            for table_fix in table_fixes:
                if table_fix.reading.reads_any(moving):
                    moving |= {cell: words for cell, words in _valued(table_fix) if cell not in moving}
        return {(".".join(cell.relation.path), cell.column): words for cell, words in moving.items()}


def _valued(table_fix: TableFix) -> Iterable[tuple[Cell, str]]:
    return [
        (Cell(table_fix.relation, column), words)
        for column, words in zip(table_fix.columns, table_fix.words, strict=True)
    ]


def written(steps: Iterable[Step]) -> frozenset[Cell]:
    """All cells that some steps write."""
    return frozenset(cell for step in steps for cell in step.writes)


def stand_in_names(steps: Iterable[Step], taken: Container[str]) -> dict[str, str]:
    """Names under which rules look at the tables of steps as the steps would leave them; none of them is `taken`."""
    tables = dict.fromkeys(qualified(table_fix.table) for step in steps for table_fix in step.table_fixes)
    free = (name for number in count() if (name := f"tgi_of_{number}") not in taken)
    return dict(zip(tables, free, strict=False))
