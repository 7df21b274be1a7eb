"""The census in whole runs: what was lost since the last ones is named, once, and stays named until it is there again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import sql

from harness import HOLDS, Ran, RunRules
from pytest_tgintegrity.census import taking
from pytest_tgintegrity.history import redis_store
from pytest_tgintegrity.servers.valkey import ValkeyServer

ODD = '"Odd.One"."Täble ""x"""'
DATA = f"""
CREATE TABLE item (id int PRIMARY KEY, size int, name text);
INSERT INTO item SELECT i, i, 'n' || i FROM generate_series(1, 20) AS i;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE player (id int PRIMARY KEY, name text NOT NULL, superuser bool NOT NULL, strength smallint, mood mood, team int,
                     notes jsonb, place point, paper json);
INSERT INTO player SELECT i, 'p' || i, i = 1, 1 + i % 5, CASE WHEN i % 3 = 0 THEN 'bad' ELSE 'good' END::mood, i % 9, '{{"a": 1}}',
                          point(i, i), '[1]' FROM generate_series(1, 60) i;
CREATE SCHEMA "Odd.One";
CREATE TABLE {ODD} ("a.b" int);
INSERT INTO {ODD} SELECT generate_series(1, 7);
CREATE TABLE parted (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE parted_one PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2030-01-01');
INSERT INTO parted SELECT i, '2024-01-01' FROM generate_series(1, 30) i;
CREATE TABLE nothing (id int PRIMARY KEY);
CREATE VIEW seen AS SELECT * FROM player;
"""
HOW = pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])


class Played:
    """A database that is looked at again and again with the same history."""

    def __init__(self, check: RunRules, url: str, redis: str) -> None:
        self._check, self.url, self._redis = check, url, redis

    def run(self, *words: str) -> Ran:
        return self._check(*words, f"--redis-url={self._redis}", url=self.url)

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def played(check: RunRules, make_database: Callable[[str], str], valkey: ValkeyServer) -> Played:
    """Three clean runs have been recorded."""
    played = Played(check, make_database(DATA), valkey.url)
    assert [played.run(HOLDS).status for _ in range(3)] == [0, 0, 0]
    return played


def found(ran: Ran) -> list[tuple[str, str, str | None, int, int]]:
    return [
        (one["what"], one["table"], one["column"], one["before"], one["now"])
        for one in ran.integrity["census"]["findings"]
    ]


@HOW
def test_a_truncated_table_is_a_high_violation(played: Played, how: list[str]) -> None:
    played.sql("TRUNCATE player")
    ran = played.run(*how, "--integrity-html-report=page.html")

    assert ran.status == 1
    assert found(ran) == [("all rows lost", "public.player", None, 60, 0)]
    (rule,) = [one for one in ran.integrity["rules"] if one["id"].startswith("census::")]
    assert (rule["id"], rule["verdict"], rule["severity"], rule["violations"]) == (
        "census::public.player",
        "failed",
        "high",
        1,
    )
    assert re.fullmatch(r"public.player has no rows; it had 60 in the run of .* UTC", rule["reason"])
    assert ran.integrity["health"]["score"] == 85
    assert re.search(r"census +public.player has no rows; it had 60 in the run of", ran.out)
    page = ran.path.with_name("page.html").read_text()
    assert re.search(r"public.player</th><td[^>]*>all rows lost</td><td[^>]*>60</td><td[^>]*>0</td>", page)
    assert "census::public.player" in page


def test_a_loss_stays_a_violation_until_there_are_rows_again(played: Played) -> None:
    played.sql(f"DELETE FROM {ODD}")
    runs = [played.run() for _ in range(3)]
    assert [ran.status for ran in runs] == [1, 1, 1]
    assert {tuple(found(ran)) for ran in runs} == {(("all rows lost", ODD, None, 7, 0),)}
    assert len({ran.integrity["census"]["findings"][0]["since"] for ran in runs}) == 1

    played.sql(f"INSERT INTO {ODD} VALUES (1)")
    again = played.run()
    assert (again.status, found(again)) == (0, [])
    played.sql(f"DELETE FROM {ODD}")
    assert found(played.run()) == [("all rows lost", ODD, None, 1, 0)]


