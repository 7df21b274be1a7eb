"""The vampire line: clans, sects, titles, paths, and vampires with their sires."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Final

from ..characters import Character, Draft, extra_abilities, spread
from ..reference import PUBLISHED, Catalogue, title
from ..rows import Rows
from ..vocabulary.vampire import BLOOD, CLANS, DISCIPLINES, PATHS, SECTS, TITLES

_GENERATIONS: Final = {5: 1, 6: 2, 7: 3, 8: 6, 9: 10, 10: 16, 11: 20, 12: 20, 13: 22}
_OLDEST: Final = {5: 480, 6: 420, 7: 380, 8: 320, 9: 240, 10: 180, 11: 140, 12: 110, 13: 90}
_YOUNGEST_ELDER: Final = 8
_UGLY: Final = "Nosferatu"


@dataclass(frozen=True, slots=True)
class Clan:
    """A clan or bloodline: what its members usually are and can do."""

    id: int
    sect: str
    disciplines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """A path of enlightenment and the virtues it asks for."""

    id: int
    conviction: bool
    instinct: bool


@dataclass(frozen=True, slots=True)
class Vampires:
    """Vampires, and the ids they refer to."""

    table: ClassVar[str] = "characters_vampire"
    line: ClassVar[str] = "vtm"

    catalogue: Catalogue
    clans: Mapping[str, Clan]
    sects: Mapping[str, int]
    titles: Mapping[int, tuple[int, ...]]
    paths: tuple[Path, ...]

    def traits(self, chance: Random, draft: Draft) -> dict[str, object]:
        """Generation, blood, disciplines, virtues and a longer life."""
        generation = (
            chance.choices(list(_GENERATIONS), list(_GENERATIONS.values()))[0] if draft.npc else chance.randint(8, 13)
        )
        name = chance.choice(list(self.clans))
        clan = self.clans[name]
        traits = _blood(chance, generation) | _virtues(chance) | self._powers(chance, generation, clan)
        if name == _UGLY:
            traits["appearance"] = 1
        if clan.sect == "Sabbat" and chance.random() < 0.5:
            traits |= _on_path(chance, chance.choice(self.paths))
        return traits | extra_abilities(chance, self.catalogue, "characters_vtmhuman") | _age(chance, generation)

    def finish(self, rows: Rows, chance: Random, character: Character) -> None:
        """Add a title of the vampire's own sect."""
        offered = self.titles.get(character.dots("sect_id"), ())
        if offered and character.draft.finished and chance.random() < 0.1:
            rows.link("characters_vampire_titles", character.id, chance.choice(offered))

    def _powers(self, chance: Random, generation: int, clan: Clan) -> dict[str, object]:
        most = 5 if generation >= _YOUNGEST_ELDER else 13 - generation
        dots = chance.randint(3, 6) + 2 * max(0, 13 - generation)
        return {"clan_id": clan.id, "sect_id": self.sects[clan.sect], **spread(chance, clan.disciplines, dots, most)}


@dataclass(frozen=True, slots=True)
class Ghouls:
    """Mortals fed on the blood of vampires."""

    table: ClassVar[str] = "characters_ghoul"
    line: ClassVar[str] = "vtm"

    catalogue: Catalogue

    def traits(self, chance: Random, draft: Draft) -> dict[str, object]:
        """A little blood, a little potence; without a domitor until one is named."""
        del draft
        powers = {"potence": chance.randint(1, 2), "fortitude": chance.randint(0, 1), "is_independent": True}
        virtues = {word: chance.randint(1, 5) for word in ("conscience", "self_control", "courage")}
        blood = {"blood_pool": chance.randint(0, 10), "years_as_ghoul": chance.randint(1, 60)}
        return powers | virtues | blood | extra_abilities(chance, self.catalogue, "characters_vtmhuman")

    def finish(self, rows: Rows, chance: Random, character: Character) -> None:
        """Nothing hangs on a ghoul."""


def _blood(chance: Random, generation: int) -> dict[str, object]:
    greatest, per_turn = BLOOD[generation]
    return {
        "generation_rating": generation,
        "max_blood_pool": greatest,
        "blood_per_turn": per_turn,
        "blood_pool": chance.randint(1, greatest),
    }


