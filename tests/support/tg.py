"""Shared by the tests of TG's own rules: the description of TG's schema, the declared rules, and the damaged demo."""

from __future__ import annotations

import csv
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeAlias

import psycopg
import pytest

from integrity_tests.demo import DATASETS
from pytest_tgintegrity.rules.declare import declaration_of
from pytest_tgintegrity.rules.rule import Rule
from pytest_tgintegrity.servers.datasets import open_dataset

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]
Judged: TypeAlias = dict[str, dict[str, Any]]

ROOT: Final = Path(__file__).resolve().parents[2]
RULES: Final = ROOT / "integrity_tests"
CSVS: Final = ROOT.parent / "shared" / "tg_schema"
needs_csvs = pytest.mark.skipif(not CSVS.is_dir(), reason=f"no description of TG's schema at {CSVS}")

INVARIANT: Final = re.compile(r"[A-Z]+-\d+")
"""The id of an invariant."""


def table(name: str) -> list[dict[str, str]]:
    """The rows of one file of the description."""
    with (CSVS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def plain_sql(invariant: str) -> str:
    """The rows that violate an invariant, as the description asks for them."""
    (text,) = [row["violating_rows_sql"] for row in table("invariants") if row["id"] == invariant]
    return text


def keys_by_plain_sql(connection: Connection, invariant: str, column: int = 0) -> set[str]:
    """What violates an invariant, by the column of its plain SQL that names it."""
    return {str(row[column]) for row in connection.execute(plain_sql(invariant).encode()).fetchall()}


@contextmanager
def demo_with(damage: Mapping[str, Sequence[str]], *, enforced: bool = True) -> Iterator[str]:
    """The URL of a demo after statements, listed by what they violate, each of which changes something."""
    with open_dataset("demo", DATASETS["demo"]) as started:
        with psycopg.connect(started.url()) as connection:
            if not enforced:
                connection.execute("SET session_replication_role = replica")
            for statement in chain.from_iterable(damage.values()):
                assert connection.execute(statement.encode()).rowcount > 0, statement
        yield started.url()


def values(connection: Connection, query: str, *parameters: object) -> list[Any]:
    """The first column of an answer."""
    return [row[0] for row in connection.execute(query.encode(), parameters or None)]


def some(name: str, key: str, where: str = "true", offset: int = 0, limit: int = 1) -> str:
    """The keys of some rows, always the same ones."""
    return f"(SELECT {key} FROM {name} WHERE {where} ORDER BY {key} OFFSET {offset} LIMIT {limit})"


def change(name: str, key: str, to: str, where: str = "true", offset: int = 0, limit: int = 1) -> str:
    """Change some rows, always the same ones."""
    return f"UPDATE {name} SET {to} WHERE {key} IN {some(name, key, where, offset, limit)}"


def run_rules(*arguments: str, files: Sequence[str] = ("",)) -> subprocess.CompletedProcess[str]:
    """Run pytest on TG's rules, or on some files of them, in a process of its own."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TGINTEGRITY_"))
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        *(str(RULES / file) for file in files),
        "-p",
        "no:cacheprovider",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)


def judged(path: Path, *arguments: str, files: Sequence[str] = ("",)) -> Judged:
    """Run the rules; return what the JSON report says of each, by id without the folder."""
    run = run_rules("-q", "--json-report", f"--json-report-file={path}", *arguments, files=files)
    assert run.returncode in (0, 1), run.stdout + run.stderr
    found = json.loads(path.read_text())["integrity"]["rules"]
    return {one["id"].partition("::")[2]: one for one in found}


def _declared_tests() -> Iterator[tuple[str, Callable[..., None], Rule]]:
    for path in sorted(RULES.glob("test_*.py")):
        module = importlib.import_module(f"integrity_tests.{path.stem}")
        for name, function in vars(module).items():
            if name.startswith("test_"):
                declared = declaration_of(function)
                assert isinstance(declared, Rule), f"{path.name}: {name}: {declared}"
                yield name, function, declared


DECLARED: Final = list(_declared_tests())
"""Every rule of TG: the name of the test, the test, what it declares."""
