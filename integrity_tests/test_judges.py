"""Who decides on what is spent: nobody on what is their own, and nobody who tells no chronicle."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import CHRONICLES, STORYTELLERS
from .sources.play import DECIDED

DECIDES = "NOT (judge.is_staff OR judge.is_superuser)"

of_either = pytest.mark.parametrize("table", ["game_xpspendingrequest", "game_freebiespendingrecord"])


@of_either
@rule.implies(
    DECIDED,
    f"NOT cm.npc AND {DECIDES}",
    "judge.id IS DISTINCT FROM cm.owner_id",
    breaks={"spend.approved_by_id": "cm.owner_id", "cm.npc": "FALSE"},
    show=["judge.username", "spend.approved", "spend.approved_at"],
    fix_hint="another storyteller looks at it",
    overlaps=[
        *("XP-8", "XP-10", "XP-12", "XP-16", "XP-33", "CHAR-8", "CHAR-21", "SCN-11"),
        *("test_spend_is_decided_by_a_storyteller", "test_storyteller_does_not_play_in_the_chronicle"),
        "test_head_does_not_play_in_the_chronicle",
    ],
    since="spend.created_at",
    tags=["judges"],
)
def test_spend_of_a_player_is_not_decided_by_the_player(violations: Violations, table: str) -> None:
    """Nobody but staff decides on what the player character spends that is their own.

    The storytellers' own characters are another matter. Who owned the character when it was decided is not stored: a
    storyteller who has since taken over a player's character, and left it one, looks the same.
    """
    assert not violations


@of_either
@rule.rows(
    DECIDED,
    f"""
    {DECIDES} AND cm.chronicle_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM game_chronicle AS headed WHERE headed.head_st_id = judge.id)
    AND NOT EXISTS (SELECT FROM game_strelationship AS told WHERE told.user_id = judge.id)
    """,
    severity="low",
    breaks={
        "spend.approved_by_id": """(
            SELECT min(other.id) FROM auth_user AS other
            WHERE NOT other.is_staff AND NOT other.is_superuser AND other.id <> cm.owner_id
              AND other.id NOT IN (SELECT head_st_id FROM game_chronicle WHERE head_st_id IS NOT NULL)
              AND other.id NOT IN (SELECT user_id FROM game_strelationship WHERE user_id IS NOT NULL))"""
    },
    show=["judge.username", "spend.approved", "spend.approved_at"],
    fix_hint="a storyteller of the chronicle looks at it",
    overlaps=["XP-12", "XP-16", "XP-33"],
    since="spend.created_at",
    tags=["judges"],
)
def test_spend_is_decided_by_a_storyteller(violations: Violations, table: str) -> None:
    """Who decides on what is spent is staff, or heads or tells some chronicle.

    TG lets nobody else decide. Who was storyteller when it was decided is not stored: one who has since given up all
    chronicles looks the same.
    """
    assert not violations


@rule.rows(
    STORYTELLERS,
    """
    EXISTS (
        SELECT FROM characters_charactermodel AS played
        WHERE played.owner_id = st.user_id AND played.chronicle_id = st.chronicle_id
          AND played.status = 'App' AND NOT played.npc
    ) AND NOT EXISTS (SELECT FROM auth_user AS teller WHERE teller.id = st.user_id AND (teller.is_staff OR teller.is_superuser))
    """,
    severity="low",
    breaks="""
        INSERT INTO game_strelationship (user_id, chronicle_id, gameline_id)
        SELECT cm.owner_id, cm.chronicle_id, 1
        FROM characters_charactermodel AS cm JOIN auth_user AS player ON player.id = cm.owner_id AND NOT player.is_staff
        WHERE cm.status = 'App' AND NOT cm.npc AND cm.chronicle_id IS NOT NULL AND player.is_active
          AND (cm.chronicle_id, cm.owner_id) NOT IN (SELECT chronicle_id, user_id FROM game_chronicle_game_storytellers)
        ORDER BY cm.id LIMIT 1
        RETURNING id
    """,
    show=["st.chronicle_id", "st.gameline_id"],
    fix_hint="where the troupe wants it so, waive it; else find out who made the player a storyteller, and what was decided since",
    tags=["judges"],
)
def test_storyteller_does_not_play_in_the_chronicle(violations: Violations) -> None:
    """Nobody tells a chronicle in which an approved player character is their own: they may decide what it gets.

    TG allows it, and a troupe may well take turns. But any row of a storyteller gives the rights in the whole chronicle, of
    whatever game line it is, so that somebody should know of each.
    """
    assert not violations


@rule.rows(
    CHRONICLES,
    """
    EXISTS (
        SELECT FROM characters_charactermodel AS played
        WHERE played.owner_id = game_chronicle.head_st_id AND played.chronicle_id = game_chronicle.id
          AND played.status = 'App' AND NOT played.npc
    ) AND NOT EXISTS (
        SELECT FROM auth_user AS head WHERE head.id = game_chronicle.head_st_id AND (head.is_staff OR head.is_superuser))
    """,
    severity="low",
    breaks="""
        UPDATE game_chronicle SET head_st_id = played.owner_id FROM (
            SELECT min(cm.owner_id) AS owner_id, cm.chronicle_id FROM characters_charactermodel AS cm
            JOIN auth_user AS player ON player.id = cm.owner_id AND NOT (player.is_staff OR player.is_superuser)
            WHERE cm.status = 'App' AND NOT cm.npc GROUP BY 2 ORDER BY 2 LIMIT 1) AS played
        WHERE game_chronicle.id = played.chronicle_id RETURNING game_chronicle.id
    """,
    show=["head_st_id"],
    fix_hint="another storyteller takes over the character's business, or the character moves",
    overlaps=["ST-4", "ST-6", "test_storyteller_is_an_active_user", "test_spend_is_decided_by_a_storyteller", "XP-16"],
    tags=["judges"],
)
def test_head_does_not_play_in_the_chronicle(violations: Violations) -> None:
    """The head of a chronicle plays no approved character in it, staff excepted: heads approve what their own characters buy."""
    assert not violations
