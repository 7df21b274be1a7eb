"""What constraints of the live catalog ask of the data. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from psycopg import sql

from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.parts import chunks
from pytest_tgintegrity.planning.facts import Constraint
from pytest_tgintegrity.planning.predicates import Named, Predicate
from pytest_tgintegrity.planning.sources import PreparedSource, PreparedSources
from pytest_tgintegrity.planning.sql.compose import NUM_NULLS, Value, listed, parenthesised, raw

CONFLICTS = sql.SQL("tgi_conflict.tgi_row IS NOT NULL")
COLUMNS_PER_CALL = 90
COLUMNS_SHOWN = 6


def violated(constraint: Constraint) -> Predicate:
    """The predicate of a constraint on rows: a CHECK, NOT NULL, or an exclusion, whose source is made by `with_conflicts`."""
    columns = _named(constraint.columns)
    match constraint.kind:
        case "check":
            truth = parenthesised(raw(constraint.expressions[0]))
            return Predicate(sql.SQL("NOT {}").format(truth), columns)
        case "not_null":
            return Predicate(_any_null(constraint.columns), columns[:COLUMNS_SHOWN])
        case "exclusion":
            return Predicate(CONFLICTS, columns)
    raise TypeError(f"{constraint.kind} is no constraint on rows")


def _named(columns: Iterable[str]) -> tuple[Named, ...]:
    return tuple((column, sql.Identifier(column)) for column in columns)


def _any_null(columns: Sequence[str]) -> sql.Composed:
    calls = [listed(map(sql.Identifier, some)) for some in chunks(columns, COLUMNS_PER_CALL)]
    return sql.SQL(" OR ").join(sql.SQL("{}({}) > 0").format(NUM_NULLS, call) for call in calls)


def unique_parts(constraint: Constraint) -> tuple[tuple[Named, ...], sql.Composable | None]:
    """The parts of a unique key, and which rows it is for. Raises `NotEvaluated` for a key over periods."""
    if not constraint.expressions:
        raise NotEvaluated(f"{constraint.definition}: uniqueness over periods cannot be checked yet")
    parts = tuple((text, raw(text)) for text in constraint.expressions)
    return parts, None if constraint.where is None else raw(constraint.where)


def compared_columns(constraint: Constraint) -> tuple[Named, ...]:
    """The columns of a foreign key as they are compared with those that they refer to."""
    if not constraint.expressions:
        return _named(constraint.columns)
    return tuple(zip(constraint.columns, map(raw, constraint.expressions), strict=True))


def domain_values(constraint: Constraint, sources: PreparedSources) -> sql.Composable:
    """The values of all columns of a domain that do not meet one of its constraints."""
    parts = constraint.target_columns
    uses = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    queries: list[sql.Composable] = [
        _unmet(sources.declared(schema, table, only=True), f"{table}.{name}", name, constraint.expressions[0])
        for schema, table, name in uses
    ]
    return sql.SQL(" UNION ALL ").join(
        queries or [sql.SQL("SELECT NULL::text AS key, NULL::text AS value WHERE FALSE")]
    )


def with_conflicts(source: PreparedSource, constraint: Constraint) -> PreparedSource:
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
    ).format(parenthesised(met), parts, source.table)
    forbidden = sql.SQL(" AND ").join(
        sql.SQL("one.{} OPERATOR({}) other.{}").format(name, raw(operator), name)
        for name, operator in zip(names, constraint.target_columns, strict=True)
    )
    conflicts = sql.SQL(
        "(SELECT DISTINCT one.tgi_part, one.tgi_row FROM {} AS one JOIN {} AS other ON {}"
        " AND (one.tgi_part, one.tgi_row) <> (other.tgi_part, other.tgi_row)) AS tgi_conflict"
    ).format(rows, rows, forbidden)
    table = sql.SQL("{} LEFT JOIN {} ON (tgi_conflict.tgi_part, tgi_conflict.tgi_row) = (tableoid, ctid)").format(
        source.table, conflicts
    )
    return replace(source, table=table)


def _unmet(source: PreparedSource, title: str, column: str, expression: str) -> sql.Composed:
    """The rows of a table whose value in a column of a domain, called VALUE by its constraint, does not meet it."""
    keys = listed(sql.SQL("({})::text").format(key) for key in source.keys)
    return sql.SQL(
        "SELECT tgi_key AS key, value::text AS value FROM (SELECT pg_catalog.concat_ws(' ', {}::text, {}) AS tgi_key, {} AS value"
        " FROM {}) AS used WHERE NOT {}"
    ).format(Value(title), keys, sql.Identifier(column), source.table, parenthesised(raw(expression)))
