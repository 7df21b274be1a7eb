"""The hunter line: creeds, edges, organisations, and hunters with their cells."""

from typing import Final

from ..row_text import Dots, Listing

_ABILITIES: Final = Dots("awareness leadership larceny repair survival finance law occult politics technology", 6, 3)

LISTINGS: Final = (
    Listing(
        "characters_ability",
        """
        name   | property_name
        Repair | repair
        """,
    ),
    Listing(
        "characters_creed",
        """
        name     | primary_virtue | philosophy                | nickname | favored_edges
        Avenger  | zeal           | They will pay.            | Waster   | ["cleave", "vengeance"]
        Defender | zeal           | Not one step further.     |          | ["ward"]
        Innocent | vision         | Somebody has to ask them. | Lamb     | ["hide", "illuminate"]
        Judge    | conviction     | Evidence first.           | Gavel    | ["discern", "burden", "balance"]
        Hermit   | vision         |                           |          | []
        """,
    ),
    Listing(
        "characters_edge",
        """
        name       | virtue     | level | cost         | duration  | system             | book_id>core_book
        Discern    | conviction | 1     | none         | one scene | Look again.        | Players' Almanac
        Burden     | conviction | 2     | 1 conviction | one turn  | It cannot move.    | Players' Almanac
        Illuminate | vision     | 1     | none         | one scene | They glow.         | -
        Cleave     | zeal       | 1     | none         | one blow  | Any blade will do. | -
        Cleave     | zeal       | 5     | 3 zeal       |           |                    | -
        """,
    ),
    Listing(
        "characters_htrhuman",
        """
        name          | status | npc
        Sjors Bakhuis | App    | yes
        Rianne Polder | Un     | no
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_htrhuman",
        """
        name        | npc
        Major Brink | yes
        """,
        (
            Dots(
                "animal_ken awareness finance larceny law leadership occult performance politics repair survival"
                " technology",
                most=10,
            ),
        ),
    ),
    Listing(
        "characters_hunter",
        """
        name             | status | npc | creed_id>creed | primary_virtue | conviction | temporary_conviction | vision | temporary_vision | zeal | temporary_zeal | imbuing_date | discern | illuminate | cleave | ward | resources
        Agnes Tromp      | App    | no  | Judge          | conviction     | 5          | 10                   | 1      | 0                | 2    | 2              | 2007-11-02   | 5       |            |        |      | 2
        Daan Ruysdael    | App    | no  | Avenger        | zeal           | 1          | 1                    | 1      | 1                | 5    | 7              | 2007-11-02   |         |            | 3      |      |
        Yara Hofstede    | App    | no  | Innocent       | vision         | 1          | 0                    | 4      | 9                | 1    | 0              | 2008-01-19   |         | 2          |        |      |
        Evert Molenaar   | App    | yes | Defender       | zeal           | 2          | 2                    | 1      | 1                | 3    | 3              | -            |         |            |        | 1    |
        Bas Winterswijk  | App    | yes | Avenger        | vision         | 1          | 1                    | 5      | 10               | 1    | 10             | 2001-09-09   |         |            |        |      |
        Loes Hartog      | Sub    | no  | -              | vision         | 1          | 1                    | 3      | 3                | 1    | 1              | -            |         |            |        |      |
        Cor Blankenstijn | Dec    | no  | Hermit         | vision         | 1          | 0                    | 3      | 0                | 1    | 0              | 2006-05-30   |         |            |        |      |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_backgroundrating",
        """
        char_id>hunter | bg_id>background | rating | note      | complete
        Agnes Tromp    | Resources        | 2      | a pension | yes
        """,
    ),
    Listing(
        "characters_hunter_cell_members",
        """
        from_hunter_id>hunter | to_hunter_id>hunter
        Agnes Tromp           | Daan Ruysdael
        Daan Ruysdael         | Agnes Tromp
        Agnes Tromp           | Yara Hofstede
        Yara Hofstede         | Agnes Tromp
        Evert Molenaar        | Loes Hartog
        Loes Hartog           | Evert Molenaar
        """,
    ),
    Listing(
        "characters_hunterorganization",
        """
        name                | organization_type | resources | leader_id>hunter | philosophy       | goals             | *hunterorganization_members>hunter
        Night School        | cell              | 1         | Agnes Tromp      | Learn, then act. | One street clean. | Agnes Tromp; Daan Ruysdael; Yara Hofstede
        The Harbour Watch   | network           | 5         | -                |                  |                   | Evert Molenaar
        Society of Locks    | compact           | 2         | -                |                  |                   |
        A Letterbox Address | conspiracy        | 3         | -                |                  |                   |
        """,
    ),
)
