"""A network that goes silent, or drips: every run ends, and says what it could not find out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import psycopg
import pytest

from engine import bound, looking_at, named, reasons
from harness import RunRules, sleeping, wait_until
from pytest_tgintegrity.database.connections import stalls
from pytest_tgintegrity.database.connections.address import parse_address
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.connections.reader import Reader, SnapshotHolder
from pytest_tgintegrity.errors import ConnectionFailed
from pytest_tgintegrity.rules.kinds import Query, Rows
from pytest_tgintegrity.servers.postgres import PostgresServer
from relay import Relay, relaying

TABLES = "CREATE TABLE item (id integer PRIMARY KEY, size integer); INSERT INTO item SELECT i, i FROM generate_series(1, 20) i"
SILENT = "the connection was lost: the server cannot be heard any more, silent for "


@pytest.fixture
def relay(server: PostgresServer) -> Iterator[Relay]:
    with relaying(server.port) as relay:
        yield relay
        relay.stalled.clear()


@pytest.fixture
def relayed(server: PostgresServer, relay: Relay, make_database: Callable[[str], str]) -> str:
    name = make_database(TABLES).split("@/")[1].split("?")[0]
    return server.tcp_url(name).replace(f":{server.port}/", f":{relay.port}/")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that is known to be quick."""
    monkeypatch.setattr(stalls, "GRACE_SECONDS", 1.0)


def _url(relayed: str, more: str) -> str:
    return f"{relayed}{'&' if '?' in relayed else '?'}{more}"


@pytest.mark.parametrize("seconds", [0.0, 0.4])
def test_a_scan_ends_when_the_network_stalls(hasty: None, relay: Relay, relayed: str, seconds: float) -> None:
    rules = [bound(Query(f"SELECT 1 FROM pg_sleep({seconds})"), "slow"), *named([Rows("item", "size > 15")] * 40)]

    with looking_at(_url(relayed, "connect_timeout=2"), Limits(statement=1.0)) as engine:
        planned = engine.plan(rules)
        timer = threading.Timer(seconds / 2, relay.stalled.set)
        timer.start()
        timer.join(0 if seconds else None)
        began = time.monotonic()
        found = {rule: one for scanned in engine.scan(planned) for rule, one in scanned.measurements.items()}
        took = time.monotonic() - began

    assert len(reasons(found)) == 41
    assert any(reason.startswith(SILENT) for reason in reasons(found).values())
    assert took < 8


def test_a_network_that_drips_is_given_up(hasty: None, relay: Relay, relayed: str) -> None:
    with looking_at(_url(relayed, "connect_timeout=2"), Limits(statement=0.5)) as engine:
        planned = engine.plan(named([Query("SELECT id FROM item WHERE size > 0")]))
        engine.reader.end_transaction()
        relay.dripping.set()
        began = time.monotonic()
        found = {rule: one for scanned in engine.scan(planned) for rule, one in scanned.measurements.items()}

    assert set(reasons(found)) == {"rule0"}
    assert time.monotonic() - began < 20


def test_a_snapshot_is_not_waited_for_for_ever(relay: Relay, relayed: str) -> None:
    relay.stalled.set()
    began = time.monotonic()

    with pytest.raises(ConnectionFailed, match="timeout"):
        SnapshotHolder(parse_address(_url(relayed, "connect_timeout=2")))

    assert time.monotonic() - began < 10


def test_a_free_test_does_not_wait_for_ever(hasty: None, relay: Relay, relayed: str) -> None:
    holder = SnapshotHolder(parse_address(_url(relayed, "connect_timeout=2")))
    with (
        Reader(holder.address, holder.snapshot, Limits(statement=0.5)) as reader,
        reader.lent() as connection,
    ):
        assert connection.execute("SELECT 1").fetchone() == (1,)
        relay.stalled.set()
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError, match="the server cannot be heard any more"):
            connection.execute("SELECT 2")
    assert time.monotonic() - began < 5
    holder.close()


def test_long_answers_and_many_statements_are_waited_for(hasty: None, relayed: str) -> None:
    """Each statement has its own time: many of them may take longer together."""
    many = [bound(Query("SELECT 1 FROM pg_sleep(0.3)"), f"q{i}") for i in range(10)]

    with looking_at(relayed, Limits(statement=0.6)) as engine:
        found = engine.measure(many)

    assert reasons(found) == {}


RULES = """
@rule.query("SELECT 1 WHERE pg_sleep(0.7) IS NULL", severity="high")
def test_slow(violations):
    \"\"\"Slow.\"\"\"
    assert not violations


@rule.rows("item", "size > 100", severity="high")
def test_rows(violations):
    \"\"\"Small.\"\"\"
    assert not violations
"""


@pytest.mark.parametrize("workers", [[], ["-n2"]])
def test_a_whole_run_ends(
    check: RunRules, relay: Relay, relayed: str, workers: list[str], server: PostgresServer
) -> None:
    url = _url(relayed, "connect_timeout=2")
    direct = server.conninfo(relayed.rsplit("/", 1)[1].partition("?")[0])

    def cut() -> None:
        wait_until(lambda: sleeping(direct) > 0)
        relay.stalled.set()

    stall = threading.Thread(target=cut)
    stall.start()
    began = time.monotonic()

    ran = check(RULES, "--statement-timeout=1", *workers, url=url, subprocess=True)
    stall.join()

    assert ran.status == 6
    assert ran.verdicts["test_slow"] == "unknown"
    assert time.monotonic() - began < 30


def test_what_an_address_says_of_the_network_stands(relayed: str) -> None:
    address = parse_address(_url(relayed, f"keepalives_idle=77&options={quote('-c geqo=off')}"))

    holder = SnapshotHolder(address)

    options = holder._connection.info.get_parameters()
    holder.close()
    assert options["keepalives_idle"] == "77"
    assert options["tcp_user_timeout"] == "30000"
