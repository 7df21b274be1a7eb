"""Characters: what all humans of all game lines share. Each line adds its own traits through `Kind`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final, Protocol

from .people import Chronicle
from .reference import Catalogue, Merit
from .rows import Rows
from .vocabulary.common import ABILITIES, ATTRIBUTES
from .vocabulary.people import CONCEPTS, CULTURES, EPITHETS, GOALS, HISTORIES

_NPC_SHARE: Final = 0.35
_PLAYER_STATUS: Final = {"App": 60, "Un": 12, "Sub": 8, "Ret": 11, "Dec": 9}
_NPC_STATUS: Final = {"App": 86, "Dec": 9, "Ret": 5}
_ATTRIBUTE_DOTS: Final = (7, 5, 3)
_ABILITY_DOTS: Final = (13, 9, 5)
_MOST_DOTS_OF_ABILITY: Final = 4
_MOST_DOTS_OF_FLAWS: Final = -7


@dataclass(frozen=True, slots=True)
class Draft:
    """A character before it has a sheet."""

    chronicle: Chronicle
    status: str
    npc: bool
    owner: int | None

    @property
    def finished(self) -> bool:
        """Whether a storyteller has ever approved it."""
        return self.status in ("App", "Ret", "Dec")


@dataclass(frozen=True, slots=True)
class Character:
    """A character whose rows have been added."""

    id: int
    table: str
    line: str
    name: str
    draft: Draft
    sheet: Mapping[str, object]

    @property
    def chronicle(self) -> Chronicle:
        """Where it plays."""
        return self.draft.chronicle

    def dots(self, trait: str) -> int:
        """The rating of a trait, 0 if the sheet does not list it."""
        rating = self.sheet.get(trait, 0)
        return rating if isinstance(rating, int) else 0


class Kind(Protocol):
    """A kind of character: one class of one game line."""

    @property
    def table(self) -> str:
        """The table of the deepest class."""

    @property
    def line(self) -> str:
        """The game line's code."""

    def traits(self, chance: Random, draft: Draft) -> dict[str, object]:
        """The columns that this kind has beyond those of a human, or has otherwise."""

    def finish(self, rows: Rows, chance: Random, character: Character) -> None:
        """Add what hangs on the character: ratings, titles, gifts."""


