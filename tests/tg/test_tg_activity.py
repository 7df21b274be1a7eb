"""What happened in the chosen period: `--period` and TG's rules over what is played, asked for and decided; what the monitor tells."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import psycopg
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

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
        SELECT %s, current_date - 400, %s, %s, FALSE, '', gameline, chronicle_id
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
    (SCENE, ("long, ended today", True, False, "3 hours")),
    (SCENE, ("long, ended three days ago", True, False, "3 days")),
    (SCENE, ("long, ended three days ago, paid", True, True, "3 days")),
    (SCENE, ("long, goes on since two days", False, False, "2 days")),
    (SCENE, ("long, ended this month", True, True, "20 days")),
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
NOW: Final = {"characters", "characters_by_status", "average_xp_of_approved_characters", "average_xp"}
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
                "approval_rate_of_all_xp_spends": 50,
                "weekly_xp_requests_by_decision": {"Pending": 1},
                "scenes": 1,
                "scenes_finished": 1,
                "scenes_awaiting_xp": 1,
                "scenes_with_xp": 0,
                "xp_award_rate": 0,
            },
        ),
        (
            168,
            {
                "xp_requests": 1,
                "xp_spends_by_decision": {"Approved": 1, "Denied": 1, "Pending": 1},
                "approval_rate": 50,
                "approval_rate_of_all_xp_spends": 33.3,
                "weekly_xp_requests_by_decision": {"Approved": 1, "Pending": 1},
                "scenes": 4,
                "scenes_finished": 3,
                "scenes_awaiting_xp": 2,
                "scenes_with_xp": 1,
                "xp_award_rate": 33.3,
            },
        ),
        (
            24 * 30,
            {
                "xp_requests": 2,
                "xp_spends_by_decision": {"Approved": 2, "Denied": 1, "Pending": 1},
                "approval_rate": 66.7,
                "approval_rate_of_all_xp_spends": 50,
                "weekly_xp_requests_by_decision": {"Approved": 2, "Pending": 1},
                "scenes": 5,
                "scenes_finished": 4,
                "scenes_awaiting_xp": 2,
                "scenes_with_xp": 2,
                "xp_award_rate": 50,
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
        ("test_scene_that_gave_xp_is_finished", 4),
        ("test_scene_is_named_by_every_post", 4),
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


# --- what the monitor tells

POSTED: Final = """
    SELECT s.finished, s.xp_given, s.date_played, max(p.datetime_created)
    FROM game_scene s LEFT JOIN game_post p ON p.scene_id = s.id GROUP BY s.id
"""
WEEKLY: Final = "SELECT w.end_date, r.approved FROM game_weeklyxprequest r JOIN game_week w ON w.id = r.week_id"
CHARACTERS: Final = """
    SELECT b.status, c.xp FROM characters_character c JOIN characters_charactermodel b ON b.id = c.charactermodel_ptr_id
