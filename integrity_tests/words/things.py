"""The words of items, places and what the books say: what their columns may hold, and who says so.

Bounds and words are listed by table in the order of the form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from .classes import CLASSES, GAME_LINES, SPHERES

SET: Final = "which value was meant only a storyteller knows"
"""Why a person mends what a storyteller has entered."""

UNCHECKED: Final = "nothing in the application sees to it, so a storyteller may have meant it"
"""Why a person looks at what merely is unusual."""

OWNED: Final = "whether the chronicle or the owner is wrong only a storyteller knows"
"""Why a person mends what is owned by somebody of another chronicle."""

_CONSTRAINED: Final[Mapping[str, str]] = {
    "items_dross": "glamour_value 1..10",
    "items_periapt": "arete 0..10, max_charges 1..100, current_charges 0..100",
    "items_treasure": "rating 1..5, glamour_storage 0..50",
    "items_wonder": "rank 0..10, background_cost 0..10, quintessence_max 0..100",
    "locations_dreamrealm": "stability 0..5, accessibility 0..5, exit_difficulty 0..10, glamour_level 0..10",
    "locations_freehold": "balefire 0..5, size 0..5, sanctuary 0..5, resources 0..5, passages 0..20",
    "locations_holding": "freehold_count 0..50, military_strength 0..5, wealth 0..5, stability 0..5",
    "locations_horizonrealm": (
        "rank 1..10, build_points 0..200, base_maintenance 0..100, quintessence_maintenance 0..100, plants 0..5, "
        "animals 0..5, people 0..5, ephemera 0..5, guardians 0..10, arcane 0..5"
    ),
    "locations_node": "rank 0..10, points 0..100, quintessence_per_week 0..100, tass_per_week 0..100",
    "locations_trod": "strength 0..5, difficulty 0..10, glamour_cost 0..10",
}
"""What a CHECK constraint of the table also says."""

_VALIDATED: Final[Mapping[str, str]] = {
    "items_mummyrelic": "rank 1..10, background_cost 1..10, ba_cost 0..20, requires_sekhem 0..10",
    "items_ushabti": (
        "rank 1..5, ba_to_animate 1..10, ba_per_day 1..10, animation_duration_hours 1.., physical_rating 1..5, "
        "mental_rating 1..5"
    ),
    "items_vessel": (
        "rank 1..10, background_cost 1..10, max_ba 1..100, current_ba 0..100, transfer_rate 1..10, efficiency 50..100"
    ),
    "locations_culttemple": "cult_size 0..10, cult_wealth 0..5",
    "locations_haven": "size 1..5",
    "locations_horizonrealm": "size 1..6, environment 1..6, access_points 0..20",
    "locations_node": "size -2..2, ratio -2..2",
    "locations_tomb": "rank 0..10, size 0..5, security 0..5, sanctity 0..5, ba_per_week 0..100, duat_barrier 0..10",
    "locations_undergroundsanctuary": "concealment_rating 0..5",
}
"""What the application refuses to store, although the database would take it."""

_DESCRIBED: Final[Mapping[str, str]] = {
    "items_grimoire": "length 0..",
    "items_huntergear": "availability 1..5",
    "items_hunterrelic": "power_level 1..5",
    "items_relic": "complexity 1..10",
    "items_vampireartifact": "power_level 1..5",
    "locations_barrens": (
        "size 1..5, danger_level 1..5, population_density 0..5, feeding_quality 1..5, masquerade_threat 1..5"
    ),
    "locations_bastion": "ritual_strength 0..10",
    "locations_byway": "maelstrom_proximity 1..10, spectral_activity 1..10",
    "locations_citadel": "defense_rating 1..10",
    "locations_domain": "size 1..5, population 1..5, control 1..5",
    "locations_elysium": "prestige 1..5",
    "locations_huntingground": (
        "size 1..5, population 1..5, supernatural_activity 1..5, control_level 1..5, contact_network 0..5, "
        "surveillance_coverage 0..5"
    ),
    "locations_nihil": "hazard_level 1..10, oblivion_proximity 1..10, entropy_rating 1..10, spectral_activity 0..10",
    "locations_rack": "quality 1..5, population_density 1..5, risk_level 1..5, masquerade_risk 1..5",
    "locations_safehouse": (
        "size 1..5, security_level 1..5, armory_level 0..5, surveillance_level 0..5, medical_facilities 0..5"
    ),
    "locations_sector": "security_level 0..10, size_rating 1..6, corruption_level 0..10",
    "locations_tremerechantry": "size 1..5, security_level 1..5, library_rating 0..5, pyramid_level 1..5",
    "locations_wraithfreehold": "defense_rating 1..10, resource_level 1..10",
}
"""What a form says beside the field, or where the application stops adding; nothing refuses more."""

_STEMS: Final[Mapping[str, str]] = {
    "locations_dreamrealm": "locations_dream_realm",
    "military_strength": "military",
    "quintessence_maintenance": "quint_maintenance",
    "quintessence_per_week": "quintessence",
    "tass_per_week": "tass",
}
"""Tables and columns that their constraints call otherwise."""

_PERIODS: Final = "predynastic old_kingdom middle_kingdom new_kingdom late_period ptolemaic"
_ARCHETYPES: Final = "academy hearth homestead manor market repository stronghold thorpe workshop"
_PARADIGMS: Final = (
    "mechanistic_cosmos gods_and_monsters golden_age divine_and_alive divine_order chaos data illusion faith "
    "might_is_right oblivion tech antimagick unstable"
)
_SPHERES: Final = " ".join(SPHERES)
_BOOK_LINES: Final = " ".join((*GAME_LINES, "orp"))

_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "items_dross": {
        "quality": "ephemeral common fine exquisite legendary",
        "physical_form": "crystal liquid vapor object other",
        "source": "balefire dream art natural refined unknown",
    },
    "items_huntergear": {
        "gear_type": "weapon armor surveillance medical occult transportation communication utility",
        "legality": "legal restricted illegal",
    },
    "items_mummyrelic": {
        "relic_type": "weapon jewelry scroll canopic statue crown tool clothing other",
        "era": f"{_PERIODS} unknown ~",
    },
    "items_relic": {"relic_type": "enhanced enchanted house_specific demonic ancient"},
    "items_treasure": {"treasure_type": "weapon armor talisman wonder other ~"},
    "items_ushabti": {
        "purpose": "guardian servant laborer spy messenger craftsman scribe",
        "material": "clay wood stone gold bone wax",
    },
    "items_vessel": {"vessel_type": "canopic scarab ankh crystal urn statue cartouche other"},
    "items_weapon": {"damage_type": "B L A", "conceal": "P J T N"},
    "items_wraithartifact": {
        "artifact_type": "soulforged skin spectre other",
        "material": "soulsteel stygian_steel necropolis_steel ash_iron labyrinthine_adamas",
    },
    "items_wraithrelic": {"rarity": "common uncommon rare very_rare legendary"},
    "locations_byway": {
        "danger_level": "safe moderate dangerous treacherous lethal",
        "stability": "stable shifting unstable ephemeral",
    },
    "locations_caern": {
        "caern_type": "enigmas gnosis healing leadership rage stamina strength urban visions will wisdom wyld ~"
    },
    "locations_chantry": {
        "leadership_type": (
            "panel teachers triumvirate democracy anarchy single_deacon council_of_elders meritocracy ~"
        ),
        "season": "spring winter summer autumn ~",
        "chantry_type": (
            "exploration ancestral hereditary college squatter war library healing research fortress diplomatic ~"
        ),
    },
    "locations_citadel": {
        "purpose": "guild_hall legion_fortress hierarchy_outpost renegade_stronghold trade_hub prison palace other"
    },
    "locations_culttemple": {"public_cover": "museum church university society business none"},
    "locations_demesne": {"accessibility": "easy moderate difficult private"},
    "locations_dreamrealm": {
        "depth": "near far deep",
        "realm_type": "personal collective mythic nightmare paradise memory imagination",
        "time_flow": "normal faster slower variable frozen",
    },
    "locations_freehold": {
        "archetype": _ARCHETYPES,
        "hearth_ability": "leadership socialize ~",
        "dual_nature_archetype": f"{_ARCHETYPES} ~",
    },
    "locations_haunt": {
        "haunt_type": "sacred_site battlefield crime_scene sickroom place_of_worship place_of_tragedy other",
        "haunt_size": "single_room apartment house mansion estate",
    },
    "locations_holding": {
        "rank": "barony county duchy kingdom province",
        "court": "seelie unseelie shadow independent disputed",
    },
    "locations_huntingground": {
        "primary_threat": "vampire werewolf mage wraith changeling demon unknown mixed ~",
    },
    "locations_necropolis": {"region": "stygia ivory jade obsidian other"},
    "locations_nihil": {
        "void_type": "emptiness corruption maelstrom_scar spectre_nest forgotten transition other",
        "stability": "permanent expanding contracting unstable ephemeral",
    },
    "locations_paradoxrealm": {
        "primary_sphere": _SPHERES,
        "secondary_sphere": f"{_SPHERES} ~",
        "paradigm": _PARADIGMS,
        "secondary_paradigm": f"{_PARADIGMS} ~",
        "final_obstacle_type": (
            "give_secret win_game solve_riddle button maze abnormal_maze silver_bullet guess_name random_sphere combined"
        ),
    },
    "locations_reliquary": {"reliquary_type": "location perfect improvised"},
    "locations_sector": {
        "sector_class": "virgin grid c_sector corrupted junklands haunts trash streamland warzone",
        "access_level": "free restricted",
        "aro_density": "none sparse moderate dense overwhelming",
        "data_flow_rate": "trickle steady high torrent ~",
    },
    "locations_tomb": {"era": f"{_PERIODS} modern ~"},
    "locations_trod": {"trod_type": "silver_path rath moonpath seasonal hidden"},
    "locations_undergroundsanctuary": {"sanctuary_type": "catacombs basement caves subway bunker"},
    "locations_wraithfreehold": {
        "government_type": "council democracy autocracy anarchy theocracy oligarchy other",
        "hierarchy_relation": "independent neutral alliance hostile secret tributary",
    },
}
"""What a column may say, by table; `~` stands for nothing at all."""

_PLAIN_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "core_book": {"edition": "1e 2e Rev 20th DA VA WW SC KotE", "gameline": _BOOK_LINES},
    "core_houserule": {"gameline": _BOOK_LINES},
    "locations_paradoxatmosphere": {"paradigm": _PARADIGMS},
    "locations_paradoxobstacle": {"sphere": _SPHERES},
}
"""The same of tables that are no class's."""


