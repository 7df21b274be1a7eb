"""From declarations to SQL: templates are filled, typed kinds become predicates, values stay values.

Everything here is text in, `psycopg.sql` out. A `Value` is rendered as a literal where a person reads the statement and
travels as a parameter where the server runs it (`parametrised`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql

from pytest_tgintegrity.arguments import LONE_VALUE
from pytest_tgintegrity.constants import as_real, changes_as_real, own_type
from pytest_tgintegrity.encoding import sql_bytes, sql_text
from pytest_tgintegrity.errors import DeclarationError
from pytest_tgintegrity.exact import exact
from pytest_tgintegrity.kinds import (
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

Params = Mapping[str, Any]

PARAMETERS = 1_000
"""So many values of a list travel as parameters, of which a statement has 65 535; longer lists stand in its text."""

_TEMPLATE = re.compile(r"(?P<open>\{\{)|(?P<close>\}\})|\{(?P<name>\w+)\}|%\((?P<value>\w+)\)s|(?P<stray>[{}])")
_NAMES = re.compile(r"(\{\w+\}|[^\W\d]\w*)(\.(\{\w+\}|[^\W\d]\w*))*")
_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_VALUE_WORDS = frozenset(
    {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_user", "session_user"}
)

ASCII_BLANKS = " \t\n\r\f\v"
UNICODE_BLANKS = (
    ASCII_BLANKS
    + "\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    + "\u2028\u2029\u202f\u205f\u3000"
)


class Value(sql.Literal):
    """A value inside a composed statement: a literal for people, a parameter for the server."""

    @property
    def value(self) -> Any:
        """The Python value."""
        return self._obj


class Builtin(sql.SQL):
    """A function of the server inside a composed statement: its name for people, with its schema for the server.

    A function that takes arguments of any type, or text, could be shadowed by one in ``public`` for just the type at hand.
    """

    def __init__(self, name: LiteralString) -> None:
        super().__init__(f"pg_catalog.{name}")
        self.name = name


NUM_NULLS = Builtin("num_nulls")
NUM_NONNULLS = Builtin("num_nonnulls")
_TRIM = Builtin("btrim")
_PATH_MATCH = Builtin("jsonb_path_match")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement for the extended protocol: ``$1`` placeholders and their values."""

    query: bytes
    values: tuple[Any, ...] = ()


def parametrised(composed: sql.Composable) -> Statement:
    """Take the values out of a composed statement and number them."""
    values: list[Any] = []
    parts: list[bytes] = []
    _number(composed, parts, values)
    return Statement(b"".join(parts), tuple(values))


def _number(composed: sql.Composable, parts: list[bytes], values: list[Any]) -> None:
    if type(composed) is sql.Composed:  # not isinstance: these are abstract base classes, and statements are long
        for part in composed:
            _number(part, parts, values)
    elif type(composed) is Value:
        values.append(composed.value)
        parts.append(b"$%d" % len(values))
    else:
        parts.append(sql_bytes(composed))


def readable(composed: sql.Composable) -> str:
    """The statement as a person would type it into psql."""
    text = "".join(_words(composed))
    return text if "--" in text else text.replace("\n)", ")")


def _words(composed: sql.Composable) -> Iterable[str]:
    if type(composed) is sql.Composed:
        for part in composed:
            yield from _words(part)
    else:
        yield composed.name if type(composed) is Builtin else sql_text(composed)


def raw(text: str) -> sql.SQL:
    """SQL written by the author of a rule: trusted as code, never built from data."""
    return sql.SQL(text)


def identifier(path: str) -> sql.Identifier:
    """A dotted name, quoted part by part."""
    return sql.Identifier(*path.split("."))


def parenthesised(expression: sql.Composable) -> sql.Composed:
    """The expression in parentheses; the line break ends a trailing ``--`` comment of its author."""
    return sql.SQL("({}\n)").format(expression)


def either(conditions: Iterable[sql.Composable]) -> sql.Composed:
    """The conditions joined by OR."""
    return sql.SQL(" OR ").join(parenthesised(one) for one in conditions)


