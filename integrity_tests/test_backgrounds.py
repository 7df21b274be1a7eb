"""Backgrounds: allies, resources and other dots that are no part of the body; some are given to the pool of a group."""

from __future__ import annotations

from collections.abc import Callable

from pytest_tgintegrity import Violations, rule

from .sources.characters import BACKGROUNDS, POOLS, SHARES, background_columns
from .words.classes import BACKGROUND_COLUMNS


@rule.derived(
    POOLS,
    "pool.rating",
    "sum(share.rating)",
    SHARES,
    by="(member.group_id, share.bg_id, share.note)",
    of="(pool.group_id, pool.bg_id, pool.note)",
    where="share.pooled",
    severity="info",
    fix="recompute",
    overlaps=["test_pooled_rating_is_at_most_ten", "test_pooled_background_has_its_pool"],
    tags=["BG-1"],
)
def test_pooled_background_is_the_sum_of_its_shares(violations: Violations) -> None:
    """A group has together what its members give; added up when one is approved, not when one leaves or changes.

    Pools to which a deleted character gave are left out until `test_character_leaves_nothing_behind` is mended. The fix adds
    up as approval does, which also counts members that wait for it themselves.
    """
    assert not violations


@rule.references(
    SHARES,
    [f"CASE WHEN share.pooled THEN {column} END" for column in ("member.group_id", "share.bg_id", "share.note")],
    "characters_pooledbackgroundrating",
    ["group_id", "bg_id", "note"],
    severity="info",
    breaks="""
    WITH gone AS (
        DELETE FROM characters_pooledbackgroundrating
        WHERE id = (SELECT min(id) FROM characters_pooledbackgroundrating) RETURNING group_id, bg_id, note
    )
    SELECT share.id, member.id
    FROM gone JOIN characters_group_members AS member ON member.group_id = gone.group_id
    JOIN characters_backgroundrating AS share
    ON share.pooled AND (share.char_id, share.bg_id, share.note) = (member.character_id, gone.bg_id, gone.note)
    """,
    fix_hint="approve a member: the application adds up again, but then also what is not approved yet counts",
    tags=["BG-1"],
)
def test_pooled_background_has_its_pool(violations: Violations) -> None:
    """What a member gives to the pool is part of one; the application makes it when a member is approved, not before."""
    assert not violations


@rule.implies(
    BACKGROUNDS,
    "held.pooled",
    "background.poolable",
    severity="low",
    breaks={"background.poolable": "FALSE"},
    show=["held.bg_id", "held.rating"],
    fix_hint="the player takes it back or a storyteller allows it",
    tags=["BG-2"],
)
def test_background_in_a_pool_can_be_pooled(violations: Violations) -> None:
    """Only backgrounds that can be shared are given to the pool of a group."""
    assert not violations


@rule.references(
    BACKGROUNDS,
    "CASE WHEN held.pooled THEN held.char_id END",
    "characters_group_members",
    "character_id",
    severity="info",
    breaks="""
    UPDATE characters_backgroundrating SET pooled = TRUE WHERE id = (
        SELECT min(held.id) FROM characters_backgroundrating AS held
        JOIN characters_background AS background ON background.statistic_ptr_id = held.bg_id AND background.poolable
        JOIN characters_charactermodel AS cm ON cm.id = held.char_id AND cm.status IN ('Ret', 'Dec')
        WHERE held.char_id NOT IN (SELECT character_id FROM characters_group_members)
        AND held.char_id IN (SELECT id FROM characters_charactermodel WHERE status IN ('Ret', 'Dec'))
    ) RETURNING id
    """,
    show=["held.bg_id", "held.rating"],
    fix={
        "held.pooled": """
            held.char_id NOT IN (SELECT id FROM characters_charactermodel WHERE status IN ('Ret', 'Dec'))
        """
    },
    tags=["BG-2"],
)
def test_background_in_a_pool_has_a_group(violations: Violations) -> None:
    """Who gives a background to a pool belongs to a group.

    The severity is info: deleting a group, and retiring, leave what was given to the pool. The fix takes back what retired
    and deceased characters give; others may yet join the group that was meant.
    """
    assert not violations


@rule.between(
    "characters_backgroundrating",
    "rating",
    None,
    5,
    severity="info",
    fix_hint="the rest may be another of the kind, told apart by its note: the player or a storyteller knows",
    overlaps=["test_rating_is_at_most_ten", "BG-1"],
    tags=["BG-3"],
)
def test_background_has_at_most_five_dots(violations: Violations) -> None:
    """One background has at most 5 dots: there the application stops adding.

    The severity is info: in the administration it takes up to 10, and stores them.
    """
    assert not violations


def agrees_with_its_rows(table: str, columns: tuple[str, ...]) -> Callable[[Violations], None]:
    """Declare the rule for one sheet: the columns differ, so each sheet has its own SQL."""

    @rule.formula(
        background_columns(table, columns),
        "noted.dots",
        "CASE WHEN noted.dots <> 0 THEN coalesce(held.dots, 0) END",
        severity="low",
        breaks=f"""
        UPDATE {table} SET resources = 7
        WHERE human_ptr_id = (SELECT min(human_ptr_id) FROM {table}) RETURNING human_ptr_id, 'resources'
        """,
        fix_hint="the column is read by nobody and may be emptied, once the player has looked at it",
        overlaps=[f"test_{line}_ability_is_zero_to_ten" for line in ("vampire", "mummy", "hunter")],
        tags=["CHAR-27"],
    )
    def test(violations: Violations) -> None:
        """A background in a column of the sheet has as many dots as the rows that the application reads, or none."""
        assert not violations

    return test


for name, backgrounds in BACKGROUND_COLUMNS.items():
    globals()[f"test_background_columns_of_{name}_agree_with_its_rows"] = agrees_with_its_rows(name, backgrounds)
