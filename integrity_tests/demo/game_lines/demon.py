"""The demon line: houses, factions, lores, rituals and forms, and the fallen with those they are bound to."""

from typing import Final

from ..row_text import Dots, Listing

_ABILITIES: Final = Dots("awareness intuition leadership seduction finance law occult politics religion research", 5, 3)
_LORES: Final = Dots("lore_of_humanity lore_of_the_fundament lore_of_flame lore_of_radiance lore_of_death", 4)

_EVERY_ABILITY: Final = Dots(
    "animal_ken awareness demolitions enigmas finance intuition law leadership occult performance politics religion"
    " research security seduction survival technology",
    most=10,
)
_EVERY_LORE: Final = Dots(
    "lore_of_awakening lore_of_death lore_of_flame lore_of_humanity lore_of_light lore_of_longing lore_of_paths"
    " lore_of_patterns lore_of_portals lore_of_radiance lore_of_storms lore_of_the_beast lore_of_the_celestials"
    " lore_of_the_earth lore_of_the_firmament lore_of_the_flesh lore_of_the_forge lore_of_the_fundament"
    " lore_of_the_realms lore_of_the_spirit lore_of_the_wild lore_of_the_winds lore_of_transfiguration"
)

LISTINGS: Final = (
    Listing(
        "characters_ability",
        """
        name     | property_name
        Religion | religion
        """,
    ),
    Listing(
        "characters_background",
        """
        name      | property_name | multiplier | poolable
        Eminence  | eminence      | 1          | no
        Followers | followers     | 1          | yes
        Pacts     | pacts         | 1          | no
        """,
    ),
    Listing(
        "characters_demonhouse",
        """
        name        | celestial_name | starting_torment | domain
        Devils      | Namaru         | 4                | Fire, and those who lead.
        Scourges    | Asharu         | 3                | Breath and sickness.
        Malefactors | Annunaki       | 3                | Stone, metal, and what is made.
        Defilers    | Lammasu        | 4                | Water and longing.
        Devourers   | Rabisu         | 4                | Flesh and wood.
        Unhoused    |                | 0                |
        """,
    ),
    Listing(
        "characters_demonfaction",
        """
        name       | philosophy           | goal      | leadership | tactics
        Luciferans | The war is not over. | Find him. | By rank    | March
        Cryptics   | Ask first.           | Know why. | Nobody's   | Listen
        Ravagers   |                      |           |            |
        """,
    ),
    Listing(
        "characters_lore",
        """
        name                  | property_name | *lore_houses>demonhouse
        Lore of Flame         | flame         | Devils
        Lore of Radiance      | radiance      | Devils
        Lore of Awakening     | awakening     | Scourges
        Lore of the Winds     | the_winds     | Scourges
        Lore of the Forge     | the_forge     | Malefactors
        Lore of Paths         | paths         | Malefactors
        Lore of Longing       | longing       | Defilers
        Lore of the Flesh     | the_flesh     | Devourers
        Lore of Humanity      | humanity      | Devils; Scourges; Malefactors; Defilers; Devourers
        Lore of the Fundament | the_fundament |
        """,
    ),
    Listing(
        "characters_apocalypticformtrait",
        """
        name           | cost | high_torment_only | house_id>demonhouse
        Wings          | 3    | no                | Devils
        Lordly Voice   | 2    | no                | Devils
        Corona         | 1    | no                | Devils
        Unburnt        | 1    | no                | Devils
        Claws          | 1    | yes               | Devourers
        Spines         | 2    | yes               | Devourers
        Ichor          | 3    | yes               | Defilers
        Miasma         | 3    | yes               | Scourges
        Healing Breath | 2    | no                | Scourges
        Weightless     | 1    | no                | Scourges
        Extra Eyes     | 1    | no                | -
        Iron Hide      | 0    | no                | -
        """,
    ),
    Listing(
        "characters_apocalypticform",
        """
        name       | *apocalypticform_low_torment_traits>apocalypticformtrait | *apocalypticform_high_torment_traits>apocalypticformtrait
        The Herald | Wings; Lordly Voice; Corona; Unburnt                     | Claws; Spines; Ichor; Miasma
        The Breath | Healing Breath; Weightless; Extra Eyes; Iron Hide        | Claws; Spines; Ichor; Unburnt
        """,
    ),
    Listing(
        "characters_visage",
        """
        name   | house_id>demonhouse | default_apocalyptic_form_id>apocalypticform
        Bel    | Devils              | The Herald
        Dagan  | Scourges            | The Breath
        Kishar | Malefactors         | -
        Mummu  | -                   | -
        """,
    ),
    Listing(
        "characters_ritual",
        """
        name                 | house_id>demonhouse | primary_lore_id>lore | primary_lore_rating | secondary_lore_requirements                                        | base_cost | minimum_casting_time | system            | torment_effect      | source_page
        The Open Furnace     | Devils              | Lore of Flame        | 1                   | []                                                                 | 0         | 0                    | Roll and wait.    | The fire spreads.   | p. 12
        Call Across the Deep | -                   | Lore of Humanity     | 5                   | [{"lore": "paths", "rating": 2}, {"lore": "longing", "rating": 1}] | 10        | 240                  | All must name it. | It answers angrily. | p. 88
        The Unwritten Rite   | -                   | -                    | 3                   | []                                                                 | 4         | 30                   |                   |                     |
        """,
    ),
    Listing(
        "characters_dtfhuman",
        """
        name               | status | npc
        Pastor Reinier Vos | App    | yes
        Hilde Groeneveld   | Dec    | no
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_demon",
        """
        name             | status | npc | house_id>demonhouse | faction_id>demonfaction | visage_id>visage | apocalyptic_form_id>apocalypticform | faith | temporary_faith | torment | temporary_torment | conviction | courage | conscience | days_until_consumption | celestial_name | age_of_fall | abyss_duration       | lore_of_flame | lore_of_paths | *demon_rituals>ritual
        Casper Duivendak | App    | no  | Devils              | Luciferans              | Bel              | The Herald                          | 4     | 4               | 4       | 0                 | 3          | 4       | 2          | 0                      | Ashmedaru      | 31          | longer than counting | 5             |               | The Open Furnace; Call Across the Deep
        Nadine Overtoom  | App    | no  | Scourges            | Cryptics                | Dagan            | The Breath                          | 1     | 0               | 10      | 10                | 1          | 1       | 1          | 30                     | Asharael       | 27          |                      |               |               |
        Magister Kroon   | App    | yes | Malefactors         | Ravagers                | Mummu            | -                                   | 10    | 10              | 0       | 0                 | 5          | 5       | 5          | 0                      | Nedukhaz       | 44          | one long night       |               | 5             | The Unwritten Rite
        Elske Rademaker  | Sub    | no  | Unhoused            | -                       | -                | -                                   | 3     | 3               | 0       | 0                 | 2          | 3       | 1          | 0                      |                | 0           |                      |               |               |
        Father Quirijn   | Ret    | no  | Defilers            | Cryptics                | -                | -                                   | 5     | 2               | 5       | 7                 | 2          | 2       | 3          | 0                      | Lammasheth     | 58          |                      |               |               |
        """,
        (_ABILITIES, _LORES),
    ),
    Listing(
        "characters_demon",
        """
        name              | status | npc | faith | torment | conviction | courage | conscience | celestial_name
        The First Witness | App    | yes | 10    | 3       | 5          | 5       | 5          | Zaphael
        """,
        (_EVERY_ABILITY, _EVERY_LORE),
    ),
    Listing(
        "characters_demon",
        """
        name            | status | npc | faith | torment | conviction | courage | conscience
        Willemijn Zwart | Un     | no  | 3     | 0       | 1          | 1       | 1
        Bram Kleijn     | Dec    | no  | 2     | 10      | 2          | 1       | 1
        """,
    ),
    Listing(
        "characters_earthbound",
        """
        name           | npc | faith | torment | temporary_torment | conviction | courage | conscience | urge_flesh | urge_thought | urge_emotion | reliquary_type | reliquary_max_health | reliquary_current_health | mastery_rating
        Under the Lock | yes | 10    | 0       | 0                 | 5          | 5       | 5          | 1          | 1            | 1            | perfect        | 10                   | 10                       | 5
        """,
        (_EVERY_ABILITY, _EVERY_LORE),
    ),
    Listing(
        "characters_earthbound",
        """
        name             | npc | faith | torment | conviction | courage | conscience | urge_flesh | urge_thought | urge_emotion | reliquary_type | reliquary_max_health | reliquary_current_health | mastery_rating
        A Voice in Brine | yes | 1     | 4       | 1          | 1       | 1          | 1          | 1            | 1            | improvised     | 1                    | 1                        | 0
        """,
    ),
    Listing(
        "characters_earthbound",
        """
        name                  | npc | house_id>demonhouse | visage_id>visage | apocalyptic_form_id>apocalypticform | faith | temporary_faith | torment | temporary_torment | conviction | courage | conscience | urge_flesh | urge_thought | urge_emotion | willpower | temporary_willpower | reliquary_type | reliquary_description  | reliquary_max_health | reliquary_current_health | reliquary_soak | can_manifest | manifestation_range | cult_size  | known_celestial_names | known_true_names | mastery_rating | tactics | torture | celestial_name | date_summoned | *earthbound_rituals>ritual
        Abaddur of the Quay   | yes | Devils              | Bel              | The Herald                          | 10    | 10              | 10      | 10                | 5          | 5       | 1          | 5          | 5            | 5            | 8         | 8                   | location       | A warehouse.           | 36                   | 36                       | 4              | yes          | 500                 | Some forty | ["Ashmedaru"]         | ["Casper"]       | 5              | 3       | 2       | Abaddur        | 1607          | Call Across the Deep
        The Bell of Sint Jan  | yes | Malefactors         | Kishar           | -                                   | 6     | 0               | 9       | 9                 | 3          | 4       | 1          | 1          | 3            | 4            | 5         | 2                   | perfect        | A bell with no tongue. | 6                    | 0                        | 8              | no           | 0                   |            | []                    | []               | 0              | 0       | 0       | Zikkurat       | before 1500   |
        What Uncle Piet Found | yes | -                   | -                | -                                   | 3     | 3               | 10      | 4                 | 1          | 1       | 1          | 2          | 1            | 5            | 3         | 3                   | improvised     | A diver's helmet.      | 3                    | 2                        | 1              | no           | 1                   | One        | []                    | []               | 1              | 0       | 0       |                |               |
        """,
        (_ABILITIES, _LORES),
    ),
    Listing(
        "characters_thrall",
        """
        name             | status | npc | master_id>demon  | faith_potential | daily_faith_offered | enhancements                 | conviction | courage | conscience
        Bart Schoonhoven | App    | no  | Casper Duivendak | 5               | 3                   | ["Never tires", "Sure grip"] | 2          | 3       | 1
        Ilse Verkade     | App    | yes | Magister Kroon   | 1               | 1                   | []                           | 1          | 1       | 5
        Koos Terpstra    | App    | yes | Casper Duivendak | 2               | 1                   | ["Remembers faces"]          | 5          | 5       | 3
        Femke Dijkgraaf  | Ret    | no  | -                | 4               | 2                   | []                           | 3          | 2       | 4
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_pact",
        """
        demon_id>demon   | thrall_id>thrall | active | terms                      | faith_payment | enhancements
        Casper Duivendak | Bart Schoonhoven | yes    | A year and a day, renewed. | 3             | ["Never tires", "Sure grip"]
        Casper Duivendak | Bart Schoonhoven | no     | A season.                  | 1             | []
        Casper Duivendak | Koos Terpstra    | yes    | Until the debt is paid.    | 1             | ["Remembers faces"]
        Magister Kroon   | Ilse Verkade     | yes    | Silence.                   | 0             | []
        Nadine Overtoom  | Ilse Verkade     | yes    | A second opinion.          | 1             | []
        Father Quirijn   | Femke Dijkgraaf  | no     | Ended when he left.        | 2             | []
        """,
    ),
    Listing(
        "characters_lorerating",
        """
        demon_id>demon    | lore_id>lore  | rating
        Casper Duivendak  | Lore of Flame | 5
        Magister Kroon    | Lore of Paths | 5
        The First Witness | Lore of Flame | 10
        Nadine Overtoom   | Lore of Flame | 0
        """,
    ),
    Listing(
        "characters_conclave",
        """
        name                | leader_id>demon  | *group_members>demon
        The Harbour Session | Casper Duivendak | Casper Duivendak; Nadine Overtoom; Magister Kroon
        Empty Chairs        | -                |
        """,
    ),
)