def test_half_of_the_rows_and_half_of_the_values_are_noted(played: Played) -> None:
    played.sql("DELETE FROM parted WHERE id > 14; UPDATE player SET notes = NULL, paper = NULL WHERE id > 20")
    ran = played.run()
    assert ran.status == 0
    assert found(ran) == [
        ("fewer rows", "public.parted", None, 30, 14),
        ("fewer values", "public.player", "notes", 60, 20),
        ("fewer values", "public.player", "paper", 60, 20),
    ]
    assert {one["severity"] for one in ran.integrity["census"]["findings"]} == {"info"}
    assert ran.integrity["health"]["score"] == 100
    quiet = played.run("-q")
    assert found(quiet) == found(ran)
    assert re.search(r"census +public.parted has 14 rows; it had 30 in the run of", quiet.out)


@HOW
def test_an_update_without_where_is_noted_for_each_column(played: Played, how: list[str]) -> None:
    played.sql("UPDATE player SET superuser = true, strength = 5, mood = 'bad', team = 3")
    ran = played.run(*how)
    assert ran.status == 0
    assert found(ran) == [
        ("one value", "public.player", "superuser", 59, 0),
        ("one value", "public.player", "strength", 48, 0),
        ("one value", "public.player", "mood", 40, 0),
        ("one value", "public.player", "team", 53, 0),
    ]
    assert [one["value"] for one in ran.integrity["census"]["findings"]] == ["true", "5", "bad", "3"]
    assert "public.player.strength has one value, '5', in all rows; 48 had another in the run of" in ran.out
    hidden = played.run("--no-samples")
    assert found(hidden) == found(ran)
    assert [one for one in hidden.integrity["census"]["findings"] if "value" in one] == []
    assert "has one value in all rows" in hidden.out
    played.sql("INSERT INTO player (id, name, superuser, strength, mood, team) VALUES (99, 'q', false, 1, 'good', 1)")
    after = played.run(*how)
    assert [one[-2:] for one in found(after)] == [(59, 1), (48, 1), (40, 1), (53, 1)]
    assert "public.player.team has one value, '3', in all but 1; 53 had another in the run of" in after.out


def test_what_most_had_is_no_finding(played: Played) -> None:
    played.sql("UPDATE player SET superuser = false")
    assert found(played.run()) == []


def test_more_findings_than_a_screen_are_counted(played: Played) -> None:
    played.sql("UPDATE player SET superuser = true, strength = 5, mood = 'bad', team = 3, notes = NULL, paper = NULL")
    ran = played.run()
    assert len(found(ran)) == 6
    assert "and 1 more (JSON: census.findings)" in ran.out


def test_ordinary_play_is_silent(played: Played) -> None:
    played.sql(f"INSERT INTO player SELECT * FROM player WHERE false; INSERT INTO {ODD} SELECT generate_series(1, 900)")
    played.sql("INSERT INTO player (id, name, superuser) SELECT i, 'q', false FROM generate_series(100, 900) i")
    played.sql("DELETE FROM parted WHERE id > 20; INSERT INTO nothing VALUES (1)")
    ran = played.run()
    assert (ran.status, found(ran)) == (0, [])


def test_a_part_of_the_rules_takes_no_census(played: Played) -> None:
    played.sql("TRUNCATE player")
    two = [HOLDS, HOLDS.replace("test_holds", "test_keeps")]
    for part in (played.run(*two, "-k", "holds"), played.run("test_items.py"), played.run("test_items.py::test_holds")):
        assert (part.status, found(part)) == (0, [])
        assert part.integrity["census"]["reason"] == "a part of the rules was selected"
        assert [(one["table"], one["rows"]) for one in part.integrity["census"]["tables"]] == [("public.item", 20)]
    assert found(played.run()) == [("all rows lost", "public.player", None, 60, 0)]


def test_tables_that_cannot_be_counted_are_not_taken_for_empty(played: Played) -> None:
    played.sql(
        "CREATE ROLE narrow LOGIN PASSWORD 'narrow-9'; GRANT SELECT ON item TO narrow; GRANT SELECT (id) ON player TO narrow"
    )
    narrow = re.sub(r"//[^@/]*@", "//narrow:narrow-9@", played.url)
    ran = Played(played._check, narrow, played._redis).run()
    tables = {one["table"]: one for one in ran.integrity["census"]["tables"]}
    assert found(ran) == []
    assert (tables["public.player"]["rows"], tables["public.player"]["columns"]) == (60, [])
    assert tables["public.parted"] == {
        "table": "public.parted",
        "rows": None,
        "exact": False,
        "columns": [],
        "reason": "this role may not read it",
    }
    assert "3 tables not counted: " in ran.out
    played.sql("TRUNCATE parted")
    assert found(played.run()) == [("all rows lost", "public.parted", None, 30, 0)]


