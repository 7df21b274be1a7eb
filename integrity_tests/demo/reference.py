"""The reference catalogue that all game lines share: traits, archetypes, languages, merits, books."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from .rows import Rows
from .vocabulary.common import (
    ABILITIES,
    ARCHETYPES,
    ATTRIBUTES,
    BACKGROUNDS,
    BOOKS,
    DERANGEMENTS,
    LANGUAGES,
    MERITS_FLAWS,
    OBJECT_TYPES,
    SPECIALTIES,
)

PUBLISHED: Final[Mapping[str, object]] = {"status": "App", "visibility": "PUB"}
"""Reference objects are there for everyone."""

_PAGES: Final = (7, 21, 48, 96, 133, 170)
_LINE_TABLES: Final = ("characters_vtmhuman", "characters_wtahuman", "characters_mtahuman")


@dataclass(frozen=True, slots=True)
class Merit:
    """A merit or flaw: the ratings it offers and the game line it belongs to."""

    id: int
    name: str
    ratings: tuple[int, ...]
    line: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Ids of the shared reference objects, by the word that the demo knows them by."""

    archetypes: tuple[int, ...]
    languages: Mapping[int, int]
    statistics: Mapping[str, int]
    extra_abilities: Mapping[str, tuple[str, ...]]
    backgrounds: Mapping[str, int]
    poolable: tuple[str, ...]
    merits: tuple[Merit, ...]
    specialties: Mapping[str, tuple[int, ...]]
    derangements: tuple[int, ...]
    references: tuple[int, ...]


def title(word: str) -> str:
    """A column name as people write it."""
    return word.replace("_", " ").title()


def populate(rows: Rows) -> Catalogue:
    """Add everything; later, game lines add their own."""
    object_types = _add_object_types(rows)
    references = _add_books(rows)
    statistics, extra = _add_statistics(rows)
    archetypes = tuple(rows.add("characters_archetype", name=name, **PUBLISHED) for name in ARCHETYPES)
    for number, archetype in enumerate(archetypes):
        rows.link("characters_archetype_sources", archetype, references[number % len(references)])
    return Catalogue(
        archetypes=archetypes,
        languages={rows.add("core_language", name=name, frequency=often): often for name, often in LANGUAGES},
        statistics=statistics,
        extra_abilities=extra,
        backgrounds={word: _add_background(rows, *words) for words in BACKGROUNDS for word in (words[1],)},
        poolable=tuple(word for _, word, _, poolable in BACKGROUNDS if poolable),
        merits=_add_merits(rows, object_types),
        specialties={stat: _add_specialties(rows, stat, names) for stat, names in SPECIALTIES.items()},
        derangements=tuple(rows.add("characters_derangement", name=name, **PUBLISHED) for name in DERANGEMENTS),
        references=references,
    )


def _add_object_types(rows: Rows) -> dict[str, int]:
    return {
        name: rows.add("game_objecttype", name=name, type=kind, gameline=line)
        for (kind, line), names in OBJECT_TYPES.items()
        for name in names.split()
    }


def _add_books(rows: Rows) -> tuple[int, ...]:
    """Add books with references into them, and the news that they arrived."""
    references: list[int] = []
    for number, (name, edition, line) in enumerate(BOOKS, start=1):
        book = rows.add("core_book", name=name, edition=edition, gameline=line, url="")
        references.extend(rows.add("core_bookreference", book_id=book, page=page) for page in _PAGES)
        rows.add("core_newsitem", title=f"{name} is on the shelf", content="Enjoy.", date=date(2024, number % 6 + 1, 3))
    return tuple(references)


def _add_statistics(rows: Rows) -> tuple[dict[str, int], dict[str, tuple[str, ...]]]:
    """Add attributes and abilities, named after the columns that hold them."""
    found: dict[str, int] = {}
    for word in (word for group in ATTRIBUTES for word in group):
        found[word] = rows.add("characters_attribute", name=title(word), property_name=word)
    extra = {table: _extra_abilities(rows, table) for table in _LINE_TABLES}
    words = [*(word for group in ABILITIES for word in group), *(word for group in extra.values() for word in group)]
    for word in dict.fromkeys(words):
        found[word] = rows.add("characters_ability", name=title(word), property_name=word)
    return found, extra


def _extra_abilities(rows: Rows, table: str) -> tuple[str, ...]:
    """The abilities that a game line adds to those of every human. Its background columns are no longer in use."""
    stale = {word for _, word, *_ in BACKGROUNDS} if table == "characters_vtmhuman" else set()
    columns = rows.tables[table].starts
    return tuple(word for word in columns if not word.endswith("_ptr_id") and word not in stale)


def _add_background(rows: Rows, name: str, word: str, multiplier: int, poolable: bool) -> int:
    traits = {"multiplier": multiplier, "poolable": poolable}
    return rows.add("characters_background", name=name, property_name=word, **traits)


def _add_merits(rows: Rows, object_types: Mapping[str, int]) -> tuple[Merit, ...]:
    numbers = {value: rows.add("core_number", value=value) for value in range(-10, 11)}
    merits = []
    for name, ratings, line in MERITS_FLAWS:
        bounds = {"min_rating": min(ratings), "max_rating": max(ratings)}
        merit = rows.add("characters_meritflaw", name=name, **bounds, **PUBLISHED)
        for rating in ratings:
            rows.link("characters_meritflaw_ratings", merit, numbers[rating])
        rows.link(
            "characters_meritflaw_allowed_types", merit, object_types["human" if line == "human" else f"{line}_human"]
        )
        merits.append(Merit(merit, name, ratings, line))
    return tuple(merits)


def _add_specialties(rows: Rows, stat: str, names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(rows.add("characters_specialty", name=name, stat=stat, **PUBLISHED) for name in names)
