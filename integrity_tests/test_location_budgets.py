"""Places: what a realm, a chantry, a library or a node consists of, and whether it was paid for."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.things import CHANTRY_BACKGROUNDS, INTEGRATED, thing
from .words.things import SET

OBSTACLES: Final = "num_primary_obstacles::bigint + num_random_obstacles"


@rule.at_most(
    thing("locations_horizonrealm"),
    """
    5 * size::bigint + 3 * environment::bigint + 2 * GREATEST(0, access_points::bigint - 1) + 2 * plants::bigint
    + 2 * animals::bigint + 5 * people::bigint + 4 * ephemera::bigint + 3 * guardians::bigint + 2 * arcane::bigint
    """,
    "build_points",
    severity="low",
    breaks={"people": "5", "ephemera": "5", "guardians": "10"},
    show=["size", "environment", "build_points"],
    fix_hint="what the realm has to do without only a storyteller knows",
    overlaps=["LOC-6", "test_location_value_is_within_its_constraint", "test_location_value_is_within_its_bounds"],
    tags=["LOC-7"],
)
def test_horizon_realm_is_not_overspent(violations: Violations) -> None:
    """What a horizon realm consists of costs no more than its build points."""
    assert not violations


@rule.total(
    thing("locations_node"),
    "locations_noderesonancerating.node_id",
    "rating::bigint",
    at_least="rank",
    severity="info",
    breaks="""
    UPDATE locations_node SET rank = 10, points = 30 WHERE locationmodel_ptr_id = (
        SELECT min(node.locationmodel_ptr_id) FROM locations_node AS node
        WHERE 10 > (SELECT coalesce(sum(rating), 0) FROM locations_noderesonancerating
            WHERE node_id = node.locationmodel_ptr_id)
    ) RETURNING locationmodel_ptr_id
    """,
    show=["rank"],
    fix_hint=SET,
    overlaps=["LOC-9", "RATE-1", "test_location_value_is_within_its_constraint", "test_type_tag_has_its_row"],
    tags=["LOC-9"],
)
def test_node_resounds_with_its_rank(violations: Violations) -> None:
    """A node has at least as many dots of resonance as its rank, once it is complete."""
    assert not violations


@rule.children(
    thing("locations_library"),
    "locations_library_books.library_id",
    at_least="rank",
    at_most="rank",
    severity="info",
    breaks="DELETE FROM locations_library_books WHERE id = (SELECT min(id) FROM locations_library_books)"
    " RETURNING library_id",
    show=["rank"],
    fix_hint="which books it has only a storyteller knows",
    tags=["LOC-10"],
    overlaps=["test_type_tag_has_its_row"],
)
def test_library_has_a_book_for_each_rank(violations: Violations) -> None:
    """A library holds as many books as its rank, once it is complete."""
    assert not violations


@rule.between(
    thing("locations_chantry"),
    "integrated_effects_score",
    0,
    10,
    fix_hint=SET,
    overlaps=["LOC-11", "LOC-12"],
    tags=["LOC-11"],
)
def test_integrated_effects_of_chantry_score_zero_to_ten(violations: Violations) -> None:
    """The integrated effects of a chantry score 0 to 10; with any other score its page breaks."""
    assert not violations


@rule.total(
    thing("locations_chantry"),
    INTEGRATED,
    "effect.rote_cost::bigint",
    at_most="(ARRAY[0, 4, 8, 15, 20, 25, 35, 45, 55, 70, 90])[LEAST(integrated_effects_score, 10) + 1]",
    by="woven.chantry_id",
    severity="info",
    breaks="""
    INSERT INTO locations_chantry_integrated_effects (chantry_id, effect_id)
    SELECT chantry.locationmodel_ptr_id, effect.id FROM locations_chantry AS chantry
    JOIN characters_effect AS effect ON effect.rote_cost > 0
    WHERE chantry.integrated_effects_score = 0
    ORDER BY chantry.locationmodel_ptr_id, effect.id LIMIT 1
    RETURNING chantry_id
    """,
    show=["integrated_effects_score"],
    fix_hint="which effect is too many only a storyteller knows",
    overlaps=["LOC-11"],
    tags=["LOC-11"],
)
def test_effects_of_chantry_fit_their_score(violations: Violations) -> None:
    """The effects that are woven into a chantry cost together no more than its score allows.

    The severity is info: editing an effect changes what it costs, and no chantry.
    """
    assert not violations


@rule.total(
    thing("locations_chantry"),
    CHANTRY_BACKGROUNDS,
    """
    held.rating::bigint * CASE
        WHEN background.property_name IN ('node', 'resources') THEN 3
        WHEN background.property_name IN ('enhancement', 'requisitions') THEN 4
        WHEN background.property_name = 'sanctum' THEN 5
        ELSE 2
    END
    """,
    at_most="total_points::bigint - 2 * integrated_effects_score::bigint",
    by="held.chantry_id",
    severity="low",
    breaks="""
    UPDATE locations_chantry SET total_points = 0 WHERE locationmodel_ptr_id = (
        SELECT min(chantry_id) FROM locations_chantrybackgroundrating WHERE rating > 0
    ) RETURNING locationmodel_ptr_id
    """,
    show=["total_points", "integrated_effects_score"],
    fix_hint="what the chantry has to do without only a storyteller knows",
    overlaps=["LOC-11"],
    tags=["LOC-12"],
)
def test_chantry_is_not_overspent(violations: Violations) -> None:
    """The backgrounds and integrated effects of a chantry cost no more than its points."""
    assert not violations


@rule.children(
    thing("locations_paradoxrealm"),
    "locations_paradoxobstacle.realm_id",
    at_least=OBSTACLES,
    at_most=OBSTACLES,
    severity="info",
    breaks="DELETE FROM locations_paradoxobstacle WHERE id = (SELECT min(id) FROM locations_paradoxobstacle)"
    " RETURNING realm_id",
    show=["num_primary_obstacles", "num_random_obstacles"],
    fix_hint=SET,
    tags=["LOC-13"],
    overlaps=["test_type_tag_has_its_row"],
)
def test_paradox_realm_has_its_obstacles(violations: Violations) -> None:
    """A paradox realm has as many obstacles as it says, primary and random ones together."""
    assert not violations


@rule.unique(
    "locations_paradoxobstacle",
    ["realm_id", "order"],
    severity="info",
    fix_hint="which comes first only a storyteller knows",
    tags=["LOC-13"],
)
def test_obstacles_of_paradox_realm_have_an_order(violations: Violations) -> None:
    """No two obstacles of a paradox realm stand at the same place in their order."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "column"),
    [("locations_paradoxobstacle", "obstacle_number"), ("locations_paradoxatmosphere", "atmosphere_number")],
    ids=["obstacle", "atmosphere"],
)
@rule.between("{table}", "{column}", 1, 10, severity="info", fix_hint=SET, tags=["LOC-13"])
def test_paradox_is_numbered_as_in_the_book(violations: Violations, table: str, column: str) -> None:
    """The obstacles of paradox realms, and what hangs in their air, are numbered as in the tables of the book."""
    assert not violations
