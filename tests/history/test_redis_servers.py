"""TLS, clusters and users with few rights: whatever kind of server keeps the history."""

from __future__ import annotations

import gc
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from harness import wait_until
from pytest_tgintegrity.errors import HistoryLost
from pytest_tgintegrity.history import redis_store as history
from pytest_tgintegrity.history.redis_address import parse_redis_url
from pytest_tgintegrity.servers.valkey import ValkeyServer
from records import RECORD
from redis_kinds import certified, cluster_node, free_port, speaking_tls
from streams import SECONDS, complaint


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certified(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def tls_port(certificate: Path, valkey: ValkeyServer) -> Iterator[int]:
    with speaking_tls(valkey.port, certificate) as port:
        yield port


def test_tls_is_spoken_where_the_url_says_so(valkey: ValkeyServer, tls_port: int, certificate: Path) -> None:
    url = f"rediss://:{valkey.password}@127.0.0.1:{tls_port}/0?ssl_ca_certs={certificate}"
    history.append(parse_redis_url(url), RECORD, SECONDS)
    assert history.records(url, RECORD.identity) == [RECORD]


def test_a_certificate_that_nobody_vouches_for_is_not_believed(valkey: ValkeyServer, tls_port: int) -> None:
    told = complaint(valkey, f"rediss://:{valkey.password}@127.0.0.1:{tls_port}/0")
    assert "CERTIFICATE_VERIFY_FAILED" in told


@pytest.fixture(scope="module")
def cluster_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    with cluster_node(port, tmp_path_factory.mktemp("cluster")):
        yield port


@pytest.fixture
def cluster(cluster_port: int) -> str:
    """The URL of an empty cluster of one node."""
    with redis.Redis(port=cluster_port) as client:
        client.flushall()
    return f"redis+cluster://127.0.0.1:{cluster_port}"


def test_a_cluster_keeps_records_and_is_flushed(cluster: str) -> None:
    address = parse_redis_url(cluster)
    history.append(address, RECORD, SECONDS)
    assert history.records(cluster, RECORD.identity) == [RECORD]
    with redis.RedisCluster.from_url(address.url) as client:
        for number in range(20):
            client.set(f"tg:{number}", 1)
    assert history.flush(address, "tg", ["tg:7"]) == history.Flushed(deleted=19, kept=3)


def test_a_cluster_is_asked_for_its_nodes(valkey: ValkeyServer) -> None:
    told = complaint(valkey, valkey.url.replace("redis://", "redis+cluster://"))
    assert "refused: This instance has cluster support disabled" in told


@pytest.fixture
def tls_cluster(certificate: Path, tmp_path: Path) -> Iterator[str]:
    """The URL of a cluster whose node says that it is reached where TLS is spoken."""
    port = free_port()
    with speaking_tls(port, certificate) as told, cluster_node(port, tmp_path, cluster_announce_port=told):
        with redis.Redis(port=port) as client:
            client.config_set("requirepass", "cluster-pass-5")
        yield f"rediss+cluster://:cluster-pass-5@127.0.0.1:{told}/?ssl_ca_certs={certificate}"


def test_a_cluster_may_speak_tls(tls_cluster: str) -> None:
    history.append(parse_redis_url(tls_cluster), RECORD, SECONDS)
    assert history.records(tls_cluster, RECORD.identity) == [RECORD]
    with pytest.raises(HistoryLost, match="CERTIFICATE_VERIFY_FAILED"):
        history.read(parse_redis_url(tls_cluster.partition("?")[0]), RECORD.identity)


# --- what is wrong with a cluster


def refusal(url: str) -> str:
    """Why a run could not be added, which took no longer than it may, left no socket open and shows no password."""
    began = time.monotonic()
    with pytest.raises(HistoryLost) as caught:
        history.append(parse_redis_url(url), RECORD, SECONDS)
    assert time.monotonic() - began < history.DEADLINE + 5
    assert "-pass-" not in str(caught.value)
    gc.collect()  # what nobody closed would warn here
    return str(caught.value)


@pytest.mark.parametrize(("name", "value"), [("cluster-announce-port", 1), ("cluster-announce-ip", "nowhere.invalid")])
def test_a_node_that_announces_another_address_is_told(tmp_path: Path, name: str, value: Any) -> None:
    port = free_port()
    with cluster_node(port, tmp_path, **{name: value}):
        assert "cannot be reached" in refusal(f"redis+cluster://127.0.0.1:{port}")


def test_a_cluster_that_lost_slots_is_told(tmp_path: Path) -> None:
    port = free_port()
    with cluster_node(port, tmp_path):
        with redis.Redis(port=port) as client:
            client.execute_command("CLUSTER", "DELSLOTSRANGE", 0, 16382)
            wait_until(lambda: "cluster_state:fail" in str(client.execute_command("CLUSTER", "INFO")))
        told = refusal(f"redis+cluster://127.0.0.1:{port}")
    assert f"Redis at 127.0.0.1:{port} " in told


def test_a_node_that_hangs_costs_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "TIMEOUT", 0.3)
    port = free_port()
    with cluster_node(port, tmp_path) as pid:
        os.kill(pid, signal.SIGSTOP)
        assert "did not answer within 0.3 s" in refusal(f"redis+cluster://127.0.0.1:{port}")


