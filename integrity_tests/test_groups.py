"""Groups of characters: who belongs to them and who leads them."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule

from .sources import LEADERS, MEMBERS


@rule.rows(
    MEMBERS,
    "cm.status IN ('Ret', 'Dec')",
    breaks={"cm.status": "'Ret'"},
    show=["cm.id", "cm.status", "member.group_id"],
    fix_hint="leaving takes the leader and the pooled backgrounds along: take the character out in the application",
    overlaps=["test_group_leader_is_not_retired", "test_retired_character_is_in_no_unfinished_scene"],
    tags=["CHAR-4"],
)
def test_group_members_are_not_retired(violations: Violations) -> None:
    """Retired and deceased characters belong to no group."""
    assert not violations


@rule.rows(
    LEADERS,
    "cm.status IN ('Ret', 'Dec')",
    breaks={"cm.status": "'Ret'"},
    show=["cm.id", "cm.name", "cm.status"],
    fix={"led.leader_id": "NULL"},
    overlaps=["test_group_members_are_not_retired", "test_retired_character_is_in_no_unfinished_scene"],
    tags=["CHAR-5"],
)
def test_group_leader_is_not_retired(violations: Violations) -> None:
    """Retired and deceased characters lead no group; the fix leaves the group without a leader."""
    assert not violations
