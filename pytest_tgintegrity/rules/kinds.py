"""What rules look at, and the kinds of violation that they can be about: plain values, checked where they are declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

ConstraintKind = Literal["foreign_key", "check", "unique", "not_null", "exclusion", "domain"]
CONSTRAINT_KINDS: tuple[ConstraintKind, ...] = get_args(ConstraintKind)


@dataclass(frozen=True, slots=True)
class Source:
    """A FROM clause with a key and a label: what row rules look at.

    `name` is shown to people, `from_clause` is SQL that may join tables under aliases, `key` is the SQL expression (or
    several) that names a row, `label` one that a person recognises it by. `scopes` maps the names that ``--scope``
    accepts to SQL expressions.

    >>> Source("staff", "employee e JOIN person p ON p.id = e.person_id", key="e.id", label="p.name").keys
    ('e.id',)
    """

    name: str
    from_clause: str
    key: str | Sequence[str]
    label: str | None = None
    scopes: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def keys(self) -> tuple[str, ...]:
        """The key expressions, also where there is only one."""
        return (self.key,) if isinstance(self.key, str) else tuple(self.key)


@dataclass(frozen=True, slots=True)
class Rows:
    """A violation is a row of `source` for which the SQL `where` is TRUE."""

    source: Source | str
    where: str


@dataclass(frozen=True, slots=True)
class Between:
    """A violation is a value below `low` or above `high`; None leaves a side open; a string is an SQL expression."""

    source: Source | str
    column: str
    low: Any
    high: Any


@dataclass(frozen=True, slots=True)
class OneOf:
    """A violation is a non-NULL value that is none of `values`."""

    source: Source | str
    column: str
    values: Sequence[Any] | str


@dataclass(frozen=True, slots=True)
class NotNull:
    """A violation is a NULL."""

    source: Source | str
    column: str


@dataclass(frozen=True, slots=True)
class NotBlank:
    """A violation is NULL or text of nothing but white space."""

    source: Source | str
    column: str


@dataclass(frozen=True, slots=True)
class AtMost:
    """A violation is a row whose `column` is greater than `other`, a column or an SQL expression."""

    source: Source | str
    column: str
    other: str


@dataclass(frozen=True, slots=True)
class Implies:
    """A violation is a row for which `when` is TRUE and `then` is FALSE."""

    source: Source | str
    when: str
    then: str


@dataclass(frozen=True, slots=True)
class Formula:
    """A violation is a `column` that differs from what `expression`, where it is not NULL, says of the row.

    A lookup maps one key expression to a table of values: ``{"size": {1: 10, 2: 15}}``; a key that it lacks says nothing.
    """

    source: Source | str
    column: str
    expression: str | Mapping[str, Mapping[Any, Any]]


@dataclass(frozen=True, slots=True)
class Agree:
    """A violation is a row whose two expressions are both non-NULL, and different."""

    source: Source | str
    path_a: str
    path_b: str


@dataclass(frozen=True, slots=True)
class JsonShape:
    """A violation is a JSON value, not SQL NULL, that does not have the shape; see `rule.json_shape`."""

    source: Source | str
    column: str
    shape: Any


@dataclass(frozen=True, slots=True)
class Acyclic:
    """A violation is a row from which no root is reached by going up: it is on a loop, or below one."""

    source: Source | str
    parent: str


@dataclass(frozen=True, slots=True)
class ChildRows:
    """The rows of `child`, perhaps only those `where` something holds, that name a row of a parent.

    `by` is the child's expression for the parent, `of` the parent's expression that it repeats (None: its key).
    """

    child: Source | str
    by: str
    of: str | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Children:
    """A violation is a row of `source` with too few or too many child rows."""

    source: Source | str
    children: ChildRows
    at_least: Any = None
    at_most: Any = None


@dataclass(frozen=True, slots=True)
class Total:
    """A violation is a row of `source` for which the sum of `expression` over its child rows is out of bounds."""

    source: Source | str
    children: ChildRows
    expression: str
    at_least: Any = None
    at_most: Any = None


@dataclass(frozen=True, slots=True)
class Derived:
    """A violation is a `column` that differs from an aggregate over the row's child rows; `empty` where it has none."""

    source: Source | str
    column: str
    aggregate: str
    children: ChildRows
    empty: str = "0"


@dataclass(frozen=True, slots=True)
class Unique:
    """A violation is a row that shares its key with another; NULLs differ unless `nulls_distinct=False`."""

    source: Source | str
    columns: tuple[str, ...]
    where: str | None = None
    nulls_distinct: bool = True


@dataclass(frozen=True, slots=True)
class References:
    """A violation is a row whose `columns`, all non-NULL, name no row of `target` (for which `where` holds).

    `target_columns` empty means the target's primary key. With `match_full` a partly NULL key violates too.
    """

    source: Source | str
    columns: tuple[str, ...]
    target: Source | str
    target_columns: tuple[str, ...] = ()
    match_full: bool = False
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A violation is a row that `sql` returns; its first column is the key."""

    sql: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A number (or label, number rows) for the report's `activity`; a number outside its bounds is one violation."""

    name: str
    sql: str
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """A violation is an object that the catalog lacks, or holds NOT VALID, INVALID or disabled.

    With no object named, every constraint, index and trigger of `table` (or of all tables) has to be in force.
    """

    table: str | None = None
    column: str | None = None
    constraint: str | None = None
    index: str | None = None
    trigger: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Free SQL or Python on the `db` fixture; an AssertionError says that the rule does not hold."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One test for each constraint of this kind that the live catalog declares."""

    what: ConstraintKind


Kind = (
    Rows
    | Between
    | OneOf
    | NotNull
    | NotBlank
    | AtMost
    | Implies
    | Formula
    | Agree
    | JsonShape
    | Acyclic
    | Children
    | Total
    | Derived
    | Unique
    | References
    | Query
    | Metric
    | Schema
    | Check
    | Declared
)
