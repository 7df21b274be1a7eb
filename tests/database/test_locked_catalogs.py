"""Tables that somebody else holds, or drops, while the declared constraints are read: no other rule minds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg
import pytest

from engine import looking_at, reasons
from harness import RunRules
from pytest_tgintegrity.database.connections.opening import Limits

MakeDatabase = Callable[[str], str]

DECLARED = """
CREATE TABLE held (id integer PRIMARY KEY, a integer NOT NULL CHECK (a > 0), b integer);
CREATE UNIQUE INDEX held_expression ON held ((a + 1)) WHERE a > 5;
CREATE TABLE other (id integer PRIMARY KEY, a integer NOT NULL CHECK (a > 0), held_id integer REFERENCES held);
CREATE UNIQUE INDEX other_expression ON other ((a + 1)) WHERE a > 5;
INSERT INTO held SELECT i, i FROM generate_series(1, 9) i; INSERT INTO other SELECT i, i, i FROM generate_series(1, 9) i;
"""
LOCK = "a lock was not granted within 0.1 s (--lock-timeout): somebody else holds the table"
ALL = {
    "held-held_a_check", "held", "held-held_pkey", "held-held_expression", "other-other_held_id_fkey",
    "other-other_a_check", "other", "other-other_pkey", "other-other_expression",
}  # fmt: skip


@pytest.mark.parametrize("mode", ["held", "awaited"])
def test_a_table_that_somebody_holds_costs_its_own_rules(make_database: MakeDatabase, mode: str) -> None:
    url = make_database(DECLARED)

    with psycopg.connect(url) as holder, psycopg.connect(url) as waiter, looking_at(url, Limits(lock=0.1)) as engine:
        holder.execute(f"LOCK TABLE held IN ACCESS {'EXCLUSIVE' if mode == 'held' else 'SHARE'} MODE".encode())
        thread = threading.Thread(target=waiter.execute, args=[b"LOCK TABLE held IN ACCESS EXCLUSIVE MODE"])
        if mode == "awaited":
            thread.start()
            time.sleep(0.2)
        found = engine.declared()
        holder.rollback()
        if mode == "awaited":
            thread.join()

    unknown = {name for name in ALL if name.startswith("held")} | {"other-other_held_id_fkey"}
    assert set(found) == ALL
    assert set(reasons(found)) == unknown
    assert reasons(found)["held-held_a_check"] == f"the declaration of held-held_a_check cannot be read: {LOCK}"
    assert {reason.endswith(LOCK) for reason in reasons(found).values()} == {True}
    assert {found[name].examined for name in ALL - unknown} == {9, 4}


@pytest.mark.parametrize(
    ("script", "unknown"),
    [
        ("DROP INDEX other_expression", {"other-other_expression"}),
        ("DROP TABLE held CASCADE", {name for name in ALL if name.startswith("held")} | {"other-other_held_id_fkey"}),
        ("DROP TABLE other", {name for name in ALL if name.startswith("other")}),
        ("ALTER TABLE other DROP CONSTRAINT other_a_check", set()),
    ],
)
def test_what_is_dropped_meanwhile_costs_its_own_rules(
    make_database: MakeDatabase, script: str, unknown: set[str]
) -> None:
    url = make_database(DECLARED)

    with looking_at(url) as engine:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(script.encode())
        found = engine.declared()

    assert set(found) == ALL
    assert set(reasons(found)) == unknown
    assert {found[name].violations for name in ALL - unknown} == {0}


RULES = """
@declared("check")
def test_check(violations, constraint):
    \"\"\"Checks hold.\"\"\"
    assert not violations


@declared("unique")
def test_unique(violations, constraint):
    \"\"\"Keys are unique.\"\"\"
    assert not violations


@rule.rows("other", "a > 100")
def test_rows(violations):
    \"\"\"Small.\"\"\"
    assert not violations
"""


def test_a_run_goes_on_beside_a_locked_table(check: RunRules, make_database: MakeDatabase) -> None:
    url = make_database(DECLARED)

    with psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
        ran = check(RULES, "--lock-timeout=0.1", url=url)

    assert ran.status == 6
    assert ran.verdicts == {
        "test_check[held-held_a_check]": "unknown",
        "test_check[other-other_a_check]": "passed",
        "test_unique[held-held_expression]": "unknown",
        "test_unique[held-held_pkey]": "unknown",
        "test_unique[other-other_expression]": "passed",
        "test_unique[other-other_pkey]": "passed",
        "test_rows": "passed",
    }
