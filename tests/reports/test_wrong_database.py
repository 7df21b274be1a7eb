"""Most tables that the rules name are not there: is this the right database?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from harness import HOLDS, VIOLATED, RunRules
from pytest_tgintegrity.planning.facts import Facts, Table
from pytest_tgintegrity.planning.planner import BoundRule, plan
from pytest_tgintegrity.planning.wrong_database import WrongDatabase, wrong_database
from pytest_tgintegrity.rules.kinds import Kind, NotNull, Query, References, Schema
from pytest_tgintegrity.rules.rule import Rule

ROOT = Path(__file__).parents[2]
QUESTION = "is this the right database?"
SCREEN = 24
MISSING = """
@pytest.mark.parametrize("table", ["a", "b", "c"])
@rule.not_null("{table}", "name", severity="low")
def test_missing(violations, table):
    \"\"\"Everything has a name.\"\"\"
    assert not violations
"""
CONSTRAINT = """
@rule.schema(table="a", constraint="a_check", severity="critical")
def test_constraint(violations):
    \"\"\"It is in force.\"\"\"
    assert not violations
"""
COLUMNS = """
@pytest.mark.parametrize("column", ["one", "two"])
@rule.not_null("item", "{column}", severity="low")
def test_column(violations, column):
    \"\"\"Everything is there.\"\"\"
    assert not violations
