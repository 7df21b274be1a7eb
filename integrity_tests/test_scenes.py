"""Scenes."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule


@rule.rows(
    "game_scene",
    "xp_given AND NOT finished",
    breaks={"xp_given": "TRUE", "finished": "FALSE"},
    show=["date_played", "finished", "xp_given"],
    fix_hint="either the scene is over or its XP came too early: a storyteller decides",
    overlaps=["test_retired_character_is_in_no_unfinished_scene"],
    since="date_played",
    tags=["SCN-1"],
)
def test_scene_that_gave_xp_is_finished(violations: Violations) -> None:
    """XP is given for finished scenes only."""
    assert not violations


@rule.rows(
    "game_scene",
    "finished AND NOT xp_given",
    severity="info",
    breaks={"finished": "TRUE", "xp_given": "FALSE"},
    show=["date_played"],
    fix_hint="a storyteller gives the XP",
    tags=["validate_data_integrity", "monitor_validation", "SCN-2"],
)
def test_finished_scene_has_given_xp(violations: Violations) -> None:
    """Finished scenes wait for their XP: a storyteller's work queue.

    Scenes of any age are listed: `monitor_validation` saw only scenes begun inside its period, so that the oldest debts
    were forgotten.
    """
    assert not violations


@rule.not_null(
    "game_post",
    "scene_id",
    show=["display_name", "datetime_created"],
    fix_hint="only the players know which scene it was in; it is shown nowhere any more",
    since="datetime_created",
    tags=["SCN-9"],
)
def test_scene_is_named_by_every_post(violations: Violations) -> None:
    """Every post belongs to a scene."""
    assert not violations
