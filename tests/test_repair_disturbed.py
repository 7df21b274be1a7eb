"""Fixes on bad days: others write at the same time, connections end, the disk is full; what is concerned is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from engine import bound
from fixes import MakeDatabase, execute, fix, ordered, planned, run_on, undone
from harness import RunRules, wait_until
from test_fixing import ask, told

from pytest_tgintegrity.kinds import Between
from pytest_tgintegrity.mending import plan_fixes

ROWS = 3000
BUSY = f"""
CREATE TABLE item (id int PRIMARY KEY, size int, hits int NOT NULL DEFAULT 0);
INSERT INTO item SELECT i, 50 + i FROM generate_series(1, {ROWS}) AS i;
"""
SIZE = bound(Between("item", "size", 0, 20), "size", fix="clamp")


@contextmanager
def writers(url: str, count: int, statement: str) -> Iterator[list[int]]:
    """Others who write; the number of rows that each has written so far."""
    done = [0] * count
    over = threading.Event()

    def write(number: int) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            row = number
            while not over.is_set():
                row = (row * 7919 + 13) % ROWS
                done[number] += connection.execute(statement.encode(), [row + 1]).rowcount
                time.sleep(0.004)

    threads = [threading.Thread(target=write, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("undoing", [False, True])
def test_others_who_write_lose_nothing_and_do_not_keep_the_batch_from_being_made(
    make_database: MakeDatabase, tmp_path: Path, undoing: bool
) -> None:
    url = make_database(BUSY)
    if undoing:
        fix(url, tmp_path, [SIZE])

    with writers(url, 8, "UPDATE item SET hits = hits + 1, size = size + (hits & 1) WHERE id = %s") as done:
        wait_until(lambda: sum(done) > 200)
        made = undone(url).made if undoing else fix(url, tmp_path, [SIZE]).made

    assert made is not None
    assert made.stopped is None
    assert made.rows + len(made.left) == ROWS
    assert made.rows > ROWS / 2
    assert {one.reason for one in made.left} <= {"it changed after it was planned", "it was changed since"}
    assert execute(url, "SELECT sum(hits) FROM item") == [(sum(done),)]


ENDS_OTHERS = """
CREATE TABLE item (id int PRIMARY KEY, size int); INSERT INTO item VALUES (1, 77), (2, 5), (3, 78);
CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER ends AFTER UPDATE ON item DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ends();
"""
KILL = """PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'pytest-tgintegrity' AND datname = current_database() AND pid <> pg_backend_pid();"""
CLOSE = """SET LOCAL allow_system_table_mods = on;
UPDATE pg_database SET datallowconn = false WHERE datname = current_database();"""
ALLOWED = """
@rule.between("item", "size", 0, 20, severity="high", fix="clamp", fix_allows="triggers")
def test_size(violations):
    \"\"\"Sizes are at most twenty.\"\"\"
    assert not violations
"""


def test_a_run_whose_other_connections_end_is_committed_told_and_looked_at_again(
    check: RunRules, make_database: Callable[[str], str]
) -> None:
    url = make_database(ENDS_OTHERS.format(KILL))

    ran = check(ALLOWED, "--fix", url=url)

    assert "Traceback" not in ran.said
    assert "INTERNALERROR" not in ran.said
    applied = ran.integrity["fix"]["applied"]
    assert (applied["rows"], applied["left"]) == (2, [])
    assert applied["run"] in told(ran, "fixed")
    assert (ran.status, ran.verdicts) == (0, {"test_size": "fixed"})


def test_a_run_after_which_nobody_can_look_says_its_id(check: RunRules, make_database: Callable[[str], str]) -> None:
    url = make_database(ENDS_OTHERS.format(CLOSE))
    ((name,),) = ask(url, "SELECT current_database()")

    ran = check(ALLOWED, "--fix", url=url)

    with psycopg.connect(url.replace(f"/{name}?", "/postgres?"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    applied = ran.integrity["fix"]["applied"]
    assert applied["run"] in told(ran, "fixed")
    assert "nobody looked again: cannot connect to" in ran.integrity["fix"]["failed"]
    assert (ran.status, ran.verdicts) == (6, {"test_size": "unknown"})
    assert ask(url, "SELECT count(*) FROM item WHERE size = 20") == [(2,)]


def test_a_planner_whose_connection_ends_makes_no_plan_and_says_so(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(
        ENDS_OTHERS.format("") + "CREATE FUNCTION die() RETURNS int STABLE LANGUAGE sql AS $$"
        " SELECT CASE WHEN current_query() LIKE 'FETCH %' AND pg_terminate_backend(pg_backend_pid()) THEN 1 ELSE 20 END $$"
    )
    rule = bound(Between("item", "size", 0, 20), "size", fix="die()", fix_allows=("triggers",))

    mended = fix(url, tmp_path, [rule])

    assert mended.failed is not None
    assert mended.failed.startswith("no plan was made, nothing was written: ")
    assert "connection" in mended.failed
    assert "\n" not in mended.failed
    assert execute(url, "SELECT max(size) FROM item") == [(78,)]
    assert list(tmp_path.iterdir()) == []


def test_a_plan_that_cannot_be_kept_is_not_made(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(BUSY)
    folder = tmp_path / "file"
    folder.write_text("")

    with run_on(url, [SIZE]) as run:
        mended, _ = plan_fixes(run, [SIZE], ordered(folder))

    assert mended.failed is not None
    assert "the plan cannot be written to" in mended.failed
    assert mended.count == 0


def test_a_lock_on_the_table_is_told(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(BUSY)
    with planned(url, tmp_path, [SIZE], lock=0.3) as (_, make), psycopg.connect(url) as other:
        other.execute("LOCK TABLE item IN ACCESS EXCLUSIVE MODE")
        made = make().made

    assert made is not None
    assert made.rows == 0
    assert made.run is None
    assert {one.reason for one in made.left} == {"somebody else holds a lock on it (waited 0.3 s, --lock-timeout)"}
