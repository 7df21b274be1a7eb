"""Mages: Spheres and Arete."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import ANY_PART, MAGES, joined, part
from .words.classes import SPHERES
from .words.lines import LEFT, LINE_ABILITIES, MEANT, PAID, UNBOUNDED, choices

SUBMITTED: Final = "cm.status IN ('Sub', 'App') AND NOT cm.npc"
"""Of whom a full sheet is asked."""

BELONGING: Final = joined(
    "mages with their {lower}",
    "characters_mage AS mage JOIN characters_magefaction AS lower ON lower.id = mage.{lower}",
    "mage.mtahuman_ptr_id",
)
BELIEVING: Final = joined(
    "mages with their {slot}",
    "characters_mage AS mage JOIN characters_tenet AS tenet ON tenet.id = mage.{slot}",
    "mage.mtahuman_ptr_id",
)
AFFILIATED: Final = joined(
    "mages with their affiliation",
    "characters_mage AS mage JOIN characters_magefaction AS affiliation ON affiliation.id = mage.affiliation_id",
    "mage.mtahuman_ptr_id",
)
ATTUNED: Final = joined(
    "mages with their affinity sphere",
    "characters_mage AS mage JOIN characters_charactermodel AS cm ON cm.id = mage.mtahuman_ptr_id"
    " LEFT JOIN characters_statistic AS sphere ON sphere.id = mage.affinity_sphere_id",
    "mage.mtahuman_ptr_id",
)
PRACTISED: Final = joined(
    "mages of players, submitted or approved",
    f"characters_mage AS mage JOIN characters_charactermodel AS cm ON cm.id = mage.mtahuman_ptr_id AND {SUBMITTED}",
    "mage.mtahuman_ptr_id",
)
KNOWN: Final = joined(
    "rotes of mages",
    "characters_mage_rotes AS known"
    " JOIN characters_rote AS rote ON rote.id = known.rote_id"
    " JOIN characters_effect AS effect ON effect.id = rote.effect_id"
    " JOIN characters_mage AS mage ON mage.mtahuman_ptr_id = known.mage_id",
    "known.id",
    "known.mage_id",
)
BEYOND: Final = " OR ".join(f"effect.{sphere} > mage.{sphere}" for sphere in SPHERES)
AFFINITY: Final = " ".join(f"WHEN '{sphere}' THEN mage.{sphere}" for sphere in SPHERES)


@rule.at_most(
    MAGES,
    f"GREATEST({', '.join(SPHERES)})",
    "arete",
    severity="high",
    show=SPHERES,
    fix_hint="either the Sphere is too high or Arete too low, and XP was paid for both: a storyteller decides",
    breaks={"arete": "1", "entropy": "4"},
    overlaps=["test_sphere_is_zero_to_five"],
    tags=["MAG-1"],
)
def test_sphere_is_at_most_arete(violations: Violations) -> None:
    """No mage knows more of a Sphere than the Arete allows; such a sheet cannot be saved any more."""
    assert not violations


@pytest.mark.parametrize("sphere", SPHERES)
@rule.between(
    MAGES,
    "{sphere}",
    0,
    5,
    severity="high",
    fix_hint="XP was paid for the Spheres: a storyteller decides",
    overlaps=["test_sphere_is_at_most_arete"],
    tags=["MAG-1"],
)
def test_sphere_is_zero_to_five(violations: Violations, sphere: str) -> None:
    """Every Sphere lies between 0 and 5."""
    assert not violations


@rule.between(
    MAGES,
    "arete",
    1,
    10,
    severity="high",
    fix_hint=PAID,
    enforced_by="characters_mage_arete_range",
    overlaps=["test_sphere_is_at_most_arete"],
)
def test_arete_is_one_to_ten(violations: Violations) -> None:
    """Arete lies between 1 and 10."""
    assert not violations


@rule.between(
    MAGES,
    "quiet",
    0,
    5,
    severity="low",
    fix_hint=LEFT,
)
def test_quiet_is_zero_to_five(violations: Violations) -> None:
    """Quiet lies between 0 and 5."""
    assert not violations


@rule.between(
    part("characters_sorcerer"),
    "quintessence",
    0,
    10,
    severity="info",
    fix_hint=LEFT,
)
def test_quintessence_of_sorcerer_is_zero_to_ten(violations: Violations) -> None:
    """A sorcerer holds at most 10 points of quintessence.

    The severity is info: commands in the chat of a scene, such as #Q-20, change it unchecked.
    """
    assert not violations


@pytest.mark.parametrize("column", LINE_ABILITIES["characters_mtahuman"])
@rule.between(
    part("characters_mtahuman"),
    "{column}",
    0,
    10,
    fix_hint=UNBOUNDED,
)
def test_mage_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The abilities that sheets of mages, sorcerers and companions add lie between 0 and 10.

    TG's own ways to gain dots stop at five, and there are ten at most; an edit page, and SQL, take any number.
    """
    assert not violations


