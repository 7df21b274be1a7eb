"""Wraiths: Arcanoi, Angst, what binds them."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .game_lines import ARCANOI, LEFT, LINE_ABILITIES, MEANT, PAID, UNBOUNDED, choices
from .sources import ANY_PART, WRAITHS, part


@pytest.mark.parametrize("column", ARCANOI)
@rule.between(
    WRAITHS,
    "{column}",
    0,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_arcanos_is_zero_to_five(violations: Violations, column: str) -> None:
    """Every Arcanos lies between 0 and 5."""
    assert not violations


@rule.between(
    WRAITHS,
    "angst",
    1,
    10,
    severity="medium",
    fix_hint=PAID,
    tags=["WRA-2"],
)
def test_angst_is_one_to_ten(violations: Violations) -> None:
    """Permanent Angst lies between 1 and 10."""
    assert not violations


@pytest.mark.parametrize("column", ["pathos", "temporary_pathos", "temporary_angst"])
@rule.between(
    WRAITHS,
    "{column}",
    0,
    10,
    severity="medium",
    fix_hint=LEFT,
)
def test_pathos_is_zero_to_ten(violations: Violations, column: str) -> None:
    """Pathos and temporary Angst lie between 0 and 10; a sheet outside that cannot be saved any more."""
    assert not violations


@rule.between(
    WRAITHS,
    "corpus",
    0,
    10,
    severity="low",
    fix_hint=LEFT,
)
def test_corpus_is_zero_to_ten(violations: Violations) -> None:
    """Corpus lies between 0 and 10."""
    assert not violations


@pytest.mark.parametrize("column", LINE_ABILITIES["characters_wtohuman"])
@rule.between(
    part("characters_wtohuman"),
    "{column}",
    0,
    10,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_wraith_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The abilities that sheets of wraiths add lie between 0 and 10."""
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "values"), choices("characters_wraith"))
@rule.one_of(ANY_PART, "{column}", "%(values)s", fix_hint=MEANT)
def test_wraith_is_described_in_known_words(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """What a wraith is, and how the last Harrowing ended, are words that the application knows."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "key", "column", "values"),
    choices(
        "characters_arcanos", "characters_fetter", "characters_guild", "characters_thorn", "characters_wraithfaction"
    ),
)
@rule.one_of("{table}", "{column}", "%(values)s", fix_hint=MEANT)
def test_fetter_or_guild_is_of_a_known_kind(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """A Fetter, a guild, a faction, a Thorn, an Arcanos is of a kind that the application knows."""
    assert not violations
