"""Spending: freebie points at creation, experience afterwards. What is left is what the sheet shows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from .characters import Character
from .reference import title
from .rows import Rows
from .vocabulary.common import ABILITIES, ATTRIBUTES

_POOL: Final = 15
_CREATED: Final = datetime(2023, 11, 4, 10, tzinfo=UTC)
_ASKED: Final = datetime(2024, 3, 2, 19, tzinfo=UTC)
_LATELY: Final = datetime(2024, 6, 4, 19, tzinfo=UTC)
_ATTRIBUTES: Final = tuple(word for group in ATTRIBUTES for word in group)
_ABILITIES: Final = tuple(word for group in ABILITIES for word in group)
_FREEBIE_COSTS: Final = {"attribute": 5, "ability": 2, "willpower": 1}


@dataclass(frozen=True, slots=True)
class Purchase:
    """A trait bought up to a value."""

    kind: str
    name: str
    value: int
    cost: int


def populate(rows: Rows, chance: Random, cast: Sequence[Character], earned: Mapping[int, int]) -> None:
    """Spend every player character's freebies and some of the experience."""
    for one in cast:
        if not one.draft.npc:
            _spend_freebies(rows, chance, one)
        else:
            rows.change(one.table, one.id, freebies=0)
        if one.id in earned:
            rows.change(one.table, one.id, xp=earned[one.id] - _spend_experience(rows, chance, one, earned[one.id]))


def _raised(chance: Random, one: Character) -> Iterator[tuple[str, str, int]]:
    """Traits above their start, in random order: (kind, column, rating)."""
    traits = [("attribute", word, one.dots(word)) for word in _ATTRIBUTES if one.dots(word) > 1]
    traits += [("ability", word, one.dots(word)) for word in _ABILITIES if one.dots(word) > 0]
    traits.append(("willpower", "willpower", one.dots("willpower")))
    return iter(chance.sample(traits, len(traits)))


def _spend_freebies(rows: Rows, chance: Random, one: Character) -> None:
    """Spend the pool if the character is past creation, else a part; the old ledger mirrors some of it."""
    left = _POOL
    keep = 0 if one.draft.finished else chance.randint(0, _POOL)
    spent: list[dict[str, object]] = []
    for kind, column, rating in _raised(chance, one):
        cost = _FREEBIE_COSTS[kind]
        if left - cost < keep:
            continue
        left -= cost
        _add_freebie(rows, chance, one, Purchase(kind, title(column), rating, cost))
        spent.append({"trait": title(column), "value": rating, "cost": cost})
    rows.change(one.table, one.id, freebies=left, spent_freebies=spent if chance.random() < 0.2 else [])


def _add_freebie(rows: Rows, chance: Random, one: Character, purchase: Purchase) -> None:
    created = _CREATED + timedelta(minutes=chance.randrange(60 * 24 * 60))
    decided = decision(chance, one, created) if one.draft.finished else {}
    add_spend(rows, "game_freebiespendingrecord", one, purchase, created_at=created, **decided)


def decision(chance: Random, one: Character, created: datetime, approved: str = "Approved") -> dict[str, object]:
    """What a storyteller who does not own the character writes."""
    tellers = [teller for teller in one.chronicle.storytellers if teller != one.draft.owner]
    at = created + timedelta(minutes=chance.randint(20, 4000))
    return {"approved": approved, "approved_at": at, "approved_by_id": chance.choice(tellers)}


def add_spend(rows: Rows, table: str, one: Character, purchase: Purchase, **values: object) -> None:
    """Enter a purchase; it is pending unless the values say otherwise."""
    bought: dict[str, object] = {"trait_type": purchase.kind, "trait_name": purchase.name, "approved": "Pending"}
    bought |= {"trait_value": purchase.value, "cost": purchase.cost}
    rows.add(table, character_id=one.id, **(bought | values))


def _spend_experience(rows: Rows, chance: Random, one: Character, earned: int) -> int:
    """Spend up to what was earned; return what is gone from the pool."""
    gone = 0
    for kind, column, rating in _raised(chance, one):
        cost = _price(kind, rating)
        if cost and gone + cost <= earned and chance.random() < 0.5:
            gone += _ask(rows, chance, one, Purchase(kind, title(column), rating, cost))
    return gone


def _price(kind: str, value: int) -> int:
    """What the spending service charges for reaching this value."""
    match kind:
        case "attribute":
            return 4 * (value - 1)
        case "ability":
            return 3 if value == 1 else 2 * (value - 1)
        case _:
            return value - 1


def _ask(rows: Rows, chance: Random, one: Character, purchase: Purchase) -> int:
    """Add a request: most are approved; a mage's may be refused and paid back; some still wait."""
    created = _ASKED + timedelta(minutes=chance.randrange(100 * 24 * 60))
    luck = chance.random()
    if luck < 0.06 and one.table == "characters_mage":
        values = decision(chance, one, created, "Denied")
    elif luck > 0.95 and one.draft.status == "App":
        values = {"approved": "Pending", "created_at": _LATELY + (created - _ASKED) / 5}
    else:
        values = decision(chance, one, created)
    add_spend(rows, "game_xpspendingrequest", one, purchase, **({"created_at": created} | values))
    return 0 if values["approved"] == "Denied" else purchase.cost
