"""Ratings: how many dots of what somebody or something has; the traits that are no columns of a sheet."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .vocabulary import RATINGS, REPEATABLE


@pytest.mark.parametrize(("table", "column"), [(table, column) for table in RATINGS for column in RATINGS[table]])
@rule.not_null(
    "{table}",
    "{column}",
    severity="low",
    fix_hint="keep a copy, then the row may go: it belongs to something that was deleted (but a pact has terms)",
    tags=["RATE-1"],
)
def test_rating_names_both_sides(violations: Violations, table: str, column: str) -> None:
    """A rating says whose it is and of what; what was deleted leaves rows behind that nobody sees any more."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "holder", "trait"),
    [pytest.param(one, *RATINGS[one], id=one) for one in RATINGS if one not in REPEATABLE],
)
@rule.unique(
    "{table}",
    ["{holder}", "{trait}"],
    severity="high",
    fix_hint="where the ratings are equal, all but the lowest id may go; else only the player or a storyteller knows",
    tags=["RATE-2"],
)
def test_rating_is_there_once(violations: Violations, table: str, holder: str, trait: str) -> None:
    """Nobody has two ratings of the same trait; the page that reads one breaks when there are two."""
    assert not violations
