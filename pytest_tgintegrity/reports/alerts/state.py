"""Send an alert if the state has changed since the last alert. The state that was last reported is kept in pytest's cache.

It is kept by database and receiver, and only once the alert was delivered: after a failure the next run tries again.
Without a cache, or on another machine, the state is taken from the history, if there is one.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from pytest_tgintegrity.database.connections.address import name_in
from pytest_tgintegrity.database.connections.redaction import masked
from pytest_tgintegrity.reports.alerts.receivers import RUNS, Receiver, State, called, firing, news, payload, send
from pytest_tgintegrity.reports.lines import Line

Json = Mapping[str, Any]
RED = {"red": True}


class Cache(Protocol):
    """The part of pytest's cache that is needed here."""

    def get(self, key: str, default: Any) -> Any:
        """What was kept under a key."""

    def set(self, key: str, value: object) -> None:
        """Keep a value under a key."""


def alert(document: Json, to: Receiver, address: str | None, cache: Cache | None) -> list[Line]:
    """Send an alert if the state changed, and return the lines about it. `address` is that of the database.

    Alertmanager keeps nothing over a restart: it hears the same alert from every run that is not healthy.
    """
    name = name_in(address) if address else ""
    key = _key(to, address or "")
    kept = cache.get(key, None) if cache else None
    known = _kept_state(kept) or _state_in_history(document, name)
    runs, now = _runs(kept), datetime.now(UTC)
    change = news(document, known, name, forgets=to.form == "alertmanager")
    if change is not None:
        reason = send(to, payload(change, to.form, now, firing(document, runs, now)))
        if reason is not None:
            return [Line("alert", f"not sent ({change.event}): {reason}", RED)]
    if cache:
        name = known.database if known else called(document, name)
        times = [run.isoformat() for run in [*runs, now][-RUNS:]]
        cache.set(key, {"status": document["health"]["status"], "database": name, "runs": times})
    return [Line("alert", f"sent: {change.event}")] if change else []


def _key(to: Receiver, address: str) -> str:
    """The cache's key for a database and a receiver; it discloses neither."""
    digest = hashlib.sha256(f"{masked(address)}\0{to.form}\0{to.url}".encode()).hexdigest()
    return f"tgintegrity/alert/{digest[:16]}"


def _kept_state(kept: Any) -> State | None:
    """The state that the cache holds, if it is in our format."""
    if not isinstance(kept, dict) or not all(isinstance(kept.get(name), str) for name in ("status", "database")):
        return None
    return State(kept["status"], kept["database"])


def _runs(kept: Any) -> list[datetime]:
    """The times of the runs that the cache knows."""
    texts = kept.get("runs") if isinstance(kept, dict) else None
    times = []
    for text in texts if isinstance(texts, list) else ():
        with contextlib.suppress(ValueError, TypeError):
            times.append(datetime.fromisoformat(text).astimezone(UTC))
    return times


def _state_in_history(document: Json, name: str) -> State | None:
    """The state after the previous run, by the history; the last run of a trend is this one."""
    before = ((document["history"] or {}).get("trend") or [])[:-1]
    return State(before[-1]["status"], called(document, name)) if before else None
