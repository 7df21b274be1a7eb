"""What is wrong with a row, said in one value: which of many columns of a table fail one test.

One rule looks at all columns of a table of which the same is asked, so that a table costs one test and not one a column.
The value is parametrized as ready SQL, since its columns are different ones in each table.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pytest
from psycopg import sql

LONGEST: Final = 60
"""How many characters of an offending value are shown."""


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


def of_table(table: str, first: str, tests: Iterable[tuple[str, str]]) -> object:
    """What a rule about a table is parametrized with: its name, the column that a proof breaks, what is wrong, and that shown.

    `tests` are columns, each with the condition under which it is wrong.
    """
    found = ", ".join(
        f"CASE WHEN {wrong} THEN '{column}: ' || left(\"{column}\"::text, {LONGEST}) END" for column, wrong in tests
    )
    wrong = f"nullif(concat_ws('; ', {found}), '')"
    return pytest.param(table, first, Offending(wrong), Shown(wrong), id=table)
