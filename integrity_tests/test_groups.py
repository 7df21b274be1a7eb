"""Groups of characters: who belongs to them and who leads them."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule

from .sources.characters import GROUPS, LEADERS, MEMBERS


@rule.rows(
    MEMBERS,
    "cm.status IN ('Ret', 'Dec')",
    breaks="""
    INSERT INTO characters_group_members (group_id, character_id)
    SELECT team.id, cm.id
    FROM characters_group AS team JOIN characters_charactermodel AS cm ON cm.chronicle_id = team.chronicle_id
    JOIN characters_character AS ch ON ch.charactermodel_ptr_id = cm.id
    WHERE cm.status = 'Ret' AND cm.id NOT IN (SELECT char_id FROM characters_backgroundrating WHERE pooled)
    ORDER BY team.id, cm.id LIMIT 1
    RETURNING id
    """,
    show=["cm.id", "cm.status", "member.group_id"],
    fix="delete member",
    fix_allows="delete",
    tags=["CHAR-4"],
)
def test_group_members_are_not_retired(violations: Violations) -> None:
    """Retired and deceased characters belong to no group.

    The fix takes them out, as saving them does; what they gave to its pool goes with them.
    """
    assert not violations


@rule.rows(
    LEADERS,
    "cm.status IN ('Ret', 'Dec')",
    breaks="""
    UPDATE characters_group SET leader_id = (
        SELECT min(cm.id) FROM characters_charactermodel AS cm
        JOIN characters_human AS human ON human.character_ptr_id = cm.id WHERE cm.status = 'Ret'
    ) WHERE id = (SELECT min(id) FROM characters_group)
    RETURNING id
    """,
    show=["cm.id", "cm.name", "cm.status"],
    fix={"led.leader_id": "NULL"},
    overlaps=["test_group_leader_is_a_member"],
    tags=["CHAR-5"],
)
def test_group_leader_is_not_retired(violations: Violations) -> None:
    """Retired and deceased characters lead no group; the fix leaves the group without a leader."""
    assert not violations


@rule.references(
    GROUPS,
    ["id", "leader_id"],
    "characters_group_members",
    ["group_id", "character_id"],
    severity="info",
    breaks="""
    UPDATE characters_group SET leader_id = (
        SELECT min(cm.id) FROM characters_charactermodel AS cm
        JOIN characters_human AS human ON human.character_ptr_id = cm.id
        WHERE cm.status = 'App' AND cm.id NOT IN (SELECT character_id FROM characters_group_members)
    ) WHERE id = (SELECT min(id) FROM characters_group)
    RETURNING id
    """,
    show=["leader_id"],
    fix_hint="either the leader joins or somebody else leads: the group decides",
    overlaps=["test_group_leader_is_not_retired"],
    tags=["CHAR-25"],
)
def test_group_leader_is_a_member(violations: Violations) -> None:
    """Who leads a group belongs to it.

    The application does not ask for that, hence the severity.
    """
    assert not violations


@rule.implies(
    MEMBERS,
    "team.chronicle_id IS NOT NULL",
    "cm.chronicle_id IS NOT DISTINCT FROM team.chronicle_id",
    severity="info",
    breaks="""
    INSERT INTO characters_group_members (group_id, character_id)
    SELECT team.id, cm.id
    FROM characters_group AS team JOIN characters_charactermodel AS cm ON cm.chronicle_id <> team.chronicle_id
    JOIN characters_character AS ch ON ch.charactermodel_ptr_id = cm.id
    WHERE cm.status = 'App' AND cm.id NOT IN (SELECT char_id FROM characters_backgroundrating WHERE pooled)
    ORDER BY team.id, cm.id LIMIT 1
    RETURNING id
    """,
    show=["cm.id", "cm.chronicle_id", "team.id", "team.chronicle_id"],
    fix_hint="visitors are possible: a storyteller knows who belongs where",
    tags=["CHAR-26"],
)
def test_group_members_play_in_its_chronicle(violations: Violations) -> None:
    """Who belongs to a group plays in the same chronicle as the group.

    The application does not ask for that, hence the severity.
    """
    assert not violations
