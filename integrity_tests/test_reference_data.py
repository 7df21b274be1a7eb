"""Reference data: what the books list, and what the application looks up by name or number."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.things import (
    BACKGROUNDS_LISTED,
    COLUMN_STATISTICS,
    DEMON_COLUMNS,
    OFFERS,
    SHEET_COLUMNS,
    SPELLINGS,
    STATISTICS,
    TYPED_SPELLINGS,
    TYPED_STATISTICS,
)
from .words.classes import GAME_LINES, OBJECTS
from .words.things import SET, plain_choices

MERGE: Final = "which of them others refer to, and which can go, only a person knows"
"""Why a person mends what is there twice."""

NAMED: Final = tuple(
    f"characters_{model}"
    for model in "meritflaw practice tenet rite lore advantage spiritcharm linearmagicpath linearmagicritual".split()
)
"""What is looked up by its name; gifts too, but two gifts of one name are in the books."""

TYPES: Final = tuple(f"characters_{model}" for model in "ability attribute background discipline sphere".split())
"""The types of statistics, which are looked up by name as well."""

KEYS: Final = (
    ("core_language", "name"),
    ("core_number", "value"),
    ("characters_resonance", "name"),
    ("core_book", "name"),
    ("game_objecttype", "name"),
)
PAIRS: Final = (
    ("core_bookreference", "book_id", "page"),
    ("characters_specialty", "name", "stat"),
    ("characters_giftpermission", "shifter", "condition"),
    ("game_settingelement", "name", "description"),
)
"""What is made when it is first asked for, by one column or by two."""

REFERRING: Final = (*OBJECTS, "core_houserule")
"""The tables whose rows say on which page of which book one reads about them."""

LINES: Final = (
    "World of Darkness",
    "Vampire: the Masquerade",
    "Werewolf: the Apocalypse",
    "Mage: the Ascension",
    "Wraith: the Oblivion",
    "Changeling: the Dreaming",
    "Demon: the Fallen",
    "Hunter: the Reckoning",
    "Mummy: the Resurrection",
)


@pytest.mark.parametrize(("table", "column", "values"), plain_choices("core"))
@rule.one_of("{table}", "{column}", "%(values)s", fix_hint=SET)
def test_book_is_described_in_known_words(violations: Violations, table: str, column: str, values: list[str]) -> None:
    """Edition and game line of a book, and the game line of a house rule, are words that the application knows."""
    assert not violations


@rule.between("core_language", "frequency", 0, None, fix_hint="how often the language is spoken is in the book")
def test_frequency_of_language_is_not_negative(violations: Violations) -> None:
    """No language is spoken less often than never."""
    assert not violations


@rule.not_blank(
    STATISTICS,
    "property_name",
    severity="medium",
    fix=f"""
        CASE WHEN lower(name) IN (SELECT known.attname::text FROM {SHEET_COLUMNS.from_clause})
             THEN lower(name) ELSE property_name END
    """,
    overlaps=["REF-2", "REF-5"],
    tags=["REF-1"],
)
def test_statistic_names_its_property(violations: Violations) -> None:
    """An attribute, ability, background, Discipline or Sphere names the property that holds it.

    In the catalogue that is shipped, 26 Disciplines and 2 abilities name none, which stops every vampire at the fourth step
    of its creation. The fix names the property where the sheet has one of that name.
    """
    assert not violations


@rule.references(
    COLUMN_STATISTICS,
    "NULLIF(statistic.property_name, '')",
    SHEET_COLUMNS,
    "known.attname::text",
    breaks={"statistic.property_name": "'no such trait'"},
    fix_hint="which column was meant only a developer knows",
    overlaps=["REF-1"],
    tags=["REF-2"],
)
def test_property_of_statistic_is_on_a_sheet(violations: Violations) -> None:
    """The property of an attribute, ability, Discipline or Sphere is a column of a sheet."""
    assert not violations


@rule.references(
    "characters_lore",
    "'lore_of_' || property_name",
    DEMON_COLUMNS,
    "known.attname::text",
    severity="info",
    breaks={"property_name": "'no such thing'"},
    show=["name", "property_name"],
    fix_hint="which column was meant only a developer knows",
    tags=["REF-3"],
)
def test_property_of_lore_is_on_the_sheet_of_demons(violations: Violations) -> None:
    """The property of a Lore, with lore_of_ before it, is a column of the sheet of demons.

    The severity is info: in the catalogue that is shipped, 11 lack the article that the column has, and 3 have no column.
    """
    assert not violations


@pytest.mark.parametrize("table", NAMED)
@rule.unique("{table}", "name", fix_hint=MERGE, tags=["REF-4"])
def test_name_in_the_books_is_used_once(violations: Violations, table: str) -> None:
    """No two merits, practices, tenets, rites and the like have one name; the page that looks one up breaks."""
    assert not violations


@rule.unique("characters_gift", "name", severity="info", fix_hint=MERGE, tags=["REF-4"])
def test_name_of_gift_is_used_once(violations: Violations) -> None:
    """No two gifts have one name; the page that looks one up breaks.

    The severity is info: in the catalogue that is shipped, six names of gifts are used twice.
    """
    assert not violations


@pytest.mark.parametrize("table", TYPES)
@rule.unique(
    TYPED_STATISTICS,
    "statistic.name",
    fix_hint=MERGE,
    overlaps=["test_xp_spend_approved_is_on_the_sheet"],
    tags=["REF-4"],
)
def test_name_of_statistic_is_used_once(violations: Violations, table: str) -> None:
    """No two abilities have one name, nor attributes, backgrounds, Disciplines or Spheres."""
    assert not violations


@pytest.mark.parametrize("table", [*NAMED, "characters_gift"])
@rule.unique(
    SPELLINGS,
    "lower(btrim(spelling.name))",
    severity="info",
    breaks="""
    WITH respelled AS (
        UPDATE {table} SET name = upper(other.name)
        FROM (SELECT min(id) AS id, max(id) AS last, (array_agg(name ORDER BY id))[1] AS name FROM {table}) AS other
        WHERE {table}.id = other.last AND other.id <> other.last RETURNING other.id, other.last
    ) SELECT unnest(ARRAY[id, last]) FROM respelled
    """,
    fix_hint=MERGE,
    tags=["REF-12"],
)
def test_name_in_the_books_has_one_spelling(violations: Violations, table: str) -> None:
    """Names that have to differ do so by more than capitals and outer blanks.

    The severity is info: it stands to reason, but nothing in the application sees to it.
    """
    assert not violations


@pytest.mark.parametrize("table", TYPES)
@rule.unique(
    TYPED_SPELLINGS,
    "lower(btrim(spelling.name))",
    severity="info",
    breaks="""
    WITH same AS (
        SELECT min(statistic_ptr_id) AS first, max(statistic_ptr_id) AS last FROM {table}
    ), respelled AS (
        UPDATE characters_statistic SET name = upper(other.name)
        FROM same JOIN characters_statistic AS other ON other.id = same.first
        WHERE characters_statistic.id = same.last AND same.first <> same.last RETURNING same.first, same.last
    ) SELECT unnest(ARRAY[first, last]) FROM respelled
    """,
    fix_hint=MERGE,
    tags=["REF-12"],
)
def test_name_of_statistic_has_one_spelling(violations: Violations, table: str) -> None:
    """Names of statistics that have to differ do so by more than capitals and outer blanks.

    The severity is info: it stands to reason, but nothing in the application sees to it.
    """
    assert not violations


@pytest.mark.parametrize(("table", "column"), KEYS)
@rule.unique("{table}", "{column}", severity="high", fix_hint=MERGE, tags=["REF-5"])
def test_what_is_made_when_asked_for_is_there_once(violations: Violations, table: str, column: str) -> None:
    """Languages, numbers, books and the like are there once; the page that asks for one breaks on two."""
    assert not violations


@pytest.mark.parametrize(("table", "first", "second"), PAIRS)
@rule.unique("{table}", ["{first}", "{second}"], severity="high", fix_hint=MERGE, tags=["REF-5"])
def test_what_two_columns_ask_for_is_there_once(violations: Violations, table: str, first: str, second: str) -> None:
    """Pages of books, specialties and the like are there once; the page that asks for one breaks on two."""
    assert not violations


@rule.unique(
    BACKGROUNDS_LISTED,
    "background.property_name",
    severity="high",
    fix_hint=MERGE,
    tags=["REF-5"],
)
def test_property_of_background_is_used_once(violations: Violations) -> None:
    """No two backgrounds name the same property; the page that asks for one breaks on two."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "link", "holder", "column", "extreme"),
    [
        pytest.param(
            f"characters_{one}", f"characters_{one}_ratings", f"{one}_id", f"{side}_rating", side, id=f"{one}-{side}"
        )
        for one in ("meritflaw", "advantage")
        for side in ("min", "max")
    ],
)
@rule.derived(
    "{table}",
    "{table}.{column}",
    "{extreme}(number.value)",
    OFFERS,
    by="offer.{holder}",
    severity="info",
    fix="recompute",
    show=["name"],
    tags=["REF-6"],
)
def test_range_of_merit_is_that_of_its_ratings(
    violations: Violations, table: str, link: str, holder: str, column: str, extreme: str
) -> None:
    """A merit, flaw or advantage says how few and how many points it may cost; 0 if it offers no ratings.

    The severity is info: the forms save a merit before its ratings, so that the range stays behind until it is saved again.
    """
    assert not violations


