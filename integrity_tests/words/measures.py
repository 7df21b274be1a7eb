"""Numbers of which no source says what is possible, and what is beyond all measure: wide bounds against slips and imports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from .offending import ColumnTest, of_table
from .things import described

_DOTS: Final[Mapping[str, str]] = {
    "characters_ajaba": "ferocity obligation wisdom",
    "characters_ananasi": "cunning obedience wisdom",
    "characters_arcanos": "level",
    "characters_bastet": "ferocity honor cunning",
    "characters_corax": "curiosity",
    "characters_demonhouse": "starting_torment",
    "characters_drone": "rage gnosis willpower_per_turn",
    "characters_earthbound": (
        "urge_flesh urge_thought urge_emotion conviction courage conscience mastery_rating indoctrination recall "
        "tactics torture"
    ),
    "characters_edge": "level",
    "characters_fetter": "rating",
    "characters_fomor": "rage gnosis",
    "characters_ghoul": "conscience self_control courage",
    "characters_gift": "rank",
    "characters_grondr": "glory honor wisdom",
    "characters_guild": "willpower",
    "characters_gurahl": "honor succor vision",
    "characters_hunter": (
        "discern burden balance expose investigate witness prosecute illuminate ward cleave hide blaze radiate "
        "vengeance demand confront donate becalm respire rejuvenate redeem"
    ),
    "characters_hunterorganization": "resources",
    "characters_kinfolk": "gnosis glory honor wisdom temporary_glory temporary_honor temporary_wisdom",
    "characters_kitsune": "chie toku kagayaki",
    "characters_linearmagicritual": "level",
    "characters_mokole": "valor harmony wisdom mnesis",
    "characters_mummytitle": "rank_level",
    "characters_nagah": "obligation wisdom subtlety",
    "characters_nuwisha": "glory humor cunning",
    "characters_passion": "rating",
    "characters_ratkin": "infamy obligation cunning",
    "characters_rite": "level",
    "characters_ritual": "primary_lore_rating",
    "characters_rokea": "valor harmony innovation",
    "characters_tribe": "willpower",
    "characters_vampiretitle": "value",
    "items_charm": "arete",
    "items_fetish": "gnosis",
    "items_hunterrelic": "background_cost",
    "items_sorcererartifact": "rank",
    "items_talen": "gnosis",
    "items_talisman": "arete",
    "items_vampireartifact": "background_cost",
    "locations_bastion": "warding_level",
    "locations_caern": "rank",
    "locations_demesne": "rank",
    "locations_haunt": "rank",
    "locations_library": "rank",
    "locations_sanctum": "rank",
}
"""What is counted in dots: the game has ten."""

_COUNTED: Final[Mapping[str, str]] = {
    "characters_character": "creation_status 0..50",
    "characters_autumnperson": "banality_rating 0..100",
    "characters_chimera": "chimera_points 0..500, durability 0..50, loyalty 0..50",
    "characters_companion": "essence 0..1000, rage 0..50",
    "characters_demon": "age_of_fall 0.., days_until_consumption 0..",
    "characters_earthbound": "reliquary_max_health 0..1000, reliquary_current_health 0..1000, reliquary_soak 0..100",
    "characters_fera": "renown 0..50, temporary_renown 0..50, age_of_first_change 0..",
    "characters_ghoul": "max_blood_pool 0..100, years_as_ghoul 0.., blood_pool 0..50",
    "characters_human": "max_health_levels 1..100",
    "characters_mage": "age_of_awakening 0.., rote_points 0..1000, quintessence -100..200, paradox -100..200",
    "characters_pact": "faith_payment 0..100",
    "characters_pooledbackgroundrating": "rating 0..500",
    "characters_revenant": "max_blood_pool 0..100, actual_age 0..10000, pseudo_generation 0..100, blood_pool 0..50",
    "characters_sorcerer": "quintessence 0..200",
    "characters_spiritcharacter": "willpower 0..50, rage 0..50, gnosis 0..50, essence 0..1000",
    "characters_vampire": "blood_pool 0..50",
    "characters_werewolf": "age_of_first_change 0..",
    "characters_wraith": (
        "catharsis_count 0.., harrowing_count 0.., redemption_attempts 0.., age_at_death 0..10000, angst 0..10"
    ),
    "core_charactertemplate": "times_used 0..",
    "items_rangedweapon": "range 0.., rate 0.., clip 0..",
    "items_relic": "difficulty 0..100, dice_pool 0..100",
    "items_weapon": "difficulty 0..20, damage 0..100",
    "locations_citadel": "garrison_size 0..",
    "locations_city": "population 0..",
    "locations_locationmodel": "creation_status 0..50",
    "locations_necropolis": "population 0..",
    "locations_paradoxrealm": "num_primary_obstacles 0..100, num_random_obstacles 0..100",
    "locations_reliquary": "max_health_levels 0..1000, current_health_levels 0..1000, soak_rating 0..100",
    "locations_safehouse": "capacity 0..",
    "locations_sector": "aro_count 0.., estimated_users 0..",
    "locations_tremerechantry": "ritual_rooms 0.., blood_vault_capacity 0.., resident_count 0.., apprentice_count 0..",
    "locations_wraithfreehold": "population 0..",
}
"""What is counted otherwise: never less than nothing, but for what is spent in the chat, which stops nowhere.

Where an end is written, it is many times what was ever meant.
"""


def _ranges() -> Iterator[tuple[str, str, int, int | None]]:
    """Table, column and bounds; of what a form describes, five times what it says."""
    for table, columns in _DOTS.items():
        yield from ((table, column, 0, 10) for column in columns.split())
    for table, text in _COUNTED.items():
        for column, low, high in re.findall(r"(\w+) (-?\d+)\.\.(\d*)", text):
            yield table, column, int(low), int(high) if high else None
    for one in (*described("items"), *described("locations")):
        table, _, column, low, high = one.values  # type: ignore[attr-defined]
        yield table, column, min(low, 0), None if high is None else 5 * high


def _beyond(column: str, low: int, high: int | None) -> ColumnTest:
    outside = f'"{column}" < {low}' if high is None else f'"{column}" NOT BETWEEN {low} AND {high}'
    return ColumnTest(column, outside)


def beyond_measure() -> list[object]:
    """Table, a column to break, and which columns hold a number beyond all measure."""
    tests: dict[str, dict[str, ColumnTest]] = {}
    for table, column, low, high in _ranges():
        tests.setdefault(table, {}).setdefault(column, _beyond(column, low, high))
    return [of_table(table, next(iter(tests[table])), tests[table].values()) for table in sorted(tests)]
