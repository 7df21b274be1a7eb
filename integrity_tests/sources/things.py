"""What the rules about items and places look at, labelled with the name that stands on the row of the root."""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity import Source

from ..words.classes import CLASSES
from .characters import described, joined


def thing(table: str) -> Source:
    """Name what one class adds to its items or places, such as `items_vessel`."""
    return joined(table, table, f"{table}.{CLASSES[table].key}", root=CLASSES[table].root.table)


def item(name: str, from_clause: str, key: str) -> Source:
    """Name a join about items."""
    return joined(name, from_clause, key, root="items_itemmodel")


def place(name: str, from_clause: str, key: str) -> Source:
    """Name a join about places."""
    return joined(name, from_clause, key, root="locations_locationmodel")


ANY_ITEM: Final = item("{table}", "{table}", "{table}.{key}")
"""What the class with the table `table` adds to its items."""

ANY_PLACE: Final = place("{table}", "{table}", "{table}.{key}")
"""What the class with the table `table` adds to its places."""

PLACES: Final = described("locations", "locations_locationmodel")
"""PreparedSources of every kind: to whom they belong, in what they lie, and what parts them from other worlds."""

SPIRIT_WONDERS: Final = item(
    "wonders that are {table}",
    "items_wonder AS wonder JOIN {table} AS made ON made.wonder_ptr_id = wonder.itemmodel_ptr_id",
    "wonder.itemmodel_ptr_id",
)
"""Fetishes and talens with what all wonders have."""

TALISMANS: Final = item(
    "talismans",
    "items_talisman AS talisman JOIN items_wonder AS wonder ON wonder.itemmodel_ptr_id = talisman.wonder_ptr_id",
    "talisman.wonder_ptr_id",
)
"""Talismans with their rank."""

POSSESSIONS: Final = Source(
    "items of characters",
    "items_itemmodel_owned_by AS held"
    " JOIN items_itemmodel AS item ON item.id = held.itemmodel_id"
    " JOIN characters_charactermodel AS cm ON cm.id = held.charactermodel_id",
    key="held.id",
    label="item.name",
    scopes={"status": "cm.status", "chronicle": "item.chronicle_id"},
)
"""Which item belongs to which character."""

HOMES: Final = Source(
    "locations of characters",
    "locations_locationmodel AS place JOIN characters_charactermodel AS cm ON cm.id = place.owned_by_id",
    key="place.id",
    label="place.name",
    scopes={"status": "cm.status", "chronicle": "place.chronicle_id"},
)
"""Which place belongs to which character."""

CAERNS: Final = described(
    "caerns",
    "locations_caern AS caern JOIN locations_locationmodel AS place ON place.id = caern.locationmodel_ptr_id",
    key="place.id",
    by="place",
)
"""Caerns with the Gauntlet around them."""

INTEGRATED: Final = Source(
    "effects of chantries",
    "locations_chantry_integrated_effects AS woven JOIN characters_effect AS effect ON effect.id = woven.effect_id",
    key="woven.id",
    label="effect.name",
)
"""The effects that are woven into the walls of chantries."""

CHANTRY_BACKGROUNDS: Final = Source(
    "backgrounds of chantries",
    "locations_chantrybackgroundrating AS held JOIN characters_statistic AS background ON background.id = held.bg_id",
    key="held.id",
    label="background.name",
)
"""What the members of a chantry have in common."""

SELF_LINKS: Final = Source("links of {table}", "{table}", key="id")
"""Pairs of places."""

TEMPLATES: Final = described("templates", "core_charactertemplate")
"""Ready-made characters that a player can begin with."""

STATISTICS: Final = Source("statistics", "characters_statistic", key="id", label="name")
"""Attributes, abilities, backgrounds, Disciplines and Spheres as the pages list them."""

TYPED_STATISTICS: Final = Source(
    "statistics that are {table}",
    "{table} AS typed JOIN characters_statistic AS statistic ON statistic.id = typed.statistic_ptr_id",
    key="statistic.id",
    label="statistic.name",
)
"""Statistics of one type."""

BACKGROUNDS_LISTED: Final = Source(
    "backgrounds that can be had",
    "characters_background AS listed JOIN characters_statistic AS background ON background.id = listed.statistic_ptr_id",
    key="background.id",
    label="background.name",
)
"""Backgrounds as the pages list them."""

COLUMN_STATISTICS: Final = Source(
    "statistics that are columns",
    "characters_statistic AS statistic JOIN django_content_type AS type ON type.id = statistic.polymorphic_ctype_id"
    " AND type.app_label = 'characters' AND type.model IN ('attribute', 'ability', 'sphere', 'discipline')",
    key="statistic.id",
    label="statistic.name",
)
"""Those statistics that a sheet holds in a column."""


def _columns(name: str, tables: str) -> Source:
    """Name the columns of tables; the catalog shows them to everybody, information_schema only to who may read them."""
    return Source(
        name,
        "pg_catalog.pg_attribute AS known JOIN pg_catalog.pg_class AS sheet ON sheet.oid = known.attrelid"
        f" AND known.attnum > 0 AND NOT known.attisdropped AND sheet.relname {tables} AND sheet.relkind IN ('r', 'p')"
        " AND pg_catalog.pg_table_is_visible(sheet.oid)",
        key=["sheet.oid", "known.attnum"],
        label="sheet.relname || '.' || known.attname",
    )


SHEET_COLUMNS: Final = _columns("columns of sheets", r"LIKE 'characters\_%'")
"""Where a trait of a character can stand."""

DEMON_COLUMNS: Final = _columns("columns of demons", "= 'characters_demon'")
"""Where a Lore of a demon can stand."""

OFFERS: Final = Source(
    "ratings in {link}",
    "{link} AS offer JOIN core_number AS number ON number.id = offer.number_id",
    key="offer.id",
)
"""How many points merits, flaws and advantages may cost."""

SPELLINGS: Final = Source(
    "names in {table}",
    "(SELECT min(id) AS id, name FROM {table} GROUP BY name) AS spelling",
    key="spelling.id",
    label="spelling.name",
)
"""Each name once, with the first that bears it."""

TYPED_SPELLINGS: Final = Source(
    "names of statistics that are {table}",
    "(SELECT min(statistic.id) AS id, statistic.name FROM {table} AS typed"
    " JOIN characters_statistic AS statistic ON statistic.id = typed.statistic_ptr_id"
    " GROUP BY statistic.name) AS spelling",
    key="spelling.id",
    label="spelling.name",
)
"""The same of the statistics of one type."""
