"""What is known of a database's tables and declared constraints: plain values, read elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pytest_tgintegrity.rules.kinds import ConstraintKind

NO_RUN = "no comparable run: give --redis-url"


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

    @property
    def qualified(self) -> str:
        """See `qualified_name`."""
        return qualified_name(self.schema, self.name)


def qualified_name(schema: str, name: str) -> str:
    """The name of a table with its schema: a part that would be read as two, or as quoted, is quoted.

    >>> qualified_name("public", "item"), qualified_name("a.b", "x")
    ('public.item', '"a.b".x')
    """
    return ".".join(_quoted(part) for part in (schema, name))


def _quoted(part: str) -> str:
    return '"{}"'.format(part.replace('"', '""')) if not part or {".", '"'} & set(part) else part


@dataclass(frozen=True, slots=True)
class Before:
    """A number of rows that an earlier run counted, and when that run began."""

    rows: int
    at: datetime


@dataclass(frozen=True, slots=True)
class EarlierRows:
    """What the last comparable run counted of each table, by qualified name; `reason` says why no run can be compared with."""

    rows: Mapping[str, Before] = field(default_factory=dict)
    reason: str | None = NO_RUN


@dataclass(frozen=True, slots=True)
class Excluded:
    """What no two rows may have to each other in one expression of an exclusion constraint.

    `operator` is SQL. `sort` says how rows can be found that meet it: "equal" and "differ" by the order of the type, "range",
    "multirange" and "inet" by where values begin and end, "other" by comparing each with each. `type` is SQL: the type that
    is compared, for ranges and multiranges that of the ranges; empty where any will do.
    """

    operator: str
    sort: Literal["equal", "differ", "range", "multirange", "inet", "other"] = "other"
    type: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """A column whose values are of a domain, or hold some within.

    `steps` lead from the column to these: the elements of an array, a field of a row, the bounds of a range, the ranges of a
    multirange; each with the type that it starts from, as SQL. `writable` says that a statement may write to the column.
    """

    schema: str
    table: str
    column: str
    steps: tuple[Step, ...] = ()
    writable: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One step into a value of a type that holds others of the type `inner`; `field` is the name of a row's field."""

    into: Literal["elements", "field", "bounds", "ranges"]
    type: str
    inner: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint as the live catalog declares it; what a ``@declared`` test gets as its argument `constraint`.

    `expressions` are SQL: the CHECK expression, the key parts of a unique index, or the columns of a foreign key as they
    are compared; none where the key holds a period. `columns` are names. For a foreign key `target` and
    `target_columns` say where it points. `only` leaves out the children of the table. `excluded` are the operators of
    an exclusion constraint, one for each of its expressions; `uses` the columns that a constraint of a domain is about, and
    `base` the type below it, as SQL. `unread` says why its definition could not be read.
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
    excluded: tuple[Excluded, ...] = ()
    uses: tuple[Use, ...] = ()
    base: str = ""

    @property
    def label(self) -> str:
        """What names it in a test id: table and constraint, with the schema where the search path does not find it."""
        table = self.table if self.visible else f"{self.schema}.{self.table}"
        return f"{table}-{self.name}" if self.name else table


@dataclass(frozen=True, slots=True)
class Facts:
    """All that planning needs to know of a database: its tables by name, its constraints, its encoding, what it held before."""

    tables: Mapping[str, Table] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    encoding: str = "UTF8"
    earlier: EarlierRows = EarlierRows()

    def table(self, name: str) -> Table | None:
        """The table of that name, schema-qualified or found on the search path."""
        return self.tables.get(name)
