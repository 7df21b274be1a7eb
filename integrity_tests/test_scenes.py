"""Scenes, who takes part in them, and what is posted there."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import CAST
from .sources.play import LAST_PLAYED, POSTS, READS, SCENES, SITED_SCENES, TOLD_LINES, TRACES


@rule.implies(
    SCENES,
    "scene.xp_given",
    "scene.finished",
    severity="info",
    breaks={"scene.finished": "FALSE"},
    show=["scene.date_played", "scene.finished", "scene.xp_given"],
    fix_hint="either the scene is over or its XP came too early: a storyteller decides",
    overlaps=["test_retired_character_is_in_no_unfinished_scene", "test_xp_claim_names_a_finished_scene"],
    since=LAST_PLAYED,
    tags=["SCN-1"],
)
def test_scene_that_gave_xp_is_finished(violations: Violations) -> None:
    """XP is given for finished scenes only.

    Of severity info: TG does not enforce it, and a storyteller may open a scene again.
    """
    assert not violations


@rule.implies(
    SCENES,
    "scene.finished",
    "scene.xp_given",
    severity="info",
    breaks={"scene.xp_given": "FALSE"},
    show=["scene.date_played"],
    fix_hint="a storyteller gives the XP",
    overlaps=["test_xp_can_be_explained_by_awards"],
    tags=["validate_data_integrity", "monitor_validation", "SCN-2"],
)
def test_finished_scene_has_given_xp(violations: Violations) -> None:
    """Finished scenes wait for their XP: a storyteller's work queue.

    Scenes of any age are listed, also with --period: `monitor_validation` saw only scenes begun inside its period, so
    that the oldest debts were forgotten.
    """
    assert not violations


@rule.implies(
    SCENES,
    "scene.finished",
    "NOT scene.waiting_for_st",
    severity="info",
    fix={"scene.waiting_for_st": "FALSE"},
    breaks={"scene.waiting_for_st": "TRUE", "scene.st_message": "'May we go on?'"},
    show=["scene.date_played", "scene.st_message"],
    since=LAST_PLAYED,
    tags=["SCN-3"],
)
def test_finished_scene_does_not_wait_for_a_storyteller(violations: Violations) -> None:
    """Nobody waits for a storyteller in a scene that is over.

    Of severity info: TG does not enforce it.
    """
    assert not violations


@rule.implies(
    SCENES,
    "scene.waiting_for_st",
    "btrim(scene.st_message) <> ''",
    severity="info",
    breaks={"scene.st_message": "''"},
    show=["scene.date_played"],
    fix_hint="only the players know what they wanted to ask",
    since=LAST_PLAYED,
    tags=["SCN-4"],
)
def test_waiting_scene_says_what_for(violations: Violations) -> None:
    """A scene that waits for a storyteller says why."""
    assert not violations


@rule.not_null(
    SCENES,
    "scene.chronicle_id",
    severity="info",
    show=["scene.date_played"],
    fix_hint="a person knows which chronicle it was played in, or deletes what is left of a deleted one",
    since=LAST_PLAYED,
    tags=["SCN-5"],
)
def test_scene_has_a_chronicle(violations: Violations) -> None:
    """Every scene belongs to a chronicle; without one only staff can close it.

    The severity is info: the page on which scenes are created asks for no chronicle, and deleting one empties its scenes.
    """
    assert not violations


@rule.implies(
    SITED_SCENES,
    "scene.chronicle_id IS NOT NULL",
    "place.chronicle_id IS NOT DISTINCT FROM scene.chronicle_id",
    severity="info",
    breaks={
        "scene.location_id": "(SELECT min(id) FROM locations_locationmodel WHERE chronicle_id <> scene.chronicle_id)"
    },
    show=["scene.chronicle_id", "place.name", "place.chronicle_id"],
    fix_hint="either the scene or the location is in the wrong chronicle: a storyteller decides",
    since=LAST_PLAYED,
    tags=["SCN-6"],
    overlaps=["test_object_that_is_submitted_has_a_chronicle", "test_character_chronicle_is_named_once_approved"],
)
def test_scene_is_played_in_its_chronicle(violations: Violations) -> None:
    """A scene and its location are in the same chronicle; no other location can be chosen.

    The severity is info: the page of a location may move it to another chronicle afterwards.
    """
    assert not violations


@rule.implies(
    CAST,
    "scene.chronicle_id IS NOT NULL",
    "cm.chronicle_id IS NOT DISTINCT FROM scene.chronicle_id",
    severity="info",
    breaks="""
        INSERT INTO game_scene_characters (scene_id, charactermodel_id)
        SELECT scene.id, min(cm.id)
        FROM game_scene AS scene JOIN characters_charactermodel AS cm ON cm.chronicle_id <> scene.chronicle_id
        WHERE scene.id = (SELECT min(id) FROM game_scene WHERE NOT finished) AND cm.status = 'App'
        GROUP BY scene.id
        RETURNING id
    """,
    show=["scene.id", "scene.chronicle_id", "cm.chronicle_id"],
    fix_hint="either the character has moved or was added by mistake: a storyteller decides",
    tags=["SCN-7"],
)
def test_scene_has_characters_of_its_chronicle_only(violations: Violations) -> None:
    """A scene and the characters in it are in the same chronicle; no others can be added.

    The severity is info: the page of a character may move it to another chronicle afterwards.
    """
    assert not violations


@rule.references(
    POSTS,
    ["post.scene_id", "post.character_id"],
    "game_scene_characters",
    ["scene_id", "charactermodel_id"],
    severity="info",
    breaks={
        "post.character_id": """(
            SELECT min(cm.id) FROM characters_charactermodel AS cm
            WHERE cm.id NOT IN (SELECT charactermodel_id FROM game_scene_characters WHERE scene_id = post.scene_id))"""
    },
    show=["post.datetime_created"],
    fix_hint="who is added to a finished scene may claim XP for it, and who has retired belongs in no open one",
    since="post.datetime_created",
    tags=["SCN-8"],
)
def test_scene_has_everyone_who_posts_in_it(violations: Violations) -> None:
    """Whoever posts in a scene takes part in it; posting adds the character.

    The severity is info: `sync_character_status --remove-from-scenes` takes out who has retired or died, posts or not.
    """
    assert not violations


@rule.not_null(
    POSTS,
    "post.scene_id",
    severity="info",
    show=["post.datetime_created"],
    fix_hint="only the players know which scene it was in; it is shown nowhere any more",
    since="post.datetime_created",
    tags=["SCN-9"],
)
def test_scene_is_named_by_every_post(violations: Violations) -> None:
    """Every post belongs to a scene.

    The severity is info: deleting a scene leaves its posts behind.
    """
    assert not violations


@rule.children(
    SCENES,
    TRACES,
    by="trace.scene_id",
    at_least="(NOT scene.finished)::int",
    severity="info",
    breaks="""
        INSERT INTO game_scene
            (name, date_played, finished, xp_given, waiting_for_st, st_message, gameline, chronicle_id)
        SELECT name, date_played, FALSE, FALSE, FALSE, '', gameline, chronicle_id
        FROM game_scene WHERE id = (SELECT min(id) FROM game_scene WHERE NOT finished)
        RETURNING id
    """,
    show=["scene.date_played"],
    fix_hint="delete it, or let somebody play in it",
    since=LAST_PLAYED,
    tags=["SCN-10"],
)
def test_open_scene_is_not_empty(violations: Violations) -> None:
    """A running scene has a post or a character."""
    assert not violations


@rule.unique(
    CAST,
    ["part.scene_id", "cm.name"],
    where="NOT cm.npc",
    severity="info",
    breaks="""
        WITH pair AS (
            SELECT kept.charactermodel_id AS kept, other.charactermodel_id AS other, cm.name
            FROM game_scene_characters AS kept
            JOIN game_scene_characters AS other ON other.scene_id = kept.scene_id AND other.id > kept.id
            JOIN characters_charactermodel AS cm ON cm.id = kept.charactermodel_id AND NOT cm.npc
            JOIN characters_charactermodel AS namesake ON namesake.id = other.charactermodel_id AND NOT namesake.npc
            ORDER BY kept.id, other.id LIMIT 1
        ), renamed AS (
            UPDATE characters_charactermodel AS cm SET name = pair.name FROM pair WHERE cm.id = pair.other
            RETURNING cm.id
        )
        SELECT part.id FROM pair JOIN game_scene_characters AS part ON part.charactermodel_id IN (pair.kept, pair.other)
        WHERE part.scene_id IN (SELECT scene_id FROM game_scene_characters WHERE charactermodel_id = pair.kept)
          AND part.scene_id IN (SELECT scene_id FROM game_scene_characters WHERE charactermodel_id = pair.other)
    """,
    fix_hint="rename one of them: the form that gives XP tells them apart by name",
    tags=["SCN-11"],
)
def test_scene_has_no_namesakes(violations: Violations) -> None:
    """No two player characters in a scene have the same name; only one of them could get XP.

    The severity is info: nothing keeps players from giving one name to two characters, nor these from meeting.
    """
    assert not violations


@rule.unique(
    READS,
    ["mark.user_id", "mark.scene_id"],
    severity="low",
    breaks="""
        WITH one AS (
            SELECT min(id) AS id FROM game_userscenereadstatus WHERE user_id IS NOT NULL AND scene_id IS NOT NULL
        ), copy AS (
            INSERT INTO game_userscenereadstatus (user_id, scene_id, read)
            SELECT user_id, scene_id, read FROM game_userscenereadstatus JOIN one USING (id) RETURNING id
        )
        SELECT id FROM copy UNION ALL SELECT id FROM one
    """,
    show=["mark.read"],
    fix="""
        delete mark where EXISTS (
            SELECT FROM game_userscenereadstatus AS kept WHERE (kept.user_id, kept.scene_id) = (mark.user_id, mark.scene_id)
            AND (kept.read, kept.id) < (mark.read, mark.id)
        )
    """,
    fix_allows="delete",
    tags=["SCN-12"],
)
def test_scene_is_marked_as_read_once(violations: Violations) -> None:
    """A user has one mark for each scene, read or not; with two of them the page of the scene breaks.

    The fix keeps one; the scene counts as read if each of them said so.
    """
    assert not violations


@pytest.mark.parametrize("column", ["user_id", "scene_id"])
@rule.not_null(
    READS,
    "mark.{column}",
    severity="info",
    breaks={"mark.{column}": "NULL"},
    fix="delete mark",
    fix_allows="delete",
    tags=["SCN-12"],
)
def test_scene_mark_names_user_and_scene(violations: Violations, column: str) -> None:
    """A mark of reading says who has read what.

    Of severity info: TG itself leaves such rows behind when a user or a scene is deleted.
    """
    assert not violations


@rule.references(
    SCENES,
    [
        """CASE WHEN EXISTS (SELECT FROM game_strelationship AS told
                             WHERE told.chronicle_id = scene.chronicle_id AND told.gameline_id IS NOT NULL)
           THEN scene.chronicle_id END""",
        "scene.gameline",
    ],
    TOLD_LINES,
    ["told.chronicle_id", "told.code"],
    severity="info",
    breaks={
        "scene.gameline": """(
            SELECT min(code) FROM unnest(ARRAY['wod', 'vtm', 'wta', 'mta', 'wto', 'ctd', 'dtf', 'htr', 'mtr']) AS code
            WHERE code NOT IN (
                SELECT other.gameline FROM game_scene AS other WHERE other.chronicle_id = scene.chronicle_id))"""
    },
    show=["scene.chronicle_id", "scene.gameline"],
    fix_hint="name a storyteller for the game line, or choose another one",
    since=LAST_PLAYED,
    tags=["SCN-13"],
)
def test_scene_is_of_a_told_game_line(violations: Violations) -> None:
    """A chronicle that has storytellers for some game lines plays scenes of these; the form offers no others."""
    assert not violations


@rule.children(
    SCENES,
    "game_scene_characters.scene_id",
    at_least="""
        (scene.xp_given AND NOT EXISTS (
            SELECT FROM game_post AS post WHERE post.scene_id = scene.id AND post.character_id IS NULL))::int
    """,
    severity="info",
    breaks="""
        INSERT INTO game_scene
            (name, date_played, finished, xp_given, waiting_for_st, st_message, gameline, chronicle_id)
        SELECT name, date_played, TRUE, TRUE, FALSE, '', gameline, chronicle_id
        FROM game_scene WHERE id = (SELECT min(id) FROM game_scene WHERE chronicle_id IS NOT NULL)
        RETURNING id
    """,
    fix_hint="nobody can say any more who got the XP; if it was nobody, take back that it was given",
    since=LAST_PLAYED,
    tags=["SCN-14"],
)
def test_scene_that_gave_xp_has_characters(violations: Violations) -> None:
    """Somebody took part in every scene that gave XP.

    Of severity info: TG does not enforce it. Scenes with posts of characters that were deleted are left out.
    """
    assert not violations


@rule.at_most(
    SCENES,
    "scene.date_played",
    "current_date + 1",
    severity="low",
    breaks={"scene.date_played": "current_date + 30"},
    fix_hint="a wrong clock or a typing error: a storyteller knows the day",
    since=LAST_PLAYED,
    tags=["SCN-15"],
)
def test_scene_is_not_dated_in_the_future(violations: Violations) -> None:
    """No scene begins later than tomorrow.

    TG takes the day from its clock; the day in the story is another one.
    """
    assert not violations


@rule.at_most(
    POSTS,
    "post.datetime_created",
    "now() + interval '1 day'",
    severity="low",
    breaks={"post.datetime_created": "now() + interval '30 days'"},
    fix_hint="a wrong clock: a person finds out when it was written",
    overlaps=["test_week_lists_who_played_in_it", "test_xp_claim_names_a_scene_of_its_week"],
    since="post.datetime_created",
    tags=["SCN-15"],
)
def test_scene_has_no_posts_of_the_future(violations: Violations) -> None:
    """No post is dated later than tomorrow.

    TG takes the date from its clock.
    """
    assert not violations
