"""Throw-away servers for the tests: a small data set, questions to a server, and traces of one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

import pytest_tgintegrity

ROOMY: Final = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
SOURCES: Final = Path(pytest_tgintegrity.__file__).parents[1]


@dataclass
class Numbers:
    """A data set of `count` rows that remembers how often it was built."""

    count: int = 3
    database: str = "tg"
    reader: str = "postgres"
    built: list[str] = field(default_factory=list)

    def fingerprint(self) -> str:
        return f"numbers {self.count}"

    def build(self, connection: psycopg.Connection[Any]) -> None:
        self.built.append(connection.info.dbname)
        connection.execute("CREATE TABLE numbers (number int)")
        connection.execute("INSERT INTO numbers SELECT generate_series(1, %s)", [self.count])


def ask(address: str, question: str = "SELECT 1") -> Any:
    with psycopg.connect(address) as connection:
        row = connection.execute(question).fetchone()
    return row and row[0]


def order(address: str, command: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(command)


def processes_of(folder: Path) -> list[str]:
    """List the command lines that name a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in found if str(folder) in line]


def traces(*folders: Path) -> list[object]:
    return [trace for folder in folders for trace in (*processes_of(folder), *([folder] if folder.exists() else ()))]


@contextmanager
def owner(body: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run Python in another process, for us to kill."""
    code = (
        "from pytest_tgintegrity.servers.postgres import *\nfrom pytest_tgintegrity.servers.valkey import *\nimport os, sys, time\n"
        + textwrap.dedent(body)
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=SOURCES, env=os.environ | environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()
