"""The words of the game lines: which columns of whose sheet go together, and what the descriptive ones may say.

Lists of columns are in the order of the sheet. The bounds stand with the rules, in the file of each line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from .classes import CLASSES

PAID: Final = "XP was paid for these dots: the player and a storyteller decide what is right"
"""Why a person mends a trait that is bought."""

LEFT: Final = "how much was left only the player knows"
"""Why a person mends what is spent and regained in play."""

UNBOUNDED: Final = "nothing in the application bounds it, so a storyteller may have meant it"
"""Why a person looks at what merely is unusual."""

MEANT: Final = "which of the known words was meant only the player or a storyteller knows"
"""Why a person mends a choice."""

_ABILITIES: Final[Mapping[str, str]] = {
    "characters_vtmhuman": (
        "awareness leadership animal_ken larceny performance survival finance law occult politics technology "
        "allies alternate_identity black_hand_membership domain fame generation herd influence resources "
        "retainers rituals status_background"
    ),
    "characters_wtahuman": (
        "leadership primal_urge animal_ken larceny performance survival enigmas law occult rituals technology"
    ),
    "characters_mtahuman": (
        "awareness art leadership animal_kinship blatancy carousing flying high_ritual lucid_dreaming search "
        "seduction larceny meditation research survival technology acrobatics archery biotech energy_weapons "
        "jetpack riding torture cosmology enigmas finance law occult politics area_knowledge belief_systems "
        "cryptography demolitions lore media pharmacopeia cooking diplomacy instruction intrigue intuition "
        "mimicry negotiation newspeak scan scrounging style blind_fighting climbing disguise elusion escapology "
        "fast_draw fast_talk fencing fortune_telling gambling gunsmith heavy_weapons hunting hypnotism "
        "jury_rigging microgravity_operations misdirection networking pilot psychology security speed_reading "
        "swimming conspiracy_theory chantry_politics covert_culture cultural_savvy helmsman history_knowledge "
        "power_brokering propaganda theology unconventional_warface vice enochian umbrood_protocols"
    ),
    "characters_wtohuman": (
        "awareness persuasion larceny meditation performance leadership bureaucracy enigmas occult politics technology"
    ),
    "characters_ctdhuman": (
        "kenning leadership animal_ken larceny performance survival enigmas gremayre law politics technology"
    ),
    "characters_dtfhuman": (
        "awareness intuition leadership seduction performance security survival technology animal_ken demolitions "
        "finance law enigmas occult politics religion research"
    ),
    "characters_mtrhuman": (
        "awareness leadership animal_ken larceny meditation performance survival enigmas law occult politics "
        "technology theology allies resources retainers tomb rank remembrance vessel artifact ka amenti_companion"
    ),
    "characters_htrhuman": (
        "awareness leadership animal_ken larceny performance repair survival finance law occult politics "
        "technology allies influence resources status_background"
    ),
}

LINE_ABILITIES: Final[Mapping[str, tuple[str, ...]]] = {
    table: tuple(words.split()) for table, words in _ABILITIES.items()
}
"""The abilities that each game line adds to the nineteen of everybody, by the table that holds them.

