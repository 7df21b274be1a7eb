"""Werewolves and the other changing breeds: renown, rank, gifts."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .game_lines import LINE_ABILITIES, MEANT, PAID, UNBOUNDED, choices
from .sources import ANY_PART, WEREWOLVES, part

RENOWN: Final = ("glory", "honor", "wisdom", "temporary_glory", "temporary_honor", "temporary_wisdom")


@pytest.mark.parametrize("column", ["rage", "gnosis"])
@rule.between(
    WEREWOLVES,
    "{column}",
    1,
    10,
    severity="high",
    fix_hint=PAID,
    enforced_by="characters_werewolf_{column}_range",
)
def test_rage_and_gnosis_are_one_to_ten(violations: Violations, column: str) -> None:
    """Rage and Gnosis of a werewolf lie between 1 and 10."""
    assert not violations


@pytest.mark.parametrize("column", ["rage", "gnosis"])
@rule.between(
    part("characters_fera"),
    "{column}",
    0,
    10,
    severity="low",
    fix_hint=PAID,
)
def test_rage_and_gnosis_of_fera_are_zero_to_ten(violations: Violations, column: str) -> None:
    """Rage and Gnosis of the other changing breeds lie between 0 and 10."""
    assert not violations


@pytest.mark.parametrize("column", RENOWN)
@rule.between(
    WEREWOLVES,
    "{column}",
    0,
    10,
    severity="medium",
    fix_hint=PAID,
)
def test_renown_is_zero_to_ten(violations: Violations, column: str) -> None:
    """Glory, Honor and Wisdom lie between 0 and 10; a sheet outside that cannot be saved any more."""
    assert not violations


@rule.between(
    WEREWOLVES,
    "rank",
    1,
    5,
    severity="low",
    fix_hint=PAID,
    tags=["WOLF-1"],
)
def test_rank_is_one_to_five(violations: Violations) -> None:
    """A werewolf is of rank 1 to 5."""
    assert not violations


@pytest.mark.parametrize("column", LINE_ABILITIES["characters_wtahuman"])
@rule.between(
    part("characters_wtahuman"),
    "{column}",
    0,
    10,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_werewolf_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The abilities that sheets of werewolves and their kin add lie between 0 and 10."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "key", "column", "values"),
    choices(
        "characters_werewolf",
        "characters_kinfolk",
        "characters_ajaba",
        "characters_ananasi",
        "characters_bastet",
        "characters_grondr",
        "characters_gurahl",
        "characters_kitsune",
        "characters_mokole",
        "characters_nagah",
        "characters_nuwisha",
        "characters_ratkin",
        "characters_rokea",
    ),
)
@rule.one_of(ANY_PART, "{column}", "%(values)s", fix_hint=MEANT)
def test_shapechanger_is_described_in_known_words(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """Breed, auspice, aspect, stream and the like are words that the application knows."""
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "values"), choices("characters_camp", "characters_totem"))
@rule.one_of("{table}", "{column}", "%(values)s", fix_hint=MEANT)
def test_camp_or_totem_is_of_a_known_kind(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """A camp, or a totem, is of a kind that the application knows."""
    assert not violations
