"""Reference words that every game line shares."""

from typing import Final

GAMELINES: Final = (
    "World of Darkness, Vampire: the Masquerade, Werewolf: the Apocalypse, Mage: the Ascension, Wraith: the Oblivion,"
    " Changeling: the Dreaming, Demon: the Fallen, Hunter: the Reckoning, Mummy: the Resurrection"
).split(", ")

ATTRIBUTES: Final = (
    ("strength", "dexterity", "stamina"),
    ("charisma", "manipulation", "appearance"),
    ("perception", "intelligence", "wits"),
)

ABILITIES: Final = (
    "alertness athletics brawl empathy expression intimidation streetwise subterfuge".split(),
    "crafts drive etiquette firearms melee stealth".split(),
    "academics computer investigation medicine science".split(),
)

# Name, its column or word, experience multiplier, whether a group may pool it.
BACKGROUNDS: Final = (
    ("Allies", "allies", 1, True),
    ("Alternate Identity", "alternate_identity", 1, False),
    ("Black Hand Membership", "black_hand_membership", 1, False),
    ("Contacts", "contacts", 1, True),
    ("Domain", "domain", 1, True),
    ("Fame", "fame", 1, False),
    ("Generation", "generation", 1, False),
    ("Herd", "herd", 1, True),
    ("Influence", "influence", 1, True),
    ("Mentor", "mentor", 1, False),
    ("Resources", "resources", 1, True),
    ("Retainers", "retainers", 1, True),
    ("Rituals", "rituals", 1, False),
    ("Status", "status_background", 1, False),
    ("Ancestors", "ancestors", 1, False),
    ("Kinfolk", "kinfolk", 1, True),
    ("Pure Breed", "pure_breed", 1, False),
    ("Totem", "totem", 1, True),
    ("Arcane", "arcane", 1, False),
    ("Avatar", "avatar", 1, False),
    ("Destiny", "destiny", 1, False),
    ("Dream", "dream", 1, False),
    ("Library", "library", 1, True),
    ("Node", "node", 1, True),
    ("Sanctum", "sanctum", 2, True),
    ("Wonder", "wonder", 1, True),
    ("Chantry", "chantry", 1, True),
)

ARCHETYPES: Final = (
    "Architect, Bon Vivant, Bravo, Caregiver, Celebrant, Competitor, Conformist, Curmudgeon, Deviant, Director,"
    " Fanatic, Gallant, Judge, Loner, Martyr, Pedagogue, Penitent, Perfectionist, Rebel, Rogue, Survivor,"
    " Thrill-Seeker, Traditionalist, Trickster, Visionary"
).split(", ")

# Name and how common it is (per mille of speakers in the chronicles' cities).
LANGUAGES: Final = (
    ("English", 900),
    ("Spanish", 300),
    ("Mandarin", 220),
    ("French", 160),
    ("Arabic", 120),
    ("Russian", 100),
    ("German", 95),
    ("Portuguese", 80),
    ("Japanese", 60),
    ("Hindi", 60),
    ("Polish", 45),
    ("Turkish", 40),
    ("Yoruba", 30),
    ("Hebrew", 20),
    ("Irish", 12),
    ("Māori", 8),
    ("Íslenska", 5),
    ("Diné bizaad", 5),
    ("Latin", 4),
    ("Old Church Slavonic", 1),
)

# Name, offered ratings, the kinds of character it is for.
MERITS_FLAWS: Final = (
    ("Ambidextrous", (1,), "human"),
    ("Catlike Balance", (1,), "human"),
    ("Keen Ear", (1, 2), "human"),
    ("Photographic Recall", (2,), "human"),
    ("Natural Linguist", (1, 2, 3), "human"),
    ("Iron Constitution", (3,), "human"),
    ("Old Money", (2, 4), "human"),
    ("Double Life", (2, 3), "human"),
    ("Good Reputation", (1, 3, 5), "human"),
    ("Clear Conscience", (1,), "human"),
    ("Bad Sight", (-1, -3), "human"),
    ("Short Fuse", (-2,), "human"),
    ("Haunting Dreams", (-1, -2), "human"),
    ("Chronic Cough", (-1,), "human"),
    ("Wanted by the Law", (-2, -3, -4), "human"),
    ("Gambling Debts", (-1, -2), "human"),
    ("Old Rival", (-1, -2, -3), "human"),
    ("Missing Finger", (-1,), "human"),
    ("Speaks to Birds", (1, 2), "vtm"),
    ("Pallid Hands", (-1,), "vtm"),
    ("Cold Breath", (-1,), "vtm"),
    ("Loyal Nest", (3,), "vtm"),
    ("Silver Scar", (-2,), "wta"),
    ("Moon Kissed", (2,), "wta"),
    ("Restless Ancestor", (-2, -3), "wta"),
    ("True Tracker", (1, 2), "wta"),
    ("Echoing Voice", (-1,), "mta"),
    ("Sphere Affinity", (4,), "mta"),
    ("Circumspect Avatar", (2,), "mta"),
    ("Paradox Magnet", (-3, -4), "mta"),
)

