"""Vampires: blood by generation, and who sired whom."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import ANY_PART, VAMPIRES, ascending, joined, part
from .words.classes import CLASSES
from .words.lines import DISCIPLINES, GHOUL_DISCIPLINES, LEFT, LINE_ABILITIES, PAID, REVENANT_DISCIPLINES, UNBOUNDED

VIRTUES: Final = ("conscience", "self_control", "conviction", "instinct")

# By generation, 3 to 15; NULL outside, and no arithmetic that a wild generation could overflow.
POOL: Final = "('[3:15]={{50,50,40,30,20,15,14,13,12,11,10,10,10}}'::int[])[generation_rating]"
PER_TURN: Final = "('[3:15]={{10,10,8,6,4,3,2,1,1,1,1,1,1}}'::int[])[generation_rating]"
MOST_DOTS: Final = "CASE WHEN generation_rating BETWEEN 3 AND 7 THEN 13 - generation_rating ELSE 5 END"

WITH_STATUS: Final = joined(
    "vampires with their status",
    "characters_vampire AS vampire JOIN characters_charactermodel AS cm ON cm.id = vampire.vtmhuman_ptr_id",
    "vampire.vtmhuman_ptr_id",
)
ON_A_PATH: Final = joined(
    "vampires on a path",
    "characters_vampire AS vampire JOIN characters_path AS path ON path.id = vampire.path_id",
    "vampire.vtmhuman_ptr_id",
)
CHILDER: Final = joined(
    "vampires beside their sires",
    "characters_vampire AS childe JOIN characters_vampire AS sire ON sire.vtmhuman_ptr_id = childe.sire_id",
    "childe.vtmhuman_ptr_id",
)
TITLED: Final = joined(
    "titles of vampires",
    "characters_vampire_titles AS held"
    " JOIN characters_vampiretitle AS title ON title.id = held.vampiretitle_id"
    " JOIN characters_vampire AS vampire ON vampire.vtmhuman_ptr_id = held.vampire_id",
    "held.id",
    "held.vampire_id",
)
BLOODED: Final = [
    (table, CLASSES[table].key) for table in ("characters_vampire", "characters_ghoul", "characters_revenant")
]

SIRED: Final = ascending(
    "vampires with their sires",
    "characters_vampire",
    "vtmhuman_ptr_id",
    "sire_id",
    label="(SELECT name FROM characters_charactermodel AS base WHERE base.id = characters_vampire.vtmhuman_ptr_id)",
)


@rule.rows(
    VAMPIRES,
    f"(max_blood_pool, blood_per_turn) IS DISTINCT FROM ({POOL}, {PER_TURN})",
    breaks={"max_blood_pool": "33"},
    show=["generation_rating", "max_blood_pool", "blood_per_turn"],
    fix={
        "max_blood_pool": f"coalesce({POOL}, max_blood_pool)",
        "blood_per_turn": f"coalesce({PER_TURN}, blood_per_turn)",
    },
    tags=["VAM-1"],
)
def test_blood_pool_follows_generation(violations: Violations) -> None:
    """How much blood a vampire holds, and spends in a turn, follows from the generation, which is 3 to 15.

    The fix sets both, as saving the sheet does; an impossible generation is left to a person.
    """
    assert not violations


@rule.rows(
    SIRED,
    "anchored.id IS NULL",
    breaks={"characters_vampire.sire_id": "characters_vampire.vtmhuman_ptr_id"},
    show=["characters_vampire.sire_id"],
    fix_hint="which of the sires is wrong only a person knows",
    overlaps=["test_foreign_key_has_no_orphans", "test_type_tag_has_its_row"],
    tags=["VAM-7"],
)
def test_sire_is_no_descendant(violations: Violations) -> None:
    """Going up from sire to sire one comes to a vampire without one; nobody is the sire of his own sire, or of himself.

    Those who merely descend from such a circle are named too.
    """
    assert not violations


@rule.between(
    VAMPIRES,
    "generation_rating",
    3,
    15,
    severity="low",
    fix_hint=PAID,
    overlaps=["test_blood_pool_follows_generation", "test_discipline_is_within_the_generation"],
)
def test_generation_is_three_to_fifteen(violations: Violations) -> None:
    """A vampire is of the third to the fifteenth generation, as far as the application takes one."""
    assert not violations


@rule.at_most(
    VAMPIRES,
    f"GREATEST({', '.join(DISCIPLINES)})",
    MOST_DOTS,
    breaks={"celerity": f"{MOST_DOTS} + 1"},
    show=["generation_rating", *DISCIPLINES],
    fix_hint=PAID,
    overlaps=["test_discipline_is_zero_to_ten"],
    tags=["VAM-6"],
)
def test_discipline_is_within_the_generation(violations: Violations) -> None:
    """No Discipline is above 5, but 6 to 10 from the seventh generation to the third."""
    assert not violations


@pytest.mark.parametrize("column", DISCIPLINES)
@rule.between(
    VAMPIRES,
    "{column}",
    0,
    10,
    severity="medium",
    fix_hint=PAID,
    overlaps=["test_discipline_is_within_the_generation"],
    tags=["VAM-6"],
)
def test_discipline_is_zero_to_ten(violations: Violations, column: str) -> None:
    """No Discipline is below 0, nor above the 10 of the third generation."""
    assert not violations


@pytest.mark.parametrize("column", GHOUL_DISCIPLINES)
@rule.between(
    part("characters_ghoul"),
    "{column}",
    0,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_discipline_of_ghoul_is_zero_to_five(violations: Violations, column: str) -> None:
    """A ghoul has at most 5 dots of a Discipline."""
    assert not violations


@pytest.mark.parametrize("column", REVENANT_DISCIPLINES)
@rule.between(
    part("characters_revenant"),
    "{column}",
    0,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_discipline_of_revenant_is_zero_to_five(violations: Violations, column: str) -> None:
    """A revenant has at most 5 dots of a Discipline."""
    assert not violations


@pytest.mark.parametrize("column", VIRTUES)
@rule.between(
    VAMPIRES,
    "{column}",
    0,
    5,
    severity="high",
    fix_hint=PAID,
    enforced_by="characters_vampire_{column}_range",
)
def test_virtue_of_vampire_is_zero_to_five(violations: Violations, column: str) -> None:
    """Conscience or Conviction, Self-Control or Instinct: none lies outside 0 to 5."""
    assert not violations


@rule.between(
    VAMPIRES,
    "courage",
    1,
    5,
    severity="high",
    fix_hint=PAID,
    enforced_by="characters_vampire_courage_range",
)
def test_courage_of_vampire_is_one_to_five(violations: Violations) -> None:
    """No vampire is without Courage."""
    assert not violations


@pytest.mark.parametrize("column", ["humanity", "path_rating"])
@rule.between(
    VAMPIRES,
    "{column}",
    0,
    10,
    severity="high",
    fix_hint=PAID,
    enforced_by="characters_vampire_{column}_range",
)
def test_morality_of_vampire_is_zero_to_ten(violations: Violations, column: str) -> None:
    """Humanity, and the rating on a path, lie between 0 and 10."""
    assert not violations


@pytest.mark.parametrize("column", ["conscience", "self_control", "courage"])
@rule.between(
    part("characters_ghoul"),
    "{column}",
    None,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_virtue_of_ghoul_is_at_most_five(violations: Violations, column: str) -> None:
    """A ghoul has at most 5 dots of a Virtue."""
    assert not violations


@rule.between(
    part("characters_ghoul"),
    "max_blood_pool",
    0,
    None,
    severity="info",
    fix_hint=LEFT,
)
def test_most_blood_of_ghoul_is_not_negative(violations: Violations) -> None:
    """The blood that a ghoul can hold is not negative."""
    assert not violations


@rule.between(
    part("characters_revenant"),
    "pseudo_generation",
    10,
    12,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_generation_of_revenant_is_ten_to_twelve(violations: Violations) -> None:
    """The blood of a revenant is like that of the tenth to twelfth generation, typically."""
    assert not violations


@rule.between(
    "characters_vampiretitle",
    "value",
    0,
    7,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_title_is_worth_zero_to_seven(violations: Violations) -> None:
    """A title is worth up to 7 points."""
    assert not violations


@pytest.mark.parametrize("column", LINE_ABILITIES["characters_vtmhuman"])
@rule.between(
    part("characters_vtmhuman"),
    "{column}",
    0,
    10,
    fix_hint=UNBOUNDED,
)
def test_vampire_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The abilities and Backgrounds on the sheets of vampires, ghouls and their kind lie between 0 and 10.

    TG's own ways to gain dots stop at five, and there are ten at most; an edit page, and SQL, take any number.
    """
    assert not violations


