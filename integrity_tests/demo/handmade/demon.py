"""Demon: the Fallen."""

from typing import Final

from .made import item, place

ITEMS: Final = (
    item(
        "relic",
        "Compass of the Second Dawn",
        "Points to whoever lies.",
        relic_type="ancient",
        complexity=10,
        lore_used="Lore of Paths",
        power="Finds the nearest broken promise.",
        material="Gold that does not tarnish.",
        is_permanent=True,
        difficulty=8,
        dice_pool=7,
    ),
    item(
        "relic",
        "Whetted Nail",
        "From a carpenter's shop.",
        relic_type="enhanced",
        complexity=1,
        lore_used="Lore of the Forge",
        difficulty=6,
        dice_pool=3,
        status="Sub",
    ),
)

PLACES: Final = (
    place(
        "bastion",
        "Saint Anthony's Undercroft",
        "Consecrated twice, once to each side.",
        ritual_strength=10,
        warding_level=5,
        consecration_date="1954-05-02",
    ),
    place("bastion", "Pump House Nine", "The chalk has washed off.", ritual_strength=0, warding_level=0, status="Un"),
    place(
        "reliquary",
        "The Standing Quarry",
        "Blasting stopped after the foreman's dream.",
        reliquary_type="location",
        location_size="a hillside",
        max_health_levels=10,
        current_health_levels=10,
        soak_rating=8,
        has_pervasiveness=True,
        has_manifestation=True,
        manifestation_range=100,
    ),
    place(
        "reliquary",
        "Cracked Idol",
        "Somebody has dropped it.",
        reliquary_type="improvised",
        max_health_levels=3,
        current_health_levels=0,
        soak_rating=0,
    ),
)
