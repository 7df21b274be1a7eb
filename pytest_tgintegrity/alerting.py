"""Whether there is something to tell since it was last told, and the telling. What was told is kept in pytest's cache.

It is kept by database and receiver, and only once it was delivered: what nobody heard is told again by the next run.
Where the cache does not know (none, or another machine), the history does, if there is one.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from pytest_tgintegrity.address import name_in
from pytest_tgintegrity.alerts import RUNS, Receiver, State, called, firing, news, payload, send
from pytest_tgintegrity.options import Given
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.secrecy import masked

Json = Mapping[str, Any]
RED = {"red": True}


class Cache(Protocol):
    """What is needed of pytest's cache."""

    def get(self, key: str, default: Any) -> Any:
        """What was kept under a key."""

    def set(self, key: str, value: object) -> None:
        """Keep a value under a key."""


def alert(document: Json, to: Receiver, given: Given | None, cache: Cache | None) -> list[Line]:
    """Tell if the state changed; what became of that, if anything. `given` is the database.

    Alertmanager keeps nothing over a restart: it hears the same alert from every run that is not healthy.
    """
    name = name_in(given.url) if given else ""
    key = _key(to, given.url if given else "")
    kept = cache.get(key, None) if cache else None
    known = _told(kept) or _remembered(document, name)
    runs, now = _runs(kept), datetime.now(UTC)
    found = news(document, known, name, forgets=to.form == "alertmanager")
    if found is not None:
        reason = send(to, payload(found, to.form, now, firing(document, runs, now)))
        if reason is not None:
            return [Line("alert", f"not sent ({found.event}): {reason}", RED)]
    if cache:
        name = known.database if known else called(document, name)
        times = [one.isoformat() for one in [*runs, now][-RUNS:]]
        cache.set(key, {"status": document["health"]["status"], "database": name, "runs": times})
    return [Line("alert", f"sent: {found.event}")] if found else []


def _key(to: Receiver, address: str) -> str:
    """Names a database and a receiver, and gives neither away."""
    digest = hashlib.sha256(f"{masked(address)}\0{to.form}\0{to.url}".encode()).hexdigest()
    return f"tgintegrity/alert/{digest[:16]}"


def _told(kept: Any) -> State | None:
    """What the cache holds, if it is ours."""
    if not isinstance(kept, dict) or not all(isinstance(kept.get(name), str) for name in ("status", "database")):
        return None
    return State(kept["status"], kept["database"])


def _runs(kept: Any) -> list[datetime]:
    """When runs were, that the cache knows of."""
    times = kept.get("runs") if isinstance(kept, dict) else None
    found = []
    for one in times if isinstance(times, list) else ():
        with contextlib.suppress(ValueError, TypeError):
            found.append(datetime.fromisoformat(one).astimezone(UTC))
    return found


def _remembered(document: Json, name: str) -> State | None:
    """How the run before found it, by the history; the last run of a trend is this one."""
    before = ((document["history"] or {}).get("trend") or [])[:-1]
    return State(before[-1]["status"], called(document, name)) if before else None
