"""Fix and undo over every type of PostgreSQL: the journal holds what is stored, and all of it comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from zoo import Zoo
from zoo_fixes import KINDS, Session, cases, there_and_back

pytest_plugins = ["zoo_servers"]

STRANGE = {
    "PGTZ": "America/St_Johns",
    "PGOPTIONS": "-c DateStyle=SQL,DMY -c IntervalStyle=sql_standard -c bytea_output=escape -c extra_float_digits=-15"
    " -c quote_all_identifiers=on -c array_nulls=off -c xmloption=document -c search_path=zoo_far,public",
}
OTHER = {"PGTZ": "Asia/Tokyo", "PGOPTIONS": "-c DateStyle=German -c IntervalStyle=iso_8601 -c extra_float_digits=0"}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    """Fixes and undos in sessions whose settings write every value differently."""

    def session(what: str) -> None:
        for name, value in {"fix": STRANGE, "undo": OTHER}[what].items():
            monkeypatch.setenv(name, value)

    return session


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_comes_back_after_every_kind_of_fix(zoo: Zoo, kind: str, tmp_path: Path, session: Session) -> None:
    shown = there_and_back(zoo, tmp_path, cases(zoo, kind), session)

    assert (shown.faults, shown.refusals) == ({}, {})
