"""What is wrong with a row, said in one value: which of many columns of a table fail one test.

One rule looks at all columns of a table of which the same is asked, so that a table costs one test and not one a column.
The value is parametrized as ready SQL, since its columns are different ones in each table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from psycopg import sql


class Offending(sql.SQL):
    """An SQL expression: the columns of a row that fail, each with its value; NULL where all is well."""

    def __str__(self) -> str:
        """The SQL, as coverage reads it."""
        return self.as_string()


class Shown(Offending):
    """The same where it is shown."""

    def __str__(self) -> str:
        """What people call it."""
        return "what is wrong"


@dataclass(frozen=True, slots=True)
class ColumnTest:
    """What is asked of one column: under which condition it is wrong, and which part of it is shown then."""

    column: str
    wrong: str
    part: str = ""

    def sql(self) -> str:
        """The name of the column and what is wrong in it; NULL where all is well."""
        part = self.part or f'"{self.column}"'
        return f"CASE WHEN {self.wrong} THEN '{self.column}: ' || {part} END"


def of_table(table: str, first: str, tests: Iterable[ColumnTest]) -> object:
    """What a rule about a table is parametrized with: its name, the column that a proof breaks, what is wrong, and that shown."""
    wrong = f"nullif(concat_ws('; ', {', '.join(test.sql() for test in tests)}), '')"
    return pytest.param(table, first, Offending(wrong), Shown(wrong), id=table)
