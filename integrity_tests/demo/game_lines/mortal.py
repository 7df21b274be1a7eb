"""Mortals: a plain human, or the human of a game line that has nothing more than its extra abilities."""

from dataclasses import dataclass
from random import Random
from typing import Final

from ..characters import Character, Draft, extra_abilities
from ..reference import Catalogue
from ..row_text import Listing
from ..rows import Rows


@dataclass(frozen=True, slots=True)
class Mortals:
    """Humans of one game line."""

    table: str
    line: str
    catalogue: Catalogue

    def traits(self, chance: Random, draft: Draft) -> dict[str, object]:
        """Abilities only."""
        del draft
        if self.table not in self.catalogue.extra_abilities:
            return {}
        return extra_abilities(chance, self.catalogue, self.table)

    def finish(self, rows: Rows, chance: Random, character: Character) -> None:
        """Nothing hangs on a mortal."""


LISTINGS: Final = (
    Listing(
        "characters_meritflaw",
        """
        name       | min_rating | max_rating | *meritflaw_ratings>core_number.value | *meritflaw_allowed_types>game_objecttype
        True Love  | 10         | 10         | 10                                   | human
        The Quarry | -10        | -7         | -7; -10                              | human
        Unwritten  | 0          | 0          |                                      |
        """,
    ),
    Listing(
        "characters_human",
        """
        name           | status | npc | chronicle_id | age | apparent_age | date_of_birth | willpower | temporary_willpower | nature_id | demeanor_id | history | goals | current_health_levels | max_health_levels | notes
        The Foundling  | App    | yes |              | 0   | 0            | -             | 1         | 0                   | -         | -           | -       | -     |                       | 7                 | -
        John Doe       | Un     | no  | -            | -   | -            | -             | 10        | 10                  | -         | -           | -       | -     | AALLBBB               | 7                 | Whose coat is it?
        Old Marguerite | App    | yes |              | 104 | 104          | -             | 10        | 0                   | -         | -           | -       | -     | B                     | 1                 |
        """,
    ),
    Listing(
        "characters_meritflawrating",
        """
        character_id>human | mf_id>meritflaw | rating
        The Foundling      | True Love       | 10
        Old Marguerite     | The Quarry      | -7
        """,
    ),
    Listing(
        "characters_backgroundrating",
        """
        char_id>human  | bg_id>background | rating | note       | display_alt_name | complete
        John Doe       | Contacts         | 3      | the clerk  | yes              | no
        John Doe       | Contacts         | 1      | the porter | no               | yes
        Old Marguerite | Contacts         | 0      |            | no               | no
        """,
    ),
)
