"""What the rules about play look at: scenes and posts, weeks, the claims for XP, and what is spent."""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity import Source

from .characters import described, user_name

ZONE: Final = "America/Los_Angeles"
"""The time zone in which TG reckons days."""

CLAIMS: Final = ("learning", "rp", "focus", "standingout")
"""What a player can claim XP for, each with the scene in which it was earned."""


def day_is_over(day: str) -> str:
    """When a day of TG's calendar has ended, as SQL: a day belongs to a period in which any part of it lies."""
    return f"((least({day}, DATE '9999-12-31') + 1)::timestamp AT TIME ZONE '{ZONE}')"


def _of_character(column: str, table: str) -> str:
    return f"(SELECT base.{column} FROM characters_charactermodel AS base WHERE base.id = {table}.character_id)"


def _by_character(name: str, from_clause: str, alias: str, *more: str) -> Source:
    """Name rows that have an `id` and a `character_id`, labelled with the name of the character."""
    return Source(
        name,
        from_clause,
        key=[f"{alias}.id", *more] if more else f"{alias}.id",
        label=_of_character("name", alias),
        scopes={"status": _of_character("status", alias), "chronicle": _of_character("chronicle_id", alias)},
    )


LAST_PLAYED: Final = f"""coalesce(
    (SELECT max(post.datetime_created) FROM game_post AS post WHERE post.scene_id = scene.id),
    {day_is_over("scene.date_played")})"""
"""When a scene was last played: TG stores the day on which it began, and not when it was closed."""

SCENES: Final = Source(
    "scenes", "game_scene AS scene", key="scene.id", label="scene.name", scopes={"chronicle": "scene.chronicle_id"}
)
"""Scenes, running and finished."""

SITED_SCENES: Final = Source(
    "scenes with a location",
    "game_scene AS scene JOIN locations_locationmodel AS place ON place.id = scene.location_id",
    key="scene.id",
    label="scene.name",
    scopes={"chronicle": "scene.chronicle_id"},
)
"""Where scenes are played."""

PLAYED: Final = Source(
    "characters in finished scenes",
    "game_scene_characters AS part JOIN game_scene AS scene ON scene.id = part.scene_id AND scene.finished"
    " JOIN (SELECT scene_id, (max(datetime_created) AT TIME ZONE 'UTC')::date AS day FROM game_post GROUP BY scene_id)"
    " AS last ON last.scene_id = scene.id",
    key="part.id",
    label="(SELECT base.name FROM characters_charactermodel AS base WHERE base.id = part.charactermodel_id)",
    scopes={"chronicle": "scene.chronicle_id"},
)
"""Who took part in which finished scene, and the day of its last post in universal time, as TG takes it."""

SUNDAY: Final = "last.day + (7 - extract(isodow FROM last.day)::int) % 7"
"""The Sunday on or after the last post of a scene: the end of the week in which it counts."""

POSTS: Final = Source(
    "posts",
    "game_post AS post",
    key="post.id",
    label="post.display_name",
    scopes={"chronicle": "(SELECT chronicle_id FROM game_scene WHERE game_scene.id = post.scene_id)"},
)
"""What players wrote in scenes, labelled with the name under which they wrote."""

POSTS_IN_SCENES: Final = Source(
    "posts in their scenes",
    "game_post AS post JOIN game_scene AS scene ON scene.id = post.scene_id",
    key="post.id",
    label="post.display_name",
    scopes={"chronicle": "scene.chronicle_id"},
)
"""What players wrote, and the scene with the day on which it was opened."""

ENTRIES: Final = Source(
    "entries of journals",
    "(SELECT written.id, written.date, cm.name, cm.chronicle_id FROM game_journalentry AS written"
    " JOIN game_journal AS journal ON journal.id = written.journal_id"
    " JOIN characters_charactermodel AS cm ON cm.id = journal.character_id) AS entry",
    key="entry.id",
    label="entry.name",
    scopes={"chronicle": "entry.chronicle_id"},
)
"""What players wrote in the journals of their characters, and the chronicle."""

TRACES: Final = Source(
    "traces of play",
    "(SELECT scene_id FROM game_post UNION ALL SELECT scene_id FROM game_scene_characters) AS trace",
    key="trace.scene_id",
)
"""Posts and participants: what shows that a scene is played."""

READS: Final = Source(
    "marks of reading",
    "game_userscenereadstatus AS mark",
    key="mark.id",
    label=user_name("mark.user_id"),
)
"""Who has read which scene to its end."""

TOLD_LINES: Final = Source(
    "told game lines",
    "(SELECT told.chronicle_id, CASE line.name"
    " WHEN 'World of Darkness' THEN 'wod' WHEN 'Vampire: the Masquerade' THEN 'vtm'"
    " WHEN 'Werewolf: the Apocalypse' THEN 'wta' WHEN 'Mage: the Ascension' THEN 'mta'"
    " WHEN 'Wraith: the Oblivion' THEN 'wto' WHEN 'Changeling: the Dreaming' THEN 'ctd'"
    " WHEN 'Demon: the Fallen' THEN 'dtf' WHEN 'Hunter: the Reckoning' THEN 'htr'"
    " WHEN 'Mummy: the Resurrection' THEN 'mtr' END AS code"
    " FROM game_strelationship AS told JOIN game_gameline AS line ON line.id = told.gameline_id) AS told",
    key=["told.chronicle_id", "told.code"],
)
"""For which game lines a chronicle has a storyteller."""

