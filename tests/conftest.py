"""Shared by all tests: pytester, and one server for those that only need a database of their own."""

from __future__ import annotations

import itertools
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from hypothesis import HealthCheck, settings
from psycopg import sql

from harness import SCRIPT, Ran, RunRules, rules, run_rules
from pytest_tgintegrity.servers.datasets import open_dataset
from pytest_tgintegrity.servers.postgres import PostgresServer, start_postgres
from pytest_tgintegrity.servers.valkey import ValkeyServer, start_valkey
from servers import ROOMY

pytest_plugins = ["pytester"]

# How long an example takes says something of the machine, not of what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

_NUMBERS = itertools.count(1)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job that a shell put into the background
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def as_a_person_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI pytest prints long lines whole; runs inside tests print what a person would see, and are nobody's workers."""
    for name in ("CI", "BUILD_NUMBER", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A server with a socket and a TCP port."""
    with start_postgres(tcp=True) as server:
        yield server


@pytest.fixture(scope="session")
def shared_cache() -> Iterator[Path]:
    """A folder for templates of servers, for those who look what becomes of it."""
    with tempfile.TemporaryDirectory(dir=ROOMY) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def make_database(server: PostgresServer) -> Callable[[str], str]:
    """Make a fresh database, fill it with a script, and give its URL."""

    def make(script: str = "") -> str:
        name = f"fresh_{next(_NUMBERS)}"
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        if script:
            with psycopg.connect(server.conninfo(name), autocommit=True) as connection:
                connection.execute(script.encode())
        return server.url(name)

    return make


@pytest.fixture
def database_url(make_database: Callable[[str], str]) -> str:
    """The URL of a fresh, empty database."""
    return make_database("")


@pytest.fixture(scope="session")
def url(make_database: Callable[[str], str]) -> str:
    """The URL of a database with a table `item` of twenty rows, for those who only look."""
    return make_database(SCRIPT.format(role="looker"))


@pytest.fixture
def check(pytester: pytest.Pytester, url: str, monkeypatch: pytest.MonkeyPatch) -> RunRules:
    """Write rules and run them: `check(RULES…, "-n2", …)`; what begins with a dash is an argument of pytest."""
    monkeypatch.delenv("TGINTEGRITY_DB_URL", raising=False)

    def check(*words: str, url: str | None = url, subprocess: bool = False) -> Ran:
        texts = [one for one in words if "\n" in one]
        if texts:
            rules(pytester, *texts)
        return run_rules(pytester, *(one for one in words if "\n" not in one), url=url, subprocess=subprocess)

    return check


@pytest.fixture(scope="session")
def clean_demo() -> Iterator[str]:
    """The URL of a demo without faults."""
    from integrity_tests.demo import DATASETS

    with open_dataset("demo", DATASETS["demo"]) as started:
        yield started.url()


@pytest.fixture
def clean(clean_demo: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection to the demo without faults whose changes are rolled back."""
    with psycopg.connect(clean_demo) as connected:
        yield connected
        connected.rollback()


@pytest.fixture(scope="session")
def damaged_demo() -> Iterator[str]:
    """The URL of a demo with planted faults."""
    from integrity_tests.demo import DATASETS

    with open_dataset("demo-damaged", DATASETS["demo:damaged"]) as started:
        yield started.url()


@pytest.fixture(scope="session")
def damaged(damaged_demo: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the rules say of the planted faults, by test."""
    from tg import judged

    report = tmp_path_factory.mktemp("damaged") / "report.json"
    return judged(report, f"--db-url={damaged_demo}", "--samples=10000", "--tb=no")


@pytest.fixture
def connection(damaged_demo: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection to the planted faults whose changes are rolled back."""
    with psycopg.connect(damaged_demo) as connected:
        yield connected
        connected.rollback()


@pytest.fixture(scope="session")
def started_valkey() -> Iterator[ValkeyServer]:
    """A server with a TCP port."""
    with start_valkey(tcp=True) as server:
        yield server


@pytest.fixture
def client(started_valkey: ValkeyServer) -> Iterator[Any]:
    """A client of the empty server `valkey`, which mends what it was set to."""
    with redis.Redis.from_url(started_valkey.url) as client:
        client.replicaof("NO", "ONE")
        client.config_set("maxmemory", 0)
        client.flushall()
        yield client
        client.replicaof("NO", "ONE")
        client.config_set("maxmemory", 0)


@pytest.fixture
def valkey(started_valkey: ValkeyServer, client: Any) -> ValkeyServer:
    """An empty server with a password."""
    return started_valkey
