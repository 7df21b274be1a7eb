"""Alerts, told to a real HTTP server that may refuse, hang or fail."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from harness import HOLDS, UNKNOWN, VIOLATED, Ran, RunRules

from pytest_tgintegrity import alerts
from pytest_tgintegrity.alerts import RULES, News, State, firing, news, payload, receiver, send
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.options import Given
from pytest_tgintegrity.reports.document import refusal

SECRET = "T0ken-that-nobody-may-see"
HANG = -1
CACHED = ("-p", "cacheprovider")


@dataclass
class Listener:
    """A server that keeps what it was told, and answers as it is bidden: one status after the other, then 200."""

    url: str
    answers: list[int] = field(default_factory=list)
    heard: list[tuple[str, Any, str | None]] = field(default_factory=list)

    @property
    def events(self) -> list[str]:
        return [body["event"] for _, body, _ in self.heard]


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("TGINTEGRITY_ALERT_URL", raising=False)
    monkeypatch.setattr(alerts, "PAUSE", 0.01)
    let_go = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            listening.heard.append((self.path, body, self.headers["Authorization"]))
            status = listening.answers.pop(0) if listening.answers else 200
            if status == HANG:
                let_go.wait(20)
                return
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening = Listener(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield listening
    let_go.set()
    server.shutdown()
    thread.join()
    server.server_close()


def document(status: str = "degraded", rules: int = 1, reason: str = "gone") -> dict[str, Any]:
    told = [{"id": f"test_{n}<&>", "severity": "high", "verdict": "failed", "violations": n} for n in range(rules)]
    costs = [{"rule": one["id"], "severity": "high", "points": 15, "violations": 1} for one in told]
    health = {"score": 80, "minimum": 90, "status": status, "deductions": costs}
    return {**refusal(reason), "rules": told, "health": health, "database": {"name": "tg"}}


def test_only_changes_of_state_are_told(check: RunRules, listener: Listener) -> None:
    def run(*rules: str) -> Ran:
        return check(*rules, *CACHED, f"--alert={listener.url}/{SECRET}")

    ran = [
        run(HOLDS),
        run(VIOLATED),
        run(VIOLATED),
        run(VIOLATED, UNKNOWN.replace("low", "critical")),
        run(HOLDS),
        run(HOLDS),
    ]

    assert listener.events == ["degraded", "undetermined", "recovered"]
    assert [one.status for one in ran] == [0, 1, 1, 1, 0, 0]
    assert "alert      sent: degraded" in ran[1].out
    assert not [one for one in ran if SECRET in one.said or SECRET in one.text]
    first, last = listener.heard[0][1], listener.heard[-1][1]
    assert (first["previous"], first["score"], last["previous"]) == ("healthy", 85, "undetermined")
    assert [one["violations"] for one in first["rules"]] == [5]
    assert "n16" not in json.dumps(first)


def test_what_nobody_heard_is_told_again(check: RunRules, listener: Listener) -> None:
    listener.answers = [500] * 3
    failed = check(VIOLATED, *CACHED, f"--alert={listener.url}")
    again = check(*CACHED, f"--alert={listener.url}")

    assert failed.status == again.status == 1
    assert "alert      not sent (degraded): it answered 500, 3 times" in failed.out
    assert "alert      sent: degraded" in again.out


def test_a_run_that_could_not_begin_is_told(check: RunRules, listener: Listener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ran = check(HOLDS, *CACHED, f"--alert={listener.url}", url=f"postgresql://me:hunter2-hunter2@127.0.0.1:{port}/tg")

    assert ran.status == 4
    assert listener.events == ["undetermined"]
    assert "hunter2" not in json.dumps(listener.heard[0][1])


@pytest.mark.parametrize(
    ("answers", "reason", "tries"),
    [
        ([500, 200], None, 2),
        ([429, 503, 200], None, 3),
        ([500, 500, 500], "it answered 500, 3 times", 3),
        ([404], "it answered 404", 1),
        ([302], "it answered 302", 1),
        ([HANG, 200], None, 2),
    ],
)
def test_tries(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, answers: Sequence[int], reason: str | None, tries: int
) -> None:
    monkeypatch.setattr(alerts, "TIMEOUT", 0.3)
    listener.answers = list(answers)

    assert send(receiver(listener.url), {"event": "x"}) == reason
    assert len(listener.heard) == tries


def test_nobody_there(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert (
        send(receiver(f"http://127.0.0.1:{port}/{SECRET}"), {})
        == "it cannot be reached (ConnectionRefusedError), 3 times"
    )

    monkeypatch.setattr(alerts, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        began = time.monotonic()
        assert send(receiver(f"http://127.0.0.1:{deaf.getsockname()[1]}"), {}) == "no answer in 0.2 s, 3 times"
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("first", "then"),
    [(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), (b"HTTP/1.1 200", b" ")],
    ids=["always to be continued", "headers", "status"],
)
def test_an_answer_that_drips_has_an_end(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, first: bytes, then: bytes
) -> None:
    monkeypatch.setattr(alerts, "TIMEOUT", 0.3)
    over = threading.Event()

    def drip(line: socket.socket) -> None:
        with line, contextlib.suppress(OSError):
            line.sendall(first)
            while not over.wait(0.01):
                line.sendall(then)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=drip, args=[server.accept()[0]]).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        began = time.monotonic()
        reason = send(receiver(f"http://127.0.0.1:{server.getsockname()[1]}"), {})
        took = time.monotonic() - began
        over.set()

    assert reason is not None
    assert reason.endswith(", 3 times")
    assert took < 3


def test_alertmanager_hears_the_same_alert_from_each_run(check: RunRules, listener: Listener) -> None:
    """It keeps nothing over a restart."""
    for rule in (HOLDS, VIOLATED, VIOLATED, HOLDS, HOLDS):
        check(rule, *CACHED, f"--alert=alertmanager+{listener.url}")
    told = [body[0] for _, body, _ in listener.heard]

    assert [one["annotations"]["status"] for one in told] == ["degraded", "degraded", "recovered"]
    assert len({json.dumps(one["labels"]) for one in told}) == 1
    now = datetime.now(UTC)
    assert [datetime.fromisoformat(one["endsAt"]) > now for one in told] == [True, True, False]


@pytest.mark.parametrize(
    ("trend", "kept", "period", "hours"),
    [
        ([], [], None, 8 * 24),
        ([0], [], None, 8 * 24),
        ([48, 24, 0], [], None, 50),
        ([48, 24, 0], [168], None, 2 * 120 + 2),
        ([], [168], None, 2 * 168 + 2),
        ([0.2, 0.1, 0], [], None, 26),
        ([0], [], 24, 50),
        ([2, 1, 0], [], 168, 2 * 168 + 2),
        ([*range(300, 100, -100), *(n / 10 for n in range(10))], [], None, 26),
        ([24 * 9999, 0], [], None, 365 * 24),
        ([-5, 0], [], None, 8 * 24),
    ],
)
def test_an_alert_fires_beyond_the_next_run(
    trend: list[float], kept: list[float], period: float | None, hours: float
) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    told = document()
    told["run"]["period_hours"] = period
    told["history"] = {"trend": [{"started_at": (now - timedelta(hours=one)).isoformat()} for one in trend]}

    assert firing(told, [now - timedelta(hours=one) for one in kept], now) == timedelta(hours=hours)


def test_runs_are_known_without_a_history(check: RunRules, listener: Listener) -> None:
    """Two runs in a row: the second tells of the pause between them, which is short."""
    for _ in range(2):
        check(VIOLATED, *CACHED, f"--alert=alertmanager+{listener.url}")
    told = [body[0] for _, body, _ in listener.heard]
    spans = [datetime.fromisoformat(one["endsAt"]) - datetime.fromisoformat(one["startsAt"]) for one in told]

    assert spans == [timedelta(days=8), timedelta(hours=26)]


def test_databases_that_are_down_have_names(check: RunRules, listener: Listener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for name in ("here", "there"):
        check(HOLDS, *CACHED, f"--alert=alertmanager+{listener.url}", url=f"postgresql://me@127.0.0.1:{port}/{name}")

    assert [body[0]["labels"]["database"] for _, body, _ in listener.heard] == ["here", "there"]


@pytest.mark.parametrize("form", ["webhook", "slack", "alertmanager"])
def test_what_is_told_is_cut_to_size(listener: Listener, form: Any) -> None:
    told = News("degraded", "d" * 10_000, None, document(rules=4000, reason="r" * 1_000_000))
    body = payload(told, form, datetime.now(UTC))

    assert len(json.dumps(body)) < 5000
    assert f"{4000 - RULES}" in json.dumps(body).replace("3 990", "3990")
    assert send(receiver(listener.url), body) is None


def test_forms(listener: Listener) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    found, recovered = news(document(), None), news(document("healthy", 0), State("degraded", "tg"))
    assert found is not None
    assert recovered is not None

    slack = payload(found, "slack", now)["text"]
    assert slack.splitlines()[0] == "Data integrity of tg: degraded, score 80 of 100"
    assert "high test_0&lt;&amp;&gt;: failed" in slack
    (firing,), (resolved,) = payload(found, "alertmanager", now), payload(recovered, "alertmanager", now)
    assert firing["labels"] == resolved["labels"] == {"alertname": "DataIntegrity", "database": "tg"}
    assert firing["startsAt"] < firing["endsAt"]
    assert firing["endsAt"] > resolved["endsAt"] == now.isoformat()


@pytest.mark.parametrize(
    ("url", "form", "path"),
    [
        ("https://hooks.slack.com/services/x", "slack", "https://hooks.slack.com/services/x"),
        ("slack+https://chat.example/x?y=1", "slack", "https://chat.example/x?y=1"),
        ("alertmanager+http://am:9093/", "alertmanager", "http://am:9093/api/v2/alerts"),
        ("https://u:p%40@example/hook", "webhook", "https://example/hook"),
    ],
)
def test_addresses(url: str, form: str, path: str) -> None:
    found = receiver(url)

    assert (found.form, found.url) == (form, path)
    assert repr(found) == f"Receiver(form='{form}')"


def test_passwords_travel_in_a_header(listener: Listener) -> None:
    send(receiver(listener.url.replace("//", "//u:p%40@")), {})

    assert listener.heard[0][2] == "Basic " + base64.b64encode(b"u:p@").decode()


@pytest.mark.parametrize(
    "url", ["ftp://x/secret-1", "file:///etc/secret-1", "secret-1", "pager+https://x/secret-1", "http://[secret-1"]
)
def test_addresses_that_cannot_be_used(url: str, check: RunRules) -> None:
    with pytest.raises(UsageError, match="--alert takes http"):
        receiver(url)
    ran = check(HOLDS, f"--alert={url}")

    assert ran.status == 4
    assert "secret-1" not in ran.said + ran.text


def test_history_knows_where_no_cache_does(check: RunRules, listener: Listener) -> None:
    from pytest_tgintegrity.alerting import alert

    told = {**document(), "history": {"trend": [{"status": "degraded"}, {"status": "degraded"}]}}

    assert alert(told, receiver(listener.url), Given("postgresql://h/tg", "--db-url"), None) == []
    told["history"]["trend"][0]["status"] = "healthy"
    assert [str(one) for one in alert(told, receiver(listener.url), Given("postgresql://h/tg", "--db-url"), None)] == [
        "alert      sent: degraded"
    ]


def test_foreign_state_is_passed_over(listener: Listener) -> None:
    from pytest_tgintegrity.alerting import alert

    class Cache:
        def get(self, key: str, default: Any) -> Any:
            return ["nonsense", key, default]

        def set(self, key: str, value: object) -> None:
            assert SECRET not in key + str(value)

    lines = alert(
        document(), receiver(f"{listener.url}/{SECRET}"), Given(f"postgresql://me:{SECRET}@h/tg", "--db-url"), Cache()
    )

    assert [str(one) for one in lines] == ["alert      sent: degraded"]
