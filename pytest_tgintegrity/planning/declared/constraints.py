"""What constraints of the live catalog ask of the data. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import sql

from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.parts import chunks
from pytest_tgintegrity.planning.declared.exclusions import CONFLICTS
from pytest_tgintegrity.planning.facts import Constraint
from pytest_tgintegrity.planning.predicates import Named, Predicate
from pytest_tgintegrity.planning.sql.compose import NUM_NULLS, listed, parenthesised, raw

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
