"""The predicates of kinds whose author writes the SQL of a row. Pure."""

from __future__ import annotations

from psycopg import sql

from pytest_tgintegrity.planning.predicates.predicate import Predicate, truth
from pytest_tgintegrity.planning.predicates.reading import Reading
from pytest_tgintegrity.planning.sql.compose import both, parenthesised
from pytest_tgintegrity.rules.kinds import Implies, Rows


@truth.register(Rows)
def _rows(kind: Rows, reading: Reading, /) -> Predicate:
    return Predicate(reading.fill(kind.where))


@truth.register(Implies)
def _implies(kind: Implies, reading: Reading, /) -> Predicate:
    when, then = reading.fill(kind.when), reading.fill(kind.then)
    return Predicate(both([when, sql.SQL("NOT {}").format(parenthesised(then))]))
