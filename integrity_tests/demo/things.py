"""Things that characters own, the havens of vampires, and who may look on."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from .characters import Character
from .game_lines.mage import Mages
from .people import Chronicle, People
from .places import Values
from .rows import Rows
from .vocabulary.play import BLADES, CURIOS, GUNS, HAVENS, MATERIALS, MEDIA, PLACES, TOUCHES
from .vocabulary.werewolf import SPIRITS

_OWNERS_EACH: Final = 70
_ONLOOKERS_EACH: Final = 9
_GRANTED: Final = datetime(2024, 2, 1, 18, tzinfo=UTC)


def populate(rows: Rows, chance: Random, cast: Sequence[Character], folk: People, mages: Mages) -> None:
    """Add belongings and onlookers for some approved characters of every chronicle."""
    for name, is_hard in MATERIALS.items():
        rows.add("items_material", name=name, is_hard=is_hard)
    for name, kind, modifier in MEDIA:
        rows.add("items_medium", name=name, length_modifier_type=kind, length_modifier=modifier)
    for chronicle in folk.chronicles:
        living = [one for one in cast if one.chronicle.id == chronicle.id and one.draft.status == "App"]
        for owner in chance.sample(living, _OWNERS_EACH):
            _add_belongings(rows, chance, owner, mages)
        _add_onlookers(rows, chance, chronicle, living)


def _add_belongings(rows: Rows, chance: Random, owner: Character, mages: Mages) -> None:
    """Give a character a weapon and something of its own line."""
    keeper = owner.draft.owner or owner.chronicle.storytellers[0]
    status = chance.choice(("App", "App", "App", "Sub", "Un"))
    common: Values = {"chronicle_id": owner.chronicle.id, "owner_id": keeper, "status": status}
    items = [_add_weapon(rows, chance, owner, common)]
    match owner.table:
        case "characters_vampire":
            _add_haven(rows, chance, owner, common)
            items.append(_add_artifact(rows, chance, owner, common))
        case "characters_werewolf":
            items.append(_add_fetish(rows, chance, owner, common))
        case "characters_mage":
            items.append(_add_wonder(rows, chance, owner, common, mages))
    for item in items:
        rows.link("items_itemmodel_owned_by", item, owner.id)


def _owned(chance: Random, owner: Character, thing: str) -> str:
    return f"{owner.name}'s {chance.choice(TOUCHES)} {thing.lower()}"


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


def _add_artifact(rows: Rows, chance: Random, owner: Character, common: Values) -> int:
    if chance.random() < 0.3:
        blood: Values = {"max_blood": 5, "blood_stored": chance.randint(0, 5)}
        return rows.add("items_bloodstone", name=_owned(chance, owner, "bloodstone"), **common, **blood)
    values: Values = {"power_level": chance.randint(1, 5), "is_cursed": chance.random() < 0.2}
    return rows.add("items_vampireartifact", name=_owned(chance, owner, chance.choice(CURIOS)), **common, **values)


def _add_fetish(rows: Rows, chance: Random, owner: Character, common: Values) -> int:
    rank = chance.randint(1, 4)
    table = chance.choice(("items_fetish", "items_talen"))
    values: Values = {"rank": rank, "background_cost": rank, "gnosis": rank + 3, "spirit": chance.choice(SPIRITS)}
    return rows.add(table, name=_owned(chance, owner, chance.choice(CURIOS)), **common, **values)


def _add_wonder(rows: Rows, chance: Random, owner: Character, common: Values, mages: Mages) -> int:
    """Add a wonder of one of four kinds; a talisman has as many powers as its rank, a periapt charges to spare."""
    rank = chance.randint(1, 4)
    table, values = chance.choice(_wonders(chance, rank, mages))
    name = _owned(chance, owner, "notebook" if table == "items_grimoire" else chance.choice(CURIOS))
    sizes: Values = {"rank": rank, "background_cost": 2 * rank, "quintessence_max": 5 * rank}
    wonder = rows.add(table, name=name, **sizes, **values, **common)
    if table == "items_talisman":
        for effect in chance.sample(mages.effects, rank):
            rows.link("items_talisman_powers", wonder, effect)
    return wonder


def _wonders(chance: Random, rank: int, mages: Mages) -> tuple[tuple[str, Values], ...]:
    languages = list(mages.catalogue.languages)
    text = {"medium_id": 1, "language_id": chance.choice(languages), "date_written": chance.randint(1600, 1990)}
    return (
        ("items_charm", {"arete": rank, "power_id": chance.choice(mages.effects)}),
        ("items_talisman", {"arete": rank}),
        ("items_periapt", {"arete": rank, "max_charges": 10 * rank, "current_charges": chance.randint(0, 10 * rank)}),
        ("items_grimoire", {**text, "length": rank * 40}),
    )


def _add_onlookers(rows: Rows, chance: Random, chronicle: Chronicle, living: Sequence[Character]) -> None:
    """Let players see characters that are not theirs."""
    for number, one in enumerate(chance.sample(living, _ONLOOKERS_EACH)):
        rows.add(
            "core_observer",
            content_type_id=rows.content_type(one.table),
            object_id=one.id,
            user_id=chance.choice([player for player in chronicle.players if player != one.draft.owner]),
            granted_by_id=chronicle.storytellers[0],
            granted_at=_GRANTED + timedelta(days=number),
            notes="",
        )
