"""Requests for the XP of a week or a story, and the scenes that they claim it for."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.play import (
    DATED_CLAIMS,
    REQUESTED,
    STORY_REQUESTS,
    WEEK_CAST,
    WEEKLY,
    WEEKLY_CLAIMS,
    WEEKLY_IN_WEEKS,
)

ON_A_SUNDAY: Final = "coalesce(extract(isodow FROM last.day) = 7, FALSE)"


@rule.implies(
    WEEKLY,
    "NOT request.approved AND request.character_id IS NOT NULL",
    "request.week_id IS NOT NULL",
    severity="info",
    breaks={"request.week_id": "NULL"},
    show=["request.character_id", "request.week_id"],
    fix_hint="which week was meant a storyteller knows, who denies it if nobody does",
    overlaps=["test_xp_is_requested_by_all_who_played"],
    tags=["XP-2"],
)
def test_xp_request_names_character_and_week(violations: Violations) -> None:
    """A weekly request that waits for a storyteller names its week; else it cannot be approved.

    The severity is info: deleting a week, as `cleanup_old_weeks` does, leaves its requests. Those without a character are
    left to `test_character_leaves_nothing_behind`.
    """
    assert not violations


@rule.implies(
    WEEKLY,
    "request.approved AND request.character_id IS NOT NULL",
    "request.week_id IS NOT NULL",
    severity="info",
    breaks={"request.week_id": "NULL"},
    show=["request.character_id", "request.week_id"],
    fix_hint="it has paid, and is only a record of that: keep it",
    overlaps=["test_xp_is_requested_by_all_who_played"],
    tags=["XP-2"],
)
def test_xp_award_names_character_and_week(violations: Violations) -> None:
    """A weekly request that was approved still says for which week.

    The severity is info: deleting a week, as `cleanup_old_weeks` does, leaves its requests. Those without a character are
    left to `test_character_leaves_nothing_behind`.
    """
    assert not violations


@rule.unique(
    WEEKLY,
    ["request.character_id", "request.week_id"],
    severity="high",
    breaks="""
        WITH one AS (
            SELECT min(id) AS id FROM game_weeklyxprequest WHERE character_id IS NOT NULL AND week_id IS NOT NULL
        ), copy AS (
            INSERT INTO game_weeklyxprequest
                (character_id, week_id, approved, finishing, learning, rp, focus, standingout)
            SELECT character_id, week_id, TRUE, TRUE, FALSE, FALSE, FALSE, FALSE
            FROM game_weeklyxprequest JOIN one USING (id)
            RETURNING id
        )
        SELECT id FROM copy UNION ALL SELECT id FROM one
    """,
    show=["request.approved"],
    fix_hint="each approved one has paid, and XP is money: a storyteller decides",
    overlaps=["test_xp_is_claimed_once_for_a_scene"],
    since=REQUESTED,
    tags=["XP-3"],
)
def test_xp_is_requested_once_a_week(violations: Violations) -> None:
    """Nobody asks twice for the XP of one week; each request pays."""
    assert not violations


@rule.implies(
    WEEKLY_CLAIMS,
    "claim.made",
    "claim.scene_id IS NOT NULL",
    severity="info",
    breaks="""
        UPDATE game_weeklyxprequest SET learning_scene_id = NULL
        WHERE id = (SELECT min(id) FROM game_weeklyxprequest WHERE learning AND learning_scene_id IS NOT NULL)
        RETURNING id, 'learning'
    """,
    fix_hint="the player knows which scene it was",
    since=REQUESTED,
    tags=["XP-4"],
)
def test_xp_claim_names_a_scene(violations: Violations) -> None:
    """Who claims XP for learning, roleplay, focus or standing out says in which scene that was.

    The severity is info: deleting a scene leaves the claims behind.
    """
    assert not violations


@rule.references(
    WEEKLY_CLAIMS,
    "claim.scene_id",
    "game_scene",
    where="finished",
    severity="info",
    breaks="""
        UPDATE game_weeklyxprequest AS request SET rp = TRUE, rp_scene_id = open.scene_id
        FROM (
            SELECT request.id, max(scene.id) AS scene_id
            FROM game_weeklyxprequest AS request
            JOIN game_scene_characters AS part ON part.charactermodel_id = request.character_id
            JOIN game_scene AS scene ON scene.id = part.scene_id AND NOT scene.finished
            GROUP BY request.id ORDER BY request.id LIMIT 1
        ) AS open
        WHERE request.id = open.id
        RETURNING request.id, 'rp'
    """,
    show=["request.approved"],
    fix_hint="XP comes when the scene is closed: a storyteller closes it, or denies the request",
    overlaps=["test_retired_character_is_in_no_unfinished_scene", "test_xp_claim_names_a_scene_of_its_week"],
    since=REQUESTED,
    tags=["XP-5"],
)
def test_xp_claim_names_a_finished_scene(violations: Violations) -> None:
    """XP is claimed for finished scenes only.

    The severity is info: on the form of a scene a storyteller may open it again.
    """
    assert not violations


@rule.references(
    WEEKLY_CLAIMS,
    ["claim.scene_id", "request.character_id"],
    "game_scene_characters",
    ["scene_id", "charactermodel_id"],
    severity="info",
    breaks="""
        UPDATE game_weeklyxprequest AS request SET focus = TRUE, focus_scene_id = (
            SELECT min(id) FROM game_scene
            WHERE finished
              AND id NOT IN (SELECT scene_id FROM game_scene_characters WHERE charactermodel_id = request.character_id))
        WHERE id = (SELECT min(id) FROM game_weeklyxprequest WHERE character_id IS NOT NULL)
        RETURNING id, 'focus'
    """,
    show=["request.approved"],
    fix_hint="either the scene is the wrong one or the character was left out of it: a storyteller decides",
    overlaps=["test_xp_claim_names_a_scene_of_its_week"],
    since=REQUESTED,
    tags=["XP-5"],
)
def test_xp_claim_names_a_scene_with_the_character(violations: Violations) -> None:
    """XP is claimed for scenes in which the character took part.

    The severity is info: from a scene that was opened again `sync_character_status --remove-from-scenes` takes out who has
    retired or died since.
    """
    assert not violations


@rule.implies(
    DATED_CLAIMS,
    "claim.scene_id IS NOT NULL",
    "coalesce(last.day <= week.end_date AND week.end_date <= last.day + 7, FALSE)",
    severity="info",
    breaks="""
        UPDATE game_weeklyxprequest AS request SET learning = TRUE, learning_scene_id = other.scene_id
        FROM (
            SELECT request.id, max(part.scene_id) AS scene_id
            FROM game_weeklyxprequest AS request
            JOIN game_week AS week ON week.id = request.week_id
            JOIN game_scene_characters AS part ON part.charactermodel_id = request.character_id
            JOIN game_scene AS scene ON scene.id = part.scene_id AND scene.finished
            WHERE scene.date_played > week.end_date + 1
            GROUP BY request.id ORDER BY request.id LIMIT 1
        ) AS other
        WHERE request.id = other.id
        RETURNING request.id, 'learning'
    """,
    show=["claim.scene_id", "last.day", "week.end_date"],
    fix_hint="either the week is the wrong one or the scene: a storyteller decides",
    overlaps=["test_xp_is_claimed_once_for_a_scene"],
    since=REQUESTED,
    tags=["XP-6"],
)
def test_xp_claim_names_a_scene_of_its_week(violations: Violations) -> None:
    """The scene that XP is claimed for had its last post in the week, or on the Sunday before it.

    Days are those of Los Angeles, as on the page of the week. Both Sundays count, as they do in TG. The severity is info: a
    storyteller may open a scene again, and then it goes on after the week for which it was claimed.
    """
    assert not violations


@rule.unique(
    DATED_CLAIMS,
    ["request.character_id", "claim.name", "claim.scene_id"],
    where=f"claim.made AND NOT {ON_A_SUNDAY}",
    breaks="""
        WITH pair AS (
            SELECT one.id AS one, two.id AS two, one.learning_scene_id AS scene
            FROM game_weeklyxprequest AS one
            JOIN game_weeklyxprequest AS two ON two.character_id = one.character_id AND two.id <> one.id
            WHERE one.learning AND one.learning_scene_id IS NOT NULL
            ORDER BY one.id, two.id LIMIT 1
        ), claimed AS (
            UPDATE game_weeklyxprequest AS request SET learning = TRUE, learning_scene_id = pair.scene
            FROM pair WHERE request.id = pair.two RETURNING request.id
        )
        SELECT one, 'learning' FROM pair UNION ALL SELECT two, 'learning' FROM pair
    """,
    show=["request.week_id", "request.approved"],
    fix_hint="each approved one has paid, and XP is money: a storyteller decides",
    overlaps=["test_xp_claim_names_a_scene_of_its_week"],
    since=REQUESTED,
    tags=["XP-7"],
)
def test_xp_is_claimed_once_for_a_scene(violations: Violations) -> None:
    """Nobody claims the same XP for the same scene in two weeks.

    Scenes of a Sunday are left to `test_xp_of_a_sunday_is_claimed_in_one_of_its_weeks`: a Sunday lies in both weeks.
    """
    assert not violations


@rule.unique(
    DATED_CLAIMS,
    ["request.character_id", "claim.name", "claim.scene_id"],
    where=f"claim.made AND {ON_A_SUNDAY}",
    severity="info",
    breaks="""
        WITH pair AS (
            SELECT request.id AS one, after.id AS week, request.character_id, scene.id AS scene
            FROM game_weeklyxprequest AS request
            JOIN game_week AS week ON week.id = request.week_id
            JOIN game_week AS after ON after.end_date = week.end_date + 7
            JOIN game_scene AS scene ON scene.id = request.rp_scene_id AND request.rp
            WHERE (SELECT max(datetime_created AT TIME ZONE 'America/Los_Angeles')::date
                   FROM game_post WHERE scene_id = scene.id) = week.end_date
            AND (request.character_id, after.id) NOT IN (
                SELECT character_id, week_id FROM game_weeklyxprequest WHERE num_nulls(character_id, week_id) = 0)
            ORDER BY request.id LIMIT 1
        ), again AS (
            INSERT INTO game_weeklyxprequest
                (character_id, week_id, approved, finishing, learning, rp, focus, standingout, rp_scene_id)
            SELECT character_id, week, TRUE, FALSE, FALSE, TRUE, FALSE, FALSE, scene FROM pair RETURNING id
        )
        SELECT one, 'rp' FROM pair UNION ALL SELECT id, 'rp' FROM again
    """,
    show=["request.week_id", "request.approved"],
    fix_hint="each approved one has paid, and XP is money: a storyteller decides",
    overlaps=["test_xp_is_requested_by_those_who_played"],
    since=REQUESTED,
    tags=["XP-7"],
)
def test_xp_of_a_sunday_is_claimed_in_one_of_its_weeks(violations: Violations) -> None:
    """Nobody claims the same XP for a scene of a Sunday in both weeks that it lies in.

    The severity is info: a week goes from Sunday to Sunday, and TG offers the scene in both.
    """
    assert not violations


@rule.references(
    WEEKLY,
    "request.character_id",
    "characters_charactermodel",
    where="NOT npc",
    severity="info",
    breaks="""
        INSERT INTO game_weeklyxprequest (character_id, week_id, approved, finishing, learning, rp, focus, standingout)
        SELECT cm.id, entry.week_id, TRUE, FALSE, FALSE, FALSE, FALSE, FALSE
        FROM game_week_characters AS entry JOIN characters_charactermodel AS cm ON cm.id = entry.charactermodel_id
        WHERE cm.npc ORDER BY entry.id LIMIT 1
        RETURNING id
    """,
    show=["request.approved"],
    fix_hint="characters of the storytellers need no XP: a storyteller denies it, or hands the character to a player",
    since=REQUESTED,
    tags=["XP-8"],
)
def test_xp_is_requested_for_player_characters(violations: Violations) -> None:
    """Weekly XP is for characters of players, not for those of the storytellers.

    The severity is info: the page of a character may hand it to a storyteller afterwards.
    """
    assert not violations


@rule.references(
    WEEKLY,
    ["request.week_id", "request.character_id"],
    "game_week_characters",
    ["week_id", "charactermodel_id"],
    severity="info",
    breaks="""
        INSERT INTO game_weeklyxprequest (character_id, week_id, approved, finishing, learning, rp, focus, standingout)
        SELECT cm.id, week.id, TRUE, FALSE, FALSE, FALSE, FALSE, FALSE
        FROM characters_charactermodel AS cm CROSS JOIN game_week AS week
        WHERE NOT cm.npc AND cm.id NOT IN (SELECT charactermodel_id FROM game_week_characters)
        ORDER BY cm.id, week.id LIMIT 1
        RETURNING id
    """,
    show=["request.approved"],
    fix_hint="who was in no scene of the week has nothing to ask for: a storyteller decides",
    since=REQUESTED,
    tags=["XP-8"],
)
def test_xp_is_requested_by_those_who_played(violations: Violations) -> None:
    """Who asks for the XP of a week is entered in that week.

    The severity is info: `process_weekly_xp` makes requests for a week without entering anybody in it, as after a week was
    deleted.
    """
    assert not violations


@rule.implies(
    WEEKLY_IN_WEEKS,
    "NOT request.approved AND request.character_id IS NOT NULL",
    "week.end_date >= current_date - 30",
    severity="info",
    breaks={"request.approved": "FALSE"},
    show=["week.end_date"],
    fix_hint="a storyteller approves it or deletes it",
    overlaps=["test_xp_can_be_explained_by_awards"],
    tags=["XP-9"],
)
def test_xp_request_is_decided_within_thirty_days(violations: Violations) -> None:
    """No weekly request waits for a storyteller for more than 30 days."""
    assert not violations


@rule.references(
    WEEK_CAST,
    ["entry.week_id", "entry.charactermodel_id"],
    "game_weeklyxprequest",
    ["week_id", "character_id"],
    severity="info",
    breaks="""
        INSERT INTO game_week_characters (week_id, charactermodel_id)
        SELECT week.id, cm.id FROM characters_charactermodel AS cm CROSS JOIN game_week AS week
        WHERE NOT cm.npc AND cm.id NOT IN (SELECT charactermodel_id FROM game_week_characters)
        ORDER BY cm.id, week.id LIMIT 1
        RETURNING id
    """,
    fix_hint="the player asks for the XP, or does without",
    since="(SELECT end_date FROM game_week WHERE game_week.id = entry.week_id)",
    tags=["XP-10"],
)
def test_xp_is_requested_by_all_who_played(violations: Violations) -> None:
    """Every player whose character was in a scene of the week has asked for its XP: what is missing is still to come."""
    assert not violations


@pytest.mark.parametrize("column", ["story_id"])
@rule.implies(
    STORY_REQUESTS,
    "request.character_id IS NOT NULL",
    "request.{column} IS NOT NULL",
    severity="info",
    breaks={"request.{column}": "NULL"},
    fix_hint="it pays nothing, and is only a record: keep it, or delete it",
    tags=["XP-11"],
)
def test_xp_for_a_story_names_both(violations: Violations, column: str) -> None:
    """A request for the XP of a story names the story.

    The severity is info: deleting a story leaves its requests. Those without a character are left to
    `test_character_leaves_nothing_behind`.
    """
    assert not violations


@rule.between(
    STORY_REQUESTS,
    "request.duration",
    0,
    None,
    severity="low",
    fix_hint="XP is money: a storyteller knows how long the story took",
    overlaps=["test_xp_can_be_explained_by_awards"],
    tags=["XP-11"],
)
def test_xp_for_a_story_is_for_no_negative_time(violations: Violations) -> None:
    """Nobody was in a story for less than no time."""
    assert not violations


@rule.unique(
    STORY_REQUESTS,
    ["request.story_id", "request.character_id"],
    severity="low",
    breaks="""
        WITH one AS (
            SELECT min(id) AS id FROM game_storyxprequest WHERE story_id IS NOT NULL AND character_id IS NOT NULL
        ), copy AS (
            INSERT INTO game_storyxprequest (story_id, character_id, success, danger, growth, drama, duration)
            SELECT story_id, character_id, success, danger, growth, drama, duration
            FROM game_storyxprequest JOIN one USING (id)
            RETURNING id
        )
        SELECT id FROM copy UNION ALL SELECT id FROM one
    """,
    fix_hint="which of them is meant only a storyteller knows",
    tags=["XP-11"],
)
def test_xp_for_a_story_is_requested_once(violations: Violations) -> None:
    """There is one request for each character in a story."""
    assert not violations
