"""What several rules look at: named tables and joins, with a key, a label that a storyteller recognises, and scopes.

The values of a character are spread over tables with equal ids: status, owner and name stand on the base row, XP and
concept on the character row, attributes on the human row. A rule that needs one of these tables reads only that one; name
and scope are looked up for the rows that are shown or asked for (``--scope status=App``, ``--scope chronicle=3``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_tgintegrity import Source

from .vocabulary import CLASSES

BASES: Final = Source(
    "base rows of characters",
    "characters_charactermodel",
    key="id",
    label="name",
    scopes={"status": "status", "chronicle": "chronicle_id"},
)
"""Name, status and owner of every character, also of those that lack their further rows."""


def joined(name: str, from_clause: str, key: str | Sequence[str], character: str | None = None) -> Source:
    """Name a join about characters, whose label and scopes are those of `character`, an id (by default the key)."""

    def of_base(column: str) -> str:
        return f"(SELECT base.{column} FROM characters_charactermodel AS base WHERE base.id = {character or key})"

    scopes = {"status": of_base("status"), "chronicle": of_base("chronicle_id")}
    return Source(name, from_clause, key, of_base("name"), scopes)


def _extension(name: str, table: str, key: str) -> Source:
    """Name a table that extends `characters_charactermodel`; its alias is its own name."""
    return joined(name, table, f"{table}.{key}")


SHEETS: Final = _extension("character sheets", "characters_character", "charactermodel_ptr_id")
"""Concept and XP of every character."""

HUMANS: Final = _extension("humans", "characters_human", "character_ptr_id")
"""Attributes, abilities, Willpower and age of every character with a human sheet, of any game line."""


def part(table: str) -> Source:
    """Name what one class adds to the sheets of its characters, such as `characters_ghoul`."""
    return _extension(table, table, CLASSES[table].key)


ANY_PART: Final = _extension("{table}", "{table}", "{key}")
"""What the class with the table `table` adds to the sheets of its characters."""

VAMPIRES: Final = _extension("vampires", "characters_vampire", "vtmhuman_ptr_id")
"""Generation, blood and Disciplines of every vampire."""

MAGES: Final = _extension("mages", "characters_mage", "mtahuman_ptr_id")
"""Arete and Spheres of every mage."""

WEREWOLVES: Final = _extension("werewolves", "characters_werewolf", "wtahuman_ptr_id")
"""Rank, renown, Rage and Gnosis of every werewolf."""

WRAITHS: Final = _extension("wraiths", "characters_wraith", "wtohuman_ptr_id")
"""Arcanoi, Pathos and Angst of every wraith."""

CHANGELINGS: Final = _extension("changelings", "characters_changeling", "ctdhuman_ptr_id")
"""Arts, Realms, Glamour and Banality of every changeling."""

MUMMIES: Final = _extension("mummies", "characters_mummy", "mtrhuman_ptr_id")
"""Hekau, Balance, Ba and Ka of every mummy."""

HUNTERS: Final = _extension("hunters", "characters_hunter", "htrhuman_ptr_id")
"""Virtues and edges of every hunter."""

CHARACTERS: Final = Source(
    "characters",
    "characters_charactermodel AS cm JOIN characters_character AS ch ON ch.charactermodel_ptr_id = cm.id",
    key="cm.id",
    label="cm.name",
    scopes={"status": "cm.status", "chronicle": "cm.chronicle_id"},
)
"""What stands on the base row and on the sheet of every character: status beside concept and XP."""

CAST: Final = Source(
    "characters in scenes",
    "game_scene_characters AS part"
    " JOIN characters_charactermodel AS cm ON cm.id = part.charactermodel_id"
    " JOIN game_scene AS scene ON scene.id = part.scene_id",
    key="part.id",
    label="cm.name",
    scopes={"status": "cm.status", "chronicle": "cm.chronicle_id"},
)
"""Who takes part in which scene."""

MEMBERS: Final = Source(
    "members of groups",
    "characters_group_members AS member JOIN characters_charactermodel AS cm ON cm.id = member.character_id",
    key="member.id",
    label="cm.name",
    scopes={"status": "cm.status", "chronicle": "cm.chronicle_id"},
)
"""Who belongs to which group."""

LEADERS: Final = Source(
    "groups with a leader",
    "characters_group AS led JOIN characters_charactermodel AS cm ON cm.id = led.leader_id",
    key="led.id",
    label="led.name",
    scopes={"status": "cm.status", "chronicle": "led.chronicle_id"},
)
"""Who leads which group; the status is that of the leader."""

STORYTELLERS: Final = Source(
    "storytellers",
    "game_strelationship AS st",
    key="st.id",
    label="(SELECT username FROM auth_user WHERE auth_user.id = st.user_id)",
    scopes={"chronicle": "st.chronicle_id"},
)
"""Who tells which chronicle for which game line."""

USERS: Final = Source("users", "auth_user", key="id", label="username")
"""Accounts, labelled with the name that they log in with."""

OBSERVERS: Final = Source(
    "observers",
    "core_observer AS seen LEFT JOIN django_content_type AS type ON type.id = seen.content_type_id",
    key="seen.id",
    label="(SELECT username FROM auth_user WHERE auth_user.id = seen.user_id)",
)
"""Who may see which object beyond its owner; the object is a content type and a number."""

PERMISSIONS: Final = Source(
    "default permissions",
    "django_content_type AS type CROSS JOIN (VALUES ('add'), ('change'), ('delete'), ('view')) AS action(name)",
    key=["type.id", "action.name"],
    label="type.app_label || '.' || type.model",
)
"""What may be done with the objects of each class."""


def ascending(name: str, table: str, key: str, up: str, label: str | None) -> Source:
    """Name a table whose rows refer to each other by `up`; `anchored.id` is NULL where no end is reached by going up.

    It is filled from the top down, each row once: going up from each row would take a time that grows with the depth.
    """
    anchored = f"""
        WITH RECURSIVE reached(id) AS (
            SELECT {key} FROM {table} WHERE {up} IS NULL
            UNION ALL SELECT below.{key} FROM reached JOIN {table} AS below ON below.{up} = reached.id
        ) SELECT id FROM reached
    """
    return Source(
        name, f"{table} LEFT JOIN ({anchored}) AS anchored ON anchored.id = {table}.{key}", f"{table}.{key}", label
    )


TAGGED: Final = Source(
    "objects tagged {table}",
    "(SELECT * FROM {root} WHERE polymorphic_ctype_id = ("
    "SELECT type.id FROM django_content_type AS type WHERE type.app_label || '_' || type.model = %(table)s)) AS tagged"
    " LEFT JOIN {table} ON {table}.{key} = tagged.id",
    key="tagged.id",
    label="tagged.name",
)
"""The objects whose type tag names one class, `table`, and the row of that class where they have one."""

CLASS_ROWS: Final = Source(
    "rows of {table}",
    "{table} JOIN {root} ON {root}.id = {table}.{key}",
    key="{table}.{key}",
    label="{root}.name",
)
"""The rows of one class, `table`, and the row of its root, which says what the object is."""
