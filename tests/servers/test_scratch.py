"""Throw-away servers: they answer, they keep to themselves, and nothing of them is ever left."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pytest_tgintegrity.errors import ScratchError
from pytest_tgintegrity.servers import binaries, throw_away
from pytest_tgintegrity.servers import supervisor as supervision
from pytest_tgintegrity.servers.binaries import find_postgres, find_valkey
from pytest_tgintegrity.servers.datasets import open_dataset
from pytest_tgintegrity.servers.postgres import PostgresServer, start_postgres
from pytest_tgintegrity.servers.valkey import start_valkey
from servers import ROOMY, SOURCES, Numbers, ask, order, owner, processes_of, traces

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
ROOT = os.geteuid() == 0
PACKAGES = Path(psycopg.__file__).parents[1]
ORDINARY_PYTHON = next(
    (
        path
        for path in map(Path, (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"))
        if path.exists() and supervision.Account.of_servers().reaches(path.resolve())
    ),
    None,
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Give a server that tests only look at."""
    with start_postgres() as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def cache_of_our_own(shared_cache: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TGINTEGRITY_CACHE", str(shared_cache))
        yield


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """Give a folder that every account may use; that of `tmp_path` is closed to others."""
    with tempfile.TemporaryDirectory(dir=ROOMY) as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def soon(condition: Callable[[], bool], seconds: float = 2.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


# --- PostgreSQL: life and death


def test_a_server_answers_at_its_keyword_string_and_at_its_url(server: PostgresServer) -> None:
    assert ask(server.conninfo(), "SELECT current_user::text") == "postgres"
    assert ask(server.url()) == 1
    assert server.running


def test_a_server_uses_utf8_and_knows_more_letters_than_ascii(server: PostgresServer) -> None:
    assert ask(server.conninfo(), "SELECT lower('ÄÖÜ') || current_setting('server_encoding')") == "äöüUTF8"


def test_a_server_never_runs_as_root(server: PostgresServer) -> None:
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0


def test_without_tcp_there_is_no_port(server: PostgresServer) -> None:
    assert ask(server.conninfo(), "SHOW listen_addresses") == ""
    with pytest.raises(ScratchError, match="tcp=True"):
        server.tcp_url()


def test_nothing_is_left_after_close_even_with_a_client_connected() -> None:
    with start_postgres() as server, psycopg.connect(server.conninfo()) as client:
        assert processes_of(server.data)

        server.close()

        assert traces(server.data.parent, server.socket_directory) == []
        server.close()
        client.close()


@pytest.mark.parametrize("end", ["fast", "immediate", "kill"])
def test_data_outlives_stop_kill_and_restart(end: Any) -> None:
    with start_postgres() as server:
        order(server.conninfo(), "CREATE TABLE kept AS SELECT 42 AS answer")

        server.kill() if end == "kill" else server.stop(end)

        assert not server.running
        server.restart()
        assert ask(server.conninfo(), "SELECT answer FROM kept") == 42


def test_a_killed_server_restarts_although_a_client_kept_it_busy() -> None:
    with start_postgres() as server, closing(psycopg.connect(server.conninfo())) as busy:
        busy.pgconn.send_query(b"DO $$ BEGIN LOOP END LOOP; END $$")
        assert soon(
            lambda: ask(server.conninfo(), "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'LOOP EN'") == 2
        )

        server.kill()
        server.restart()

        assert ask(server.conninfo()) == 1


def test_a_killed_server_leaves_no_shared_memory() -> None:
    def segments(creator: int) -> list[str]:
        rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()]
        return [row[1] for row in rows if row[4] == str(creator)]

    with start_postgres() as server:
        assert segments(server.pid)
        server.kill()
    assert segments(server.pid) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_when_the_owner_is_ended(number: signal.Signals) -> None:
    body = """
        server, valkey = start_postgres(), start_valkey()
        print(server.data.parent, valkey.socket.parent, flush=True)
        time.sleep(60)
    """
    with owner(body) as process:
        assert process.stdout
        folders = [Path(word) for word in process.stdout.readline().split()]
        assert all(processes_of(folder) for folder in folders)

        process.send_signal(number)

        assert soon(lambda: not traces(*folders)), traces(*folders)


def test_nothing_is_left_when_the_owner_is_killed_while_its_forked_child_lives_on() -> None:
    body = """
        server = start_postgres()
        child = os.fork()
        if not child:
            time.sleep(60)
        print(server.data.parent, child, flush=True)
        time.sleep(60)
    """
    with owner(body) as process:
        assert process.stdout
        folder, child = process.stdout.readline().split()

        process.kill()

        assert soon(lambda: not traces(Path(folder))), traces(Path(folder))
        os.kill(int(child), signal.SIGKILL)


def test_a_forked_child_that_ends_takes_no_server_with_it() -> None:
    body = """
        server = start_postgres()
        child = os.fork()
        if not child:
            sys.exit()
        os.waitpid(child, 0)
        time.sleep(0.2)
        print(server.running, flush=True)
    """
    with owner(body) as process:
        assert process.communicate(timeout=20)[0].strip() == "True"


@pytest.mark.parametrize("seconds", [0.02, 0.25])
def test_nothing_is_left_after_an_interrupt_while_starting(seconds: float, public_folder: Path) -> None:
    body = """
        print("ready", flush=True)
        try:
            start_postgres(fresh=True)
        except KeyboardInterrupt:
            pass
        print(os.listdir(os.environ["TMPDIR"]), flush=True)
        os._exit(0)
    """
    with owner(body, TMPDIR=str(public_folder)) as process:
        assert process.stdout
        process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)

        assert process.stdout.readline().strip() == "[]"
        assert processes_of(public_folder) == []


