"""What is known of a database's tables and declared constraints: plain values, read elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_tgintegrity.rules.kinds import ConstraintKind


@dataclass(frozen=True, slots=True)
class Table:
    """A table, view or other relation.

    `key` is the primary key, empty where there is none. `uniques` are the column sets that a valid, total unique index
    covers. `pages` is the catalog's estimate of its size in blocks of 8 KiB. `stored` is False for views, `inherited` is
    True for a table that has children, `partition` for one that is part of another.
    """

    schema: str
    name: str
    columns: frozenset[str] = frozenset()
    key: tuple[str, ...] = ()
    uniques: frozenset[frozenset[str]] = frozenset()
    pages: int = 0
    stored: bool = True
    inherited: bool = False
    partition: bool = False

    @property
    def path(self) -> tuple[str, str]:
        """Schema and name, the parts of a qualified identifier."""
        return (self.schema, self.name)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint as the live catalog declares it; what a ``@declared`` test gets as its argument `constraint`.

    `expressions` are SQL: the CHECK expression, the key parts of a unique index, or the columns of a foreign key as they
    are compared; none where the key holds a period. `columns` are names. For a foreign key `target` and
    `target_columns` say where it points. `only` leaves out the children of the table. `unread` says why its definition could not be read.
    """

    kind: ConstraintKind
    schema: str
    table: str
    name: str
    definition: str
    columns: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()
    where: str | None = None
    nulls_distinct: bool = True
    target: tuple[str, str] | None = None
    target_columns: tuple[str, ...] = ()
    match_full: bool = False
    valid: bool = True
    only: bool = False
    visible: bool = True
    unread: str | None = None

    @property
    def label(self) -> str:
        """What names it in a test id: table and constraint, with the schema where the search path does not find it."""
        table = self.table if self.visible else f"{self.schema}.{self.table}"
        return f"{table}-{self.name}" if self.name else table


@dataclass(frozen=True, slots=True)
class Facts:
    """All that planning needs to know of a database: its tables by name, its constraints, its encoding."""

    tables: Mapping[str, Table] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    encoding: str = "UTF8"

    def table(self, name: str) -> Table | None:
        """The table of that name, schema-qualified or found on the search path."""
        return self.tables.get(name)
