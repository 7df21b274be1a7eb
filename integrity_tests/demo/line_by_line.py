"""The characters, groups and reference objects that are written down line by line rather than drawn by chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random
from typing import Final

from .characters import Character, Draft, add_character, enter, spread
from .game_lines import changeling, demon, fera, hunter, mortal, mummy, numina, undead, wraith
from .people import Chronicle
from .reference import Catalogue
from .row_text import Entry, Listing, add_objects, entries
from .rows import Rows

_CHARACTER: Final = "characters_charactermodel"
_HUMAN: Final = "characters_human"
_SOURCES_EACH: Final = 4
_PLAYED: Final = ("characters_group", "characters_rote")  # what players make, and storytellers approve

# Game line, the number of the chronicle that its people live in, and what is written down about them.
_LINES: Final[tuple[tuple[str, int, tuple[Listing, ...]], ...]] = (
    ("wod", 6, mortal.LISTINGS),
    ("vtm", 0, undead.LISTINGS),
    ("wta", 2, fera.LISTINGS),
    ("mta", 4, numina.LISTINGS),
    ("ctd", 6, changeling.LISTINGS),
    ("wto", 6, wraith.LISTINGS),
    ("dtf", 6, demon.LISTINGS),
    ("htr", 6, hunter.LISTINGS),
    ("mtr", 6, mummy.LISTINGS),
)


def populate(
    rows: Rows, chance: Random, chronicles: Sequence[Chronicle], catalogue: Catalogue
) -> tuple[Character, ...]:
    """Add everything; return the humans among the characters."""
    cast: list[Character] = []
    for line, number, listings in _LINES:
        stage = _Stage(rows, chance, line, chronicles[number], catalogue)
        cast.extend(one for listing in listings for one in stage.add(listing))
    add_sources(rows, catalogue)
    return tuple(cast)


def add_sources(rows: Rows, catalogue: Catalogue) -> None:
    """Say of some objects of every class in which book one reads about them."""
    for table in sorted(rows.tables):
        owner = table.removesuffix("_sources")
        if table.startswith("characters_") and owner != table and not rows.size(table):
            for number, one in enumerate(rows.ids(owner)[:_SOURCES_EACH]):
                rows.link(table, one, catalogue.references[number % len(catalogue.references)])


@dataclass(frozen=True, slots=True)
class _Written:
    """A kind of one: what is written down about a character, and dots where they fall."""

    table: str
    line: str
    entry: Entry
    dots: tuple[tuple[tuple[str, ...], int, int], ...]

    def traits(self, chance: Random, draft: Draft) -> dict[str, object]:
        """What is written goes before what falls."""
        del draft
        fallen: dict[str, object] = {}
        for words, count, most in self.dots:
            fallen |= spread(chance, words, count, most)
        return fallen | self.entry.values

    def finish(self, rows: Rows, chance: Random, character: Character) -> None:
        """Add what the character is linked with."""
        del chance
        self.entry.link(rows, character.id)


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where the people of a game line live."""

    rows: Rows
    chance: Random
    line: str
    chronicle: Chronicle
    catalogue: Catalogue

    def add(self, listing: Listing) -> list[Character]:
        """Add what a listing says; return the humans."""
        chain = self.rows.chain(listing.table)
        if chain[0] == _CHARACTER:
            return self._add_characters(listing, human=_HUMAN in chain)
        here = {"chronicle_id": self.chronicle.id, "owner_id": self.chronicle.storytellers[0]}
        add_objects(self.rows, listing, **(here if chain[0] in _PLAYED else {}))
        return []

    def _add_characters(self, listing: Listing, human: bool) -> list[Character]:
        players = cycle(self.chronicle.players)
        cast = []
        for entry in entries(self.rows, listing):
            chosen, values = self._draft(next(players), entry.values)
            if human:
                cast.append(self._add_human(listing, chosen, Entry(values, entry.links)))
            else:
                entry.link(self.rows, enter(self.rows, self.chance, listing.table, chosen, **values))
        return cast

    def _draft(self, player: int, values: Mapping[str, object]) -> tuple[Draft, dict[str, object]]:
        """Tell how far a character has come and whose it is from the rest of what is written about it."""
        rest = dict(values)
        status, npc = str(rest.pop("status", "App")), bool(rest.pop("npc", False))
        owner = self.chance.choice((self.chronicle.storytellers[0], None)) if npc else player
        return Draft(self.chronicle, status, npc, owner), rest

    def _add_human(self, listing: Listing, chosen: Draft, entry: Entry) -> Character:
        name = str(entry.values.pop("name"))
        dots = tuple((tuple(one.words.split()), one.count, one.most) for one in listing.dots)
        kind = _Written(listing.table, self.line, entry, dots)
        return add_character(self.rows, self.chance, kind, chosen, self.catalogue, name)
