"""From kinds to predicates: what is TRUE of a row that violates a rule. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql

from pytest_tgintegrity.errors import DeclarationError
from pytest_tgintegrity.planning.constants import as_real, changes_as_real, own_type
from pytest_tgintegrity.planning.sql.compose import (
    NUM_NULLS,
    Builtin,
    Params,
    Value,
    both,
    bound_of,
    column,
    fill,
    listed,
    parenthesised,
    plain,
    raw,
    resolved,
    shown_columns,
    title,
)
from pytest_tgintegrity.rules.exact import exact
from pytest_tgintegrity.rules.kinds import (
    Agree,
    AtMost,
    Between,
    Children,
    Derived,
    Formula,
    Implies,
    JsonShape,
    NotBlank,
    NotNull,
    OneOf,
    Rows,
    Total,
)

PARAMETERS = 1_000
"""So many values of a list travel as parameters, of which a statement has 65 535; longer lists stand in its text."""

_TRIM = Builtin("btrim")
_PATH_MATCH = Builtin("jsonb_path_match")

ASCII_BLANKS = " \t\n\r\f\v"
UNICODE_BLANKS = (
    ASCII_BLANKS
    + "\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    + "\u2028\u2029\u202f\u205f\u3000"
)


@dataclass(frozen=True, slots=True)
class Span:
    """What a range rule says, apart from its SQL: ranges with equal bounds and types are scanned as one."""

    subject: sql.Composable
    low: Value | None
    high: Value | None

    @property
    def bounds(self) -> tuple[str, str]:
        """The bounds to compare with those of others; 1, 1.0 and TRUE are equal in Python, not in SQL."""
        return (repr(self.low), repr(self.high))


@dataclass(frozen=True, slots=True)
class Predicate:
    """Truth about one row (`condition`), and the columns that a person wants to see beside it (`shown`)."""

    condition: sql.Composable
    shown: tuple[tuple[str, sql.Composable], ...] = ()
    span: Span | None = None


RowKind = Rows | Between | OneOf | NotNull | NotBlank | AtMost | Implies | Formula | Agree | JsonShape


def predicate(kind: RowKind, params: Params, names: Collection[str] = (), blanks: str = UNICODE_BLANKS) -> Predicate:
    """The predicate of a row rule: TRUE for a row that violates it, never TRUE because of a NULL.

    `names` are the columns of the source where they are known; `blanks` the characters that count as white space.
    """
    match kind:
        case Rows(where=where):
            return Predicate(fill(where, params, names))
        case Between():
            return _between(kind, params, names)
        case OneOf(values=values):
            return _one_of(kind, resolved(values, params), params, names)
        case AtMost(other=other):
            return _compared(kind.column, ">", other, params, names)
        case Agree():
            return _compared(kind.path_a, "<>", kind.path_b, params, names)
        case Implies():
            when, then = fill(kind.when, params, names), fill(kind.then, params, names)
            return Predicate(both([when, sql.SQL("NOT {}").format(parenthesised(then))]))
        case Formula():
            return _formula(kind, params, names)
        case JsonShape():
            return _misshapen(kind, params, names)
        case NotNull() | NotBlank():
            subject = column(kind.column, params, names)
            condition = _null(subject) if isinstance(kind, NotNull) else _blank(subject, blanks)
            return Predicate(condition, ((title(kind.column, params, names), subject),))


def _compared(left: str, sign: str, right: str, params: Params, names: Collection[str]) -> Predicate:
    shown = shown_columns((left, right), params, names)
    return Predicate(sql.SQL("{} {} {}").format(shown[0][1], raw(sign), shown[1][1]), shown)


def expected(kind: Formula, params: Params, names: Collection[str] = ()) -> sql.Composable:
    """The value that a formula demands, NULL where it demands nothing."""
    if isinstance(kind.expression, str):
        return column(kind.expression, params, names)
    ((key, values),) = kind.expression.items()
    cases = sql.SQL(" ").join(
        sql.SQL("WHEN {} THEN {}").format(Value(exact(one)), Value(exact(then))) for one, then in values.items()
    )
    return sql.SQL("(CASE {} {} END)").format(column(key, params, names), cases)


def _formula(kind: Formula, params: Params, names: Collection[str]) -> Predicate:
    ((name, subject),) = shown_columns((kind.column,), params, names)
    value = expected(kind, params, names)
    # a row IS NOT NULL only where none of its fields is NULL
    differs = sql.SQL("{} IS DISTINCT FROM {} AND {}({}) = 0")
    condition: sql.Composable = differs.format(subject, value, NUM_NULLS, value)
    if not isinstance(kind.expression, str):
        values = [one for table in kind.expression.values() for one in table.values()]
        condition = own_type(subject, values, condition, differs.format(subject, as_real(value), NUM_NULLS, value))
    inputs = shown_columns(() if isinstance(kind.expression, str) else tuple(kind.expression), params, names)
    return Predicate(condition, ((name, subject), *inputs, ("expected", value)))


def _misshapen(kind: JsonShape, params: Params, names: Collection[str]) -> Predicate:
    """A path that cannot be followed is unknown, and then the value does not have the shape either."""
    ((name, subject),) = shown_columns((kind.column,), params, names)
    condition = sql.SQL("{} IS NOT NULL AND {}({}::jsonb, {}, '{{}}', TRUE) IS NOT TRUE").format(
        subject, _PATH_MATCH, subject, Value(f"strict {shape_path('$', kind.shape)}")
    )
    return Predicate(condition, ((name, subject),))


_JSON_TYPES = {list: "array", dict: "object", str: "string", float: "number", bool: "boolean", None: "null"}


def shape_path(value: str, shape: Any) -> str:
    """The SQL/JSON predicate that is true of a value with the shape, and false or unknown of any other."""
    match shape:
        case tuple():
            return "(" + " || ".join(shape_path(value, one) for one in shape) + ")"
        case [element]:
            others = _none_other(f"{value}[*]", element)
            return f'({value}.type() == "array" && {others})'
        case dict():
            parts = [f'{value}.type() == "object"', *(_key_path(value, key, one) for key, one in shape.items())]
            return "(" + " && ".join(parts) + ")"
        case _ if shape is int:
            return f'({value}.type() == "number" && {value}.floor() == {value})'
        case _:
            return f'({value}.type() == "{_JSON_TYPES[shape]}")'


def _key_path(value: str, key: Any, shape: Any) -> str:
    if key is str:
        return _none_other(f"{value}.*", shape)
    path = f"{value}.{json.dumps(key.removesuffix('?'))}"
    found = f"exists({path} ? ({shape_path('@', shape)}))"
    return f"((exists({path})) is unknown || {found})" if key.endswith("?") else found


def _none_other(path: str, shape: Any) -> str:
    fits = shape_path("@", shape)
    return f"!exists({path} ? (!{fits} || ({fits}) is unknown))"


_CHILD_VALUE = "tgi_children.tgi_value"


def aggregate(kind: Children | Total | Derived) -> str:
    """What a kind asks of the child rows of one parent."""
    match kind:
        case Children():
            return "count(*)"
        case Total():
            return f"pg_catalog.sum({kind.expression})"
        case Derived():
            return kind.aggregate


def expected_aggregate(kind: Derived, params: Params, names: Collection[str] = ()) -> sql.Composable:
    """The value that a derived column has to hold; the source has to be widened by its child rows."""
    return sql.SQL("coalesce({}, {})").format(raw(_CHILD_VALUE), parenthesised(fill(kind.empty, params, names)))


def about_children(
    kind: Children | Total | Derived, child: str, params: Params, names: Collection[str] = ()
) -> Predicate:
    """The predicate of a rule about child rows; the source has to be widened by them."""
    told = f"{plain(aggregate(kind), params).removeprefix('pg_catalog.')} in {child}"
    if isinstance(kind, Derived):
        ((name, subject),) = shown_columns((kind.column,), params, names)
        value = expected_aggregate(kind, params, names)
        return Predicate(sql.SQL("{} IS DISTINCT FROM {}").format(subject, value), ((name, subject), (told, value)))
    found = sql.SQL("coalesce({}, 0)").format(raw(_CHILD_VALUE))
    sides = [
        beyond(found, sign, bound)
        for sign, bound in (("<", bound_of(kind.at_least, params, names)), (">", bound_of(kind.at_most, params, names)))
        if bound is not None
    ]
    return Predicate(sql.SQL(" OR ").join(sides), ((told, found),))


def beyond(subject: sql.Composable, sign: LiteralString, bound: sql.Composable) -> sql.Composable:
    """Whether a subject is beyond a bound, in its own type where the bound is a constant."""
    compared = sql.SQL("{} {} {}")
    plain = compared.format(subject, sql.SQL(sign), bound)
    if not isinstance(bound, Value):
        return plain
    return own_type(subject, [bound.value], plain, compared.format(subject, sql.SQL(sign), as_real(bound)))


def _null(subject: sql.Composable) -> sql.Composed:
    """`num_nulls` and not IS NULL: PostgreSQL 17 answers IS NULL on a NOT NULL column without looking at the data."""
    return sql.SQL("{}({}) > 0").format(NUM_NULLS, subject)


def _blank(subject: sql.Composable, blanks: str) -> sql.Composed:
    return sql.SQL("{} OR {}({}, {}) = ''").format(_null(subject), _TRIM, subject, Value(blanks))


def _between(kind: Between, params: Params, names: Collection[str]) -> Predicate:
    subject = column(kind.column, params, names)
    low, high = bound_of(kind.low, params, names), bound_of(kind.high, params, names)
    sides = [beyond(subject, sign, bound) for sign, bound in (("<", low), (">", high)) if bound is not None]
    if not sides:
        raise DeclarationError(f"the range of {title(kind.column, params, names)} has neither a low nor a high bound")
    shown = ((title(kind.column, params, names), subject),)
    return Predicate(sql.SQL(" OR ").join(sides), shown, _span(subject, low, high))


def _span(subject: sql.Composable, low: sql.Composable | None, high: sql.Composable | None) -> Span | None:
    if isinstance(low, Value | None) and isinstance(high, Value | None) and not _changes(low, high):
        return Span(subject, low, high)
    return None


def _changes(*bounds: Value | None) -> bool:
    return any(one is not None and changes_as_real(one.value) for one in bounds)


def _one_of(kind: OneOf, values: Any, params: Params, names: Collection[str]) -> Predicate:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise DeclarationError(f"one_of needs a list of values for {title(kind.column, params, names)}, not {values!r}")
    allowed = [one for one in values if one is not None]
    if not allowed:
        raise DeclarationError(f"one_of allows no value for {title(kind.column, params, names)}")
    subject = column(kind.column, params, names)
    constant = Value if len(allowed) <= PARAMETERS else sql.Literal
    constants = [constant(exact(one)) for one in allowed]
    none = sql.SQL("{} NOT IN ({})")
    plain_one, real = none.format(subject, listed(constants)), none.format(subject, listed(map(as_real, constants)))
    condition = own_type(subject, allowed, plain_one, real)
    return Predicate(condition, ((title(kind.column, params, names), subject),))
