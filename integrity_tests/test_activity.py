"""How the game is going: the numbers that `monitor_validation` printed, and the bounds it set."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule


@rule.metric(
    "approval_rate",
    """
    SELECT round(
        100.0 * count(*) FILTER (WHERE approved = 'Approved')
        / nullif(count(*) FILTER (WHERE approved IN ('Approved', 'Denied')), 0), 1)
    FROM game_xpspendingrequest
    """,
    at_least=80,
    severity="info",
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
    "scenes_awaiting_xp",
    "SELECT count(*) FROM game_scene WHERE finished AND NOT xp_given",
    at_most=10,
    severity="info",
    tags=["validate_data_integrity", "monitor_validation", "SCN-2"],
)
def test_scenes_awaiting_xp_are_at_most_ten(violations: Violations) -> None:
    """At most ten finished scenes wait for their XP.

    A work queue, not an error: more than ten are noted and cost nothing, while the command took ten points. It also saw
    only scenes begun inside its period; here the oldest debts count too.
    """
    assert not violations


@rule.metric(
    "scenes_with_xp",
    "SELECT count(*) FROM game_scene WHERE xp_given",
    severity="info",
    tags=["validate_data_integrity", "monitor_validation"],
)
def test_scenes_with_xp_are_counted(violations: Violations) -> None:
    """How many scenes have given XP."""
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
    "xp_spends_by_decision",
    "SELECT approved, count(*) FROM game_xpspendingrequest GROUP BY approved ORDER BY approved",
    severity="info",
    tags=["monitor_validation"],
)
def test_xp_spends_by_decision_are_counted(violations: Violations) -> None:
    """How many requests to spend XP are pending, approved, denied."""
    assert not violations