@pytest.mark.parametrize(
    ("table", "key", "column", "values"), choices("characters_mage", "characters_companion", "characters_sorcerer")
)
@rule.one_of(ANY_PART, "{column}", "%(values)s", fix_hint=MEANT)
def test_mage_is_described_in_known_words(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """Essence, Quiet, the kind of a companion or a sorcerer and the like are words that the application knows."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "key", "column", "values"), choices("characters_tenet", "characters_linearmagicpath")
)
@rule.one_of("{table}", "{column}", "%(values)s", fix_hint=MEANT)
def test_tenet_or_path_is_of_a_known_kind(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """A tenet, or a path of sorcery, is of a kind that the application knows."""
    assert not violations


@pytest.mark.parametrize(("lower", "upper"), [("faction_id", "affiliation_id"), ("subfaction_id", "faction_id")])
@rule.rows(
    BELONGING,
    "lower.parent_id IS DISTINCT FROM mage.{upper}",
    breaks={
        "mage.{lower}": """
            (SELECT min(other.id) FROM characters_magefaction AS other
            WHERE other.parent_id IS DISTINCT FROM mage.{upper})
        """
    },
    show=["mage.affiliation_id", "mage.faction_id", "mage.subfaction_id"],
    fix_hint="where the mage belongs only the player knows",
    overlaps=["test_faction_of_mage_lies_in_the_one_above"],
    tags=["MAG-2"],
)
def test_faction_of_mage_lies_in_the_one_above(violations: Violations, lower: str, upper: str) -> None:
    """The faction of a mage lies within the affiliation, and the subfaction within the faction."""
    assert not violations


@pytest.mark.parametrize(
    ("slot", "kind"), [("metaphysical_tenet_id", "met"), ("personal_tenet_id", "per"), ("ascension_tenet_id", "asc")]
)
@rule.formula(
    BELIEVING,
    "tenet.tenet_type",
    "%(kind)s::text",
    breaks={"mage.{slot}": "(SELECT min(other.id) FROM characters_tenet AS other WHERE other.tenet_type <> %(kind)s)"},
    show=["mage.{slot}"],
    fix_hint="what the mage believes in only the player knows",
    overlaps=["test_tenet_or_path_is_of_a_known_kind"],
    tags=["MAG-3"],
)
def test_tenet_of_mage_is_of_its_kind(violations: Violations, slot: str, kind: str) -> None:
    """The metaphysical, the personal and the ascension tenet of a mage are tenets of that kind."""
    assert not violations


@pytest.mark.parametrize("column", ["quintessence", "paradox"])
@rule.between(MAGES, "{column}", 0, None, severity="info", fix="clamp", tags=["MAG-4"])
def test_wheel_of_mage_is_not_negative(violations: Violations, column: str) -> None:
    """A mage has no less than 0 points of Quintessence and of Paradox.

    The severity is info: commands in the chat of a scene, such as #Q5 and #P5, change both unchecked.
    """
    assert not violations


@rule.at_most(
    MAGES,
    "quintessence::bigint + paradox",
    "20",
    severity="info",
    breaks={"quintessence": "21"},
    show=["quintessence", "paradox"],
    fix_hint="whether Quintessence or Paradox is too high only a storyteller knows",
    tags=["MAG-4"],
)
def test_wheel_of_mage_has_twenty_boxes(violations: Violations) -> None:
    """Quintessence and Paradox together fill no more than the 20 boxes of the wheel.

    The severity is info: commands in the chat of a scene, such as #Q-5 and #P5, change both unchecked.
    """
    assert not violations


@rule.agree(
    MAGES,
    "quiet > 0",
    "quiet_type <> 'none'",
    severity="info",
    breaks={"quiet_type": "CASE WHEN quiet > 0 THEN 'none' ELSE 'denial' END"},
    show=["quiet", "quiet_type"],
    fix_hint="whether the mage is in Quiet, and in which, only a storyteller knows",
    overlaps=["test_quiet_is_zero_to_five", "test_mage_is_described_in_known_words"],
    tags=["MAG-5"],
)
def test_quiet_of_mage_has_a_kind(violations: Violations) -> None:
    """A mage in Quiet is in one of its kinds, and nobody else is.

    The severity is info: it stands to reason, but nothing in the application sees to it.
    """
    assert not violations


@rule.implies(
    AFFILIATED,
    "affiliation.name = 'Marauders'",
    "mage.quiet > 0",
    severity="info",
    breaks={"mage.quiet": "0", "mage.quiet_type": "'none'"},
    show=["mage.quiet", "mage.quiet_type"],
    fix_hint="how deep the madness goes only a storyteller knows",
    overlaps=["test_quiet_is_zero_to_five"],
    tags=["MAG-5"],
)
def test_marauder_is_in_quiet(violations: Violations) -> None:
    """A Marauder is always in Quiet.

    The severity is info: it stands to reason, but nothing in the application sees to it.
    """
    assert not violations


@rule.implies(
    ATTUNED,
    SUBMITTED,
    f"coalesce(CASE sphere.property_name {AFFINITY} END, 0) >= 1",
    severity="info",
    breaks={"mage.affinity_sphere_id": "NULL"},
    show=["sphere.name"],
    fix_hint="the player chooses the affinity, and what to spend on it",
    overlaps=["test_sphere_is_zero_to_five", "test_class_row_has_its_parent_row", "REF-1"],
    tags=["MAG-6"],
)
def test_mage_knows_the_affinity_sphere(violations: Violations) -> None:
    """A player's mage, submitted or approved, has an affinity Sphere, and at least a dot of it."""
    assert not violations


@rule.rows(
    KNOWN,
    BEYOND,
    severity="info",
    breaks={
        "known.rote_id": f"""
            (SELECT min(rote.id) FROM characters_rote AS rote JOIN characters_effect AS effect ON effect.id = rote.effect_id
            WHERE {BEYOND})
        """
    },
    show=["rote.name", *(f"effect.{sphere}" for sphere in SPHERES)],
    fix_hint="whether the rote was learnt too early or a Sphere is too low only a storyteller knows",
    overlaps=["test_sphere_is_zero_to_five"],
    tags=["MAG-7"],
)
def test_rote_is_within_the_spheres_of_the_mage(violations: Violations) -> None:
    """A mage knows no rote whose effect asks for more of a Sphere than the mage has.

    The severity is info: editing an effect leaves the rotes that are known.
    """
    assert not violations


@rule.formula(
    "characters_effect",
    "rote_cost",
    " + ".join(f"{sphere}::bigint" for sphere in SPHERES),
    severity="low",
    show=SPHERES,
    fix="recompute",
    tags=["MAG-8"],
)
def test_rote_costs_the_sum_of_its_spheres(violations: Violations) -> None:
    """A rote costs as many points as its effect asks for dots of Spheres; saving the effect works it out."""
    assert not violations


@rule.formula(
    "characters_effect",
    "max_sphere",
    f"GREATEST({', '.join(SPHERES)})",
    severity="low",
    show=SPHERES,
    fix="recompute",
    tags=["MAG-8"],
)
def test_effect_knows_its_highest_sphere(violations: Violations) -> None:
    """The highest Sphere of an effect is the highest of the nine that it asks for; saving the effect works it out."""
    assert not violations


@pytest.mark.parametrize("column", ["effect_id", "attribute_id", "ability_id"])
@rule.implies(
    "characters_rote",
    "status IN ('Sub', 'App')",
    "{column} IS NOT NULL",
    severity="info",
    breaks={"{column}": "NULL"},
    show=["status", "{column}"],
    fix_hint="what the rote does, and with what it is rolled, its author knows",
    tags=["MAG-9"],
)
def test_rote_is_whole_once_submitted(violations: Violations, column: str) -> None:
    """A rote that was submitted or approved has an effect, an attribute and an ability.

    The severity is info: deleting an effect leaves its rotes, and `approve_pending_items` approves what it finds.
    """
    assert not violations


@rule.acyclic(
    "characters_magefaction",
    "parent_id",
    breaks="""
        UPDATE characters_magefaction SET parent_id = id WHERE id = (
            SELECT max(id) FROM characters_magefaction
            WHERE id NOT IN (SELECT parent_id FROM characters_magefaction WHERE parent_id IS NOT NULL)
        ) RETURNING id
    """,
    show=["name", "parent_id"],
    fix_hint="which of the factions is wrong only a person knows",
    overlaps=["test_faction_of_mage_lies_in_the_one_above"],
    tags=["MAG-10"],
)
def test_mage_faction_is_not_below_itself(violations: Violations) -> None:
    """Going up from faction to faction one comes to a tradition, craft or convention; nothing lies within itself.

    Those that merely hang on such a circle are named too.
    """
    assert not violations


@rule.at_most(
    "characters_magefaction",
    "founded",
    "ended",
    severity="info",
    fix_hint="when the faction began and ended only a person knows",
    tags=["MAG-10"],
)
def test_mage_faction_is_founded_before_it_ends(violations: Violations) -> None:
    """No faction of mages ended before it was founded.

    The severity is info: it stands to reason, but nothing in the application sees to it.
    """
    assert not violations


@rule.total(
    PRACTISED,
    "characters_practicerating.mage_id",
    "rating",
    at_least="mage.arete",
    severity="info",
    breaks="""
        DELETE FROM characters_practicerating WHERE id = (
            SELECT min(rating.id)
            FROM characters_practicerating AS rating JOIN characters_charactermodel AS cm ON cm.id = rating.mage_id
            WHERE cm.status IN ('Sub', 'App') AND NOT cm.npc
        ) RETURNING mage_id
    """,
    show=["mage.arete"],
    fix_hint="the player chooses the practices",
    overlaps=[
        "test_arete_is_one_to_ten",
        "test_rating_names_both_sides",
        "test_characters_mtahuman_has_one_branch_for_each_object",
    ],
    tags=["MAG-11"],
)
def test_practices_of_mage_come_up_to_arete(violations: Violations) -> None:
    """The practices of a player's mage, submitted or approved, add up to Arete, or to more later on."""
    assert not violations
