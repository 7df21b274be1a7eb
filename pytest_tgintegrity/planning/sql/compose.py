"""SQL put together: templates are filled, names are quoted, values stay values. Pure.

Everything here is text in, `psycopg.sql` out. A `Value` is rendered as a literal where a person reads the statement and
travels as a parameter where the server runs it (`parametrised`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql

from pytest_tgintegrity.errors import DeclarationError
from pytest_tgintegrity.planning.exact import exact
from pytest_tgintegrity.planning.sql.encoding import sql_bytes, sql_text
from pytest_tgintegrity.planning.sql.layout import closed_up
from pytest_tgintegrity.rules.arguments import LONE_VALUE

Params = Mapping[str, Any]

_TEMPLATE = re.compile(r"(?P<open>\{\{)|(?P<close>\}\})|\{(?P<name>\w+)\}|%\((?P<value>\w+)\)s|(?P<stray>[{}])")
_NAMES = re.compile(r"(\{\w+\}|[^\W\d]\w*)(\.(\{\w+\}|[^\W\d]\w*))*")
_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_VALUE_WORDS = frozenset(
    {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_user", "session_user"}
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
    return closed_up("".join(_words(composed)))


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
    return sql.SQL(" OR ").join(parenthesised(condition) for condition in conditions)


def both(conditions: Iterable[sql.Composable]) -> sql.Composed:
    """The conditions joined by AND."""
    return sql.SQL(" AND ").join(parenthesised(condition) for condition in conditions)


def listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    """The parts with commas between them."""
    return sql.SQL(", ").join(parts)


def where_clause(condition: sql.Composable | None) -> sql.Composable:
    """The clause with the condition, if there is one."""
    return raw("") if condition is None else sql.SQL(" WHERE {}").format(condition)


def qualifier(alias: str) -> sql.Composable:
    """What stands before a column of what an alias, or a dotted name, stands for; nothing where it is empty."""
    return sql.SQL("{}.").format(identifier(alias)) if alias else raw("")


def exact_text(value: sql.Composable) -> sql.Composed:
    """The text of a value as the server sends it; a cast would write f out as false, and leave out the blanks of char(3)."""
    return sql.SQL("CASE WHEN pg_catalog.num_nulls({v}) = 0 THEN pg_catalog.format('%s', {v}) END").format(v=value)


def texts_by_name(texts: Mapping[str, sql.Composable]) -> sql.Composed:
    """Columns and their values as text, as one JSON object: text is what survives any type."""
    return sql.SQL("pg_catalog.jsonb_object(ARRAY[{}]::pg_catalog.text[], ARRAY[{}]::pg_catalog.text[])").format(
        listed(map(sql.Literal, texts)), listed(texts.values())
    )


def fill(template: str, params: Params, names: Collection[str] = ()) -> sql.Composed:
    """Fill ``{name}`` with quoted identifiers and ``%(name)s`` with values; ``{{`` and ``}}`` are braces.

    `names` are columns that are known to exist: they are quoted whole even where they hold a dot.

    Raises `DeclarationError` for a placeholder that the test's parametrize arguments do not provide.
    """
    parts: list[sql.Composable] = []
    end = 0
    for match in _TEMPLATE.finditer(template):
        parts.append(raw(template[end : match.start()]))
        parts.append(_filled(match, params, names))
        end = match.end()
    parts.append(raw(template[end:]))
    return sql.Composed(parts)


def _filled(match: re.Match[str], params: Params, names: Collection[str]) -> sql.Composable:
    if match["open"] or match["close"]:
        return raw(match[0][0])
    if match["stray"]:
        raise DeclarationError(
            f"a lone {match[0]} in {match.string!r}: write {{name}} to fill in a name, {{{{ and }}}} for braces"
        )
    if match["value"]:
        value = _param(match["value"], match[0], params)
        return value if isinstance(value, sql.Composable) else Value(value)
    name = _param(match["name"], match[0], params)
    if not isinstance(name, str):
        raise DeclarationError(
            f"{match[0]} is filled with {name!r}: an identifier is a string; bind values with %({match['name']})s"
        )
    return sql.Identifier(name) if name in names else identifier(name)


def _param(name: str, written: str, params: Params) -> Any:
    if name not in params:
        given = (name for name, value in params.items() if not isinstance(value, sql.Composable))
        known = ", ".join(sorted(given)) or "nothing"
        raise DeclarationError(f"unknown placeholder {written}: parametrize gives {known}")
    return params[name]


def plain(template: str, params: Params) -> str:
    """Fill a template for people: names stand as they are, unquoted."""

    def text(match: re.Match[str]) -> str:
        if match["open"] or match["close"]:
            return match[0][0]
        name = match["name"] or match["value"]
        return str(_param(name, match[0], params)) if name else match[0]

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
    constant = resolved(value, params)
    return None if constant is None else Value(exact(constant))


def resolved(value: Any, params: Params) -> Any:
    """A value, or the one of parametrize that it names."""
    lone = LONE_VALUE.fullmatch(value) if isinstance(value, str) else None
    return _param(lone[1], lone[0].strip(), params) if lone else value
