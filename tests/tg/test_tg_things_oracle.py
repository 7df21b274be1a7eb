"""The rules of items, places and reference data agree with the plain SQL of the invariants, on a demo with every damage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg
import pytest

from tg import DECLARED, Connection, Judged, change, demo_with, judged, keys_by_plain_sql, needs_csvs, some

ITEM: Final = "itemmodel_ptr_id"
WONDER: Final = "wonder_ptr_id"
PLACE: Final = "locationmodel_ptr_id"


def unlink(name: str) -> str:
    return f"DELETE FROM {name} WHERE id = {some(name, 'id')}"


def twice(name: str, columns: str) -> str:
    """Copy one row, but for its number."""
    return f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {name} ORDER BY id LIMIT 1"


def same(name: str, column: str, listed: str = "", offset: int = 1, to: str = "") -> str:
    """Write what one row holds to another one too, or to something like it."""
    of = f"id IN (SELECT statistic_ptr_id FROM {listed})" if listed else "true"
    value = f"(SELECT {column} FROM {name} WHERE id = {some(name, 'id', of)})"
    return change(name, "id", f"{column} = {to.format(value) if to else value}", of, offset)


STRANGER: Final = "(SELECT max(id) FROM characters_charactermodel AS other WHERE other.chronicle_id <> {})"
SPELT: Final = "upper({}) || ' '"
NAMED: Final = "meritflaw practice tenet gift rite lore advantage spiritcharm linearmagicpath linearmagicritual".split()
TYPED: Final = "ability attribute background discipline sphere".split()

# For each invariant what breaks it; the rows that this also breaks otherwise are compared too.
DAMAGE: Final[Mapping[str, tuple[str, ...]]] = {
    "ITM-1": (
        *(
            change("items_wonder", ITEM, "background_cost = rank + 1", f"{ITEM} IN (SELECT {WONDER} FROM items_{kind})")
            for kind in ("fetish", "talen")
        ),
        *(change(f"items_{kind}", ITEM, "background_cost = rank + 1") for kind in ("mummyrelic", "vessel")),
        *(change(f"items_wraith{kind}", ITEM, "background_cost = level - 1") for kind in ("artifact", "relic")),
    ),
    "ITM-2": (
        change("items_vessel", ITEM, "max_ba = max_ba + 10, current_ba = max_ba + 11"),
        change("items_ushabti", ITEM, "ba_to_animate = rank + 1, ba_per_day = rank - 1"),
    ),
    "ITM-3": (change("items_vessel", ITEM, "is_attuned = NOT is_attuned"),),
    "ITM-4": (
        change("items_periapt", WONDER, "current_charges = max_charges + 1"),
        change("items_bloodstone", ITEM, "blood_stored = -1"),
    ),
    "ITM-5": (unlink("items_talisman_powers"),),
    "ITM-6": (
        change(
            "items_itemmodel_owned_by",
            "id",
            f"charactermodel_id = {STRANGER.format('(SELECT chronicle_id FROM items_itemmodel WHERE id = itemmodel_id)')}",
            "itemmodel_id IN (SELECT id FROM items_itemmodel WHERE chronicle_id IS NOT NULL)",
        ),
    ),
    "LOC-1": (
        change("locations_locationmodel", "id", "gauntlet = 11"),
        change("locations_locationmodel", "id", "shroud = -1, dimension_barrier = 12, creation_status = -1", offset=1),
    ),
    "LOC-3": tuple(
        change(f"locations_{kind}", PLACE, "total_rating = total_rating + 1")
        for kind in ("haven", "domain", "tremerechantry", "huntingground", "safehouse")
    ),
    "LOC-4": (
        change("locations_tomb", PLACE, "rank = 9, duat_barrier = 9"),
        change("locations_tomb", PLACE, "size = 5, security = 5, sanctity = 5", offset=1),
    ),
    "LOC-5": (change("locations_caern", PLACE, "rank = CASE WHEN rank < 3 THEN 5 ELSE 1 END"),),
    "LOC-6": (change("locations_horizonrealm", PLACE, "build_points = 199, base_maintenance = 99"),),
    "LOC-7": (change("locations_horizonrealm", PLACE, "people = 5, ephemera = 5, guardians = 10, size = 6", offset=1),),
    "LOC-8": (
        change("locations_haunt", PLACE, "shroud_rating = shroud_rating + 1"),
        change("locations_haunt", PLACE, "rank = 6", offset=1),
    ),
    "LOC-9": (
        change("locations_node", PLACE, "points = points + 1"),
        f"DELETE FROM locations_noderesonancerating WHERE node_id = {some('locations_node', PLACE, offset=1)}",
    ),
    "LOC-10": (unlink("locations_library_books"),),
    "LOC-11": (
        change("locations_chantry", PLACE, "integrated_effects_score = 11"),
        change(
            "locations_chantry",
            PLACE,
            "integrated_effects_score = 0",
            f"{PLACE} IN (SELECT chantry_id FROM locations_chantry_integrated_effects)",
            offset=1,
        ),
    ),
    "LOC-12": (
        change(
            "locations_chantry",
            PLACE,
            "total_points = 1",
            f"{PLACE} IN (SELECT chantry_id FROM locations_chantrybackgroundrating)",
            offset=2,
        ),
    ),
    "LOC-13": (
        change("locations_paradoxobstacle", "id", "obstacle_number = 11"),
        change("locations_paradoxrealm", "horizonrealm_ptr_id", "num_random_obstacles = num_random_obstacles + 1"),
        change("locations_paradoxobstacle", "id", '"order" = 1', limit=2),
    ),
    "LOC-14": (
        change(
            "locations_locationmodel",
            "id",
            f"owned_by_id = {STRANGER.format('locations_locationmodel.chronicle_id')}",
            "chronicle_id IS NOT NULL AND owned_by_id IS NOT NULL",
        ),
    ),
    "LOC-15": (
        change("locations_sector_connected_sectors", "id", "to_sector_id = from_sector_id"),
        change("locations_locationmodel_contained_within", "id", "to_locationmodel_id = from_locationmodel_id"),
    ),
    "REF-1": (change("characters_statistic", "id", "property_name = ' '"),),
    "REF-2": (change("characters_statistic", "id", "property_name = 'nowhere'", offset=1),),
    "REF-3": (change("characters_lore", "id", "property_name = 'violation'"),),
    "REF-4": (
        *(same(f"characters_{one}", "name") for one in NAMED),
        *(same("characters_statistic", "name", f"characters_{one}") for one in TYPED),
    ),
    "REF-5": (
        twice("core_language", "name, frequency"),
        twice("core_number", "value"),
        same("characters_resonance", "name"),
        twice("core_book", "name, url, edition, gameline, storytellers_vault"),
        twice("core_bookreference", "book_id, page"),
        change(
            "characters_specialty",
            "id",
            "(name, stat) = (SELECT name, stat FROM characters_specialty ORDER BY id LIMIT 1)",
            offset=1,
        ),
        twice("characters_giftpermission", "shifter, condition"),
        twice("game_objecttype", "name, type, gameline"),
        twice("game_settingelement", "name, description, gameline"),
        same("characters_statistic", "property_name", "characters_background"),
    ),
    "REF-6": (
        change("characters_meritflaw", "id", "min_rating = min_rating - 1"),
        change("characters_advantage", "id", "max_rating = max_rating + 1"),
    ),
    "REF-7": (change("game_gameline", "id", "name = 'Orpheus'", offset=1),),
    "REF-8": (
        change("game_objecttype", "id", "type = '', gameline = ''"),
        change("game_objecttype", "id", "name = ' '", offset=1),
    ),
    "REF-9": (
        change("core_bookreference", "id", "book_id = NULL", offset=1),
        change("core_bookreference", "id", "page = -1", offset=2),
    ),
    "REF-10": (change("characters_vampireclan", "id", "is_bloodline = true, parent_clan_id = NULL"),),
    "REF-11": (unlink("game_chronicle_common_knowledge_elements"),),
    "REF-12": (
        *(same(f"characters_{one}", "name", offset=2, to=SPELT) for one in NAMED),
        *(same("characters_statistic", "name", f"characters_{one}", offset=2, to=SPELT) for one in TYPED),
    ),
    "TPL-1": (change("core_charactertemplate", "id", "times_used = -1"),),
    "TPL-2": (
        change("core_charactertemplate", "id", "gameline = 'htr'", offset=1),
        change("core_charactertemplate", "id", "character_type = ''", offset=2),
    ),
}

# Where the rule names the row that is wrong, and the plain SQL only whose it is.
OWNER: Final[Mapping[str, str]] = {
    "test_item_is_owned_within_its_chronicle": "SELECT itemmodel_id FROM items_itemmodel_owned_by WHERE id = %s",
    "test_obstacles_of_paradox_realm_have_an_order": "SELECT realm_id FROM locations_paradoxobstacle WHERE id = %s",
    "test_paradox_is_numbered_as_in_the_book": "SELECT realm_id FROM locations_paradoxobstacle WHERE id = %s",
}

# The plain SQL names the kind of row first.
SECOND: Final = ("LOC-15", "REF-4", "REF-5", "REF-6", "REF-12")

# The plain SQL names what several rows share.
SHARED: Final = ("REF-4", "REF-5", "REF-12")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with demo_with(DAMAGE, enforced=False) as url:
        yield url


@pytest.fixture(scope="module")
def found(url: str, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    report = tmp_path_factory.mktemp("things") / "report.json"
    return judged(report, f"--db-url={url}", "-m", " or ".join(DAMAGE), "--samples=10000", "--tb=no")


@pytest.fixture(scope="module")
def connection(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True) as connected:
        yield connected


def named(connection: Connection, one: str, test: str, sample: Mapping[str, Any]) -> str:
    """A row as the plain SQL names it."""
    if one in SHARED:
        return "/".join(map(str, sample["values"].values()))
    owner = connection.execute(OWNER[test].encode(), [sample["key"]]).fetchone() if test in OWNER else None
    return str(owner[0] if owner else sample["key"])


@needs_csvs
@pytest.mark.parametrize("one", DAMAGE)
def test_rules_agree_with_the_invariant(one: str, found: Judged, connection: Connection) -> None:
    seen = [
        (name.partition("[")[0], sample)
        for name, judgement in found.items()
        if one in judgement["tags"]
        for sample in judgement["samples"]
    ]

    assert {named(connection, one, test, sample) for test, sample in seen} == keys_by_plain_sql(
        connection, one, int(one in SECOND)
    )
    assert {test for test, _ in seen} == {name for name, _, rule in DECLARED if one in rule.tags}
