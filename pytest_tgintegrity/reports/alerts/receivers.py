"""Alerts when the state of the data changes: to any webhook, Slack, or Alertmanager.

An alert holds rules, counts and reasons, but no row of the data. It is cut to a size that receivers take.
"""

from __future__ import annotations

import base64
import itertools
import json
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.text import plural, printable

Json = Mapping[str, Any]
Form = Literal["webhook", "slack", "alertmanager"]

TRIES = 3
TIMEOUT = 5.0
PAUSE = 1.0
RULES = 10
LONGEST = 200
PATH = 8
"""A longer path may be a secret."""
SLACK_LONGEST = 3000
FIRING = timedelta(days=8)
"""How long an alert of Alertmanager fires where the time of the next run is unknown: weekly runs repeat it in time."""
LEAST = timedelta(hours=26)
MOST = timedelta(days=365)
SPARE = timedelta(hours=2)
RUNS = 10
"""Of so many last runs the longest pause counts."""
SLACK_HOST = "hooks.slack.com"
TAKES = "http(s)://…, slack+https://… or alertmanager+http(s)://…"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where alerts go. The address is a secret: whoever knows it can write there."""

    form: Form
    url: str = field(repr=False)
    authorization: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not be shown: the address as it was given and as it is used, and what it holds."""


@dataclass(frozen=True, slots=True)
class State:
    """What was last reported: the status, and the database by the name that was used."""

    status: str
    database: str


@dataclass(frozen=True, slots=True)
class News:
    """A change of state, for people and machines."""

    event: Literal["degraded", "undetermined", "recovered"]
    database: str
    previous: str | None
    document: Json

    @property
    def rules(self) -> list[Json]:
        """The rules that matter, gravest first."""
        costs = {deduction["rule"]: number for number, deduction in enumerate(self.document["health"]["deductions"])}
        rules = [rule for rule in self.document["rules"] if rule["verdict"] in {"failed", "noted", "unknown"}]
        return sorted(rules, key=lambda rule: costs.get(rule["id"], len(costs)))

    @property
    def summary(self) -> str:
        """One line."""
        health = self.document["health"]
        score = "no score" if health["score"] is None else f"score {health['score']} of 100"
        return f"Data integrity of {_cut(self.database)}: {self.event}, {score}"

    @property
    def lines(self) -> list[str]:
        """The rules, a line each, and how many more there are; why a run could not begin."""
        listed = [_rule(rule) for rule in self.rules[:RULES]]
        more = len(self.rules) - RULES
        error = self.document["run"].get("error")
        return [*([_cut(error)] if error else []), *listed, *([f"and {plural(more, 'more rule')}"] if more > 0 else [])]


def _cut(text: str) -> str:
    safe = printable(text)
    return safe if len(safe) <= LONGEST else f"{safe[: LONGEST - 1]}…"


def _rule(rule: Json) -> str:
    count = plural(rule["violations"], "violation") if rule["violations"] else rule["verdict"]
    return f"{rule['severity']} {_cut(rule['id'])}: {count}"


# --- the receiver


