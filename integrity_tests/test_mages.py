"""Mages: Spheres and Arete."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .game_lines import LEFT, LINE_ABILITIES, MEANT, PAID, UNBOUNDED, choices
from .sources import ANY_PART, MAGES, part
from .vocabulary import SPHERES


@rule.at_most(
    MAGES,
    f"GREATEST({', '.join(SPHERES)})",
    "arete",
    severity="high",
    show=SPHERES,
    fix_hint="either the Sphere is too high or Arete too low, and XP was paid for both: a storyteller decides",
    breaks={"arete": "1", "entropy": "4"},
    overlaps=["test_sphere_is_zero_to_five"],
    tags=["MAG-1"],
)
def test_sphere_is_at_most_arete(violations: Violations) -> None:
    """No mage knows more of a Sphere than the Arete allows; such a sheet cannot be saved any more."""
    assert not violations


@pytest.mark.parametrize("sphere", SPHERES)
@rule.between(
    MAGES,
    "{sphere}",
    0,
    5,
    severity="high",
    fix_hint="XP was paid for the Spheres: a storyteller decides",
    overlaps=["test_sphere_is_at_most_arete"],
    tags=["MAG-1"],
)
def test_sphere_is_zero_to_five(violations: Violations, sphere: str) -> None:
    """Every Sphere lies between 0 and 5."""
    assert not violations


@rule.between(
    MAGES,
    "arete",
    1,
    10,
    severity="high",
    fix_hint=PAID,
    enforced_by="characters_mage_arete_range",
    overlaps=["test_sphere_is_at_most_arete"],
)
def test_arete_is_one_to_ten(violations: Violations) -> None:
    """Arete lies between 1 and 10."""
    assert not violations


@rule.between(
    MAGES,
    "quiet",
    0,
    5,
    severity="low",
    fix_hint=LEFT,
)
def test_quiet_is_zero_to_five(violations: Violations) -> None:
    """Quiet lies between 0 and 5."""
    assert not violations


@rule.between(
    part("characters_sorcerer"),
    "quintessence",
    0,
    10,
    severity="low",
    fix_hint=LEFT,
)
def test_quintessence_of_sorcerer_is_zero_to_ten(violations: Violations) -> None:
    """A sorcerer holds at most 10 points of quintessence."""
    assert not violations


@pytest.mark.parametrize("column", LINE_ABILITIES["characters_mtahuman"])
@rule.between(
    part("characters_mtahuman"),
    "{column}",
    0,
    10,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_mage_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The abilities that sheets of mages, sorcerers and companions add lie between 0 and 10."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "key", "column", "values"), choices("characters_mage", "characters_companion", "characters_sorcerer")
)
@rule.one_of(ANY_PART, "{column}", "%(values)s", fix_hint=MEANT)
def test_mage_is_described_in_known_words(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """Essence, Quiet, the kind of a companion or a sorcerer and the like are words that the application knows."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "key", "column", "values"), choices("characters_tenet", "characters_linearmagicpath")
)
@rule.one_of("{table}", "{column}", "%(values)s", fix_hint=MEANT)
def test_tenet_or_path_is_of_a_known_kind(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """A tenet, or a path of sorcery, is of a kind that the application knows."""
    assert not violations
