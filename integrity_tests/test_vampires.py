"""Vampires: blood by generation, and who sired whom."""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity import Violations, rule

from .sources import VAMPIRES, ascending

# By generation, 3 to 15; NULL outside, and no arithmetic that a wild generation could overflow.
POOL: Final = "('[3:15]={{50,50,40,30,20,15,14,13,12,11,10,10,10}}'::int[])[generation_rating]"
PER_TURN: Final = "('[3:15]={{10,10,8,6,4,3,2,1,1,1,1,1,1}}'::int[])[generation_rating]"

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