"""


def facts(*names: str) -> Facts:
    tables = {name: Table("public", name) for name in names}
    return Facts({**tables, **{f"public.{name}": one for name, one in tables.items()}})


def found(facts: Facts, *kinds: Kind) -> WrongDatabase | None:
    rules = [BoundRule(str(n), Rule(kind), "It holds.") for n, kind in enumerate(kinds)]
    return wrong_database(rules, facts, plan(rules, facts).tables)


@pytest.mark.parametrize(
    ("there", "expected"),
    [("", 4), ("a", 3), ("a b", None), ("a b c d", None)],
)
def test_most_are_more_than_half_and_at_least_three(there: str, expected: int | None) -> None:
    kinds: list[Kind] = [References("a", ("x",), "b"), Query("SELECT FROM c JOIN d USING (i)"), NotNull("c", "x")]

    told = found(facts(*there.split()), *kinds)

    assert (len(told.missing) if told else None) == expected


def test_one_or_two_missing_tables_are_misspelt() -> None:
    assert found(facts(), NotNull("a", "x"), NotNull("b", "x"), NotNull("b", "y")) is None


def test_half_of_many_is_not_most() -> None:
    assert found(facts("a", "b", "c"), *(NotNull(name, "x") for name in "abcdef")) is None
    assert found(facts("a", "b", "c"), *(NotNull(name, "x") for name in "abcdefg")) is not None


def test_what_is_told() -> None:
    tables = {"x": Table("public", "x"), "public.x": Table("public", "x"), "old.a": Table("old", "a")}

    told = found(Facts(tables), *(NotNull(name, "n") for name in "abc"), Schema(table="d"))

    assert told == WrongDatabase(4, ("a", "b", "c", "d"), ("old.a",), 2, ("old.a", "x"))
    assert WrongDatabase.from_json(json.loads(json.dumps(told.to_json()))) == told


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_it_is_said_on_one_screen(check: RunRules, url: str, workers: tuple[str, ...]) -> None:
    ran = check(MISSING, CONSTRAINT, COLUMNS, HOLDS, *workers)

    assert ran.status == 6
    assert f"database?  {QUESTION} {psycopg.conninfo.conninfo_to_dict(url)['dbname']} at " in ran.out
    assert "it has 1 of the 4 tables that the selected rules name\n" in ran.out
    assert "missing: a, b, c\n" in ran.out
    assert "there are: closed, item, nothing\n" in ran.out
    assert "ERROR" not in ran.out
    assert re.search(r"\b1 passed, 6 errors in ", ran.out)
    assert len(ran.out.splitlines()) <= SCREEN
    told = ran.integrity["wrong_database"]
    assert (told["named"], told["existing"], told["missing"]) == (4, 1, ["a", "b", "c"])
    assert ran.verdicts.pop("test_holds") == "passed"
    assert sum(one["verdict"] == "unknown" for one in ran.integrity["rules"]) == 6
    assert len(ran.document["tests"]) == 7


def test_quietly_it_is_said_too(check: RunRules) -> None:
    ran = check(MISSING, "-q")

    assert QUESTION in ran.out
    assert "ERROR" not in ran.out


def test_verbosely_all_is_shown(check: RunRules) -> None:
    ran = check(MISSING, "-v")

    assert QUESTION in ran.out
    assert ran.out.count('relation "a" does not exist') > 1
    assert "ERROR test_items.py::test_missing[c]" in ran.out


def test_a_violated_rule_on_a_table_that_is_there_is_shown(check: RunRules) -> None:
    ran = check(MISSING, VIOLATED)

    assert ran.status == 1
    assert "5 of 20 rows violate [high]" in ran.out
    assert 'relation "a"' not in ran.out
    assert QUESTION in ran.out


def test_in_the_right_database_a_missing_table_violates_the_rule_about_its_constraint(check: RunRules) -> None:
    ran = check(CONSTRAINT, HOLDS)

    assert (ran.status, ran.verdicts["test_constraint"]) == (1, "failed")
    assert "wrong_database" not in ran.integrity
    assert QUESTION not in ran.out


def test_tables_of_another_schema_are_found(check: RunRules, make_database: Callable[[str], str]) -> None:
    url = make_database("CREATE SCHEMA app; CREATE TABLE app.a (name text); CREATE TABLE app.b (name text)")

    ran = check(MISSING, url=url)

    assert "2 of the missing are in the schema app: add options=-csearch_path%3Dapp to the URL" in ran.out
    added = f"{url}&options=-csearch_path%3Dapp"
    assert list(check(url=added).verdicts.values()) == ["passed", "passed", "unknown"]


def test_the_page_says_so_at_its_top(check: RunRules, pytester: pytest.Pytester) -> None:
    check(MISSING, "--html-report=page.html")

    page = (pytester.path / "page.html").read_text()
    assert 0 < page.index(QUESTION) < page.index('class="score"')
    assert "<li>missing: a, b, c</li>" in page


def tg(url: str, *args: str) -> tuple[int, str, Any]:
    """Run TG's suite, as a person would."""
    report = Path(os.environ.get("TMPDIR", "/tmp")) / f"wrong-database-{os.getpid()}.json"
    command = [sys.executable, "-m", "pytest", "integrity_tests", "-p", "no:cacheprovider", "--json-report"]
    environment = {**os.environ, "TGINTEGRITY_DB_URL": url, "COLUMNS": "80"}
    ran = subprocess.run(
        [*command, f"--json-report-file={report}", *args],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        return ran.returncode, ran.stdout, json.loads(report.read_text())["integrity"]
    finally:
        report.unlink()


def test_tg_s_rules_in_an_empty_database(database_url: str) -> None:
    status, out, told = tg(database_url)

    assert status == 6
    assert len(out.splitlines()) <= SCREEN
    assert "it has none of the 3" in out
    assert "there are: no tables at all" in out
    assert len(told["rules"]) > 2000
    assert len(told["wrong_database"]["missing"]) > 300


def test_tg_s_rules_in_somebody_else_s_database(make_database: Callable[[str], str]) -> None:
    url = make_database(
        "CREATE TABLE auth_user (id int PRIMARY KEY); CREATE TABLE invoice (id int PRIMARY KEY CHECK (id > 0), by int REFERENCES auth_user);"
        "SET session_replication_role = replica; INSERT INTO invoice VALUES (1, 2)"
    )
    status, out, _ = tg(url, "--deselect=integrity_tests/test_declared_constraints.py")

    assert (status, len(out.splitlines()) <= SCREEN) == (6, True)
    assert "there are: auth_user, invoice\n" in out

    status, out, told = tg(url)

    assert status == 1
    assert "point at" in out or "violates [critical]" in out
    assert [one["sources"] for one in told["rules"] if one["verdict"] == "failed"] == [["invoice", "auth_user"]]


LOOK = """
import os, sys

def pytest_configure(config):
    from pytest_tgintegrity.planning import wrong_database
    from pytest_tgintegrity.database import run
    run.Run.begin = look

def look(run, rules, *given):
    from pytest_tgintegrity.planning.missing import missing, tables_named
    run.wait()
    named = frozenset().union(*(tables_named(one.rule.kind, one.params) for one in rules))
    os.write(2, f"NAMED {len(named)} {missing(named, run.facts)}".encode())
    os._exit(0)
"""


def test_no_table_of_tg_s_rules_is_taken_for_missing(clean_demo: str, tmp_path: Path) -> None:
    (tmp_path / "looker.py").write_text(LOOK)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "TGINTEGRITY_DB_URL": clean_demo, "PYTHONPATH": path}
    command = [sys.executable, "-m", "pytest", "integrity_tests", "-p", "looker", "-p", "no:cacheprovider", "-s"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert re.search(r"NAMED 3\d\d \[\]", ran.stderr)
