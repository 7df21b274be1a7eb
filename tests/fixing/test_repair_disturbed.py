"""Fixes on bad days: others write at the same time, connections end, the disk is full; what is concerned is told."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from engine import bound
from fixes import MakeDatabase, execute, fix, ordered, planned, run_on, undone
from fixing_runs import ask, told
from harness import RunRules, wait_until
from pytest_tgintegrity.fixing.fix import plan_fixes
from pytest_tgintegrity.rules.kinds import Between
from pytest_tgintegrity.servers.postgres import PostgresServer

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
        made = undone(url).applied if undoing else fix(url, tmp_path, [SIZE]).applied

    assert made is not None
    assert made.stopped is None
    assert made.rows + len(made.skipped) == ROWS
    assert made.rows > ROWS / 2
    assert {one.reason for one in made.skipped} <= {"it changed after it was planned", "it was changed since"}
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

    fix_result = fix(url, tmp_path, [rule])

    assert fix_result.failed is not None
    assert fix_result.failed.startswith("no plan was made, nothing was written: ")
    assert "connection" in fix_result.failed
    assert "\n" not in fix_result.failed
    assert execute(url, "SELECT max(size) FROM item") == [(78,)]
    assert list(tmp_path.iterdir()) == []


def test_a_plan_that_cannot_be_kept_is_not_made(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(BUSY)
    folder = tmp_path / "file"
    folder.write_text("")

    with run_on(url, [SIZE]) as run:
        fix_result, _ = plan_fixes(run, [SIZE], ordered(folder))

    assert fix_result.failed is not None
    assert "the plan cannot be written to" in fix_result.failed
    assert fix_result.count == 0


def test_a_lock_on_the_table_is_told(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(BUSY)
    with planned(url, tmp_path, [SIZE], lock=0.3) as (_, make), psycopg.connect(url) as other:
        other.execute("LOCK TABLE item IN ACCESS EXCLUSIVE MODE")
        made = make().applied

    assert made is not None
    assert made.rows == 0
    assert made.run is None
    assert {one.reason for one in made.skipped} == {"somebody else holds a lock on it (waited 0.3 s, --lock-timeout)"}


class CutAtCommit:
    """A relay to a server: the COMMIT after something was journalled gets through, its answer does not.

    With `again` it takes connections after that as well.
    """

    def __init__(self, socket_path: str, *, again: bool) -> None:
        self._target, self._again, self._cut = socket_path, again, False
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._cut and not self._again:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
                self._sockets += [client, server]
                threading.Thread(target=self._send, args=[client, server], daemon=True).start()
                threading.Thread(target=_pass, args=[server, client], daemon=True).start()

    def _send(self, client: socket.socket, server: socket.socket) -> None:
        journalled = False
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                journalled = journalled or b"INSERT INTO tgintegrity.journal" in data
                if journalled and b"COMMIT" in data and not self._cut:
                    self._cut = True
                    client.shutdown(socket.SHUT_RDWR)
                server.sendall(data)
        time.sleep(0.2)  # the server commits, and only then finds nobody there
        server.close()

    def close(self) -> None:
        """Take no more connections, and end those that there are."""
        for one in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _pass(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("again", [True, False])
def test_a_commit_whose_answer_is_lost_is_known_to_be_made_or_said_to_be_unknown(
    make_database: MakeDatabase, server: PostgresServer, tmp_path: Path, again: bool
) -> None:
    url = make_database(ENDS_OTHERS.format(""))
    ((name,),) = execute(url, "SELECT current_database()")
    relay = CutAtCommit(f"{server.socket_directory}/.s.PGSQL.{server.port}", again=again)
    rule = bound(Between("item", "size", 0, 20), "size", fix="clamp", fix_allows=("triggers",))

    made = fix(f"postgresql://postgres@127.0.0.1:{relay.port}/{name}?sslmode=disable", tmp_path, [rule]).applied

    relay.close()
    assert execute(url, "SELECT count(*) FROM item WHERE size = 20") == [(2,)]
    assert made is not None
    assert execute(url, "SELECT id FROM tgintegrity.run") == [(made.run,)]
    if again:
        assert (made.rows, made.skipped, made.stopped) == (2, [], None)
    else:
        assert made.stopped is not None
        assert f"whether they are written, --fix-history says of run {made.run}" in made.stopped
    assert undone(url).applied.rows == 2
