"""Whatever stands in a URL of Redis works or is refused in a sentence; and whatever lies in Redis stops no run."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
import redis

from harness import HOLDS, RunRules
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.history import redis_store as history
from pytest_tgintegrity.history.redis_address import parse_redis_url
from pytest_tgintegrity.servers.valkey import ValkeyServer
from records import ODD, RECORD

WORK = ["db=3", "client_name=it", "db=3&client_name=it", ""]
KNOWN = sorted(
    {*inspect.signature(redis.Redis).parameters, *redis.connection.URL_QUERY_ARGUMENT_PARSERS, "nonsense", "DB", "path"}
    - {"self", "db", "username", "password", "client_name", "connection_pool"}
)
"""All that the library might take, and more."""


def kept(url: str, client: Any) -> list[str]:
    """Add a run and read it."""
    client.flushall()
    history.append(parse_redis_url(url), RECORD, {"a": 1.0})
    return [one.run for one in history.records(url, RECORD.identity)]


@pytest.mark.parametrize("query", WORK)
def test_options_that_work(valkey: ValkeyServer, client: Any, query: str) -> None:
    address = valkey.url.rstrip("/0")
    assert kept(f"{address}/?{query}", client) == [RECORD.run]
    assert [one["db"] for one in client.client_list() if one["name"] == "it"] in ([], ["3"], ["0"])


def test_a_user_and_a_password_may_stand_there(valkey: ValkeyServer, client: Any) -> None:
    """And are as secret as elsewhere."""
    url = f"redis://127.0.0.1:{valkey.port}?username=default&password={valkey.password}"
    address = parse_redis_url(url)

    assert kept(url, client) == [RECORD.run]
    assert valkey.password
    assert valkey.password not in repr(address) + address.shown
    assert valkey.password in address.secrets.words


@pytest.mark.parametrize("name", KNOWN)
def test_options_that_are_not_known_are_refused(valkey: ValkeyServer, name: str) -> None:
    for value in ("true", "1", ""):
        with pytest.raises(UsageError, match="means nothing here"):
            parse_redis_url(f"{valkey.url}?{name}={value}")
        with pytest.raises(UsageError, match="means nothing here"):
            parse_redis_url(f"unix:///run/redis.sock?db=1&{name}={value}")


@pytest.mark.parametrize(
    "url",
    [
        "redis://h?db=x", "redis://h?db=-1", "redis://h?db=", "redis://h?db", "redis://h?db=1&db=2", "redis://h/x", "redis://h/1/2",
        "redis://h/-1", "redis://h/1?db=2", "redis://h#x", "redis://h/?#x", "redis://h?client_name=", "redis://h?client_name=a%0Ab",
        "rediss://h?ssl_cert_reqs=perhaps", "rediss://h?ssl_check_hostname=maybe", "rediss://h?ssl_ca_certs=", "redis://h?db=9999999999",
        "redis://h/%31%2F2", "redis://h?&x", "redis+cluster://h?read_from_replicas=true", "unix:///s?ssl_ca_certs=x", "redis://h?db=%00",
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(url: str) -> None:
    """In one sentence that does not say the URL again."""
    with pytest.raises(UsageError) as raised:
        parse_redis_url(url)
    assert "\n" not in str(raised.value)
    assert "%" not in str(raised.value).replace("percent", "")


@pytest.mark.parametrize("query", ["decode_responses=true", "socket_timeout=9999", "protocol=3", "nonsense=1"])
def test_a_run_is_refused_in_a_sentence(check: RunRules, valkey: ValkeyServer, query: str) -> None:
    ran = check(HOLDS, f"--redis-url={valkey.url}?{query}")

    assert ran.status == 4
    assert "ERROR: --redis-url has an option that means nothing here" in ran.err
    assert "Traceback" not in ran.said


def test_a_file_that_is_not_there_is_told(check: RunRules, valkey: ValkeyServer) -> None:
    ran = check(HOLDS, f"--redis-url=rediss://127.0.0.1:{valkey.port}?ssl_ca_certs=/nowhere.pem")

    assert ran.status == 0
    assert "no history" in ran.out


def test_no_entry_stops_a_run(check: RunRules, valkey: ValkeyServer, client: Any) -> None:
    """A thousand that are odd: the verdict is that of the data, and those that cannot be read are counted."""
    check(HOLDS, f"--redis-url={valkey.url}")
    (key,) = client.keys(f"{history.PREFIX}*")
    good = json.loads(history.records(valkey.url, key.decode().removeprefix(history.PREFIX))[0].to_json())
    odd = [json.dumps({**good, "run": "odd", name: one}) for name in good for one in ODD]
    with client.pipeline(transaction=False) as pipeline:
        for text in [*odd, "[" * 90_000, "", "null", json.dumps({**good, "score": "@"}).replace('"@"', "9" * 6000)]:
            pipeline.xadd(key, {"record": text})
        pipeline.xadd(key, {"record": b"x\x9c"})
        pipeline.xadd(key, {"rules": b"\xff", "seconds": b"x", "record": json.dumps(good)})
        pipeline.set(f"{history.BASELINE}{key.decode().removeprefix(history.PREFIX)}", '{"version": 2, "pinned_at": 1}')
        pipeline.execute()
    ran = check(
        HOLDS,
        f"--redis-url={valkey.url}",
        "--html-report=page.html",
        "--metrics=tg.prom",
        "--gate=staging",
        "--baseline=show",
    )

    assert ran.status == 7, "the gate is asked, and shut"
    assert ran.verdicts == {"test_holds": "passed"}
    assert ran.integrity["history"]["foreign_records"] > len(odd) / 3
    assert "Traceback" not in ran.said
    assert "cannot be read, left alone" in ran.out
