"""Words of the mage line."""

from collections.abc import Mapping
from typing import Final, TypeAlias

Era: TypeAlias = tuple[str, int]
"""A name and the year it was founded."""

SPHERES: Final = "correspondence time spirit mind entropy prime forces matter life".split()
ESSENCES: Final = "Dynamic Pattern Primordial Questing".split()

# Affiliation, its factions, and the subfactions of some.
FACTIONS: Final[Mapping[Era, Mapping[Era, tuple[Era, ...]]]] = {
    ("Traditions", 1466): {
        ("Akashic Brotherhood", 1466): (),
        ("Celestial Chorus", 1466): (("Lantern Choir", 1611),),
        ("Cult of Ecstasy", 1466): (),
        ("Dreamspeakers", 1466): (),
        ("Euthanatos", 1466): (),
        ("Order of Hermes", 1466): (("House of the Eighth Seal", 1702), ("Collegium of Ash", 1839)),
        ("Sons of Ether", 1904): (("Society of Careful Engines", 1911),),
        ("Verbena", 1466): (),
        ("Virtual Adepts", 1961): (),
    },
    ("Technocratic Union", 1897): {
        ("Iteration X", 1897): (("Loom Division", 1950),),
        ("New World Order", 1897): (("Reading Room", 1921),),
        ("Progenitors", 1897): (),
        ("Syndicate", 1897): (),
        ("Void Engineers", 1897): (),
    },
    ("Disparate Alliance", 1998): {("Hollow Ones", 1920): (), ("Ahl-i-Batin", 1325): ()},
    ("Marauders", 1300): {},
}

# Tenet and its slot: metaphysical, personal, of ascension.
TENETS: Final = (
    ("The world is a text", "met"),
    ("Everything is number", "met"),
    ("All things are alive", "met"),
    ("The self is a discipline", "per"),
    ("The self is a guest", "per"),
    ("The self is a wound", "per"),
    ("Ascension is shared or nothing", "asc"),
    ("Ascension is a door for one", "asc"),
    ("Ascension has already happened", "asc"),
)

PRACTICES: Final = (
    ("Clockwork Theology", "crafts"),
    ("Garden Craft", "medicine"),
    ("High Geometry", "science"),
    ("Street Sorcery", "streetwise"),
    ("Sung Prayer", "expression"),
    ("The Empty Fist", "brawl"),
)

PARADIGMS: Final = "A Great Machine, A World of Spirits, Words Made Real, Nothing Is Fixed".split(", ")
INSTRUMENTS: Final = "Brass Orrery, Chalk, Drum, Ledger, Loom, Mirror, Prayer Beads, Tuning Fork, Vial of Ink".split(
    ", "
)
RESONANCES: Final = "Ashen, Clockwork, Feverish, Honeyed, Patient, Ringing, Tidal, Unblinking, Verdant, Wintry".split(
    ", "
)

# Rote, the spheres of its effect, attribute, ability.
ROTES: Final = (
    ("Count the Exits", {"correspondence": 1}, "perception", "alertness"),
    ("Read the Room", {"mind": 1}, "perception", "empathy"),
    ("Feel the Grain", {"matter": 1}, "wits", "crafts"),
    ("See the Thread", {"prime": 1}, "intelligence", "academics"),
    ("Weather Eye", {"forces": 1, "time": 1}, "perception", "science"),
    ("Mend the Cup", {"matter": 2, "prime": 1}, "dexterity", "crafts"),
    ("Second Wind", {"life": 2}, "stamina", "athletics"),
    ("Find the Flaw", {"entropy": 1, "matter": 1}, "intelligence", "investigation"),
    ("A Word in the Ear", {"mind": 2, "correspondence": 2}, "manipulation", "subterfuge"),
    ("Knock at the Veil", {"spirit": 2}, "charisma", "expression"),
)

CABALS: Final = (
    "The Marginalia, Third Floor Rear, House of Small Engines, The Tide Table, Quorum of Six, The Wayward Index,"
    " Copper Sunday, The Long Parenthesis"
).split(", ")
