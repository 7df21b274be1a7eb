"""Places: the columns that follow from others, and what saving a place makes of them."""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity import Violations, rule

from .sources.things import CAERNS, thing
from .words.things import SET

BOUNDS: Final = ("test_location_value_is_within_its_constraint", "test_location_value_is_within_its_bounds")
TOMB: Final = "size::bigint + security + sanctity"
BUILD_POINTS: Final = dict(enumerate((11, 22, 33, 44, 55, 70, 85, 100, 115, 150), start=1))
MAINTENANCE: Final = dict(enumerate((1, 2, 3, 4, 5, 10, 15, 20, 25, 50), start=1))
SHROUDS: Final = {rank: 6 - rank for rank in range(1, 6)}
"""What the application looks up by rank."""


@rule.formula(
    thing("locations_haven"),
    "total_rating",
    """
    size::bigint + security + location + has_guardian::int + has_luxury::int + is_hidden::int + has_library::int
    + has_workshop::int
    """,
    severity="low",
    fix="recompute",
    tags=["LOC-3"],
)
def test_rating_of_haven_follows_from_its_traits(violations: Violations) -> None:
    """A haven is worth its size, security and location, and 1 for each of five features; saving computes it."""
    assert not violations


@rule.formula(
    thing("locations_domain"),
    "total_rating",
    "GREATEST(0, size::bigint + population + control + has_rack::int - is_disputed::int)",
    severity="low",
    fix="recompute",
    tags=["LOC-3"],
)
def test_rating_of_domain_follows_from_its_traits(violations: Violations) -> None:
    """A domain is worth its size, population and control, 1 more with a rack and 1 less if it is disputed."""
    assert not violations


@rule.formula(
    thing("locations_tremerechantry"),
    "total_rating",
    """
    size::bigint + security_level + library_rating + 2 * has_sanctum::int + has_wards::int + has_blood_forge::int
    + has_scrying_chamber::int + has_gargoyle_guardians::int
    """,
    severity="low",
    fix="recompute",
    tags=["LOC-3"],
)
def test_rating_of_tremere_chantry_follows_from_its_traits(violations: Violations) -> None:
    """A chantry of the Tremere is worth its size, security and library, 2 for a sanctum and 1 for each of four more."""
    assert not violations


@rule.formula(
    thing("locations_huntingground"),
    "total_rating",
    """
    GREATEST(0, size::bigint + population + supernatural_activity + contact_network + surveillance_coverage
    + control_level - 2 * is_contested::int)
    """,
    severity="low",
    fix="recompute",
    tags=["LOC-3"],
)
def test_rating_of_hunting_ground_follows_from_its_traits(violations: Violations) -> None:
    """A hunting ground is worth the sum of its six ratings, and 2 less if it is contested."""
    assert not violations


@rule.formula(
    thing("locations_safehouse"),
    "total_rating",
    """
    GREATEST(0, size::bigint + security_level + armory_level + surveillance_level + medical_facilities
    + has_panic_room::int + has_escape_routes::int + has_dead_drop::int - 2 * is_compromised::int)
    """,
    severity="low",
    fix="recompute",
    tags=["LOC-3"],
)
def test_rating_of_safehouse_follows_from_its_traits(violations: Violations) -> None:
    """A safehouse is worth its five ratings, 1 for each of three features, and 2 less if it is compromised."""
    assert not violations


@rule.formula(
    thing("locations_tomb"),
    "rank",
    f"CASE WHEN {TOMB} <= 10 THEN {TOMB} END",
    severity="low",
    fix="recompute",
    show=["size", "security", "sanctity"],
    overlaps=[*BOUNDS, "test_barrier_of_tomb_follows_from_its_rank"],
    tags=["LOC-4"],
)
def test_rank_of_tomb_is_what_it_is_made_of(violations: Violations) -> None:
    """The rank of a tomb is the sum of its size, security and sanctity; saving it computes that."""
    assert not violations


