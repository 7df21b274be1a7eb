"""The rules of play agree with the plain SQL of their invariants where much is wrong at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

import psycopg
import pytest

from integrity_tests import demo
from pytest_tgintegrity.servers.datasets import open_dataset
from tg import Judged, judged, needs_csvs, plain_sql, table

SPENDS: Final = ("game_xpspendingrequest", "game_freebiespendingrecord")
DAMAGE: Final = (
    "UPDATE game_scene SET finished = NOT finished WHERE id % 9 = 1",
    "UPDATE game_scene SET xp_given = NOT xp_given WHERE id % 17 = 2",
    "UPDATE game_scene SET waiting_for_st = NOT waiting_for_st WHERE id % 11 = 3",
    "UPDATE game_scene SET chronicle_id = NULL WHERE id % 40 = 4",
    "UPDATE game_scene SET location_id = (SELECT min(id) FROM locations_locationmodel) WHERE id % 10 = 5",
    "UPDATE locations_locationmodel SET chronicle_id = NULL WHERE id % 20 = 5",
    "UPDATE game_scene SET gameline = 'mtr' WHERE id % 12 = 6",
    "UPDATE game_scene SET date_played = 'infinity' WHERE id % 50 = 7",
    "DELETE FROM game_scene_characters WHERE scene_id % 30 = 8",
    "DELETE FROM game_post WHERE scene_id % 16 = 8",
    "DELETE FROM game_post WHERE scene_id = (SELECT max(id) FROM game_scene WHERE NOT finished)",
    "DELETE FROM game_scene_characters WHERE scene_id = (SELECT max(id) FROM game_scene WHERE NOT finished)",
    "UPDATE game_post SET scene_id = NULL WHERE id % 100 = 9",
    "UPDATE game_post SET datetime_created = 'infinity' WHERE id % 200 = 10",
    "UPDATE game_week SET end_date = end_date + 3 WHERE id = 5",
    "INSERT INTO game_week (end_date) VALUES ('infinity'), ('-infinity'), ('5874897-12-31'), ('4713-01-01 BC')",
    "UPDATE game_weeklyxprequest SET week_id = (SELECT max(id) FROM game_week) - id % 4 WHERE id % 20 = 1",
    "UPDATE game_weeklyxprequest SET week_id = NULL WHERE id % 21 = 2",
    """UPDATE game_weeklyxprequest SET character_id = NULL
       WHERE num_nonnulls(learning_scene_id, rp_scene_id, focus_scene_id, standingout_scene_id) = 0""",
    "UPDATE game_weeklyxprequest SET learning = TRUE, learning_scene_id = NULL WHERE id % 23 = 4",
    "UPDATE game_weeklyxprequest SET rp = TRUE, rp_scene_id = 1 + id % 300 WHERE id % 24 = 5",
    "UPDATE characters_charactermodel SET npc = TRUE WHERE id % 19 = 6 AND NOT npc",
    "UPDATE characters_charactermodel SET status = 'Sub' WHERE id % 13 = 7 AND status = 'App'",
    "UPDATE characters_charactermodel SET status = 'Ret' WHERE id % 14 = 8 AND status = 'App'",
    *(f"UPDATE {one} SET approved = 'Denied' WHERE id % 7 = 1" for one in SPENDS),
    *(f"UPDATE {one} SET approved = 'Maybe' WHERE id % 49 = 2" for one in SPENDS),
    *(f"UPDATE {one} SET approved = 'Pending' WHERE id % 8 = 2" for one in SPENDS),
    *(f"UPDATE {one} SET approved_at = NULL WHERE id % 9 = 3" for one in SPENDS),
    *(f"UPDATE {one} SET approved_at = '-infinity' WHERE id % 50 = 4" for one in SPENDS),
    *(f"UPDATE {one} SET created_at = 'infinity' WHERE id % 51 = 5" for one in SPENDS),
    *(f"UPDATE {one} SET approved_by_id = NULL WHERE id % 10 = 6" for one in SPENDS),
    *(f"UPDATE {one} SET approved_by_id = 1 + id % 60 WHERE id % 5 = 0" for one in SPENDS),
    "UPDATE game_xpspendingrequest SET cost = 0 WHERE id % 31 = 8",
    "UPDATE game_xpspendingrequest SET cost = cost + 1 WHERE id % 6 = 4",
    "UPDATE game_xpspendingrequest SET cost = 20000 WHERE id % 33 = 9",
    "UPDATE game_xpspendingrequest SET trait_value = 1 WHERE id % 12 = 10",
    "UPDATE game_xpspendingrequest SET trait_type = 'sphere' WHERE id % 13 = 11",
    "UPDATE game_xpspendingrequest SET trait_type = 'arete' WHERE id % 14 = 12",
    "UPDATE game_xpspendingrequest SET trait_type = 'hekau' WHERE id % 15 = 13",
    "UPDATE game_xpspendingrequest SET trait_type = 'nonsense' WHERE id % 43 = 14",
    "UPDATE game_xpspendingrequest SET character_id = 99999999 WHERE id % 60 = 15",
    "UPDATE game_xpspendingrequest SET trait_value = 9 WHERE id % 19 = 16",
    """UPDATE game_xpspendingrequest SET trait_type = 'discipline', trait_name = 'Potence', trait_value = 2
       WHERE character_id IN (SELECT vtmhuman_ptr_id FROM characters_vampire)""",
    "UPDATE game_freebiespendingrecord SET cost = -cost WHERE id % 70 = 1",
    "UPDATE game_freebiespendingrecord SET cost = 10000 WHERE id % 71 = 2",
    "UPDATE game_freebiespendingrecord SET trait_type = 'meritflaw' WHERE id % 3 = 1",
    """UPDATE game_freebiespendingrecord AS spend SET trait_name = merit.name
       FROM characters_meritflawrating AS rating JOIN characters_meritflaw AS merit ON merit.id = rating.mf_id
       WHERE rating.character_id = spend.character_id AND spend.trait_type = 'meritflaw'""",
    "UPDATE characters_human SET freebies = 50 WHERE character_ptr_id % 90 = 3",
)
FILES: Final = (
    "test_characters.py",
    "test_freebies.py",
    "test_scenes.py",
    "test_spend_decisions.py",
    "test_weeks.py",
    "test_xp_awards.py",
    "test_xp_costs.py",
    "test_xp_spends.py",
)
AREAS: Final[Mapping[str, tuple[int, ...]]] = {
    "SCN": (1, 2, 3, 4, 5, 8, 9, 10, 13, 14),
    "WK": (4,),
    "XP": (2, 4, 5, 6, 8, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 25, 27, 28, 29, 30, 32, 33),
    "FRB": (1, 2, 3),
}
IDS: Final = [f"{area}-{number}" for area, numbers in AREAS.items() for number in numbers]
OF_FREEBIES: Final = ("XP-18", "XP-33")
LEFT: Final = "test_character_leaves_nothing_behind"
"""Reports what is nobody's, in several tables, which the others leave out."""


