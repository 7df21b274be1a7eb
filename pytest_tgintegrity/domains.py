"""What a constraint of a domain asks of the data: of each value of the domain, however deep it lies in a column. Pure."""

from __future__ import annotations

from psycopg import sql

from pytest_tgintegrity.places import Place
from pytest_tgintegrity.predicates import NUM_NULLS, Value, listed, parenthesised, raw
from pytest_tgintegrity.schema import Constraint, Step, Use

KEY = raw("tgi_key")
_WORDS = {"elements": "[]", "bounds": ".bounds", "ranges": ".ranges"}


def values_of(uses: list[tuple[Use, Place]], base: str) -> sql.Composed:
    """All values of a domain, called VALUE as by its constraints, with where each stands in words."""
    found = [_values(use, place, base) for use, place in uses]
    none = sql.SQL("SELECT NULL::pg_catalog.text AS tgi_key, NULL::{} AS value WHERE FALSE").format(raw(base))
    return sql.SQL("({}) AS used").format(sql.SQL(" UNION ALL ").join(found or [none]))


def unmet(constraint: Constraint) -> sql.Composed:
    """TRUE for a value that does not meet the constraint."""
    return sql.SQL("NOT {}").format(parenthesised(raw(constraint.expressions[0])))


def key_of(use: Use, place: Place) -> sql.Composed:
    """Names a value of a row to people: table, column, the way in, and the key of the row."""
    words = "".join(f".{step.field}" if step.into == "field" else _WORDS[step.into] for step in use.steps)
    key = listed(sql.SQL("({})::pg_catalog.text").format(one) for one in place.keys)
    return sql.SQL("pg_catalog.concat_ws(' ', {}::pg_catalog.text, {})").format(
        Value(f"{use.table}.{use.column}{words}"), key
    )


def _values(use: Use, place: Place, base: str) -> sql.Composed:
    value: sql.Composable = sql.Identifier(use.column)
    ways = []
    for number, step in enumerate(use.steps):
        name = f"tgi_{number}"
        ways.append(
            sql.SQL(" CROSS JOIN LATERAL ({}) AS {}").format(_within(step, value, raw(name)), raw(f"tgi_way{number}"))
        )
        value = raw(name)
    return sql.SQL("SELECT {} AS tgi_key, ({})::{} AS value FROM {}{}").format(
        key_of(use, place), value, raw(base), place.table, sql.Composed(ways)
    )


def _within(step: Step, value: sql.Composable, name: sql.Composable) -> sql.Composed:
    """What one value holds, row by row; nothing where there is none."""
    match step.into:
        case "field":
            return sql.SQL("SELECT ({}).{} AS {} WHERE {}({}) = 0").format(
                value, sql.Identifier(step.field), name, NUM_NULLS, value
            )
        case "bounds":
            return sql.SQL(
                "SELECT {name} FROM (VALUES (pg_catalog.lower({value})), (pg_catalog.upper({value}))) AS tgi_bounds({name}) WHERE {nulls}({name}) = 0"
            ).format(name=name, value=value, nulls=NUM_NULLS)
        case "elements" | "ranges":
            return sql.SQL("SELECT pg_catalog.unnest({}) AS {}").format(value, name)
