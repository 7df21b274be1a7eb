"""More of the mage line: sorcerers and companions, further practices, and what binds factions, tenets and mages."""

from typing import Final

from ..row_text import Dots, Listing

_ABILITIES: Final = Dots("awareness art leadership larceny meditation cosmology enigmas law occult research", 6, 3)

_EVERY_ABILITY: Final = Dots(
    "acrobatics animal_kinship archery area_knowledge art awareness belief_systems biotech blatancy blind_fighting"
    " carousing chantry_politics climbing conspiracy_theory cooking cosmology covert_culture cryptography"
    " cultural_savvy demolitions diplomacy disguise elusion energy_weapons enigmas enochian escapology fast_draw"
    " fast_talk fencing finance flying fortune_telling gambling gunsmith heavy_weapons helmsman high_ritual"
    " history_knowledge hunting hypnotism instruction intrigue intuition jetpack jury_rigging larceny law leadership"
    " lore lucid_dreaming media meditation microgravity_operations mimicry misdirection negotiation networking newspeak"
    " occult pharmacopeia pilot politics power_brokering propaganda psychology research riding scan scrounging search"
    " security seduction speed_reading style survival swimming technology theology torture umbrood_protocols"
    " unconventional_warface vice",
    most=10,
)

LISTINGS: Final = (
    Listing(
        "characters_tenet",
        """
        name                    | tenet_type | *tenet_associated_practices>practice | *tenet_limited_practices>practice
        Nobody works alone      | oth        | Sung Prayer; Garden Craft            | The Empty Fist
        What is written is owed | oth        | High Geometry                        |
        """,
    ),
    Listing(
        "characters_paradigm_tenets",
        """
        paradigm_id>paradigm | tenet_id>tenet
        A Great Machine      | Everything is number
        A World of Spirits   | All things are alive
        Words Made Real      | The world is a text
        Words Made Real      | What is written is owed
        """,
    ),
    Listing(
        "characters_practice_common_resonance_traits",
        """
        practice_id>practice | resonance_id>resonance
        Clockwork Theology   | Clockwork
        Garden Craft         | Verdant
        Sung Prayer          | Ringing
        """,
    ),
    Listing(
        "characters_practice_instruments",
        """
        practice_id>practice | instrument_id>instrument
        Clockwork Theology   | Brass Orrery
        Sung Prayer          | Tuning Fork
        High Geometry        | Chalk
        """,
    ),
    Listing(
        "characters_corruptedpractice",
        """
        name              | parent_practice_id>practice | benefit         | penalty         | extra_benefit    | price
        The Hungry Engine | Clockwork Theology          | It never stops. | It never stops. | Feeds on sparks. | Somebody's hours.
        Sour Psalm        | -                           |                 |                 |                  |
        """,
    ),
    Listing(
        "characters_specializedpractice",
        """
        name              | parent_practice_id>practice | faction_id>magefaction | benefit      | penalty  | extra_benefit
        Loom Mathematics  | High Geometry               | Loom Division          | Exact.       | Cold.    | Reads punched cards.
        Orchard Midwifery | Garden Craft                | Verbena                | A sure hand. | Seasons. | Grafts anything.
        Nobody's Own      | -                           | -                      |              |          |
        Fist Without Arm  | The Empty Fist              | -                      |              |          |
        """,
    ),
    Listing(
        "characters_magefaction_affinities",
        """
        magefaction_id>magefaction | sphere_id>sphere
        Order of Hermes            | Forces
        Verbena                    | Life
        Virtual Adepts             | Correspondence
        """,
    ),
    Listing(
        "characters_magefaction_languages",
        """
        magefaction_id>magefaction | language_id>core_language
        Order of Hermes            | Latin
        Ahl-i-Batin                | Arabic
        """,
    ),
    Listing(
        "characters_magefaction_materials",
        """
        magefaction_id>magefaction | material_id>items_material
        Order of Hermes            | Calfskin
        Verbena                    | Oak
        """,
    ),
    Listing(
        "characters_magefaction_media",
        """
        magefaction_id>magefaction | medium_id>items_medium
        Order of Hermes            | Vellum codex
        """,
    ),
    Listing(
        "characters_magefaction_paradigms",
        """
        magefaction_id>magefaction | paradigm_id>paradigm
        Order of Hermes            | Words Made Real
        Iteration X                | A Great Machine
        Dreamspeakers              | A World of Spirits
        """,
    ),
    Listing(
        "characters_magefaction_practices",
        """
        magefaction_id>magefaction | practice_id>practice
        Iteration X                | Clockwork Theology
        Loom Division              | Loom Mathematics
        Akashic Brotherhood        | The Empty Fist
        """,
    ),
    Listing(
        "characters_rote",
        """
        name                | status | effect_id>effect          | practice_id>practice | attribute_id>attribute | ability_id>ability
        A Rote Half Written | Un     | -                         | -                    | -                      | -
        Count the Sparrows  | Sub    | Effect of Count the Exits | Garden Craft         | Perception             | Alertness
        """,
    ),
    Listing(
        "characters_effect",
        """
        name               | correspondence | time | spirit | mind | entropy | prime | forces | matter | life | rote_cost | max_sphere
        A Thought, No More | 0              | 0    | 0      | 0    | 0       | 0     | 0      | 0      | 0    | 0         | 0
        The Last Door      | 5              | 5    | 5      | 5    | 5       | 5     | 5      | 5      | 5    | 45        | 5
        """,
    ),
    Listing(
        "characters_mage",
        """
        name              | status | npc | affiliation_id>magefaction | faction_id>magefaction | subfaction_id>magefaction | essence    | arete | correspondence | entropy | mind | affinity_sphere_id>sphere | metaphysical_tenet_id>tenet | personal_tenet_id>tenet  | ascension_tenet_id>tenet       | quintessence | paradox | quiet | quiet_type | age_of_awakening | rote_points | *mage_other_tenets>tenet                    | *mage_rotes>rote               | *mage_instruments>instrument
        Magistra Ludmila  | App    | yes | Traditions                 | Order of Hermes        | Collegium of Ash          | Questing   | 10    | 5              | 5       | 5    | Correspondence            | The world is a text         | The self is a discipline | Ascension is shared or nothing | 20           | 0       | 0     | none       | 19               | 0           | Nobody works alone; What is written is owed | Count the Exits; Read the Room | Chalk; Ledger
        Vašek the Unwound | App    | no  | Marauders                  | -                      | -                         | Primordial | 1     | 1              | 0       | 0    | Correspondence            | All things are alive        | The self is a wound      | Ascension has already happened | 0            | 20      | 5     | madness    | 30               | 6           |                                             | Count the Exits                | Drum
        Agent Hašková     | Un     | no  | Technocratic Union         | New World Order        | -                         | Pattern    | 1     | 0              | 0       | 0    | -                         | -                           | -                        | -                              | 0            | 0       | 0     | none       | 0                | 0           |                                             |                                |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_mage",
        """
        name              | npc | affiliation_id>magefaction | essence | arete | affinity_sphere_id>sphere | quintessence | paradox
        Oldest of the Oak | yes | Disparate Alliance         | Dynamic | 10    | Life                      | 15           | 5
        """,
        (_EVERY_ABILITY, Dots("correspondence entropy forces life matter mind prime spirit time")),
    ),
    Listing(
        "characters_mage",
        """
        name           | status | essence
        Tadeáš Novotný | Un     | Pattern
        """,
    ),
    Listing(
        "characters_practicerating",
        """
        mage_id>mage      | practice_id>practice | rating
        Magistra Ludmila  | High Geometry        | 10
        Vašek the Unwound | Street Sorcery       | 1
        Vašek the Unwound | The Hungry Engine    | 0
        """,
    ),
    Listing(
        "characters_resrating",
        """
        mage_id>mage      | resonance_id>resonance | rating
        Magistra Ludmila  | Ringing                | 5
        Vašek the Unwound | Feverish               | 1
        """,
    ),
    Listing(
        "characters_linearmagicpath",
        """
        name          | numina_type
        Alchemy       | hedge_magic
        Divination    | hedge_magic
        Weather Ways  | hedge_magic
        Telepathy     | psychic
        Psychokinesis | psychic
        """,
    ),
    Listing(
        "characters_linearmagicritual",
        """
        name                | level | path_id>linearmagicpath
        Silver from Lead    | 1     | Alchemy
        The Standing Cloud  | 5     | Weather Ways
        A Borrowed Blessing | 0     | -
        """,
    ),
    Listing(
        "characters_sorcererfellowship",
        """
        name                  | *sorcererfellowship_favored_attributes>attribute | *sorcererfellowship_favored_paths>linearmagicpath
        The Golden Lane       | Intelligence; Perception                         | Alchemy; Divination
        Society of the Rheine | Stamina                                          | Weather Ways
        The Unenrolled        |                                                  |
        """,
    ),
    Listing(
        "characters_sorcerer",
        """
        name            | status | npc | sorcerer_type | fellowship_id>sorcererfellowship | affinity_path_id>linearmagicpath | casting_attribute_id>attribute | quintessence | *sorcerer_rituals>linearmagicritual
        Zdeňka Malířová | App    | no  | hedge_mage    | The Golden Lane                  | Alchemy                          | Intelligence                   | 10           | Silver from Lead; A Borrowed Blessing
        Ota Bezruč      | App    | yes | psychic       | -                                | Telepathy                        | Wits                           | 0            |
        Milada Koutná   | Un     | no  | hedge_mage    | Society of the Rheine            | -                                | -                              | 0            |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_pathrating",
        """
        character_id>sorcerer | path_id>linearmagicpath | practice_id>practice | ability_id>ability | rating
        Zdeňka Malířová       | Alchemy                 | Garden Craft         | Crafts             | 5
        Zdeňka Malířová       | Divination              | -                    | -                  | 1
        Ota Bezruč            | Telepathy               | -                    | Empathy            | 10
        Ota Bezruč            | Psychokinesis           | -                    | -                  | 0
        """,
    ),
    Listing(
        "characters_advantage",
        """
        name         | min_rating | max_rating | *advantage_ratings>core_number.value
        Human Guise  | 1          | 3          | 1; 2; 3
        Soul-Sense   | 2          | 2          | 2
        Bond-Sharing | -1         | 6          | -1; 4; 6
        Unexamined   | 0          | 0          |
        """,
    ),
    Listing(
        "characters_companion",
        """
        name              | status | npc | companion_type | companion_of_id>human | essence | rage | strength | stamina | *companion_charms>spiritcharm
        Kašpárek the Crow | App    | no  | familiar       | Magistra Ludmila      | 20      | 0    | 0        | 0       | Airt Sense
        Brother Hynek     | App    | yes | consor         | Vašek the Unwound     | 0       | 0    |          |         |
        The Neighbour     | Un     | no  | companion      | -                     | 0       | 3    |          |         |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_companion",
        """
        name                | npc | companion_type | companion_of_id>human | essence | strength | dexterity | stamina | charisma | manipulation | appearance | perception | intelligence | wits | *companion_charms>spiritcharm
        A Knock in the Pipe | yes | familiar       | Oldest of the Oak     | 5       | 0        | 0         | 0       | 0        | 0            | 0          | 0          | 0            | 0    | Blast; Armor
        """,
    ),
    Listing(
        "characters_advantagerating",
        """
        character_id>companion | advantage_id>advantage | rating
        Kašpárek the Crow      | Human Guise            | 3
        Kašpárek the Crow      | Soul-Sense             | 2
        Brother Hynek          | Bond-Sharing           | 0
        The Neighbour          | Bond-Sharing           | 10
        """,
    ),
    Listing(
        "characters_mtahuman_allied_characters",
        """
        mtahuman_id>mtahuman | character_id>character
        Magistra Ludmila     | Vašek the Unwound
        Zdeňka Malířová      | Magistra Ludmila
        """,
    ),
    Listing(
        "items_wonder",
        """
        name             | rank | background_cost | quintessence_max | *items_itemmodel_owned_by>character
        The Second Pulse | 2    | 4               | 10               | Magistra Ludmila
        """,
    ),
    Listing(
        "characters_mtahuman_enhancement_devices",
        """
        mtahuman_id>mtahuman | wonder_id>items_wonder
        Magistra Ludmila     | The Second Pulse
        """,
    ),
    Listing(
        "characters_cabal",
        """
        name             | leader_id>mage   | *group_members>mage
        Behind the Clock | Magistra Ludmila | Magistra Ludmila; Vašek the Unwound
        """,
    ),
)