@pytest.fixture(scope="module")
def ruined() -> Iterator[str]:
    """The URL of a demo in which a part of everything that is played and spent is wrong."""
    with open_dataset("demo", demo.DATASETS["demo"]) as server:
        with psycopg.connect(server.conninfo()) as connection:
            connection.execute("SET session_replication_role = replica")
            for statement in DAMAGE:
                connection.execute(statement.encode())
        yield server.url()


@pytest.fixture(scope="module")
def found(ruined: str, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    path = tmp_path_factory.mktemp("ruined") / "report.json"
    return judged(path, f"--db-url={ruined}", "--samples=10000", "--tb=no", files=FILES)


def by_rules(found: Judged, one: str) -> set[str]:
    """The first part of the key of all that the rules of an invariant report, of XP or of freebie points."""
    other = "game_xpspending" if one in OF_FREEBIES else "game_freebie"
    keys = [
        sample["key"]
        for name, rule in found.items()
        if one in rule["tags"] and other not in name and name != LEFT
        for sample in rule["samples"]
    ]
    return {key if isinstance(key, str) else key[0] for key in keys}


def left_over(found: Judged, table: str) -> set[str]:
    """The rows of a table that are nobody's."""
    return {number for place, number in (sample["key"] for sample in found[LEFT]["samples"]) if place == table}


def by_plain_sql(url: str, one: str) -> set[str]:
    text = plain_sql(one)
    kinds = "select value from {choices.csv: xpspendingrequest.trait_type}"
    known = [row["value"] for row in table("choices") if row["table"] == SPENDS[0] and row["column"] == "trait_type"]
    text = text.replace(kinds, ", ".join(f"'{value}'" for value in known))
    with psycopg.connect(url) as connection:
        rows = connection.execute(f"SELECT row_to_json(found)::text FROM ({text}) AS found".encode()).fetchall()
    return {str(next(iter(json.loads(row[0]).values()))) for row in rows}


def test_every_rule_of_play_can_be_asked(found: Judged) -> None:
    assert {one["verdict"] for one in found.values()} == {"failed", "noted", "passed"}


@needs_csvs
@pytest.mark.parametrize("one", IDS)
def test_rules_of_play_agree_with_the_invariant(found: Judged, ruined: str, one: str) -> None:
    expected = by_plain_sql(ruined, one)

    nobodys = left_over(found, "game_weeklyxprequest") if one in ("XP-2", "XP-9") else set()
    assert expected
    assert by_rules(found, one) == expected - nobodys
    assert (expected & nobodys == set()) == (one not in ("XP-2", "XP-9"))