@HOW
def test_a_loss_can_be_waived(played: Played, pytester: pytest.Pytester, how: list[str]) -> None:
    path = pytester.path / "waivers.toml"
    entry = '[[waiver]]\nrule = "census::public.player"\nreason = "season over"\nowner = "bob"\nexpires = "{}"\n'
    path.write_text(entry.format("2999-12-31"))
    stale = played.run(*how)
    assert stale.status == 1
    assert stale.verdicts["public.player"] == "failed"
    assert stale.reasons["public.player"] == "waiver for census::public.player is stale: remove it from waivers.toml"

    played.sql("TRUNCATE player")
    path.write_text(entry.format("2020-01-01"))
    assert played.run(*how).status == 1
    path.unlink()
    assert played.run(*how).status == 1  # that waiver permitted nothing
    path.write_text(entry.format("2999-12-31"))
    waived = [played.run(*how) for _ in range(2)]
    assert [(ran.status, ran.verdicts["public.player"]) for ran in waived] == [(0, "waived"), (0, "waived")]
    assert "census::public.player: 1 violation until 2999-12-31 (bob: season over)" in waived[0].out

    path.write_text(entry.format("2020-01-01"))
    expired = played.run(*how)
    assert (expired.status, expired.verdicts["public.player"]) == (1, "failed")
    path.unlink()
    assert [played.run(*how).status for _ in range(2)] == [0, 0]  # it was accepted, by name


def test_no_value_is_kept_in_redis(played: Played, valkey: ValkeyServer) -> None:
    import redis

    from pytest_tgintegrity.history.packing import unpacked

    played.sql("UPDATE player SET name = 'Wilhelmina'")
    ran = played.run()
    assert ran.integrity["census"]["findings"][0]["value"] == "Wilhelmina"
    with redis.Redis.from_url(valkey.url) as client:
        texts = [unpacked(client.get(key)) for key in client.keys("tgintegrity:census:*")]
        entries = [client.xrange(key) for key in client.keys("tgintegrity:history:*")]
    texts += [unpacked(data) for entry in entries for _, fields in entry for data in [fields[b"record"]]]
    assert len(texts) >= 4
    assert not [text for text in texts if "Wilhelmina" in text or "p17" in text]
    assert any("superuser" in text for text in texts)


def test_without_redis_only_what_scans_counted_is_told(check: RunRules) -> None:
    census = check(HOLDS).integrity["census"]
    assert census["reason"] == "no comparable run: give --redis-url"
    assert [(one["table"], one["rows"], one["exact"]) for one in census["tables"]] == [("public.item", 20, True)]


def test_a_dead_redis_is_a_sentence(played: Played, valkey: ValkeyServer) -> None:
    ran = Played(played._check, played.url, "redis://127.0.0.1:1/0").run()
    assert ran.status == 0
    assert ran.integrity["census"]["reason"].startswith("no comparable run: Redis at 127.0.0.1:1 cannot be reached")
    assert "Traceback" not in ran.said


# --- bounds that rules declare

BOUNDED = """
@rule.volume("player", max_drop=0.25, max_growth=1, at_least=2, severity="critical")
def test_players(violations):
    \"\"\"Players do not vanish.\"\"\"
    assert not violations

@rule.share("player", "team", at_most=0.5, severity="low")
def test_teams(violations):
    \"\"\"No team is half of all.\"\"\"
    assert not violations
"""


