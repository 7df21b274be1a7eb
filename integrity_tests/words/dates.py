"""The dates that the application takes from its clock, and those that people set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_RECORDS: Final[Mapping[str, str]] = {
    "auth_user": "date_joined last_login",
    "core_charactertemplate": "created_at updated_at",
    "core_observer": "granted_at",
    "core_templateapplication": "applied_at",
    "django_admin_log": "action_time",
    "django_migrations": "applied",
    "game_freebiespendingrecord": "created_at approved_at",
    "game_journalentry": "datetime_created",
    "game_post": "datetime_created",
    "game_scene": "date_played",
    "game_week": "end_date",
    "game_xpspendingrequest": "created_at approved_at",
}

RECORDS: Final = tuple((table, column) for table, columns in _RECORDS.items() for column in columns.split())
"""Columns that say when something was done, by the clock of the server: no form has a field for them."""

RULED: Final[Mapping[str, str]] = {
    r"auth_user\.\w+": "test_user_joined_and_logged_in_in_the_past",
    r"django_migrations\.applied": "test_migration_was_applied_in_the_past",
    r"game_(xpspendingrequest|freebiespendingrecord)\.\w+": "test_spend_is_not_dated_in_the_future",
    r"game_post\.datetime_created": "test_scene_has_no_posts_of_the_future",
    r"game_scene\.date_played": "test_scene_is_not_dated_in_the_future",
    r"game_week\.end_date": "test_week_does_not_end_years_ahead",
}
"""Those whose future another rule forbids, as regular expressions, with its name."""

SET_BY_PEOPLE: Final[Mapping[str, str]] = {
    r"characters_changeling\.date_\w+": "a day in the story",
    r"characters_human\.date_of_birth": "a day in the story, and a chronicle may play in any year up to 9999",
    r"characters_hunter\.imbuing_date": "a day in the story",
    r"characters_wraith\.spectrehood_date": "a day in the story once a storyteller has set it",
    r"core_newsitem\.date": "its form takes any day: news may be announced ahead",
    r"django_session\.expire_date": "lies ahead by right",
    r"game_journalentry\.date": "its form takes any day of the story; test_date_of_journal_entry_is_in_its_time",
    r"game_scene\.date_of_scene": "a day in the story; test_date_in_the_story_is_in_its_time",
    r"locations_bastion\.consecration_date": "a day in the story",
    r"locations_huntingground\.last_incident": "a day in the story",
}
"""Dates that may well lie ahead, as regular expressions, with the reason."""
