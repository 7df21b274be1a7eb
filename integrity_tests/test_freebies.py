"""Freebie points: what they were spent on, and what is left of them."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule

from .sources.play import FREEBIES, POOLS, REFUSED_MERITS
from .words.classes import FREEBIE_TRAITS


@rule.at_most(
    FREEBIES,
    "spend.cost",
    "9999",
    severity="high",
    breaks={"spend.cost": "10000"},
    show=["spend.trait_type", "spend.trait_name", "spend.trait_value"],
    fix_hint="the pool was reduced by it: a storyteller decides what the trait costs",
    overlaps=["test_freebies_add_up_to_what_characters_begin_with"],
    since="spend.created_at",
    tags=["XP-18"],
)
def test_freebie_spend_has_a_price(violations: Violations) -> None:
    """Nothing costs 10000 freebie points or more: that is the price of a trait that has none."""
    assert not violations


@rule.implies(
    FREEBIES,
    "spend.cost < 0",
    "spend.trait_type IN ('meritflaw', 'advantage')",
    severity="high",
    breaks={"spend.cost": "-1", "spend.trait_type": "'ability'"},
    show=["spend.trait_type", "spend.trait_name", "spend.trait_value", "spend.cost"],
    fix_hint="the pool was raised by it: a storyteller decides what the trait costs",
    overlaps=["test_freebies_add_up_to_what_characters_begin_with"],
    since="spend.created_at",
    tags=["XP-18"],
)
def test_freebie_spend_brings_points_for_flaws_only(violations: Violations) -> None:
    """Nothing brings freebie points but a flaw, or an advantage that is given up."""
    assert not violations


@rule.one_of(
    FREEBIES,
    "spend.trait_type",
    FREEBIE_TRAITS,
    severity="info",
    show=["spend.trait_name"],
    fix_hint="nobody will be able to take it back: a storyteller knows what was bought",
    since="spend.created_at",
)
def test_freebie_spend_is_on_a_known_kind_of_trait(violations: Violations) -> None:
    """Freebie points are spent on kinds of traits that TG knows. Nothing enforces it."""
    assert not violations


@rule.implies(
    REFUSED_MERITS,
    "spend.approved = 'Denied'",
    "kept.character_id IS NOT NULL",
    severity="info",
    breaks="""
        INSERT INTO game_freebiespendingrecord
            (character_id, trait_type, trait_name, trait_value, cost, approved, created_at, approved_at, approved_by_id)
        SELECT rating.character_id, 'meritflaw', merit.name, rating.rating, rating.rating, 'Denied',
               now() - interval '2 days', now() - interval '1 day',
               (SELECT min(id) FROM auth_user WHERE is_staff)
        FROM characters_meritflawrating AS rating JOIN characters_meritflaw AS merit ON merit.id = rating.mf_id
        WHERE (rating.character_id, merit.name) NOT IN (
            SELECT character_id, trait_name FROM game_freebiespendingrecord WHERE trait_type = 'meritflaw')
        ORDER BY rating.id LIMIT 1
        RETURNING id
    """,
    show=["spend.trait_name", "spend.cost"],
    fix_hint="TG paid the points back and left the merit: a storyteller takes it off the sheet, or charges for it",
    since="spend.created_at",
    tags=["FRB-2"],
    overlaps=["test_name_in_the_books_is_used_once"],
)
def test_freebie_merit_is_gone_when_denied(violations: Violations) -> None:
    """A merit or flaw that was denied is no longer on the sheet, unless it was bought again.

    The severity is info: denying pays the points back and fails to remove the merit.
    """
    assert not violations


@rule.between(
    POOLS,
    "human.freebies + spent.cost",
    15,
    40,
    severity="info",
    breaks={"human.freebies": "60"},
    show=["human.freebies", "spent.cost"],
    fix_hint="what a class begins with and what a backstory brings is not stored: a storyteller judges",
    overlaps=["test_freebies_are_never_negative"],
    tags=["FRB-3"],
)
def test_freebies_add_up_to_what_characters_begin_with(violations: Violations) -> None:
    """What is left and what was spent are together 15 to 25 points, and up to 15 more for a backstory."""
    assert not violations
