"""The mage line: spheres, factions, tenets, practices, rotes, and mages."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Final

from ..characters import Character, Draft, extra_abilities, weighted
from ..reference import PUBLISHED, Catalogue, title
from ..rows import Rows
from ..vocabulary.mage import (
    ESSENCES,
    FACTIONS,
    INSTRUMENTS,
    PARADIGMS,
    PRACTICES,
    RESONANCES,
    ROTES,
    SPHERES,
    TENETS,
)

_STILL_THERE: Final = 9999
_ARETES: Final = {"1": 30, "2": 32, "3": 24, "4": 10, "5": 4}
_TECHNOCRATS: Final = {"corr_name": "data", "prime_name": "primal_utility", "spirit_name": "dimensional_science"}
_MOST_DOTS_OF_SPHERE: Final = 5


@dataclass(frozen=True, slots=True)
class Faction:
    """Where a mage may belong: an affiliation, one of its factions, one of that one's subfactions."""

    affiliation: int
    name: str
    faction: int | None = None
    subfaction: int | None = None


@dataclass(frozen=True, slots=True)
class Rote:
    """A rote and the spheres that its effect needs."""

    id: int
    effect: int
    needs: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Mages:
    """Mages, and the ids they refer to."""

    table: ClassVar[str] = "characters_mage"
    line: ClassVar[str] = "mta"

    catalogue: Catalogue
    spheres: Mapping[str, int]
    factions: tuple[Faction, ...]
    tenets: Mapping[str, tuple[int, ...]]
    practices: tuple[int, ...]
    instruments: tuple[int, ...]
    resonances: tuple[int, ...]
    rotes: tuple[Rote, ...]

    @property
    def effects(self) -> tuple[int, ...]:
        """The effects behind the rotes."""
        return tuple(rote.effect for rote in self.rotes)

    def traits(self, chance: Random, draft: Draft) -> dict[str, object]:
        """Faction, spheres up to arete, tenets, the wheel of quintessence and paradox."""
        arete = int(weighted(chance, _ARETES)) if draft.finished else chance.randint(1, 3)
        faction = chance.choice(self.factions)
        traits = self._spheres(chance, arete) | _belonging(faction) | _wheel(chance)
        traits |= {
            f"{slot}_tenet_id": chance.choice(self.tenets[slot[:3]])
            for slot in ("metaphysical", "personal", "ascension")
        }
        traits |= {"essence": chance.choice(ESSENCES), "age_of_awakening": chance.randint(12, 40)}
        if faction.name == "Marauders" or chance.random() < 0.05:
            traits |= {"quiet": chance.randint(1, 4), "quiet_type": chance.choice(("denial", "madness", "morbidity"))}
        return traits | extra_abilities(chance, self.catalogue, "characters_mtahuman")

    def finish(self, rows: Rows, chance: Random, character: Character) -> None:
        """Add practices that sum to arete, resonance, instruments, and rotes within reach."""
        self._add_practices(rows, chance, character)
        for instrument in chance.sample(self.instruments, 2):
            rows.link("characters_mage_instruments", character.id, instrument)
        for resonance in chance.sample(self.resonances, chance.randint(1, 2)):
            rows.add("characters_resrating", mage_id=character.id, resonance_id=resonance, rating=chance.randint(1, 3))
        for rote in self.rotes:
            if all(character.dots(sphere) >= dots for sphere, dots in rote.needs.items()) and chance.random() < 0.5:
                rows.link("characters_mage_rotes", character.id, rote.id)

    def _spheres(self, chance: Random, arete: int) -> dict[str, object]:
        chosen = chance.sample(SPHERES, 4)
        ratings: dict[str, object] = {sphere: chance.randint(1, min(arete, _MOST_DOTS_OF_SPHERE)) for sphere in chosen}
        return ratings | {"arete": arete, "affinity_sphere_id": self.spheres[chosen[0]]}

    def _add_practices(self, rows: Rows, chance: Random, character: Character) -> None:
        arete = character.dots("arete")
        first = chance.randint(1, arete)
        for practice, rating in zip(chance.sample(self.practices, 2), (first, arete - first), strict=True):
            if rating:
                rows.add("characters_practicerating", mage_id=character.id, practice_id=practice, rating=rating)


