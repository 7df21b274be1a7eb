"""What traits cost in XP.

TG has two ways to buy: the service, which charges for the dots that one has, and older methods, which charge for the dot
that one gets. Both are in use, so both prices are right.
"""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity import Violations, rule

from .sources.play import SPENDS

NEW: Final = "spend.trait_value::bigint"
OLD: Final = f"({NEW} - 1)"


def price(trait: str, *each: str, first: str | None = None) -> str:
    """What a spend on a kind of trait costs: the price it has if that is one of several, NULL for other traits."""
    usual = f"CASE WHEN spend.cost IN ({', '.join(each)}) THEN spend.cost ELSE {each[0]} END"
    if first is not None:
        usual = f"CASE WHEN spend.trait_value = 1 THEN {first} ELSE {usual} END"
    return f"CASE WHEN spend.trait_type = '{trait}' THEN {usual} END"


@rule.between(
    SPENDS,
    "spend.cost",
    0,
    9999,
    severity="high",
    show=["spend.trait_type", "spend.trait_name", "spend.trait_value", "spend.approved"],
    fix_hint="XP is money: a storyteller decides what the trait costs",
    overlaps=[
        "test_xp_can_be_explained_by_awards",
        "test_xp_spend_denied_was_paid_for",
        "test_xp_spend_on_an_ability_has_its_price",
        "test_xp_spend_on_an_attribute_has_its_price",
        "test_xp_spend_on_willpower_has_its_price",
    ],
    since="spend.created_at",
    tags=["XP-17"],
)
def test_xp_spend_has_a_possible_cost(violations: Violations) -> None:
    """A request to spend XP costs from 0 to 9999; 10000 is the price of a trait that has none."""
    assert not violations


@rule.implies(
    SPENDS,
    "spend.cost = 0 AND spend.trait_type <> 'tenet'",
    "spend.trait_value <= 1",
    severity="high",
    breaks={"spend.cost": "0", "spend.trait_type": "'gift'", "spend.trait_value": "3"},
    show=["spend.trait_type", "spend.trait_name", "spend.trait_value", "spend.approved"],
    fix_hint="XP is money: a storyteller decides what the trait costs",
    since="spend.created_at",
    tags=["XP-17"],
)
def test_xp_spend_is_free_for_tenets_and_first_dots_only(violations: Violations) -> None:
    """Nothing is free but a tenet and what a formula gives for a first dot."""
    assert not violations


@rule.formula(
    SPENDS,
    "spend.cost",
    price("attribute", f"4 * {OLD}", f"4 * {NEW}"),
    breaks={"spend.cost": "1"},
    show=["spend.trait_name", "spend.trait_value", "spend.approved"],
    fix_hint="XP is money: a storyteller decides what the trait costs",
    since="spend.created_at",
    tags=["XP-19"],
)
def test_xp_spend_on_an_attribute_has_its_price(violations: Violations) -> None:
    """An attribute costs four times its old rating; by the older method, four times the new one."""
    assert not violations


@rule.formula(
    SPENDS,
    "spend.cost",
    price("ability", f"2 * {OLD}", f"2 * {NEW}", first="3"),
    breaks={"spend.cost": "1"},
    show=["spend.trait_name", "spend.trait_value", "spend.approved"],
    fix_hint="XP is money: a storyteller decides what the trait costs",
    since="spend.created_at",
    tags=["XP-20"],
)
def test_xp_spend_on_an_ability_has_its_price(violations: Violations) -> None:
    """An ability costs 3 for the first dot, then twice its old rating; by the older method, twice the new one."""
    assert not violations


@rule.formula(
    SPENDS,
    "spend.cost",
    price("willpower", OLD, NEW),
    breaks={"spend.cost": "1"},
    show=["spend.trait_name", "spend.trait_value", "spend.approved"],
    fix_hint="XP is money: a storyteller decides what the trait costs",
    since="spend.created_at",
    tags=["XP-21"],
)
def test_xp_spend_on_willpower_has_its_price(violations: Violations) -> None:
    """Willpower costs its old rating; by the older method, the new one."""
    assert not violations


@rule.formula(
    SPENDS,
    "spend.cost",
    price("arete", f"8 * {OLD}"),
    breaks={"spend.trait_type": "'arete'", "spend.cost": "1"},
    show=["spend.trait_name", "spend.trait_value", "spend.approved"],
    fix_hint="XP is money: a storyteller decides what the trait costs",
    since="spend.created_at",
    tags=["XP-21"],
)
def test_xp_spend_on_arete_has_its_price(violations: Violations) -> None:
    """Arete costs eight times its old rating."""
    assert not violations


@rule.formula(
    SPENDS,
    "spend.cost",
    price("sphere", f"8 * {OLD}", f"7 * {OLD}", first="10"),
    breaks={"spend.trait_type": "'sphere'", "spend.cost": "1"},
    show=["spend.trait_name", "spend.trait_value", "spend.approved"],
    fix_hint="XP is money: a storyteller decides what the trait costs",
    since="spend.created_at",
    tags=["XP-21"],
)
def test_xp_spend_on_a_sphere_has_its_price(violations: Violations) -> None:
    """A Sphere costs 10 for the first dot, then eight times its old rating; seven times with an affinity."""
    assert not violations
