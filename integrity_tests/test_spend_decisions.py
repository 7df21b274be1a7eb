"""What holds for spending of XP and of freebie points alike: when it was asked for and decided, and by whom."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.play import DECIDED, EITHER_SPENDS, FREEBIES_BY, SPENDS, SPENDS_BY, TELLERS
from .words.classes import DECISIONS

SPEND_TABLES: Final = ("game_xpspendingrequest", "game_freebiespendingrecord")

of_either = pytest.mark.parametrize("table", SPEND_TABLES)


@of_either
@rule.one_of(
    EITHER_SPENDS,
    "spend.approved",
    DECISIONS,
    severity="high",
    fix_hint="the row does not say what was decided: a storyteller decides",
    overlaps=[
        "test_freebies_add_up_to_what_characters_begin_with",
        "test_spend_is_dated_when_decided",
        "test_spend_names_who_decided",
        "test_xp_can_be_explained_by_awards",
    ],
    since="spend.created_at",
    tags=["XP-13"],
)
def test_spend_decision_is_known(violations: Violations, table: str) -> None:
    """What is spent is pending, approved or denied; with anything else it appears in no queue and no rate."""
    assert not violations


@of_either
@rule.implies(
    EITHER_SPENDS,
    "spend.approved <> 'Pending'",
    "spend.approved_at IS NOT NULL",
    breaks={"spend.approved_at": "NULL"},
    show=["spend.approved", "spend.approved_by_id"],
    fix_hint="the row does not say when it was decided: a storyteller knows",
    since="spend.created_at",
    tags=["XP-12"],
)
def test_spend_is_dated_when_decided(violations: Violations, table: str) -> None:
    """What was approved or denied says when."""
    assert not violations


@of_either
@rule.implies(
    EITHER_SPENDS,
    "spend.approved = 'Pending'",
    "spend.approved_at IS NULL AND spend.approved_by_id IS NULL",
    severity="info",
    breaks={"spend.approved_at": "spend.created_at"},
    show=["spend.approved_at", "spend.approved_by_id"],
    fix_hint="it was decided and is pending none the less: a storyteller knows which is right",
    since="spend.created_at",
    tags=["XP-12"],
)
def test_spend_is_undecided_while_pending(violations: Violations, table: str) -> None:
    """What is pending names neither a date of decision nor anyone who decided.

    The severity is info: "Pending" is one of the choices on the page of approval, which dates and signs whatever is saved.
    """
    assert not violations


@of_either
@rule.at_most(
    EITHER_SPENDS,
    "spend.created_at",
    "spend.approved_at",
    severity="low",
    breaks={"spend.approved_at": "spend.created_at - interval '1 second'"},
    fix_hint="a wrong clock: a storyteller knows when it was decided",
    since="spend.created_at",
    tags=["XP-14", "XP-31"],
)
def test_spend_is_asked_for_before_it_is_decided(violations: Violations, table: str) -> None:
    """Nothing is decided before it was asked for.

    TG takes both from its clock.
    """
    assert not violations


@of_either
@rule.at_most(
    EITHER_SPENDS,
    "greatest(spend.created_at, spend.approved_at)",
    "now() + interval '1 day'",
    severity="low",
    breaks={"spend.created_at": "now() + interval '30 days'"},
    fix_hint="a wrong clock: a storyteller knows when it was decided",
    overlaps=["test_spend_is_asked_for_before_it_is_decided"],
    since="greatest(spend.created_at, spend.approved_at)",
    tags=["XP-14", "XP-31"],
)
def test_spend_is_not_dated_in_the_future(violations: Violations, table: str) -> None:
    """Nothing is asked for or decided later than tomorrow.

    TG takes both from its clock.
    """
    assert not violations


@of_either
@rule.implies(
    EITHER_SPENDS,
    "spend.approved <> 'Pending'",
    "spend.approved_by_id IS NOT NULL",
    severity="info",
    breaks={"spend.approved_by_id": "NULL"},
    show=["spend.approved", "spend.approved_at"],
    fix_hint="a storyteller may know who decided; nobody is named any more once that account is deleted",
    since="spend.created_at",
    tags=["XP-15"],
)
def test_spend_names_who_decided(violations: Violations, table: str) -> None:
    """What was approved or denied says by whom, as long as there is such an account."""
    assert not violations


@of_either
@rule.implies(
    DECIDED,
    "NOT (judge.is_staff OR judge.is_superuser)",
    "judge.id IS DISTINCT FROM cm.owner_id",
    severity="info",
    breaks={"spend.approved_by_id": "cm.owner_id"},
    show=["judge.username", "spend.approved", "spend.approved_at"],
    fix_hint="another storyteller looks at it",
    overlaps=[
        "test_spend_is_decided_by_a_storyteller_of_the_chronicle",
        "test_spend_is_undecided_while_pending",
    ],
    since="spend.created_at",
    tags=["XP-16", "XP-33"],
)
def test_spend_is_not_decided_by_the_owner(violations: Violations, table: str) -> None:
    """Nobody but staff decides on what their own character spends.

    Of severity info: TG does not enforce it, and who decided may own the character only since.
    """
    assert not violations


@rule.references(
    DECIDED,
    [
        "coalesce(cm.chronicle_id, 0)",
        "CASE WHEN NOT (judge.is_staff OR judge.is_superuser) THEN judge.id END",
    ],
    TELLERS,
    ["teller.chronicle_id", "teller.user_id"],
    severity="info",
    breaks={
        "spend.approved_by_id": """(
            SELECT min(id) FROM auth_user
            WHERE NOT is_staff AND NOT is_superuser
              AND id NOT IN (SELECT head_st_id FROM game_chronicle WHERE head_st_id IS NOT NULL)
              AND id NOT IN (SELECT user_id FROM game_strelationship WHERE user_id IS NOT NULL))"""
    },
    show=["judge.username", "spend.approved", "spend.approved_at"],
    fix_hint="a storyteller of the chronicle looks at it",
    overlaps=[
        "test_spend_is_not_decided_by_the_owner",
        "test_spend_is_undecided_while_pending",
        "test_character_chronicle_is_named_once_approved",
        "test_object_that_is_submitted_has_a_chronicle",
    ],
    since="spend.created_at",
    tags=["XP-16"],
)
@pytest.mark.parametrize("table", SPEND_TABLES[:1])
def test_spend_is_decided_by_a_storyteller_of_the_chronicle(violations: Violations, table: str) -> None:
    """Who decides on XP is staff, heads the chronicle, or is one of its storytellers.

    Of severity info: TG does not enforce it, and the right may have been lost since.
    """
    assert not violations


@rule.references(
    SPENDS,
    "spend.character_id",
    "characters_character",
    fix_hint="what has no sheet has no XP: a person decides whether the sheet comes back or the request goes",
    since="spend.created_at",
    tags=["XP-27"],
    overlaps=["test_class_row_has_its_parent_row"],
)
def test_xp_spend_is_of_a_character_with_a_sheet(violations: Violations) -> None:
    """XP is spent by characters that have a sheet; only there can XP be."""
    assert not violations


@rule.implies(
    SPENDS_BY,
    "spend.approved = 'Pending'",
    "cm.status NOT IN ('Un', 'Sub')",
    severity="info",
    breaks="""
        UPDATE game_xpspendingrequest SET character_id = (
            SELECT min(id) FROM characters_charactermodel JOIN characters_character ON charactermodel_ptr_id = id
            WHERE status = 'Sub')
        WHERE id = (SELECT min(id) FROM game_xpspendingrequest WHERE approved = 'Pending')
        RETURNING id
    """,
    show=["cm.status", "spend.cost"],
    fix_hint="XP may have been deducted: a storyteller denies the request, or approves the character first",
    overlaps=["test_xp_can_be_explained_by_awards"],
    since="spend.created_at",
    tags=["XP-28"],
)
def test_xp_spend_waits_for_no_unapproved_character(violations: Violations) -> None:
    """Nobody waits to spend XP on a character that is not approved yet.

    Of severity info: the owner may not, but the page of requests is open for every character and looks at nothing, so that
    a storyteller can ask there for one that is unfinished or submitted.
    """
    assert not violations


@rule.implies(
    SPENDS_BY,
    "spend.approved = 'Pending'",
    "cm.status NOT IN ('Ret', 'Dec')",
    severity="info",
    breaks="""
        UPDATE game_xpspendingrequest SET character_id = (
            SELECT min(id) FROM characters_charactermodel JOIN characters_character ON charactermodel_ptr_id = id
            WHERE status = 'Ret')
        WHERE id = (SELECT min(id) FROM game_xpspendingrequest WHERE approved = 'Pending')
        RETURNING id
    """,
    show=["cm.status", "spend.cost"],
    fix_hint="XP may have been deducted: a storyteller denies or approves the request",
    overlaps=["test_retired_character_is_in_no_unfinished_scene", "test_xp_can_be_explained_by_awards"],
    since="spend.created_at",
    tags=["XP-32"],
)
def test_xp_spend_waits_for_no_retired_character(violations: Violations) -> None:
    """Nobody waits to spend XP on a character that has retired or died: it is in no one's queue.

    Of severity info: TG does not enforce it, and characters may retire while something is pending.
    """
    assert not violations


@rule.implies(
    FREEBIES_BY,
    "cm.status = 'App'",
    "spend.approved <> 'Pending'",
    severity="info",
    breaks={"spend.approved": "'Pending'", "spend.approved_at": "NULL", "spend.approved_by_id": "NULL"},
    show=["spend.trait_name", "spend.trait_value", "spend.cost"],
    fix_hint="a queue, not an alarm: no page of TG lets a storyteller approve it",
    since="spend.created_at",
    tags=["FRB-1"],
)
def test_freebie_spends_of_approved_characters_are_decided(violations: Violations) -> None:
    """What an approved character has bought with freebie points was decided on."""
    assert not violations
