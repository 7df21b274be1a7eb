"""A network that goes silent while something is written: fixes, undos and rehearsed probes end, and say so."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixes import DAMAGE, RULES, SCRIPT, execute, ordered
from harness import HOLDS, RunRules
from pytest_tgintegrity.database.connections import stalls
from pytest_tgintegrity.database.connections.address import parse_address
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.database.settings import Settings
from pytest_tgintegrity.deployment.probes.rehearsal import Rehearsal
from pytest_tgintegrity.errors import ConnectionFailed, UsageError
from pytest_tgintegrity.fixing.apply import batches
from pytest_tgintegrity.fixing.fix import make_fixes, plan_fixes, undo
from pytest_tgintegrity.fixing.results import Applied
from pytest_tgintegrity.servers.postgres import PostgresServer
from relay import Relay, relaying

MakeDatabase = Callable[[str], str]
SILENT = "the server cannot be heard any more, silent for "
WHOLE = 9
SAID = re.compile(f"{SILENT}|connection timeout expired|the connection was lost while rows were committed")
STEPS = int(os.environ.get("TGINTEGRITY_STALL_STEPS", "4"))
"""How many of the moments at which a client sends something are tried."""


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that is known to be quick, and batches of a few rows."""
    monkeypatch.setattr(stalls, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(stalls, "LITTLE_SECONDS", 0.5)
    monkeypatch.setattr(stalls, "LONG_SECONDS", 0.5)
    monkeypatch.setattr(batches, "COMMIT_SECONDS", 0.5)
    monkeypatch.setattr(batches, "BATCH_ROWS", 3)
    monkeypatch.setattr(batches, "WHOLE_PLAN_ROWS", 0)


@pytest.fixture
def relay(server: PostgresServer) -> Iterator[Relay]:
    with relaying(server.port) as relay:
        yield relay
        relay.stalled.clear()


def relayed(server: PostgresServer, relay: Relay, url: str) -> str:
    name = url.split("@/")[1].partition("?")[0]
    far = server.tcp_url(name).replace(f":{server.port}/", f":{relay.port}/")
    return f"{far}{'&' if '?' in far else '?'}connect_timeout=2"


def run_on(url: str) -> Run:
    return Run(Settings(1, Limits(statement=0.5), 5, None, {}, "no_demo"), url, "the test")


def fixed(url: str, folder: Path, stall: Callable[[], None]) -> Applied | str:
    """What came of a fix that is planned before the network stalls."""
    run = run_on(url)
    run.begin(RULES)
    fix_result, drawn = plan_fixes(run, RULES, ordered(folder))
    assert fix_result.failed is None
    stall()
    try:
        make_fixes(run, fix_result, drawn)
    except UsageError as error:
        return str(error)
    finally:
        run.close()
    assert fix_result.applied is not None
    return fix_result.applied


def undone(url: str, stall: Callable[[], None]) -> Applied | str:
    run = run_on(url)
    run.wait()
    stall()
    try:
        return undo(run, "last").applied
    except UsageError as error:
        return str(error)
    finally:
        run.close()


def told(found: Applied | str) -> str:
    return found if isinstance(found, str) else found.stopped or ""


def is_whole(found: Applied | str) -> bool:
    """Whether all was written before the network stalled."""
    return isinstance(found, Applied) and found.rows == WHOLE


def moments(relay: Relay, act: Callable[[Callable[[], None]], Applied | str]) -> Iterator[int]:
    """The moments at which a client sends something; `act` is done once to count them."""
    before: list[int] = []
    act(lambda: before.append(relay.sent))
    count = relay.sent - before[0]
    assert count > STEPS
    step = count // STEPS
    yield from range(1 + step // 2, count + 1, step)


def stalling(relay: Relay, at: int) -> Callable[[], None]:
    def stall() -> None:
        relay.at = relay.sent + at

    return stall


def clear(relay: Relay) -> None:
    relay.at = 0
    relay.stalled.clear()


def test_a_fix_ends_whenever_the_network_stalls(
    server: PostgresServer, relay: Relay, make_database: MakeDatabase, tmp_path: Path
) -> None:
    def act(stall: Callable[[], None]) -> Applied | str:
        return fixed(relayed(server, relay, make_database(SCRIPT + DAMAGE)), tmp_path, stall)

    for at in moments(relay, act):
        began = time.monotonic()
        found = act(stalling(relay, at))
        took = time.monotonic() - began
        clear(relay)

        assert took < 15, at
        assert SAID.search(told(found)) or is_whole(found), (at, found)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a cursor that cannot be closed
def test_an_undo_ends_whenever_the_network_stalls(
    server: PostgresServer, relay: Relay, make_database: MakeDatabase, tmp_path: Path
) -> None:
    def act(stall: Callable[[], None]) -> Applied | str:
        url = make_database(SCRIPT + DAMAGE)
        assert not told(fixed(url, tmp_path, lambda: None))
        return undone(relayed(server, relay, url), stall)

    for at in moments(relay, act):
        began = time.monotonic()
        found = act(stalling(relay, at))
        took = time.monotonic() - began
        clear(relay)

        assert took < 15, at
        assert SAID.search(told(found)) or is_whole(found), (at, found)


@pytest.mark.parametrize("before", [True, False])
def test_a_rehearsal_ends(server: PostgresServer, relay: Relay, make_database: MakeDatabase, before: bool) -> None:
    url = make_database(SCRIPT)
    began = time.monotonic()

    def rehearse(rehearsal: Rehearsal) -> None:
        with rehearsal.transaction() as connection:
            if before:
                relay.stalled.set()
            connection.execute("DELETE FROM person WHERE id = 1")
            relay.stalled.set()

    with Rehearsal(parse_address(relayed(server, relay, url)), Limits(statement=0.5)) as rehearsal:
        rehearsal.check()
        with pytest.raises(ConnectionFailed, match=SILENT):
            rehearse(rehearsal)

    assert time.monotonic() - began < 5
    assert execute(url, "SELECT count(*) FROM person") == [(10,)]


PROBES = """
from pytest_tgintegrity import probe

@probe("write", writes=True)
def write(db):
    db.execute("UPDATE item SET size = 1")
"""


def test_a_run_with_probes_ends(
    check: RunRules, server: PostgresServer, relay: Relay, make_database: MakeDatabase
) -> None:
    url = make_database(
        "CREATE TABLE item (id int PRIMARY KEY, size int, name text); INSERT INTO item VALUES (1, 1, 'x')"
    )
    far = relayed(server, relay, url)
    assert check(HOLDS, PROBES, "--probe-writes", "--statement-timeout=0.5", url=far).status == 0
    relay.at = relay.sent + 300

    began = time.monotonic()
    ran = check(HOLDS, PROBES, "--probe-writes", "--statement-timeout=0.5", url=far)

    assert ran.status == 0
    assert SILENT in ran.integrity["probes"]["write"]["error"]
    assert time.monotonic() - began < 15