@rule.one_of(
    "game_gameline", "name", LINES, fix_hint=SET, overlaps=["test_scene_is_of_a_told_game_line"], tags=["REF-7"]
)
def test_game_line_has_its_name(violations: Violations) -> None:
    """The game lines have the nine names that the forms know."""
    assert not violations


@pytest.mark.parametrize(
    ("column", "values"), [("type", ["char", "loc", "obj"]), ("gameline", list(GAME_LINES))], ids=["type", "gameline"]
)
@rule.one_of("game_objecttype", "{column}", "%(values)s", show=["name"], fix_hint=SET, tags=["REF-8"])
def test_object_type_is_of_a_kind_and_a_game_line(violations: Violations, column: str, values: list[str]) -> None:
    """An object type is one of characters, places or things, and of a game line."""
    assert not violations


@rule.not_blank("game_objecttype", "name", fix_hint=SET, tags=["REF-8"])
def test_object_type_has_a_name(violations: Violations) -> None:
    """An object type has a name."""
    assert not violations


@rule.not_null(
    "core_bookreference",
    "book_id",
    severity="info",
    fix=f"delete where {' AND '.join(f'id NOT IN (SELECT bookreference_id FROM {one}_sources)' for one in REFERRING)}",
    fix_allows="delete",
    tags=["REF-9"],
)
def test_book_reference_names_a_book(violations: Violations) -> None:
    """A reference to a page says in which book.

    The severity is info: deleting a book leaves the references to its pages. The fix deletes those that nothing refers to.
    """
    assert not violations