@rule.at_most(
    thing("locations_tomb"),
    TOMB,
    "10",
    severity="low",
    breaks={"size": "5", "security": "5", "sanctity": "5"},
    show=["size", "security", "sanctity"],
    fix_hint="which of the three has to go down only a storyteller knows",
    overlaps=["test_rank_of_tomb_is_what_it_is_made_of", *BOUNDS],
    tags=["LOC-4"],
)
def test_tomb_is_made_of_ten_points_at_most(violations: Violations) -> None:
    """Size, security and sanctity of a tomb make no more than 10; a tomb with more can never be saved again."""
    assert not violations


@rule.formula(
    thing("locations_tomb"),
    "duat_barrier",
    "CASE WHEN rank >= 7 THEN GREATEST(3, 14 - rank::bigint) END",
    severity="low",
    fix="recompute",
    breaks={"duat_barrier": "0", "rank": "7", "size": "5", "security": "1", "sanctity": "1"},
    show=["rank"],
    overlaps=["test_rank_of_tomb_is_what_it_is_made_of", *BOUNDS],
    tags=["LOC-4"],
)
def test_barrier_of_tomb_follows_from_its_rank(violations: Violations) -> None:
    """From rank 7 on, the barrier between a tomb and Duat is 14 less the rank, and at least 3; saving computes it."""
    assert not violations


@rule.formula(
    CAERNS,
    "place.gauntlet",
    "CASE WHEN caern.rank < 3 THEN 4 WHEN caern.rank < 5 THEN 3 ELSE 2 END",
    severity="low",
    fix="recompute",
    show=["caern.rank"],
    overlaps=["test_barrier_of_location_is_zero_to_ten"],
    tags=["LOC-5"],
)
def test_gauntlet_of_caern_follows_from_its_rank(violations: Violations) -> None:
    """The Gauntlet of a caern is 4, from rank 3 on it is 3, and from rank 5 on 2; saving it computes that."""
    assert not violations


@rule.formula(
    thing("locations_horizonrealm"),
    "build_points",
    {"rank": BUILD_POINTS},
    severity="info",
    show=["rank"],
    fix_hint=SET,
    overlaps=[*BOUNDS, "LOC-7"],
    tags=["LOC-6"],
)
def test_build_points_of_horizon_realm_follow_from_its_rank(violations: Violations) -> None:
    """A horizon realm is built of as many points as its rank gives, from 11 to 150.

    The severity is info: saving a new rank leaves them as they were, so that they drift apart in normal use.
    """
    assert not violations


@rule.formula(
    thing("locations_horizonrealm"),
    "base_maintenance",
    {"rank": MAINTENANCE},
    severity="info",
    show=["rank"],
    fix_hint=SET,
    overlaps=BOUNDS,
    tags=["LOC-6"],
)
def test_maintenance_of_horizon_realm_follows_from_its_rank(violations: Violations) -> None:
    """A horizon realm costs as much to maintain as its rank asks for, from 1 to 50.

    The severity is info: saving a new rank leaves it as it was, so that they drift apart in normal use.
    """
    assert not violations


@rule.between(
    thing("locations_haunt"),
    "rank",
    1,
    5,
    severity="info",
    fix_hint=SET,
    overlaps=["test_shroud_of_haunt_follows_from_its_rank"],
    tags=["LOC-8"],
)
def test_rank_of_haunt_is_one_to_five(violations: Violations) -> None:
    """A haunt has a rank from 1 to 5.

    The severity is info: the application knows no Shroud for other ranks, but nothing refuses them.
    """
    assert not violations


@rule.formula(
    thing("locations_haunt"),
    "shroud_rating",
    {"rank": SHROUDS},
    severity="info",
    show=["rank"],
    fix_hint=SET,
    tags=["LOC-8"],
)
def test_shroud_of_haunt_follows_from_its_rank(violations: Violations) -> None:
    """The Shroud of a haunt is 6 less its rank.

    The severity is info: saving a new rank leaves it as it was, so that they drift apart in normal use.
    """
    assert not violations


@rule.formula(
    thing("locations_node"),
    "points",
    "rank::bigint * 3",
    severity="info",
    show=["rank"],
    fix_hint=SET,
    overlaps=BOUNDS,
    tags=["LOC-9"],
)
def test_node_has_three_points_a_rank(violations: Violations) -> None:
    """A node is made of 3 points for each point of its rank, once it is complete."""
    assert not violations
