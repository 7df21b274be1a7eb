"""How the game is going: the numbers that `monitor_validation` printed, and the bounds it set.

With ``--period`` they are about what happened in that time: what was asked for, by the day of the request; decisions, by
the day of the decision; scenes, by their last post, because TG does not store when a scene was closed; weeks, by their
end. `monitor_validation` looked at the beginning of a scene, and at spends of all times. Characters bear no date: their
numbers are of now. A share of nothing is no number, where the command printed 0.
"""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity import Violations, rule

from .sources.play import LAST_PLAYED, day_is_over

OF_PERIOD: Final = f"{LAST_PLAYED} >= %(since)s"


@rule.metric(
    "xp_requests",
    "SELECT count(*) FROM game_xpspendingrequest WHERE created_at >= %(since)s",
    severity="info",
    tags=["monitor_validation"],
)
def test_xp_requests_are_counted(violations: Violations) -> None:
    """How often players asked to spend XP."""
    assert not violations


@rule.metric(
    "xp_spends_by_decision",
    """
    SELECT approved, count(*) FROM game_xpspendingrequest
    WHERE coalesce(approved_at, created_at) >= %(since)s
    GROUP BY approved ORDER BY approved
    """,
    severity="info",
    tags=["monitor_validation"],
)
def test_xp_spends_by_decision_are_counted(violations: Violations) -> None:
    """How many requests to spend XP were approved or denied, and how many new ones are pending."""
    assert not violations


@rule.metric(
    "approval_rate",
    """
    SELECT round(
        100.0 * count(*) FILTER (WHERE approved = 'Approved')
        / nullif(count(*) FILTER (WHERE approved IN ('Approved', 'Denied')), 0), 1)
    FROM game_xpspendingrequest
    WHERE coalesce(approved_at, created_at) >= %(since)s
    """,
    at_least=80,
    severity="info",
    breaks="""
        INSERT INTO game_xpspendingrequest
            (character_id, trait_type, trait_name, trait_value, cost, approved, created_at, approved_at, approved_by_id)
        SELECT (SELECT min(mtahuman_ptr_id) FROM characters_mage), 'tenet', 'Tenet ' || number, 1, 0, 'Denied', at, at,
               (SELECT min(id) FROM auth_user WHERE is_staff)
        FROM (SELECT now() - interval '1 minute' AS at, count(*) AS spends FROM game_xpspendingrequest) AS past
        CROSS JOIN LATERAL generate_series(1, past.spends) AS number
        RETURNING 'approval_rate'
    """,
    tags=["monitor_validation"],
)
def test_approval_rate_is_at_least_eighty_percent(violations: Violations) -> None:
    """Of the decided requests to spend XP at least 80 % were approved.

    The command counted pending requests as if they were denied, and called an empty system 0 %; here only decided ones
    count, and without any there is no rate. It took ten points for what storytellers may well decide in normal use:
    here a low rate is noted, and costs nothing.
    """
    assert not violations


@rule.metric(
    "approval_rate_of_all_xp_spends",
    """
    SELECT round(100.0 * count(*) FILTER (WHERE approved = 'Approved') / nullif(count(*), 0), 1)
    FROM game_xpspendingrequest
    WHERE coalesce(approved_at, created_at) >= %(since)s
    """,
    severity="info",
    tags=["monitor_validation"],
)
def test_approval_rate_of_all_xp_spends_is_measured(violations: Violations) -> None:
    """Of all requests to spend XP, pending ones too, so many per cent were approved: what the command called approval rate."""
    assert not violations


@rule.metric(
    "weekly_xp_requests_by_decision",
    f"""
    SELECT CASE WHEN request.approved THEN 'Approved' ELSE 'Pending' END, count(*)
    FROM game_weeklyxprequest AS request JOIN game_week AS week ON week.id = request.week_id
    WHERE {day_is_over("week.end_date")} >= %(since)s
    GROUP BY request.approved ORDER BY request.approved DESC
    """,
    severity="info",
    tags=["monitor_validation"],
)
def test_weekly_xp_requests_by_decision_are_counted(violations: Violations) -> None:
    """How many requests for the XP of a week were approved, and how many are pending."""
    assert not violations


