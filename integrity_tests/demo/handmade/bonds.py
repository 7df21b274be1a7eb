"""What ties the things and places written by hand to one another: resonances, merits, powers, obstacles, roads."""

from collections.abc import Mapping
from typing import Final

from ..game_lines.mage import Mages
from ..reference import PUBLISHED
from ..rows import Rows
from .homes import Home
from .mage import ATMOSPHERES, OBSTACLES, ZONES

_RESONANT: Final = (
    ("items_wonderresonancerating", "wonder_id", "Umbrella Against Fate", (0, 5)),
    ("items_relicresonancerating", "relic_id", "Crown of the Reed Sea", (0, 10)),
    ("locations_noderesonancerating", "node_id", "Spring beneath the Tram Depot", (5, 5)),
    ("locations_horizonrealmresonancerating", "horizon_realm_id", "New Alexandria", (0, 5)),
)
_ROOTS: Final = {"items": "items_itemmodel", "locations": "locations_locationmodel"}

# Rating table, its column, the kind of place, merit and flaw with their dots, the place that has both.
_MERITS: Final = (
    ("havenmeritflawrating", "haven_id", "haven", (("Good Bones", 2), ("Damp Walls", -1)), "The Bell Foundry"),
    ("nodemeritflawrating", "node_id", "node", (("Kind Source", 4), ("Fickle Flow", -3)), "Dead Fountain"),
    (
        "horizonrealmmeritflawrating",
        "horizon_realm_id",
        "horizon_realm",
        (("Unlisted Address", 10), ("Door That Sticks", -10)),
        "New Alexandria",
    ),
    ("tombmeritflawrating", "tomb_id", "tomb", (("Unbroken Seal", 5), ("Robbers' Map", -5)), "Rented Crypt"),
)
_ZONED: Final = ("node", "sanctum", "demesne", "horizonrealm", "sector")
_BOOK: Final = "The Commentary on Nothing"
_BOOK_TIES: Final = {
    "abilities": "characters_ability",
    "instruments": "characters_instrument",
    "practices": "characters_practice",
    "rotes": "characters_rote",
    "spheres": "characters_sphere",
}


def page(rows: Rows, line: str, number: int) -> int:
    """A page of a book of the line."""
    [book, *_] = rows.ids("core_book", gameline=line)
    pages = rows.ids("core_bookreference", book_id=book)
    return pages[number % len(pages)]


def tie(rows: Rows, homes: Mapping[str, Home], mages: Mages) -> None:
    """Tie everything."""
    _rate_resonances(rows, mages)
    _rate_merits(rows)
    _empower(rows, mages)
    _bind_book(rows)
    _zone(rows, mages)
    _obstruct(rows)
    _join_chantry(rows, homes["mta"], mages)
    _connect(rows)
    _remember_makers(rows, homes)


def _named(rows: Rows, table: str, name: str) -> int:
    return rows.ids(table, name=name)[0]


def _rate_resonances(rows: Rows, mages: Mages) -> None:
    for table, column, name, ratings in _RESONANT:
        owner = _named(rows, _ROOTS[table.partition("_")[0]], name)
        for resonance, rating in zip(mages.resonances, ratings, strict=False):
            rows.add(table, **{column: owner}, resonance_id=resonance, rating=rating)


def _rate_merits(rows: Rows) -> None:
    """Add the merits and flaws of places, with the kind of place they are for and the dots they offer."""
    for table, column, kind, merits, name in _MERITS:
        owner = _named(rows, _ROOTS["locations"], name)
        for merit, rating in merits:
            bounds = {"min_rating": rating, "max_rating": rating}
            number = rows.add("characters_meritflaw", name=merit, **bounds, **PUBLISHED)
            [[dots], [allowed]] = rows.ids("core_number", value=rating), rows.ids("game_objecttype", name=kind)
            rows.link("characters_meritflaw_ratings", number, dots)
            rows.link("characters_meritflaw_allowed_types", number, allowed)
            rows.add(f"locations_{table}", **{column: owner}, mf_id=number, rating=rating)


def _empower(rows: Rows, mages: Mages) -> None:
    """Give powers to those that can have one; the other artifact goes on without."""
    for table, name in (("items_artifact", "Umbrella Against Fate"), ("items_charm", "Folded Paper Crane")):
        rows.change(table, _named(rows, table, name), power_id=mages.effects[0])
    rows.change("items_periapt", _named(rows, "items_periapt", "Crown Battery"), power_id=mages.effects[-1])


