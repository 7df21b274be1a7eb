"""Past runs are kept in a real Valkey; whatever becomes of it, verdicts stand and one line says what is missing."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from harness import HOLDS, VIOLATED, Ran, wait_until
from test_records import NOON, RECORD

from pytest_tgintegrity import history
from pytest_tgintegrity.binaries import find_valkey
from pytest_tgintegrity.errors import HistoryLost
from pytest_tgintegrity.redis_url import parse_redis_url
from pytest_tgintegrity.scratch import ValkeyServer, start_valkey

KEY = f"{history.PREFIX}{RECORD.identity}"


@pytest.fixture(scope="module")
def started() -> Iterator[ValkeyServer]:
    with start_valkey(tcp=True) as server:
        yield server


@pytest.fixture
def client(started: ValkeyServer) -> Iterator[Any]:
    with redis.Redis.from_url(started.url) as client:
        client.replicaof("NO", "ONE")
        client.config_set("maxmemory", 0)
        client.flushall()
        yield client
        client.replicaof("NO", "ONE")
        client.config_set("maxmemory", 0)


@pytest.fixture
def valkey(started: ValkeyServer, client: Any) -> ValkeyServer:
    """An empty server with a password."""
    return started


def append(server: ValkeyServer, **changes: Any) -> None:
    history.append(parse_redis_url(server.url), replace(RECORD, **changes))


def runs(server: ValkeyServer, **wanted: Any) -> list[str]:
    return [one.run for one in history.records(server.url, RECORD.identity, **wanted)]


# --- keeping


def test_a_run_is_kept_whole(valkey: ValkeyServer) -> None:
    append(valkey)
    assert history.records(valkey.url, RECORD.identity) == [RECORD]


def test_each_database_has_its_own_history(valkey: ValkeyServer) -> None:
    append(valkey, identity="9:other")
    assert history.records(valkey.url, RECORD.identity) == []


def test_records_come_oldest_first_whoever_ended_first(valkey: ValkeyServer) -> None:
    append(valkey, run="late", started_at=NOON + timedelta(hours=1))
    append(valkey, run="early")
    assert runs(valkey) == ["early", "late"]


def test_records_before_a_time_are_left_out(valkey: ValkeyServer) -> None:
    append(valkey, run="old", started_at=NOON - timedelta(seconds=1))
    append(valkey, run="new")
    assert runs(valkey, since=NOON) == ["new"]


def test_more_records_than_a_page_are_all_read_once(valkey: ValkeyServer) -> None:
    for number in range(2 * history.PAGE + 1):
        append(valkey, run=f"{number:04}")
    assert runs(valkey) == [f"{number:04}" for number in range(2 * history.PAGE + 1)]


def test_a_history_is_capped_and_expires(valkey: ValkeyServer, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "CAP", 10)
    for _ in range(300):
        append(valkey)
    assert client.xlen(KEY) < 200
    assert 0 < client.ttl(KEY) <= history.LIFE.total_seconds()


def test_runs_at_the_same_time_lose_nothing_of_each_other(valkey: ValkeyServer) -> None:
    threads = [threading.Thread(target=append, args=[valkey], kwargs={"run": f"r{n}"}) for n in range(16)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(runs(valkey)) == sorted(f"r{n}" for n in range(16))


def test_foreign_and_corrupt_entries_are_counted_and_left_alone(valkey: ValkeyServer, client: Any) -> None:
    append(valkey)
    client.xadd(KEY, {"record": "{"})
    client.xadd(KEY, {"record": b"\xff\xfe"})
    client.xadd(KEY, {"somebody": "else's"})
    client.xadd(KEY, {"record": '{"version": 99}'})
    past = history.read(parse_redis_url(valkey.url), RECORD.identity)
    assert (past.records, past.foreign) == ((RECORD,), 4)
    assert client.xlen(KEY) == 5


def test_a_socket_is_an_address_too() -> None:
    with start_valkey() as server:
        append(server)
        assert runs(server) == [RECORD.run]


# --- complaints


def complaint(server: ValkeyServer, url: str | None = None) -> str:
    with pytest.raises(HistoryLost) as caught:
        history.append(parse_redis_url(url or server.url), RECORD)
    assert server.password is not None
    assert server.password not in str(caught.value)
    return str(caught.value)


def test_a_full_server_is_named_so(valkey: ValkeyServer, client: Any) -> None:
    client.config_set("maxmemory", 1)
    assert "is full" in complaint(valkey)


def test_a_replica_is_named_so(valkey: ValkeyServer, client: Any) -> None:
    client.replicaof("127.0.0.1", 1)
    assert "is a read-only replica" in complaint(valkey)


def test_a_wrong_password_is_named_so_and_not_shown(valkey: ValkeyServer) -> None:
    told = complaint(valkey, f"redis://:wrong-pass-7@127.0.0.1:{valkey.port}/0")
    assert "does not let us in" in told
    assert "wrong-pass-7" not in told


def test_a_key_of_another_kind_is_refused(valkey: ValkeyServer, client: Any) -> None:
    client.set(KEY, "somebody's")
    assert "refused: " in complaint(valkey)


def test_a_server_that_does_not_answer_costs_seconds(valkey: ValkeyServer, client: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(history, "TIMEOUT", 0.2)
    with redis.Redis.from_url(valkey.url) as other:
        other.execute_command("CLIENT", "PAUSE", "1000", "WRITE")
    assert "did not answer within 0.2 s" in complaint(valkey)
    client.execute_command("CLIENT", "UNPAUSE")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1, signed by itself, with its key in the same file."""
    path = tmp_path / "tls.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*words.split(), "-keyout", path, "-out", tmp_path / "c.pem"], check=True, capture_output=True)
    path.write_text(path.read_text() + (tmp_path / "c.pem").read_text())
    return path


