"""What several rules look at: named tables and joins, with a key, a label that a storyteller recognises, and scopes.

The values of a character are spread over tables with equal ids: status, owner and name stand on the base row, XP and
concept on the character row, attributes on the human row. A rule that needs one of these tables reads only that one; name
and scope are looked up for the rows that are shown or asked for (``--scope status=App``, ``--scope chronicle=3``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pytest_tgintegrity import Source

from ..words.classes import CLASSES, HOLDING_CHARACTERS, PACTS, RATINGS


def described(name: str, from_clause: str, key: str = "id", by: str = "") -> Source:
    """Name a table, or a join, where one row (that of the alias `by`) has a name, a status and a chronicle."""
    its = f"{by}." if by else ""
    return Source(name, from_clause, key, f"{its}name", {"status": f"{its}status", "chronicle": f"{its}chronicle_id"})


def user_name(column: str) -> str:
    """The label of what belongs to a user: the name that the user logs in with."""
    return f"(SELECT username FROM auth_user WHERE auth_user.id = {column})"


def character_name(column: str) -> str:
    """The label of what belongs to a character."""
    return f"(SELECT name FROM characters_charactermodel AS base WHERE base.id = {column})"


BASES: Final = described("base rows of characters", "characters_charactermodel")
"""Name, status and owner of every character, also of those that lack their further rows."""


def joined(
    name: str,
    from_clause: str,
    key: str | Sequence[str],
    base: str | None = None,
    root: str = "characters_charactermodel",
) -> Source:
    """Name a join about characters, or about what has another `root`: label and scopes are those of the root's row.

    That is the row with the id `base`, by default the key.
    """

    def of_base(column: str) -> str:
        return f"(SELECT base.{column} FROM {root} AS base WHERE base.id = {base or key})"

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

CHARACTERS: Final = described(
    "characters",
    "characters_charactermodel AS cm JOIN characters_character AS ch ON ch.charactermodel_ptr_id = cm.id",
    key="cm.id",
    by="cm",
)
"""What stands on the base row and on the sheet of every character: status beside concept and XP."""

CAST: Final = described(
    "characters in scenes",
    "game_scene_characters AS part"
    " JOIN characters_charactermodel AS cm ON cm.id = part.charactermodel_id"
    " JOIN game_scene AS scene ON scene.id = part.scene_id",
    key="part.id",
    by="cm",
)
"""Who takes part in which scene."""

MEMBERS: Final = described(
    "members of groups",
    "characters_group_members AS member"
    " JOIN characters_charactermodel AS cm ON cm.id = member.character_id"
    " JOIN characters_group AS team ON team.id = member.group_id",
    key="member.id",
    by="cm",
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

GROUPS: Final = described("groups", "characters_group")
"""Packs, coteries, cabals and all other groups of characters."""


def _holders(table: str, column: str, key: str = "id") -> Source:
    """Name the characters that a column refers to; the scopes are those of the character."""
    return described(
        f"{column} of {table}",
        f"{table} AS held JOIN characters_charactermodel AS cm ON cm.id = held.{column}",
        key=f"held.{key}",
        by="cm",
    )


HELD: Final = _holders("{table}", "{column}")
"""The characters that a column names, such as the members of cells."""

CHANTRY_MEMBERS: Final = _holders("{table}", "human_id")
"""The characters that have a role in a chantry; each role has a table."""

CHANTRY_OFFICES: Final = _holders("locations_chantry", "{column}", "locationmodel_ptr_id")
"""The characters that have an office in a chantry; each office is a column."""

PARTIES: Final = _holders("characters_pact", "{column}")
"""The demons and the thralls of pacts."""

OWNED: Final = described("objects in {table}", "{table}")
"""The objects of one table: what has an owner, a chronicle and a status."""

SPECIALTIES: Final = Source(
    "specialties of humans",
    "characters_human_specialties AS held"
    " JOIN characters_specialty AS specialty ON specialty.id = held.specialty_id"
    " JOIN characters_human AS human ON human.character_ptr_id = held.human_id",
    key="held.id",
    label=character_name("held.human_id") + " || ': ' || specialty.name",
)
"""Who is especially good at what, beside the dots that the sheet has."""

LEGACY_FREEBIES: Final = Source(
    "freebies spent on sheets",
    "characters_human AS human CROSS JOIN LATERAL jsonb_array_elements("
    "CASE jsonb_typeof(human.spent_freebies) WHEN 'array' THEN human.spent_freebies ELSE '[]' END"
    ") WITH ORDINALITY AS spent(entry, number)",
    key=["human.character_ptr_id", "spent.number"],
    label=character_name("human.character_ptr_id"),
)
"""What the list on the sheet says that freebie points were spent on, one entry a row."""

LEFT_BY_CHARACTERS: Final[Mapping[str, str]] = {
    **{table: holder for table, (holder, _) in RATINGS.items() if holder in HOLDING_CHARACTERS and table != PACTS},
    "game_journalentry": "journal_id",
    "game_storyxprequest": "character_id",
    "game_weeklyxprequest": "character_id",
}
"""What deleting a character leaves behind, by table: the column that TG empties then."""


def _left_over() -> str:
    """Every row of these tables, whether it is left over, and the row itself, which has the name of its table as alias."""
    rows = " UNION ALL ".join(
        f"SELECT '{table}' AS place, id, {column} IS NULL AS alone FROM {table}"
        for table, column in LEFT_BY_CHARACTERS.items()
    )
    joins = " ".join(
        f"LEFT JOIN {table} ON rest.place = '{table}' AND {table}.id = rest.id" for table in LEFT_BY_CHARACTERS
    )
    return f"({rows}) AS rest {joins}"


LEFT_OVER: Final = Source("what characters leave", _left_over(), key=["rest.place", "rest.id"])
"""Ratings, requests and journal entries of characters, and which of them are nobody's any more."""