def _bind_book(rows: Rows) -> None:
    """Bind one grimoire in full: materials, medium, language, faction, and what it teaches."""
    book = _named(rows, "items_grimoire", _BOOK)
    faction, *_ = rows.ids("characters_magefaction")
    cover, inner, *_ = rows.ids("items_material")
    materials = {"cover_material_id": cover, "inner_material_id": inner, "medium_id": 1}
    rows.change("items_grimoire", book, **materials, faction_id=faction, language_id=rows.ids("core_language")[-1])
    for field, table in _BOOK_TIES.items():
        for one in rows.ids(table)[:2]:
            rows.link(f"items_grimoire_{field}", book, one)


def _zone(rows: Rows, mages: Mages) -> None:
    """Add the zones of reality and lay the first one over a place of every kind that can have one."""
    zones = []
    for name, description, ratings in ZONES:
        zones.append(rows.add("locations_realityzone", name=name, description=description))
        for practice, rating in zip(mages.practices, ratings, strict=False):
            rows.add("locations_zonerating", zone_id=zones[-1], practice_id=practice, rating=rating)
    for model in _ZONED:
        rows.change(f"locations_{model}", rows.ids(f"locations_{model}")[-1], reality_zone_id=zones[0])


def _obstruct(rows: Rows) -> None:
    realm = _named(rows, "locations_paradoxrealm", "The Examination Hall")
    for order, (sphere, number, name) in enumerate(OBSTACLES, start=1):
        obstacle: dict[str, object] = {"sphere": sphere, "obstacle_number": number, "order": order}
        rows.add("locations_paradoxobstacle", realm_id=realm, name=name, description="", **obstacle)
    for paradigm, number, description in ATMOSPHERES:
        air: dict[str, object] = {"paradigm": paradigm, "atmosphere_number": number, "description": description}
        rows.add("locations_paradoxatmosphere", realm_id=realm, **air)


def _join_chantry(rows: Rows, home: Home, mages: Mages) -> None:
    """Give a chantry its cabals, nodes, library, faction and effects."""
    chantry = _named(rows, "locations_chantry", "Observatory of the Last Decimal")
    library = _named(rows, "locations_library", "One Empty Shelf")
    faction, *_ = rows.ids("characters_magefaction")
    rows.change("locations_library", library, faction_id=faction)
    rows.change("locations_chantry", chantry, faction_id=faction, chantry_library_id=library)
    for name in ("Spring beneath the Tram Depot", "Dead Fountain"):
        rows.link("locations_chantry_nodes", chantry, _named(rows, "locations_node", name))
    for cabal in rows.ids("characters_cabal", chronicle_id=home.chronicle.id):
        rows.link("locations_chantry_cabals", chantry, cabal)
    for effect in mages.effects:
        rows.link("locations_chantry_integrated_effects", chantry, effect)


def _connect(rows: Rows) -> None:
    """Join the first sector with each other one; roads in the Web go both ways."""
    first, *others = rows.ids("locations_sector")
    for other in others:
        rows.link("locations_sector_connected_sectors", first, other)
        rows.link("locations_sector_connected_sectors", other, first)


def _remember_makers(rows: Rows, homes: Mapping[str, Home]) -> None:
    """Name the house of a demonic relic, the mummy behind vessel and servant, what hunters share."""
    for house in rows.ids("characters_demonhouse")[:1]:
        rows.change("items_relic", _named(rows, "items_relic", "Compass of the Second Dawn"), house_id=house)
    for mummy in _members(homes["mtr"], "characters_mummy")[:1]:
        vessel = _named(rows, "items_vessel", "Canopic Jar of the Fourth Son")
        rows.change("items_vessel", vessel, is_attuned=True, attuned_to_id=mummy)
        rows.change("items_ushabti", _named(rows, "items_ushabti", "The Patient Gardener"), creator_id=mummy)
    for hunter in _members(homes["htr"], "characters_hunter")[:2]:
        rows.link(
            "locations_huntingground_rival_cells",
            _named(rows, "locations_huntingground", "Harbour Basin Five"),
            hunter,
        )
        rows.change("characters_hunter", hunter, safehouse_id=_named(rows, "locations_safehouse", "Barge Perseverance"))


def _members(home: Home, table: str) -> tuple[int, ...]:
    return tuple(one.id for one in home.keepers if one.table == table)