TELLERS: Final = Source(
    "tellers of chronicles",
    "(SELECT id AS chronicle_id, head_st_id AS user_id FROM game_chronicle"
    " UNION SELECT chronicle_id, user_id FROM game_strelationship) AS teller",
    key=["teller.chronicle_id", "teller.user_id"],
)
"""Who may decide in which chronicle: its head, and those who tell one of its game lines."""

WEEK_CAST: Final = described(
    "player characters in weeks",
    "game_week_characters AS entry JOIN characters_charactermodel AS cm"
    " ON cm.id = entry.charactermodel_id AND NOT cm.npc",
    key="entry.id",
    by="cm",
)
"""The characters of players that took part in the scenes of a week."""

WEEK_ENTRIES: Final = Source(
    "characters in weeks",
    "game_week_characters AS entry JOIN game_week AS week ON week.id = entry.week_id",
    key="entry.id",
)
"""Who is entered in which week."""

_WEEKLY: Final = "game_weeklyxprequest AS request"
WEEKLY: Final = _by_character("weekly XP requests", _WEEKLY, "request")
"""Requests for the XP of a week, labelled with the name of the character."""

REQUESTED: Final = day_is_over("(SELECT week.end_date FROM game_week AS week WHERE week.id = request.week_id)")
"""The end of the week for which XP is requested; the request itself bears no date."""

WEEKLY_IN_WEEKS: Final = _by_character(
    "weekly XP requests in their weeks", f"{_WEEKLY} JOIN game_week AS week ON week.id = request.week_id", "request"
)
"""Requests for the XP of a week, and the day on which the week ends."""

_MADE: Final = " CROSS JOIN LATERAL (VALUES {}) AS claim(name, made, scene_id)".format(
    ", ".join(f"('{one}', request.{one}, request.{one}_scene_id)" for one in CLAIMS)
)
WEEKLY_CLAIMS: Final = _by_character("claims in weekly XP requests", _WEEKLY + _MADE, "request", "claim.name")
"""What each request for the XP of a week could claim, whether it does, and the scene it names."""

DATED_CLAIMS: Final = _by_character(
    "dated claims in weekly XP requests",
    f"{_WEEKLY} JOIN game_week AS week ON week.id = request.week_id{_MADE}"
    f" LEFT JOIN (SELECT scene_id, (max(datetime_created) AT TIME ZONE '{ZONE}')::date AS day"
    " FROM game_post GROUP BY scene_id) AS last ON last.scene_id = claim.scene_id",
    "request",
    "claim.name",
)
"""The same, with the day of the last post in the scene and the end of the week."""

STORY_REQUESTS: Final = _by_character("story XP requests", "game_storyxprequest AS request", "request")
"""What each character is to get for a story."""

SPENDS: Final = _by_character("XP spends", "game_xpspendingrequest AS spend", "spend")
"""Requests to spend XP, labelled with the name of the character."""

FREEBIES: Final = _by_character("freebie spends", "game_freebiespendingrecord AS spend", "spend")
"""What freebie points were spent on, labelled with the name of the character."""

EITHER_SPENDS: Final = _by_character("spends in {table}", "{table} AS spend", "spend")
"""Requests to spend XP, or freebie points: `table`."""

_SPENDER: Final = " AS spend JOIN characters_charactermodel AS cm ON cm.id = spend.character_id"
SPENDS_BY: Final = _by_character("XP spends of characters", f"game_xpspendingrequest{_SPENDER}", "spend")
"""Requests to spend XP, and the character."""

FREEBIES_BY: Final = _by_character("freebie spends of characters", f"game_freebiespendingrecord{_SPENDER}", "spend")
"""What freebie points were spent on, and the character."""

DECIDED: Final = _by_character(
    "decided spends in {table}",
    f"{{table}}{_SPENDER} JOIN auth_user AS judge ON judge.id = spend.approved_by_id",
    "spend",
)
"""Spends of XP, or freebie points (`table`), with the character and the user who decided."""

LEDGER: Final = Source(
    "the ledger of XP",
    """(
        SELECT spend.character_id, -spend.cost::bigint AS xp
        FROM game_xpspendingrequest AS spend JOIN characters_mage AS mage ON mage.mtahuman_ptr_id = spend.character_id
        WHERE spend.approved <> 'Denied'
        UNION ALL
        SELECT character_id, cost::bigint FROM game_xpspendingrequest WHERE approved = 'Denied' AND cost > 0
        UNION ALL
        SELECT character_id, finishing::int + learning::int + rp::int + focus::int + standingout::int
        FROM game_weeklyxprequest WHERE approved
        UNION ALL
        SELECT part.charactermodel_id, 1
        FROM game_scene_characters AS part JOIN game_scene AS scene ON scene.id = part.scene_id AND scene.xp_given
        UNION ALL
        SELECT character_id, success::int + danger::int + growth::int + drama::int + duration::bigint
        FROM game_storyxprequest
    ) AS entry""",
    key="entry.character_id",
)
"""All that is stored of what characters may have got: awards, and what was paid back; and what was taken from mages.

Only the sheets of mages deduct what is spent; the page of requests does not, and a denial pays back all the same.
"""

