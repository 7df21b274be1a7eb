"""The columns that people fill with words, and what no person writes there: the nothing of a program, and broken letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .classes import JSON_LISTS, JSON_OBJECTS, OBJECTS
from .offending import ColumnTest, of_table

_FILLED: Final[Mapping[str, str]] = {
    "accounts_profile": "discord_id lines veils",
    "auth_group": "name",
    "auth_user": "username first_name last_name email",
    "characters_autumnperson": "organization motivation sphere_of_influence former_kith",
    "characters_background": "alternate_name",
    "characters_backgroundrating": "note url",
    "characters_cantrip": "glamour_cost duration range effect",
    "characters_changeling": "antithesis true_name crysalis fae_mien",
    "characters_character": "concept notes",
    "characters_chimera": "behavior appearance creator dream_source",
    "characters_corruptedpractice": "extra_benefit price",
    "characters_creed": "name philosophy nickname description",
    "characters_demon": "celestial_name abyss_duration",
    "characters_demonfaction": "philosophy goal leadership tactics",
    "characters_demonhouse": "celestial_name domain",
    "characters_discipline": "description",
    "characters_drone": "bane_name bane_type",
    "characters_dynasty": "name description era favored_hekau",
    "characters_earthbound": (
        "reliquary_description reliquary_materials cult_size worship_ritual_frequency celestial_name "
        "date_summoned time_in_stasis"
    ),
    "characters_edge": "name cost duration system description",
    "characters_fera": "breed faction first_change",
    "characters_fetter": "description",
    "characters_giftpermission": "shifter condition",
    "characters_house": "boon flaw",
    "characters_human": "history goals",
    "characters_hunterorganization": "name philosophy goals",
    "characters_inanimae": "anchor_description elemental_strength elemental_weakness",
    "characters_kinfolk": "relation",
    "characters_kith": "affinity frailty",
    "characters_lore": "property_name",
    "characters_mage": "avatar_description",
    "characters_mummy": "death_in_first_life past_lives_memory ancient_name",
    "characters_mummytitle": "name description",
    "characters_nunnehi": "sacred_place spirit_guide tribal_duty",
    "characters_pact": "terms",
    "characters_passion": "emotion description",
    "characters_path": "ethics",
    "characters_pooledbackgroundrating": "note url",
    "characters_practice": "benefit penalty",
    "characters_renownincident": "breed",
    "characters_revenant": "family_flaw",
    "characters_revenantfamily": "name description weakness",
    "characters_rite": "rite_type",
    "characters_ritual": "restrictions system torment_effect variations flavor_text source_page",
    "characters_shadowarchetype": (
        "core_function modus_operandi dominance_behavior effect_on_psyche strengths weaknesses"
    ),
    "characters_specializedpractice": "extra_benefit",
    "characters_specialty": "stat",
    "characters_statistic": "name property_name",
    "characters_thorn": (
        "activation_cost activation_trigger mechanical_description resistance_system duration "
        "frequency_limitation limitations"
    ),
    "characters_totem": "individual_traits pack_traits ban",
    "characters_vampireclan": "nickname weakness",
    "characters_vampiresect": "philosophy",
    "characters_vampiretitle": "powers",
    "characters_werewolf": "first_change",
    "characters_wraith": "death_description",
    "core_book": "name url",
    "core_charactertemplate": "character_type concept faction equipment",
    "core_houserule": "name description",
    "core_language": "name",
    "core_newsitem": "title content",
    "core_noun": "name",
    "core_observer": "notes",
    "game_chronicle": "name theme mood",
    "game_freebiespendingrecord": "trait_name",
    "game_gameline": "name",
    "game_journalentry": "message st_message",
    "game_objecttype": "name",
    "game_post": "display_name message",
    "game_scene": "name st_message",
    "game_settingelement": "name description",
    "game_story": "name",
    "game_xpspendingrequest": "trait_name",
    "items_bloodstone": "stone_type",
    "items_dross": (
        "color decay_rate resonance special_effects restricted_to recharge_method container_description estimated_value"
    ),
    "items_fetish": "spirit",
    "items_huntergear": "damage range rate capacity concealability",
    "items_hunterrelic": "powers activation_cost origin limitations",
    "items_material": "name",
    "items_medium": "name",
    "items_mummyrelic": (
        "original_owner powers associated_hekau material hieroglyphic_inscription history current_location_notes"
    ),
    "items_relic": "lore_used power material",
    "items_talen": "spirit",
    "items_treasure": "creator creation_method special_abilities glamour_affinity",
    "items_ushabti": "special_abilities size_description appearance command_word",
    "items_vampireartifact": "powers history",
    "items_vessel": "material inscriptions",
    "locations_barrens": "controlling_faction barrens_type notable_locations",
    "locations_byway": "origin destination travel_time",
    "locations_chantrybackgroundrating": "note url",
    "locations_citadel": "commander controlling_faction",
    "locations_city": "mood theme media politicians",
    "locations_culttemple": "cult_leader_name",
    "locations_demesne": "size",
    "locations_domain": "domain_type",
    "locations_dreamrealm": (
        "appearance laws_of_reality inhabitants ruler emotional_tone entry_requirements mundane_connection treasures"
    ),
    "locations_elysium": "keeper_name elysium_type",
    "locations_freehold": (
        "aspect quirks academy_ability dual_nature_ability resource_description passage_description "
        "balefire_description"
    ),
    "locations_haunt": "faith_resonance",
    "locations_holding": (
        "ruler_name ruler_title territory_description mundane_location vassals liege major_freeholds population "
        "political_situation notable_laws rival_holdings history"
    ),
    "locations_horizonrealm": "primary_earthly_connection",
    "locations_huntingground": "threat_description incident_log key_locations",
    "locations_necropolis": "deathlord",
    "locations_nihil": "estimated_size origin_story",
    "locations_node": "tass_form quintessence_form",
    "locations_paradoxatmosphere": "description",
    "locations_paradoxobstacle": "name description",
    "locations_rack": "rack_type blood_quality",
    "locations_realityzone": "name description",
    "locations_reliquary": "location_size",
    "locations_safehouse": "cover_story legal_owner",
    "locations_sector": "password_hint approved_users constraints genre_theme administrator hazards notable_features",
    "locations_tomb": "guardian_description original_occupant discovered_date archaeological_status",
    "locations_tremerechantry": "regent_name reports_to",
    "locations_trod": (
        "origin_name origin_description destination_name destination_description access_requirements guardians "
        "travel_duration accessibility_notes journey_description known_to"
    ),
    "locations_wraithfreehold": "leader allied_factions founding_principle",
}
"""The text columns of each table but those for choices; objects also have those in `_COMMON`."""

_COMMON: Final = ("description", "public_info", "st_notes", "name", "image")

_PROSE: Final = ("description", "message", "notes", "history", "philosophy", "content", "note")
"""The columns that a proof breaks first: nothing is looked up by them."""

FILLED: Final[Mapping[str, tuple[str, ...]]] = {
    table: (*(_COMMON if table in OBJECTS else ()), *_FILLED.get(table, "").split())
    for table in sorted({*OBJECTS, *_FILLED})
}
"""What people write, by table."""

UNFILLED: Final[Mapping[str, str]] = {
    r"django_\w+\.\w+": "Django writes it",
    r"auth_permission\.\w+": "Django writes it",
    r"auth_user\.password": "test_user_password_is_hashed",
    r"characters_human\.current_health_levels": "test_health_levels_lost_are_in_order",
    r"items_medium\.length_modifier_type": "one letter",
    r"\w+\.(status|visibility|image_status)": "one of a few words",
}
"""The text columns that nobody fills, as regular expressions, with the reason or the rule; those for choices are not listed."""

LABELS: Final = frozenset("name title display_name trait_name username first_name last_name".split())
"""Columns that hold a name and nothing else; elsewhere people may write HTML."""

NAMES: Final = LABELS | frozenset(
    (
        "email concept description content image alternate_name celestial_name true_name ancient_name nickname bane_name "
        "property_name"
    ).split()
)
"""Columns in which somebody or something is named or described: to say "None" there is to say nothing.

