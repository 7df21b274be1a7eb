"""The wraith line: arcanoi, guilds, legions, shadows and thorns, and the restless dead."""

from typing import Final

from ..row_text import Dots, Listing

_ABILITIES: Final = Dots("awareness persuasion larceny meditation bureaucracy enigmas occult politics", 5, 3)
_ARCANOI: Final = Dots("argos castigate embody fatalism inhabit keening lifeweb moliate outrage pandemonium", 5)

_EVERY_ABILITY: Final = Dots(
    "awareness bureaucracy enigmas larceny leadership meditation occult performance persuasion politics technology",
    most=10,
)
_EVERY_ARCANOS: Final = Dots(
    "argos blighted_insight castigate collogue connaissance corruptor embody false_life fatalism flux inhabit intimation"
    " keening lifeweb mnemosynis moliate osseum outrage pandemonium phantasm tempestos usury"
)

LISTINGS: Final = (
    Listing(
        "characters_ability",
        """
        name        | property_name
        Bureaucracy | bureaucracy
        Persuasion  | persuasion
        """,
    ),
    Listing(
        "characters_background",
        """
        name     | property_name | multiplier | poolable
        Haunt    | haunt         | 1          | yes
        Memoriam | memoriam      | 1          | no
        """,
    ),
    Listing(
        "characters_guild",
        """
        name       | guild_type | willpower
        Artificers | greater    | 7
        Harbingers | greater    | 6
        Chanteurs  | lesser     | 5
        Usurers    | lesser     | 6
        Mnemoi     | banned     | 5
        """,
    ),
    Listing(
        "characters_wraithfaction",
        """
        name                 | faction_type | parent_id>wraithfaction
        The Hierarchy        | other        | -
        The Grim Legion      | legion       | The Hierarchy
        The Skeletal Legion  | legion       | The Hierarchy
        The Iron Legion      | legion       | -
        The Ferrymen's Heirs | heretic      | -
        The Candle Wake      | heretic      | The Ferrymen's Heirs
        The Quiet Guilds     | guild        | -
        The Undertow         | spectre      | -
        """,
    ),
    Listing(
        "characters_arcanos",
        """
        name          | arcanos_type | level | pathos_cost | angst_cost | difficulty | parent_arcanos_id>arcanos
        Argos         | standard     | 0     | 0           | 0          | 6          | -
        Enshroud      | standard     | 1     | 1           | 0          | 6          | Argos
        Oubliette     | standard     | 5     | 3           | 1          | 8          | Argos
        Keening       | standard     | 0     | 0           | 0          | 6          | -
        Dirge         | standard     | 2     | 1           | 0          | 7          | Keening
        Tempestos     | dark         | 0     | 0           | 0          | 7          | -
        Call the Gale | dark         | 3     | 0           | 2          | 7          | Tempestos
        """,
    ),
    Listing(
        "characters_shadowarchetype",
        """
        name         | point_cost | core_function          | modus_operandi        | dominance_behavior | strengths        | weaknesses
        The Creditor | 2          | Reminds of every debt. | Keeps the books open. | Collects.          | Never forgets    | Cannot give
        The Parent   | 1          | Protects to death.     | Knows best.           | Locks the doors.   | Sounds like love | Fears to be left
        The Blank    | 0          |                        |                       |                    |                  |
        """,
    ),
    Listing(
        "characters_thorn",
        """
        name           | thorn_type | point_cost | activation_cost | activation_trigger  | resistance_difficulty | duration  | frequency_limitation
        Borrowed Voice | individual | 2          | 1 angst         | A promise is made   | 6                     | one scene | once a night
        Trick of Glass | individual | 1          | none            | A mirror is near    | -                     | one turn  |
        The Whispering | collective | 5          | 3 angst         | Three shadows agree | 9                     | one night | once a story
        """,
    ),
    Listing(
        "characters_wtohuman",
        """
        name               | status | npc
        Cornelia Haverkamp | App    | yes
        Teun Wildeboer     | Sub    | no
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_wraith",
        """
        name               | status | npc | character_type | guild_id>guild | legion_id>wraithfaction | faction_id>wraithfaction | shadow_archetype_id>shadowarchetype | corpus | pathos | temporary_pathos | angst | temporary_angst | in_catharsis | is_shadow_dominant | spectrehood_date       | catharsis_count | harrowing_count | last_harrowing_result | redemption_attempts | age_at_death | argos | death_description
        Machteld Overbeek  | App    | no  | wraith         | Artificers     | The Grim Legion         | The Hierarchy            | The Creditor                        | 10     | 6      | 5                | 3     | 2               | no           | no                 | -                      | 0               | 1               | success               | 0                   | 41           | 5     | The bridge had been inspected.
        Brother Anselm     | App    | no  | risen          | Mnemoi         | The Skeletal Legion     | The Candle Wake          | The Parent                          | 7      | 10     | 0                | 10    | 10              | yes          | yes                | -                      | 3               | 4               | catharsis             | 1                   | 63           | 0     | A fever, in a winter without coal.
        The Drowned Pilot  | App    | yes | spectre        |                | -                       | The Undertow             | The Blank                           | 0      | 0      | 0                | 8     | 4               | no           | yes                | 1953-02-01 03:00:00+00 | 9               | 12              | failure               | 2                   | 29           |       | The dyke gave way first.
        Geertje Lindeman   | Sub    | no  | wraith         | Chanteurs      | The Iron Legion         |                          | The Parent                          | 10     | 5      | 5                | 1     | 0               | no           | no                 | -                      | 0               | 0               | none                  | 0                   | 17           |       | She only meant to skate to the island.
        Rutger Zonneveld   | Un     | no  | wraith         |                |                         |                          |                                     | 10     | 5      | 5                | 1     | 0               | no           | no                 | -                      | 0               | 0               | none                  | 0                   | 0            |       |
        The Lady in Pewter | Ret    | no  | doppelganger   | Usurers        | The Grim Legion         | The Quiet Guilds         | The Creditor                        | 4      | 2      | 1                | 6     | 6               | no           | yes                | -                      | 1               | 2               | success               | 0                   | 52           |       | Poison, and she knew the cup.
        """,
        (_ABILITIES, _ARCANOI),
    ),
    Listing(
        "characters_wraith",
        """
        name              | npc | character_type | corpus | pathos | temporary_pathos | angst | is_shadow_dominant
        The Oldest Tenant | yes | chosen         | 10     | 10     | 10               | 5     | no
        """,
        (_EVERY_ABILITY, _EVERY_ARCANOS),
    ),
    Listing(
        "characters_wraith",
        """
        name            | status | npc | character_type | corpus | angst | is_shadow_dominant
        It Wears a Coat | App    | yes | dark_spirit    | 9      | 10    | yes
        Lijsbeth Kok    | Dec    | no  | wraith         | 0      | 2     | no
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_passion",
        """
        wraith_id>wraith  | emotion   | rating | is_dark_passion
        Machteld Overbeek | Pride     | 5      | no
        Machteld Overbeek | Anger     | 5      | no
        Brother Anselm    | Hope      | 4      | no
        Brother Anselm    | Envy      | 3      | yes
        The Drowned Pilot | Spite     | 5      | yes
        The Drowned Pilot | Hunger    | 5      | yes
        Geertje Lindeman  | Love      | 4      | no
        Geertje Lindeman  | Curiosity | 3      | no
        Geertje Lindeman  | Guilt     | 3      | no
        """,
    ),
    Listing(
        "characters_fetter",
        """
        wraith_id>wraith  | fetter_type | rating
        Machteld Overbeek | object      | 5
        Machteld Overbeek | location    | 5
        Brother Anselm    | person      | 3
        Geertje Lindeman  | object      | 4
        Geertje Lindeman  | location    | 1
        Geertje Lindeman  | person      | 5
        """,
    ),
    Listing(
        "characters_thornrating",
        """
        wraith_id>wraith   | thorn_id>thorn | rating
        Machteld Overbeek  | Borrowed Voice | 2
        Machteld Overbeek  | Trick of Glass | 1
        Brother Anselm     | Trick of Glass | 0
        The Lady in Pewter | The Whispering | 10
        """,
    ),
    Listing(
        "characters_circle",
        """
        name                  | leader_id>wraith  | *group_members>wraith
        The Late Shift        | Machteld Overbeek | Machteld Overbeek; Brother Anselm
        Those Below the Quays | -                 | The Drowned Pilot; Geertje Lindeman
        """,
    ),
)
