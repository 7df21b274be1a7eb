"""Storytellers and chronicles."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule

from .sources import STORYTELLERS


@rule.unique(
    STORYTELLERS,
    ["st.user_id", "st.chronicle_id", "st.gameline_id"],
    nulls_distinct=False,
    fix_hint="all but the row with the lowest id may go: they grant the same rights",
    tags=["validate_data_integrity", "ST-2"],
)
def test_storyteller_is_named_once_for_chronicle_and_gameline(violations: Violations) -> None:
    """Nobody is entered twice as storyteller of the same chronicle and game line.

    Missing values count as equal: the database's own constraint lets such duplicates through. The command kept an
    arbitrary one of the rows.
    """
    assert not violations
