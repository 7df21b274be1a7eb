"""Vampires: blood by generation, and who sired whom."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .game_lines import DISCIPLINES, GHOUL_DISCIPLINES, LEFT, LINE_ABILITIES, PAID, REVENANT_DISCIPLINES, UNBOUNDED
from .sources import VAMPIRES, ascending, part

VIRTUES: Final = ("conscience", "self_control", "conviction", "instinct")

# By generation, 3 to 15; NULL outside, and no arithmetic that a wild generation could overflow.
POOL: Final = "('[3:15]={{50,50,40,30,20,15,14,13,12,11,10,10,10}}'::int[])[generation_rating]"
PER_TURN: Final = "('[3:15]={{10,10,8,6,4,3,2,1,1,1,1,1,1}}'::int[])[generation_rating]"
MOST_DOTS: Final = "CASE WHEN generation_rating BETWEEN 3 AND 7 THEN 13 - generation_rating ELSE 5 END"

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
    overlaps=["test_foreign_key_has_no_orphans"],
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
    overlaps=["test_blood_pool_follows_generation"],
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
    overlaps=["test_discipline_is_zero_to_ten", "test_generation_is_three_to_fifteen"],
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
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_vampire_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The abilities and Backgrounds on the sheets of vampires, ghouls and their kind lie between 0 and 10."""
    assert not violations
