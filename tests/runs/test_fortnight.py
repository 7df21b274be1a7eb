"""A fortnight and a few days of real runs of TG's rules on the demo: the gate opens on exactly the right day.

Nothing is given but the passing of days (what Redis remembers is moved one day back) and the word that a backup was
verified.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg
import pytest
import redis

from django_projects import write
from harness import Ran, run_rules
from integrity_tests.demo import DATASETS, READER
from pytest_tgintegrity.history import redis_store as history
from pytest_tgintegrity.history.packing import unpacked
from pytest_tgintegrity.history.record import Record
from pytest_tgintegrity.servers.datasets import open_dataset
from pytest_tgintegrity.servers.postgres import PostgresServer
from pytest_tgintegrity.servers.valkey import ValkeyServer
from tg import RULES

DAY: Final = timedelta(days=1)
LAST: Final = 18
NOBODY_LOOKS: Final = 7
RULES_ADDED: Final = 9
MIGRATION_COMES: Final = 17
TRIES: Final = 3
ASKED: Final = {1: "--baseline=pin", 5: "--fix", **dict.fromkeys((16, 17, 18), "--probe")}

FILES: Final = ("test_xp.py", "test_characters.py", "test_schema.py", "test_migrations.py", "test_probes.py")
ADDED: Final = "test_chronicles.py"
DECLARED: Final = "from integrity_tests.test_declared_constraints import test_check_holds\n"

HAPPENS: Final = {
    2: f"REVOKE SELECT ON game_journalentry FROM {READER}",
    3: f"""
        GRANT SELECT ON game_journalentry TO {READER};
        ALTER TABLE characters_character DROP CONSTRAINT characters_character_xp_non_negative;
        UPDATE characters_character SET xp = -3
        WHERE charactermodel_ptr_id = (SELECT max(charactermodel_ptr_id) FROM characters_character);
        UPDATE characters_charactermodel SET status = 'Ret' WHERE id = (SELECT min(human_id) FROM locations_chantry_members);
    """,
    5: """
        UPDATE characters_character SET xp = 0 WHERE xp < 0;
        ALTER TABLE characters_character ADD CONSTRAINT characters_character_xp_non_negative CHECK (xp >= 0);
    """,
    18: "INSERT INTO django_migrations (app, name, applied) VALUES ('game', '0003_ledger', now())",
}
"""What becomes of the database before the run of a day. Who is retired in bulk stays in the chantry: `--fix` sees to it."""


@dataclass(frozen=True)
class World:
    """A database, what is remembered of it, and the project whose migrations it has."""

    server: PostgresServer
    valkey: ValkeyServer
    project: Path
    pytester: pytest.Pytester

    def happen(self, day: int) -> None:
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(HAPPENS.get(day, "").encode())
        if day == MIGRATION_COMES:
            write(self.project, "game/migrations/0003_ledger.py")

    def look(self, day: int, *asked: str) -> Ran:
        files = [str(RULES / name) for name in (*FILES, *([ADDED] if day >= RULES_ADDED else []))]
        backup = f"--backup-verified={datetime.now(UTC).isoformat()}"
        known = [f"--migrations={self.project}", f"--redis-url={self.valkey.url}", backup]
        user = "postgres" if "--fix" in asked else READER
        words = [*files, "test_declared.py", "--gate=production", *known, *asked]
        return run_rules(self.pytester, *words, url=self.server.url(user=user))

    def run(self, day: int) -> Ran:
        """The run of a day. Where a busy machine makes something slower that is not, both are measured anew, as by a person."""
        ran = self.look(day, *([ASKED[day]] if day in ASKED else []))
        for _ in range(TRIES):
            if ASKED.get(day) != "--probe" or "performance" not in unmet(ran, day):
                break
            self.look(day, "--baseline=pin")
            ran = self.look(day, "--probe")
        return ran

    def a_day_passes(self) -> None:
        """Move all that is remembered of runs one day into the past."""
        with redis.Redis.from_url(self.valkey.url) as client:
            (stream,) = client.keys(f"{history.PREFIX}*")
            entries = client.xrange(stream)
            client.delete(stream)
            for _, entry in entries:
                record = Record.from_json(unpacked(entry[history.FIELD.encode()]))
                moved = replace(record, started_at=record.started_at - DAY, finished_at=record.finished_at - DAY)
                client.xadd(stream, {history.FIELD: moved.to_json()})


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory, pytester: pytest.Pytester, valkey: ValkeyServer) -> Iterator[World]:
    project = tmp_path_factory.mktemp("tg")
    with open_dataset("demo", DATASETS["demo"]) as server:
        with psycopg.connect(server.url()) as connection:
            recorded = connection.execute("SELECT app, name FROM django_migrations").fetchall()
        write(project, *(f"{app}/migrations/{name}.py" for app, name in recorded))
        pytester.makepyfile(test_declared=DECLARED)
        yield World(server, valkey, project, pytester)


def away_from_midnight() -> None:
    """Days are counted: none may begin while we count."""
    now = datetime.now(UTC)
    left = (now + DAY).replace(hour=0, minute=0, second=0, microsecond=0) - now
    if left < timedelta(minutes=3):
        time.sleep(left.total_seconds())


def unmet(ran: Ran, day: int) -> dict[str, str]:
    """The reasons of the conditions that are not met, with days by their number."""

    def number(found: re.Match[str]) -> str:
        return f"day {day - (datetime.now(UTC).date() - date.fromisoformat(found[0])).days}"

    reasons = {one["name"]: one["reason"] for one in ran.integrity["gate"]["conditions"] if not one["passed"]}
    return {name: re.sub(r"\d{4}-\d\d-\d\d", number, reason) for name, reason in reasons.items()}


@dataclass(frozen=True)
class Told:
    """What the run of a day says: exit status, why conditions are not met, and the rules that did not pass."""

    status: int
    unmet: dict[str, str]
    awry: dict[str, str]


@pytest.fixture
def days(world: World) -> dict[int, Told]:
    away_from_midnight()
    found: dict[int, Told] = {}
    for day in range(1, LAST + 1):
        world.happen(day)
        if day > 1:
            world.a_day_passes()
        if day != NOBODY_LOOKS:
            ran = world.run(day)
            awry = {name: verdict for name, verdict in ran.verdicts.items() if verdict != "passed"}
            found[day] = Told(ran.status, unmet(ran, day), awry)
    return found


EARLY: Final = (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15)
STATUS: Final = {**dict.fromkeys(EARLY, 7), 2: 6, 3: 1, 4: 1, 16: 0, 17: 7, 18: 0}
CLEAN_DAYS: Final = {
    1: "there was no run on day 0",
    2: "a rule was unknown today",
    **dict.fromkeys((3, 4, 5), "a rule was violated today"),
    6: "a rule was violated on day 5",
    8: "there was no run on day 7",
    **dict.fromkeys(range(9, 16), "other rules were run on day 8"),
}
PENDING: Final = "game.0003_ledger is pending: apply, or pre-flight first (not in this version)"
VIOLATED: Final = {
    "test_xp_is_never_negative": "failed",
    "test_schema_has_check[characters_character-characters_character_xp_non_negative]": "failed",
    "test_retired_character_belongs_to_no_chantry[locations_chantry_members]": "failed",
}
AWRY: Final = {
    2: {"test_character_leaves_nothing_behind": "unknown", "test_schema_sequences_are_ahead": "unknown"},
    3: VIOLATED,
    4: VIOLATED,
    5: {"test_retired_character_belongs_to_no_chantry[locations_chantry_members]": "fixed"},
}


def test_gate_opens_on_exactly_the_right_day(days: dict[int, Told]) -> None:
    early = {day: told.unmet for day, told in days.items() if day in EARLY}
    besides = {day: {*reasons} - {"clean days", "performance"} for day, reasons in early.items()}

    assert {day: told.status for day, told in days.items()} == STATUS
    assert {day: told.awry for day, told in days.items() if told.awry} == AWRY
    assert {day: reasons["clean days"] for day, reasons in early.items()} == CLEAN_DAYS
    assert {day: names for day, names in besides.items() if names} == {
        2: {"health", "nothing unknown"},
        3: {"rules hold", "health", "constraints"},
        4: {"rules hold", "health", "constraints"},
    }
    assert early.pop(1)["performance"] == "this run pinned the baseline: compare another one with it"
    assert {reasons["performance"] for reasons in early.values()} == {"no probe was timed: give --probe"}
    assert [days[day].unmet for day in (16, 17, 18)] == [{}, {"migrations": PENDING}, {}]
