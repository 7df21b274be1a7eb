"""What was counted of tables and their columns, and how it is written. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

LOW = 100
"""A column of at most so many different values, in the rows that were looked at, is one of few values."""


@dataclass(frozen=True, slots=True)
class ColumnCount:
    """What was counted of one column, in the first `looked_at` rows or in a sample of as many.

    `present` are those with a value, `distinct` the different values, `commonest` the rows of the most frequent value, and
    `mark` is 16 bits of its hash: enough to see that it became another one, too few to tell which it is. What has no text to compare, such as JSON,
    has only `present`, and the others are 0.
    """

    looked_at: int
    present: int
    distinct: int = 0
    commonest: int = 0
    mark: int = 0

    @property
    def nulls(self) -> int:
        """The rows without a value."""
        return self.looked_at - self.present

    @property
    def share(self) -> float:
        """The share of the commonest value in the values."""
        return self.commonest / self.present if self.present else 0.0

    @property
    def presence(self) -> float:
        """The share of the rows that have a value."""
        return self.present / self.looked_at if self.looked_at else 0.0

    def to_json(self) -> list[int]:
        """Five numbers, for the history."""
        return [self.looked_at, self.present, self.distinct, self.commonest, self.mark]

    @classmethod
    def from_json(cls, numbers: Sequence[Any]) -> Self:
        """The inverse of `to_json`. Raises `ValueError` or `TypeError` for what is not ours."""
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError("they are no counts")
        return cls(*numbers)


@dataclass(frozen=True, slots=True)
class TableCount:
    """The rows of one table, by its qualified name: None where they could not be counted; `reason` says why they, or values, were not.

    `exact` is False for the server's own estimate, of a table that is too large to be counted beside everything else; that
    such a table is not empty was seen. `columns` are those whose values were looked at.
    """

    table: str
    rows: int | None
    exact: bool = True
    reason: str | None = None
    columns: Mapping[str, ColumnCount] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """An entry of `census.tables` in the JSON report: only the columns of few values are listed."""
        few = {name: column for name, column in self.columns.items() if 0 < column.distinct <= LOW or column.nulls}
        document = {
            "table": self.table,
            "rows": self.rows,
            "exact": self.exact and self.rows is not None,
            "columns": [_column(name, column, self.rows) for name, column in few.items()],
        }
        return document if self.reason is None else {**document, "reason": self.reason}


def _column(name: str, column: ColumnCount, rows: int | None) -> dict[str, Any]:
    """`exact` says that all rows were looked at, not a sample."""
    compared = column.distinct > 0
    return {
        "column": name,
        "looked_at": column.looked_at,
        "exact": column.looked_at == rows,
        "nulls": column.nulls,
        "distinct": column.distinct if compared else None,
        "commonest_share": round(column.share, 4) if compared else None,
    }


@dataclass(frozen=True, slots=True)
class Counted:
    """What a census counted, by qualified name; `reason` says in a sentence why it has nothing at all, or not all."""

    tables: Mapping[str, TableCount] = field(default_factory=dict)
    reason: str | None = None

    @property
    def rows(self) -> dict[str, int]:
        """The rows of each table whose rows are known exactly."""
        return {name: table.rows for name, table in self.tables.items() if table.exact and table.rows is not None}
