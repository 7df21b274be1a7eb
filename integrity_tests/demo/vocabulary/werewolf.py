"""Words of the werewolf line."""

from typing import Final

# Tribe, starting willpower, one of its camps.
TRIBES: Final = (
    ("Black Furies", 3, "Temple of the Hearth"),
    ("Bone Gnawers", 4, "The Bridge Mob"),
    ("Children of Gaia", 4, "Patient Hands"),
    ("Fianna", 3, "Songkeepers of the West"),
    ("Get of Fenris", 3, "The Anvil Sworn"),
    ("Glass Walkers", 3, "Signal and Noise"),
    ("Red Talons", 3, "Winter Howl"),
    ("Shadow Lords", 3, "Court of Thunderheads"),
    ("Silent Striders", 3, "Dust on the Road"),
    ("Silver Fangs", 3, "Lodge of the Sun"),
    ("Uktena", 3, "Keepers of the Sealed Door"),
    ("Wendigo", 4, "First Snow"),
    ("Stargazers", 4, "The Listening Stair"),
)

# Lowest (glory, honor, wisdom) of each rank, as the application grants it; a ragabash needs a total instead.
RENOWN: Final = {
    "theurge": ((0, 0, 3), (1, 0, 5), (2, 1, 7), (4, 2, 9), (4, 9, 10)),
    "philodox": ((0, 3, 0), (1, 4, 1), (2, 6, 2), (3, 8, 4), (4, 10, 9)),
    "galliard": ((2, 0, 1), (4, 0, 2), (4, 2, 4), (7, 2, 6), (9, 5, 9)),
    "ahroun": ((2, 1, 0), (4, 1, 1), (6, 3, 1), (9, 4, 2), (10, 9, 4)),
    "ragabash": ((1, 1, 1), (2, 2, 3), (4, 4, 5), (6, 6, 7), (8, 8, 9)),
}

RAGE: Final = {"ragabash": 1, "theurge": 2, "philodox": 3, "galliard": 4, "ahroun": 5}
GNOSIS: Final = {"homid": 1, "metis": 3, "lupus": 5}

# Gift, rank, who may learn it (auspice, breed or tribe).
GIFTS: Final = (
    ("Borrowed Shadow", 1, "ragabash"),
    ("Loose Knot", 2, "ragabash"),
    ("Trade PreparedSources", 3, "ragabash"),
    ("Ear of the River", 1, "theurge"),
    ("Name the Spirit", 2, "theurge"),
    ("Open the Veil", 3, "theurge"),
    ("Weigh the Word", 1, "philodox"),
    ("Ring of Truce", 2, "philodox"),
    ("Judge's Patience", 3, "philodox"),
    ("Carrying Voice", 1, "galliard"),
    ("Shared Dream", 2, "galliard"),
    ("Song of the Fallen", 3, "galliard"),
    ("Stone Knuckles", 1, "ahroun"),
    ("Unbroken Charge", 2, "ahroun"),
    ("Wall of Teeth", 3, "ahroun"),
    ("City Tongue", 1, "homid"),
    ("Paper Face", 2, "homid"),
    ("Burrow Deep", 1, "metis"),
    ("Borrow the Wound", 2, "metis"),
    ("Long Nose", 1, "lupus"),
    ("Leap of the Doe", 2, "lupus"),
)

# Rite, level, its kind.
RITES: Final = (
    ("Rite of the Cleansed Stone", 1, "accord"),
    ("Rite of the Shared Kill", 1, "caern"),
    ("Rite of the Second Name", 2, "renown"),
    ("Rite of the Empty Seat", 2, "punishment"),
    ("Rite of the Winter Vigil", 3, "seasonal"),
)

TOTEMS: Final = (
    ("Old Heron", 4, "wisdom"),
    ("Iron Badger", 5, "war"),
    ("Grandmother Elk", 6, "respect"),
    ("Magpie-on-the-Wire", 4, "cunning"),
    ("Salt Bear", 7, "war"),
)

# Deed and the renown it brings: glory, honor, wisdom.
DEEDS: Final = (
    ("Held the ford alone", 3, 1, 0),
    ("Kept an oath at great cost", 0, 4, 0),
    ("Solved the elder's riddle", 0, 0, 3),
    ("Told the moot a new song", 1, 0, 1),
    ("Buried an enemy with honour", 1, 2, 1),
)

BATTLE_SCARS: Final = (("Torn Ear", 1), ("Limping Stride", 2), ("Glass Eye", 1))

PACKS: Final = (
    "Nine Winters, The Weir Runners, Cinder Paw, Low Tide, Howl Against the Wire, The Unmapped, Grandfather's Teeth,"
    " Moss and Flint"
).split(", ")

SPIRITS: Final = "Wind, River-Stone, Rust, Ember, Owl, Thunder, Ivy, Frost".split(", ")