DERANGEMENTS: Final = "Compulsive counting, Fear of open water, Insomnia, Night terrors, Sleepwalking".split(", ")

# Stat and the specialties taken in it.
SPECIALTIES: Final = {
    "academics": ("Palaeography", "Roman Law"),
    "alertness": ("Ambushes", "Crowds"),
    "athletics": ("Climbing", "Swimming"),
    "brawl": ("Grappling", "Dirty Fighting"),
    "charisma": ("Grace", "Urbane"),
    "computer": ("Intrusion", "Forensics"),
    "crafts": ("Bookbinding", "Carpentry"),
    "dexterity": ("Nimble", "Steady Hands"),
    "drive": ("Motorcycles", "Winter Roads"),
    "empathy": ("Grief", "Lies"),
    "etiquette": ("Courts", "Street"),
    "expression": ("Poetry", "Sermons"),
    "firearms": ("Rifles", "Quick Draw"),
    "intelligence": ("Analytical", "Creative"),
    "intimidation": ("Stares", "Veiled Threats"),
    "investigation": ("Crime Scenes", "Paper Trails"),
    "manipulation": ("Guilt", "Seduction"),
    "medicine": ("Poisons", "Surgery"),
    "melee": ("Knives", "Staves"),
    "perception": ("Attentive", "Sounds"),
    "science": ("Chemistry", "Astronomy"),
    "stamina": ("Marathons", "Tough"),
    "stealth": ("Shadows", "Urban"),
    "streetwise": ("Gangs", "Rumours"),
    "strength": ("Lifting", "Grip"),
    "subterfuge": ("Alibis", "Flattery"),
    "wits": ("Changes of Plan", "Repartee"),
}

# Title, edition, game line; invented.
BOOKS: Final = (
    ("The Lamplighter's Handbook", "20th", "wod"),
    ("Streets After Midnight", "20th", "vtm"),
    ("A Registry of Bloodlines", "Rev", "vtm"),
    ("Claw and Covenant", "20th", "wta"),
    ("Songs Under the Moon", "2e", "wta"),
    ("The Unfinished Theorem", "20th", "mta"),
    ("Towers and Circles", "Rev", "mta"),
    ("Players' Almanac", "1e", "wod"),
    ("Beneath the Skinlands", "2e", "wto"),
    ("The Commoner's Tale", "20th", "ctd"),
    ("Names Once Given", "1e", "dtf"),
    ("The Neighbours' Watch", "1e", "htr"),
    ("Seven Lives of Men", "Rev", "mtr"),
    ("Knights of the Long Candle", "DA", "vtm"),
    ("Gaslight and Fog", "VA", "vtm"),
    ("Rails to the Umbra", "WW", "wta"),
    ("The Inquisitive Age", "SC", "mta"),
    ("A Thousand Courts", "KotE", "vtm"),
    ("Projects and Pathologies", "1e", "orp"),
)

# By kind and game line: the words for what a storyteller can allow in a chronicle.
OBJECT_TYPES: Final = {
    ("char", "wod"): "human group",
    ("char", "vtm"): "vtm_human vampire ghoul revenant coterie",
    ("char", "wta"): "wta_human werewolf kinfolk fomor drone spirit_character pack",
    ("char", "mta"): "mta_human mage sorcerer companion cabal",
    ("char", "wto"): "wto_human wraith circle",
    ("char", "ctd"): "ctd_human changeling autumn_person inanimae nunnehi motley",
    ("char", "dtf"): "dtf_human demon earthbound thrall conclave",
    ("char", "htr"): "htr_human hunter",
    ("char", "mtr"): "mtr_human mummy",
    ("loc", "wod"): "location city",
    ("loc", "vtm"): "haven domain elysium rack barrens tremere_chantry",
    ("loc", "wta"): "caern",
    ("loc", "mta"): "node sanctum library chantry demesne horizon_realm paradox_realm sector reality_zone",
    ("loc", "wto"): "haunt necropolis citadel byway nihil wraith_freehold",
    ("loc", "ctd"): "freehold holding dream_realm trod",
    ("loc", "dtf"): "bastion reliquary",
    ("loc", "htr"): "hunting_ground safehouse",
    ("loc", "mtr"): "tomb cult_temple underground_sanctuary",
    ("obj", "wod"): "item weapon melee_weapon ranged_weapon thrown_weapon",
    ("obj", "vtm"): "vampire_artifact bloodstone",
    ("obj", "wta"): "fetish talen",
    ("obj", "mta"): "wonder artifact charm grimoire periapt talisman sorcerer_artifact",
    ("obj", "wto"): "wraith_artifact wraith_relic",
    ("obj", "ctd"): "treasure dross",
    ("obj", "dtf"): "relic",
    ("obj", "htr"): "hunter_gear hunter_relic",
    ("obj", "mtr"): "mummy_relic vessel ushabti",
}
