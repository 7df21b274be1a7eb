"""The predicates of kinds whose author writes the SQL of a row. Pure."""

from __future__ import annotations

from psycopg import sql

from pytest_tgintegrity.planning.predicates.binding import Binding
from pytest_tgintegrity.planning.predicates.predicate import Predicate, truth
from pytest_tgintegrity.planning.sql.compose import both, parenthesised
from pytest_tgintegrity.rules.kinds import Implies, Rows


@truth.register(Rows)
def _rows(kind: Rows, binding: Binding, /) -> Predicate:
    return Predicate(binding.fill(kind.where))


@truth.register(Implies)
def _implies(kind: Implies, binding: Binding, /) -> Predicate:
    when, then = binding.fill(kind.when), binding.fill(kind.then)
    return Predicate(both([when, sql.SQL("NOT {}").format(parenthesised(then))]))