@pytest.mark.parametrize(("table", "key"), BLOODED)
@rule.between(
    ANY_PART,
    "blood_pool",
    0,
    "max_blood_pool",
    severity="info",
    fix="clamp",
    overlaps=["test_blood_pool_follows_generation", "test_most_blood_of_ghoul_is_not_negative"],
    tags=["VAM-2"],
)
def test_blood_pool_is_not_above_its_maximum(violations: Violations, table: str, key: str) -> None:
    """Nobody holds less than no blood, nor more than the blood pool's maximum.

    The severity is info: nothing checks it when a sheet is saved, and saving one with another generation changes the maximum
    and leaves the blood. Less than none, and more than the 50 of the third generation, `test_number_is_not_beyond_all_measure`
    names.
    """
    assert not violations


@pytest.mark.parametrize(
    ("used", "needed"), [("has_conviction", "requires_conviction"), ("has_instinct", "requires_instinct")]
)
@rule.agree(
    ON_A_PATH,
    "vampire.{used}",
    "path.{needed}",
    breaks={"vampire.{used}": "NOT vampire.{used}"},
    show=["vampire.conscience", "vampire.conviction", "vampire.self_control", "vampire.instinct"],
    fix_hint="to turn the Virtue over, as saving does, leaves the new one at 0: a person says how many dots it has",
    overlaps=["test_virtue_in_use_is_at_least_one"],
    tags=["VAM-3"],
)
def test_virtues_are_those_of_the_path(violations: Violations, used: str, needed: str) -> None:
    """A vampire on a path has Conviction or Instinct if the path asks for them, else Conscience or Self-Control."""
    assert not violations


