"""Kinds about columns of one row: what each declares, and how it is told to people. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_tgintegrity.rules.kinds import holds
from pytest_tgintegrity.rules.kinds.fields import named_kind
from pytest_tgintegrity.rules.kinds.source import Source
from pytest_tgintegrity.rules.kinds.words import condition, constant, dedented, outside


@named_kind("between", fixes=["clamp"])
class Between:
    """A violation is a value below `low` or above `high`; None leaves a side open; a string is an SQL expression."""

    source: Source | str = holds.source()
    column: str = holds.subject()
    low: Any = holds.sql()
    high: Any = holds.sql()


@condition.register(Between)
def _between(kind: Between) -> str:
    return outside(kind.column, kind.low, kind.high)


@named_kind("one_of")
class OneOf:
    """A violation is a non-NULL value that is none of `values`."""

    source: Source | str = holds.source()
    column: str = holds.subject()
    values: Sequence[Any] | str = holds.plain()


@condition.register(OneOf)
def _one_of(kind: OneOf) -> str:
    values = kind.values if isinstance(kind.values, str) else f"({', '.join(map(constant, kind.values))})"
    return f"{kind.column} NOT IN {values}"


@named_kind("not_null")
class NotNull:
    """A violation is a NULL."""

    source: Source | str = holds.source()
    column: str = holds.subject()


@condition.register(NotNull)
def _not_null(kind: NotNull) -> str:
    return f"{kind.column} IS NULL"


@named_kind("not_blank")
class NotBlank:
    """A violation is NULL or text of nothing but white space."""

    source: Source | str = holds.source()
    column: str = holds.subject()


@condition.register(NotBlank)
def _not_blank(kind: NotBlank) -> str:
    return f"{kind.column} IS NULL OR {kind.column} is blank"


@named_kind("at_most", fixes=["clamp"])
class AtMost:
    """A violation is a row whose `column` is greater than `other`, a column or an SQL expression."""

    source: Source | str = holds.source()
    column: str = holds.subject()
    other: str = holds.sql(damaged=True)


@condition.register(AtMost)
def _at_most(kind: AtMost) -> str:
    return f"{kind.column} > {kind.other}"


@named_kind("formula", fixes=["recompute"])
class Formula:
    """A violation is a `column` that differs from what `expression`, where it is not NULL, says of the row.

    A lookup maps one key expression to a table of values: ``{"size": {1: 10, 2: 15}}``; a key that it lacks says nothing.
    """

    source: Source | str = holds.source()
    column: str = holds.subject()
    expression: str | Mapping[str, Mapping[Any, Any]] = holds.sql()


@condition.register(Formula)
def _formula(kind: Formula) -> str:
    return f"{kind.column} IS DISTINCT FROM coalesce({_demanded(kind.expression)}, {kind.column})"


def _demanded(expression: str | Mapping[str, Mapping[Any, Any]]) -> str:
    if isinstance(expression, str):
        return dedented(expression)
    ((key, values),) = expression.items()
    cases = " ".join(f"WHEN {constant(known)} THEN {constant(value)}" for known, value in values.items())
    return f"CASE {key} {cases} END"


@named_kind("agree")
class Agree:
    """A violation is a row whose two expressions are both non-NULL, and different."""

    source: Source | str = holds.source()
    path_a: str = holds.sql(damaged=True)
    path_b: str = holds.sql(damaged=True)


@condition.register(Agree)
def _agree(kind: Agree) -> str:
    return f"{kind.path_a} <> {kind.path_b}"


@named_kind("json_shape")
class JsonShape:
    """A violation is a JSON value, not SQL NULL, that does not have the shape; see `rule.json_shape`."""

    source: Source | str = holds.source()
    column: str = holds.subject()
    shape: Any = holds.plain()


@condition.register(JsonShape)
def _json_shape(kind: JsonShape) -> str:
    return f"{kind.column} has another shape than {_shape(kind.shape)}"


def _shape(shape: Any) -> str:
    """A shape as its author wrote it; braces are doubled, since all this is a template."""
    match shape:
        case tuple():
            return f"({' or '.join(map(_shape, shape))})"
        case [element]:
            return f"[{_shape(element)}, …]"
        case dict():
            return "{{" + ", ".join(f"{_shape_key(key)}: {_shape(value)}" for key, value in shape.items()) + "}}"
    return "null" if shape is None else str(shape.__name__)


def _shape_key(key: Any) -> str:
    return "str" if key is str else f'"{key}"'


ColumnKind = Between | OneOf | NotNull | NotBlank | AtMost | Formula | Agree | JsonShape
