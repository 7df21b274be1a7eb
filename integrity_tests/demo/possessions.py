"""Places and things: a city for each chronicle, what its characters own there, and who may look on."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, TypeAlias

from .characters import Character
from .lines.mage import Mages
from .people import Chronicle, People
from .rows import Rows
from .vocabulary.play import BLADES, CURIOS, GUNS, HAVENS, TOUCHES, PLACES
from .vocabulary.werewolf import SPIRITS

_PLACES_EACH: Final = 12
_OWNERS_EACH: Final = 70
_ONLOOKERS_EACH: Final = 9
_GRANTED: Final = datetime(2024, 2, 1, 18, tzinfo=UTC)

Values: TypeAlias = dict[str, object]


def populate(
    rows: Rows, chance: Random, cast: Sequence[Character], folk: People, mages: Mages
) -> dict[int, tuple[int, ...]]:
    """Add everything; return the places of each chronicle."""
    medium = rows.add("items_medium", name="Vellum codex", length_modifier=1, length_modifier_type="/")
    for name in ("Calfskin", "Oak", "Slate"):
        rows.add("items_material", name=name, is_hard=name != "Calfskin")
    places = {}
    for chronicle in folk.chronicles:
        owners = [one for one in cast if one.chronicle.id == chronicle.id and one.draft.status == "App"]
        places[chronicle.id] = _add_places(rows, chance, chronicle, owners, mages)
        for owner in chance.sample(owners, min(_OWNERS_EACH, len(owners))):
            _add_belongings(rows, chance, owner, mages, medium)
        _add_onlookers(rows, chance, chronicle, owners)
    return places


def _add_places(
    rows: Rows, chance: Random, chronicle: Chronicle, owners: Sequence[Character], mages: Mages
) -> tuple[int, ...]:
    """Add the city and the places inside it."""
    common: Values = {"chronicle_id": chronicle.id, "owner_id": chronicle.storytellers[0], "status": "App"}
    city = rows.add("locations_city", name=chronicle.name.rpartition(" ")[2], population=chance.randrange(20, 900) * 1000, **common)
    for one in chance.sample(owners, min(20, len(owners))):
        rows.link("locations_city_characters", city, one.id)
    builders = _BUILDERS[chronicle.lines[0]]
    places = [city]
    for number, place in enumerate(chance.sample(PLACES, _PLACES_EACH)):
        table, build = builders[number % len(builders)]
        site = rows.add(table, name=place[0].upper() + place[1:], parent_id=city, **common, **build(chance))
        rows.link("locations_locationmodel_contained_within", site, city)
        _furnish(rows, chance, table, site, mages)
        places.append(site)
    return tuple(places)


def _domain(chance: Random) -> Values:
    size, population, control = (chance.randint(1, 5) for _ in range(3))
    rack, disputed = chance.random() < 0.5, chance.random() < 0.3
    total = max(0, size + population + control + rack - disputed)
    traits = {"size": size, "population": population, "control": control, "total_rating": total}
    return {**traits, "has_rack": rack, "is_disputed": disputed, "domain_type": "quarter"}


def _elysium(chance: Random) -> Values:
    return {"prestige": chance.randint(1, 5), "keeper_name": "The Steward", "elysium_type": "salon", "is_protected": True}


def _caern(chance: Random) -> Values:
    rank = chance.randint(1, 5)
    gauntlet = 4 if rank < 3 else 3 if rank < 5 else 2
    return {"rank": rank, "gauntlet": gauntlet, "caern_type": chance.choice(("healing", "urban", "visions", "wyld"))}


def _node(chance: Random) -> Values:
    rank = chance.randint(1, 5)
    flow = {"quintessence_per_week": rank * 2, "tass_per_week": rank}
    return {"rank": rank, "points": 3 * rank, **flow, "tass_form": "dew", "quintessence_form": "a hum"}


def _sanctum(chance: Random) -> Values:
    return {"rank": chance.randint(1, 5)}


def _chantry(chance: Random) -> Values:
    ways = {"leadership_type": chance.choice(("panel", "democracy", "council_of_elders")), "season": "autumn"}
    return {**ways, "chantry_type": chance.choice(("college", "library", "war")), "total_points": chance.randint(10, 30)}


def _plain(chance: Random) -> Values:
    return {"gauntlet": chance.randint(4, 8)}


_BUILDERS: Final[Mapping[str, tuple[tuple[str, Callable[[Random], Values]], ...]]] = {
    "wod": (("locations_locationmodel", _plain), ("locations_domain", _domain), ("locations_caern", _caern)),
    "vtm": (("locations_domain", _domain), ("locations_elysium", _elysium), ("locations_locationmodel", _plain)),
    "wta": (("locations_caern", _caern), ("locations_locationmodel", _plain)),
    "mta": (("locations_node", _node), ("locations_sanctum", _sanctum), ("locations_chantry", _chantry)),
}


def _furnish(rows: Rows, chance: Random, table: str, site: int, mages: Mages) -> None:
    """Give a node the resonance that its rank asks for."""
    if table == "locations_node":
        for resonance in chance.sample(mages.resonances, 2):
            rows.add("locations_noderesonancerating", node_id=site, resonance_id=resonance, rating=chance.randint(3, 5))


def _add_belongings(rows: Rows, chance: Random, owner: Character, mages: Mages, medium: int) -> None:
    """Give a character a weapon and something of its own line."""
    common: Values = {"chronicle_id": owner.chronicle.id, "owner_id": owner.draft.owner or owner.chronicle.storytellers[0]}
    common["status"] = chance.choice(("App", "App", "App", "Sub", "Un"))
    items = [_add_weapon(rows, chance, owner, common)]
    match owner.table:
        case "characters_vampire":
            _add_haven(rows, chance, owner, common)
            values: Values = {"power_level": chance.randint(1, 5), "is_cursed": chance.random() < 0.2}
            items.append(rows.add("items_vampireartifact", name=_owned(chance, owner, chance.choice(CURIOS)), **common, **values))
        case "characters_werewolf":
            items.append(_add_fetish(rows, chance, owner, common))
        case "characters_mage":
            items.append(_add_wonder(rows, chance, owner, common, mages, medium))
    for item in items:
        rows.link("items_itemmodel_owned_by", item, owner.id)


def _add_weapon(rows: Rows, chance: Random, owner: Character, common: Values) -> int:
    if chance.random() < 0.6:
        name, difficulty, damage, kind, conceal = chance.choice(BLADES)
        values: Values = {"difficulty": difficulty, "damage": damage, "damage_type": kind, "conceal": conceal}
        return rows.add("items_meleeweapon", name=_owned(chance, owner, name), **common, **values)
    name, difficulty, damage, far, rate, clip = chance.choice(GUNS)
    values = {"difficulty": difficulty, "damage": damage, "range": far, "rate": rate, "clip": clip}
    return rows.add("items_rangedweapon", name=_owned(chance, owner, name), **common, **values)


def _add_haven(rows: Rows, chance: Random, owner: Character, common: Values) -> None:
    size, security, location = (chance.randint(1, 4) for _ in range(3))
    library = chance.random() < 0.3
    values: Values = {"size": size, "security": security, "location": location, "has_library": library}
    name = f"{chance.choice(HAVENS)} {chance.choice(PLACES)} ({owner.name})"
    total = size + security + location + library
    rows.add("locations_haven", name=name, owned_by_id=owner.id, total_rating=total, **common, **values)


def _add_fetish(rows: Rows, chance: Random, owner: Character, common: Values) -> int:
    rank = chance.randint(1, 4)
    table = chance.choice(("items_fetish", "items_talen"))
    values: Values = {"rank": rank, "background_cost": rank, "gnosis": rank + 3, "spirit": chance.choice(SPIRITS)}
    return rows.add(table, name=_owned(chance, owner, chance.choice(CURIOS)), **common, **values)


def _add_wonder(rows: Rows, chance: Random, owner: Character, common: Values, mages: Mages, medium: int) -> int:
    rank = chance.randint(1, 4)
    values: Values = {"rank": rank, "background_cost": 2 * rank, "quintessence_max": 5 * rank, **common}
    if chance.random() < 0.5:
        return rows.add("items_charm", name=_owned(chance, owner, chance.choice(CURIOS)), arete=rank, **values)
    lent: Values = {"medium_id": medium, "language_id": chance.choice(list(mages.catalogue.languages))}
    name = _owned(chance, owner, "notebook")
    return rows.add("items_grimoire", name=name, date_written=chance.randint(1600, 1990), length=rank * 40, **lent, **values)


def _owned(chance: Random, owner: Character, thing: str) -> str:
    return f"{owner.name}'s {chance.choice(TOUCHES)} {thing.lower()}"


def _add_onlookers(rows: Rows, chance: Random, chronicle: Chronicle, owners: Sequence[Character]) -> None:
    """Let players see characters that are not theirs."""
    for number, one in enumerate(chance.sample(owners, _ONLOOKERS_EACH)):
        rows.add(
            "core_observer",
            content_type_id=rows.content_type(one.table),
            object_id=one.id,
            user_id=chance.choice([player for player in chronicle.players if player != one.draft.owner]),
            granted_by_id=chronicle.storytellers[0],
            granted_at=_GRANTED + timedelta(days=number),
            notes="",
        )
