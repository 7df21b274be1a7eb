"""Storytellers: who tells which chronicle for which game line, and who only looks on."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import CHRONICLES, STORYTELLERS, USERS, VIEWERS


@pytest.mark.parametrize("column", ["user_id", "chronicle_id", "gameline_id"])
@rule.rows(
    STORYTELLERS,
    """
    st.{column} IS NULL
    AND (%(column)s = 'user_id' OR st.user_id IS NOT NULL)
    AND (%(column)s <> 'gameline_id' OR st.chronicle_id IS NOT NULL)
    """,
    severity="info",
    breaks="""
    INSERT INTO game_strelationship (user_id, chronicle_id, gameline_id)
    SELECT CASE WHEN %(column)s <> 'user_id' THEN user_id END,
           CASE WHEN %(column)s = 'gameline_id' THEN chronicle_id END,
           CASE WHEN %(column)s <> 'gameline_id' THEN gameline_id END
    FROM game_strelationship ORDER BY id LIMIT 1
    RETURNING id
    """,
    show=["st.user_id", "st.chronicle_id", "st.gameline_id"],
    fix="delete st where st.user_id IS NULL AND st.chronicle_id IS NULL",
    fix_allows="delete",
    tags=["ST-1"],
)
def test_storyteller_has_user_chronicle_and_gameline(violations: Violations, column: str) -> None:
    """A storyteller's row says who tells which chronicle for which game line.

    The severity is info: deleting a user, a chronicle or a game line leaves the row. Where the chronicle was deleted, the
    user still counts as a storyteller; where the user was, the chronicle keeps its game line. A row that lacks several is
    listed once. The fix deletes the rows that have neither user nor chronicle, and so give nobody anything.
    """
    assert not violations


@rule.unique(
    STORYTELLERS,
    ["st.user_id", "st.chronicle_id", "st.gameline_id"],
    where="st.user_id IS NOT NULL AND st.chronicle_id IS NOT NULL",
    nulls_distinct=False,
    breaks="""
    WITH one AS (SELECT * FROM game_strelationship ORDER BY id LIMIT 1),
    twin AS (
        INSERT INTO game_strelationship (user_id, chronicle_id, gameline_id)
        SELECT user_id, chronicle_id, gameline_id FROM one RETURNING id
    )
    SELECT id FROM one UNION ALL SELECT id FROM twin
    """,
    fix="delete",
    fix_allows="delete",
    tags=["validate_data_integrity", "ST-2"],
)
def test_storyteller_is_named_once_for_chronicle_and_gameline(violations: Violations) -> None:
    """Nobody is entered twice as storyteller of the same chronicle and game line.

    A missing game line counts as equal: the database's own constraint lets such duplicates through. Rows whose user or
    chronicle was deleted are left to `test_storyteller_has_user_chronicle_and_gameline`. The command kept an arbitrary one of
    the rows; the fix keeps the first, which says all that the others say.
    """
    assert not violations


@rule.children(
    CHRONICLES,
    "game_strelationship.chronicle_id",
    at_least="CASE WHEN head_st_id IS NULL THEN 1 ELSE 0 END",
    where="user_id IS NOT NULL",
    severity="info",
    breaks="""
    INSERT INTO game_chronicle (name, theme, mood, year, headings, head_st_id)
    SELECT 'Nobody''s chronicle', theme, mood, year, headings, NULL FROM game_chronicle ORDER BY id LIMIT 1
    RETURNING id
    """,
    fix_hint="somebody has to volunteer",
    tags=["ST-3"],
)
def test_storyteller_or_head_is_there_for_each_chronicle(violations: Violations) -> None:
    """A chronicle has a head storyteller or at least one other; else only staff can approve anything in it.

    The severity is info: TG's form for chronicles makes no storyteller's row and asks for no head. An administrator enters
    them later.
    """
    assert not violations


@rule.rows(
    VIEWERS,
    """
    seen.user_id = chronicle.head_st_id
    OR EXISTS (SELECT FROM game_strelationship AS told
               WHERE told.chronicle_id = seen.chronicle_id AND told.user_id = seen.user_id)
    """,
    severity="info",
    breaks="""
    INSERT INTO game_chronicle_game_storytellers (chronicle_id, user_id)
    SELECT id, head_st_id FROM game_chronicle WHERE head_st_id IS NOT NULL ORDER BY id LIMIT 1
    RETURNING id
    """,
    show=["seen.chronicle_id", "seen.user_id"],
    fix_hint="the row that only lets the user look on may go, if the user is to tell",
    tags=["ST-4"],
)
def test_storyteller_does_not_merely_look_on(violations: Violations) -> None:
    """Nobody is storyteller of a chronicle and, at the same time, one who may only look into it.

    The application gives such a user the greater rights and minds no contradiction, hence the severity.
    """
    assert not violations


@rule.implies(
    USERS,
    """
    EXISTS (SELECT FROM game_strelationship AS told WHERE told.user_id = auth_user.id)
    OR EXISTS (SELECT FROM game_chronicle AS chronicle WHERE chronicle.head_st_id = auth_user.id)
    """,
    "is_active",
    severity="info",
    breaks={"is_active": "FALSE"},
    fix_hint="a chronicle needs somebody who can log in: find a successor",
    overlaps=["test_user_who_is_inactive_has_no_rights_left"],
    tags=["ST-5"],
)
def test_storyteller_is_an_active_user(violations: Violations) -> None:
    """Who tells a chronicle can log in.

    Nothing in the application says so, hence the severity.
    """
    assert not violations


@rule.references(
    CHRONICLES,
    ["id", "head_st_id"],
    "game_strelationship",
    ["chronicle_id", "user_id"],
    severity="info",
    breaks="""
    UPDATE game_chronicle SET head_st_id = (
        SELECT max(id) FROM auth_user WHERE is_active
        AND id NOT IN (SELECT user_id FROM game_strelationship WHERE user_id IS NOT NULL)
        AND id NOT IN (SELECT user_id FROM game_chronicle_game_storytellers)
    ) WHERE id = (SELECT min(id) FROM game_chronicle WHERE head_st_id IS NOT NULL)
    RETURNING id
    """,
    show=["head_st_id"],
    fix_hint="enter the head as storyteller of the chronicle, for the game lines that are meant",
    tags=["ST-6"],
)
def test_storyteller_who_heads_a_chronicle_tells_it(violations: Violations) -> None:
    """The head of a chronicle is also entered as its storyteller; else the queues of what waits are empty for the head.

    The severity is info: TG's form for chronicles names the head and makes no storyteller's row. An administrator does that
    later.
    """
    assert not violations
