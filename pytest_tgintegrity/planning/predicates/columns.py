"""The predicates of kinds about columns of one row, and the values of their fixes. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from psycopg import sql

from pytest_tgintegrity.errors import DeclarationError
from pytest_tgintegrity.planning.constants import as_real, changes_as_real, own_type
from pytest_tgintegrity.planning.exact import exact
from pytest_tgintegrity.planning.predicates.binding import Binding
from pytest_tgintegrity.planning.predicates.predicate import (
    Fixed,
    Predicate,
    Span,
    clamped,
    compared,
    outside,
    recomputed,
    truth,
)
from pytest_tgintegrity.planning.sql.compose import NUM_NULLS, Builtin, Value, listed
from pytest_tgintegrity.rules.kinds import Agree, AtMost, Between, Formula, JsonShape, NotBlank, NotNull, OneOf

PARAMETERS = 1_000
"""So many values of a list travel as parameters, of which a statement has 65 535; longer lists stand in its text."""

_TRIM = Builtin("btrim")
_PATH_MATCH = Builtin("jsonb_path_match")

# --- ranges


@truth.register(Between)
def _between(kind: Between, binding: Binding, /) -> Predicate:
    name, subject = binding.named(kind.column)
    low, high = binding.bound(kind.low), binding.bound(kind.high)
    condition = outside(subject, low, high)
    if condition is None:
        raise DeclarationError(f"the range of {name} has neither a low nor a high bound")
    return Predicate(condition, ((name, subject),), _span(subject, low, high))


def _span(subject: sql.Composable, low: sql.Composable | None, high: sql.Composable | None) -> Span | None:
    if isinstance(low, Value | None) and isinstance(high, Value | None) and not _changes(low, high):
        return Span(subject, low, high)
    return None


def _changes(*bounds: Value | None) -> bool:
    return any(bound is not None and changes_as_real(bound.value) for bound in bounds)


@clamped.register(Between)
def _clamped_between(kind: Between, binding: Binding, /) -> Fixed:
    value = binding.column(kind.column)
    for function, bound in (("GREATEST", kind.low), ("LEAST", kind.high)):
        limit = binding.bound(bound)
        if limit is not None:
            value = sql.SQL("{}({}, {})").format(sql.SQL(function), value, limit)
    return Fixed(value, ", ".join(bound for bound in (kind.low, kind.high) if isinstance(bound, str)))


@truth.register(AtMost)
def _at_most(kind: AtMost, binding: Binding, /) -> Predicate:
    return compared(kind.column, ">", kind.other, binding)


@clamped.register(AtMost)
def _clamped_at_most(kind: AtMost, binding: Binding, /) -> Fixed:
    return Fixed(binding.column(kind.other), kind.other)


# --- values


@truth.register(OneOf)
def _one_of(kind: OneOf, binding: Binding, /) -> Predicate:
    name, values = binding.title(kind.column), binding.value(kind.values)
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise DeclarationError(f"one_of needs a list of values for {name}, not {values!r}")
    allowed = [value for value in values if value is not None]
    if not allowed:
        raise DeclarationError(f"one_of allows no value for {name}")
    subject = binding.column(kind.column)
    return Predicate(_none_of(subject, allowed), ((name, subject),))


def _none_of(subject: sql.Composable, values: list[Any]) -> sql.Composable:
    constant = Value if len(values) <= PARAMETERS else sql.Literal
    constants = [constant(exact(value)) for value in values]
    none = sql.SQL("{} NOT IN ({})")
    plain, real = none.format(subject, listed(constants)), none.format(subject, listed(map(as_real, constants)))
    return own_type(subject, values, plain, real)


@truth.register(NotNull)
def _not_null(kind: NotNull, binding: Binding, /) -> Predicate:
    name, subject = binding.named(kind.column)
    return Predicate(_null(subject), ((name, subject),))


@truth.register(NotBlank)
def _not_blank(kind: NotBlank, binding: Binding, /) -> Predicate:
    name, subject = binding.named(kind.column)
    blank = sql.SQL("{} OR {}({}, {}) = ''").format(_null(subject), _TRIM, subject, Value(binding.blanks))
    return Predicate(blank, ((name, subject),))


def _null(subject: sql.Composable) -> sql.Composed:
    """`num_nulls` and not IS NULL: PostgreSQL 17 answers IS NULL on a NOT NULL column without looking at the data."""
    return sql.SQL("{}({}) > 0").format(NUM_NULLS, subject)


# --- columns that belong together


@truth.register(Agree)
def _agree(kind: Agree, binding: Binding, /) -> Predicate:
    return compared(kind.path_a, "<>", kind.path_b, binding)


@truth.register(Formula)
def _formula(kind: Formula, binding: Binding, /) -> Predicate:
    name, subject = binding.named(kind.column)
    value = _demanded(kind, binding)
    # a row IS NOT NULL only where none of its fields is NULL
    differs = sql.SQL("{} IS DISTINCT FROM {} AND {}({}) = 0")
    condition: sql.Composable = differs.format(subject, value, NUM_NULLS, value)
    if isinstance(kind.expression, str):
        return Predicate(condition, ((name, subject), ("expected", value)))
    values = [value for table in kind.expression.values() for value in table.values()]
    condition = own_type(subject, values, condition, differs.format(subject, as_real(value), NUM_NULLS, value))
    inputs = map(binding.named, kind.expression)
    return Predicate(condition, ((name, subject), *inputs, ("expected", value)))


@recomputed.register(Formula)
def _recomputed_formula(kind: Formula, binding: Binding, /) -> Fixed:
    return Fixed(_demanded(kind, binding), kind.expression if isinstance(kind.expression, str) else "recompute")


def _demanded(kind: Formula, binding: Binding) -> sql.Composable:
    """The value that a formula demands, NULL where it demands nothing."""
    if isinstance(kind.expression, str):
        return binding.column(kind.expression)
    ((key, values),) = kind.expression.items()
    cases = sql.SQL(" ").join(
        sql.SQL("WHEN {} THEN {}").format(Value(exact(known)), Value(exact(value))) for known, value in values.items()
    )
    return sql.SQL("(CASE {} {} END)").format(binding.column(key), cases)


# --- JSON


@truth.register(JsonShape)
def _json_shape(kind: JsonShape, binding: Binding, /) -> Predicate:
    """A path that cannot be followed is unknown, and then the value does not have the shape either."""
    name, subject = binding.named(kind.column)
    condition = sql.SQL("{} IS NOT NULL AND {}({}::jsonb, {}, '{{}}', TRUE) IS NOT TRUE").format(
        subject, _PATH_MATCH, subject, Value(f"strict {shape_path('$', kind.shape)}")
    )
    return Predicate(condition, ((name, subject),))


_JSON_TYPES = {list: "array", dict: "object", str: "string", float: "number", bool: "boolean", None: "null"}


def shape_path(value: str, shape: Any) -> str:
    """The SQL/JSON predicate that is true of a value with the shape, and false or unknown of any other."""
    match shape:
        case tuple():
            return "(" + " || ".join(shape_path(value, choice) for choice in shape) + ")"
        case [element]:
            others = _none_other(f"{value}[*]", element)
            return f'({value}.type() == "array" && {others})'
        case dict():
            parts = [f'{value}.type() == "object"', *(_key_path(value, key, part) for key, part in shape.items())]
            return "(" + " && ".join(parts) + ")"
        case _ if shape is int:
            return f'({value}.type() == "number" && {value}.floor() == {value})'
        case _:
            return f'({value}.type() == "{_JSON_TYPES[shape]}")'


def _key_path(value: str, key: Any, shape: Any) -> str:
    if key is str:
        return _none_other(f"{value}.*", shape)
    path = f"{value}.{json.dumps(key.removesuffix('?'))}"
    fits = f"exists({path} ? ({shape_path('@', shape)}))"
    return f"((exists({path})) is unknown || {fits})" if key.endswith("?") else fits


def _none_other(path: str, shape: Any) -> str:
    fits = shape_path("@", shape)
    return f"!exists({path} ? (!{fits} || ({fits}) is unknown))"
