"""What kinds about child rows ask of one row, beside which stands an aggregate over its child rows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from pytest_tgintegrity.errors import DeclarationError
from pytest_tgintegrity.planning.predicates.binding import Binding
from pytest_tgintegrity.planning.predicates.predicate import (
    Asked,
    Fixed,
    Predicate,
    asked,
    outside,
    recomputed,
)
from pytest_tgintegrity.planning.sql.compose import Params, parenthesised, plain, raw
from pytest_tgintegrity.rules.kinds import Children, Derived, Total

if TYPE_CHECKING:  # sources are made ready for scans, which are made of predicates
    from pytest_tgintegrity.planning.sources import PreparedSource, PreparedSources

_CHILD_VALUE = raw("tgi_children.tgi_value")


@asked.register(Children)
def _children(kind: Children, sources: PreparedSources, params: Params, _: str, /) -> Asked:
    return _bounded(kind, "count(*)", sources, params)


@asked.register(Total)
def _total(kind: Total, sources: PreparedSources, params: Params, _: str, /) -> Asked:
    return _bounded(kind, f"pg_catalog.sum({kind.expression})", sources, params)


@asked.register(Derived)
def _derived(kind: Derived, sources: PreparedSources, params: Params, _: str, /) -> Asked:
    source, title = _widened(kind, kind.aggregate, sources, params)
    binding = source.binding(params)
    name, subject = binding.named(kind.column)
    value = _demanded(kind, binding)
    differs = sql.SQL("{} IS DISTINCT FROM {}").format(subject, value)
    return Asked(source, Predicate(differs, ((name, subject), (title, value))))


@recomputed.register(Derived)
def _recomputed_derived(kind: Derived, binding: Binding, /) -> Fixed:
    return Fixed(_demanded(kind, binding), kind.aggregate)


def _demanded(kind: Derived, binding: Binding) -> sql.Composable:
    """The value that a derived column has to hold."""
    return sql.SQL("coalesce({}, {})").format(_CHILD_VALUE, parenthesised(binding.fill(kind.empty)))


def _bounded(kind: Children | Total, aggregate: str, sources: PreparedSources, params: Params) -> Asked:
    source, title = _widened(kind, aggregate, sources, params)
    binding = source.binding(params)
    value = sql.SQL("coalesce({}, 0)").format(_CHILD_VALUE)
    condition = outside(value, binding.bound(kind.at_least), binding.bound(kind.at_most))
    if condition is None:
        raise DeclarationError(f"{title} has neither a low nor a high bound")
    return Asked(source, Predicate(condition, ((title, value),)))


def _widened(
    kind: Children | Total | Derived, aggregate: str, sources: PreparedSources, params: Params
) -> tuple[PreparedSource, str]:
    """The source with an aggregate over its child rows beside each row, and what people call that."""
    widened, child = sources.with_children(sources.source(kind.source, params), kind.children, aggregate, params)
    return widened, f"{plain(aggregate, params).removeprefix('pg_catalog.')} in {child.name}"
