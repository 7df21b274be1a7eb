"""Hunters: Virtues, edges, cells."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import ANY_PART, HUNTERS, part
from .words.lines import LEFT, LINE_ABILITIES, MEANT, PAID, UNBOUNDED, choices


@pytest.mark.parametrize("column", ["conviction", "vision", "zeal"])
@rule.between(
    HUNTERS,
    "{column}",
    1,
    5,
    severity="medium",
    fix_hint=PAID,
)
def test_virtue_of_hunter_is_one_to_five(violations: Violations, column: str) -> None:
    """Conviction, Vision and Zeal lie between 1 and 5; a sheet outside that cannot be saved any more."""
    assert not violations


@pytest.mark.parametrize("column", ["temporary_conviction", "temporary_vision", "temporary_zeal"])
@rule.between(
    HUNTERS,
    "{column}",
    0,
    10,
    severity="medium",
    fix_hint=LEFT,
)
def test_temporary_virtue_of_hunter_is_zero_to_ten(violations: Violations, column: str) -> None:
    """What is left of Conviction, Vision and Zeal lies between 0 and 10."""
    assert not violations


@rule.between(
    "characters_edge",
    "level",
    1,
    5,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_edge_is_of_level_one_to_five(violations: Violations) -> None:
    """An edge is typically of level 1 to 5."""
    assert not violations


@rule.between(
    "characters_hunterorganization",
    "resources",
    1,
    5,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_resources_of_organization_are_one_to_five(violations: Violations) -> None:
    """An organization of hunters has 1 to 5 dots of resources."""
    assert not violations


@pytest.mark.parametrize("column", LINE_ABILITIES["characters_htrhuman"])
@rule.between(
    part("characters_htrhuman"),
    "{column}",
    0,
    10,
    fix_hint=UNBOUNDED,
)
def test_hunter_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The abilities and Backgrounds that sheets of hunters add lie between 0 and 10.

    TG's own ways to gain dots stop at five, and there are ten at most; an edit page, and SQL, take any number.
    """
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "values"), choices("characters_hunter"))
@rule.one_of(ANY_PART, "{column}", "%(values)s", fix_hint=MEANT)
def test_hunter_is_led_by_a_known_virtue(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """The primary Virtue of a hunter is one of the three."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "key", "column", "values"),
    choices("characters_creed", "characters_edge", "characters_hunterorganization"),
)
@rule.one_of("{table}", "{column}", "%(values)s", fix_hint=MEANT)
def test_creed_or_edge_is_of_a_known_kind(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """The Virtue of a creed or edge, and the kind of an organization, are words that the application knows."""
    assert not violations


@rule.references(
    "characters_hunter_cell_members",
    ["to_hunter_id", "from_hunter_id"],
    "characters_hunter_cell_members",
    ["from_hunter_id", "to_hunter_id"],
    breaks="""
        DELETE FROM characters_hunter_cell_members WHERE id = (
            SELECT min(id) FROM characters_hunter_cell_members WHERE from_hunter_id <> to_hunter_id
        ) RETURNING (
            SELECT mirrored.id FROM characters_hunter_cell_members AS mirrored
            WHERE (mirrored.from_hunter_id, mirrored.to_hunter_id) = (
                characters_hunter_cell_members.to_hunter_id, characters_hunter_cell_members.from_hunter_id
            )
        )
    """,
    show=["from_hunter_id", "to_hunter_id"],
    fix_hint="whether the one is in the cell or the other is not, only the players know",
    tags=["HUN-1"],
)
def test_hunters_of_a_cell_know_each_other(violations: Violations) -> None:
    """Where one hunter is in the cell of another, the other is in that of the one."""
    assert not violations


@rule.rows(
    "characters_hunter_cell_members",
    "from_hunter_id = to_hunter_id",
    breaks="""
        INSERT INTO characters_hunter_cell_members (from_hunter_id, to_hunter_id)
        SELECT min(htrhuman_ptr_id), min(htrhuman_ptr_id) FROM characters_hunter RETURNING id
    """,
    show=["from_hunter_id"],
    fix="delete",
    fix_allows="delete",
    tags=["HUN-1"],
)
def test_hunter_is_not_a_cell_of_one(violations: Violations) -> None:
    """No hunter is his own companion in the cell."""
    assert not violations


@rule.references(
    "characters_hunterorganization",
    ["id", "leader_id"],
    "characters_hunterorganization_members",
    ["hunterorganization_id", "hunter_id"],
    severity="info",
    breaks={
        "leader_id": """
            (SELECT min(htrhuman_ptr_id) FROM characters_hunter WHERE htrhuman_ptr_id NOT IN (
                SELECT member.hunter_id FROM characters_hunterorganization_members AS member
                WHERE member.hunterorganization_id = characters_hunterorganization.id))
        """
    },
    show=["leader_id"],
    fix_hint="a leader from outside is conceivable: a storyteller knows",
    tags=["HUN-2"],
)
def test_leader_of_organization_is_a_member(violations: Violations) -> None:
    """The leader of an organization of hunters is one of its members."""
    assert not violations
