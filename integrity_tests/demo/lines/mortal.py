"""Mortals: a plain human, or the human of a game line that has nothing more than its extra abilities."""

from dataclasses import dataclass
from random import Random

from ..characters import Character, Draft, extra_abilities
from ..reference import Catalogue
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
