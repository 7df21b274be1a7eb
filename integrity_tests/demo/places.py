"""Places: a city for each chronicle, and what lies in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from typing import Final, TypeAlias

from .characters import Character
from .game_lines.mage import Mages
from .people import Chronicle, People
from .rows import Rows
from .vocabulary.play import PLACES

_PLACES_EACH: Final = 12
_CITIZENS_EACH: Final = 20
_BOOKS_EACH: Final = 3
_CHANTRY_ROLES: Final = {"members": 4, "leaders": 1, "investigator": 1, "guardian": 2, "teacher": 1}

Values: TypeAlias = dict[str, object]
"""Columns and what they hold."""


def populate(
    rows: Rows, chance: Random, cast: Sequence[Character], folk: People, mages: Mages
) -> dict[int, tuple[int, ...]]:
    """Add everything; return the places of each chronicle."""
    places = {}
    for chronicle in folk.chronicles:
        living = [one for one in cast if one.chronicle.id == chronicle.id and one.draft.status == "App"]
        places[chronicle.id] = _City(rows, chance, chronicle, living, mages).add()
    return places


def _domain(chance: Random) -> Values:
    size, population, control = (chance.randint(1, 5) for _ in range(3))
    rack, disputed = chance.random() < 0.5, chance.random() < 0.3
    total = max(0, size + population + control + rack - disputed)
    traits = {"size": size, "population": population, "control": control, "total_rating": total}
    return {**traits, "has_rack": rack, "is_disputed": disputed, "domain_type": "quarter"}


def _elysium(chance: Random) -> Values:
    keeper = {"keeper_name": "The Steward", "elysium_type": "salon", "is_protected": True}
    return {"prestige": chance.randint(1, 5), **keeper}


def _rack(chance: Random) -> Values:
    words = ("quality", "population_density", "risk_level", "masquerade_risk")
    return {**{word: chance.randint(1, 5) for word in words}, "rack_type": "club", "blood_quality": "mixed"}


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


def _library(chance: Random) -> Values:
    del chance
    return {"rank": _BOOKS_EACH}


def _chantry(chance: Random) -> Values:
    ways = {"leadership_type": chance.choice(("panel", "democracy", "council_of_elders")), "season": "autumn"}
    kind = chance.choice(("college", "library", "war"))
    return {**ways, "chantry_type": kind, "total_points": chance.randint(20, 40), "integrated_effects_score": 1}


def _plain(chance: Random) -> Values:
    return {"gauntlet": chance.randint(4, 8)}


_BUILDERS: Final[Mapping[str, tuple[tuple[str, Callable[[Random], Values]], ...]]] = {
    "wod": (("locations_locationmodel", _plain), ("locations_domain", _domain), ("locations_caern", _caern)),
    "vtm": (
        ("locations_domain", _domain),
        ("locations_elysium", _elysium),
        ("locations_rack", _rack),
        ("locations_locationmodel", _plain),
    ),
    "wta": (("locations_caern", _caern), ("locations_locationmodel", _plain)),
    "mta": (
        ("locations_node", _node),
        ("locations_sanctum", _sanctum),
        ("locations_library", _library),
        ("locations_chantry", _chantry),
    ),
}


@dataclass(frozen=True, slots=True)
class _City:
    """The city of a chronicle while it is being built."""

    rows: Rows
    chance: Random
    chronicle: Chronicle
    living: Sequence[Character]
    mages: Mages

    @property
    def common(self) -> Values:
        """What all places of the chronicle share."""
        return {"chronicle_id": self.chronicle.id, "owner_id": self.chronicle.storytellers[0], "status": "App"}

    def add(self) -> tuple[int, ...]:
        """Add the city with its citizens and sites; return the ids, the city's first."""
        population = self.chance.randrange(20, 900) * 1000
        name = f"City of {self.chronicle.name}"
        city = self.rows.add("locations_city", name=name, population=population, **self.common)
        for one in self.chance.sample(self.living, _CITIZENS_EACH):
            self.rows.link("locations_city_characters", city, one.id)
        builders = cycle(_BUILDERS[self.chronicle.lines[0]])
        places = self.chance.sample(PLACES, _PLACES_EACH)
        return (city, *(self._add_site(city, name, *builder) for name, builder in zip(places, builders, strict=False)))

    def _add_site(self, city: int, name: str, table: str, build: Callable[[Random], Values]) -> int:
        name = name[0].upper() + name[1:]
        site = self.rows.add(table, name=name, parent_id=city, **self.common, **build(self.chance))
        self.rows.link("locations_locationmodel_contained_within", site, city)
        match table:
            case "locations_node":
                self._add_resonance(site)
            case "locations_library":
                self._add_books(site)
            case "locations_chantry":
                self._staff_chantry(site)
        return site

    def _add_resonance(self, node: int) -> None:
        """Add at least as much resonance as any node's rank asks for."""
        for resonance in self.chance.sample(self.mages.resonances, 2):
            rating: Values = {"resonance_id": resonance, "rating": self.chance.randint(3, 5)}
            self.rows.add("locations_noderesonancerating", node_id=node, **rating)

    def _add_books(self, library: int) -> None:
        """Add as many books as the library's rank says."""
        for number in range(1, _BOOKS_EACH + 1):
            values: Values = {"name": f"Shelf {library}, volume {number}", "rank": 1, "background_cost": 2}
            values |= {"date_written": self.chance.randint(1450, 1900), "length": 100 + 20 * number}
            self.rows.link("locations_library_books", library, self.rows.add("items_grimoire", **values, **self.common))

    def _staff_chantry(self, chantry: int) -> None:
        """Fill the roles of a chantry, its backgrounds, and an effect woven into its walls."""
        staff = [one.id for one in self.living if one.table == self.mages.table]
        ids = iter(self.chance.sample(staff, 2 + sum(_CHANTRY_ROLES.values())))
        self.rows.change("locations_chantry", chantry, ambassador_id=next(ids), node_tender_id=next(ids))
        for role, count in _CHANTRY_ROLES.items():
            for one in islice(ids, count):
                self.rows.link(f"locations_chantry_{role}", chantry, one)
        for word in ("library", "node"):
            rating: Values = {"bg_id": self.mages.catalogue.backgrounds[word], "rating": self.chance.randint(1, 3)}
            self.rows.add("locations_chantrybackgroundrating", chantry_id=chantry, **rating)
        self.rows.link("locations_chantry_integrated_effects", chantry, self.chance.choice(self.mages.effects))
