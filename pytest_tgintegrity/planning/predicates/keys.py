"""What kinds about keys ask of one row; duplicates and dangling references are found by scans of their own. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from pytest_tgintegrity.planning.predicates.predicate import Asked, Predicate, asked
from pytest_tgintegrity.planning.sql.compose import Params
from pytest_tgintegrity.rules.kinds import Acyclic

if TYPE_CHECKING:  # sources are made ready for scans, which are made of predicates
    from pytest_tgintegrity.planning.sources import PreparedSources

UNREACHED = sql.SQL("tgi_reached.tgi_id IS NULL")


@asked.register(Acyclic)
def _acyclic(kind: Acyclic, sources: PreparedSources, params: Params, _: str, /) -> Asked:
    source = sources.source(kind.source, params)
    name, parent = source.binding(params).named(kind.parent)
    return Asked(sources.with_reached(source, parent), Predicate(UNREACHED, ((name, parent),)))
