"""Whatever becomes of Redis during a run, verdicts stand and one line says what is missing."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import redis

import harness
from harness import HOLDS, VIOLATED, Ran
from pytest_tgintegrity.history import redis_store as history
from pytest_tgintegrity.history.packing import packed, unpacked
from pytest_tgintegrity.servers.valkey import ValkeyServer, start_valkey
from rule_texts import PROBES

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


MEANWHILE = """
import harness

@rule.not_null("item", "name", severity="high")
def test_meanwhile(violations):
    \"\"\"Something happens to Redis.\"\"\"
    harness.meanwhile()
    assert not violations
"""


@pytest.mark.parametrize("lost", ["flushed", "restarted"])
def test_a_history_that_is_lost_in_mid_run_begins_anew(
    check: Check, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    with start_valkey(tcp=True) as server:
        where = f"--redis-url={server.url}"
        with redis.Redis.from_url(server.url) as client:
            ways: dict[str, Callable[[], object]] = {"flushed": client.flushall, "restarted": server.restart}
            monkeypatch.setattr(harness, "meanwhile", lambda: None, raising=False)
            before = check(MEANWHILE, VIOLATED, where)
            monkeypatch.setattr(harness, "meanwhile", ways[lost])
            after = check(MEANWHILE, VIOLATED, where, "--gate=staging")
    assert after.verdicts == before.verdicts == {"test_meanwhile": "passed", "test_violated": "failed"}
    assert after.integrity["history"]["recorded"] is True
    assert len(after.integrity["history"]["trend"]) == 1
    assert "85, the first run of its kind on record" in after.out
    assert "clean days" in [one["name"] for one in after.integrity["gate"]["conditions"] if not one["passed"]]


def killed(server: ValkeyServer) -> None:
    server.kill()


def stopped(server: ValkeyServer) -> None:
    os.kill(server.pid, signal.SIGSTOP)


@pytest.mark.parametrize("step", ["read", "append", "pinned"])
@pytest.mark.parametrize(("ends", "why"), [(killed, "cannot be reached"), (stopped, "did not answer within 0.4 s")])
def test_a_server_that_ends_or_hangs_at_any_step_leaves_the_verdicts_alone(
    check: Check, monkeypatch: pytest.MonkeyPatch, step: str, ends: Callable[[ValkeyServer], None], why: str
) -> None:
    monkeypatch.setattr(history, "TIMEOUT", 0.4)
    real: Callable[..., object] = getattr(history, step)
    with start_valkey(tcp=True) as server:
        check(HOLDS, VIOLATED, PROBES, f"--redis-url={server.url}")

        def at_last(*args: object) -> object:
            ends(server)
            return real(*args)

        monkeypatch.setattr(history, step, at_last)
        began = time.monotonic()
        ran = check(f"--redis-url={server.url}", "--probe", "--gate=staging")
        assert time.monotonic() - began < 20  # three times 0.4 seconds, and the run itself
    assert ran.verdicts == {"test_holds": "passed", "test_violated": "failed"}
    assert (ran.status, ran.integrity["health"]["score"]) == (1, 85)
    told = ran.integrity["history"]
    assert told["recorded"] is False
    assert (told["previous_score"] is None) is (step == "read")
    assert f"Redis at 127.0.0.1:{server.port} {why}" in told["reason"]


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


GROWN_BEFORE = (
    "Rule(kind=Between(source='grown', column='size', low=1, high=15), severity='high', fix=None, fix_hint=None,"
    " fix_allows=(), breaks=None, overlaps=(), show=(), tags=(), enforced_by=None, since=None, timeout=None)"
)
"""What the release before `Rule.canonical` made the name of the set of rules of, where it was `GROWN` alone."""


@pytest.mark.parametrize(("written", "before"), [(GROWN_BEFORE, "passed"), ("another rule", "not known")])
def test_a_run_of_an_earlier_release_counts_as_one_of_these_rules_if_it_names_them(
    check: Check, valkey: ValkeyServer, client: Any, grows: Callable[[int], str], written: str, before: str
) -> None:
    (told,) = check(GROWN, f"--redis-url={valkey.url}", url=grows(0)).integrity["rules"]
    called = hashlib.sha256(f"{told['id']}\0{written}".encode()).hexdigest()
    (key,) = client.keys(f"{history.PREFIX}*")
    ((number, entry),) = client.xrange(key)
    record = unpacked(entry[history.FIELD.encode()])
    now = json.loads(record)["digest"]
    client.xdel(key, number)
    client.xadd(key, {**entry, history.FIELD: packed(record.replace(now, called))})
    ran = check(GROWN, f"--redis-url={valkey.url}", url=grows(1))
    assert ran.integrity["run"]["rule_set_digest"] == now != called
    assert list(ran.integrity["history"]["rules"].values()) == [[before, "failed"]]


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


def test_an_undo_leaves_caches_stale_too(
    check: Check, caches: Any, valkey: ValkeyServer, grows: Callable[[int], str]
) -> None:
    url = grows(1)
    check(MENDED, "--fix", url=url)
    told = check("--undo=last", url=url)
    assert "caches     Pages are stale. (delete them: --redis-flush-prefix tg:)" in told.out
    check("--fix", url=url)
    undone = check("--undo=last", f"--redis-url={valkey.url}", "--redis-flush-prefix=tg:", url=url)
    assert "caches     1 key deleted under tg:, 1 kept" in undone.out
    assert undone.integrity["caches"]["deleted"] == 1
    assert caches.exists("tg:1:sessions1", "other") == 2


def test_an_undo_that_does_not_know_what_to_keep_takes_back_and_deletes_nothing(
    check: Check, caches: Any, valkey: ValkeyServer, pytester: pytest.Pytester, grows: Callable[[int], str]
) -> None:
    url = grows(1)
    check(MENDED, "--fix", url=url)
    (pytester.path / "caches.toml").unlink()
    ran = check("--undo=last", f"--redis-url={valkey.url}", "--redis-flush-prefix=tg:", url=url, subprocess=True)
    assert ran.status == 4
    assert "finds no caches.toml" in ran.err
    assert caches.exists("tg:1:page", "tg:1:sessions1") == 2
    assert "undone by" not in check("--fix-history", url=url).out


def test_flushing_without_a_repair_is_refused(check: Check, valkey: ValkeyServer) -> None:
    ran = check(HOLDS, f"--redis-url={valkey.url}", "--redis-flush-prefix=tg:")
    assert ran.status == 4
    assert "needs --fix or --undo, and --redis-url" in ran.err
