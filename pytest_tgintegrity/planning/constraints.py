"""What constraints of the live catalog ask of the data where neither a predicate nor a key says it. Pure."""

from __future__ import annotations

from dataclasses import replace

from psycopg import sql

from pytest_tgintegrity.planning.facts import Constraint
from pytest_tgintegrity.planning.sources import Place
from pytest_tgintegrity.planning.sql.compose import Value, listed, parenthesised, raw

CONFLICTS = sql.SQL("tgi_conflict.tgi_row IS NOT NULL")


def with_conflicts(place: Place, constraint: Constraint) -> Place:
    """A table with a sign beside each row that an exclusion constraint forbids, because of another row.

    Rows are compared with rows; OFFSET keeps the server from asking the index that ought to have seen to it.
    """
    names = [sql.Identifier(f"tgi_{number}") for number in range(len(constraint.expressions))]
    parts = listed(
        sql.SQL("{} AS {}").format(parenthesised(raw(text)), name)
        for text, name in zip(constraint.expressions, names, strict=True)
    )
    met = raw("TRUE" if constraint.where is None else constraint.where)
    rows = sql.SQL(
        "(SELECT * FROM (SELECT tableoid AS tgi_part, ctid AS tgi_row, {} AS tgi_met, {} FROM {} OFFSET 0) AS each WHERE tgi_met)"
    ).format(parenthesised(met), parts, place.table)
    forbidden = sql.SQL(" AND ").join(
        sql.SQL("one.{} OPERATOR({}) other.{}").format(name, raw(operator), name)
        for name, operator in zip(names, constraint.target_columns, strict=True)
    )
    conflicts = sql.SQL(
        "(SELECT DISTINCT one.tgi_part, one.tgi_row FROM {} AS one JOIN {} AS other ON {}"
        " AND (one.tgi_part, one.tgi_row) <> (other.tgi_part, other.tgi_row)) AS tgi_conflict"
    ).format(rows, rows, forbidden)
    table = sql.SQL("{} LEFT JOIN {} ON (tgi_conflict.tgi_part, tgi_conflict.tgi_row) = (tableoid, ctid)").format(
        place.table, conflicts
    )
    return replace(place, table=table)


def unmet(place: Place, title: str, column: str, expression: str) -> sql.Composed:
    """The rows of a table whose value in a column of a domain, called VALUE by its constraint, does not meet it."""
    key = listed(sql.SQL("({})::text").format(one) for one in place.keys)
    return sql.SQL(
        "SELECT tgi_key AS key, value::text AS value FROM (SELECT pg_catalog.concat_ws(' ', {}::text, {}) AS tgi_key, {} AS value"
        " FROM {}) AS used WHERE NOT {}"
    ).format(Value(title), key, sql.Identifier(column), place.table, parenthesised(raw(expression)))
