"""Weeks, by which XP is given, and who played in them."""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity import Violations, rule

from .sources.play import PLAYED, SUNDAY, WEEK_ENTRIES, day_is_over

EMPTY: Final = """
    {0}.id NOT IN (SELECT week_id FROM game_week_characters)
    AND {0}.id NOT IN (SELECT week_id FROM game_weeklyxprequest WHERE week_id IS NOT NULL)
"""


@rule.rows(
    "game_week",
    "extract(isodow FROM end_date) <> 7 OR NOT isfinite(end_date)",
    severity="info",
    breaks={"end_date": "end_date + 3"},
    show=["end_date"],
    fix_hint="requests and characters hang on the week: a storyteller decides which one is meant",
    overlaps=["test_week_lists_who_played_in_it", "test_xp_claim_names_a_scene_of_its_week"],
    since=day_is_over("end_date"),
    tags=["WK-1"],
)
def test_week_ends_on_a_sunday(violations: Violations) -> None:
    """A week ends on a Sunday.

    The severity is info: the form for weeks takes any day.
    """
    assert not violations


@rule.unique(
    "game_week",
    "end_date",
    severity="info",
    breaks="""
        WITH one AS (SELECT max(end_date) AS end_date FROM game_week WHERE end_date < current_date),
        copy AS (INSERT INTO game_week (end_date) SELECT end_date FROM one RETURNING id)
        SELECT id FROM copy UNION ALL SELECT game_week.id FROM game_week JOIN one USING (end_date)
    """,
    fix=f"""
        delete where {EMPTY.format("game_week")} AND EXISTS (
            SELECT FROM game_week AS kept WHERE kept.end_date = game_week.end_date AND kept.id <> game_week.id
            AND (kept.id < game_week.id OR NOT ({EMPTY.format("kept")}))
        )
    """,
    fix_allows="delete",
    since=day_is_over("end_date"),
    tags=["WK-2"],
)
def test_week_is_there_once(violations: Violations) -> None:
    """No two weeks end on the same day; with two of them no scene of that week can be closed.

    The severity is info: the form for weeks takes a day that another week has. The fix deletes those of them in which nothing
    is entered.
    """
    assert not violations


@rule.references(
    PLAYED,
    ["part.charactermodel_id", SUNDAY],
    WEEK_ENTRIES,
    ["entry.charactermodel_id", "week.end_date"],
    severity="info",
    breaks="""
        INSERT INTO game_scene_characters (scene_id, charactermodel_id)
        SELECT scene.id, min(cm.id)
        FROM game_scene AS scene JOIN characters_charactermodel AS cm ON cm.chronicle_id = scene.chronicle_id
        WHERE scene.id = (SELECT min(id) FROM game_scene WHERE finished AND id IN (SELECT scene_id FROM game_post))
          AND cm.npc AND cm.id NOT IN (SELECT charactermodel_id FROM game_week_characters)
        GROUP BY scene.id
        RETURNING id
    """,
    show=["scene.id", "scene.name", "last.day"],
    fix_hint="who is entered in the week may claim XP for it: a storyteller decides",
    since="last.day",
    tags=["WK-3"],
)
def test_week_lists_who_played_in_it(violations: Violations) -> None:
    """Who took part in a finished scene is entered in the week of its last post; closing the scene does that.

    The severity is info: deleting a week forgets who was entered there.
    """
    assert not violations


@rule.at_most(
    "game_week",
    "end_date",
    "current_date + 7",
    severity="info",
    breaks="""
        INSERT INTO game_week (end_date)
        SELECT current_date + 30 + (7 - extract(isodow FROM current_date + 30)::int) % 7 RETURNING id
    """,
    fix_hint="a typing error, or XP that would come too early: a storyteller decides",
    since=day_is_over("end_date"),
    tags=["WK-4"],
)
def test_week_is_not_far_ahead(violations: Violations) -> None:
    """No week ends more than seven days from now.

    Of severity info: TG does not enforce it.
    """
    assert not violations
