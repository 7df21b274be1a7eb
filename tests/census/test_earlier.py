"""What the history keeps of a census: small, read again as it was, and never trusted where it is not ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_tgintegrity.census.counts import ColumnCount
from pytest_tgintegrity.census.earlier import (
    Earlier,
    KeptColumn,
    KeptRows,
    columns_from_json,
    columns_to_json,
    rows_from_json,
    rows_to_json,
)
from pytest_tgintegrity.census.findings import Compared
from pytest_tgintegrity.history import redis_store
from pytest_tgintegrity.history.memory import Memory
from pytest_tgintegrity.history.redis_address import parse_redis_url
from pytest_tgintegrity.planning.facts import NO_RUN, Before
from pytest_tgintegrity.servers.valkey import ValkeyServer
from records import NOON, ODD, RECORD

names = st.text(min_size=1, max_size=8)
counts = st.integers(0, 2**40)
times = st.integers(0, 10**6).map(lambda minutes: NOON - timedelta(minutes=minutes))
befores = st.builds(Before, counts, times)
columns = st.builds(
    KeptColumn,
    st.builds(ColumnCount, counts, counts, counts, counts, st.integers(0, 65_535)),
    counts,
    times,
    st.integers(0, 30),
)


@given(rows=st.dictionaries(names, counts), healthy=st.dictionaries(names, befores), waived=st.frozensets(names))
def test_rows_are_read_as_they_were_kept(rows: Any, healthy: Any, waived: Any) -> None:
    kept = KeptRows(NOON, rows, healthy, waived)
    tables = sorted(rows)
    document = json.loads(json.dumps(rows_to_json(kept, tables, "list")))
    assert rows_from_json(document, tables, NOON) == kept


@given(st.dictionaries(names, st.dictionaries(names, columns, min_size=1)))
def test_columns_are_read_as_they_were_kept(kept: Any) -> None:
    assert columns_from_json(columns_to_json(kept)) == kept


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_what_is_not_ours_is_as_if_nothing_had_been_kept(odd: Any) -> None:
    assert columns_from_json(json.dumps({"t": odd})) in ({}, {"t": {}})
    for document in ({"rows": odd}, {"rows": [1], "healthy": odd}, {"rows": [1], "waived": odd}, {"rows": [odd]}):
        found = rows_from_json(document, ["t"], NOON)
        assert found is None or set(found.rows) <= {"t"}


def at(number: int, rows: dict[str, int], **more: Any) -> KeptRows:
    return KeptRows(NOON + timedelta(days=number), rows, **more)


def test_a_loss_is_compared_with_the_last_rows_there_were() -> None:
    lost = {"t": Before(9, NOON)}
    assert Earlier([at(0, {"t": 9})]).last("t") == Before(9, NOON)
    assert Earlier([at(0, {"t": 9}), at(1, {"u": 1})]).last("t") == Before(9, NOON)  # not counted by the newest
    assert (
        Earlier([at(0, {"t": 9}), at(1, {"t": 0}, healthy=lost), at(2, {"t": 0}, healthy=lost)]).last("t") == lost["t"]
    )
    assert Earlier([at(0, {"t": 0})]).last("t") is None
    waived = Earlier([at(0, {"t": 0}, healthy=lost, waived=frozenset("t"))])
    assert (waived.last("t", waived=True), waived.last("t")) == (lost["t"], None)
    assert Earlier([at(0, {"t": 9}), at(1, {"t": 5}, healthy=lost)]).rows.rows == lost


# --- in Redis


def compared(rows: dict[str, int], number: int = 0) -> Compared:
    column = KeptColumn(ColumnCount(9, 8, 2, 5, 77), 9, NOON)
    return Compared(rows=KeptRows(NOON, rows), columns={"t": {f"c{number}": column}})


def test_lists_of_tables_are_kept_once(valkey: ValkeyServer, client: Any) -> None:
    address = parse_redis_url(valkey.url)
    for number in range(3):
        record = replace(RECORD, run=f"r{number}", started_at=NOON + timedelta(hours=number))
        redis_store.append(address, record, {}, redis_store.Beside(compared({"t": number, "u": 5}, number)))
    redis_store.append(address, replace(RECORD, run="old"), {})
    (tables,) = client.keys(f"{redis_store.TABLES}*")
    (values,) = client.keys(f"{redis_store.CENSUS}*")
    assert min(client.ttl(tables), client.ttl(values)) > 0
    earlier = redis_store.read(address, RECORD.identity).earlier
    assert [run.rows for run in earlier.runs] == [{"t": 0, "u": 5}, {"t": 1, "u": 5}, {"t": 2, "u": 5}]
    assert list(earlier.columns["t"]) == ["c2"]

    client.set(values, b"x damaged")
    client.delete(tables)
    lost = redis_store.read(address, RECORD.identity)
    assert (list(lost.earlier.runs), lost.earlier.columns, len(lost.records)) == ([], {}, 4)


def test_whoever_asks_first_reads_for_all(valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Any] = []
    read: Callable[..., Any] = redis_store.read

    def counting(*words: Any) -> Any:
        reads.append(words)
        return read(*words)

    monkeypatch.setattr(redis_store, "read", counting)
    memory = Memory(parse_redis_url(valkey.url))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(memory.earlier, ["7301:tg"] * 16))
    assert (len(reads), {one.reason for one in found}) == (1, {None})
    assert Memory(None).earlier("7301:tg").reason == NO_RUN