@pytest.mark.parametrize(
    ("other", "there", "here"),
    [("has_conviction", "conviction", "conscience"), ("has_instinct", "instinct", "self_control")],
)
@rule.between(
    VAMPIRES,
    "CASE WHEN {other} THEN {there} ELSE {here} END",
    1,
    None,
    breaks={"{there}": "0", "{here}": "0"},
    show=["{other}", "{there}", "{here}"],
    fix_hint=PAID,
    overlaps=["test_virtue_of_vampire_is_zero_to_five"],
    tags=["VAM-4"],
)
def test_virtue_in_use_is_at_least_one(violations: Violations, other: str, there: str, here: str) -> None:
    """No vampire is without a dot in the Virtues that he goes by; such a sheet cannot be saved any more."""
    assert not violations


@rule.implies(
    WITH_STATUS,
    "cm.status IN ('Un', 'Sub')",
    """
    CASE WHEN vampire.path_id IS NOT NULL THEN vampire.path_rating
         WHEN vampire.has_conviction OR vampire.has_instinct THEN 4
         ELSE vampire.humanity END >= 4
    """,
    breaks={
        "vampire.humanity": "3",
        "vampire.path_rating": "3",
        "vampire.has_conviction": "vampire.has_conviction AND vampire.path_id IS NOT NULL",
        "vampire.has_instinct": "vampire.has_instinct AND vampire.path_id IS NOT NULL",
    },
    show=["vampire.path_id", "vampire.humanity", "vampire.path_rating"],
    fix_hint="the player says what the vampire starts with",
    overlaps=["test_morality_of_vampire_is_zero_to_ten"],
    tags=["VAM-5"],
)
def test_new_vampire_starts_with_humanity_of_four(violations: Violations) -> None:
    """A vampire that is not yet approved has at least 4 dots of Humanity, or on the path that replaces it.

    Deleting a path leaves its vampires without one, and their Humanity as it was: whoever still goes by Conviction or Instinct
    may be such a one.
    """
    assert not violations


@rule.formula(
    CHILDER,
    "childe.generation_rating",
    "sire.generation_rating::bigint + 1",
    severity="info",
    breaks={
        "childe.sire_id": """
            (SELECT min(elder.vtmhuman_ptr_id) FROM characters_vampire AS elder
            WHERE elder.generation_rating < childe.generation_rating - 1)
        """
    },
    show=["childe.sire_id", "sire.generation_rating"],
    fix_hint="diablerie and its like are for a storyteller to tell from a slip of the pen",
    overlaps=["test_generation_is_three_to_fifteen", "test_sire_is_no_descendant"],
    tags=["VAM-8"],
)
def test_childe_is_one_generation_above_the_sire(violations: Violations) -> None:
    """A childe is one generation further from Caine than the sire, unless the story has it otherwise."""
    assert not violations


@rule.implies(
    TITLED,
    "title.sect_id IS NOT NULL",
    "vampire.sect_id IS NOT DISTINCT FROM title.sect_id",
    severity="info",
    breaks={
        "held.vampiretitle_id": """
            (SELECT min(other.id) FROM characters_vampiretitle AS other WHERE other.sect_id <> vampire.sect_id)
        """
    },
    show=["title.name", "title.sect_id", "vampire.sect_id"],
    fix_hint="whether the title or the sect is wrong, or the story so, a storyteller knows",
    tags=["VAM-9"],
)
def test_title_is_of_the_sect(violations: Violations) -> None:
    """A vampire holds titles of his own sect."""
    assert not violations


@rule.implies(
    part("characters_ghoul"),
    "is_independent",
    "domitor_id IS NULL",
    severity="info",
    breaks={"domitor_id": "(SELECT min(vtmhuman_ptr_id) FROM characters_vampire)"},
    show=["is_independent", "domitor_id"],
    fix_hint="whether the ghoul is free or has a domitor a person knows",
    tags=["VAM-10"],
)
def test_independent_ghoul_has_no_domitor(violations: Violations) -> None:
    """A ghoul that calls itself independent has no domitor.

    The severity is info: it stands to reason, but nothing in the application sees to it.
    """
    assert not violations


@rule.between(
    part("characters_ghoul"),
    "potence",
    1,
    None,
    severity="info",
    fix_hint=PAID,
    overlaps=["test_discipline_of_ghoul_is_zero_to_five"],
    tags=["VAM-10"],
)
def test_ghoul_has_potence(violations: Violations) -> None:
    """The blood gives every ghoul a dot of Potence.

    The severity is info: it stands to reason, but nothing in the application sees to it.
    """
    assert not violations
