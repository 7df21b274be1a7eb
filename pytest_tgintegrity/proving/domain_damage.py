"""How to plant a value that a constraint of a domain forbids, however deep its values lie in a column. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from psycopg import sql

from pytest_tgintegrity.planning.declared.domains import key_of, unmet
from pytest_tgintegrity.planning.facts import Constraint, Step, Use
from pytest_tgintegrity.planning.sources import PreparedSource
from pytest_tgintegrity.planning.sql.compose import Value, listed, raw
from pytest_tgintegrity.proving.values import FRACTIONS, INTEGERS, TEXTS, TIMES, extremes

_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_NUMBERS = re.compile(r"-?\d+")
_OTHERS = {
    **dict.fromkeys(TIMES, ("-infinity", "infinity", "2000-01-01")),
    **dict.fromkeys(("json", "jsonb"), ("null", "{}", "[]", "0", '"x"')),
    "interval": ("-1 year", "0", "1000 years"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-4fff-bfff-fffffffffffe"),
    "inet": ("0.0.0.0/0", "::1"),
    "bytea": ("", "x"),
    "cube": (
        "(0)",
        "(0,0,0),(1,1,1)",
        "(1,2,3,4)",
    ),  # of the extension: a point, a body, more dimensions than the earth has
    "time": ("00:00", "24:00"),
}


def domain_breaks(constraint: Constraint, uses: Iterable[tuple[Use, PreparedSource]]) -> Iterator[sql.Composed]:
    """Statements that plant a forbidden value in each column of the domain, and return what the rule has to report."""
    forbidden = sql.SQL("SELECT value FROM ({}) AS tgi_tried(value) WHERE {} LIMIT 1").format(
        _tried(constraint), unmet(constraint)
    )
    for use, place in uses:
        if use.writable:
            yield _planted(use, place, forbidden)


def _tried(constraint: Constraint) -> sql.Composed:
    """Values of the type below the domain, one of which may be forbidden."""
    name = constraint.base.rpartition(".")[2].strip('"')
    values = [
        None if value is None else str(value) for value in (*extremes(name), *_more(name, constraint.expressions[0]))
    ]
    return sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {}::pg_catalog.text::{}").format(Value(value), raw(constraint.base))
        for value in sorted(dict.fromkeys(values), key=lambda value: value is None)
    )


def _more(name: str, expression: str) -> Iterator[str]:
    """Values that the constraint itself names, and those next to them."""
    if name in TEXTS:
        for text in _QUOTED.findall(expression):
            yield from (text.replace("''", "'"), "x" + text.replace("''", "'"))
    if name in INTEGERS or name in FRACTIONS:
        limit = INTEGERS.get(name, max(INTEGERS.values()))
        near = (int(text) + step for text in _NUMBERS.findall(expression) for step in (-1, 0, 1))
        yield from (str(number) for number in near if -limit <= number < limit)
    yield from _OTHERS.get(name, ("{}",) if name.startswith("_") else ())


def _planted(use: Use, place: PreparedSource, forbidden: sql.Composable) -> sql.Composed:
    """Plant the value in the first row, by preference one in which nothing around the value is NULL."""
    column = sql.Identifier(use.column)
    around: list[sql.Composable] = [column]
    for step in use.steps:
        around.append(_inside(step, around[-1]))
    value: sql.Composable = raw("(SELECT value FROM tgi_bad)")
    for step, now in reversed([*zip(use.steps, around, strict=False)]):
        value = _around(step, value, now)
    return sql.SQL(
        "WITH tgi_bad AS MATERIALIZED ({forbidden}) UPDATE {table} SET {column} = {value} WHERE EXISTS (SELECT FROM tgi_bad) AND ctid ="
        " (SELECT ctid FROM {table} ORDER BY pg_catalog.num_nulls({around}), {keys} LIMIT 1) RETURNING {key}"
    ).format(
        forbidden=forbidden,
        table=place.table,
        column=column,
        value=value,
        around=listed(around),
        keys=listed(place.keys),
        key=key_of(use, place),
    )


def _inside(step: Step, now: sql.Composable) -> sql.Composed:
    """The value that a step leads to."""
    match step.into:
        case "field":
            return sql.SQL("({}).{}").format(now, sql.Identifier(step.field))
        case "bounds":
            return sql.SQL("pg_catalog.lower({})").format(now)
        case "elements" | "ranges":
            return sql.SQL("(SELECT pg_catalog.unnest({}) LIMIT 1)").format(now)


def _around(step: Step, value: sql.Composable, now: sql.Composable) -> sql.Composed:
    """The surrounding value with the new one in the place of the step; the other fields of a row stay as they are now."""
    typed = sql.SQL("({})::{}").format(value, raw(step.inner))
    match step.into:
        case "field":
            return sql.SQL(
                "pg_catalog.jsonb_populate_record({}::{}, pg_catalog.jsonb_build_object({}::pg_catalog.text, {}))"
            ).format(now, raw(step.type), Value(step.field), typed)
        case "elements":
            return sql.SQL("ARRAY[{}]::{}").format(typed, raw(step.type))
        case "bounds":
            return sql.SQL("{0}({1}, {1}, '[]')").format(raw(step.type), typed)
        case "ranges":
            return sql.SQL("{}({})").format(raw(step.type), typed)
