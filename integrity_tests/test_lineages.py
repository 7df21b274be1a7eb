"""Clans, factions, Arcanoi and mentors: what stands above what."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .sources import ascending
from .vocabulary import LINEAGES


@pytest.mark.parametrize(("table", "key", "up"), [pytest.param(one, *LINEAGES[one], id=one) for one in LINEAGES])
@rule.rows(
    ascending("{table} with what stands above", "{table}", "{key}", "{up}", label=None),
    "anchored.id IS NULL",
    breaks={"{table}.{up}": "{table}.{key}"},
    show=["{table}.{up}"],
    fix_hint="which of the rows is wrong only a person knows",
    overlaps=["test_foreign_key_has_no_orphans"],
    tags=["TREE-1"],
)
def test_lineage_has_a_beginning(violations: Violations, table: str, key: str, up: str) -> None:
    """No clan, faction or Arcanos descends from itself, and no mummy is the mentor of its own mentor.

    Those that merely hang on such a circle are named too.
    """
    assert not violations
