"""Numbers that are beyond all measure, in columns of which no source says what is possible."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .words.measures import beyond_measure
from .words.offending import Offending, Shown


@pytest.mark.parametrize(("table", "column", "wrong", "shown"), beyond_measure())
@rule.rows(
    "{table}",
    "%(wrong)s IS NOT NULL",
    severity="low",
    breaks={"{column}": "-32000"},
    show=["%(shown)s"],
    overlaps=[
        "test_banality_of_autumn_people_is_seven_to_ten",
        "test_blood_pool_is_not_above_its_maximum",
        "test_character_creation_has_not_gone_below_its_first_step",
        "test_chimera_is_within_the_usual",
        "test_creation_of_location_is_at_a_step",
        "test_edge_is_of_level_one_to_five",
        "test_health_levels_are_at_least_one",
        "test_health_levels_lost_are_at_most_all",
        "test_item_value_is_as_the_form_says",
        "test_library_has_a_book_for_each_rank",
        "test_location_value_is_as_the_form_says",
        "test_mastery_is_zero_to_five",
        "test_most_blood_of_ghoul_is_not_negative",
        "test_paradox_realm_has_its_obstacles",
        "test_rank_of_haunt_is_one_to_five",
        "test_rating_of_domain_follows_from_its_traits",
        "test_rating_of_hunting_ground_follows_from_its_traits",
        "test_reliquary_is_not_above_its_health",
        "test_resources_of_organization_are_one_to_five",
        "test_ritual_needs_a_lore_of_one_to_five",
        "test_template_was_used_as_often_as_it_is_known",
        "test_title_is_worth_zero_to_seven",
        "test_urge_is_one_to_five",
        "test_virtue_of_ghoul_is_at_most_five",
        *("test_angst_is_at_least_one", "test_angst_is_at_most_ten", "test_pooled_rating_is_at_most_ten"),
        *("test_pooled_background_is_the_sum_of_its_shares", "test_quintessence_of_sorcerer_is_zero_to_ten"),
        *("test_wheel_of_mage_is_not_negative", "test_wheel_of_mage_has_twenty_boxes"),
    ],
    fix_hint="a slip of somebody's fingers, or of an import: only who wrote it knows the number",
    tags=["measures"],
)
def test_number_is_not_beyond_all_measure(
    violations: Violations, table: str, column: str, wrong: Offending, shown: Shown
) -> None:
    """No number of dots is above ten, and nothing else many times what was ever meant, or less than nothing.

    The application asks for any number here, and a storyteller may mean an unusual one: so the bounds are wide. What the
    forms say of a column is said by rules of their own, which only note it.
    """
    assert not violations