def _named(table: str, column: str, *facts: object) -> object:
    """One instance of a family: a table, its key where it is a class's, a column, and so on."""
    name = f"{table}-{column}"
    if table not in CLASSES:
        return pytest.param(table, column, *facts, id=name)
    return pytest.param(table, CLASSES[table].key, column, *facts, id=name)


def _bounds(app: str, listed: Mapping[str, str]) -> Iterator[tuple[str, str, int | None, int | None]]:
    for table, text in listed.items():
        for column, low, high in re.findall(r"(\w+) (-?\d*)\.\.(\d*)", text):
            if table.startswith(app):
                yield table, column, int(low) if low else None, int(high) if high else None


def constrained(app: str) -> list[object]:
    """Table, key, column, bounds and constraint of what the database bounds too."""
    return [
        _named(table, column, low, high, f"{_STEMS.get(table, table)}_{_STEMS.get(column, column)}_range")
        for table, column, low, high in _bounds(app, _CONSTRAINED)
    ]


def validated(app: str) -> list[object]:
    """Table, key, column and bounds of what the application refuses."""
    return [_named(*one) for one in _bounds(app, _VALIDATED)]


def described(app: str) -> list[object]:
    """Table, key, column and bounds of what is merely said of a column."""
    return [_named(*one) for one in _bounds(app, _DESCRIBED)]


def choices(app: str, listed: Mapping[str, Mapping[str, str]] = _CHOICES) -> list[object]:
    """Table, key, column and the words that it may hold; no key where the table is no class's."""
    return [
        _named(table, column, ["" if word == "~" else word for word in words.split()])
        for table, columns in listed.items()
        if table.startswith(app)
        for column, words in columns.items()
    ]


def plain_choices(app: str) -> list[object]:
    """Table, column and the words that it may hold, of tables that are no class's."""
    return choices(app, _PLAIN_CHOICES)
