"""Attributes, abilities, Willpower and age of human characters."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import HUMANS, SPECIALTIES
from .words.classes import ABILITIES, ATTRIBUTES, BROAD_TRAITS

DOTS_OF_SPECIALTY: Final = " ".join(f"WHEN '{name}' THEN human.{name}" for name in (*ATTRIBUTES, *ABILITIES))
BEST: Final = f"GREATEST({', '.join(ATTRIBUTES)})"


@pytest.mark.parametrize("column", ATTRIBUTES)
@rule.between(
    HUMANS,
    "{column}",
    0,
    10,
    severity="high",
    fix="LEAST(GREATEST({column}, 1), 10)",
    overlaps=["CHAR-18"],
    tags=["validate_data_integrity", "validate_character_data", "monitor_validation"],
)
def test_attribute_is_zero_to_ten(violations: Violations, column: str) -> None:
    """Every attribute lies between 0 and 10; a sheet outside that cannot be saved any more.

    The commands disagree: `validate_data_integrity` and `monitor_validation` begin at 1, although companions and a
    Nosferatu's appearance have 0 by right, and `validate_character_data` goes on to 15. The application takes 0 to 10.
    """
    assert not violations


@rule.rows(
    HUMANS,
    """
    LEAST(strength, dexterity, stamina, perception, intelligence, wits, charisma, manipulation, appearance) < 1
    AND NOT EXISTS (SELECT FROM characters_companion WHERE mtahuman_ptr_id = character_ptr_id)
    AND (
        LEAST(strength, dexterity, stamina, perception, intelligence, wits, charisma, manipulation) < 1
        OR appearance < 0
        OR NOT EXISTS (
            SELECT FROM characters_vampire AS vampire
            LEFT JOIN characters_vampireclan AS clan ON clan.id = vampire.clan_id
            WHERE vampire.vtmhuman_ptr_id = character_ptr_id AND coalesce(clan.name, 'Nosferatu') = 'Nosferatu'
        )
    )
    """,
    fix_hint="only the player or a storyteller knows how many dots the sheet had",
    breaks={"characters_human.strength": "0"},
    show=ATTRIBUTES,
    overlaps=["test_attribute_is_zero_to_ten", "test_type_tag_has_its_row"],
    tags=["validate_data_integrity", "validate_character_data", "monitor_validation", "CHAR-13"],
)
def test_attribute_is_at_least_one(violations: Violations) -> None:
    """Nobody is without a dot in an attribute, but companions and, in appearance, the Nosferatu.

    Deleting a clan leaves its vampires: those without a clan may have been Nosferatu.

    The commands knew no exceptions, and so called a fresh installation faulty: its catalogue holds a spirit companion
    with strength 0.
    """
    assert not violations


@rule.at_most(
    HUMANS,
    BEST,
    f"""
    CASE WHEN {BEST} <= 5 THEN 5
         WHEN EXISTS (SELECT FROM characters_changeling WHERE ctdhuman_ptr_id = character_ptr_id) THEN 10
         ELSE coalesce((
             SELECT CASE WHEN generation_rating BETWEEN 3 AND 7 THEN 13 - generation_rating END
             FROM characters_vampire WHERE vtmhuman_ptr_id = character_ptr_id
         ), 5) END
    """,
    severity="low",
    breaks={"characters_human.strength": "9"},
    show=ATTRIBUTES,
    fix_hint="only the player or a storyteller knows how many dots the sheet had",
    overlaps=["test_attribute_is_zero_to_ten"],
    tags=["CHAR-14"],
)
def test_attribute_is_at_most_what_the_blood_allows(violations: Violations) -> None:
    """Nobody has more than 5 dots in an attribute, but vampires of the seventh generation or an earlier one.

    Those have up to 13 less their generation, 10 in the third. Changelings may have more by their kith.
    """
    assert not violations


@pytest.mark.parametrize("column", ABILITIES)
@rule.between(
    HUMANS,
    "{column}",
    0,
    10,
    severity="high",
    fix="clamp",
    overlaps=["CHAR-18"],
    tags=["validate_data_integrity", "monitor_validation"],
)
def test_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """Every ability that all game lines share lies between 0 and 10; a sheet outside that cannot be saved any more.

    The sources disagree: XP and freebies buy 4 or 5 dots at most, but the application takes what a storyteller gives.
    """
    assert not violations


@rule.between(
    HUMANS,
    "willpower",
    1,
    10,
    severity="high",
    fix="clamp",
    enforced_by="characters_human_willpower_range",
    overlaps=["test_temporary_willpower_is_at_most_permanent_willpower"],
    tags=["validate_data_integrity"],
)
def test_willpower_is_one_to_ten(violations: Violations) -> None:
    """Permanent Willpower lies between 1 and 10."""
    assert not violations


@rule.between(
    HUMANS,
    "temporary_willpower",
    0,
    10,
    severity="high",
    fix="clamp",
    enforced_by="characters_human_temporary_willpower_range",
    overlaps=["test_temporary_willpower_is_at_most_permanent_willpower"],
    tags=["validate_data_integrity"],
)
def test_temporary_willpower_is_zero_to_ten(violations: Violations) -> None:
    """Temporary Willpower lies between 0 and 10."""
    assert not violations


@rule.at_most(
    HUMANS,
    "temporary_willpower",
    "willpower",
    severity="high",
    fix="clamp",
    enforced_by="characters_human_temporary_willpower_not_exceeds_perm",
    overlaps=["test_temporary_willpower_is_zero_to_ten", "test_willpower_is_one_to_ten"],
    tags=["validate_data_integrity", "monitor_validation"],
)
def test_temporary_willpower_is_at_most_permanent_willpower(violations: Violations) -> None:
    """Nobody has more temporary Willpower left than permanent Willpower."""
    assert not violations


@rule.between(
    HUMANS,
    "age",
    0,
    5000,
    fix="CASE WHEN age > 5000 THEN 5000 END",
    enforced_by="characters_human_reasonable_age",
    tags=["validate_data_integrity"],
)
def test_age_is_zero_to_five_thousand(violations: Violations) -> None:
    """A known age lies between 0 and 5000 years; the fix makes a negative one unknown.

    `validate_data_integrity` stopped at 500 and made every elder 500 years old; the application takes ages up to 5000.
    """
    assert not violations


@rule.between(
    HUMANS,
    "apparent_age",
    0,
    200,
    fix="CASE WHEN apparent_age > 200 THEN 200 END",
    enforced_by="characters_human_reasonable_apparent_age",
    tags=["validate_data_integrity"],
)
def test_apparent_age_is_zero_to_two_hundred(violations: Violations) -> None:
    """A known apparent age lies between 0 and 200 years; the fix makes a negative one unknown."""
    assert not violations


@rule.at_most(
    SPECIALTIES,
    f"CASE WHEN specialty.stat IN ({', '.join(map(repr, BROAD_TRAITS))}) THEN 1 ELSE 4 END",
    f"CASE specialty.stat {DOTS_OF_SPECIALTY} END",
    severity="info",
    breaks="""
    INSERT INTO characters_human_specialties (human_id, specialty_id)
    SELECT human.character_ptr_id, specialty.id
    FROM characters_human AS human JOIN characters_specialty AS specialty ON specialty.stat = 'strength'
    WHERE human.strength < 4
    ORDER BY human.character_ptr_id, specialty.id LIMIT 1
    RETURNING id
    """,
    show=["specialty.stat"],
    fix_hint="either the specialty came too early or dots are missing: the player or a storyteller knows",
    tags=["CHAR-18"],
)
def test_ability_or_attribute_of_a_specialty_has_its_dots(violations: Violations) -> None:
    """Who has a specialty has four dots in its trait, or one where the trait is as broad as crafts or science.

    Traits that only some game lines have are not looked at here. The severity is info: whoever lowers the trait on the sheet,
    or denies the dots that were bought with freebie points, leaves the specialty.
    """
    assert not violations
