"""Clans, factions, Arcanoi and mentors: what stands above what."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .words.classes import CLASSES, LINEAGES


@pytest.mark.parametrize(
    ("table", "key", "up"), [pytest.param(table, CLASSES[table].key, up, id=table) for table, up in LINEAGES.items()]
)
@rule.acyclic(
    "{table}",
    "{up}",
    severity="info",
    breaks="UPDATE {table} SET {up} = {key} WHERE {key} = (SELECT max({key}) FROM {table}) RETURNING {key}",
    fix_hint="which of the rows is wrong only a person knows",
    tags=["TREE-1"],
)
def test_lineage_has_a_beginning(violations: Violations, table: str, key: str, up: str) -> None:
    """No clan, faction or Arcanos descends from itself, and no mummy is the mentor of its own mentor.

    Those that merely hang on such a circle are named too. The application does not forbid one, hence the severity.
    """
    assert not violations
