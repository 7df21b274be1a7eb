"""Places: what lies inside what, what they are worth, and to whom they belong."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.things import ANY_PLACE, HOMES, PLACES, SELF_LINKS
from .words.things import OWNED, SET, UNCHECKED, choices, constrained, described, plain_choices, validated

FOLLOWS: Final = tuple(f"LOC-{number}" for number in (3, 4, 5, 6, 7, 8, 9, 10))
"""The invariants of what follows from other columns: a value out of bounds may break them too."""


@pytest.mark.parametrize(("table", "key", "column", "low", "high", "constraint"), constrained("locations"))
@rule.between(
    ANY_PLACE,
    "{column}",
    "%(low)s",
    "%(high)s",
    fix_hint=SET,
    enforced_by="{constraint}",
    overlaps=FOLLOWS,
)
def test_location_value_is_within_its_constraint(
    violations: Violations, table: str, key: str, column: str, low: int, high: int, constraint: str
) -> None:
    """Ranks, ratings and the like of places lie within the bounds that the database was given too."""
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "low", "high"), validated("locations"))
@rule.between(ANY_PLACE, "{column}", "%(low)s", "%(high)s", fix_hint=SET, overlaps=FOLLOWS)
def test_location_value_is_within_its_bounds(
    violations: Violations, table: str, key: str, column: str, low: int, high: int
) -> None:
    """Ranks, ratings and the like of places lie within the bounds that the application asks of them."""
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "low", "high"), described("locations"))
@rule.between(ANY_PLACE, "{column}", "%(low)s", "%(high)s", severity="info", fix_hint=UNCHECKED, overlaps=FOLLOWS)
def test_location_value_is_as_the_form_says(
    violations: Violations, table: str, key: str, column: str, low: int, high: int
) -> None:
    """Sizes, dangers and the like of places lie within the bounds that the form mentions."""
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "values"), choices("locations"))
@rule.one_of(ANY_PLACE, "{column}", "%(values)s", fix_hint=SET)
def test_location_is_described_in_known_words(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """Kind, era, court and the like of a place are words that the application knows."""
    assert not violations


@pytest.mark.parametrize(("table", "column", "values"), plain_choices("locations"))
@rule.one_of("{table}", "{column}", "%(values)s", fix_hint=SET)
def test_paradox_is_described_in_known_words(
    violations: Violations, table: str, column: str, values: list[str]
) -> None:
    """The obstacles of a paradox realm and what hangs in its air are of spheres and paradigms that there are."""
    assert not violations


@pytest.mark.parametrize("column", ["gauntlet", "shroud", "dimension_barrier"])
@rule.between(PLACES, "{column}", 0, 10, fix_hint=SET, overlaps=["LOC-5"], tags=["LOC-1"])
def test_barrier_of_location_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The Gauntlet, the Shroud and the dimension barrier around a place lie between 0 and 10."""
    assert not violations


@rule.between(
    PLACES, "creation_status", 0, None, fix_hint="how far its making has come only its owner knows", tags=["LOC-1"]
)
def test_creation_of_location_is_at_a_step(violations: Violations) -> None:
    """The making of a place is at step 0 or at a later one."""
    assert not violations


@rule.acyclic(
    PLACES,
    "locations_locationmodel.parent_id",
    severity="high",
    fix_hint="which of the places lies in which only a person knows",
    overlaps=["test_foreign_key_has_no_orphans"],
    tags=["LOC-2"],
)
def test_location_is_no_part_of_its_parts(violations: Violations) -> None:
    """No place belongs to itself, be it by way of others; its page would never end.

    Those that merely belong to such a circle are named too.
    """
    assert not violations


@rule.query(
    """
    WITH RECURSIVE lies(inside, container) AS (
        SELECT from_locationmodel_id, to_locationmodel_id FROM locations_locationmodel_contained_within
    ), between_others AS (
        SELECT inside, container FROM lies
        WHERE inside IN (SELECT container FROM lies) AND container IN (SELECT inside FROM lies)
    ), above(inside, container) AS (
        SELECT inside, container FROM between_others
        UNION
        SELECT above.inside, further.container
        FROM above JOIN between_others AS further ON further.inside = above.container
    )
    SELECT above.inside AS id, place.name
    FROM above LEFT JOIN locations_locationmodel AS place ON place.id = above.inside
    WHERE above.inside = above.container
    """,
    severity="high",
    breaks="""
    WITH link AS (
        SELECT from_locationmodel_id AS inside, to_locationmodel_id AS container
        FROM locations_locationmodel_contained_within ORDER BY id LIMIT 1
    ), reversed AS (
        INSERT INTO locations_locationmodel_contained_within (from_locationmodel_id, to_locationmodel_id)
        SELECT container, inside FROM link RETURNING from_locationmodel_id, to_locationmodel_id
    )
    SELECT unnest(ARRAY[from_locationmodel_id, to_locationmodel_id]) FROM reversed
    """,
    fix_hint="which of the places contains which only a person knows",
    overlaps=["LOC-15"],
    tags=["LOC-2"],
)
def test_location_is_not_contained_in_itself(violations: Violations) -> None:
    """No place is contained within itself, be it by way of others. A place may be contained within several."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "one", "other"),
    [
        ("locations_sector_connected_sectors", "from_sector_id", "to_sector_id"),
        ("locations_locationmodel_contained_within", "from_locationmodel_id", "to_locationmodel_id"),
    ],
)
@rule.rows(
    SELF_LINKS,
    "{one} = {other}",
    severity="info",
    breaks={"{one}": "{other}"},
    fix="delete",
    fix_allows="delete",
    overlaps=["LOC-2"],
    tags=["LOC-15"],
)
def test_location_is_linked_to_another(violations: Violations, table: str, one: str, other: str) -> None:
    """A sector is connected to another sector, and a place is contained in another place.

    The severity is info: it stands to reason, but nothing in the application sees to it.
    """
    assert not violations


@rule.formula(
    HOMES,
    "cm.chronicle_id",
    "place.chronicle_id",
    severity="info",
    breaks={
        "place.owned_by_id": """
            (SELECT min(other.id) FROM characters_charactermodel AS other
            WHERE other.chronicle_id <> place.chronicle_id)
        """
    },
    show=["place.chronicle_id", "cm.id", "cm.name", "cm.chronicle_id"],
    fix_hint=OWNED,
    tags=["LOC-14"],
    overlaps=["test_character_chronicle_is_named_once_approved", "test_object_that_is_submitted_has_a_chronicle"],
)
def test_location_is_owned_within_its_chronicle(violations: Violations) -> None:
    """A place of a chronicle belongs to a character of that chronicle."""
    assert not violations
