"""Run pytest on rules in a folder of its own, and look at all that came out of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pytest_tgintegrity.session import session  # noqa: F401 - imported here once, not again in each run in-process
from pytest_tgintegrity.session.items import collecting  # noqa: F401 - likewise

HEAD = "import os, pytest\nfrom pytest_tgintegrity import Source, declared, rule\n\n"
SCRIPT = """
CREATE TABLE item (id int PRIMARY KEY, size int, name text);
INSERT INTO item SELECT i, i, 'n' || i FROM generate_series(1, 20) AS i;
CREATE TABLE closed (id int PRIMARY KEY, size int);
CREATE TABLE nothing (id int PRIMARY KEY, size int);
CREATE ROLE {role} LOGIN PASSWORD 'reader-pass-9';
GRANT SELECT ON item, nothing TO {role};
"""

HOLDS = """
@rule.not_null("item", "name", severity="high")
def test_holds(violations):
    \"\"\"Every item has a name.\"\"\"
    assert not violations
"""
VIOLATED = """
@rule.between("item", "size", 1, 15, severity="high")
def test_violated(violations):
    \"\"\"Sizes are one to fifteen.\"\"\"
    assert not violations
"""
UNKNOWN = """
@rule.not_null("absent", "name", severity="low")
def test_unknown(violations):
    \"\"\"Nobody knows this table.\"\"\"
    assert not violations
"""
ORDINARY = """
def test_ordinary():
    pass
"""
FAILING = """
def test_failing():
    assert 1 == 2
"""


@dataclass(frozen=True)
class Ran:
    """A finished run: its exit status, what it printed, and its JSON report, if it left one."""

    status: int
    out: str
    err: str
    path: Path
    text: str

    @property
    def said(self) -> str:
        """All that was printed."""
        return f"{self.out}\n{self.err}"

    @property
    def document(self) -> Any:
        """The whole JSON report."""
        return json.loads(self.text, parse_constant=pytest.fail)

    @property
    def integrity(self) -> Any:
        """Its part `integrity`."""
        return self.document["integrity"]

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each rule, by the test's name."""
        return {one["id"].partition("::")[2]: one["verdict"] for one in self.integrity["rules"]}

    @property
    def reasons(self) -> dict[str, str]:
        """The reason of each rule, by the test's name."""
        return {one["id"].partition("::")[2]: one["reason"] for one in self.integrity["rules"]}


QUICKLY = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest"]  # it imports all of hypothesis at the end of each run
RunRules = Callable[..., Ran]


def run_rules(pytester: pytest.Pytester, *args: str, url: str | None = None, subprocess: bool = False) -> Ran:
    """Run pytest in the folder, with a JSON report; in this process unless something may die."""
    path = pytester.path / "report.json"
    words = [f"--db-url={url}"] if url is not None else []
    words += ["--json-report", f"--json-report-file={path.name}", *QUICKLY, *args]
    run = pytester.runpytest_subprocess if subprocess else pytester.runpytest_inprocess
    result = run(*words)
    text = path.read_text() if path.exists() else ""
    return Ran(int(result.ret), result.stdout.str(), result.stderr.str(), path, text)


def rules(pytester: pytest.Pytester, *parts: str, name: str = "test_items") -> Path:
    """Write a file of rules."""
    return pytester.makepyfile(**{name: HEAD + "\n".join(parts)})


def sleeping(conninfo: str) -> int:
    """How many of our backends sleep in a database."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pytest-tgintegrity' AND state = 'active'"
            " AND datname = current_database() AND wait_event = 'PgSleep'"
        ).fetchone()
    return found[0] if found else 0


def wait_until(look: Callable[[], bool], seconds: float = 20.0) -> float:
    """Wait for something to be so, and tell how long it took."""
    began = time.monotonic()
    while not look():
        if time.monotonic() - began > seconds:
            pytest.fail("it did not come to pass")
        time.sleep(0.02)
    return time.monotonic() - began
