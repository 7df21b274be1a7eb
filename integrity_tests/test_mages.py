"""Mages: Spheres and Arete."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .sources import MAGES
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