Elsewhere it may be the honest answer: what a ritual costs, who guards a tomb, which faction.
"""

_MACHINES: Final = (
    r"nan|NaN|NAN|null|NULL|undefined|<NA>|<null>|\(null\)|NaT|\[object Object\]|\\N|#N/A|#REF!|#VALUE!|#NAME\?"
)
_NOTHINGS: Final = rf"{_MACHINES}|None|none|NONE|N/A|n/a|nil"

_AFTER: Final = (
    r"\0080-\00AA\00AC-\00B1\00B4-\00BA\00BC-\00BF\0152\0153\0160\0161\0178\017D\017E\0192\02C6\02DC"
    r"\201A\201E\2020-\2022\2030\2039\203A"
)
"""What bytes 80 to BF become, but for what may well follow a capital: quotation marks, dashes, dots, squares and cubes."""

_ANY_AFTER: Final = _AFTER + r"\00AB\00B2\00B3\00BB\2013\2014\2018\2019\201C\201D\2026\20AC\2122"

MOJIBAKE: Final = "|".join(
    (
        r"\FFFD",  # what a program writes for bytes that it cannot read
        r"[\0080-\009F]",  # controls that nobody types: UTF-8 read as Latin-1
        rf"\00C3[{_AFTER}\00B2\00B3\2018\201C\20AC]",  # accented letters; as capitals also:
        r"\00C3[\00AB\00BB\2013\2014\2019\201D\2026\2122][[:alpha:]]",
        r"\00C2[\00A0-\00AA\00AC-\00BA\00BC-\00BF]|\00C2\00AB[[:alpha:]]",  # signs, and the blank that does not break
        rf"[\00C4\00C5][{_AFTER}]",  # Polish, Czech, Turkish
        rf"(?:[\00CE\00CF\00D0\00D1\00D7\00D8\00D9][{_ANY_AFTER}]){{2}}",  # Greek, Russian, Hebrew, Arabic
        r"\00E2[\20AC\201A\201E\2020\2021\0153\02DC]",  # quotation marks, dashes, signs
        r"\00E3[\201A\0192]|\00F0\0178|\00EF\00BB\00BF|\00EF\00BF\00BD",  # Japanese, pictures, marks
    )
)
r"""UTF-8 that was read as Latin-1 or as Windows-1252, as a regular expression; \xxxx is a code point.

