"""The clean data of the demo: who comes after whom."""

from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Final

from . import groups, people, places, play, purchases, rarities, reference, rulings, spending, system, templates, things
from . import line_by_line as listed
from .characters import Character, Kind, Namer, add_character, draft, weighted
from .game_lines import mage, vampire, werewolf
from .game_lines.mortal import Mortals
from .handmade import making
from .rows import Rows, read_tables

if TYPE_CHECKING:
    from psycopg import Connection

SEED: Final = 20
_CHARACTERS_EACH: Final = 270

# Share of each kind in a chronicle of the line, per cent; the rest are plain humans.
_SHARES: Final = {
    "wod": {
        "vampire": 20,
        "werewolf": 20,
        "mage": 20,
        "vtmhuman": 8,
        "wtahuman": 8,
        "mtahuman": 8,
        "ghoul": 4,
        "kinfolk": 4,
    },
    "vtm": {"vampire": 65, "ghoul": 10, "vtmhuman": 15},
    "wta": {"werewolf": 65, "kinfolk": 10, "wtahuman": 15},
    "mta": {"mage": 68, "mtahuman": 20},
}


def fill(connection: "Connection", seed: int = SEED) -> None:
    """Write the clean data into freshly created tables. The same seed gives the same rows."""
    rows = Rows(read_tables(connection))
    populate(rows, Random(seed))
    rows.copy_to(connection)


def populate(rows: Rows, chance: Random) -> None:
    """Add everything, area by area."""
    system.populate(rows)
    folk = people.populate(rows, chance)
    catalogue = reference.populate(rows)
    vampires = vampire.add_line(rows, catalogue)
    werewolves = werewolf.add_line(rows, catalogue)
    mages = mage.add_line(rows, catalogue)
    mortals = {line: Mortals(f"characters_{line}human", line, catalogue) for line in ("vtm", "wta", "mta")}
    kinds: dict[str, Kind] = {"vampire": vampires, "werewolf": werewolves, "mage": mages}
    kinds |= {"ghoul": vampire.Ghouls(catalogue), "kinfolk": werewolf.Kinfolk(catalogue, werewolves.tribes)}
    kinds |= {f"{line}human": kind for line, kind in mortals.items()}
    kinds["human"] = Mortals("characters_human", "wod", catalogue)
    cast = _cast(rows, chance, folk, catalogue, kinds)
    undead = [one for one in cast if one.table == vampires.table]
    vampire.name_sires(rows, chance, undead)
    vampire.name_domitors(rows, chance, [one for one in cast if one.table == "characters_ghoul"], undead)
    groups.populate(rows, chance, cast, catalogue, werewolves.totems)
    sites = places.populate(rows, chance, cast, folk, mages)
    things.populate(rows, chance, cast, folk, mages)
    templates.populate(rows, chance, cast, catalogue.references)
    earned = play.populate(rows, chance, folk, cast, sites)
    spending.populate(rows, chance, cast, earned)
    others = listed.populate(rows, Random(SEED), folk.chronicles, catalogue)
    spending.populate(rows, Random(SEED), others, {})
    making.populate(rows, folk, (*cast, *others), mages)
    rulings.populate(rows, folk, catalogue)
    rarities.populate(rows, folk, cast)
    purchases.populate(rows, chance, (*cast, *others))


def _cast(
    rows: Rows, chance: Random, folk: people.People, catalogue: reference.Catalogue, kinds: Mapping[str, Kind]
) -> tuple[Character, ...]:
    namer = Namer(chance)
    cast = []
    for chronicle in folk.chronicles:
        shares = _SHARES[chronicle.lines[0]]
        weights = shares | {"human": 100 - sum(shares.values())}
        for _ in range(_CHARACTERS_EACH):
            kind = kinds[weighted(chance, weights)]
            chosen = draft(chance, chronicle)
            cast.append(add_character(rows, chance, kind, chosen, catalogue, namer.name()))
    return tuple(cast)
