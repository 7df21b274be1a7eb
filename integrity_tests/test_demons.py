"""Demons, the Earthbound and their thralls: Lores, Faith and Torment, pacts."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .game_lines import LEFT, LINE_ABILITIES, LORES, MEANT, PAID, UNBOUNDED, choices
from .sources import ANY_PART, part
from .vocabulary import CLASSES

FALLEN: Final = [(table, CLASSES[table].key) for table in ("characters_demon", "characters_earthbound")]
FALLEN_LORES: Final = [(*one, column) for one in FALLEN for column in LORES]
FALLEN_POOLS: Final = [
    (*one, column) for one in FALLEN for column in ("torment", "temporary_torment", "temporary_faith")
]
VIRTUES: Final = ("conscience", "conviction", "courage")


@pytest.mark.parametrize(("table", "key", "column"), FALLEN_LORES)
@rule.between(
    ANY_PART,
    "{column}",
    0,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_lore_is_zero_to_five(violations: Violations, table: str, key: str, column: str) -> None:
    """Every Lore lies between 0 and 5."""
    assert not violations


@pytest.mark.parametrize(("table", "key"), FALLEN)
@rule.between(
    ANY_PART,
    "faith",
    1,
    10,
    severity="medium",
    fix_hint=PAID,
)
def test_faith_is_one_to_ten(violations: Violations, table: str, key: str) -> None:
    """Faith lies between 1 and 10; a sheet outside that cannot be saved any more."""
    assert not violations


@pytest.mark.parametrize(("table", "key", "column"), FALLEN_POOLS)
@rule.between(
    ANY_PART,
    "{column}",
    0,
    10,
    severity="medium",
    fix_hint=LEFT,
)
def test_torment_is_zero_to_ten(violations: Violations, table: str, key: str, column: str) -> None:
    """Torment, permanent and temporary, and temporary Faith lie between 0 and 10."""
    assert not violations


@pytest.mark.parametrize("column", VIRTUES)
@rule.between(
    part("characters_demon"),
    "{column}",
    1,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_virtue_of_demon_is_one_to_five(violations: Violations, column: str) -> None:
    """Conscience, Conviction and Courage of a demon lie between 1 and 5."""
    assert not violations


@pytest.mark.parametrize("column", VIRTUES)
@rule.between(
    part("characters_thrall"),
    "{column}",
    1,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_virtue_of_thrall_is_one_to_five(violations: Violations, column: str) -> None:
    """Conscience, Conviction and Courage of a thrall lie between 1 and 5."""
    assert not violations


@pytest.mark.parametrize("column", VIRTUES)
@rule.between(
    part("characters_earthbound"),
    "{column}",
    1,
    5,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_virtue_of_earthbound_is_one_to_five(violations: Violations, column: str) -> None:
    """The Virtues of an Earthbound lie between 1 and 5, if they follow those of a demon."""
    assert not violations


@pytest.mark.parametrize("column", ["urge_flesh", "urge_thought", "urge_emotion"])
@rule.between(
    part("characters_earthbound"),
    "{column}",
    1,
    5,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_urge_is_one_to_five(violations: Violations, column: str) -> None:
    """The Urges of an Earthbound lie between 1 and 5."""
    assert not violations


@rule.between(
    part("characters_earthbound"),
    "mastery_rating",
    0,
    5,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_mastery_is_zero_to_five(violations: Violations) -> None:
    """The mastery of an Earthbound lies between 0 and 5."""
    assert not violations


@rule.between(
    part("characters_thrall"),
    "faith_potential",
    1,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_faith_potential_is_one_to_five(violations: Violations) -> None:
    """The faith potential of a thrall lies between 1 and 5."""
    assert not violations


@rule.between(
    "characters_ritual",
    "primary_lore_rating",
    1,
    5,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_ritual_needs_a_lore_of_one_to_five(violations: Violations) -> None:
    """A ritual needs 1 to 5 dots of its Lore."""
    assert not violations


@pytest.mark.parametrize("column", LINE_ABILITIES["characters_dtfhuman"])
@rule.between(
    part("characters_dtfhuman"),
    "{column}",
    0,
    10,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_demon_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The abilities that sheets of demons and thralls add lie between 0 and 10."""
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "values"), choices("characters_earthbound"))
@rule.one_of(ANY_PART, "{column}", "%(values)s", fix_hint=MEANT)
def test_reliquary_of_earthbound_is_of_a_known_kind(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """The reliquary that binds an Earthbound is of a kind that the application knows."""
    assert not violations