def both(conditions: Iterable[sql.Composable]) -> sql.Composed:
    """The conditions joined by AND."""
    return sql.SQL(" AND ").join(parenthesised(one) for one in conditions)


def listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    """The parts with commas between them."""
    return sql.SQL(", ").join(parts)


def where_clause(condition: sql.Composable | None) -> sql.Composable:
    """The clause with the condition, if there is one."""
    return raw("") if condition is None else sql.SQL(" WHERE {}").format(condition)


def fill(template: str, params: Params, names: Collection[str] = ()) -> sql.Composed:
    """Fill ``{name}`` with quoted identifiers and ``%(name)s`` with values; ``{{`` and ``}}`` are braces.

    `names` are columns that are known to exist: they are quoted whole even where they hold a dot.

    Raises `DeclarationError` for a placeholder that the test's parametrize arguments do not provide.
    """
    parts: list[sql.Composable] = []
    end = 0
    for found in _TEMPLATE.finditer(template):
        parts.append(raw(template[end : found.start()]))
        parts.append(_filled(found, params, names))
        end = found.end()
    parts.append(raw(template[end:]))
    return sql.Composed(parts)


def _filled(found: re.Match[str], params: Params, names: Collection[str]) -> sql.Composable:
    if found["open"] or found["close"]:
        return raw(found[0][0])
    if found["stray"]:
        raise DeclarationError(
            f"a lone {found[0]} in {found.string!r}: write {{name}} to fill in a name, {{{{ and }}}} for braces"
        )
    if found["value"]:
        value = _param(found["value"], found[0], params)
        return value if isinstance(value, sql.Composable) else Value(value)
    name = _param(found["name"], found[0], params)
    if not isinstance(name, str):
        raise DeclarationError(
            f"{found[0]} is filled with {name!r}: an identifier is a string; bind values with %({found['name']})s"
        )
    return sql.Identifier(name) if name in names else identifier(name)


def _param(name: str, written: str, params: Params) -> Any:
    if name not in params:
        given = (one for one, value in params.items() if not isinstance(value, sql.Composable))
        known = ", ".join(sorted(given)) or "nothing"
        raise DeclarationError(f"unknown placeholder {written}: parametrize gives {known}")
    return params[name]


def plain(template: str, params: Params) -> str:
    """Fill a template for people: names stand as they are, unquoted."""

    def text(found: re.Match[str]) -> str:
        if found["open"] or found["close"]:
            return found[0][0]
        name = found["name"] or found["value"]
        return str(_param(name, found[0], params)) if name else found[0]

    return _TEMPLATE.sub(text, template)


def title(text: str, params: Params, names: Collection[str] = ()) -> str:
    """What people call a column: its name, or the expression as its author wrote it."""
    return text if text in names else plain(text, params)


def column(text: str, params: Params, names: Collection[str] = ()) -> sql.Composable:
    """A column: a known name or a dotted path is quoted, anything else is an SQL expression."""
    if text in names:
        return sql.Identifier(text)
    if text.lower() in _VALUE_WORDS:
        return raw(text)
    if _PATH.fullmatch(text):
        return identifier(text)
    filled = fill(text, params, names)
    return filled if _NAMES.fullmatch(text) else parenthesised(filled)


def bound_of(value: Any, params: Params, names: Collection[str]) -> sql.Composable | None:
    """One side of a range: None is open, a string an SQL expression or exactly one ``%(name)s``, all else a value."""
    if isinstance(value, str) and not LONE_VALUE.fullmatch(value):
        return parenthesised(fill(value, params, names))
    found = resolved(value, params)
    return None if found is None else Value(exact(found))


def resolved(value: Any, params: Params) -> Any:
    """A value, or the one of parametrize that it names."""
    lone = LONE_VALUE.fullmatch(value) if isinstance(value, str) else None
    return _param(lone[1], lone[0].strip(), params) if lone else value


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


def shown_columns(
    texts: Sequence[str], params: Params, names: Collection[str] = ()
) -> tuple[tuple[str, sql.Composable], ...]:
    """The `show=` columns of a rule, named as their author wrote them."""
    return tuple((title(text, params, names), column(text, params, names)) for text in texts)
