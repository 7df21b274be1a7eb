"""Dates that the server's clock has set: they lie behind us, and not before there was such an application.

Posts, scenes, spends, accounts and migrations have rules of their own about the future; days in the story may be any day.
"""

from __future__ import annotations

import re
from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.play import ENTRIES, POSTS_IN_SCENES, SCENES
from .words.dates import RECORDS, RULED

CLOCK = "a wrong clock, or an import: a person finds out which, and what else was dated by it"

LATE = [one for one in RECORDS if not any(re.fullmatch(known, ".".join(one)) for known in RULED)]


@pytest.mark.parametrize(("table", "column"), LATE)
@rule.at_most(
    "{table}",
    "{column}",
    "now() + interval '1 day'",
    severity="low",
    breaks={"{column}": "now() + interval '30 days'"},
    fix_hint=CLOCK,
    overlaps=["test_date_of_template_follows_that_of_its_making"],
    tags=["dates"],
)
def test_date_of_record_is_not_in_the_future(violations: Violations, table: str, column: str) -> None:
    """Nothing was written, granted, made or used later than tomorrow; a day is granted to clocks and time zones."""
    assert not violations


@pytest.mark.parametrize(("table", "column"), RECORDS)
@rule.rows(
    "{table}",
    "{column} < DATE '2005-07-01'",
    severity="low",
    breaks={"{column}": "DATE '1970-01-04'"},
    fix_hint=CLOCK,
    overlaps=[
        "test_date_of_template_follows_that_of_its_making",
        "test_scene_has_no_posts_of_the_future",
        "test_spend_is_asked_for_before_it_is_decided",
        "test_user_logs_in_after_joining",
        "test_week_lists_who_played_in_it",
        "test_week_ends_on_a_sunday",
        "test_week_is_there_once",
        "test_xp_claim_names_a_scene_of_its_week",
        "test_xp_request_is_decided_within_thirty_days",
        "test_xp_spend_is_decided_within_thirty_days",
        "test_migration_is_recorded_once",
    ],
    tags=["dates"],
)
def test_date_of_record_is_not_older_than_django(violations: Violations, table: str, column: str) -> None:
    """Nothing was recorded before July 2005, when Django came out: 1970 and 1900 are what programs write for no date."""
    assert not violations


@rule.at_most(
    "core_charactertemplate",
    "created_at",
    "updated_at + interval '1 minute'",
    severity="low",
    breaks={"created_at": "updated_at + interval '2 minutes'"},
    fix_hint=CLOCK,
    tags=["dates"],
)
def test_date_of_template_follows_that_of_its_making(violations: Violations) -> None:
    """No template was changed before it was made."""
    assert not violations


@rule.at_most(
    "game_week",
    "end_date",
    "current_date + 366",
    severity="low",
    breaks="""
        INSERT INTO game_week (end_date)
        SELECT current_date + 3660 + (7 - extract(isodow FROM current_date + 3660)::int) % 7 RETURNING id
    """,
    fix_hint="a typing error in the year: a storyteller knows which week is meant",
    overlaps=["test_week_is_not_far_ahead"],
    tags=["dates"],
)
def test_week_does_not_end_years_ahead(violations: Violations) -> None:
    """No week ends more than a year from now; nobody plans XP for so long, but a year is soon mistyped."""
    assert not violations


@rule.at_most(
    POSTS_IN_SCENES,
    "scene.date_played - 1",
    "post.datetime_created",
    severity="low",
    breaks={"post.datetime_created": "scene.date_played - interval '1 year'"},
    fix_hint=CLOCK,
    overlaps=["test_date_of_record_is_not_older_than_django", "SCN-15", "WK-3", "XP-6"],
    since="post.datetime_created",
    tags=["dates"],
)
def test_date_of_post_follows_that_of_its_scene(violations: Violations) -> None:
    """Nothing was posted in a scene before the day on which it was opened; a day is granted to time zones."""
    assert not violations


def beyond(day: str, year: str) -> str:
    """A day that lies ahead of us, and more than ten years after a year; no such day where nobody knows the year."""
    return f"""
        CASE WHEN {day} > now() + interval '1 day' THEN extract(year FROM {day}) > {year} + 10 ELSE FALSE END
    """


OF_CHRONICLE: Final = "(SELECT played.year FROM game_chronicle AS played WHERE played.id = scene.chronicle_id)"
LATEST: Final = """
    (SELECT max(played.year) FROM game_chronicle AS played
     WHERE EXISTS (SELECT FROM game_chronicle AS own WHERE own.id = entry.chronicle_id))
"""
"""The year of the chronicle that plays last, for characters that are in one."""


@rule.rows(
    SCENES,
    beyond("scene.date_of_scene", OF_CHRONICLE),
    severity="low",
    breaks={"scene.date_of_scene": "DATE '9999-01-01'"},
    show=["scene.date_of_scene", "scene.chronicle_id"],
    fix_hint="a storyteller knows the day in the story",
    tags=["dates"],
)
def test_date_in_the_story_is_in_its_time(violations: Violations) -> None:
    """No scene plays at a time that is neither past nor within ten years of the year of its chronicle.

    A chronicle may play in 2150, and so may its scenes; one of 1998 has none of 2099. Deleting a chronicle leaves its scenes,
    of which nobody knows any more when they may play.
    """
    assert not violations


@rule.rows(
    ENTRIES,
    beyond("entry.date", LATEST),
    severity="low",
    breaks="""
        UPDATE game_journalentry SET date = '9999-01-01' WHERE id = (
            SELECT min(entry.id) FROM game_journalentry AS entry JOIN game_journal AS journal ON journal.id = entry.journal_id)
        RETURNING id
    """,
    show=["entry.date", "entry.chronicle_id"],
    fix_hint="the player knows the day in the story",
    tags=["dates"],
)
def test_date_of_journal_entry_is_in_its_time(violations: Violations) -> None:
    """No entry of a journal is about a day that is neither past nor within ten years of the year of some chronicle.

    Of which does not matter: characters move from one chronicle to another and keep their journals. Who is in none may have
    been in one that was deleted, and is not looked at.
    """
    assert not violations