class Namer:
    """Gives every character a name of its own."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._taken: set[str] = set()

    def name(self) -> str:
        """Return a full name that nobody had before."""
        while True:
            name = self._draw()
            if name not in self._taken:
                self._taken.add(name)
                return name

    def _draw(self) -> str:
        givens, families = self._chance.choice(CULTURES)
        if self._chance.random() < 0.2:
            _, families = self._chance.choice(CULTURES)
        name = f"{self._chance.choice(givens)} {self._chance.choice(families)}"
        return f"{name} {self._chance.choice(EPITHETS)}" if self._chance.random() < 0.1 else name


def weighted(chance: Random, weights: Mapping[str, int]) -> str:
    """Draw one of the words by its weight."""
    return chance.choices(list(weights), list(weights.values()))[0]


def spread(chance: Random, words: Sequence[str], dots: int, most: int, least: int = 0) -> dict[str, int]:
    """Spread dots over traits, none above the most."""
    ratings = dict.fromkeys(words, least)
    while dots and (open_words := [word for word in words if ratings[word] < most]):
        ratings[chance.choice(open_words)] += 1
        dots -= 1
    return ratings


def draft(chance: Random, chronicle: Chronicle) -> Draft:
    """Decide who owns a new character and how far it has come."""
    npc = chance.random() < _NPC_SHARE
    if npc:
        return Draft(chronicle, weighted(chance, _NPC_STATUS), npc, chance.choice((*chronicle.storytellers, None)))
    return Draft(chronicle, weighted(chance, _PLAYER_STATUS), npc, chance.choice(chronicle.players))


def add_character(rows: Rows, chance: Random, kind: Kind, chosen: Draft, catalogue: Catalogue, name: str) -> Character:
    """Add a human character of a kind with all that belongs to it, and its journal."""
    sheet = _sheet(chance, chosen, catalogue) | kind.traits(chance, chosen)
    number = enter(rows, chance, kind.table, chosen, name=name, **sheet)
    character = Character(number, kind.table, kind.line, name, chosen, sheet)
    _add_colour(rows, chance, character, catalogue)
    kind.finish(rows, chance, character)
    return character


def enter(rows: Rows, chance: Random, table: str, chosen: Draft, **sheet: object) -> int:
    """Add the rows of a character, human or not, and its journal."""
    number = rows.add(table, **(_standing(chance, chosen) | sheet))
    rows.add("game_journal", character_id=number)
    return number


def _standing(chance: Random, chosen: Draft) -> dict[str, object]:
    """The columns that every object of the application has."""
    values: dict[str, object] = {
        "chronicle_id": chosen.chronicle.id,
        "owner_id": chosen.owner,
        "status": chosen.status,
        "npc": chosen.npc,
        "freebies_approved": chosen.finished,
        "visibility": chance.choice(("PRI", "PRI", "CHR", "CHR", "PUB", "CUS")),
        "display": chance.random() < 0.95,
    }
    if chance.random() < 0.15:
        values["image"] = (
            f"characters/{chosen.chronicle.id}/{chance.randrange(16**8):08x}.{chance.choice(('jpg', 'png', 'webp'))}"
        )
        values["image_status"] = chance.choice(("un", "sub", "app", "app"))
    return values


def _sheet(chance: Random, chosen: Draft, catalogue: Catalogue) -> dict[str, object]:
    """The columns of a human being."""
    willpower = chance.randint(3, 8)
    sheet: dict[str, object] = {
        "concept": chance.choice(CONCEPTS) if chosen.status != "Un" or chance.random() < 0.6 else "",
        "creation_status": 10 if chosen.finished else chance.randint(1, 9),
        "willpower": willpower,
        "temporary_willpower": willpower if chance.random() < 0.6 else chance.randint(0, willpower),
        "nature_id": chance.choice(catalogue.archetypes),
        "demeanor_id": chance.choice(catalogue.archetypes),
        "current_health_levels": "B" * chance.choice((0, 0, 0, 0, 1, 2)),
    }
    return sheet | _life(chance, chosen, chance.randint(17, 71)) | _dots(chance)


def _life(chance: Random, chosen: Draft, age: int) -> dict[str, object]:
    """Age, and what a player may or may not have written about it."""
    born = date(chosen.chronicle.year - age, chance.randint(1, 12), chance.randint(1, 28))
    return {
        "age": age,
        "apparent_age": age,
        "date_of_birth": born if chance.random() < 0.6 else None,
        "history": chance.choice(HISTORIES) if chance.random() < 0.5 else "",
        "goals": chance.choice(GOALS) if chance.random() < 0.5 else "",
    }


def _dots(chance: Random) -> dict[str, object]:
    """Attributes and abilities, each group with its share of dots."""
    dots: dict[str, object] = {}
    for group, count in zip(ATTRIBUTES, chance.sample(_ATTRIBUTE_DOTS, 3), strict=True):
        dots |= spread(chance, group, count, most=5, least=1)
    for words, count in zip(ABILITIES, chance.sample(_ABILITY_DOTS, 3), strict=True):
        dots |= spread(chance, words, count, most=_MOST_DOTS_OF_ABILITY)
    return dots


def extra_abilities(chance: Random, catalogue: Catalogue, table: str) -> dict[str, object]:
    """A few dots in the abilities that a game line adds."""
    words = chance.sample(catalogue.extra_abilities[table], chance.randint(3, 6))
    return {word: chance.randint(1, 3) for word in words}


def _add_colour(rows: Rows, chance: Random, character: Character, catalogue: Catalogue) -> None:
    """Add languages, backgrounds, merits, specialties, an odd derangement."""
    _add_languages(rows, chance, character, catalogue)
    _add_backgrounds(rows, chance, character, catalogue)
    _add_merits(rows, chance, character, catalogue)
    _add_specialty(rows, chance, character, catalogue)
    if chance.random() < 0.04:
        rows.link("characters_human_derangements", character.id, chance.choice(catalogue.derangements))


def _add_languages(rows: Rows, chance: Random, character: Character, catalogue: Catalogue) -> None:
    ids, frequencies = list(catalogue.languages), list(catalogue.languages.values())
    for language in dict.fromkeys(chance.choices(ids, frequencies, k=chance.choice((1, 1, 2, 3)))):
        rows.link("characters_human_languages", character.id, language)


def _add_backgrounds(rows: Rows, chance: Random, character: Character, catalogue: Catalogue) -> None:
    for word in chance.sample(list(catalogue.backgrounds), chance.choice((0, 1, 2, 3))):
        rating = {"char_id": character.id, "bg_id": catalogue.backgrounds[word], "rating": chance.randint(1, 4)}
        rows.add("characters_backgroundrating", **rating, complete=chance.random() < 0.5)


def _add_merits(rows: Rows, chance: Random, character: Character, catalogue: Catalogue) -> None:
    merits = [merit for merit in catalogue.merits if merit.line in ("human", character.line)]
    flaws = 0
    for merit in chance.sample(merits, chance.choice((0, 0, 1, 2))):
        rating = _rating(chance, merit)
        flaws += min(rating, 0)
        if flaws >= _MOST_DOTS_OF_FLAWS:
            rows.add("characters_meritflawrating", character_id=character.id, mf_id=merit.id, rating=rating)


def _rating(chance: Random, merit: Merit) -> int:
    return chance.choice(merit.ratings)


def _add_specialty(rows: Rows, chance: Random, character: Character, catalogue: Catalogue) -> None:
    strong = [stat for stat in catalogue.specialties if character.dots(stat) >= _MOST_DOTS_OF_ABILITY]
    for stat in chance.sample(strong, min(len(strong), 2)):
        rows.link("characters_human_specialties", character.id, chance.choice(catalogue.specialties[stat]))
