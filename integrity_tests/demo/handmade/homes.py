"""Where the objects of a game line belong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..characters import Character
from ..people import Chronicle, People
from ..rows import Rows


@dataclass(frozen=True, slots=True)
class Home:
    """A chronicle of the line, its city, and approved characters there, those of the line first."""

    chronicle: Chronicle
    city: int
    keepers: tuple[Character, ...]

    @property
    def owner(self) -> int:
        """The account that things without a keeper belong to: the chronicle's head."""
        return self.chronicle.storytellers[0]

    def keeper(self, number: int) -> Character:
        """One of the keepers, in turn."""
        return self.keepers[number % len(self.keepers)]


def home(rows: Rows, folk: People, cast: Sequence[Character], line: str) -> Home:
    """Find where a line is played: in a chronicle of its own, or wherever there are most of its characters."""
    here = Counter(one.chronicle.id for one in cast if one.line == line)
    chronicle = max(folk.chronicles, key=lambda one: (one.lines[0] == line, here[one.id], one.lines[0] == "wod"))
    living = [one for one in cast if one.chronicle.id == chronicle.id and one.draft.status == "App"]
    [city, *_] = rows.ids("locations_city", chronicle_id=chronicle.id)
    return Home(chronicle, city, tuple(sorted(living, key=lambda one: one.line != line)))