def _belonging(faction: Faction) -> dict[str, object]:
    names = _TECHNOCRATS if faction.name == "Technocratic Union" else {}
    return {
        "affiliation_id": faction.affiliation,
        "faction_id": faction.faction,
        "subfaction_id": faction.subfaction,
        **names,
    }


def _wheel(chance: Random) -> dict[str, object]:
    paradox = chance.randint(0, 5)
    return {"paradox": paradox, "quintessence": chance.randint(0, 10), "rote_points": chance.randint(0, 6)}


def add_line(rows: Rows, catalogue: Catalogue) -> Mages:
    """Add the reference objects of the line."""
    spheres = {word: rows.add("characters_sphere", name=title(word), property_name=word) for word in SPHERES}
    for name in PARADIGMS:
        rows.add("characters_paradigm", name=name, **PUBLISHED)
    practices = tuple(_add_practice(rows, catalogue, *practice) for practice in PRACTICES)
    return Mages(
        catalogue,
        spheres=spheres,
        factions=_add_factions(rows),
        tenets=_add_tenets(rows),
        practices=practices,
        instruments=tuple(rows.add("characters_instrument", name=name, **PUBLISHED) for name in INSTRUMENTS),
        resonances=tuple(_add_resonance(rows, name, number) for number, name in enumerate(RESONANCES)),
        rotes=tuple(_add_rote(rows, catalogue, practices[0], *rote) for rote in ROTES),
    )


def _add_practice(rows: Rows, catalogue: Catalogue, name: str, ability: str) -> int:
    practice = rows.add(
        "characters_practice", name=name, benefit="A steady hand.", penalty="A slow start.", **PUBLISHED
    )
    rows.link("characters_practice_abilities", practice, catalogue.statistics[ability])
    return practice


def _add_tenets(rows: Rows) -> dict[str, tuple[int, ...]]:
    tenets: dict[str, tuple[int, ...]] = {}
    for name, slot in TENETS:
        tenets[slot] = (*tenets.get(slot, ()), rows.add("characters_tenet", name=name, tenet_type=slot, **PUBLISHED))
    return tenets


def _add_resonance(rows: Rows, name: str, number: int) -> int:
    return rows.add("characters_resonance", name=name, **{SPHERES[number % len(SPHERES)]: True}, **PUBLISHED)


def _add_factions(rows: Rows) -> tuple[Faction, ...]:
    """Add the tree of factions; return every place in it where a mage can stand."""
    places = []
    for (name, founded), factions in FACTIONS.items():
        affiliation = _add_faction(rows, name, founded, None)
        if not factions:
            places.append(Faction(affiliation, name))
        for child, subfactions in factions.items():
            faction = _add_faction(rows, *child, affiliation)
            places.append(Faction(affiliation, name, faction))
            places.extend(Faction(affiliation, name, faction, _add_faction(rows, *sub, faction)) for sub in subfactions)
    return tuple(places)


def _add_faction(rows: Rows, name: str, founded: int, parent: int | None) -> int:
    ages = {"founded": founded, "ended": _STILL_THERE}
    return rows.add("characters_magefaction", name=name, parent_id=parent, **ages, **PUBLISHED)


def _add_rote(
    rows: Rows, catalogue: Catalogue, practice: int, name: str, needs: Mapping[str, int], attribute: str, ability: str
) -> Rote:
    costs = {"rote_cost": sum(needs.values()), "max_sphere": max(needs.values())}
    effect = rows.add("characters_effect", name=f"Effect of {name}", **needs, **costs, **PUBLISHED)
    parts = {"effect_id": effect, "practice_id": practice, "attribute_id": catalogue.statistics[attribute]}
    rote = rows.add("characters_rote", name=name, **parts, ability_id=catalogue.statistics[ability], **PUBLISHED)
    return Rote(rote, effect, needs)
