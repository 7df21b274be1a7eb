"""Chronicles, and what belongs to them: their year and headings, and their settings."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import CHRONICLES
from .words.classes import GAME_LINES, HEADINGS


@rule.not_blank(CHRONICLES, "name", fix_hint="only those who play it know its name", tags=["CHR-1"])
def test_chronicle_name_is_not_blank(violations: Violations) -> None:
    """Every chronicle has a name."""
    assert not violations


@rule.between(CHRONICLES, "year", 1000, 9999, fix_hint="only those who play it know the year", tags=["CHR-1"])
def test_chronicle_year_has_four_digits(violations: Violations) -> None:
    """A chronicle plays in a year from 1000 to 9999; the application refuses any other, but lets 0 slip through."""
    assert not violations


@rule.one_of(
    CHRONICLES,
    "headings",
    ("", *HEADINGS),
    severity="low",
    fix="''",
)
def test_chronicle_headings_are_known(violations: Violations) -> None:
    """The headings of a chronicle are those of a game line that has some, or the usual ones."""
    assert not violations


@pytest.mark.parametrize("table", ["game_scene", "game_settingelement"])
@rule.one_of(
    "{table}",
    "gameline",
    GAME_LINES,
    severity="low",
    fix_hint="a storyteller knows which game line is meant",
    overlaps=["test_scene_is_of_a_told_game_line"],
)
def test_game_line_is_known(violations: Violations, table: str) -> None:
    """Scenes and elements of the setting belong to a game line that there is, or to all."""
    assert not violations
