"""The mummy line: dynasties, titles, and the undying with their mentors."""

from typing import Final

from ..row_text import Dots, Listing

_ABILITIES: Final = Dots("awareness leadership meditation enigmas law occult politics survival theology", 6, 3)

LISTINGS: Final = (
    Listing(
        "characters_dynasty",
        """
        name                | era         | favored_hekau
        House of Reeds      | Old Kingdom | alchemy
        House of Scales     | New Kingdom | judge
        House Without Walls |             |
        """,
    ),
    Listing(
        "characters_mummytitle",
        """
        name               | rank_level
        Keeper of the Door | 1
        Voice of the Scale | 5
        Guest              | 0
        """,
    ),
    Listing(
        "characters_mtrhuman",
        """
        name               | status | npc
        Prof. Leïla Amrani | App    | yes
        Sander Krul        | Un     | no
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_mtrhuman",
        """
        name              | npc
        The Night Curator | yes
        """,
        (
            Dots(
                "animal_ken awareness enigmas larceny law leadership meditation occult performance politics survival"
                " technology theology",
                most=10,
            ),
        ),
    ),
    Listing(
        "characters_mtrhuman",
        """
        name         | npc
        Floris Steen | no
        """,
    ),
    Listing(
        "characters_mummy",
        """
        name               | npc | web   | balance | sekhem | ka_rating | ba | incarnation | mummified_appearance
        She Who Was Second | yes | thoth | 9       | 9      | 90        | 90 | 7           | skeletal
        """,
        (
            Dots(
                "alchemy celestial divination effigy judge necromancy nomenclature phoenix ushabti vision conviction"
                " restraint"
            ),
        ),
    ),
    Listing(
        "characters_mummy",
        """
        name           | status | web    | balance | sekhem | ka_rating | ba | incarnation
        Youssef Baraka | Ret    | osiris | 3       | 2      | 20        | 20 | 2
        """,
    ),
    Listing(
        "characters_mummy",
        """
        name               | status | npc | dynasty_id>dynasty | mentor_mummy_id>mummy | web   | balance | sekhem | ka_rating | ba  | conviction | restraint | alchemy | celestial | judge | incarnation | years_since_rebirth | age  | apparent_age | date_of_birth | ancient_name | mummified_appearance | can_pass_as_mortal | death_in_first_life | past_lives_memory | *mummy_titles>mummytitle
        Meret of the Reeds | App    | yes | House of Reeds     | -                     | isis  | 10      | 10     | 100       | 100 | 5          | 5         | 5       | 5         | 0     | 12          | 200                 | 5000 | 40           | -             | Meret-Hapi   | desiccated           | no                 | The river took her. | All of them.      | Keeper of the Door; Voice of the Scale
        Nasir el-Hadi      | App    | no  | House of Scales    | Meret of the Reeds    | maat  | 4       | 3      | 30        | 12  | 2          | 3         | 1       | 0         | 3     | 3           | 6                   | 3210 | 33           | -             | Nasu         | preserved            | yes                | A false weight.     | Two and a dream.  | Guest
        Cleo van Rijn      | Sub    | no  | House of Scales    | Nasir el-Hadi         | horus | 5       | 1      | 10        | 0   | 3          | 1         | 0       | 0         | 2     | 1           | 0                   | 24   | 24           | -             |              | varies               | yes                |                     |                   |
        Iris Zandvliet     | Un     | no  | -                  | -                     |       | 0       | 0      | 0         | 0   | 0          | 0         | 0       | 0         | 0     | 1           | 0                   | 19   | 19           | -             |              |                      | yes                |                     |                   |
        """,
        (_ABILITIES,),
    ),
)
