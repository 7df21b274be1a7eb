"""A history in Redis, as tests write, read and complain of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_tgintegrity.errors import HistoryLost
from pytest_tgintegrity.history import redis_store as history
from pytest_tgintegrity.history.redis_address import parse_redis_url
from pytest_tgintegrity.servers.valkey import ValkeyServer
from records import RECORD

KEY = f"{history.PREFIX}{RECORD.identity}"
SECONDS = {"t.py::test_xp": 0.25, "t.py::test_lost": 0.0001}


def append(server: ValkeyServer, **changes: Any) -> None:
    history.append(parse_redis_url(server.url), replace(RECORD, **changes), SECONDS)


def runs(server: ValkeyServer, **wanted: Any) -> list[str]:
    return [one.run for one in history.records(server.url, RECORD.identity, **wanted)]


def complaint(server: ValkeyServer, url: str | None = None) -> str:
    with pytest.raises(HistoryLost) as caught:
        history.append(parse_redis_url(url or server.url), RECORD, SECONDS)
    assert server.password is not None
    assert server.password not in str(caught.value)
    return str(caught.value)
