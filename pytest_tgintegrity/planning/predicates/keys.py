"""What kinds about keys ask of one row; duplicates and dangling references are found by scans of their own. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from pytest_tgintegrity.planning.predicates.predicate import Asked, Predicate, asked
from pytest_tgintegrity.planning.predicates.reading import Reading
from pytest_tgintegrity.planning.sql.compose import Params
from pytest_tgintegrity.rules.kinds import Acyclic

if TYPE_CHECKING:  # sources are made ready for scans, which are made of predicates
    from pytest_tgintegrity.planning.sources import Places

UNREACHED = sql.SQL("tgi_reached.tgi_id IS NULL")


@asked.register(Acyclic)
def _acyclic(kind: Acyclic, places: Places, params: Params, _: str, /) -> Asked:
    place = places.place(kind.source, params)
    name, parent = Reading(params, place.columns).named(kind.parent)
    return Asked(places.with_reached(place, parent), Predicate(UNREACHED, ((name, parent),)))