@rule.metric(
    "scenes",
    f"SELECT count(*) FROM game_scene AS scene WHERE {OF_PERIOD}",
    severity="info",
    tags=["monitor_validation"],
)
def test_scenes_are_counted(violations: Violations) -> None:
    """How many scenes were played, finished or not."""
    assert not violations


@rule.metric(
    "scenes_finished",
    f"SELECT count(*) FROM game_scene AS scene WHERE scene.finished AND {OF_PERIOD}",
    severity="info",
    tags=["monitor_validation"],
)
def test_finished_scenes_are_counted(violations: Violations) -> None:
    """How many of the scenes are finished."""
    assert not violations


@rule.metric(
    "scenes_awaiting_xp",
    f"SELECT count(*) FROM game_scene AS scene WHERE scene.finished AND NOT scene.xp_given AND {OF_PERIOD}",
    at_most=10,
    severity="info",
    breaks="""
        INSERT INTO game_scene
            (name, date_played, finished, xp_given, waiting_for_st, st_message, gameline, chronicle_id)
        SELECT scene.name, current_date, TRUE, FALSE, FALSE, '', scene.gameline, scene.chronicle_id
        FROM game_scene AS scene CROSS JOIN generate_series(1, 11)
        WHERE scene.id = (SELECT min(id) FROM game_scene WHERE chronicle_id IS NOT NULL)
        RETURNING 'scenes_awaiting_xp'
    """,
    overlaps=["test_finished_scene_has_given_xp"],
    tags=["validate_data_integrity", "monitor_validation", "SCN-2"],
)
def test_scenes_awaiting_xp_are_at_most_ten(violations: Violations) -> None:
    """At most ten finished scenes wait for their XP.

    A work queue, not an error: more than ten are noted and cost nothing, while the command took ten points. It counted
    scenes begun inside its period; here the last post counts, and `test_finished_scene_has_given_xp` lists scenes of any age.
    """
    assert not violations


@rule.metric(
    "scenes_with_xp",
    f"SELECT count(*) FROM game_scene AS scene WHERE scene.xp_given AND {OF_PERIOD}",
    severity="info",
    tags=["validate_data_integrity", "monitor_validation"],
)
def test_scenes_with_xp_are_counted(violations: Violations) -> None:
    """How many scenes have given XP."""
    assert not violations


@rule.metric(
    "xp_award_rate",
    f"""
    SELECT round(100.0 * count(*) FILTER (WHERE scene.xp_given) / nullif(count(*), 0), 1)
    FROM game_scene AS scene WHERE scene.finished AND {OF_PERIOD}
    """,
    severity="info",
    tags=["monitor_validation"],
)
def test_xp_award_rate_is_measured(violations: Violations) -> None:
    """Of the finished scenes so many per cent have given XP; without any there is no rate."""
    assert not violations


@rule.metric(
    "characters",
    "SELECT count(*) FROM characters_character",
    severity="info",
    tags=["monitor_validation"],
)
def test_characters_are_counted(violations: Violations) -> None:
    """How many characters there are, in whatever status."""
    assert not violations


@rule.metric(
    "characters_by_status",
    "SELECT status, count(*) FROM characters_charactermodel GROUP BY status ORDER BY status",
    severity="info",
    tags=["monitor_validation"],
)
def test_characters_by_status_are_counted(violations: Violations) -> None:
    """How many characters are unfinished, submitted, approved, retired, deceased."""
    assert not violations


@rule.metric(
    "average_xp_of_approved_characters",
    """
    SELECT round(avg(ch.xp), 1)
    FROM characters_charactermodel AS cm JOIN characters_character AS ch ON ch.charactermodel_ptr_id = cm.id
    WHERE cm.status = 'App'
    """,
    severity="info",
    tags=["monitor_validation"],
)
def test_average_xp_of_approved_characters_is_measured(violations: Violations) -> None:
    """How much unspent XP approved characters have on average."""
    assert not violations


@rule.metric(
    "average_xp",
    "SELECT round(avg(xp), 1) FROM characters_character",
    severity="info",
    tags=["monitor_validation"],
)
def test_average_xp_of_characters_is_measured(violations: Violations) -> None:
    """How much unspent XP characters have on average, in whatever status, as the command reckoned it."""
    assert not violations
