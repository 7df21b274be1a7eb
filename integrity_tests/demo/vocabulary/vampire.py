"""Words of the vampire line."""

from typing import Final

SECTS: Final = "Camarilla, Sabbat, Anarch Movement, Independent".split(", ")

DISCIPLINES: Final = (
    "celerity fortitude potence auspex dominate dementation presence animalism protean obfuscate chimerstry"
    " necromancy obtenebration quietus serpentis thaumaturgy vicissitude daimoinon melpominee mytherceria obeah"
    " temporis thanatosis valeren visceratika"
).split()

# Clan, nickname, usual sect, disciplines, parent clan of a bloodline.
CLANS: Final = (
    ("Brujah", "Rabble", "Anarch Movement", "celerity potence presence", None),
    ("Gangrel", "Outlanders", "Independent", "animalism fortitude protean", None),
    ("Malkavian", "Lunatics", "Camarilla", "auspex dementation obfuscate", None),
    ("Nosferatu", "Sewer Rats", "Camarilla", "animalism obfuscate potence", None),
    ("Toreador", "Degenerates", "Camarilla", "auspex celerity presence", None),
    ("Tremere", "Warlocks", "Camarilla", "auspex dominate thaumaturgy", None),
    ("Ventrue", "Blue Bloods", "Camarilla", "dominate fortitude presence", None),
    ("Lasombra", "Keepers", "Sabbat", "dominate obtenebration potence", None),
    ("Tzimisce", "Fiends", "Sabbat", "animalism auspex vicissitude", None),
    ("Assamite", "Assassins", "Independent", "celerity obfuscate quietus", None),
    ("Followers of Set", "Serpents", "Independent", "obfuscate presence serpentis", None),
    ("Giovanni", "Necromancers", "Independent", "dominate necromancy potence", None),
    ("Ravnos", "Deceivers", "Independent", "animalism chimerstry fortitude", None),
    ("Daughters of Cacophony", "Sirens", "Independent", "fortitude melpominee presence", "Toreador"),
    ("Gargoyles", "Rocks", "Camarilla", "fortitude potence visceratika", "Nosferatu"),
)

# Title, sect, standing.
TITLES: Final = (
    ("Prince", "Camarilla", 5),
    ("Primogen", "Camarilla", 3),
    ("Sheriff", "Camarilla", 2),
    ("Harpy", "Camarilla", 2),
    ("Keeper of Elysium", "Camarilla", 1),
    ("Bishop", "Sabbat", 3),
    ("Ductus", "Sabbat", 2),
    ("Baron", "Anarch Movement", 3),
)

# Path, whether it asks for conviction, whether for instinct.
PATHS: Final = (
    ("Path of Cold Ledgers", True, True),
    ("Path of the Open Grave", True, False),
    ("Path of the Long Hunt", False, True),
    ("Path of Quiet Mercy", False, False),
)

# Greatest and per-turn blood by generation, as the application derives them on save.
BLOOD: Final = {
    4: (50, 10),
    5: (40, 8),
    6: (30, 6),
    7: (20, 4),
    8: (15, 3),
    9: (14, 2),
    10: (13, 1),
    11: (12, 1),
    12: (11, 1),
    13: (10, 1),
    14: (10, 1),
    15: (10, 1),
}

COTERIES: Final = (
    "The Gaslight Circle, Ashes of Autumn, The Tenth Precinct, Velvet Hour, The Ferrymen, Salt and Iron,"
    " The Borrowed Crown, Night Tariff, The Quiet Accounts, Saint Agnes Irregulars"
).split(", ")
