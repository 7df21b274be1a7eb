"""Items: wonders, weapons, treasures, relics and whatever else somebody can own."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.things import ANY_ITEM, POSSESSIONS, SPIRIT_WONDERS, TALISMANS, thing
from .words.things import OWNED, SET, UNCHECKED, choices, constrained, described, validated

SAVED = ["ITM-1", "ITM-2", "ITM-4", "ITM-5"]
"""The invariants of what follows from other columns: a value out of bounds may break them too."""


@pytest.mark.parametrize(("table", "key", "column", "low", "high", "constraint"), constrained("items"))
@rule.between(
    ANY_ITEM,
    "{column}",
    "%(low)s",
    "%(high)s",
    fix_hint=SET,
    enforced_by="{constraint}",
    overlaps=SAVED,
)
def test_item_value_is_within_its_constraint(
    violations: Violations, table: str, key: str, column: str, low: int, high: int, constraint: str
) -> None:
    """Ranks, charges, Glamour and the like of items lie within the bounds that the database was given too."""
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "low", "high"), validated("items"))
@rule.between(ANY_ITEM, "{column}", "%(low)s", "%(high)s", fix_hint=SET, overlaps=SAVED)
def test_item_value_is_within_its_bounds(
    violations: Violations, table: str, key: str, column: str, low: int, high: int | None
) -> None:
    """Ranks, costs and the like of items lie within the bounds that the application asks of them."""
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "low", "high"), described("items"))
@rule.between(ANY_ITEM, "{column}", "%(low)s", "%(high)s", severity="info", fix_hint=UNCHECKED, overlaps=SAVED)
def test_item_value_is_as_the_form_says(
    violations: Violations, table: str, key: str, column: str, low: int, high: int | None
) -> None:
    """Power levels, availability and the like of items lie within the bounds that the form mentions."""
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "values"), choices("items"))
@rule.one_of(ANY_ITEM, "{column}", "%(values)s", fix_hint=SET)
def test_item_is_described_in_known_words(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """Kind, material, era and the like of an item are words that the application knows."""
    assert not violations


@pytest.mark.parametrize("table", ["items_fetish", "items_talen"])
@rule.formula(
    SPIRIT_WONDERS,
    "wonder.background_cost",
    "wonder.rank",
    severity="low",
    fix="recompute",
    overlaps=["test_item_value_is_within_its_constraint"],
    tags=["ITM-1"],
)
def test_fetish_costs_its_rank(violations: Violations, table: str) -> None:
    """A fetish, and a talen, costs as many background points as its rank; saving it computes them."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "key", "column"),
    [
        pytest.param(table, "itemmodel_ptr_id", column, id=table)
        for table, column in {
            "items_mummyrelic": "rank",
            "items_vessel": "rank",
            "items_wraithartifact": "level",
            "items_wraithrelic": "level",
        }.items()
    ],
)
@rule.formula(
    ANY_ITEM,
    "background_cost",
    "{column}",
    severity="low",
    fix="recompute",
    overlaps=["test_item_value_is_within_its_bounds"],
    tags=["ITM-1"],
)
def test_relic_or_vessel_costs_its_rank(violations: Violations, table: str, key: str, column: str) -> None:
    """A relic of a mummy or a wraith, an artifact of a wraith and a vessel cost as many points as their rank."""
    assert not violations


@rule.formula(
    thing("items_vessel"),
    "max_ba",
    "rank::bigint * 10",
    severity="low",
    fix="recompute",
    show=["rank"],
    overlaps=["test_item_value_is_within_its_bounds", "test_vessel_holds_no_more_ba_than_fits"],
    tags=["ITM-2"],
)
def test_vessel_has_room_for_ten_ba_a_rank(violations: Violations) -> None:
    """A vessel has room for 10 points of Ba for each point of its rank; saving it computes the room."""
    assert not violations


@rule.at_most(
    thing("items_vessel"),
    "current_ba",
    "max_ba",
    severity="low",
    fix="clamp",
    overlaps=["test_item_value_is_within_its_bounds", "test_vessel_has_room_for_ten_ba_a_rank"],
    tags=["ITM-2"],
)
def test_vessel_holds_no_more_ba_than_fits(violations: Violations) -> None:
    """A vessel holds no more Ba than it has room for; saving it lets the rest go."""
    assert not violations


@pytest.mark.parametrize("column", ["ba_to_animate", "ba_per_day"])
@rule.formula(
    thing("items_ushabti"),
    "{column}",
    "rank",
    severity="low",
    fix="recompute",
    overlaps=["test_item_value_is_within_its_bounds"],
    tags=["ITM-2"],
)
def test_ushabti_takes_ba_by_its_rank(violations: Violations, column: str) -> None:
    """To animate an ushabti, and to keep it going for a day, takes as much Ba as its rank."""
    assert not violations


@rule.formula(
    thing("items_vessel"),
    "is_attuned",
    "attuned_to_id IS NOT NULL",
    severity="info",
    fix="recompute",
    show=["attuned_to_id"],
    tags=["ITM-3"],
)
def test_vessel_is_attuned_to_somebody(violations: Violations) -> None:
    """A vessel is called attuned exactly when it says to whom.

    The severity is info: it stands to reason, but nothing in the application sees to it.
    """
    assert not violations


@rule.at_most(
    thing("items_periapt"),
    "current_charges",
    "max_charges",
    fix="clamp",
    overlaps=["test_item_value_is_within_its_constraint"],
    tags=["ITM-4"],
)
def test_periapt_holds_no_more_charges_than_fit(violations: Violations) -> None:
    """A periapt holds no more charges than it has room for."""
    assert not violations


@rule.between(thing("items_bloodstone"), "blood_stored", 0, "max_blood", fix="clamp", tags=["ITM-4"])
def test_bloodstone_holds_no_more_blood_than_fits(violations: Violations) -> None:
    """A bloodstone holds no more blood than it has room for, and no less than none."""
    assert not violations


@rule.children(
    TALISMANS,
    "items_talisman_powers.talisman_id",
    at_least="wonder.rank",
    at_most="wonder.rank",
    severity="info",
    breaks="""
    DELETE FROM items_talisman_powers WHERE id = (SELECT min(id) FROM items_talisman_powers) RETURNING talisman_id
    """,
    fix_hint="which powers it has only a storyteller knows",
    overlaps=["test_item_value_is_within_its_constraint"],
    tags=["ITM-5"],
)
def test_talisman_has_a_power_for_each_rank(violations: Violations) -> None:
    """A talisman has as many powers as its rank once it is complete."""
    assert not violations


@rule.formula(
    POSSESSIONS,
    "cm.chronicle_id",
    "item.chronicle_id",
    severity="info",
    breaks="""
    INSERT INTO items_itemmodel_owned_by (itemmodel_id, charactermodel_id)
    SELECT item.id, min(cm.id) FROM items_itemmodel AS item
    JOIN characters_charactermodel AS cm ON cm.chronicle_id <> item.chronicle_id
    WHERE item.id = (SELECT min(id) FROM items_itemmodel WHERE chronicle_id IS NOT NULL)
    GROUP BY item.id RETURNING id
    """,
    show=["item.id", "item.chronicle_id", "cm.id", "cm.chronicle_id"],
    fix_hint=OWNED,
    tags=["ITM-6"],
    overlaps=["test_character_chronicle_is_named_once_approved", "test_object_that_is_submitted_has_a_chronicle"],
)
def test_item_is_owned_within_its_chronicle(violations: Violations) -> None:
    """An item of a chronicle belongs to characters of that chronicle."""
    assert not violations