def test_a_cluster_that_is_down_is_told() -> None:
    assert "cannot be reached" in refusal(f"redis+cluster://:some-pass-3@127.0.0.1:{free_port()}")


# --- users with few rights

NEEDED = "+get +set +xadd +expire +xrevrange"
OF_A_CLUSTER = "+cluster|slots +command"


def restricted(client: Any, rights: str) -> None:
    client.execute_command("ACL", "SETUSER", "tg", "reset", "on", ">acl-pass-1", "~tgintegrity:*", *rights.split())


def kept(url: str) -> tuple[object, ...]:
    """What is there after all that runs, baselines and gates do."""
    address = parse_redis_url(url)
    history.append(address, RECORD, SECONDS)
    history.pin(address, RECORD.identity, "pinned")
    past = history.read(address, RECORD.identity).records
    return past, history.seconds(url, RECORD.identity), history.pinned(address, RECORD.identity)


EVERYTHING = ((RECORD,), {RECORD.run: SECONDS}, "pinned")


@pytest.mark.parametrize(("database", "rights"), [(0, NEEDED), (2, f"{NEEDED} +select")])
def test_the_rights_that_the_manual_names_suffice(
    valkey: ValkeyServer, client: Any, database: int, rights: str
) -> None:
    restricted(client, rights)
    assert kept(f"redis://tg:acl-pass-1@127.0.0.1:{valkey.port}/{database}") == EVERYTHING


def test_the_rights_that_the_manual_names_for_a_cluster_suffice(cluster: str, cluster_port: int) -> None:
    with redis.Redis(port=cluster_port) as client:
        restricted(client, f"{NEEDED} {OF_A_CLUSTER}")
    assert kept(cluster.replace("://", "://tg:acl-pass-1@")) == EVERYTHING


def test_rights_are_those_of_the_manual() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "history.md").read_text()
    assert f"`{NEEDED}` on `~tgintegrity:*`" in manual
    assert f"`{OF_A_CLUSTER}`" in manual


@pytest.mark.parametrize("right", NEEDED.split())
def test_a_right_that_lacks_is_named(valkey: ValkeyServer, client: Any, right: str) -> None:
    restricted(client, NEEDED.replace(right, ""))
    with pytest.raises(HistoryLost, match=f"does not allow it: .*'{right[1:]}'") as caught:
        kept(f"redis://tg:acl-pass-1@127.0.0.1:{valkey.port}")
    assert "acl-pass-1" not in str(caught.value)


@pytest.mark.parametrize(
    ("rights", "password", "why"),
    [
        (NEEDED, "acl-pass-1", "does not allow it: .*'cluster.slots'"),
        (f"{NEEDED} +cluster|slots", "acl-pass-1", "does not allow it: .*'command'"),
        (f"{NEEDED} {OF_A_CLUSTER}", "wrong-pass-8", "does not let us in: "),
    ],
)
def test_what_a_cluster_does_not_grant_is_named(
    cluster: str, cluster_port: int, rights: str, password: str, why: str
) -> None:
    with redis.Redis(port=cluster_port) as client:
        restricted(client, rights)
    assert re.search(why, refusal(cluster.replace("://", f"://tg:{password}@")))
