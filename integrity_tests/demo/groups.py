"""Packs, coteries and cabals: members, leaders, pooled backgrounds."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from .characters import Character
from .people import Chronicle
from .reference import Catalogue
from .rows import Rows
from .vocabulary.mage import CABALS
from .vocabulary.vampire import COTERIES
from .vocabulary.werewolf import PACKS

_GROUPS: Final = {
    "characters_vampire": ("characters_coterie", COTERIES),
    "characters_werewolf": ("characters_pack", PACKS),
    "characters_mage": ("characters_cabal", CABALS),
}
_POOLED_BY_AT_MOST: Final = 3


def populate(
    rows: Rows, chance: Random, cast: Sequence[Character], catalogue: Catalogue, totems: Sequence[int]
) -> None:
    """Form a few groups in every chronicle; nobody is in two."""
    for table, members in _crowds(cast):
        group_table, names = _GROUPS[table]
        chronicle = members[0].chronicle
        for name in chance.sample(names, min(3, len(members) // 6)):
            chosen = [members.pop() for _ in range(chance.randint(3, 5))]
            extra = {"totem_id": chance.choice(totems)} if group_table == "characters_pack" else {}
            _add_group(rows, chance, group_table, f"{name} ({chronicle.name})", chosen, catalogue, extra)


def _crowds(cast: Sequence[Character]) -> Iterator[tuple[str, list[Character]]]:
    """Approved characters that may join a group, by chronicle and class."""
    crowds: dict[tuple[Chronicle, str], list[Character]] = {}
    for one in cast:
        if one.draft.status == "App" and one.table in _GROUPS:
            crowds.setdefault((one.chronicle, one.table), []).append(one)
    return ((table, members) for (_, table), members in crowds.items())


def _add_group(
    rows: Rows,
    chance: Random,
    table: str,
    name: str,
    members: Sequence[Character],
    catalogue: Catalogue,
    extra: dict[str, int],
) -> None:
    chronicle = members[0].chronicle
    standing = {"chronicle_id": chronicle.id, "owner_id": chronicle.storytellers[0], "status": "App"}
    group = rows.add(table, name=name, leader_id=members[0].id, **standing, **extra)
    for member in members:
        rows.link("characters_group_members", group, member.id)
    _pool(rows, chance, group, members[:_POOLED_BY_AT_MOST], catalogue)


def _pool(rows: Rows, chance: Random, group: int, members: Sequence[Character], catalogue: Catalogue) -> None:
    """Let members share a background: the group's rating is the sum of theirs."""
    shared = {"bg_id": catalogue.backgrounds[chance.choice(catalogue.poolable)], "note": "shared"}
    total = 0
    for member in members:
        rating = chance.randint(1, 3)
        total += rating
        rows.add("characters_backgroundrating", char_id=member.id, rating=rating, pooled=True, **shared)
    rows.add("characters_pooledbackgroundrating", group_id=group, rating=total, **shared)
