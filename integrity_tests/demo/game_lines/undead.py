"""More of the vampire line: revenants and their families, titles, and vampires at the ends of what blood allows."""

from typing import Final

from ..row_text import Dots, Listing

_ABILITIES: Final = Dots("awareness leadership larceny performance finance law occult politics", 6, 3)

_EVERY_ABILITY: Final = Dots(
    "academics alertness athletics brawl computer crafts drive empathy etiquette expression firearms intimidation"
    " investigation medicine melee science stealth streetwise subterfuge awareness leadership animal_ken larceny"
    " performance survival finance law occult politics technology",
    most=10,
)
_EVERY_DISCIPLINE: Final = Dots(
    "celerity fortitude potence auspex dominate dementation presence animalism protean obfuscate chimerstry necromancy"
    " obtenebration quietus serpentis thaumaturgy vicissitude daimoinon melpominee mytherceria obeah temporis"
    " thanatosis valeren visceratika",
    most=10,
)

LISTINGS: Final = (
    Listing(
        "characters_vampiretitle",
        """
        name    | sect_id>vampiresect | value | is_negative | powers
        Archon  | Camarilla           | 7     | no          | Speaks with another's mouth.
        Branded | -                   | 0     | yes         |
        """,
    ),
    Listing(
        "characters_revenantfamily",
        """
        name     | weakness                       | *revenantfamily_disciplines>discipline
        Almeida  | Cannot lie to their own blood. | Auspex; Dominate
        Bratovic | Meat, and it need not be dead. | Animalism; Potence; Vicissitude
        Nobodies |                                |
        """,
    ),
    Listing(
        "characters_revenant",
        """
        name               | status | npc | family_id>revenantfamily | pseudo_generation | blood_pool | max_blood_pool | auspex | dominate | potence | vicissitude | animalism | necromancy | family_flaw               | actual_age | age | apparent_age | date_of_birth
        Beatriz de Almeida | App    | no  | Almeida                  | 12                | 5          | 10             | 2      | 1        |         |             |           |            | Blushes at every untruth. | 88         | 88  | 30           | -
        Vuk Bratovic       | App    | yes | Bratovic                 | 10                | 13         | 13             |        |          | 5       | 5           | 1         |            | Sleeps with the dogs.     | 160        | 160 | 45           | -
        Inácio Ninguém     | Sub    | no  | -                        | 11                | 0          | 0              |        |          |         |             |           | 5          |                           | 0          | 23  | 23           | -
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_revenant",
        """
        name             | npc | family_id>revenantfamily | pseudo_generation | blood_pool | max_blood_pool | actual_age | age | apparent_age | date_of_birth
        Stana the Kennel | yes | Bratovic                 | 10                | 0          | 13             | 310        | 310 | 50           | -
        """,
        (Dots("animalism auspex celerity dominate fortitude necromancy obfuscate potence presence vicissitude"),),
    ),
    Listing(
        "characters_vampire",
        """
        name              | npc | clan_id>vampireclan | generation_rating | max_blood_pool | blood_per_turn | blood_pool | conscience | self_control | courage | has_conviction | conviction | has_instinct | instinct | humanity | path_id>path         | path_rating | strength | dexterity | stamina | charisma | manipulation | appearance | perception | intelligence | wits | willpower | temporary_willpower | age  | apparent_age | date_of_birth
        The Sleeper Below | yes | Tzimisce            | 3                 | 50             | 10             | 50         | 0          | 0            | 5       | yes            | 5          | yes          | 5        | 0        | Path of Cold Ledgers | 10          | 10       | 10        | 10      | 10       | 10           | 10         | 10         | 10           | 10   | 10        | 10                  | 5000 | 0            | -
        """,
        (_EVERY_ABILITY, _EVERY_DISCIPLINE),
    ),
    Listing(
        "characters_vampire",
        """
        name             | status | npc | clan_id>vampireclan | sect_id>vampiresect | sire_id>vampire  | generation_rating | max_blood_pool | blood_per_turn | blood_pool | conscience | self_control | courage | has_conviction | conviction | has_instinct | instinct | humanity | path_id>path         | path_rating | auspex | celerity | potence | obfuscate | strength | appearance | age  | apparent_age | date_of_birth | *vampire_titles>vampiretitle
        Irad of the Well | App    | yes | Brujah              | -                   | -                | 3                 | 50             | 10             | 50         | 5          | 5            | 5       | no             |            | no           |          | 10       | -                    | 0           |        | 10       | 10      |           | 10       |            | 5000 | 200          | -             |
        Semiramis        | App    | yes | Brujah              | Camarilla           | Irad of the Well | 4                 | 50             | 10             | 0          | 1          | 1            | 1       | no             |            | no           |          | 0        | -                    | 0           | 9      |          |         |           |          |            | 2400 | 30           | -             | Archon; Branded
        Old Zacarias     | App    | yes | Nosferatu           | Camarilla           | -                | 8                 | 15             | 3              | 7          | 3          | 4            | 2       | no             |            | no           |          | 7        | -                    | 0           |        |          | 3       | 5         | 5        | 0          | 300  | 60           | -             | Sheriff
        Dona Perpétua    | App    | no  | Lasombra            | Sabbat              | -                | 9                 | 14             | 2              | 14         | 0          | 0            | 5       | yes            | 1          | yes          | 5        | 0        | Path of Cold Ledgers | 10          |        |          | 2       |           |          |            | 210  | 35           | -             | Bishop
        Tomé Sardinha    | Sub    | no  | Malkavian           | Camarilla           | -                | 13                | 10             | 1              | 10         | 2          | 2            | 1       | no             |            | no           |          | 4        | -                    | 0           | 1      |          |         | 1         |          |            | 30   | 24           | -             |
        Nuno Sem-Sangue  | App    | no  | -                   | Independent         | -                | 15                | 10             | 1              | 1          | 2          | 3            | 3       | no             |            | no           |          | 5        | -                    | 0           |        |          |         |           |          |            | 22   | 19           | -             |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_ghoul",
        """
        name               | npc | domitor_id>vampire | is_independent | blood_pool | max_blood_pool | years_as_ghoul | conscience | self_control | courage
        The Sleeper's Page | yes | The Sleeper Below  | no             | 15         | 15             | 400            | 5          | 5            | 0
        """,
        (Dots("potence celerity fortitude auspex dominate obfuscate presence"),),
    ),
    Listing(
        "characters_ghoul",
        """
        name            | status | npc | domitor_id>vampire | is_independent | blood_pool | max_blood_pool | years_as_ghoul | potence | celerity | conscience | self_control | courage
        Amadeu Cutelo   | App    | no  | Old Zacarias       | no             | 10         | 10             | 250            | 5       | 0        | 0          | 1            | 5
        Filomena Torres | App    | yes | -                  | yes            | 0          | 0              | 0              | 1       | 0        | 3          | 3            | 3
        """,
        (_ABILITIES,),
    ),
)
