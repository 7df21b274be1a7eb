"""One snapshot, one scan each, a bounded number of connections: alone and with pytest-xdist's workers."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import psycopg
import pytest

from harness import HOLDS, UNKNOWN, VIOLATED, RunRules, rules, sleeping, wait_until
from pytest_tgintegrity.servers.postgres import PostgresServer, start_postgres

FREE = """
@rule.check()
def test_free(db):
    \"\"\"There are twenty.\"\"\"
    assert db.execute("SELECT count(*) FROM item").fetchone()[0] == 20
"""
QUERY = """
@rule.query("SELECT id FROM item WHERE size < 0")
def test_query(violations):
    \"\"\"None is negative.\"\"\"
    assert not violations
"""
BARRIER = """
@rule.check()
@pytest.mark.parametrize("number", [1, 2])
def test_a_barrier(db, number):
    \"\"\"It waits until somebody else has written and committed.\"\"\"
    import pathlib, time
    pathlib.Path("ready").touch()
    while not pathlib.Path("written").exists():
        time.sleep(0.01)
    assert db.execute("SELECT count(*) FROM item WHERE size < 0").fetchone()[0] == 0
"""
SLEEPS = """
@rule.query("SELECT %(number)s::int, pg_sleep(0.25) OFFSET 1")
@pytest.mark.parametrize("number", list(range(60)))
def test_sleeps(violations, number):
    \"\"\"It takes its time.\"\"\"
    assert not violations
"""


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])
def test_all_see_one_instant(pytester: pytest.Pytester, make_database: Callable[[str], str], how: list[str]) -> None:
    """A row that another session inserts in the middle of the run is seen by nobody: row, query and free rules."""
    url = make_database("CREATE TABLE item AS SELECT i AS id, i AS size, 'n' AS name FROM generate_series(1, 20) AS i")
    later = VIOLATED.replace("1, 15", "0, 99").replace("test_violated", "test_z_range")
    waits = QUERY.replace("SELECT id", "SELECT pg_sleep(1), id").replace("test_query", "test_z_slow")
    rules(pytester, BARRIER, later, QUERY, waits, FREE)
    command = [sys.executable, "-m", "pytest", f"--db-url={url}", "--db-jobs=2", *how]
    with subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.PIPE, text=True) as running:
        wait_until((pytester.path / "ready").exists)
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO item VALUES (-1, -1, NULL)")
        (pytester.path / "written").touch()
        out, _ = running.communicate(timeout=30)

    assert running.returncode == 0, out


@pytest.mark.parametrize("dist", ["load", "loadscope", "loadfile", "loadgroup", "worksteal", "each"])
def test_every_way_to_distribute(check: RunRules, make_database: Callable[[str], str], dist: str) -> None:
    """The same verdicts, and each scan once."""
    url = make_database("CREATE TABLE item AS SELECT i AS id, i AS size, 'n' AS name FROM generate_series(1, 20) AS i")
    words = ["--dist=each", "--tx=2*popen"] if dist == "each" else ["-n2", f"--dist={dist}"]
    ran = check(HOLDS, VIOLATED, UNKNOWN, FREE, QUERY, *words, url=url)
    scanned = [rule.partition("::")[2] for one in ran.integrity["scans"] for rule in one["rules"]]

    assert ran.status == 1, ran.said
    assert ran.verdicts == {
        "test_holds": "passed",
        "test_violated": "failed",
        "test_unknown": "unknown",
        "test_free": "passed",
        "test_query": "passed",
    }
    assert sorted(scanned) == ["test_holds", "test_query", "test_unknown", "test_violated"]
    assert ran.integrity["run"]["complete"] is True
    assert len(ran.integrity["health"]["deductions"]) == 2


def test_no_scan_runs_twice(pytester: pytest.Pytester, check: RunRules) -> None:
    """By the server's own log of statements, with three workers that all want the same."""
    with start_postgres(settings={"log_statement": "all", "logging_collector": "on"}) as server:
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE item AS SELECT i AS id, i AS size, 'n' AS name FROM generate_series(1, 20) i"
            )
        ran = check(HOLDS, VIOLATED, QUERY, SLEEPS.replace("range(60)", "range(900, 908)"), "-n3", url=server.url())
        log = "".join(path.read_text() for path in (server.data / "log").iterdir())

    assert ran.status == 1, ran.said
    assert log.count("FROM item WHERE size < 0") == 1
    assert log.count("FROM pg_class c JOIN pg_namespace n") == 2  # the controller for its header, the workers for all
    for number in range(900, 908):
        assert log.count(f"$1 = '{number}'") <= 1


@pytest.mark.parametrize("how", [[], ["-n3"]], ids=["alone", "xdist"])
def test_connections_are_bounded(
    check: RunRules, make_database: Callable[[str], str], server: PostgresServer, how: list[str]
) -> None:
    """At most `--db-jobs`, workers included, and the one that holds the snapshot."""
    url, most, done = make_database(""), 0, threading.Event()

    def count() -> None:
        nonlocal most
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
            while not done.wait(0.01):
                found = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = %s",
                    [psycopg.conninfo.conninfo_to_dict(url)["dbname"]],
                ).fetchone()
                most = max(most, found[0] if found else 0)

    counting = threading.Thread(target=count)
    counting.start()
    try:
        ran = check(
            SLEEPS.replace("range(60)", "range(4)"),
            FREE.replace("item", "pg_class").replace("==", "!="),
            "--db-jobs=2",
            *how,
            url=url,
        )
    finally:
        done.set()
        counting.join()

    assert ran.status == 0, ran.said
    assert 2 <= most <= 3


def test_a_controller_that_is_killed_leaves_no_query(pytester: pytest.Pytester, url: str) -> None:
    """The workers see that it is gone, and cancel what the server does for them."""
    rules(
        pytester,
        '@rule.query("SELECT pg_sleep(60)")\ndef test_scan(violations):\n    """."""\n    assert not violations\n',
    )
    command = [sys.executable, "-m", "pytest", f"--db-url={url}", "-n1"]
    with subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        wait_until(lambda: sleeping(url) == 1)
        running.kill()
        gone = wait_until(lambda: sleeping(url) == 0)

    assert gone < 3


def test_a_test_that_wants_both_fixtures_does_not_wait_for_itself(check: RunRules) -> None:
    """With one connection in all."""
    both = FREE.replace("rule.check()", 'rule.not_null("item", "name")').replace("(db)", "(db, violations)")
    began = time.monotonic()
    ran = check(both + "    assert not violations\n", "--db-jobs=1")

    assert ran.status == 0, ran.said
    assert time.monotonic() - began < 10
