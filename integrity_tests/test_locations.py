"""Places: what lies inside what."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule

from .sources import ascending


@rule.rows(
    ascending(
        "locations with their parents",
        "locations_locationmodel",
        "id",
        "parent_id",
        label="locations_locationmodel.name",
    ),
    "anchored.id IS NULL",
    severity="high",
    breaks={"locations_locationmodel.parent_id": "locations_locationmodel.id"},
    show=["locations_locationmodel.parent_id"],
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
    fix_hint="which of the places contains which only a person knows",
    tags=["LOC-2"],
)
def test_location_is_not_contained_in_itself(violations: Violations) -> None:
    """No place is contained within itself, be it by way of others. A place may be contained within several."""
    assert not violations
