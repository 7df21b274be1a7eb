"""What several rules look at: named tables and joins, with a key, a label that a storyteller recognises, and scopes.

The values of a character are spread over tables with equal ids: status, owner and name stand on the base row, XP and
concept on the character row, attributes on the human row. A rule that needs one of these tables reads only that one; name
and scope are looked up for the rows that are shown or asked for (``--scope status=App``, ``--scope chronicle=3``).
"""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity import Source

BASES: Final = Source(
    "base rows of characters",
    "characters_charactermodel",
    key="id",
    label="name",
    scopes={"status": "status", "chronicle": "chronicle_id"},
)
"""Name, status and owner of every character, also of those that lack their further rows."""


def _extension(name: str, table: str, key: str) -> Source:
    """Name a table that extends `characters_charactermodel`; its alias is its own name."""

    def of_base(column: str) -> str:
        return f"(SELECT base.{column} FROM characters_charactermodel AS base WHERE base.id = {table}.{key})"

    return Source(
        name,
        table,
        key=f"{table}.{key}",
        label=of_base("name"),
        scopes={"status": of_base("status"), "chronicle": of_base("chronicle_id")},
    )


SHEETS: Final = _extension("character sheets", "characters_character", "charactermodel_ptr_id")
"""Concept and XP of every character."""

HUMANS: Final = _extension("humans", "characters_human", "character_ptr_id")
"""Attributes, abilities, Willpower and age of every character with a human sheet, of any game line."""

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

SPENDS: Final = Source(
    "XP spends",
    "game_xpspendingrequest AS spend",
    key="spend.id",
    label="(SELECT name FROM characters_charactermodel WHERE id = spend.character_id)",
    scopes={
        "status": "(SELECT status FROM characters_charactermodel WHERE id = spend.character_id)",
        "chronicle": "(SELECT chronicle_id FROM characters_charactermodel WHERE id = spend.character_id)",
    },
)
"""Requests to spend XP, labelled with the name of the character."""

STORYTELLERS: Final = Source(
    "storytellers",
    "game_strelationship AS st",
    key="st.id",
    label="(SELECT username FROM auth_user WHERE auth_user.id = st.user_id)",
    scopes={"chronicle": "st.chronicle_id"},
)
"""Who tells which chronicle for which game line."""

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
