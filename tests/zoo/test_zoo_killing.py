"""A fix or undo that is killed at any of its statements: whole batches or nothing, and the next one finishes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fixes import DAMAGE, SCRIPT, contents, execute, fix, undone, violated
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.servers.supervisor import poll
from zoo import OpenZoo, Zoo, oracle
from zoo_killing import Mender, mender

pytest_plugins = ["zoo_servers"]

EVERY = int(os.environ.get("TGINTEGRITY_KILL_EVERY", "16"))
"""Of all statements each n-th is one to be killed at; 1 is all of them."""
RUNS = """SELECT id FROM tgintegrity.run AS one
          WHERE kind = 'fix' AND EXISTS (SELECT FROM tgintegrity.journal AS entry WHERE entry.run = one.id)
          ORDER BY started_at DESC"""


@pytest.fixture(scope="module")
def wheel(zoo_of: OpenZoo) -> Zoo:
    return zoo_of(18, "UTF8")


@pytest.fixture(scope="module")
def killed(wheel: Zoo) -> Iterator[Mender]:
    with mender(wheel.server) as found:
        yield found


def at_each(killed: Mender, what: str, url: str, folder: Path) -> Iterator[tuple[int, bool]]:
    """The statements to be killed at: before they arrive, and after."""
    count = killed.run(what, url, folder).sent
    assert count > 10
    for at in range(1, count + 1):
        if at % EVERY == count % EVERY:
            yield at, False
            yield at, True


def settled(url: str) -> None:
    """Wait for what a killed process left on the server."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    assert poll(lambda: execute(url, waiting) == [(0,)] or None, 20)


def runs(url: str) -> list[str]:
    """Fixes that changed something, newest first."""
    try:
        return [run for (run,) in execute(url, RUNS)]
    except psycopg.errors.UndefinedTable:
        return []


def test_a_fix_killed_at_any_statement_is_finished_by_the_next_and_both_come_back(
    wheel: Zoo, killed: Mender, tmp_path: Path
) -> None:
    for at, arrives in at_each(killed, "fix", wheel.make(SCRIPT + DAMAGE), tmp_path):
        url = wheel.make(SCRIPT + DAMAGE)
        before = contents(url)

        killed.run("fix", url, tmp_path, at, arrives=arrives)
        settled(url)
        fix(url, tmp_path)

        assert violated(url) == set(), (at, arrives)
        for run in runs(url):
            assert undone(url, run).applied.skipped == [], (at, arrives)
        assert contents(url) == before, (at, arrives)


def test_an_undo_killed_at_any_statement_is_finished_by_the_next(wheel: Zoo, killed: Mender, tmp_path: Path) -> None:
    def fix_result() -> str:
        url = wheel.make(SCRIPT + DAMAGE)
        fix(url, tmp_path)
        return url

    first = fix_result()
    for at, arrives in at_each(killed, runs(first)[0], first, tmp_path):
        url = fix_result()
        (run,) = runs(url)

        killed.run(run, url, tmp_path, at, arrives=arrives)
        settled(url)
        with contextlib.suppress(UsageError):  # where it was over before it was killed
            undone(url, run)

        assert oracle(url) == oracle(wheel.make(SCRIPT + DAMAGE)), (at, arrives)
