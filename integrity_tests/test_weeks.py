"""Weeks, by which XP is given."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule


@rule.rows(
    "game_week",
    "extract(isodow FROM end_date) <> 7 OR NOT isfinite(end_date)",
    breaks={"end_date": "end_date + 3"},
    show=["end_date"],
    fix_hint="requests and characters hang on the week: a storyteller decides which one is meant",
    tags=["WK-1"],
)
def test_week_ends_on_a_sunday(violations: Violations) -> None:
    """A week ends on a Sunday."""
    assert not violations


@rule.unique(
    "game_week",
    "end_date",
    severity="high",
    fix_hint="a person merges their characters and requests into one",
    tags=["WK-2"],
)
def test_week_is_there_once(violations: Violations) -> None:
    """No two weeks end on the same day; with two of them no scene of that week can be closed."""
    assert not violations
