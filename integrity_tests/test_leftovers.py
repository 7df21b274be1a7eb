"""Leftovers: what nobody needs any more, or nobody has used yet. Numbers to watch, and no error of anybody.

Django and TG clean up none of it by themselves; `manage.py clearsessions` and `remove_stale_contenttypes` do some.
"""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity import Violations, rule

from .words.classes import CONTENT_TYPES

KNOWN: Final = ", ".join(f"('{app}', '{model}')" for app, model in CONTENT_TYPES)


@rule.metric("sessions", "SELECT count(*) FROM django_session", severity="info", tags=["leftovers"])
def test_sessions_are_counted(violations: Violations) -> None:
    """How many sessions are stored; none in production, where TG keeps them in Redis."""
    assert not violations


@rule.metric(
    "expired_sessions",
    "SELECT count(*) FROM django_session WHERE expire_date < now()",
    severity="info",
    tags=["leftovers"],
)
def test_expired_sessions_are_counted(violations: Violations) -> None:
    """How many stored sessions have expired: `manage.py clearsessions` deletes them."""
    assert not violations


@rule.metric(
    "endless_sessions",
    "SELECT count(*) FROM django_session WHERE expire_date > now() + interval '1 year'",
    severity="info",
    tags=["leftovers"],
)
def test_endless_sessions_are_counted(violations: Violations) -> None:
    """How many stored sessions last for more than another year; TG's end after two weeks."""
    assert not violations


@rule.metric(
    "stale_content_types",
    f"SELECT count(*) FROM django_content_type WHERE (app_label, model) NOT IN ({KNOWN})",
    severity="info",
    tags=["leftovers"],
)
def test_stale_content_types_are_counted(violations: Violations) -> None:
    """How many content types name no model of TG: `manage.py remove_stale_contenttypes` asks before it deletes them."""
    assert not violations


@rule.metric(
    "stale_permissions",
    f"""
    SELECT count(*) FROM auth_permission AS permission
    JOIN django_content_type AS type ON type.id = permission.content_type_id
    WHERE (type.app_label, type.model) NOT IN ({KNOWN})
       OR permission.codename NOT IN ('add_' || type.model, 'change_' || type.model, 'delete_' || type.model, 'view_' || type.model)
    """,
    severity="info",
    tags=["leftovers"],
)
def test_stale_permissions_are_counted(violations: Violations) -> None:
    """How many permissions are not to add, change, delete or view the objects of a model of TG."""
    assert not violations


@rule.metric("log_entries", "SELECT count(*) FROM django_admin_log", severity="info", tags=["leftovers"])
def test_log_entries_are_counted(violations: Violations) -> None:
    """How many entries the log of the administration has; nothing ever deletes them."""
    assert not violations


@rule.metric(
    "log_entries_of_two_years_ago",
    "SELECT count(*) FROM django_admin_log WHERE action_time < now() - interval '2 years'",
    severity="info",
    tags=["leftovers"],
)
def test_log_entries_of_two_years_ago_are_counted(violations: Violations) -> None:
    """How many entries of the log of the administration are older than two years."""
    assert not violations


@rule.metric(
    "users_never_logged_in",
    "SELECT count(*) FROM auth_user WHERE last_login IS NULL AND is_active",
    severity="info",
    tags=["leftovers"],
)
def test_users_who_never_logged_in_are_counted(violations: Violations) -> None:
    """How many active accounts nobody has ever logged in with."""
    assert not violations


@rule.metric(
    "users_without_anything",
    """
    SELECT count(*) FROM auth_user AS idle
    WHERE idle.is_active AND NOT idle.is_staff AND NOT idle.is_superuser
      AND NOT EXISTS (SELECT FROM characters_charactermodel AS played WHERE played.owner_id = idle.id)
      AND NOT EXISTS (SELECT FROM game_strelationship AS told WHERE told.user_id = idle.id)
      AND NOT EXISTS (SELECT FROM game_chronicle AS headed WHERE headed.head_st_id = idle.id)
    """,
    severity="info",
    tags=["leftovers"],
)
def test_users_without_anything_are_counted(violations: Violations) -> None:
    """How many active accounts own no character, tell no chronicle and are not of the staff."""
    assert not violations


@rule.metric(
    "groups_without_members",
    """
    SELECT count(*) FROM characters_group AS team
    WHERE NOT EXISTS (SELECT FROM characters_group_members AS member WHERE member.group_id = team.id)
    """,
    severity="info",
    tags=["leftovers"],
)
def test_groups_without_members_are_counted(violations: Violations) -> None:
    """How many packs, coteries and cabals have no members."""
    assert not violations


@rule.metric(
    "chronicles_without_characters",
    """
    SELECT count(*) FROM game_chronicle AS empty
    WHERE NOT EXISTS (SELECT FROM characters_charactermodel AS played WHERE played.chronicle_id = empty.id)
    """,
    severity="info",
    tags=["leftovers"],
)
def test_chronicles_without_characters_are_counted(violations: Violations) -> None:
    """How many chronicles nobody plays in."""
    assert not violations


@rule.metric(
    "drafts_of_characters",
    "SELECT count(*) FROM characters_charactermodel WHERE status = 'Un' AND owner_id IS NOT NULL",
    severity="info",
    tags=["leftovers"],
)
def test_drafts_of_characters_are_counted(violations: Violations) -> None:
    """How many characters of players are unfinished; how long is not stored."""
    assert not violations