"""
HERE: Final = ZoneInfo("America/Los_Angeles")
EVER: Final = datetime.min.replace(tzinfo=UTC)


def rounded(number: Decimal) -> float:
    return float(number.quantize(Decimal("0.1"), ROUND_HALF_UP))


def per_cent(part: int, whole: int) -> float | None:
    return rounded(Decimal(100) * part / whole) if whole else None


def mean(numbers: Sequence[int]) -> float | None:
    return rounded(Decimal(sum(numbers)) / len(numbers)) if numbers else None


def counted(states: Sequence[str]) -> dict[str, int] | None:
    return dict(sorted(Counter(states).items())) or None


def reckoned(url: str, hours: int | None) -> dict[str, Any]:
    """Every number of the monitor, reckoned here of plain rows."""
    since = EVER if hours is None else datetime.now(UTC) - timedelta(hours=hours)

    def is_over(day: Any) -> datetime:
        return datetime.combine(day + timedelta(days=1), time(), HERE)

    with psycopg.connect(url) as connection:
        spends = connection.execute("SELECT approved, created_at, approved_at FROM game_xpspendingrequest").fetchall()
        posted = connection.execute(POSTED.encode()).fetchall()
        weekly = connection.execute(WEEKLY.encode()).fetchall()
        characters = connection.execute(CHARACTERS.encode()).fetchall()
    states = [state for state, created, approved in spends if (approved or created) >= since]
    scenes = [(done, paid) for done, paid, day, last in posted if (last or is_over(day)) >= since]
    asked = ["Approved" if approved else "Pending" for day, approved in weekly if is_over(day) >= since]
    decided = [state for state in states if state in ("Approved", "Denied")]
    finished = [paid for done, paid in scenes if done]
    return {
        "xp_requests": sum(created >= since for _, created, _ in spends),
        "xp_spends_by_decision": counted(states),
        "approval_rate": per_cent(decided.count("Approved"), len(decided)),
        "approval_rate_of_all_xp_spends": per_cent(states.count("Approved"), len(states)),
        "weekly_xp_requests_by_decision": counted(asked),
        "scenes": len(scenes),
        "scenes_finished": len(finished),
        "scenes_awaiting_xp": finished.count(False),
        "scenes_with_xp": sum(paid for _, paid in scenes),
        "xp_award_rate": per_cent(finished.count(True), len(finished)),
        "characters": len(characters),
        "characters_by_status": counted([status for status, _ in characters]),
        "average_xp_of_approved_characters": mean([xp for status, xp in characters if status == "App"]),
        "average_xp": mean([xp for _, xp in characters]),
    }


def worded(value: Any) -> str:
    """A number as the terminal has it."""
    if isinstance(value, dict):
        return f"({', '.join(f'{label} {number}' for label, number in value.items())})"
    return "n/a" if value is None else f"{value:g}"


def block(out: str) -> list[tuple[str, ...]]:
    """Name and number of each line of the terminal's block."""
    (lines,) = re.findall(r"^activity {3}(.*(?:\n {11}.*)*)", out, flags=re.MULTILINE)
    return [tuple(re.split(" {2,}", line.strip())) for line in lines.splitlines()]


def exported(path: Path) -> dict[str, Any]:
    """The numbers in the file of metrics, as a real parser reads it."""
    families = text_string_to_metric_families(path.read_text())  # type: ignore[no-untyped-call] # it has no types
    found: dict[str, Any] = {}
    for sample in next(family.samples for family in families if family.name == "tgintegrity_activity"):
        if "label" in sample.labels:
            found.setdefault(sample.labels["name"], {})[sample.labels["label"]] = sample.value
        else:
            found[sample.labels["name"]] = sample.value
    return found


@pytest.fixture(scope="module")
def emptied() -> Iterator[str]:
    """The URL of a demo without a row."""
    with open_dataset("demo", demo.DATASETS["demo"]) as server:
        with psycopg.connect(server.conninfo()) as connection:
            names = [
                row[0]
                for row in connection.execute(
                    "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
                )
            ]
            connection.execute(f"TRUNCATE {', '.join(names)}".encode())
        yield server.url()


@pytest.mark.parametrize(
    ("database", "hours", "how"),
    [
        ("lately", 24, []),
        ("lately", 24, ["-n2"]),
        ("lately", 168, []),
        ("lately", 168, ["-n2", "-q"]),
        ("lately", None, ["-q"]),
        ("emptied", 24, []),
        ("emptied", None, ["-n2"]),
    ],
)
def test_monitor_tells_every_number_everywhere(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, hours: int | None, how: list[str]
) -> None:
    url = request.getfixturevalue(database)
    report, metrics = tmp_path / "report.json", tmp_path / "tg.prom"
    period = [] if hours is None else [f"--period={hours}"]
    files = ["--json-report", f"--json-report-file={report}", f"--metrics={metrics}"]
    run = run_rules("-m", "monitor_validation", f"--db-url={url}", *period, *files, *how)
    expected = reckoned(url, hours)

    assert run.returncode in (0, 1), run.stdout + run.stderr
    assert json.loads(report.read_text())["integrity"]["activity"] == expected
    assert block(run.stdout) == [(name, worded(value)) for name, value in expected.items()]
    assert exported(metrics) == {name: value for name, value in expected.items() if value is not None}
