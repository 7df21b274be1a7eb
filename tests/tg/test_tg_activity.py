"""What happened in the chosen period: `--period` and TG's rules over what is played, asked for and decided."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import psycopg
import pytest

from integrity_tests import demo
from pytest_tgintegrity.servers.datasets import open_dataset
from tg import run_rules

SPEND: Final = """
    INSERT INTO game_xpspendingrequest
        (character_id, trait_type, trait_name, trait_value, cost, approved, created_at, approved_at)
    SELECT min(mtahuman_ptr_id), 'tenet', %s, 1, 0, %s, now() - %s::interval, now() - %s::interval FROM characters_mage
"""
SCENE: Final = """
    WITH scene AS (
        INSERT INTO game_scene (name, date_played, finished, xp_given, waiting_for_st, st_message, gameline, chronicle_id)
        SELECT %s, current_date - 400, TRUE, %s, FALSE, '', gameline, chronicle_id
        FROM game_scene WHERE id = (SELECT min(id) FROM game_scene)
        RETURNING id
    )
    INSERT INTO game_post (scene_id, display_name, message, datetime_created)
    SELECT id, 'Ana', 'At last.', now() - %s::interval FROM scene
"""
WEEK: Final = """
    WITH week AS (INSERT INTO game_week (end_date) VALUES (current_date - %s::int) RETURNING id)
    INSERT INTO game_weeklyxprequest (character_id, week_id, approved, finishing, learning, rp, focus, standingout)
    SELECT min(mtahuman_ptr_id), week.id, %s, TRUE, FALSE, FALSE, FALSE, FALSE
    FROM characters_mage CROSS JOIN week GROUP BY week.id
"""
HAPPENED: Final = (
    (SPEND, ("new and pending", "Pending", "2 hours", None)),
    (SPEND, ("asked last year, approved an hour ago", "Approved", "1 year", "1 hour")),
    (SPEND, ("asked last year, denied three days ago", "Denied", "1 year", "3 days")),
    (SPEND, ("all this month", "Approved", "20 days", "19 days")),
    (SCENE, ("long, ended today", False, "3 hours")),
    (SCENE, ("long, ended three days ago", False, "3 days")),
    (SCENE, ("long, ended three days ago, paid", True, "3 days")),
    (SCENE, ("long, ended this month", True, "20 days")),
    (WEEK, (0, False)),
    (WEEK, (4, True)),
    (WEEK, (20, True)),
)


@pytest.fixture(scope="module")
def lately() -> Iterator[str]:
    """The URL of a demo in which something happened lately; what else is in it is of 2024."""
    with open_dataset("demo", demo.DATASETS["demo"]) as server:
        with psycopg.connect(server.conninfo()) as connection:
            for statement, values in HAPPENED:
                connection.execute(statement.encode(), values)
        yield server.url()


@dataclass(frozen=True)
class Told:
    """What a run over a period told: the numbers, and how many rows each rule looked at."""

    activity: Mapping[str, Any]
    examined: Mapping[str, int]


@pytest.fixture(scope="module")
def told(lately: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int | None], Told]:
    """Run the rules over a number of hours, or all times, once each."""

    @functools.cache
    def told(hours: int | None) -> Told:
        path = tmp_path_factory.mktemp("lately") / "report.json"
        period = [] if hours is None else [f"--period={hours}"]
        words = [f"--db-url={lately}", "--json-report", f"--json-report-file={path}", "--tb=no", *period]
        run = run_rules("-q", *words, files=FILES)
        assert run.returncode in (0, 1), run.stdout + run.stderr
        found = json.loads(path.read_text())["integrity"]
        return Told(found["activity"], {one["id"].partition("::")[2]: one["examined"] for one in found["rules"]})

    return told


Telling: TypeAlias = Callable[[int | None], Told]

FILES: Final = (
    "test_activity.py",
    "test_scenes.py",
    "test_spend_decisions.py",
    "test_weeks.py",
    "test_xp_awards.py",
    "test_xp_spends.py",
)
NOW: Final = {"characters_by_status", "average_xp_of_approved_characters"}
"""What is known of characters as they are; nothing in them bears a date."""


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (
            24,
            {
                "xp_requests": 1,
                "xp_spends_by_decision": {"Approved": 1, "Pending": 1},
                "approval_rate": 100,
                "weekly_xp_requests_by_decision": {"Pending": 1},
                "scenes_awaiting_xp": 1,
                "scenes_with_xp": 0,
            },
        ),
        (
            168,
            {
                "xp_requests": 1,
                "xp_spends_by_decision": {"Approved": 1, "Denied": 1, "Pending": 1},
                "approval_rate": 50,
                "weekly_xp_requests_by_decision": {"Approved": 1, "Pending": 1},
                "scenes_awaiting_xp": 2,
                "scenes_with_xp": 1,
            },
        ),
        (
            24 * 30,
            {
                "xp_requests": 2,
                "xp_spends_by_decision": {"Approved": 2, "Denied": 1, "Pending": 1},
                "approval_rate": 66.7,
                "weekly_xp_requests_by_decision": {"Approved": 2, "Pending": 1},
                "scenes_awaiting_xp": 2,
                "scenes_with_xp": 2,
            },
        ),
    ],
)
def test_activity_is_that_of_the_period(told: Telling, hours: int, expected: Mapping[str, Any]) -> None:
    found = told(hours).activity

    assert {name: value for name, value in found.items() if name not in NOW} == expected


def test_activity_without_a_period_is_of_all_times(told: Telling, lately: str) -> None:
    with psycopg.connect(lately) as connection:
        spends, scenes = connection.execute(
            "SELECT (SELECT count(*) FROM game_xpspendingrequest), (SELECT count(*) FROM game_scene WHERE xp_given)"
        ).fetchone() or (0, 0)

    found = told(None).activity

    assert found["xp_requests"] == spends
    assert found["scenes_with_xp"] == scenes
    assert sum(found["xp_spends_by_decision"].values()) == spends


def test_characters_are_counted_as_they_are_now(told: Telling) -> None:
    young, ever = told(24).activity, told(None).activity

    assert {name: young[name] for name in NOW} == {name: ever[name] for name in NOW}
    assert young["characters_by_status"]["App"] > 0


@pytest.mark.parametrize(
    ("rule", "examined"),
    [
        ("test_spend_decision_is_known[game_xpspendingrequest]", 1),
        ("test_scene_that_gave_xp_is_finished", 3),
        ("test_scene_is_named_by_every_post", 3),
        ("test_week_ends_on_a_sunday", 2),
        ("test_xp_is_requested_for_player_characters", 2),
        ("test_xp_claim_names_a_scene_of_its_week", 8),
    ],
)
def test_rules_over_dated_rows_look_at_those_of_the_week(told: Telling, rule: str, examined: int) -> None:
    assert told(168).examined[rule] == examined
    assert told(None).examined[rule] > examined


@pytest.mark.parametrize(
    "rule",
    [
        "test_finished_scene_has_given_xp",
        "test_xp_request_is_decided_within_thirty_days",
        "test_xp_spend_is_decided_within_thirty_days",
    ],
)
def test_work_queues_hold_what_has_waited_long(told: Telling, rule: str) -> None:
    assert told(24).examined[rule] == told(None).examined[rule] > 100
