"""Fix and undo beside eight writers: no update of theirs is lost, and what they did not touch comes back."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from engine import bound
from fixes import execute, fix, undone
from pytest_tgintegrity.rules.kinds import Between, Unique
from zoo import OpenZoo

pytest_plugins = ["zoo_servers"]

WRITERS = 8
ROUNDS = 3
ROWS = 1200
BUSY = 60
"""The rows up to this number are also written where the fix writes."""
SCRIPT = f"""
CREATE TABLE account (id int PRIMARY KEY, v numeric(8,2), moved int NOT NULL DEFAULT 0, n int NOT NULL DEFAULT 0, c char(5) DEFAULT 'D');
INSERT INTO account SELECT i, CASE WHEN i % 2 = 0 THEN 150 ELSE 50 END FROM generate_series(1, {ROWS}) AS i;
CREATE TABLE entry (id int PRIMARY KEY, shared char(9), n int NOT NULL DEFAULT 0);
INSERT INTO entry SELECT i, 'of ' || i / 2 FROM generate_series(1, {ROWS}) AS i;
"""
CLAMPED = bound(Between("account", "v", 0, 100), "clamped", fix="clamp")
TWICE = bound(Unique("entry", ("shared",)), "twice", fix="delete", fix_allows=("delete",))
SERIAL = """
SELECT id, start, v, moved, coalesce(told.sum, 0) FROM account
JOIN (SELECT i, CASE WHEN i % 2 = 0 THEN 150 ELSE 50 END FROM generate_series(1, 100000) AS i) AS was(i, start) ON i = id
LEFT JOIN (SELECT key ->> 'id', sum((after ->> 'v')::numeric - (before ->> 'v')::numeric) FROM tgintegrity.journal
           WHERE "table" = 'public.account' GROUP BY 1) AS told(key, sum) ON told.key = id::text
WHERE v <> start + moved + coalesce(told.sum, 0)
"""
"""Accounts that are not what they were at the start, and what the writers added, and what the journal says of us."""


@contextmanager
def written(url: str) -> Iterator[Counter[str]]:
    """Writers at work, and what they wrote: increments by column and row, each committed."""
    done: Counter[str] = Counter()
    lock, over = threading.Lock(), threading.Event()

    def work(number: int) -> None:
        drawn = random.Random(number)
        with psycopg.connect(url, autocommit=True) as connection:
            while not over.wait(0.01):
                table, column, more = drawn.choice(
                    [("account", "n", ""), ("account", "moved", ", v = v + 1"), ("entry", "n", "")]
                )
                row = drawn.randint(1, BUSY if column == "moved" or number % 2 else ROWS)
                statement = f"UPDATE {table} SET {column} = {column} + 1{more} WHERE id = {row}"
                count = connection.execute(statement.encode()).rowcount
                with lock:
                    done[f"{table}.{column} {row}"] += count

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]
    for one in threads:
        one.start()
    try:
        yield done
    finally:
        over.set()
        for one in threads:
            one.join(timeout=30)


def stored(url: str) -> Counter[str]:
    """The increments that are there."""
    rows = [
        *execute(url, "SELECT 'account.n ' || id, n FROM account WHERE n > 0"),
        *execute(url, "SELECT 'account.moved ' || id, moved FROM account WHERE moved > 0"),
        *execute(url, "SELECT 'entry.n ' || id, n FROM entry WHERE n > 0"),
    ]
    return Counter(dict(rows))


@pytest.mark.parametrize("whole", [True, False])
def test_no_update_is_lost_beside_eight_writers(
    zoo_of: OpenZoo, tmp_path: Path, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_tgintegrity.fixing.apply import batches

    if not whole:
        monkeypatch.setattr(batches, "WHOLE_PLAN_ROWS", 0)
        monkeypatch.setattr(batches, "BATCH_ROWS", 200)
    url = zoo_of(18, "UTF8").make(SCRIPT)

    with written(url) as done:
        for _ in range(ROUNDS):
            made = fix(url, tmp_path, [CLAMPED, TWICE]).applied
            assert made is not None
            assert made.stopped is None
            quiet = [
                one
                for one in made.skipped
                if one.change.table == "public.account" and int(one.change.key["id"] or 0) > BUSY
            ]
            assert quiet == []  # nobody but us wrote there
            assert made.by_table["public.account"] >= (ROWS - BUSY) / 2
            assert made.by_table["public.entry"] >= (ROWS - BUSY) / 4
            back = undone(url, made.run or "")
            assert [one for one in back.applied.skipped if int(one.change.key["id"] or 0) > BUSY] == []

    assert stored(url) == +done
    assert execute(url, SERIAL) == []
    assert execute(url, "SELECT count(*) FROM entry") == [(ROWS,)]
    untouched = f"SELECT count(*) FROM account WHERE id > {BUSY} AND v <> CASE WHEN id % 2 = 0 THEN 150 ELSE 50 END"
    assert execute(url, untouched) == [(0,)]
