"""Traits of single game lines that were bought: with experience from a long story, with freebie points for a backstory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from .characters import Character
from .people import Chronicle
from .reference import title
from .rows import Rows
from .spending import Purchase, add_spend, decision
from .vocabulary.mage import SPHERES
from .vocabulary.vampire import DISCIPLINES

_BUYERS_EACH: Final = 8
_MOST: Final = 3
_MOST_FOR_BACKSTORY: Final = 15
_BOUGHT: Final = datetime(2024, 6, 6, 18, tzinfo=UTC)
_CREATED: Final = datetime(2023, 12, 2, 18, tzinfo=UTC)
_NEVER_TAKEN: Final = ("Ambidextrous", 1)


@dataclass(frozen=True, slots=True)
class Trade:
    """A kind of trait and the columns that it covers; what the first dot costs, what each next one, what in freebies."""

    kind: str
    words: Sequence[str]
    first: int
    each: int
    freebies: int
    applies: bool = True
    """Whether the application can apply what is bought, so that a request may wait for it."""

    def offer(self, one: Character) -> Purchase | None:
        """The first trait of this kind that the character has, at a moderate rating."""
        for word in self.words:
            value = min(one.dots(word), _MOST)
            cost = self.first if value == 1 else self.each * (value - 1)
            if value and cost:
                return Purchase(self.kind, title(word), value, cost)
        return None


_TRADES: Final[Mapping[str, tuple[Trade, ...]]] = {
    "characters_vampire": (
        Trade("discipline", DISCIPLINES, 10, 7, 7),
        Trade("virtue", ("conscience", "self_control", "courage"), 0, 2, 2, applies=False),
    ),
    "characters_werewolf": (Trade("rage", ("rage",), 0, 1, 1), Trade("gnosis", ("gnosis",), 0, 2, 2)),
    "characters_mage": (Trade("arete", ("arete",), 0, 8, 4), Trade("sphere", SPHERES, 10, 8, 7)),
    "characters_wraith": (
        Trade("arcanos", "argos castigate embody fatalism lifeweb moliate pandemonium".split(), 7, 3, 5, applies=False),
        Trade("corpus", ("corpus",), 0, 1, 1),
    ),
    "characters_changeling": (
        Trade("art", "chicanery legerdemain primal soothsay sovereign wayfare".split(), 7, 4, 5, applies=False),
        Trade("glamour", ("glamour",), 0, 3, 3),
    ),
    "characters_demon": (
        Trade("lore", ("lore_of_flame", "lore_of_paths"), 7, 5, 7),
        Trade("faith", ("faith",), 0, 7, 6),
    ),
    "characters_thrall": (Trade("faith_potential", ("faith_potential",), 0, 10, 7),),
    "characters_mummy": (
        Trade("hekau", "alchemy celestial divination effigy necromancy".split(), 7, 4, 5, applies=False),
        Trade("balance", ("balance",), 0, 7, 4),
    ),
}


def populate(rows: Rows, chance: Random, cast: Sequence[Character]) -> None:
    """Let some player characters of each line buy a trait of their own."""
    stories: dict[Chronicle, int] = {}
    for table, trades in _TRADES.items():
        buyers = [one for one in cast if one.table == table and one.draft.status == "App" and not one.draft.npc]
        for number, one in enumerate(buyers[:_BUYERS_EACH]):
            if one.chronicle not in stories:
                name = f"The Hundred Nights ({one.chronicle.name})"
                stories[one.chronicle] = rows.add("game_story", name=name, xp_given=True)
            trade = trades[number % len(trades)]
            if purchase := trade.offer(one):
                _pay_for(rows, stories[one.chronicle], one, purchase)
                waits = trade.applies and number + 1 >= _BUYERS_EACH // 2
                _ask(rows, chance, one, purchase, waits=waits)
                _spend_freebies(rows, chance, one, trade, purchase)


def _pay_for(rows: Rows, story: int, one: Character, purchase: Purchase) -> None:
    """Give just the experience that is spent."""
    rows.add("game_storyxprequest", story_id=story, character_id=one.id, duration=purchase.cost)


def _ask(rows: Rows, chance: Random, one: Character, purchase: Purchase, *, waits: bool) -> None:
    asked = _BOUGHT + timedelta(minutes=chance.randrange(14 * 24 * 60))
    decided = {} if waits else decision(chance, one, asked)
    add_spend(rows, "game_xpspendingrequest", one, purchase, created_at=asked, **decided)


def _spend_freebies(rows: Rows, chance: Random, one: Character, trade: Trade, purchase: Purchase) -> None:
    """Record merits, flaws and a dot that a backstory has brought, and the merit that a storyteller refused."""
    bought = [Purchase(trade.kind, purchase.name, 1, trade.freebies), *_merits(rows, one)]
    if 0 <= sum(one.cost for one in bought) <= _MOST_FOR_BACKSTORY:
        for each in bought:
            add_spend(rows, "game_freebiespendingrecord", one, each, **_settled(chance, one, "Approved"))
    name, rating = _NEVER_TAKEN
    if name not in [merit.name for merit in bought]:
        refused = Purchase("meritflaw", name, rating, rating)
        add_spend(rows, "game_freebiespendingrecord", one, refused, **_settled(chance, one, "Denied"))


def _settled(chance: Random, one: Character, word: str) -> dict[str, object]:
    created = _CREATED + timedelta(minutes=chance.randrange(30 * 24 * 60))
    return {"created_at": created, **decision(chance, one, created, word)}


def _merits(rows: Rows, one: Character) -> list[Purchase]:
    """What is rated on the sheet; a flaw costs less than nothing."""
    found = []
    for rating in rows.ids("characters_meritflawrating", character_id=one.id):
        merit = rows.value("characters_meritflawrating", rating, "mf_id")
        dots = rows.value("characters_meritflawrating", rating, "rating")
        if isinstance(merit, int) and isinstance(dots, int):
            name = str(rows.value("characters_meritflaw", merit, "name"))
            found.append(Purchase("meritflaw", name, dots, dots))
    return found
