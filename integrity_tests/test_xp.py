"""Experience points: the pool on the sheet, the requests to spend it, and what can be said about old ones."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule

from .sources import SHEETS, SPENDS, WEEKLY
from .vocabulary import DECISIONS


@rule.between(
    SHEETS,
    "xp",
    0,
    None,
    severity="critical",
    fix_hint="XP is money and its ledger cannot be rebuilt: a storyteller decides",
    enforced_by="characters_character_xp_non_negative",
    tags=["validate_data_integrity", "monitor_validation", "XP-1"],
)
def test_xp_is_never_negative(violations: Violations) -> None:
    """Nobody has spent more XP than there was.

    The command's --fix wrote 0, which forgives the debt.
    """
    assert not violations


@rule.one_of(
    SPENDS,
    "spend.approved",
    DECISIONS,
    severity="high",
    fix_hint="the row does not say what was decided: a storyteller decides",
    since="spend.created_at",
    tags=["XP-13"],
)
def test_xp_spend_decision_is_known(violations: Violations) -> None:
    """A request to spend XP is pending, approved or denied; with anything else it appears in no queue and no rate."""
    assert not violations


@rule.rows(
    SPENDS,
    """
    spend.approved = 'Pending' AND (spend.approved_at IS NOT NULL OR spend.approved_by_id IS NOT NULL)
    OR spend.approved <> 'Pending' AND spend.approved_at IS NULL
    """,
    breaks={"spend.approved": "'Approved'", "spend.approved_at": "NULL"},
    show=["spend.approved", "spend.approved_at", "spend.approved_by_id"],
    fix_hint="the row does not say when it was decided: a storyteller knows",
    overlaps=["test_xp_spend_decision_is_known"],
    since="spend.created_at",
    tags=["XP-12"],
)
def test_xp_spend_is_dated_when_decided(violations: Violations) -> None:
    """An approved or denied request to spend XP says when; a pending one names neither date nor approver."""
    assert not violations


@rule.rows(
    SPENDS,
    "spend.approved = 'Pending' AND spend.created_at < now() - interval '30 days'",
    severity="info",
    breaks={
        "spend.approved": "'Pending'",
        "spend.approved_at": "NULL",
        "spend.approved_by_id": "NULL",
        "spend.created_at": "now() - interval '31 days'",
    },
    show=["spend.trait_name", "spend.trait_value", "spend.cost", "spend.created_at"],
    fix_hint="a storyteller approves or denies it",
    tags=["validate_character_data", "XP-24"],
)
def test_xp_spend_is_decided_within_thirty_days(violations: Violations) -> None:
    """No request to spend XP has waited for a storyteller for more than 30 days.

    The command's check was dead: it counted entries of a field that no character has any more.
    """
    assert not violations


@rule.query(
    """
    SELECT spend.character_id, max(cm.name) AS name, count(*) AS pending, sum(spend.cost) AS cost,
           min(spend.created_at) AS oldest
    FROM game_xpspendingrequest AS spend LEFT JOIN characters_charactermodel AS cm ON cm.id = spend.character_id
    WHERE spend.approved = 'Pending'
    GROUP BY spend.character_id
    HAVING count(*) > 15
    """,
    severity="info",
    fix_hint="a storyteller approves or denies them",
    tags=["validate_character_data", "XP-24"],
)
def test_xp_spends_of_a_character_do_not_pile_up(violations: Violations) -> None:
    """No character has more than 15 requests to spend XP waiting.

    The command's check, over 20, was dead: it counted entries of a field that no character has any more.
    """
    assert not violations


@rule.query(
    """
    WITH spent AS (
        SELECT character_id AS id, sum(cost) AS xp FROM game_xpspendingrequest WHERE approved <> 'Denied' GROUP BY 1
    ), weekly AS (
        SELECT character_id AS id, sum(finishing::int + learning::int + rp::int + focus::int + standingout::int) AS xp
        FROM game_weeklyxprequest WHERE approved GROUP BY 1
    ), scenes AS (
        SELECT part.charactermodel_id AS id, count(*) AS xp
        FROM game_scene_characters AS part JOIN game_scene AS scene ON scene.id = part.scene_id AND scene.xp_given
        GROUP BY 1
    ), stories AS (
        SELECT character_id AS id, sum(success::int + danger::int + growth::int + drama::int + duration::bigint) AS xp
        FROM game_storyxprequest GROUP BY 1
    )
    SELECT ch.charactermodel_ptr_id, cm.name, ch.xp, coalesce(spent.xp, 0) AS spent,
           coalesce(weekly.xp, 0) + coalesce(scenes.xp, 0) + coalesce(stories.xp, 0) AS explained
    FROM characters_character AS ch
    LEFT JOIN characters_charactermodel AS cm ON cm.id = ch.charactermodel_ptr_id
    LEFT JOIN spent ON spent.id = ch.charactermodel_ptr_id
    LEFT JOIN weekly ON weekly.id = ch.charactermodel_ptr_id
    LEFT JOIN scenes ON scenes.id = ch.charactermodel_ptr_id
    LEFT JOIN stories ON stories.id = ch.charactermodel_ptr_id
    WHERE ch.xp + coalesce(spent.xp, 0) > coalesce(weekly.xp, 0) + coalesce(scenes.xp, 0) + coalesce(stories.xp, 0)
    """,
    severity="info",
    fix_hint="awards by hand leave no trace: a storyteller judges",
    overlaps=[
        "test_xp_spend_decision_is_known",
        "test_xp_spend_is_dated_when_decided",
        "test_xp_spend_is_decided_within_thirty_days",
    ],
    tags=["validate_character_data", "XP-26"],
)
def test_xp_can_be_explained_by_awards(violations: Violations) -> None:
    """The XP that a character has and has spent is no more than the stored awards can explain.

    A hint, not a proof: a storyteller's gift leaves no trace, and who was paid for a scene is not stored. The command's
    check of XP consistency was dead: it summed a field that no character has any more.
    """
    assert not violations


@rule.between(
    SPENDS,
    "spend.cost",
    0,
    9999,
    severity="high",
    show=["spend.trait_type", "spend.trait_name", "spend.trait_value", "spend.approved"],
    fix_hint="XP is money: a storyteller decides what the trait costs",
    overlaps=["test_xp_can_be_explained_by_awards"],
    since="spend.created_at",
    tags=["XP-17"],
)
def test_xp_spend_has_a_possible_cost(violations: Violations) -> None:
    """A request to spend XP costs from 0 to 9999; 10000 is the price of a trait that has none."""
    assert not violations


@rule.rows(
    SPENDS,
    "spend.cost = 0 AND spend.trait_type <> 'tenet' AND spend.trait_value > 1",
    severity="high",
    breaks={"spend.cost": "0", "spend.trait_type": "'attribute'", "spend.trait_value": "3"},
    show=["spend.trait_type", "spend.trait_name", "spend.trait_value", "spend.approved"],
    fix_hint="XP is money: a storyteller decides what the trait costs",
    since="spend.created_at",
    tags=["XP-17"],
)
def test_xp_spend_is_free_for_tenets_and_first_dots_only(violations: Violations) -> None:
    """Nothing is free but a tenet and what a formula gives for a first dot."""
    assert not violations


@rule.unique(
    WEEKLY,
    ["request.character_id", "request.week_id"],
    severity="high",
    show=["request.approved"],
    fix_hint="each approved one has paid, and XP is money: a storyteller decides",
    tags=["XP-3"],
)
def test_xp_is_requested_once_a_week(violations: Violations) -> None:
    """Nobody asks twice for the XP of one week; each request pays."""
    assert not violations