def _virtues(chance: Random) -> dict[str, object]:
    conscience, self_control, courage = (chance.randint(2, 5) for _ in range(3))
    humanity = conscience + self_control
    return {"conscience": conscience, "self_control": self_control, "courage": courage, "humanity": humanity}


def _on_path(chance: Random, path: Path) -> dict[str, object]:
    """Replace the virtues that the path drops, as the application does on save."""
    dropped: dict[str, object] = {}
    if path.conviction:
        dropped |= {"has_conviction": True, "conscience": 0, "conviction": chance.randint(1, 4)}
    if path.instinct:
        dropped |= {"has_instinct": True, "self_control": 0, "instinct": chance.randint(1, 4)}
    return dropped | {"path_id": path.id, "path_rating": chance.randint(4, 8)}


def _age(chance: Random, generation: int) -> dict[str, object]:
    age = chance.randint(_OLDEST[generation] // 2, _OLDEST[generation])
    return {"age": age, "apparent_age": chance.randint(18, 60), "date_of_birth": None}


def add_line(rows: Rows, catalogue: Catalogue) -> Vampires:
    """Add the reference objects of the line."""
    disciplines = {word: _add_discipline(rows, word) for word in DISCIPLINES}
    sects = {name: rows.add("characters_vampiresect", name=name, **PUBLISHED) for name in SECTS}
    titles: dict[int, tuple[int, ...]] = {}
    for name, sect, value in TITLES:
        values = {"name": name, "sect_id": sects[sect], "value": value}
        titles[sects[sect]] = (*titles.get(sects[sect], ()), rows.add("characters_vampiretitle", **values, **PUBLISHED))
    clans: dict[str, Clan] = {}
    for clan in CLANS:
        clans[clan[0]] = _add_clan(rows, disciplines, clans, *clan)
    return Vampires(catalogue, clans, sects, titles, tuple(_add_path(rows, *path) for path in PATHS))


def _add_discipline(rows: Rows, word: str) -> int:
    return rows.add("characters_discipline", name=title(word), property_name=word)


def _add_clan(
    rows: Rows,
    disciplines: Mapping[str, int],
    earlier: Mapping[str, Clan],
    name: str,
    nickname: str,
    sect: str,
    words: str,
    parent: str | None,
) -> Clan:
    lineage = {"is_bloodline": parent is not None, "parent_clan_id": earlier[parent].id if parent else None}
    clan = rows.add("characters_vampireclan", name=name, nickname=nickname, **lineage, **PUBLISHED)
    for word in words.split():
        rows.link("characters_vampireclan_disciplines", clan, disciplines[word])
    return Clan(clan, sect, tuple(words.split()))


def _add_path(rows: Rows, name: str, conviction: bool, instinct: bool) -> Path:
    demands = {"requires_conviction": conviction, "requires_instinct": instinct}
    return Path(rows.add("characters_path", name=name, **demands, **PUBLISHED), conviction, instinct)


def name_sires(rows: Rows, chance: Random, vampires: Sequence[Character]) -> None:
    """Give vampires a sire of their clan and chronicle, one generation closer to the first."""
    elders: dict[tuple[object, ...], list[int]] = {}
    for vampire in vampires:
        elders.setdefault((vampire.chronicle.id, *_blood_line(vampire)), []).append(vampire.id)
    for vampire in vampires:
        clan, generation = _blood_line(vampire)
        sires = elders.get((vampire.chronicle.id, clan, generation - 1), [])
        if sires:
            rows.change("characters_vampire", vampire.id, sire_id=chance.choice(sires))


def name_domitors(rows: Rows, chance: Random, ghouls: Sequence[Character], vampires: Sequence[Character]) -> None:
    """Give most ghouls a vampire of their chronicle to serve."""
    for ghoul in ghouls:
        masters = [vampire.id for vampire in vampires if vampire.chronicle.id == ghoul.chronicle.id]
        if masters and chance.random() < 0.8:
            rows.change(ghoul.table, ghoul.id, is_independent=False, domitor_id=chance.choice(masters))


def _blood_line(vampire: Character) -> tuple[int, int]:
    return vampire.dots("clan_id"), vampire.dots("generation_rating")
