"""One run from end to end: the demo, lost connections, servers that go away, standbys."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from harness import HOLDS, VIOLATED, RunRules, sleeping, wait_until
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.database.settings import Settings
from pytest_tgintegrity.errors import ConnectionFailed, UsageError
from pytest_tgintegrity.servers.binaries import find_postgres
from pytest_tgintegrity.servers.postgres import PostgresServer, start_postgres
from pytest_tgintegrity.session.addresses import GivenUrl

BACKUP = "pg_basebackup"
SETTINGS = Settings(1, Limits(), 5, None, {}, "absent_module")
SLOW = """
@rule.query("SELECT pg_sleep(1.5) OFFSET 1", timeout=50)
def test_a_slow(violations):
    \"\"\"It takes a while.\"\"\"
    assert not violations
"""


def end_backends(url: str, which: str) -> None:
    """Terminate backends of the run, once one of them sleeps."""
    wait_until(lambda: sleeping(url) == 1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pytest-tgintegrity'"
            f" AND datname = current_database() AND {which}"
        )


@pytest.mark.parametrize(
    ("which", "verdict"),
    [("wait_event = 'PgSleep'", "unknown"), ("wait_event <> 'PgSleep'", "passed")],
    ids=["reader", "holder"],
)
def test_a_backend_that_is_terminated(check: RunRules, url: str, which: str, verdict: str) -> None:
    """What it was asked is unknown; what was asked of others is judged: no traceback, nobody hangs."""
    ending = threading.Thread(target=end_backends, args=(url, which))
    ending.start()
    ran = check(SLOW, HOLDS, "--db-jobs=1")
    ending.join()

    assert ran.verdicts["test_a_slow"] == verdict, ran.said
    assert ran.status == (0 if set(ran.verdicts.values()) == {"passed"} else 6)
    assert "Traceback" not in ran.said
    if which.startswith("wait_event = "):
        assert ran.verdicts["test_holds"] == "passed"
        assert ran.reasons["test_a_slow"].startswith("the connection was lost: ")


def test_a_server_that_stops_in_mid_run(check: RunRules) -> None:
    """Everything that was not answered is unknown, and the run ends."""
    with start_postgres() as server:
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute("CREATE TABLE item (id int PRIMARY KEY, size int, name text)")
        url = server.url()

        def stop() -> None:
            wait_until(lambda: sleeping(url) == 1)
            server.stop("immediate")

        stopping = threading.Thread(target=stop)
        stopping.start()
        ran = check(SLOW, HOLDS, "--db-jobs=1", url=url)
        stopping.join()

    assert ran.status == 6, ran.said
    assert ran.verdicts["test_a_slow"] == "unknown"
    assert "Traceback" not in ran.said


def test_errors_of_one_free_test_stay_there(check: RunRules) -> None:
    """Each has a connection of its own; a psycopg error is unknown, an assertion is a violation."""
    bodies = {
        "breaks": 'db.execute("SELECT 1/0")',
        "writes": 'db.execute("INSERT INTO item VALUES (0)")',
        "several": 'db.execute("SELECT 1; COMMIT; BEGIN READ WRITE; DELETE FROM item")',
        "commits": "db.commit()",
        "closes": "db.close()",
        "sets": 'db.execute("SET statement_timeout = 1"); db.row_factory = None',
            "names": 'from psycopg.rows import dict_row; db.row_factory = dict_row; assert db.execute("SELECT 1 AS n").fetchone()["n"] == 1',
        "fails": 'assert db.execute("SELECT 1").fetchone() == (2,)',
        "holds": 'assert db.execute("SELECT count(*) FROM item WHERE size > %s", [10]).fetchone() == (10,)',
    }  # fmt: skip
    parts = [f'\n@rule.check()\ndef test_{name}(db):\n    """."""\n    {body}\n' for name, body in bodies.items()]
    ran = check(*parts)

    assert ran.status == 1
    assert ran.verdicts == {
        "test_breaks": "unknown", "test_writes": "unknown", "test_several": "unknown", "test_commits": "unknown",
        "test_closes": "passed", "test_sets": "passed", "test_names": "passed", "test_fails": "failed", "test_holds": "passed",
    }  # fmt: skip
    assert "read-only transaction" in ran.reasons["test_writes"]
    assert "multiple commands" in ran.reasons["test_several"]
    assert "nothing to commit" in ran.reasons["test_commits"]


MENDED = """
@rule.between("item", "size", 0, 20, fix="clamp")
def test_mended(violations):
    \"\"\"Sizes are at most twenty.\"\"\"
    assert not violations
