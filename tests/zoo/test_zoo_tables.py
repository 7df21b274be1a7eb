"""Fix and undo over every key, name, table, column, constraint, trigger and rewrite rule: all comes back, or a refusal."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo import MAJORS, Zoo
from zoo_outcomes import faults, outcomes, scenes, told_of
from zoo_refusals import counted, lines, listed
from zoo_tables import SITUATIONS, situations

pytest_plugins = ["zoo_servers"]


@pytest.mark.parametrize("way", ["update", "delete"])
@pytest.mark.parametrize("what", ["keys", *SITUATIONS])
def test_in_every_situation_all_comes_back_or_is_refused_in_a_sentence(
    zoo: Zoo, what: str, way: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    found = outcomes(zoo, tmp_path, scenes(situations(zoo, what), way))

    refusals = list(told_of(found))
    record_property("refusals", refusals)
    print("\n".join([f"{len(refusals)} of {len(found)} refused or left, and why:", *refusals]))  # noqa: T201 - -rP
    assert faults(found) == {}
    if zoo.major == MAJORS[0]:
        reasons = counted(what, way, found)
        if path := os.environ.get("TGINTEGRITY_REFUSALS"):  # a file to which the rows of the manual are added
            with Path(path).open("a", encoding="utf-8") as rows:
                rows.writelines(f"{line}\n" for line in lines(reasons))
        else:
            assert reasons == listed(what, way)
