"""What people wrote: words, and not what a program leaves where there were none, nor letters that came apart."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .words.offending import Offending, Shown
from .words.texts import garbled, placeholders

# What some of the broken words are looked up by.
LOOKED_UP = [
    "test_game_line_has_its_name",
    "test_pooled_background_has_its_pool",
    "test_pooled_background_is_the_sum_of_its_shares",
    "test_property_of_statistic_is_on_a_sheet",
    "test_scene_is_of_a_told_game_line",
    "test_user_email_can_be_written_to",
]


@pytest.mark.parametrize(("table", "column", "wrong", "shown"), placeholders())
@rule.rows(
    "{table}",
    "%(wrong)s IS NOT NULL",
    severity="low",
    breaks={"{column}": "'nan'"},
    show=["%(shown)s"],
    overlaps=LOOKED_UP,
    fix_hint="an import wrote it: a person looks into its source for what was meant, or leaves the column empty",
    tags=["texts"],
)
def test_text_is_not_the_nothing_of_a_program(
    violations: Violations, table: str, column: str, wrong: Offending, shown: Shown
) -> None:
    """No text is what a program writes for nothing: nan, NULL, undefined and the like; no name or description is None.

    The whole text is compared, as it is written: Null and Nan are names, and null is none. Where "None" can be an answer,
    such as what a charm costs, it is one.
    """
    assert not violations


@pytest.mark.parametrize(("table", "column", "wrong", "shown"), garbled())
@rule.rows(
    "{table}",
    "%(wrong)s IS NOT NULL",
    severity="low",
    breaks={"{column}": r"U&'caf\00C3\00A9'"},
    show=["%(shown)s"],
    overlaps=LOOKED_UP,
    fix_hint="read in the wrong encoding: a person imports it again, or writes anew what it was",
    tags=["texts"],
)
def test_text_is_in_one_encoding(
    violations: Violations, table: str, column: str, wrong: Offending, shown: Shown
) -> None:
    """No text was read in another encoding than it was written in, which makes two wrong letters of each ü or é.

    Nor does a name hold letters as a program escapes them for another, such as &amp;. Lists are looked through as well.
    """
    assert not violations