@HOW
def test_a_bound_is_compared_with_the_last_run(played: Played, how: list[str]) -> None:
    without = Played(played._check, played.url, "redis://127.0.0.1:1/0").run(HOLDS, BOUNDED, *how)
    assert (without.status, without.verdicts["test_players"]) == (6, "unknown")
    assert without.reasons["test_players"].startswith("no comparable run: Redis at 127.0.0.1:1 cannot be reached")

    assert played.run(*how).verdicts == {"test_holds": "passed", "test_players": "passed", "test_teams": "passed"}
    played.sql("DELETE FROM player WHERE id > 44")
    ran = played.run(*how)
    assert ran.status == 1
    assert "player has 44 rows, more than 25 % fewer than the 60 in the run of " in ran.reasons["test_players"]
    assert found(ran) == []
    again = played.run(*how)
    assert again.reasons["test_players"] == ran.reasons["test_players"]
    played.sql("INSERT INTO player (id, name, superuser) VALUES (99, 'q', false)")
    assert played.run(*how).status == 0


@HOW
def test_what_a_rule_bounds_is_not_told_twice(played: Played, how: list[str]) -> None:
    played.run(HOLDS, BOUNDED)
    played.sql("UPDATE player SET team = 3, strength = 5; TRUNCATE parted")
    ran = played.run(*how)
    assert ran.verdicts["test_teams"] == "failed"
    assert ran.reasons["test_teams"].startswith("the commonest value of team has 60 of 60 (100 %), not at most 50 %")
    (teams,) = [one for one in ran.integrity["rules"] if one["id"].endswith("test_teams")]
    assert (teams["violations"], teams["cause"], teams["sources"]) == (1, None, ["player"])
    assert teams["samples"] == [{"key": "3", "label": None, "values": {"rows": 60}}]
    assert [one[:3] for one in found(ran)] == [
        ("all rows lost", "public.parted", None),
        ("one value", "public.player", "strength"),
    ]
    played.sql("TRUNCATE player")
    lost = played.run(*how)
    assert "public.player" not in lost.verdicts
    assert lost.reasons["test_players"].startswith("player has 0 rows, not at least 2 [critical]")


def test_the_first_run_with_a_bound_is_vacuous(
    check: RunRules, make_database: Callable[[str], str], valkey: ValkeyServer
) -> None:
    played = Played(check, make_database(DATA), valkey.url)
    first = played.run(HOLDS, BOUNDED)
    assert (first.status, "(1 vacuous: nothing to look at)" in first.out) == (0, True)
    assert "nothing to look at" not in played.run().out


def test_a_bound_without_any_redis_is_unknown(check: RunRules, make_database: Callable[[str], str]) -> None:
    ran = check(HOLDS, BOUNDED, url=make_database(DATA))
    assert ran.status == 6
    assert ran.reasons["test_players"] == "no comparable run: give --redis-url"


def test_past_runs_are_read_once(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Any] = []
    read = redis_store.read

    def counting(*words: Any) -> Any:
        reads.append(words)
        return read(*words)

    monkeypatch.setattr(redis_store, "read", counting)
    assert played.run(HOLDS, BOUNDED, "-n2").status == 0
    assert played.run().status == 0
    assert len(reads) == 2


def test_a_single_run_of_a_bound_uses_what_whole_runs_counted(played: Played) -> None:
    played.run(HOLDS, BOUNDED)
    played.sql("DELETE FROM player WHERE id > 20")
    assert played.run("-k", "players").verdicts == {"test_players": "failed"}
    assert played.run("-k", "players").verdicts == {"test_players": "failed"}


@HOW
def test_what_needs_a_history_is_left_out_without_one(played: Played, how: list[str]) -> None:
    marked = BOUNDED.replace('@rule.volume("player"', '@pytest.mark.with_history\n@rule.volume("player"')
    without = played._check(HOLDS, marked, *how, "--strict-markers", url=played.url)
    assert (without.status, set(without.verdicts)) == (0, {"test_holds", "test_teams"})
    assert {*played.run("--strict-markers", *how).verdicts} == {"test_holds", "test_teams", "test_players"}


def test_a_census_that_could_not_be_taken_leaves_the_last_one(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    played.sql("UPDATE player SET strength = 5; TRUNCATE parted")
    with monkeypatch.context() as broken:
        broken.setattr(taking, "TABLES", sql.SQL("SELECT nothing_there"))
        ran = played.run()
    assert (ran.status, found(ran)) == (0, [])
    assert ran.integrity["census"]["reason"].startswith("the catalogs cannot be read: ")
    assert [one[:3] for one in found(played.run())] == [
        ("all rows lost", "public.parted", None),
        ("one value", "public.player", "strength"),
    ]