def test_a_dead_supervisor_takes_its_server_along() -> None:
    with start_postgres() as server:
        server.supervisor._process.kill()

        assert soon(lambda: not processes_of(server.data))
        with pytest.raises(ScratchError, match="supervisor"):
            server.restart()
        shutil.rmtree(server.data.parent)


def test_two_servers_live_side_by_side() -> None:
    with start_postgres() as one, start_postgres() as other:
        order(one.conninfo(), "CREATE TABLE mine ()")

        assert ask(one.conninfo(), "SELECT to_regclass('mine') IS NOT NULL")
        assert ask(other.conninfo(), "SELECT to_regclass('mine') IS NULL")


def test_a_fresh_server_is_another_system() -> None:
    question = "SELECT system_identifier FROM pg_control_system()"
    with start_postgres() as one, start_postgres() as same, start_postgres(fresh=True) as fresh:
        assert ask(one.conninfo(), question) == ask(same.conninfo(), question)
        assert ask(one.conninfo(), question) != ask(fresh.conninfo(), question)


def test_a_server_that_does_not_start_says_why_and_leaves_nothing(
    public_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(public_folder))
    monkeypatch.setattr(tempfile, "tempdir", None)

    with pytest.raises(ScratchError, match=r'unrecognized configuration parameter "nonsense".*TGINTEGRITY_PG_BIN') as e:
        start_postgres(settings={"nonsense": "1"})

    assert "\n" not in str(e.value)
    assert list(public_folder.iterdir()) == []


# --- PostgreSQL: where and as whom


@pytest.mark.parametrize("name", ["with space", "with 'quote' and %percent", 'with, comma or "quotes"', "long" * 40])
def test_any_temporary_folder_will_do(name: str, public_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = public_folder / name
    folder.mkdir()
    folder.chmod(0o777)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)

    with start_postgres() as server, start_valkey() as valkey, closing(redis.Redis.from_url(valkey.url)) as client:
        assert server.data.is_relative_to(folder)
        assert ask(server.conninfo()) == ask(server.url()) == 1
        assert client.ping()
    assert list(folder.iterdir()) == []
    assert traces(server.socket_directory, valkey.socket.parent) == []


@pytest.mark.skipif(not ROOT, reason="an ordinary user reaches its own folders")
def test_a_temporary_folder_that_only_root_may_enter_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)

    with start_postgres() as server:
        assert not server.data.is_relative_to(tmp_path)
        assert ask(server.conninfo()) == 1


@pytest.mark.skipif(not ROOT, reason="an ordinary user reaches its own folders")
def test_programs_that_only_root_may_reach_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    prefix = find_postgres().directory.parent
    copy = tmp_path / prefix.parent.name / prefix.name
    shutil.copytree(prefix, copy, copy_function=link_or_copy)
    libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, tmp_path / libraries.name, copy_function=link_or_copy)
    monkeypatch.setenv("TGINTEGRITY_PG_BIN", str(copy / "bin"))
    monkeypatch.setenv("TGINTEGRITY_VALKEY_BIN", str(shutil.copy(find_valkey().path, str(tmp_path))))
    before = os.umask(0o077)
    try:
        with start_postgres() as server, start_valkey() as valkey, closing(redis.Redis.from_url(valkey.url)) as client:
            assert server.binaries.directory == copy / "bin"
            assert ask(server.conninfo()) == 1
            assert client.ping()
    finally:
        os.umask(before)


