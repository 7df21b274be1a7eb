"""World of Darkness: what needs no game line."""

from typing import Final

from .made import item, place

ITEMS: Final = (
    item(
        "itemmodel",
        "Sealed Letter",
        "Addressed to somebody who has not been born yet.",
        status="Un",
        public_info="It has no stamp.",
    ),
    item(
        "itemmodel",
        "Brass Key No. 9",
        "Fits the ninth door, wherever that is.",
        status="Sub",
        image="items/key-no-9.jpg",
        image_status="un",
        visibility="CUS",
    ),
    item("weapon", "Fire Axe", "From the stairwell.", difficulty=7, damage=4, damage_type="L", conceal="N"),
    item("weapon", "Stun Baton", "Runs on two batteries.", difficulty=6, damage=3, damage_type="B", conceal="J"),
    item("thrownweapon", "Throwing Star", "Sharper than legal.", difficulty=6, damage=2, conceal="P"),
    item("thrownweapon", "Paper Dart", "Harms nobody's skin.", difficulty=8, damage=0, damage_type="B", conceal="P"),
    item("meleeweapon", "Claw Gauntlet", "Leaves marks that do not heal.", difficulty=5, damage=6, damage_type="A"),
    item("rangedweapon", "Yew Longbow", "Older than its owner.", difficulty=7, damage=5, range=120, rate=1, clip=0),
)

PLACES: Final = (
    place(
        "city",
        "Vila Perdida",
        "Flooded for the reservoir; the bells are still heard.",
        population=0,
        mood="Regret",
        theme="What the water keeps",
        media="One local station, off the air",
        politicians="",
        creation_status=4,
        dimension_barrier=10,
    ),
    place("locationmodel", "The Spiral Well", "Here all walls are thin.", gauntlet=0, shroud=0, dimension_barrier=0),
    place(
        "locationmodel",
        "Ministry of Weights and Measures",
        "Nothing strange has ever happened here.",
        gauntlet=10,
        shroud=10,
        dimension_barrier=10,
        status="Sub",
        image="locations/ministry.png",
        image_status="app",
        visibility="PUB",
    ),
)
