"""The words that rules are written in: TG's classes, the tables behind them, and the columns that come in families.

A class of the game has one table, named after its app and its model. A class below another shares its rows' ids: the row
of a vampire in `characters_vampire` extends the row with the same id in `characters_vtmhuman`, and so on up to the root
`characters_charactermodel`, whose column `polymorphic_ctype_id`, the type tag, says what the object is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_ROOTS: Final[Mapping[str, str]] = {
    "characters": (
        "charactermodel group practice statistic "
        "advantage apocalypticform apocalypticformtrait arcanos archetype battlescar camp cantrip chimera demonfaction "
        "demonhouse derangement effect fomoripower gift guild house housefaction instrument kith legacy "
        "linearmagicpath linearmagicritual lore magefaction meritflaw paradigm path renownincident resonance rite "
        "ritual rote septposition shadowarchetype sorcererfellowship specialty spiritcharm tenet thorn totem tribe "
        "vampireclan vampiresect vampiretitle visage wraithfaction"
    ),
    "items": "itemmodel",
    "locations": "locationmodel",
    "core": "charactertemplate",
}

_CHILDREN: Final[Mapping[str, str]] = {
    "charactermodel": "character",
    "character": "human spiritcharacter",
    "human": "ctdhuman dtfhuman htrhuman mtahuman mtrhuman vtmhuman wtahuman wtohuman",
    "ctdhuman": "autumnperson changeling inanimae nunnehi",
    "dtfhuman": "demon earthbound thrall",
    "htrhuman": "hunter",
    "mtahuman": "companion mage sorcerer",
    "mtrhuman": "mummy",
    "vtmhuman": "ghoul revenant vampire",
    "wtahuman": "drone fera fomor kinfolk werewolf",
    "fera": "ajaba ananasi bastet corax grondr gurahl kitsune mokole nagah nuwisha ratkin rokea",
    "wtohuman": "wraith",
    "group": "cabal circle conclave coterie motley pack",
    "practice": "corruptedpractice specializedpractice",
    "statistic": "ability attribute background discipline sphere",
    "itemmodel": (
        "bloodstone dross huntergear hunterrelic mummyrelic relic sorcererartifact treasure ushabti vampireartifact "
        "vessel weapon wonder wraithartifact wraithrelic"
    ),
    "weapon": "meleeweapon rangedweapon thrownweapon",
    "wonder": "artifact charm fetish grimoire periapt talen talisman",
    "locationmodel": (
        "barrens bastion byway caern chantry citadel city culttemple demesne domain dreamrealm elysium freehold haunt "
        "haven holding horizonrealm huntingground library necropolis nihil node rack reliquary safehouse sanctum "
        "sector tomb tremerechantry trod undergroundsanctuary wraithfreehold"
    ),
    "horizonrealm": "paradoxrealm",
}

_PLAIN: Final[Mapping[str, str]] = {
    "accounts": "profile",
    "admin": "logentry",
    "auth": "group permission user",
    "characters": (
        "advantagerating backgroundrating creed dynasty edge fetter giftpermission hunterorganization lorerating "
        "meritflawrating mummytitle pact passion pathrating pooledbackgroundrating practicerating resrating "
        "revenantfamily thornrating"
    ),
    "contenttypes": "contenttype",
    "core": "book bookreference houserule language newsitem noun number observer templateapplication",
    "game": (
        "chronicle freebiespendingrecord gameline journal journalentry objecttype post scene settingelement story "
        "storyxprequest strelationship userscenereadstatus week weeklyxprequest xpspendingrequest"
    ),
    "items": "material medium relicresonancerating wonderresonancerating",
    "locations": (
        "chantrybackgroundrating havenmeritflawrating horizonrealmmeritflawrating horizonrealmresonancerating "
        "nodemeritflawrating noderesonancerating paradoxatmosphere paradoxobstacle realityzone tombmeritflawrating "
        "zonerating"
    ),
    "sessions": "session",
}

_CHECKS: Final[Mapping[str, str]] = {
    "characters_advantagerating": "characters_mage_advantagerating_rating_range",
    "characters_backgroundrating": "~_rating_range",
    "characters_character": "~_xp_non_negative",
    "characters_human": (
        "~_reasonable_age ~_reasonable_apparent_age ~_temporary_willpower_not_exceeds_perm "
        "~_temporary_willpower_range ~_willpower_range"
    ),
    "characters_lorerating": "characters_demon_lorerating_rating_range",
    "characters_mage": "~_arete_range",
    "characters_meritflawrating": "~_rating_range",
    "characters_pathrating": "characters_mage_pathrating_rating_range",
    "characters_practicerating": "characters_mage_practicerating_rating_range",
    "characters_resrating": "characters_mage_resrating_rating_range",
    "characters_thornrating": "characters_wraith_thornrating_rating_range",
    "characters_vampire": (
        "~_conscience_range ~_conviction_range ~_courage_range ~_humanity_range ~_instinct_range ~_path_rating_range "
        "~_self_control_range"
    ),
    "characters_werewolf": "~_gnosis_range ~_rage_range",
    "core_observer": "~_object_id_check",
    "django_admin_log": "~_action_flag_check",
    "items_dross": "~_glamour_value_range",
    "items_periapt": "~_arete_range ~_current_charges_range ~_max_charges_range",
    "items_treasure": "~_glamour_storage_range ~_rating_range",
    "items_wonder": "~_background_cost_range ~_quintessence_max_range ~_rank_range",
    "items_wonderresonancerating": "~_rating_range",
    "locations_chantrybackgroundrating": "~_rating_range",
    "locations_dreamrealm": (
        "locations_dream_realm_accessibility_range locations_dream_realm_exit_difficulty_range "
        "locations_dream_realm_glamour_level_range locations_dream_realm_stability_range"
    ),
    "locations_freehold": "~_balefire_range ~_passages_range ~_resources_range ~_sanctuary_range ~_size_range",
    "locations_havenmeritflawrating": "~_rating_range",
    "locations_holding": "~_freehold_count_range ~_military_range ~_stability_range ~_wealth_range",
    "locations_horizonrealm": (
        "~_animals_range ~_arcane_range ~_base_maintenance_range ~_build_points_range ~_ephemera_range "
        "~_guardians_range ~_people_range ~_plants_range ~_quint_maintenance_range ~_rank_range"
    ),
    "locations_horizonrealmmeritflawrating": "~_rating_range",
    "locations_horizonrealmresonancerating": "~_rating_range",
    "locations_node": "~_points_range ~_quintessence_range ~_rank_range ~_tass_range",
    "locations_nodemeritflawrating": "~_rating_range",
    "locations_noderesonancerating": "~_rating_range",
    "locations_tombmeritflawrating": "~_rating_range",
    "locations_trod": "~_difficulty_range ~_glamour_cost_range ~_strength_range",
    "locations_zonerating": "~_rating_range",
}
"""CHECK constraints by table; `~` stands for the name of the table."""


_LIBRARIES: Final = ("admin", "contenttypes", "sessions")
"""Apps of Django whose tables are not named after them."""

_LINKS: Final[Mapping[str, str]] = {
    "auth": "group_permissions user_groups user_user_permissions",
    "characters": (
        "advantage_ratings apocalypticform_high_torment_traits apocalypticform_low_torment_traits companion_charms "
        "demon_rituals earthbound_rituals fera_fetishes_owned fera_gift_permissions fera_gifts fera_rites_known "
        "fomor_powers gift_allowed group_members house_factions human_derangements human_languages human_specialties "
        "hunter_cell_members hunterorganization_members kinfolk_fetishes_owned kinfolk_gift_permissions kinfolk_gifts "
        "lore_houses mage_instruments mage_other_tenets mage_rotes magefaction_affinities magefaction_languages "
        "magefaction_materials magefaction_media magefaction_paradigms magefaction_practices meritflaw_allowed_types "
        "meritflaw_ratings mtahuman_allied_characters mtahuman_enhancement_devices mummy_titles paradigm_tenets "
        "practice_abilities practice_common_resonance_traits practice_instruments revenantfamily_disciplines "
        "sorcerer_rituals sorcererfellowship_favored_attributes sorcererfellowship_favored_paths "
        "spiritcharacter_charms tenet_associated_practices tenet_limited_practices vampire_titles "
        "vampireclan_disciplines werewolf_battle_scars werewolf_camps werewolf_fetishes_owned "
        "werewolf_gift_permissions werewolf_gifts werewolf_rites_known"
    ),
    "game": (
        "chronicle_allowed_objects chronicle_common_knowledge_elements chronicle_game_storytellers scene_characters "
        "week_characters"
    ),
    "items": (
        "grimoire_abilities grimoire_instruments grimoire_practices grimoire_rotes grimoire_spheres "
        "itemmodel_located_at itemmodel_owned_by talisman_powers"
    ),
    "locations": (
        "chantry_cabals chantry_guardian chantry_integrated_effects chantry_investigator chantry_leaders "
        "chantry_members chantry_nodes chantry_teacher city_characters huntingground_rival_cells library_books "
        "locationmodel_contained_within sector_connected_sectors"
    ),
}
"""Tables that link two others, many to many, by app; those called `…_sources` are not listed."""


@dataclass(frozen=True, slots=True)
class GameClass:
    """A class whose objects carry a type tag.

    >>> mage = CLASSES["characters_mage"]
    >>> mage.key, mage.parent.table, mage.root.table
    ('mtahuman_ptr_id', 'characters_mtahuman', 'characters_charactermodel')
    """

    app: str
    model: str
    parent: GameClass | None = None

    @property
    def table(self) -> str:
        """The table that holds what this class adds to its parent."""
        return f"{self.app}_{self.model}"

    @property
    def key(self) -> str:
        """The primary key of the table; below a root it refers to the row of the parent."""
        return "id" if self.parent is None else f"{self.parent.model}_ptr_id"

    @property
    def root(self) -> GameClass:
        """The class at the top, whose table holds the type tag."""
        return self if self.parent is None else self.parent.root

    @property
    def depth(self) -> int:
        """How many classes stand above."""
        return 0 if self.parent is None else self.parent.depth + 1

    @property
    def children(self) -> tuple[GameClass, ...]:
        """The classes directly below."""
        return tuple(one for one in CLASSES.values() if one.parent is self)

    @property
    def kin(self) -> tuple[GameClass, ...]:
        """The class itself and all classes below it."""
        return (self, *(each for child in self.children for each in child.kin))

    @property
    def facts(self) -> Mapping[str, str | list[str]]:
        """What rules about classes are parametrized with; `kin` are the tables of the class and of all below it."""
        return {
            "root": self.root.table,
            "table": self.table,
            "key": self.key,
            "parent": self.parent.table if self.parent else "",
            "kin": [one.table for one in self.kin],
        }


def _tree(app: str, model: str, parent: GameClass | None = None) -> Iterator[GameClass]:
    found = GameClass(app, model, parent)
    yield found
    for child in _CHILDREN.get(model, "").split():
        yield from _tree(app, child, found)


CLASSES: Final[Mapping[str, GameClass]] = {
    found.table: found for app, models in _ROOTS.items() for model in models.split() for found in _tree(app, model)
}
"""The 169 classes with a type tag by the name of their table, parents before children."""

ROOTS: Final = tuple(one for one in CLASSES.values() if one.parent is None)
"""The 54 classes whose tables hold the type tag."""

SUBCLASSES: Final = tuple(one for one in CLASSES.values() if one.parent is not None)
"""The 115 classes that extend another."""

CONTENT_TYPES: Final = tuple(
    sorted(
        {(one.app, one.model) for one in CLASSES.values()}
        | {(app, model) for app, models in _PLAIN.items() for model in models.split()}
    )
)
"""The 235 pairs of app and model that TG knows, with and without a type tag."""

OBJECTS: Final = tuple(one.table for one in ROOTS if one.model != "statistic")
"""The 53 tables with status, visibility, image and name: all roots but the statistics."""

NUMBERED: Final = tuple(
    sorted(
        {one.table for one in ROOTS}
        | {f"{table}_sources" for table in OBJECTS}
        | {f"{app}_{model}" for app, models in _PLAIN.items() for model in models.split() if app not in _LIBRARIES}
        | {f"{app}_{link}" for app, links in _LINKS.items() for link in links.split()}
        | {"core_houserule_sources", "django_admin_log", "django_content_type", "django_migrations"}
    )
)
"""The 259 tables that number their rows by a sequence, in the column `id`."""

STATUSES: Final = ("Un", "Sub", "App", "Ret", "Dec")
"""Unfinished, submitted, approved, retired, deceased."""

VISIBILITIES: Final = ("PUB", "PRI", "CHR", "CUS")
"""Public, private, chronicle only, custom."""

IMAGE_STATUSES: Final = ("un", "sub", "app")
"""None, submitted, approved."""

HEADINGS: Final = tuple(f"{line}_heading" for line in ("vtm", "wta", "mta", "ctd", "wto", "dtf", "wod"))
"""What the pages of a user can be headed with."""

DECISIONS: Final = ("Pending", "Approved", "Denied")
"""What a spend of XP or freebies can be."""

GAME_LINES: Final = ("wod", "vtm", "wta", "mta", "wto", "ctd", "dtf", "htr", "mtr")
"""Vampire, Werewolf, Mage, Wraith, Changeling, Demon, Hunter, Mummy; `wod` is for all of them."""

XP_TRAITS: Final = tuple(
    "attribute,ability,new-background,background,willpower,meritflaw,sphere,arete,practice,tenet,remove tenet,"
    "resonance,rotes,path,ritual,advantage,charm,virtue,discipline,morality,gift,rite,rage,gnosis,arcanos,pathos,"
    "corpus,art,realm,glamour,banality_reduction,lore,faith,torment_reduction,faith_potential,hekau,sekhem,balance,"
    "edge,other".split(",")
)
"""The kinds of traits that XP can be spent on."""

STUCK_TRAITS: Final = ("virtue", "art", "realm", "hekau", "arcanos", "edge", "rite")
"""Those of them that TG fails to apply when they are approved."""

LASTING_TRAITS: Final = (
    *("attribute", "ability", "sphere", "arete", "practice", "path", "ritual", "discipline", "gift", "rite", "charm"),
    *("arcanos", "art", "realm", "lore", "faith_potential", "hekau", "edge"),
)
"""Those that nobody loses in play, so that the same dot is bought once; Willpower, Rage, Humanity and the like come and go."""

REPEATED_TRAITS: Final = (
    *("new-background", "background", "resonance", "rotes", "tenet", "remove tenet", "meritflaw", "advantage", "other"),
)
"""Those that may be bought again, by one name and to one value: a second Contact, three more points for rotes."""

FREEBIE_TRAITS: Final = tuple(
    (
        "ability advantage arcanos arete art attribute background balance banality_reduction charm corpus discipline "
        "edge faith faith_potential gift glamour glory gnosis hekau honor humanity lore meritflaw path path_rating "
        "pathos practice quintessence rage realm resonance rite ritual rotes sekhem sphere tenet torment_reduction "
        "virtue willpower wisdom"
    ).split()
)
"""The kinds of traits that freebie points can be spent on."""

ATTRIBUTES: Final = (
    *("strength", "dexterity", "stamina"),
    *("perception", "intelligence", "wits"),
    *("charisma", "manipulation", "appearance"),
)
"""The nine attributes of every human."""

ABILITIES: Final = (
    *("alertness", "athletics", "brawl", "empathy", "expression", "intimidation", "streetwise", "subterfuge"),
    *("crafts", "drive", "etiquette", "firearms", "melee", "stealth"),
    *("academics", "computer", "investigation", "medicine", "science"),
)
"""The nineteen abilities that all game lines share: talents, skills, knowledges."""

BROAD_TRAITS: Final = tuple("arts athletics crafts firearms melee academics occult lore politics science".split())
"""Traits so broad that already the first dot needs a specialty."""

BACKGROUND_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "characters_htrhuman": ("allies", "influence", "resources", "status_background"),
    "characters_mtrhuman": tuple(
        "allies resources retainers tomb rank remembrance vessel artifact ka amenti_companion".split()
    ),
    "characters_vtmhuman": tuple(
        "allies alternate_identity black_hand_membership domain fame generation herd influence resources retainers"
        " rituals status_background".split()
    ),
}
"""Sheets that store backgrounds in columns too; the application reads the rating rows."""

JSON_LISTS: Final[Mapping[str, str]] = {
    "characters_autumnperson": "anti_fae_abilities",
    "characters_cantrip": "bunk_examples modifier_realms",
    "characters_chimera": "special_abilities",
    "characters_creed": "favored_edges",
    "characters_earthbound": "known_celestial_names known_true_names",
    "characters_human": "spent_freebies",
    "characters_kith": "birthrights",
    "characters_pact": "enhancements",
    "characters_ritual": "secondary_lore_requirements",
    "characters_thrall": "enhancements",
    "characters_werewolf": "renown_incidents",
    "core_charactertemplate": "backgrounds languages merits_flaws specialties",
    "items_treasure": "effects",
    "locations_dreamrealm": "dominant_themes hazards special_properties",
    "locations_freehold": "powers",
    "locations_holding": "threats",
    "locations_paradoxrealm": "atmosphere_details",
    "locations_trod": "hazards",
}
"""JSON columns that hold a list."""

JSON_OBJECTS: Final[Mapping[str, str]] = {
    "core_charactertemplate": "abilities attributes basic_info powers suggested_freebie_spending",
    "locations_paradoxrealm": "final_obstacle_details",
}
"""JSON columns that hold an object."""

SPHERES: Final = ("correspondence", "time", "spirit", "mind", "entropy", "prime", "forces", "matter", "life")
"""The nine Spheres of a mage."""

RATINGS: Final[Mapping[str, tuple[str, str]]] = {
    "characters_advantagerating": ("character_id", "advantage_id"),
    "characters_backgroundrating": ("char_id", "bg_id"),
    "characters_lorerating": ("demon_id", "lore_id"),
    "characters_meritflawrating": ("character_id", "mf_id"),
    "characters_pact": ("demon_id", "thrall_id"),
    "characters_pathrating": ("character_id", "path_id"),
    "characters_pooledbackgroundrating": ("group_id", "bg_id"),
    "characters_practicerating": ("mage_id", "practice_id"),
    "characters_resrating": ("mage_id", "resonance_id"),
    "characters_thornrating": ("wraith_id", "thorn_id"),
    "items_wonderresonancerating": ("wonder_id", "resonance_id"),
    "locations_chantrybackgroundrating": ("chantry_id", "bg_id"),
    "locations_horizonrealmmeritflawrating": ("horizon_realm_id", "mf_id"),
    "locations_horizonrealmresonancerating": ("horizon_realm_id", "resonance_id"),
    "locations_nodemeritflawrating": ("node_id", "mf_id"),
    "locations_noderesonancerating": ("node_id", "resonance_id"),
    "locations_zonerating": ("zone_id", "practice_id"),
}
"""The 17 rating tables whose two sides may be empty: whose rating it is, and of what."""

PACTS: Final = "characters_pact"
"""The one of them whose rows Django deletes with either side."""

HOLDING_CHARACTERS: Final = ("character_id", "char_id", "demon_id", "mage_id", "wraith_id")
"""Columns of these tables that name the character whose rating it is."""

REPEATABLE: Final = ("characters_backgroundrating", PACTS, "characters_pooledbackgroundrating")
"""Of these tables several rows may name the same two sides: three Contacts, told apart by a note."""

LINEAGES: Final[Mapping[str, str]] = {
    "characters_arcanos": "parent_arcanos_id",
    "characters_mummy": "mentor_mummy_id",
    "characters_vampireclan": "parent_clan_id",
    "characters_wraithfaction": "parent_id",
}
"""Tables whose rows refer to a row above them, each with that column; places and sires have own rules."""

CHECKS: Final = tuple((table, name.replace("~", table)) for table, names in _CHECKS.items() for name in names.split())
"""The 74 CHECK constraints that TG's migrations create: pairs of table and name."""

DOTS: Final = tuple(
    (table, -10 if "meritflaw" in table or table == "locations_zonerating" else 0, name)
    for table, name in CHECKS
    if table.endswith("rating")
)
"""The rating tables with a constraint on the dots: their least number, and the constraint."""
