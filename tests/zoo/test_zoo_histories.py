"""Random histories: fix then undo is the identity, and undoing the undo is the fix again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fixes import fix, undone
from pytest_tgintegrity.fixing.results import Applied
from zoo import MAJORS, OpenZoo, differences, oracle
from zoo_fixes import Case
from zoo_histories import cases_of, drawings

Oracle = dict[str, list[str]]

pytest_plugins = ["zoo_servers"]

HISTORIES = int(os.environ.get("TGINTEGRITY_HISTORIES", "1000"))
TOGETHER = 20
"""Histories in one database, mended by one run: they have nothing to do with each other."""


@pytest.mark.parametrize("major", MAJORS)
@settings(
    max_examples=max(1, HISTORIES // TOGETHER // len(MAJORS)),
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_random_histories_come_back_and_go_forth_again(
    zoo_of: OpenZoo, major: int, tmp_path: Path, data: st.DataObject
) -> None:
    zoo = zoo_of(major, "UTF8")
    listed = cases_of(zoo, [data.draw(drawings(zoo)) for _ in range(TOGETHER)])
    url = zoo.make("".join(one.script for one in listed))
    before = oracle(url)

    made = fix(url, tmp_path, [rule for one in listed for rule in one.rules]).applied
    assert made is not None
    assert problems(made, listed) == {}
    if not made.rows:
        return
    fixed = oracle(url)
    back = undone(url, made.run or "")
    assert problems(back.applied, listed) | lost(before, oracle(url), listed) == {}
    again = undone(url, back.applied.run or "")
    assert problems(again.applied, listed) | lost(fixed, oracle(url), listed) == {}


def problems(made: Applied, listed: list[Case]) -> dict[str, object]:
    """What was left, and why, beside the script that made it."""
    scripts = _scripts(listed)
    found: dict[str, object] = {} if made.stopped is None else {"stopped": made.stopped}
    return found | {
        one.change.table: (one.reason, one.change.to_json(), *scripts[one.change.table]) for one in made.skipped
    }


def lost(before: Oracle, now: Oracle, listed: list[Case]) -> dict[str, object]:
    """What was lost, beside the script that made it."""
    scripts = _scripts(listed)
    return {name: (rows, *scripts[name]) for name, rows in differences(before, now).items()}


def _scripts(listed: list[Case]) -> dict[str, tuple[str, ...]]:
    return {f"public.{table}": (str(one.rule.rule), one.script) for one in listed for table in one.tables}
