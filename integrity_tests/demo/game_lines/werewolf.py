"""The werewolf line: tribes, camps, gifts, rites, totems, and werewolves."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Final

from ..characters import Character, Draft, extra_abilities, weighted
from ..reference import PUBLISHED, Catalogue
from ..rows import Rows
from ..vocabulary.werewolf import BATTLE_SCARS, DEEDS, GIFTS, GNOSIS, RAGE, RENOWN, RITES, TOTEMS, TRIBES

_BREEDS: Final = {"homid": 60, "metis": 20, "lupus": 20}
_RANKS: Final = {"1": 50, "2": 28, "3": 14, "4": 6, "5": 2}
_NO_HOMIDS: Final = "Red Talons"


@dataclass(frozen=True, slots=True)
class Tribe:
    """A tribe and its camp."""

    id: int
    name: str
    camp: int


@dataclass(frozen=True, slots=True)
class Gift:
    """A gift: from which rank on, and the permission that opens it."""

    id: int
    rank: int
    condition: str


@dataclass(frozen=True, slots=True)
class Werewolves:
    """Werewolves, and the ids they refer to."""

    table: ClassVar[str] = "characters_werewolf"
    line: ClassVar[str] = "wta"

    catalogue: Catalogue
    tribes: tuple[Tribe, ...]
    gifts: tuple[Gift, ...]
    permissions: Mapping[str, int]
    rites: tuple[int, ...]
    totems: tuple[int, ...]
    scars: tuple[int, ...]

    def traits(self, chance: Random, draft: Draft) -> dict[str, object]:
        """Tribe, breed, auspice, renown to match the rank."""
        tribe = chance.choice(self.tribes)
        breed = "lupus" if tribe.name == _NO_HOMIDS else weighted(chance, _BREEDS)
        auspice = chance.choice(list(RENOWN))
        rank = int(weighted(chance, _RANKS)) if draft.finished else 1
        traits: dict[str, object] = {"tribe_id": tribe.id, "breed": breed, "auspice": auspice, "rank": rank}
        traits |= _renown(chance, auspice, rank)
        traits |= {"rage": RAGE[auspice] + chance.randint(0, 2), "gnosis": GNOSIS[breed] + chance.randint(0, 3)}
        traits |= {"first_change": "A night nobody talks about.", "age_of_first_change": chance.randint(9, 16)}
        return traits | extra_abilities(chance, self.catalogue, "characters_wtahuman")

    def finish(self, rows: Rows, chance: Random, character: Character) -> None:
        """Add permissions with gifts, and now and then a camp, a rite, a scar."""
        held = (str(character.sheet["breed"]), str(character.sheet["auspice"]))
        for condition in held:
            rows.link("characters_werewolf_gift_permissions", character.id, self.permissions[condition])
        for gift in self.gifts:
            if gift.condition in held and gift.rank <= character.dots("rank"):
                rows.link("characters_werewolf_gifts", character.id, gift.id)
        self._add_honours(rows, chance, character)

    def _add_honours(self, rows: Rows, chance: Random, character: Character) -> None:
        if chance.random() < 0.3:
            camps = {tribe.id: tribe.camp for tribe in self.tribes}
            rows.link("characters_werewolf_camps", character.id, camps[character.dots("tribe_id")])
        if chance.random() < 0.4:
            rows.link("characters_werewolf_rites_known", character.id, chance.choice(self.rites))
        if chance.random() < 0.1:
            rows.link("characters_werewolf_battle_scars", character.id, chance.choice(self.scars))


@dataclass(frozen=True, slots=True)
class Kinfolk:
    """Relatives of werewolves who never change."""

    table: ClassVar[str] = "characters_kinfolk"
    line: ClassVar[str] = "wta"

    catalogue: Catalogue
    tribes: tuple[Tribe, ...]

    def traits(self, chance: Random, draft: Draft) -> dict[str, object]:
        """A tribe and a relation to it."""
        del draft
        tribe = chance.choice(self.tribes)
        breed = "lupus" if tribe.name == _NO_HOMIDS else "homid"
        traits: dict[str, object] = {
            "tribe_id": tribe.id,
            "breed": breed,
            "relation": chance.choice(("Sister", "Cousin", "Uncle", "Daughter")),
        }
        return traits | extra_abilities(chance, self.catalogue, "characters_wtahuman")

    def finish(self, rows: Rows, chance: Random, character: Character) -> None:
        """Nothing hangs on kinfolk."""


def _renown(chance: Random, auspice: str, rank: int) -> dict[str, object]:
    glory, honor, wisdom = RENOWN[auspice][rank - 1]
    return {
        "glory": glory,
        "honor": honor,
        "wisdom": wisdom,
        "temporary_glory": chance.randint(0, 9),
        "temporary_honor": chance.randint(0, 9),
        "temporary_wisdom": chance.randint(0, 9),
        "renown_incidents": chance.sample([name for name, *_ in DEEDS], chance.choice((0, 0, 1, 2))),
    }


def add_line(rows: Rows, catalogue: Catalogue) -> Werewolves:
    """Add the reference objects of the line."""
    for name, glory, honor, wisdom in DEEDS:
        renown = {"glory": glory, "honor": honor, "wisdom": wisdom}
        rows.add("characters_renownincident", name=name, **renown, **PUBLISHED)
    permissions = {
        condition: rows.add("characters_giftpermission", shifter="werewolf", condition=condition)
        for condition in dict.fromkeys(condition for *_, condition in GIFTS)
    }
    return Werewolves(
        catalogue,
        tribes=tuple(_add_tribe(rows, *tribe) for tribe in TRIBES),
        gifts=tuple(_add_gift(rows, permissions, *gift) for gift in GIFTS),
        permissions=permissions,
        rites=tuple(_add_rite(rows, *rite) for rite in RITES),
        totems=tuple(_add_totem(rows, *totem) for totem in TOTEMS),
        scars=tuple(
            rows.add("characters_battlescar", name=name, glory=glory, **PUBLISHED) for name, glory in BATTLE_SCARS
        ),
    )


def _add_tribe(rows: Rows, name: str, willpower: int, camp: str) -> Tribe:
    tribe = rows.add("characters_tribe", name=name, willpower=willpower, **PUBLISHED)
    return Tribe(tribe, name, rows.add("characters_camp", name=camp, tribe_id=tribe, camp_type="camp", **PUBLISHED))


def _add_gift(rows: Rows, permissions: Mapping[str, int], name: str, rank: int, condition: str) -> Gift:
    gift = rows.add("characters_gift", name=name, rank=rank, **PUBLISHED)
    rows.link("characters_gift_allowed", gift, permissions[condition])
    return Gift(gift, rank, condition)


def _add_rite(rows: Rows, name: str, level: int, kind: str) -> int:
    return rows.add("characters_rite", name=name, level=level, rite_type=kind, **PUBLISHED)


def _add_totem(rows: Rows, name: str, cost: int, kind: str) -> int:
    return rows.add("characters_totem", name=name, cost=cost, totem_type=kind, **PUBLISHED)