The sheets of vampires, mummies and hunters also have columns for some Backgrounds, which are counted here.
"""

DISCIPLINES: Final = tuple(
    (
        "celerity fortitude potence auspex dominate dementation presence animalism protean obfuscate chimerstry "
        "necromancy obtenebration quietus serpentis thaumaturgy vicissitude daimoinon melpominee mytherceria "
        "obeah temporis thanatosis valeren visceratika"
    ).split()
)
"""The 25 Disciplines of a vampire."""

GHOUL_DISCIPLINES: Final = tuple("potence celerity fortitude auspex dominate obfuscate presence".split())
"""The Disciplines that a ghoul can learn."""

REVENANT_DISCIPLINES: Final = tuple(
    "potence celerity fortitude auspex dominate obfuscate presence animalism necromancy vicissitude".split()
)
"""The Disciplines that a revenant can have."""

ARTS: Final = tuple(
    (
        "autumn chicanery chronos contract dragons_ire legerdemain metamorphosis naming oneiromancy primal "
        "pyretics skycraft soothsay sovereign spring summer wayfare winter"
    ).split()
)
"""The Arts of a changeling."""

REALMS: Final = tuple("actor fae nature_realm prop scene time".split())
"""The Realms of a changeling."""

LORES: Final = tuple(
    (
        "lore_of_awakening lore_of_the_beast lore_of_the_celestials lore_of_death lore_of_the_earth lore_of_flame "
        "lore_of_the_firmament lore_of_the_flesh lore_of_the_forge lore_of_the_fundament lore_of_humanity "
        "lore_of_light lore_of_longing lore_of_paths lore_of_patterns lore_of_portals lore_of_radiance "
        "lore_of_the_realms lore_of_the_spirit lore_of_storms lore_of_transfiguration lore_of_the_wild "
        "lore_of_the_winds"
    ).split()
)
"""The Lores of the fallen, those still in a body of flesh and those bound to the earth."""

ARCANOI: Final = tuple(
    (
        "argos castigate embody fatalism flux inhabit keening lifeweb moliate mnemosynis outrage pandemonium "
        "phantasm usury intimation blighted_insight collogue corruptor false_life tempestos osseum connaissance"
    ).split()
)
"""The Arcanoi of a wraith, with those that only spectres have."""

HEKAU: Final = tuple("alchemy celestial effigy necromancy nomenclature ushabti judge phoenix vision divination".split())
"""The Hekau of a mummy."""

_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "characters_ajaba": {"auspice": "new_moon crescent_moon half_moon gibbous_moon full_moon ~"},
    "characters_ananasi": {"aspect": "kumoti tenere hatar ~"},
    "characters_arcanos": {"arcanos_type": "standard dark"},
    "characters_autumnperson": {
        "archetype": "authority bureaucrat cynic fundamentalist corporate scientist debunker other",
        "awareness": "unaware suspicious aware hunter",
    },
    "characters_bastet": {
        "tribe": "bagheera balam bubasti ceilican khan pumonca qualmi simba swara ~",
        "pryio": "daylight twilight midnight ~",
    },
    "characters_camp": {"camp_type": "camp lodge house philosophy"},
    "characters_cantrip": {
        "art": (
            "autumn chicanery chronos contract dragons_ire legerdemain metamorphosis naming oneiromancy "
            "primal pyretics skycraft soothsay sovereign spring summer wayfare winter ~"
        ),
        "primary_realm": "actor fae nature prop time scene ~",
        "type_of_effect": "chimerical wyrd both ~",
    },
    "characters_changeling": {
        "court": "seelie unseelie ~",
        "seeming": "childling wilder grump ~",
        "musing_threshold": (
            "inspire_creativity create_hope create_love create_calm foster_trust help_those_in_need foster_dreams ~"
        ),
        "ravaging_threshold": (
            "exhaust_creativity destroy_hope destroy_love create_anger break_trust exploit_dependence "
            "destroy_illusions ~"
        ),
    },
    "characters_chimera": {
        "chimera_type": "facsimile simple_crafted advanced_crafted complex_crafted master_crafted ~",
        "sentience_level": "non_sentient semi_sentient sentient fully_sentient ~",
        "origin": "manifested_dream treasure_bound created_art other ~",
    },
    "characters_companion": {"companion_type": "companion consor familiar"},
    "characters_creed": {"primary_virtue": "conviction vision zeal"},
    "characters_earthbound": {"reliquary_type": "perfect improvised location"},
    "characters_edge": {"virtue": "conviction vision zeal"},
    "characters_fetter": {"fetter_type": "object location person"},
    "characters_grondr": {"auspice": "spring summer autumn winter ~"},
    "characters_guild": {"guild_type": "greater lesser banned"},
    "characters_gurahl": {"auspice": "arcas uzmati kojubat kieh ~"},
    "characters_house": {"court": "seelie unseelie ~"},
    "characters_hunter": {"primary_virtue": "conviction vision zeal"},
    "characters_hunterorganization": {"organization_type": "cell network compact conspiracy"},
    "characters_inanimae": {
        "kingdom": "kubera ondine paroseme sylph salamander solimond mannikin",
        "inanimae_seeming": "glimmer naturae ancient",
        "season": "spring summer autumn winter",
    },
    "characters_kinfolk": {"breed": "homid lupus ~"},
    "characters_kitsune": {"path": "doshi eji gukutsushi ~"},
    "characters_legacy": {"court": "seelie unseelie ~"},
    "characters_linearmagicpath": {"numina_type": "hedge_magic psychic"},
    "characters_mage": {
        "essence": "Dynamic Pattern Primordial Questing",
        "corr_name": "correspondence data",
        "prime_name": "prime primal_utility",
        "spirit_name": "spirit dimensional_science",
        "quiet_type": "none denial madness morbidity",
    },
    "characters_mokole": {
        "stream": "makara zhong_lung gumagan mokolembembe decorated ~",
        "auspice": "rising_sun noonday_sun setting_sun shrouded_sun midnight_sun decorated_sun solar_eclipse ~",
    },
    "characters_mummy": {
        "web": "isis osiris horus maat thoth ~",
        "mummified_appearance": "preserved desiccated skeletal varies ~",
    },
    "characters_nagah": {"auspice": "kamakshi kartikeya kamsa kali ~"},
    "characters_nunnehi": {
        "tribe": "may_may_gway_shi yunwi_tsundi canotina kachina nanehi nunnehi_proper other",
        "nunnehi_seeming": "katchina kohedan kurganegh",
        "path": "warrior healer sage trickster",
    },
    "characters_nuwisha": {"role": "kojubat kitmoti umbagi ~"},
    "characters_ratkin": {
        "aspect": "tunnel_runner warrior plague_lord engineers munchmausen knife_skulker shadow_seer twitchers ~"
    },
    "characters_rokea": {"auspice": "brightwater darkwater ~"},
    "characters_sorcerer": {"sorcerer_type": "hedge_mage psychic"},
    "characters_tenet": {"tenet_type": "met per asc oth"},
    "characters_thorn": {"thorn_type": "individual collective"},
    "characters_totem": {"totem_type": "respect war wisdom cunning ~"},
    "characters_werewolf": {
        "auspice": "ragabash theurge philodox galliard ahroun ~",
        "breed": "homid metis lupus ~",
    },
    "characters_wraith": {
        "character_type": "wraith spectre doppelganger chosen dark_spirit risen",
        "last_harrowing_result": "none success failure catharsis",
    },
    "characters_wraithfaction": {"faction_type": "legion guild heretic spectre other"},
}
"""What a column may say, by table; `~` stands for nothing at all."""


def choices(*tables: str) -> list[object]:
    """What rules about the choices of these tables are parametrized with: table, key, column, allowed values."""
    return [
        pytest.param(
            table,
            CLASSES[table].key if table in CLASSES else "id",
            column,
            ["" if word == "~" else word for word in words.split()],
            id=f"{table}-{column}",
        )
        for table in tables
        for column, words in _CHOICES[table].items()
    ]