@pytest.mark.skipif(not ROOT, reason="the whole suite runs as an ordinary user")
@pytest.mark.skipif(ORDINARY_PYTHON is None, reason="no Python that an ordinary user can run")
@pytest.mark.skipif(
    not supervision.Account.of_servers().reaches(PACKAGES), reason="the packages lie where an ordinary user may not go"
)
def test_an_ordinary_user_can_start_servers(public_folder: Path) -> None:
    assert ORDINARY_PYTHON
    code = """if True:
        import os, psycopg
        from pytest_tgintegrity.servers.postgres import *
        from pytest_tgintegrity.servers.valkey import *
        with start_postgres(tcp=True) as server, start_valkey() as valkey:
            print(os.stat(f"/proc/{server.pid}").st_uid, psycopg.connect(server.tcp_url()).info.user)
    """
    account = supervision.Account.of_servers()
    result = subprocess.run(
        [ORDINARY_PYTHON, "-c", code],
        user=account.uid, group=account.gid, extra_groups=[], cwd="/", text=True, capture_output=True, check=False,
        env={"PYTHONPATH": f"{SOURCES}:{PACKAGES}", "HOME": "/nonexistent", "TMPDIR": str(public_folder)},
    )  # fmt: skip

    assert (result.stdout, result.stderr) == (f"{account.uid} postgres\n", "")
    assert [path.name for path in public_folder.iterdir()] == [f"pytest-tgintegrity-{account.uid}"]


# --- PostgreSQL: TCP


def test_tcp_wants_the_password() -> None:
    with start_postgres(tcp=True) as server:
        assert server.password
        assert ask(server.tcp_url()) == 1
        assert server.password not in repr(server)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.tcp_url().replace(server.password, "wrong"))
        server.restart()
        assert ask(server.tcp_url()) == 1


@pytest.mark.parametrize("start", [start_postgres, start_valkey])
def test_a_port_that_somebody_took_is_given_up_for_another(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = throw_away.free_port()
        ports = iter([taken.getsockname()[1], free])
        monkeypatch.setattr(throw_away, "free_port", lambda: next(ports))

        with start(tcp=True) as server:
            assert server.port == free


# --- PostgreSQL: which


def test_missing_programs_are_reported_with_remedies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TGINTEGRITY_PG_BIN", str(tmp_path))
    monkeypatch.setenv("TGINTEGRITY_VALKEY_BIN", str(tmp_path / "valkey-server"))

    with pytest.raises(ScratchError, match=r"pip install 'pytest-tgintegrity\[demo\]'.* TGINTEGRITY_PG_BIN"):
        start_postgres()
    with pytest.raises(ScratchError, match=r"pip install 'pytest-tgintegrity\[demo\]'.* TGINTEGRITY_VALKEY_BIN"):
        start_valkey()


def test_a_wrapper_script_is_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18.4'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("TGINTEGRITY_PG_BIN", str(tmp_path))

    with pytest.raises(ScratchError, match="no PostgreSQL server was found"):
        find_postgres()


def test_links_to_programs_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_postgres()
    (tmp_path / "postgres").symlink_to(found.directory / "postgres")
    monkeypatch.setenv("TGINTEGRITY_PG_BIN", str(tmp_path))

    assert find_postgres().directory == found.directory


def test_the_newest_server_comes_first_and_a_wanted_one_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TGINTEGRITY_PG_BIN", raising=False)

    newest = find_postgres()
    older = find_postgres(16)

    assert newest.origin in binaries.POSTGRES_WHEELS
    assert newest.major >= older.major == 16
    assert find_postgres(99) == newest


@pytest.mark.skipif(not DEBIAN_15.is_dir(), reason="no PostgreSQL 15 of the distribution")
def test_the_server_of_the_distribution_works_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TGINTEGRITY_PG_BIN", str(DEBIAN_15))

    with open_dataset("numbers", Numbers(), tcp=True) as server:
        assert server.binaries.major == 15
        assert ask(server.tcp_url(), "SELECT current_setting('server_version_num')::int / 10000") == 15
        assert ask(server.tcp_url(), "SELECT count(*) FROM numbers") == 3


# --- Valkey


def test_valkey_answers_restarts_empty_and_dies() -> None:
    with start_valkey() as server, closing(redis.Redis.from_url(server.url)) as client:
        client.set("name", "value")
        assert client.get("name") == b"value"

        server.restart()
        assert client.get("name") is None

        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        server.restart()
        assert client.ping()
    assert traces(server.socket.parent) == []


def test_valkey_wants_its_password_on_tcp() -> None:
    with start_valkey(tcp=True) as server, closing(redis.Redis.from_url(server.url)) as client:
        assert client.ping()
        assert server.password
        assert server.password not in repr(server)
        assert server.password not in "".join(processes_of(server.socket.parent))
        once = Retry(NoBackoff(), 0)
        with closing(redis.Redis(port=server.port, retry=once)) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