OFFERED: Final = Source(
    "ratings that merits and flaws offer",
    "characters_meritflaw_ratings AS offer JOIN core_number AS number ON number.id = offer.number_id",
    key="offer.id",
)
"""How many points each merit may cost, and each flaw may bring."""

BACKGROUNDS: Final = Source(
    "backgrounds of characters",
    "characters_backgroundrating AS held JOIN characters_background AS background"
    " ON background.statistic_ptr_id = held.bg_id",
    key="held.id",
    label=character_name("held.char_id"),
)
"""Who has how many dots of which background, with what the background allows."""

POOLS: Final = Source(
    "pooled backgrounds of groups",
    "characters_pooledbackgroundrating AS pool JOIN (SELECT id FROM characters_pooledbackgroundrating AS known"
    " WHERE num_nulls(group_id, bg_id) = 0"
    " AND NOT EXISTS (SELECT FROM characters_backgroundrating AS lost WHERE lost.char_id IS NULL AND lost.pooled"
    " AND (lost.bg_id, lost.note) = (known.bg_id, known.note))) AS whole ON whole.id = pool.id",
    key="pool.id",
    label="(SELECT name FROM characters_group WHERE characters_group.id = pool.group_id)",
)
"""How many dots of a background the members of a group have together, unless it or a share of it is nobody's any more."""

SHARES: Final = Source(
    "backgrounds given to pools",
    "characters_backgroundrating AS share JOIN characters_group_members AS member ON member.character_id = share.char_id",
    key=["share.id", "member.id"],
    label=character_name("share.char_id"),
)
"""Who gives which background to the pool of which group."""


def background_columns(table: str, columns: Sequence[str]) -> Source:
    """Name the backgrounds that stand in columns of a sheet, one a row, beside the dots of the same background's rows."""
    values = ", ".join(f"('{column}', sheet.{column})" for column in columns)
    return Source(
        f"background columns of {table}",
        f"{table} AS sheet CROSS JOIN LATERAL (VALUES {values}) AS noted(background, dots)"
        " LEFT JOIN (SELECT rating.char_id, statistic.property_name, sum(rating.rating) AS dots"
        " FROM characters_backgroundrating AS rating JOIN characters_statistic AS statistic ON statistic.id = rating.bg_id"
        " GROUP BY rating.char_id, statistic.property_name) AS held"
        " ON held.char_id = sheet.human_ptr_id AND held.property_name = noted.background",
        key=["sheet.human_ptr_id", "noted.background"],
        label=character_name("sheet.human_ptr_id"),
    )


STORYTELLERS: Final = Source(
    "storytellers",
    "game_strelationship AS st",
    key="st.id",
    label=user_name("st.user_id"),
    scopes={"chronicle": "st.chronicle_id"},
)
"""Who tells which chronicle for which game line."""

CHRONICLES: Final = Source("chronicles", "game_chronicle", key="id", label="name", scopes={"chronicle": "id"})
"""The campaigns that are played."""

VIEWERS: Final = Source(
    "game storytellers",
    "game_chronicle_game_storytellers AS seen JOIN game_chronicle AS chronicle ON chronicle.id = seen.chronicle_id",
    key="seen.id",
    label=user_name("seen.user_id"),
    scopes={"chronicle": "seen.chronicle_id"},
)
"""Who may look into a chronicle without telling it."""

PROFILES: Final = Source(
    "profiles",
    "accounts_profile",
    key="accounts_profile.id",
    label=user_name("accounts_profile.user_id"),
)
"""What users have chosen for themselves."""

USERS: Final = Source("users", "auth_user", key="id", label="username")
"""Accounts, labelled with the name that they log in with."""

OBSERVERS: Final = Source(
    "observers",
    "core_observer AS seen LEFT JOIN django_content_type AS type ON type.id = seen.content_type_id",
    key="seen.id",
    label=user_name("seen.user_id"),
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
