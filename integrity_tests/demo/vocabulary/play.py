"""Words of play: chronicles, scenes, posts, stories, places and things."""

from typing import Final

# Name, theme, mood, year, heading, game lines of its storytellers (the first is the main one).
CHRONICLES: Final = (
    ("Lisbon by Lamplight", "Old debts", "Melancholy", 1998, "vtm_heading", ("vtm", "wod")),
    ("The Halifax Accounts", "Loyalty for sale", "Paranoia", 2004, "vtm_heading", ("vtm",)),
    ("Teeth of the Taiga", "What the forest is owed", "Dread and pride", 1999, "wta_heading", ("wta", "wod")),
    ("Rustbelt Moon", "Inheritance", "Stubborn hope", 2011, "wta_heading", ("wta",)),
    ("Seven Doors in Prague", "Knowledge and its price", "Wonder", 1997, "mta_heading", ("mta", "wod")),
    ("Signal Fires", "Who owns tomorrow", "Urgency", 2015, "mta_heading", ("mta",)),
    ("Crossroads: Rotterdam", "Uneasy neighbours", "Rain", 2008, "wod_heading", ("wod", "vtm", "wta", "mta")),
)

# Groups of accounts and what they may do; those who only watch may do nothing of their own.
GROUPS: Final = {
    "Storytellers": ("add_scene", "change_scene", "add_story", "change_week", "view_journal"),
    "Editors": ("add_newsitem", "change_newsitem", "delete_newsitem"),
    "Onlookers": (),
}

SCENE_OPENINGS: Final = (
    "A Meeting at, Trouble at, Vigil at, Smoke over, A Debt Paid at, Silence in, Strangers at, The Auction at,"
    " A Funeral at, Last Call at, The Search of, Terms Agreed at"
).split(", ")

PLACES: Final = (
    "the Glass Arcade, Pier Nineteen, Saint Brendan's, the Old Observatory, the Fish Market, Hotel Meridian,"
    " the Customs House, the Winter Garden, Number Forty, the Rope Works, the Salt Steps, Orchard Hill,"
    " the Night Ferry, the Reading Room, the Copper Mill, Weavers' Row"
).split(", ")

LINES_OF_PLAY: Final = (
    "closes the door quietly and waits to be noticed.",
    'puts both hands on the table, palms up. "I came alone. You did not."',
    "reads the note twice and burns it over the sink.",
    "laughs — too loudly, and a moment too late.",
    "counts the windows before sitting down.",
    "asks the one question nobody wanted asked.",
    "says nothing; the silence does the work.",
    "trades a name for a name, and keeps the better one back.",
    "steps into the rain without a coat.",
    'nods. "Then we understand each other."',
)

JOURNAL_LINES: Final = (
    "I owe the ferryman a favour now. I would rather owe him money.",
    "Slept badly. The same corridor again, one door fewer.",
    "They have changed the locks, which tells me they found out.",
    "A quiet week. I do not trust it.",
    "Wrote three letters, sent one.",
)

STORIES: Final = (
    "The Drowned Ledger, A Crown of Wire, The Third Witness, Snow on the Wire, What the Bees Knew, The Long Audit,"
    " Nine Keys, The Ferryman's Daughter, An Honest Forgery, The Hollow Tower, Embers, The Last Tram"
).split(", ")

HOUSE_RULES: Final = (
    "No play between two and six in the morning",
    "Botches need a witness",
    "Ask before the fade to black",
)

# Name, game line, description.
TABLE_RULES: Final = (
    ("Two botches a night at most", "wod", "The third becomes a plain failure."),
    ("Quiet is played, not rolled", "mta", ""),
    ("Rank challenges end with the scene", "wta", "Whoever wins, nobody remembers the loser's name aloud."),
)
SITE_RULES: Final = (
    ("Ask before you quote", "wod", "What was said in private scenes stays there."),
    ("Projectors are not played", "orp", ""),
)

NOUNS: Final = "Anchor, Bridge, Candle, Ledger, Mirror, Orchard, Thread, Tower, Wolf".split(", ")

UNLIKELY_HEADINGS: Final = ("ctd_heading", "wto_heading")

SETTING_ELEMENTS: Final = (
    ("The Curfew Bell", "Rings at eleven; nobody remembers who asked for it."),
    ("The Closed Line", "A tram line that appears on older maps only."),
    ("The Two Newspapers", "They have never agreed on a date."),
    ("The Spring Flood", "Every nine years the lower town is given back to the river."),
    ("The Man at the Ferry", "Has always been about sixty."),
    ("The Missing Statue", ""),
    ("The Blue Lights", "Seen from the ring road, never reached."),
    ("The Long Winter's Edict", "No fire after the third bell."),
)

HAVENS: Final = "Attic over, Cellar under, Rooms behind, Flat above, Boathouse by, Crypt below".split(", ")

# Name, difficulty, damage, damage type, how it hides.
BLADES: Final = (
    ("Paper knife", 4, 1, "L", "P"),
    ("Ash staff", 6, 1, "B", "N"),
    ("Cavalry sabre", 6, 4, "L", "T"),
    ("Tyre iron", 5, 2, "B", "J"),
    ("Silvered dirk", 4, 2, "A", "J"),
)

# Name, difficulty, damage, range, rate, clip.
GUNS: Final = (("Target pistol", 7, 4, 20, 4, 15), ("Deer rifle", 8, 8, 200, 1, 5), ("Coach gun", 6, 8, 20, 2, 2))

TOUCHES: Final = "ancestral, stolen, unlucky, well-kept, engraved, borrowed, nameless, much-mended".split(", ")

CURIOS: Final = "Bell, Candlestick, Compass, Decanter, Hourglass, Inkwell, Locket, Mask, Music Box, Spyglass".split(
    ", "
)

# Name and whether it is hard.
MATERIALS: Final = {"Calfskin": False, "Oak": True, "Slate": True, "Rag Paper": False}

# Name, how the length of a text in it is reckoned, and by how much.
MEDIA: Final = (
    ("Vellum codex", "/", 1),
    ("Clay tablets", "*", 3),
    ("Magnetic tape", "+", 0),
    ("Recitation", None, None),
)
