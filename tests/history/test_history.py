"""Past runs are kept in a real Valkey; what is wrong with a server is told in one sentence."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from pytest_tgintegrity.deployment.gate import clean_since
from pytest_tgintegrity.errors import HistoryLost
from pytest_tgintegrity.history import redis_store as history
from pytest_tgintegrity.history.redis_address import parse_redis_url
from pytest_tgintegrity.servers.valkey import ValkeyServer, start_valkey
from records import NOON, RECORD
from streams import KEY, SECONDS, append, complaint, runs

# --- keeping


def test_a_run_is_kept_whole(valkey: ValkeyServer) -> None:
    append(valkey)
    assert history.records(valkey.url, RECORD.identity) == [RECORD]


def test_what_each_rule_took_is_kept_and_its_name_once(valkey: ValkeyServer, client: Any) -> None:
    append(valkey)
    append(valkey, run="a2")
    assert history.seconds(valkey.url, RECORD.identity) == {"a1": SECONDS, "a2": SECONDS}
    (rules,) = client.keys(f"{history.RULES}*")
    assert 0 < client.ttl(rules) <= history.LIFE.total_seconds()
    client.delete(rules)
    assert history.seconds(valkey.url, RECORD.identity) == {}


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


def test_runs_every_five_minutes_are_all_there_after_a_fortnight(valkey: ValkeyServer, client: Any) -> None:
    """More than a gate looks back on, so that its clean days are never counted from a part of them."""
    today = replace(RECORD, started_at=NOON, period=None, scopes={}, counts={"passed": 10}, score=100, unknown=())
    every = [replace(today, run=f"r{n}", started_at=NOON - timedelta(minutes=5 * n)) for n in range(14 * 288, 0, -1)]
    with client.pipeline(transaction=False) as pipeline:
        for one in every:
            pipeline.xadd(KEY, {history.FIELD: one.to_json()}, maxlen=history.CAP, approximate=True)
        pipeline.execute()
    past = history.read(parse_redis_url(valkey.url), RECORD.identity)
    assert past.records == tuple(every)
    assert clean_since(past.records, today, NOON)[0] == NOON.date() - timedelta(days=14)


def test_no_more_is_read_than_there_is_room_for(valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        append(valkey, run=f"r{number}")
    monkeypatch.setattr(history, "ROOM", 2.5 * len(RECORD.to_json()))
    past = history.read(parse_redis_url(valkey.url), RECORD.identity)
    assert [one.run for one in past.records] == ["r6", "r7", "r8"]
    assert len(runs(valkey)) == 9


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
    assert (past.records, len(past.unreadable)) == ((RECORD,), 4)
    assert all(abs(added - datetime.now(UTC)) < timedelta(minutes=5) for added in past.unreadable)
    assert client.xlen(KEY) == 5


@pytest.mark.parametrize("number", ["99999999999999999-1", "18446744073709551615-1"])
def test_an_entry_of_an_impossible_time_is_of_the_future(valkey: ValkeyServer, client: Any, number: str) -> None:
    client.xadd(KEY, {"record": "{"}, id=number)
    (added,) = history.read(parse_redis_url(valkey.url), RECORD.identity).unreadable
    assert added.year == 9999


def test_a_socket_is_an_address_too() -> None:
    with start_valkey() as server:
        append(server)
        assert runs(server) == [RECORD.run]


# --- complaints


# --- complaints


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


def test_a_server_that_answers_drop_by_drop_costs_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each drop comes in time, so that no timeout of a socket ever ends the wait."""
    monkeypatch.setattr(history, "DEADLINE", 0.5)
    over = threading.Event()

    class Drops(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.request.sendall(b"$1000000\r\n")
                while not over.wait(0.05):
                    self.request.sendall(b".")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Drops) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        try:
            with pytest.raises(HistoryLost, match=r"was not done within 0\.5 s"):
                history.pinned(parse_redis_url(f"redis://127.0.0.1:{server.server_address[1]}"), "1:tg")
        finally:
            over.set()
            server.shutdown()
            thread.join()


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
    assert (flushed.deleted, flushed.kept) == (1, 2)
    assert client.exists(KEY)


def test_a_prefix_is_no_pattern(valkey: ValkeyServer, client: Any) -> None:
    client.set("tg:1", 1)
    assert history.flush(parse_redis_url(valkey.url), "t[g]*", []).deleted == 0