@pytest.fixture
def tls_port(certificate: Path, valkey: ValkeyServer) -> Iterator[int]:
    """A port that speaks TLS, and passes on to the server what it hears."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    writers: list[asyncio.StreamWriter] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", valkey.port)
        writers.extend([writer, there[1]])
        await asyncio.gather(copy(reader, there[1]), copy(there[0], writer), return_exceptions=True)

    async def finish() -> None:
        listening.close()
        for one in writers:
            one.close()
        await asyncio.gather(*(one.wait_closed() for one in writers), return_exceptions=True)
        await asyncio.sleep(0.2)  # for transports whose handshake failed: nobody else knows them

    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(asyncio.start_server(forward, "127.0.0.1", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield listening.sockets[0].getsockname()[1]
    asyncio.run_coroutine_threadsafe(finish(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_tls_is_spoken_where_the_url_says_so(valkey: ValkeyServer, tls_port: int, certificate: Path) -> None:
    url = f"rediss://:{valkey.password}@127.0.0.1:{tls_port}/0?ssl_ca_certs={certificate}"
    history.append(parse_redis_url(url), RECORD)
    assert history.records(url, RECORD.identity) == [RECORD]


def test_a_certificate_that_nobody_vouches_for_is_not_believed(valkey: ValkeyServer, tls_port: int) -> None:
    told = complaint(valkey, f"rediss://:{valkey.password}@127.0.0.1:{tls_port}/0")
    assert "CERTIFICATE_VERIFY_FAILED" in told


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """The URL of a cluster of one node."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command: list[str | Path] = [
        find_valkey().path,
        "--port",
        str(port),
        "--cluster-enabled",
        "yes",
        "--dir",
        tmp_path,
        "--save",
        "",
    ]
    command += ["--bind", "127.0.0.1", "--cluster-port", str(port - 10_000)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as node:
        with redis.Redis(port=port, socket_timeout=2) as client:
            wait_until(lambda: _answers(client))
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            wait_until(lambda: "cluster_state:ok" in str(client.execute_command("CLUSTER", "INFO")))
        yield f"redis+cluster://127.0.0.1:{port}"
        node.kill()


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_a_cluster_keeps_records_and_is_flushed(cluster: str) -> None:
    address = parse_redis_url(cluster)
    history.append(address, RECORD)
    assert history.records(cluster, RECORD.identity) == [RECORD]
    with redis.RedisCluster.from_url(address.url) as client:
        for number in range(20):
            client.set(f"tg:{number}", 1)
    assert history.flush(address, "tg", ["tg:7"]) == history.Flushed(deleted=19, kept=2)


def test_a_cluster_is_asked_for_its_nodes(valkey: ValkeyServer) -> None:
    told = complaint(valkey, valkey.url.replace("redis://", "redis+cluster://"))
    assert "luster" in told


# --- flushing


def test_keys_of_a_prefix_go_and_sessions_stay(valkey: ValkeyServer, client: Any) -> None:
    keys = ["tg:1:page", "tg:1:django.contrib.sessions.cacheabc", "asgi:group:scene_1", "tgx:1", f"{history.OWN}x"]
    for key in [*keys, *(f"tg:1:n{n}" for n in range(500))]:
        client.set(key, 1)
    flushed = history.flush(parse_redis_url(valkey.url), "tg:", ["tg:*:django.contrib.sessions.*"])
    assert (flushed.deleted, flushed.kept) == (501, 1)
    assert sorted(client.keys()) == sorted(one.encode() for one in keys[1:])


def test_our_own_keys_are_never_flushed(valkey: ValkeyServer, client: Any) -> None:
    append(valkey)
    client.set("tg", 1)
    flushed = history.flush(parse_redis_url(valkey.url), "tg", [])
    assert (flushed.deleted, flushed.kept) == (1, 1)
    assert client.exists(KEY)


def test_a_prefix_is_no_pattern(valkey: ValkeyServer, client: Any) -> None:
    client.set("tg:1", 1)
    assert history.flush(parse_redis_url(valkey.url), "t[g]*", []).deleted == 0


# --- whole runs

Check = Callable[..., Ran]


def test_a_run_is_compared_with_the_one_before(check: Check, valkey: ValkeyServer, grows: Callable[[int], str]) -> None:
    first = check(GROWN, f"--redis-url={valkey.url}", url=grows(0))
    told = first.integrity["history"]
    assert (told["recorded"], told["reason"], told["foreign_records"]) == (True, None, 0)
    assert (told["previous_score"], told["worse"], told["new"]) == (None, [], [])
    second = check(GROWN, f"--redis-url={valkey.url}", url=grows(2))
    assert second.integrity["history"]["previous_score"] == 100
    assert [one["score"] for one in second.integrity["history"]["trend"]] == [100, 85]
    assert [(one["before"], one["now"]) for one in second.integrity["history"]["new"]] == [(0, 2)]
    assert "trend      85, 100 before; 85 to 100 in 2 runs █▇" in second.out
    third = check(GROWN, f"--redis-url={valkey.url}", "-q", url=grows(1))
    assert [(one["before"], one["now"]) for one in third.integrity["history"]["worse"]] == [(2, 3)]
    assert "trend      85, 85 before; 85 to 100 in 3 runs █▇▇" in third.out
    assert "test_items.py::test_grown: 2 violations → 3" in third.out
    assert third.integrity["history"]["new"] == []


GROWN = """
@rule.between("grown", "size", 1, 15, severity="high")
def test_grown(violations):
    \"\"\"Sizes are one to fifteen.\"\"\"
    assert not violations
"""


@pytest.fixture
def grows(make_database: Callable[[str], str]) -> Callable[[int], str]:
    """Add violations to a database, and give its URL."""
    import psycopg

    url = make_database("CREATE TABLE grown (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, size int)")

    def grow(count: int) -> str:
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO grown (size) SELECT 99 FROM generate_series(1, %s)", [count])
        return url

    return grow


def test_without_redis_there_is_no_history_and_the_summary_says_so(check: Check) -> None:
    ran = check(HOLDS)
    assert ran.integrity["history"] is None
    assert "history    none: --redis-url says where runs are kept" in ran.out
    assert ran.status == 0


def test_a_server_killed_in_mid_run_leaves_the_verdicts_alone(check: Check) -> None:
    with start_valkey(tcp=True) as server:
        kills = f"""
@rule.not_null("item", "name", severity="high")
def test_kills(violations):
    \"\"\"Redis dies meanwhile.\"\"\"
    os.kill({server.pid}, 9)
    assert not violations
"""
        ran = check(kills, VIOLATED, f"--redis-url={server.url}")
    assert ran.verdicts == {"test_kills": "passed", "test_violated": "failed"}
    assert ran.status == 1
    assert ran.integrity["history"]["recorded"] is False
    assert f"no history this run was not recorded: Redis at 127.0.0.1:{server.port} cannot be reached" in ran.out
    assert ran.integrity["health"]["score"] == 85


def test_the_quiet_summary_tells_how_many_rules_got_worse_and_what_is_missing(
    check: Check, valkey: ValkeyServer, client: Any, grows: Callable[[int], str]
) -> None:
    twice = GROWN + GROWN.replace("test_grown", "test_grown_too")
    check(twice, f"--redis-url={valkey.url}", url=grows(0))
    client.config_set("maxmemory", 1)
    ran = check(twice, f"--redis-url={valkey.url}", "-q", url=grows(1))
    assert "new        2 rules, the gravest first" in ran.out
    assert "no history this run was not recorded" in ran.out


def test_the_same_rules_have_the_same_digest_in_each_run(check: Check, valkey: ValkeyServer, client: Any) -> None:
    for _ in range(2):
        check(HOLDS, VIOLATED, f"--redis-url={valkey.url}", subprocess=True)
    (key,) = client.keys(f"{history.PREFIX}*")
    first, second = history.records(valkey.url, key.decode().removeprefix(history.PREFIX))
    assert first.digest == second.digest


def test_a_full_server_still_tells_what_was_before(check: Check, valkey: ValkeyServer, client: Any) -> None:
    check(HOLDS, f"--redis-url={valkey.url}")
    client.config_set("maxmemory", 1)
    ran = check(HOLDS, f"--redis-url={valkey.url}")
    assert (ran.status, ran.integrity["history"]["recorded"]) == (0, False)
    assert ran.integrity["history"]["previous_score"] == 100
    assert "is full" in ran.integrity["history"]["reason"]


def test_the_password_of_redis_is_shown_nowhere(check: Check, valkey: ValkeyServer) -> None:
    assert valkey.password is not None
    shows = f"""
def test_shows(request):
    print({valkey.url!r})
    assert 0

def test_hides(request):
    assert request.config.option.tgintegrity_redis_url == "(hidden)"
    assert "--redis-url=***" in request.config.invocation_params.args
"""
    ran = check(HOLDS, shows, f"--redis-url={valkey.url}", "--debug=debug.log")
    assert "1 failed, 2 passed" in ran.out
    assert valkey.password not in ran.said + ran.text + (ran.path.parent / "debug.log").read_text()


def test_the_url_may_come_from_the_environment(
    check: Check, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TGINTEGRITY_REDIS_URL", valkey.url)
    assert check(HOLDS).integrity["history"]["recorded"] is True


def test_workers_make_one_record_together(check: Check, valkey: ValkeyServer, client: Any) -> None:
    ran = check(HOLDS, VIOLATED, "-n2", f"--redis-url={valkey.url}")
    assert ran.integrity["history"]["recorded"] is True
    (key,) = client.keys(f"{history.PREFIX}*")
    assert client.xlen(key) == 1


def test_the_embedded_server_needs_no_set_up(check: Check) -> None:
    assert check(HOLDS, "--redis-url=demo").integrity["history"]["recorded"] is True


@pytest.mark.parametrize("url", ["localhost", "http://x/", "redis://h:nan/", "unix://", "redis://h/p@ss"])
def test_a_url_that_is_none_of_redis_is_refused_in_one_line(check: Check, url: str) -> None:
    ran = check(HOLDS, f"--redis-url={url}")
    assert ran.status == 4
    assert "--redis-url" in ran.err
    assert "rediss:// for TLS" in ran.err
    assert "p@ss" not in ran.said


def test_rollback_rate_and_deadlocks_are_kept(check: Check, valkey: ValkeyServer, client: Any) -> None:
    check(HOLDS, f"--redis-url={valkey.url}")
    (key,) = client.keys(f"{history.PREFIX}*")
    (record,) = history.records(valkey.url, key.decode().removeprefix(history.PREFIX))
    assert record.rollback_rate is not None
    assert 0 <= record.rollback_rate <= 1
    assert record.deadlocks == 0


# --- caches after a repair

MENDED = """
@rule.between("grown", "size", 1, 15, severity="high", fix="clamp")
def test_grown(violations):
    \"\"\"Sizes are one to fifteen.\"\"\"
    assert not violations
"""
CACHES = 'note = "Pages are stale."\nprefix = "tg:"\nkeep = ["tg:*:sessions*"]\n'


@pytest.fixture
def caches(pytester: pytest.Pytester, client: Any) -> Any:
    (pytester.path / "caches.toml").write_text(CACHES)
    client.mset({"tg:1:page": 1, "tg:1:sessions1": 1, "other": 1})
    return client


def test_a_repair_tells_which_caches_are_stale(check: Check, caches: Any, grows: Callable[[int], str]) -> None:
    ran = check(MENDED, "--fix", url=grows(1))
    assert "caches     Pages are stale. (delete them: --redis-flush-prefix tg:)" in ran.out
    assert ran.integrity["caches"]["deleted"] is None


def test_a_repair_that_wrote_nothing_leaves_nothing_stale(
    check: Check, caches: Any, valkey: ValkeyServer, grows: Callable[[int], str]
) -> None:
    ran = check(MENDED, "--fix", f"--redis-url={valkey.url}", "--redis-flush-prefix=tg:", url=grows(0))
    assert "caches" not in ran.integrity
    assert caches.exists("tg:1:page")


def test_stale_keys_are_deleted_on_demand(
    check: Check, caches: Any, valkey: ValkeyServer, grows: Callable[[int], str]
) -> None:
    ran = check(MENDED, "--fix", f"--redis-url={valkey.url}", "--redis-flush-prefix=tg:", url=grows(1))
    assert "caches     1 key deleted under tg:, 1 kept" in ran.out
    assert not caches.exists("tg:1:page")
    assert caches.exists("tg:1:sessions1", "other") == 2


def test_a_flush_that_fails_is_told_and_not_fatal(
    check: Check, caches: Any, valkey: ValkeyServer, grows: Callable[[int], str]
) -> None:
    caches.replicaof("127.0.0.1", 1)
    ran = check(MENDED, "--fix", f"--redis-url={valkey.url}", "--redis-flush-prefix=tg:", url=grows(1))
    assert ran.status == 0
    assert "is a read-only replica" in ran.integrity["caches"]["error"]
    assert "nothing was deleted, or not all: Redis at" in ran.out


def test_flushing_without_a_repair_is_refused(check: Check, valkey: ValkeyServer) -> None:
    ran = check(HOLDS, f"--redis-url={valkey.url}", "--redis-flush-prefix=tg:")
    assert ran.status == 4
    assert "needs --fix and --redis-url" in ran.err