def receiver(url: str) -> Receiver:
    """Read the address. Raises `UsageError`, which does not repeat it."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    kind, plus, scheme = ("", "", "") if host is None else parts.scheme.rpartition("+")
    if not host or scheme not in {"http", "https"} or (plus and kind not in {"slack", "alertmanager"}):
        raise UsageError(f"--alert takes {TAKES}")
    form: Form = "alertmanager" if kind == "alertmanager" else "slack" if kind or host == SLACK_HOST else "webhook"
    path = f"{parts.path.rstrip('/')}/api/v2/alerts" if form == "alertmanager" else parts.path
    bare = urlunsplit((scheme, parts.netloc.rpartition("@")[2], path, parts.query, ""))
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    path_secret = parts.path if len(parts.path) > PATH else ""
    return Receiver(form, bare, _basic(user, password), (url, bare, password, path_secret, parts.query))


def _basic(user: str, password: str) -> str | None:
    if not user and not password:
        return None
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


# --- the message


def news(document: Json, known: State | None, name: str = "", *, forgets: bool = False) -> News | None:
    """The news, if the state differs from the one last reported; a recovery only after bad news.

    A receiver that `forgets` gets bad news from each run. `name` is used for a database that could not be asked for its own.
    """
    status = document["health"]["status"]
    before = known.status if known else "healthy"
    if status == before and not (forgets and status != "healthy"):
        return None
    name = known.database if known else called(document, name)
    return News("recovered" if status == "healthy" else status, name, before if known else None, document)


def called(document: Json, name: str = "") -> str:
    """The name of the database; `name`, if it could not be asked."""
    database = document["database"]
    return (name or "unknown") if database is None else str(database["name"])


def firing(document: Json, kept: Iterable[datetime], now: datetime) -> timedelta:
    """How long an alert fires unless it is repeated: until after the next run, estimated from past runs and the period.

    Twice the longest pause, and a little; `kept` are runs that the history may not know.
    """
    points = (document.get("history") or {}).get("trend") or []
    known = sorted({now, *kept, *(datetime.fromisoformat(run["started_at"]) for run in points if "started_at" in run)})
    runs = [moment for moment in known if moment <= now][-RUNS:]
    pauses = [later - former for former, later in itertools.pairwise(runs)]
    period = timedelta(hours=document["run"].get("period_hours") or 0)
    longest = max([period, *pauses])
    return min(max(2 * longest + SPARE, LEAST), MOST) if longest else FIRING


def payload(change: News, form: Form, now: datetime, fires: timedelta = FIRING) -> Any:
    """The document that a receiver of that form understands; an alert of Alertmanager `fires` so long."""
    match form:
        case "slack":
            return {"text": _slack(change)}
        case "alertmanager":
            return [_alertmanager(change, now, fires)]
    return _webhook(change)


def _slack(change: News) -> str:
    text = "\n".join([change.summary, *(f"• {line}" for line in change.lines)])[:SLACK_LONGEST]
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _alertmanager(change: News, now: datetime, fires: timedelta) -> dict[str, Any]:
    recovered = change.event == "recovered"
    return {
        "labels": {"alertname": "DataIntegrity", "database": _cut(change.database)},
        "annotations": {"summary": change.summary, "description": "\n".join(change.lines), "status": change.event},
        **({} if recovered else {"startsAt": now.isoformat()}),
        "endsAt": (now if recovered else now + fires).isoformat(),
    }


def _webhook(change: News) -> dict[str, Any]:
    health, run = change.document["health"], change.document["run"]
    keys = ("id", "severity", "verdict", "violations")
    return {
        "version": 1,
        "event": change.event,
        "previous": change.previous,
        "database": _cut(change.database),
        "summary": change.summary,
        "score": health["score"],
        "minimum": health["minimum"],
        "run": run["id"],
        "finished_at": run["finished_at"],
        "error": _cut(run["error"]) if run.get("error") else None,
        "rules": [
            {key: _cut(rule[key]) if key == "id" else rule[key] for key in keys} for rule in change.rules[:RULES]
        ],
        "more_rules": max(0, len(change.rules) - RULES),
    }


# --- delivery


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would arrive as a GET, without the message."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def send(to: Receiver, body: Any) -> str | None:
    """Deliver, in a few tries. Returns why it failed, or None."""
    reason: str | None = None
    for number in range(TRIES):
        time.sleep(PAUSE * number)
        reason, again = _try(to, json.dumps(body).encode())
        if reason is None or not again:
            return reason
    return f"{reason}, {TRIES} times"


def _try(to: Receiver, body: bytes) -> tuple[str | None, bool]:
    """Why it failed, or None; and whether another try may succeed.

    The time limit covers everything: looking up the name, connecting, and an answer that comes slowly or never.
    """
    answers: queue.SimpleQueue[tuple[str | None, bool]] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(_ask(to, body)), name="alert", daemon=True).start()
    try:
        return answers.get(timeout=TIMEOUT)
    except queue.Empty:
        return f"no answer in {TIMEOUT:g} s", True


def _ask(to: Receiver, body: bytes) -> tuple[str | None, bool]:
    """The reason never holds the address."""
    headers = {"Content-Type": "application/json", "User-Agent": "pytest-tgintegrity"}
    if to.authorization:
        headers["Authorization"] = to.authorization
    request = urllib.request.Request(to.url, body, headers, method="POST")  # noqa: S310 - http and https only
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT):
            return None, False
    except urllib.error.HTTPError as error:
        error.close()
        return (
            f"it answered {error.code}",
            error.code >= HTTPStatus.INTERNAL_SERVER_ERROR or error.code == HTTPStatus.TOO_MANY_REQUESTS,
        )
    except TimeoutError:
        return f"no answer in {TIMEOUT:g} s", True
    except urllib.error.URLError as error:
        slow = isinstance(error.reason, TimeoutError)
        return f"no answer in {TIMEOUT:g} s" if slow else f"it cannot be reached ({type(error.reason).__name__})", True
    except (OSError, ValueError) as error:  # http.client raises both; their words may hold the address
        return f"it cannot be reached ({type(error).__name__})", True
    except Exception as error:  # noqa: BLE001 - http.client has errors of its own, and none of them may end a run
        return f"it does not speak HTTP ({type(error).__name__})", True
