"""Probes that write, in whole runs: timed where that is asked for, and nothing of it stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import psycopg
import pytest

from harness import HOLDS, RunRules, wait_until
from integrity_tests.test_probes import xp_spend
from manuals import ROLES, blocks
from pytest_tgintegrity.database.connections.address import parse_address
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.deployment.probes.rehearsal import Rehearsal
from pytest_tgintegrity.deployment.probes.statistics import ENOUGH
from rehearsals import declaring, found
from rule_texts import PROBES, SPENDS

COMMITS = SPENDS + '    db.execute("COMMIT")\n'
SCRIPT = """
CREATE TABLE item (id int PRIMARY KEY, size int, name text, of int REFERENCES item DEFERRABLE INITIALLY DEFERRED);
INSERT INTO item SELECT i, i, 'n' || i, 1 FROM generate_series(1, 20) AS i;
"""
ORPHAN = SPENDS.replace("(%s, 0, 'new')", "(%s, 0, 'new', 1000)")


@pytest.fixture(scope="module")
def url(make_database: Callable[[str], str]) -> str:
    """A database of twenty items, in which `check` runs."""
    return make_database(SCRIPT)


def checksum(url: str) -> object:
    return found(url, "SELECT md5(string_agg(item::text, ';' ORDER BY id)) FROM item")


def test_writing_is_timed_after_reading_and_nothing_of_it_stays(check: RunRules, url: str) -> None:
    before = checksum(url)
    ran = check(HOLDS, SPENDS, PROBES, "--probe-writes")
    told = ran.integrity["probes"]

    assert ran.status == 0
    assert list(told) == ["items by name", "spend"]
    assert [one["writes"] for one in told.values()] == [False, True]
    assert told["spend"]["samples"] >= ENOUGH
    assert told["spend"]["low"] <= told["spend"]["relative"] <= told["spend"]["high"]
    assert checksum(url) == before
    assert re.search(r"spend +\d+\.\d\d ms, rolled back", ran.out)
    wait_until(lambda: found(url, "SELECT n_tup_upd >= 30 FROM pg_stat_user_tables WHERE relname = 'item'"))


@pytest.mark.parametrize("asked", ["--probe", "-q"])
def test_nothing_is_written_unless_that_is_asked(check: RunRules, asked: str) -> None:
    ran = check(HOLDS, SPENDS, PROBES, asked)

    assert "spend" not in ran.integrity.get("probes", {})
    assert "spend" not in ran.out


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        (COMMITS, "it tried to commit, which the server refused: a probe that writes is always rolled back"),
        (ORPHAN, "ForeignKeyViolation: insert or update on table"),
    ],
)
def test_probe_that_cannot_be_rehearsed_is_told_with_its_reason(
    check: RunRules, url: str, probe: str, reason: str
) -> None:
    before = checksum(url)
    ran = check(HOLDS, probe, "--probe-writes")

    assert ran.status == 0
    assert ran.integrity["probes"]["spend"]["error"].startswith(reason)
    assert "spend: not timed" in ran.out
    assert checksum(url) == before


def test_role_that_may_not_write_fails_the_probe_and_no_rule(check: RunRules, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE onlooker LOGIN")
        connection.execute("GRANT SELECT ON item TO onlooker")
    ran = check(HOLDS, SPENDS, "--probe-writes", url=psycopg.conninfo.make_conninfo(url, user="onlooker"))

    assert ran.status == 0
    assert ran.integrity["probes"]["spend"]["error"] == "InsufficientPrivilege: permission denied for table item"


def test_refused_for_the_gate_to_production_and_with_xdist(check: RunRules) -> None:
    gate = check(HOLDS, SPENDS, "--probe-writes", "--gate=production")
    xdist = check("--probe-writes", "-n2")

    assert (gate.status, xdist.status) == (4, 4)
    assert "--probe-writes is for staging: leave it out with --gate production" in gate.err
    assert "--probe wants quiet" in xdist.err


def test_refused_in_production_before_any_rule_runs(check: RunRules, make_database: Callable[[str], str]) -> None:
    url = make_database(SCRIPT)
    declaring(url, "tgintegrity.environment = 'production'")
    ran = check(HOLDS, SPENDS, "--probe-writes", url=url)

    assert ran.status == 4
    assert "says that it is 'production' (tgintegrity.environment): leave it out" in ran.said
    assert ran.integrity["rules"] == []
    assert check("--probe", url=url).status == 0


@pytest.fixture
def rehearser(damaged_demo: str) -> Iterator[str]:
    """The URL of the demo for the role that docs/roles.md makes."""
    with psycopg.connect(damaged_demo, autocommit=True) as owner:
        owner.execute(blocks(ROLES, "sql")[2].encode())
        yield psycopg.conninfo.make_conninfo(damaged_demo, user="tg_rehearser")
        owner.execute("DROP OWNED BY tg_rehearser")
        owner.execute("DROP ROLE tg_rehearser")


def test_xp_spend_of_tg(rehearser: str) -> None:
    look = "SELECT sum(xp), (SELECT count(*) FROM game_xpspendingrequest WHERE approved = 'Approved') FROM characters_character"
    with Rehearsal(parse_address(rehearser), Limits()) as stage:
        with stage.transaction() as db:
            before = db.execute(look).fetchone()
            xp_spend(db)
            after = db.execute(look).fetchone()
            db.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with stage.transaction() as db:
            again = db.execute(look).fetchone()
            db.execute("UPDATE characters_character SET xp = 0")
            with pytest.raises(LookupError, match="no character has XP that could be spent"):
                xp_spend(db)

    assert before is not None
    assert after == (before[0] - 1, before[1] + 1)
    assert again == before
