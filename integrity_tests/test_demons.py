"""Demons, the Earthbound and their thralls: Lores, Faith and Torment, pacts."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Source, Violations, rule

from .sources.characters import ANY_PART, joined, part
from .words.classes import CLASSES
from .words.lines import LEFT, LINE_ABILITIES, LORES, MEANT, PAID, UNBOUNDED, choices

FALLEN: Final = [(table, CLASSES[table].key) for table in ("characters_demon", "characters_earthbound")]
FALLEN_LORES: Final = [(*one, column) for one in FALLEN for column in LORES]
FALLEN_POOLS: Final = [
    (*one, column) for one in FALLEN for column in ("torment", "temporary_torment", "temporary_faith")
]
IN_BODIES: Final = joined(
    "demons with a visage",
    "characters_demon AS demon JOIN characters_visage AS visage ON visage.id = demon.visage_id",
    "demon.dtfhuman_ptr_id",
)
BOUND: Final = joined(
    "Earthbound with their Willpower",
    "characters_earthbound AS bound JOIN characters_human AS human ON human.character_ptr_id = bound.dtfhuman_ptr_id",
    "bound.dtfhuman_ptr_id",
)
LOW: Final = "characters_apocalypticform_low_torment_traits"
HIGH: Final = "characters_apocalypticform_high_torment_traits"
LOW_TRAITS: Final = Source(
    "low torment traits of apocalyptic forms",
    f"{LOW} AS low JOIN characters_apocalypticformtrait AS trait ON trait.id = low.apocalypticformtrait_id"
    f" LEFT JOIN {HIGH} AS high ON high.apocalypticform_id = low.apocalypticform_id"
    " AND high.apocalypticformtrait_id = low.apocalypticformtrait_id",
    key="low.id",
    label="(SELECT form.name FROM characters_apocalypticform AS form WHERE form.id = low.apocalypticform_id)",
)
TRAITS: Final = Source(
    "traits of apocalyptic forms",
    f"(SELECT apocalypticform_id, apocalypticformtrait_id FROM {LOW}"
    f" UNION SELECT apocalypticform_id, apocalypticformtrait_id FROM {HIGH}) AS chosen"
    " JOIN characters_apocalypticformtrait AS trait ON trait.id = chosen.apocalypticformtrait_id",
    key=["chosen.apocalypticform_id", "trait.id"],
)
VIRTUES: Final = ("conscience", "conviction", "courage")


@pytest.mark.parametrize(("table", "key", "column"), FALLEN_LORES)
@rule.between(
    ANY_PART,
    "{column}",
    0,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_lore_is_zero_to_five(violations: Violations, table: str, key: str, column: str) -> None:
    """Every Lore lies between 0 and 5."""
    assert not violations


@pytest.mark.parametrize(("table", "key"), FALLEN)
@rule.between(
    ANY_PART,
    "faith",
    1,
    10,
    severity="medium",
    fix_hint=PAID,
)
def test_faith_is_one_to_ten(violations: Violations, table: str, key: str) -> None:
    """Faith lies between 1 and 10; a sheet outside that cannot be saved any more."""
    assert not violations


@pytest.mark.parametrize(("table", "key", "column"), FALLEN_POOLS)
@rule.between(
    ANY_PART,
    "{column}",
    0,
    10,
    severity="medium",
    fix_hint=LEFT,
)
def test_torment_is_zero_to_ten(violations: Violations, table: str, key: str, column: str) -> None:
    """Torment, permanent and temporary, and temporary Faith lie between 0 and 10."""
    assert not violations


@pytest.mark.parametrize("column", VIRTUES)
@rule.between(
    part("characters_demon"),
    "{column}",
    1,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_virtue_of_demon_is_one_to_five(violations: Violations, column: str) -> None:
    """Conscience, Conviction and Courage of a demon lie between 1 and 5."""
    assert not violations


@pytest.mark.parametrize("column", VIRTUES)
@rule.between(
    part("characters_thrall"),
    "{column}",
    1,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_virtue_of_thrall_is_one_to_five(violations: Violations, column: str) -> None:
    """Conscience, Conviction and Courage of a thrall lie between 1 and 5."""
    assert not violations


@pytest.mark.parametrize("column", VIRTUES)
@rule.between(
    part("characters_earthbound"),
    "{column}",
    1,
    5,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_virtue_of_earthbound_is_one_to_five(violations: Violations, column: str) -> None:
    """The Virtues of an Earthbound lie between 1 and 5, if they follow those of a demon."""
    assert not violations


@pytest.mark.parametrize("column", ["urge_flesh", "urge_thought", "urge_emotion"])
@rule.between(
    part("characters_earthbound"),
    "{column}",
    1,
    5,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_urge_is_one_to_five(violations: Violations, column: str) -> None:
    """The Urges of an Earthbound lie between 1 and 5."""
    assert not violations


@rule.between(
    part("characters_earthbound"),
    "mastery_rating",
    0,
    5,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_mastery_is_zero_to_five(violations: Violations) -> None:
    """The mastery of an Earthbound lies between 0 and 5."""
    assert not violations


@rule.between(
    part("characters_thrall"),
    "faith_potential",
    1,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_faith_potential_is_one_to_five(violations: Violations) -> None:
    """The faith potential of a thrall lies between 1 and 5."""
    assert not violations


@rule.between(
    "characters_ritual",
    "primary_lore_rating",
    1,
    5,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_ritual_needs_a_lore_of_one_to_five(violations: Violations) -> None:
    """A ritual needs 1 to 5 dots of its Lore."""
    assert not violations


@pytest.mark.parametrize("column", LINE_ABILITIES["characters_dtfhuman"])
@rule.between(
    part("characters_dtfhuman"),
    "{column}",
    0,
    10,
    fix_hint=UNBOUNDED,
)
def test_demon_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The abilities that sheets of demons and thralls add lie between 0 and 10.

    TG's own ways to gain dots stop at five, and there are ten at most; an edit page, and SQL, take any number.
    """
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "values"), choices("characters_earthbound"))
@rule.one_of(ANY_PART, "{column}", "%(values)s", fix_hint=MEANT)
def test_reliquary_of_earthbound_is_of_a_known_kind(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """The reliquary that binds an Earthbound is of a kind that the application knows."""
    assert not violations


@pytest.mark.parametrize("column", ["demon_id", "thrall_id"])
@rule.not_null(
    "characters_pact",
    "{column}",
    show=["demon_id", "thrall_id", "active"],
    fix_hint="one side was deleted, and the terms are all that is left: a storyteller decides",
    overlaps=["test_rating_names_both_sides", "test_thrall_has_a_pact_with_the_master"],
    tags=["DEM-1"],
)
def test_pact_names_demon_and_thrall(violations: Violations, column: str) -> None:
    """A pact is between a demon and a thrall."""
    assert not violations


@rule.unique(
    "characters_pact",
    ["demon_id", "thrall_id"],
    where="active",
    show=["terms", "faith_payment"],
    fix_hint="which of the pacts still holds only a storyteller knows",
    overlaps=["test_thrall_has_a_pact_with_the_master"],
    tags=["DEM-1"],
)
def test_pact_in_force_is_the_only_one(violations: Violations) -> None:
    """No demon has two active pacts with the same thrall."""
    assert not violations


@rule.references(
    part("characters_thrall"),
    ["dtfhuman_ptr_id", "master_id"],
    "characters_pact",
    ["thrall_id", "demon_id"],
    where="active",
    severity="info",
    breaks="""
        UPDATE characters_pact SET active = false WHERE (thrall_id, demon_id) IN (
            SELECT dtfhuman_ptr_id, master_id FROM characters_thrall
            WHERE (dtfhuman_ptr_id, master_id) IN (SELECT thrall_id, demon_id FROM characters_pact WHERE active)
            ORDER BY 1 LIMIT 1
        ) AND active RETURNING thrall_id
    """,
    fix_hint="whether the pact or the master is out of date only a storyteller knows",
    overlaps=["test_rating_names_both_sides", "test_type_tag_has_its_row"],
    tags=["DEM-2"],
)
def test_thrall_has_a_pact_with_the_master(violations: Violations) -> None:
    """A thrall with a master has an active pact with that demon.

    The severity is info: the page of a pact ends it and leaves the master on the sheet of the thrall.
    """
    assert not violations


@rule.formula(
    part("characters_thrall"),
    "daily_faith_offered",
    "(faith_potential::bigint + 1) / 2",
    severity="info",
    show=["faith_potential"],
    fix="recompute",
    overlaps=["test_faith_potential_is_one_to_five"],
    tags=["DEM-2"],
)
def test_thrall_offers_half_of_the_potential(violations: Violations) -> None:
    """A thrall offers half of the faith potential a day, rounded up.

    The severity is info: only one action of the application works it out, so that it lags behind in normal use.
    """
    assert not violations


@pytest.mark.parametrize("table", [LOW, HIGH])
@rule.children(
    "characters_apocalypticform",
    "{table}.apocalypticform_id",
    at_least=4,
    at_most=4,
    severity="info",
    breaks="""
        DELETE FROM {table} WHERE id = (SELECT min(id) FROM {table}) RETURNING apocalypticform_id
    """,
    fix_hint="the player chooses the traits",
    tags=["DEM-3"],
)
def test_apocalyptic_form_has_four_traits(violations: Violations, table: str) -> None:
    """An apocalyptic form has 4 traits for low torment, and 4 for high.

    The severity is info: the page on which forms are created saves one before it has all of them.
    """
    assert not violations


@rule.total(
    "characters_apocalypticform",
    TRAITS,
    "trait.cost",
    at_most=16,
    by="chosen.apocalypticform_id",
    severity="low",
    breaks=f"""
        UPDATE characters_apocalypticformtrait SET cost = cost + 17 WHERE id = (
            SELECT apocalypticformtrait_id FROM {HIGH}
            GROUP BY 1 HAVING count(*) = 1 AND apocalypticformtrait_id NOT IN (SELECT apocalypticformtrait_id FROM {LOW})
            ORDER BY 1 LIMIT 1
        ) RETURNING (
            SELECT high.apocalypticform_id FROM {HIGH} AS high
            WHERE high.apocalypticformtrait_id = characters_apocalypticformtrait.id
        )
    """,
    fix_hint="the player chooses the traits",
    overlaps=["test_apocalyptic_form_has_four_traits"],
    tags=["DEM-3"],
)
def test_apocalyptic_form_costs_at_most_sixteen(violations: Violations) -> None:
    """The traits of an apocalyptic form cost 16 points at most."""
    assert not violations


@rule.rows(
    LOW_TRAITS,
    "high.id IS NOT NULL",
    severity="low",
    breaks={
        "low.apocalypticformtrait_id": f"""
            (SELECT min(other.apocalypticformtrait_id) FROM {HIGH} AS other
            WHERE other.apocalypticform_id = low.apocalypticform_id)
        """
    },
    show=["trait.name"],
    fix_hint="the player chooses the traits",
    overlaps=["test_trait_of_high_torment_is_not_for_low"],
    tags=["DEM-3"],
)
def test_trait_of_form_is_for_low_or_high_torment(violations: Violations) -> None:
    """No trait of an apocalyptic form is there for low and for high torment."""
    assert not violations


@rule.rows(
    LOW_TRAITS,
    "trait.high_torment_only",
    severity="low",
    breaks={
        "low.apocalypticformtrait_id": f"""
            (SELECT min(other.id) FROM characters_apocalypticformtrait AS other WHERE other.high_torment_only
            AND other.id NOT IN (SELECT apocalypticformtrait_id FROM {HIGH} AS taken
            WHERE taken.apocalypticform_id = low.apocalypticform_id))
        """
    },
    show=["trait.name"],
    fix_hint="the player chooses the traits",
    overlaps=["test_apocalyptic_form_costs_at_most_sixteen"],
    tags=["DEM-3"],
)
def test_trait_of_high_torment_is_not_for_low(violations: Violations) -> None:
    """A trait that only high torment brings is not among those for low torment."""
    assert not violations


@rule.between(
    part("characters_earthbound"),
    "reliquary_current_health",
    0,
    "reliquary_max_health",
    severity="info",
    fix_hint=LEFT,
    overlaps=["test_reliquary_is_as_strong_as_its_faith"],
    tags=["DEM-4"],
)
def test_reliquary_is_not_above_its_health(violations: Violations) -> None:
    """A reliquary has no less health than none, and no more than it can have."""
    assert not violations


@rule.formula(
    BOUND,
    "bound.reliquary_max_health",
    "CASE WHEN bound.reliquary_type = 'location' THEN (bound.faith::bigint + human.willpower) * 2 ELSE bound.faith END",
    severity="info",
    show=["bound.reliquary_type", "bound.faith", "human.willpower"],
    fix_hint="new sheets begin with 10, whatever the Faith: a storyteller decides",
    overlaps=[
        "test_faith_is_one_to_ten",
        "test_reliquary_of_earthbound_is_of_a_known_kind",
        "test_willpower_is_one_to_ten",
    ],
    tags=["DEM-4"],
)
def test_reliquary_is_as_strong_as_its_faith(violations: Violations) -> None:
    """A reliquary has as much health as the Earthbound has Faith; a place twice the sum of Faith and Willpower."""
    assert not violations


@rule.formula(
    IN_BODIES,
    "demon.house_id",
    "visage.house_id",
    severity="info",
    breaks={
        "demon.visage_id": "(SELECT min(other.id) FROM characters_visage AS other WHERE other.house_id <> demon.house_id)",
    },
    show=["visage.name"],
    fix_hint="whether house or visage is wrong only the player knows",
    tags=["DEM-5"],
)
def test_visage_is_of_the_house(violations: Violations) -> None:
    """A demon shows a visage of his own house."""
    assert not violations