"""


def test_a_standby(check: RunRules, tmp_path: Path, server: PostgresServer) -> None:
    """Rules are judged there too, the header says where they were, and the journal can be read."""
    settings = {"wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on"}
    found = (binaries for binaries in (server.binaries, find_postgres(15)) if (binaries.directory / BACKUP).exists())
    binaries = next(found, None)
    if binaries is None:
        pytest.skip("no server with pg_basebackup is installed here")
    program = binaries.directory / BACKUP
    with (
        start_postgres(binaries=binaries, settings=settings) as primary,
        start_postgres(binaries=binaries, settings=settings) as standby,
    ):
        with psycopg.connect(primary.conninfo(), autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE item AS SELECT i AS id, i AS size, 'n' AS name FROM generate_series(1, 20) i;"
                "ALTER TABLE item ADD PRIMARY KEY (id); INSERT INTO item VALUES (21, 77, 'n')"
            )
        fix_result = check(MENDED, "--fix", url=primary.url()).integrity["fix"]["applied"]["run"]
        standby.stop()
        copy_cluster(program, primary, standby, tmp_path / "copy")
        standby.restart()
        wait_until(lambda: answers(standby))
        ran = check(HOLDS, VIOLATED, "-n2", url=standby.url())
        refused = check("--probe-writes", url=standby.url())
        history = check("--fix-history", url=standby.url(), subprocess=True)
        undo = check("--undo=last", url=standby.url(), subprocess=True)

    assert ran.status == 1, ran.said
    assert ran.verdicts == {"test_holds": "passed", "test_violated": "failed"}
    assert ran.integrity["database"]["is_standby"] is True
    assert "(standby)" in ran.out
    assert (refused.status, "is a standby, where nothing can be written" in refused.said) == (4, True)
    assert (history.status, fix_result in history.out) == (0, True), history.said
    assert (undo.status, "is a standby: mend the data on the primary" in undo.said) == (4, True), undo.said


def copy_cluster(program: Path, primary: PostgresServer, standby: PostgresServer, folder: Path) -> None:
    """Put a base backup of one server in the place of another's data."""
    place = ["-h", str(primary.socket_directory), "-p", str(primary.port), "-U", "postgres"]
    subprocess.run([program, "-D", folder, *place, "-R", "--checkpoint=fast", "-X", "fetch"], check=True)
    owner = standby.data.stat()
    for path in [one for one in standby.data.iterdir() if one.name != "postmaster.pid"]:
        subprocess.run(["rm", "-rf", path], check=True)
    subprocess.run(["cp", "-r", *folder.iterdir(), standby.data], check=True)
    subprocess.run(["chown", "-R", f"{owner.st_uid}:{owner.st_gid}", standby.data], check=True)


def answers(server: PostgresServer) -> bool:
    """Whether a server takes connections."""
    try:
        psycopg.connect(server.conninfo()).close()
    except psycopg.OperationalError:
        time.sleep(0.05)
        return False
    return True


@pytest.mark.parametrize(
    ("url", "words"), [("demo", "absent_module"), ("demo:x", "absent_module"), ("demo_x", "neither a URL")]
)
def test_what_is_a_demo(url: str, words: str) -> None:
    """Only the word itself, or one of its data sets."""
    with pytest.raises((UsageError, Exception), match=words):
        Run(SETTINGS, url, "--db-url").wait()


def test_nothing_shows_the_url() -> None:
    """Neither a run nor what was given."""
    url = "postgresql://me:se-cr-et@127.0.0.1:1/x"
    run = Run(SETTINGS, url, "--db-url")

    assert "se-cr-et" not in f"{run!r} {GivenUrl(url, '--db-url')!r}"
    with pytest.raises(ConnectionFailed) as failed:
        run.wait()
    assert "se-cr-et" not in str(failed.value)
    run.close()


def test_the_run_closes_what_it_opened(make_database: Callable[[str], str], check: RunRules) -> None:
    """No connection is left, as soon as the server has noticed that they are closed."""
    url = make_database("CREATE TABLE item AS SELECT 1 AS id, 1 AS size, 'n' AS name")
    check(HOLDS, VIOLATED, url=url)

    def alone() -> bool:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        ).fetchone()
        return found == (1,)

    with psycopg.connect(url, autocommit=True) as connection:
        assert wait_until(alone, 5) < 5
