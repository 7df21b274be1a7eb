"""Adds what is written by hand, with what the application derives, and ties it to characters, places and books."""

from collections.abc import Sequence
from typing import Final

from ..characters import Character
from ..game_lines.mage import Mages
from ..people import People
from ..rows import Rows
from . import bonds, changeling, demon, hunter, mage, mortal, mummy, vampire, werewolf, wraith
from .derived import derived
from .homes import Home, home
from .made import Made

_BY_HAND: Final = {
    "wod": (mortal.ITEMS, mortal.PLACES),
    "vtm": (vampire.ITEMS, vampire.PLACES),
    "wta": (werewolf.ITEMS, werewolf.PLACES),
    "mta": (mage.ITEMS, mage.PLACES),
    "wto": (wraith.ITEMS, wraith.PLACES),
    "ctd": (changeling.ITEMS, changeling.PLACES),
    "dtf": (demon.ITEMS, demon.PLACES),
    "htr": (hunter.ITEMS, hunter.PLACES),
    "mtr": (mummy.ITEMS, mummy.PLACES),
}


def populate(rows: Rows, folk: People, cast: Sequence[Character], mages: Mages) -> None:
    """Add everything. What a line refers to beyond its own objects is tied when all are there."""
    homes = {line: home(rows, folk, cast, line) for line in _BY_HAND}
    for line, (items, places) in _BY_HAND.items():
        sites = [_add_place(rows, homes[line], line, number, one) for number, one in enumerate(places)]
        for number, one in enumerate(items):
            thing = _add_item(rows, homes[line], number, one, sites)
            rows.link("items_itemmodel_sources", thing, bonds.page(rows, line, number))
    bonds.tie(rows, homes, mages)


def _add(rows: Rows, made: Made, **standing: object) -> int:
    values = {"description": made.description, "status": "App", **standing, **made.values}
    return rows.add(made.table, name=made.name, **values, **derived(rows.chain(made.table), made.values))


def _add_place(rows: Rows, at: Home, line: str, number: int, made: Made) -> int:
    """Add a place; each is in the city, every third belongs to a character, and a book describes it."""
    standing: dict[str, object] = {"chronicle_id": at.chronicle.id, "owner_id": at.owner}
    if made.table != "locations_city":
        standing |= {"parent_id": at.city}
    if number % 3 == 1:
        standing |= {"owned_by_id": at.keeper(number).id}
    site = _add(rows, made, **standing)
    rows.link("locations_locationmodel_sources", site, bonds.page(rows, line, number))
    return site


def _add_item(rows: Rows, at: Home, number: int, made: Made, sites: Sequence[int]) -> int:
    """Add a thing of a character; every second lies in a place of the line."""
    keeper = at.keeper(number)
    standing = {"chronicle_id": at.chronicle.id, "owner_id": keeper.draft.owner or at.owner}
    thing = _add(rows, made, **standing)
    rows.link("items_itemmodel_owned_by", thing, keeper.id)
    if number % 2:
        rows.link("items_itemmodel_located_at", thing, sites[number % len(sites)])
    return thing