@rule.between("core_bookreference", "page", 0, None, severity="low", fix_hint="the page is in the book", tags=["REF-9"])
def test_page_of_book_reference_is_not_negative(violations: Violations) -> None:
    """A reference to a book names page 0 or a later one."""
    assert not violations


@rule.implies(
    "characters_vampireclan",
    "is_bloodline",
    "parent_clan_id IS NOT NULL AND parent_clan_id <> id",
    severity="info",
    breaks={"is_bloodline": "TRUE", "parent_clan_id": "NULL"},
    show=["name", "parent_clan_id"],
    fix_hint="from which clan it descends is in the book",
    overlaps=["TREE-1"],
    tags=["REF-10"],
)
def test_bloodline_descends_from_another_clan(violations: Violations) -> None:
    """A bloodline of vampires descends from another clan; in the catalogue that is shipped, some name none."""
    assert not violations


@rule.children(
    "game_settingelement",
    "game_chronicle_common_knowledge_elements.settingelement_id",
    at_least=1,
    severity="info",
    breaks="""
    INSERT INTO game_settingelement (name, description, gameline)
    SELECT 'known to nobody', description, gameline FROM game_settingelement ORDER BY id LIMIT 1
    RETURNING id
    """,
    show=["name"],
    fix_hint="whether anybody still needs it only a storyteller knows",
    tags=["REF-11"],
)
def test_setting_element_is_known_in_a_chronicle(violations: Violations) -> None:
    """What is common knowledge is so in at least one chronicle."""
    assert not violations
