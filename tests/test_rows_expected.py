"""A rule without rows is told apart where rows were expected: by a run before, or by the tables that it reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from harness import RunRules
from test_records import NOON
from test_trend import CLEAN, day, trend

from pytest_tgintegrity.records import Record
from pytest_tgintegrity.reports.vacuous import FEW, vacuous_lines
from pytest_tgintegrity.scratch import ValkeyServer

TABLES = """
CREATE TABLE item (id int PRIMARY KEY, name text, owner int); INSERT INTO item SELECT i, 'n' FROM generate_series(1, 7) AS i;
CREATE TABLE owner (id int PRIMARY KEY, name text); INSERT INTO owner SELECT i, 'n' FROM generate_series(1, 5) AS i;
CREATE TABLE empty (id int PRIMARY KEY, name text);
"""
RULES = """
OWNED = Source("owned items", "item i JOIN {other} o ON o.id = i.owner", key="i.id")
ITEMS = Source("items", "item i", key="i.id", scopes={{"name": "i.name"}})

@rule.rows(ITEMS, "i.id > 100", breaks={{"i.id": "101"}})
def test_small(violations):
    \"\"\"There are not many.\"\"\"
    assert not violations

@rule.rows(OWNED, "i.id < 0", breaks={{"i.id": "-1"}})
def test_owned(violations):
    \"\"\"Owned items have numbers.\"\"\"
    assert not violations

@pytest.mark.parametrize("table", ["item", "owner", "empty"])
@rule.not_null("{{table}}", "name")
def test_named(violations, table):
    \"\"\"Everything has a name.\"\"\"
    assert not violations

@rule.unique("item", ["owner"], where="name = 'nobody'")
def test_narrow(violations):
    \"\"\"Nobody's items have different owners.\"\"\"
    assert not violations
"""
JOINED = RULES.format(other="owner")


def test_a_join_of_filled_tables_that_gives_no_row(check: RunRules, make_database: Callable[[str], str]) -> None:
    url = make_database(TABLES)

    ran = check(JOINED, "--html-report=page.html", url=url)

    assert ran.status == 0
    assert "(3 vacuous: nothing to look at)" in ran.out
    why = "item has 7 rows, owner has 5 rows, and owned items has none"
    (line,) = re.findall(r"^no rows +(.*)$", ran.out, re.MULTILINE)
    assert line.endswith(f"test_items.py::test_owned: nothing to look at, but {why}")
    (found,) = ran.integrity["rows_expected"]
    assert (found["rule"].endswith("::test_owned"), found["why"]) == (True, why)
    assert why in (ran.path.parent / "page.html").read_text()
    assert "\nno rows " in check("-q", url=url).out


@pytest.mark.parametrize("args", [("--period=24",), ("--scope=name=n",)])
def test_where_a_run_is_confined_no_rows_are_normal(
    check: RunRules, make_database: Callable[[str], str], args: tuple[str, ...]
) -> None:
    ran = check(JOINED, *args, url=make_database(TABLES))

    assert "vacuous" in ran.out
    assert "rows_expected" not in ran.integrity


def test_a_join_with_an_empty_table_gives_no_row(check: RunRules, make_database: Callable[[str], str]) -> None:
    ran = check(RULES.format(other="empty"), url=make_database(TABLES))

    assert "(3 vacuous" in ran.out
    assert "rows_expected" not in ran.integrity


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_rows_that_were_there_in_the_run_before(
    check: RunRules, make_database: Callable[[str], str], valkey: ValkeyServer, client: Any, workers: tuple[str, ...]
) -> None:
    url, history = make_database(TABLES), f"--redis-url={valkey.url}"
    first = check(RULES.format(other="empty"), history, *workers, url=url)
    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE owner")
    second, third = check(history, *workers, url=url), check(history, *workers, url=url)

    assert "rows_expected" not in first.integrity
    (found,) = second.integrity["rows_expected"]
    assert found["rule"].endswith("::test_named[owner]")
    assert re.fullmatch(r"there were rows in the run of \d{4}-\d\d-\d\d \d\d:\d\d UTC", found["why"])
    assert "no rows " in second.out
    assert "rows_expected" not in third.integrity


def emptied(now: Record, *past: Record) -> list[str]:
    return list(trend(now, *past).emptied)


def test_the_newest_run_that_judged_the_rule_decides() -> None:
    now = replace(CLEAN, vacuous=("a", "b"))

    assert emptied(now, day(1, vacuous=("b",))) == ["a"]
    assert trend(now, day(2, vacuous=()), day(1, vacuous=("b",))).emptied == {"a": day(1).started_at}
    assert emptied(now, day(2, vacuous=()), day(1, vacuous=("a", "b"))) == []
    assert emptied(now, day(2, vacuous=("b",)), day(1, unknown=("a", "b"), vacuous=())) == ["a"]


def test_a_run_that_does_not_know_says_nothing() -> None:
    now = replace(CLEAN, vacuous=("a",))

    assert emptied(now, day(1)) == []
    assert emptied(now, day(1, vacuous=(), digest="others")) == []
    assert emptied(now, day(1, vacuous=(), digest="others", verdicts={"a": "failed"})) == ["a"]


def test_a_record_keeps_it_and_older_ones_do_not_have_it() -> None:
    kept = replace(CLEAN, started_at=NOON, vacuous=("a",))

    assert Record.from_json(kept.to_json()) == kept
    older = kept.to_json().replace('"vacuous":["a"]', '"later":1')
    assert Record.from_json(older).vacuous is None


def test_many_are_cut() -> None:
    lines = list(vacuous_lines([{"rule": f"t::{n}", "why": "so"} for n in range(FEW + 2)]))

    assert len(lines) == FEW + 1
    assert lines[-1].text == "2 more: `rows_expected` of the JSON report"
