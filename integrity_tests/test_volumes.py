"""Tables as a whole: those that do not lose half of their rows overnight, and values that are not the same for all."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Source, Violations, rule

from .words.classes import ATTRIBUTES

PEOPLE: Final = ("auth_user", "accounts_profile")
SHEETS: Final = (
    "characters_charactermodel",
    "characters_character",
    "characters_human",
    "characters_group",
    "items_itemmodel",
    "locations_locationmodel",
)
PLAY: Final = (
    "game_chronicle",
    "game_journal",
    "game_journalentry",
    "game_post",
    "game_scene",
    "game_week",
)
XP: Final = (
    "game_freebiespendingrecord",
    "game_storyxprequest",
    "game_weeklyxprequest",
    "game_xpspendingrequest",
)
RULEBOOKS: Final = ("characters_gift", "characters_meritflaw", "characters_statistic", "core_bookreference")
SYSTEM: Final = ("auth_permission", "django_content_type", "django_migrations")

ACCOUNTS: Final = Source(
    "accounts, where there are ten",
    "(SELECT * FROM auth_user WHERE (SELECT count(*) FROM auth_user) >= 10) AS account",
    key="account.id",
    label="account.username",
)
OWNED: Final = Source(
    "characters of players, where there are ten users",
    "(SELECT * FROM characters_charactermodel WHERE NOT npc AND (SELECT count(*) FROM auth_user) >= 10) AS base",
    key="base.id",
    label="base.name",
)
SCORED: Final = Source(
    "human sheets, where there are thirty",
    "(SELECT * FROM characters_human WHERE (SELECT count(*) FROM characters_human) >= 30) AS sheet",
    key="sheet.character_ptr_id",
)


@pytest.mark.with_history
@pytest.mark.parametrize("table", [*PEOPLE, *SHEETS, *PLAY, *XP, *RULEBOOKS, *SYSTEM])
@rule.volume(
    "{table}",
    max_drop=0.5,
    severity="high",
    fix_hint="find out what deleted the rows; a backup has them",
)
def test_table_keeps_half_of_its_rows(violations: Violations, table: str) -> None:
    """A table of people, sheets, play, XP or the books does not lose more than half of its rows from one run to the next.

    TG retires characters and closes scenes, and deletes neither by the dozen. Waive it once where somebody meant to.
    """
    assert not violations


@rule.share(
    ACCOUNTS,
    "account.is_superuser",
    value=True,
    at_most=0.5,
    severity="high",
    breaks="UPDATE auth_user SET is_superuser = TRUE RETURNING id",
    fix_hint="whose right it is, only its owner knows: the last backup says who had it",
)
def test_few_users_are_superusers(violations: Violations) -> None:
    """At most half of the accounts may do anything, once there are ten: an UPDATE without WHERE gives that right to all."""
    assert not violations


@rule.share(
    ACCOUNTS,
    "account.is_staff",
    value=True,
    at_most=0.95,
    severity="high",
    breaks="UPDATE auth_user SET is_staff = TRUE RETURNING id",
    fix_hint="whose right it is, only its owner knows: the last backup says who had it",
    overlaps=["test_user_who_is_inactive_has_no_rights_left"],
)
def test_not_every_user_is_staff(violations: Violations) -> None:
    """Not all accounts belong to the staff, once there are ten: staff may approve whatever anybody asks for, also their own."""
    assert not violations


@rule.share(
    ACCOUNTS,
    "account.is_active",
    value=False,
    at_most=0.95,
    severity="high",
    breaks="UPDATE auth_user SET is_active = FALSE RETURNING id",
    fix_hint="whose account was switched off on purpose, the last backup says",
    overlaps=["test_storyteller_is_an_active_user", "test_user_who_is_inactive_has_no_rights_left"],
)
def test_not_every_user_is_inactive(violations: Violations) -> None:
    """Not all accounts are switched off, once there are ten: an UPDATE without WHERE locks everybody out."""
    assert not violations


@rule.share(
    OWNED,
    "base.owner_id",
    at_most=0.5,
    severity="high",
    breaks="UPDATE characters_charactermodel SET owner_id = (SELECT min(id) FROM auth_user) RETURNING id",
    fix_hint="whose character it is, the last backup says",
)
def test_no_user_owns_most_characters(violations: Violations) -> None:
    """No user owns more than half of the players' characters that have an owner, once there are ten users.

    Characters of storytellers are not counted: one storyteller may well have made most of them.
    """
    assert not violations


@pytest.mark.parametrize("attribute", ATTRIBUTES)
@rule.share(
    SCORED,
    "sheet.{attribute}",
    at_most=0.98,
    breaks="UPDATE characters_human SET {attribute} = 5 RETURNING character_ptr_id",
    fix_hint="the last backup has the scores",
)
def test_attribute_scores_do_not_all_agree(violations: Violations, attribute: str) -> None:
    """Characters differ in every attribute, once there are thirty: an UPDATE without WHERE makes them all alike."""
    assert not violations