What people write may look alike: `Spa\00DF\2026` and `CAF\00C9\201D` are right. Greek, Russian, Hebrew and Arabic need two such pairs.
"""

ESCAPED: Final = r"&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]+|#x[0-9A-Fa-f]+);|\\\\u[0-9A-Fa-f]{4}"
"""A letter written as a program writes it for another."""


def _placeholder(column: str) -> ColumnTest:
    words = _NOTHINGS if column in NAMES else _MACHINES
    return ColumnTest(column, rf""""{column}" ~ '^\s*({words})\s*$'""")


def _listed_placeholder(column: str) -> ColumnTest:
    return ColumnTest(column, rf""""{column}"::text ~ '"\s*({_MACHINES}|None)\s*"'""", f'left("{column}"::text, 40)')


def _garbled(column: str) -> ColumnTest:
    """Only the place is shown: the text may be nobody's business."""
    text = f'"{column}"::text'
    broken = f"octet_length({text}) > length({text}) AND {text} ~ U&'{MOJIBAKE}'"
    wrong = f"({broken} OR {text} ~ U&'{ESCAPED}')" if column in LABELS else broken
    return ColumnTest(column, wrong, f"substring({text} FROM U&'.{{0,8}}(?:{MOJIBAKE}|{ESCAPED}).{{0,8}}')")


def _first(columns: tuple[str, ...]) -> str:
    return next((one for one in _PROSE if one in columns), columns[-1])


def _lists(table: str) -> list[str]:
    return f"{JSON_LISTS.get(table, '')} {JSON_OBJECTS.get(table, '')}".split()


def placeholders() -> list[object]:
    """Table, a column to break, and which columns, or parts of lists, are the nothing of a program."""
    return [
        of_table(table, _first(columns), (*map(_placeholder, columns), *map(_listed_placeholder, _lists(table))))
        for table, columns in FILLED.items()
    ]


def garbled() -> list[object]:
    """Table, a column to break, and which columns hold broken letters; also within lists and objects."""
    return [
        of_table(table, _first(columns), map(_garbled, (*columns, *_lists(table)))) for table, columns in FILLED.items()
    ]
