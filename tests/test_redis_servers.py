"""TLS, clusters and users with few rights: whatever kind of server keeps the history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis_kinds import certified, cluster_node, free_port, speaking_tls
from streams import SECONDS, complaint
from test_records import RECORD

from pytest_tgintegrity import history
from pytest_tgintegrity.redis_url import parse_redis_url
from pytest_tgintegrity.scratch import ValkeyServer


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
    assert "luster" in told