_PAID: Final = """
        SELECT character_id, -abs(cost::bigint) AS xp FROM game_xpspendingrequest WHERE approved <> 'Denied'
        UNION ALL
        SELECT character_id, finishing::int + learning::int + rp::int + focus::int + standingout::int
        FROM game_weeklyxprequest WHERE approved
"""

CERTAIN: Final = Source("what certainly came in and went out", f"({_PAID}) AS entry", key="entry.character_id")
"""Awards that were paid with an amount that is stored, and all that may have been deducted."""

LIKELY: Final = Source(
    "what came in and went out if all were paid who played",
    f"""({_PAID}
        UNION ALL
        SELECT part.charactermodel_id, 1
        FROM game_scene_characters AS part JOIN game_scene AS scene ON scene.id = part.scene_id AND scene.xp_given
    ) AS entry""",
    key="entry.character_id",
)
"""The same, with one XP for each scene that gave XP."""

POSSIBLE: Final = Source(
    "whatever can have filled a pool",
    """(
        SELECT character_id, abs(cost::bigint) AS xp FROM game_xpspendingrequest
        UNION ALL
        SELECT character_id, 5 FROM game_weeklyxprequest
        UNION ALL
        SELECT charactermodel_id, 1 FROM game_scene_characters
        UNION ALL
        SELECT character_id, 4 + greatest(duration, 0)::bigint FROM game_storyxprequest
    ) AS entry""",
    key="entry.character_id",
)
"""The most that each stored row can have brought, a denied spend its cost."""

SPENDS_OF_MAGES: Final = _by_character(
    "XP spends of mages",
    "game_xpspendingrequest AS spend JOIN characters_mage AS mage ON mage.mtahuman_ptr_id = spend.character_id",
    "spend",
)
"""Requests to spend XP, and the sheet with Arete and the Spheres."""

POOLS: Final = Source(
    "pools of freebie points",
    "characters_human AS human JOIN (SELECT character_id, sum(cost) AS cost FROM game_freebiespendingrecord"
    " WHERE approved <> 'Denied' GROUP BY character_id HAVING sum(cost) <> 0) AS spent"
    " ON spent.character_id = human.character_ptr_id",
    key="human.character_ptr_id",
    label="(SELECT base.name FROM characters_charactermodel AS base WHERE base.id = human.character_ptr_id)",
)
"""The freebie points that are left to a human, beside those that were spent."""

REFUSED_MERITS: Final = _by_character(
    "merits and flaws bought with freebie points that the character has",
    "game_freebiespendingrecord AS spend"
    " JOIN (SELECT DISTINCT rating.character_id, merit.name FROM characters_meritflawrating AS rating"
    " JOIN characters_meritflaw AS merit ON merit.id = rating.mf_id) AS held"
    " ON held.character_id = spend.character_id AND held.name = spend.trait_name AND spend.trait_type = 'meritflaw'"
    " LEFT JOIN (SELECT DISTINCT character_id, trait_name FROM game_freebiespendingrecord"
    " WHERE trait_type = 'meritflaw' AND approved <> 'Denied') AS kept"
    " ON kept.character_id = spend.character_id AND kept.trait_name = spend.trait_name",
    "spend",
)
"""Records of merits and flaws that are on the sheet, and whether the same one was also bought without being denied."""


APPROVED_TRAITS: Final = _by_character(
    "approved attributes and abilities",
    "game_xpspendingrequest AS spend"
    " JOIN characters_human AS sheet ON sheet.character_ptr_id = spend.character_id"
    " AND spend.approved = 'Approved' AND spend.trait_type IN ('attribute', 'ability')"
    " JOIN (SELECT name, min(property_name) AS property_name FROM characters_statistic"
    " WHERE id IN (SELECT statistic_ptr_id FROM characters_attribute"
    " UNION ALL SELECT statistic_ptr_id FROM characters_ability) GROUP BY name) AS trait ON trait.name = spend.trait_name",
    "spend",
)
"""XP that was spent on attributes and abilities, the column of the trait, and the sheet that ought to show it."""

SPENDS_OF_POWERS: Final = _by_character(
    "XP spends of vampires and demons",
    "game_xpspendingrequest AS spend"
    " LEFT JOIN characters_vampire AS vampire ON vampire.vtmhuman_ptr_id = spend.character_id"
    " LEFT JOIN characters_demon AS demon ON demon.dtfhuman_ptr_id = spend.character_id",
    "spend",
)
"""Requests to spend XP, and the sheet with the Disciplines or the Lores, where the character has such a sheet."""
