"""Duplicates that no constraint forbids: what was entered, clicked or imported twice.

Repetition can be right: three Contacts, two swords, Willpower that was lost and bought again. What these rules name is equal in
more than a name, or is something of which TG makes only one.
"""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Source, Violations, rule

from .sources.characters import CHRONICLES, OWNED, POOLS, character_name
from .sources.play import EITHER_SPENDS, FREEBIES, SPENDS
from .words.classes import LASTING_TRAITS, OBJECTS, REPEATED_TRAITS

LOOKED_AT_ELSEWHERE: Final = (
    *("characters_charactermodel", "characters_group", "items_itemmodel", "locations_locationmodel"),
    *("characters_effect", "characters_gift", "core_charactertemplate"),
)
CATALOGUE: Final = [
    pytest.param(table, "effect_id" if table == "characters_rote" else "display", id=table)
    for table in OBJECTS
    if table not in LOOKED_AT_ELSEWHERE
]
"""The table of each kind, and one column more in which two have to agree: a player may have rotes of one name for two effects."""

SETTLED: Final = "(owner_id IS NULL) = (chronicle_id IS NULL)"
"""Of the books, or a player's: deleting a user or a chronicle leaves what has only one of both, and had another before."""

ONE_IS_ENOUGH: Final = "if the two are one, a person deletes what came second, and mends what it has brought"

# Whether it matters that two spends are of one day: not for what lasts.
SAME_TIME: Final = f"""
    CASE WHEN spend.trait_type NOT IN ({", ".join(map(repr, LASTING_TRAITS))})
         THEN (spend.created_at AT TIME ZONE 'UTC')::date ELSE DATE 'epoch' END
"""

HELD: Final = Source("rows of {table}", "{table} AS held", key="held.id")
"""One row each: passions, fetters and the like."""

BACKGROUND_ROWS: Final = Source(
    "rows of backgrounds", "characters_backgroundrating AS held", key="held.id", label=character_name("held.char_id")
)
"""Who has which background, one row each."""


def copied(table: str, where: str = "true") -> str:
    """Enter the first row of a table where something holds once more."""
    return f"""
        WITH copy AS (
            INSERT INTO {table} SELECT (jsonb_populate_record(
                old, jsonb_build_object('id', nextval(pg_get_serial_sequence('{table}', 'id'))))).*
            FROM {table} AS old WHERE old.id = (SELECT min(id) FROM {table} WHERE {where})
            RETURNING id
        )
        SELECT id FROM copy UNION ALL SELECT min(id) FROM {table} WHERE {where}
    """


@rule.unique(
    CHRONICLES,
    "lower(btrim(name))",
    severity="low",
    breaks="""
        WITH one AS (SELECT * FROM game_chronicle ORDER BY id LIMIT 1),
        copy AS (
            INSERT INTO game_chronicle (name, theme, mood, year, headings, head_st_id)
            SELECT upper(name), theme, mood, year, headings, head_st_id FROM one RETURNING id
        )
        SELECT id FROM copy UNION ALL SELECT id FROM one
    """,
    show=["year", "head_st_id"],
    fix_hint="import_chronicle makes one each time that it runs; if both are played, rename one",
    overlaps=["test_storyteller_who_heads_a_chronicle_tells_it"],
    tags=["duplicates"],
)
def test_chronicle_is_there_once(violations: Violations) -> None:
    """No two chronicles have one name: every list in which one is chosen shows the name alone.

    TG does not refuse the second, and its import makes a new chronicle each time that it runs.
    """
    assert not violations


@pytest.mark.parametrize("table", ["characters_group", "items_itemmodel", "locations_locationmodel"])
@rule.unique(
    OWNED,
    ["lower(btrim(name))", "owner_id", "chronicle_id", "polymorphic_ctype_id", "status", "md5(description)"],
    where="chronicle_id IS NOT NULL AND owner_id IS NOT NULL",
    nulls_distinct=False,
    severity="low",
    breaks="""
        WITH one AS (
            SELECT * FROM {table} WHERE owner_id IS NOT NULL AND (chronicle_id, polymorphic_ctype_id) IN (
                SELECT chronicle_id, polymorphic_ctype_id FROM {table} WHERE chronicle_id IS NOT NULL
                GROUP BY 1, 2 HAVING count(*) > 1)
            ORDER BY id LIMIT 1),
        twin AS (
            UPDATE {table} AS other
            SET name = upper(one.name), owner_id = one.owner_id, status = one.status, description = one.description
            FROM one WHERE other.id = (
                SELECT max(last.id) FROM {table} AS last
                WHERE (last.chronicle_id, last.polymorphic_ctype_id) = (one.chronicle_id, one.polymorphic_ctype_id))
            RETURNING other.id
        )
        SELECT id FROM one UNION ALL SELECT id FROM twin
    """,
    show=["owner_id", "chronicle_id", "status"],
    fix_hint="if two are meant, let their names or descriptions tell them apart; else one goes, with what hangs on it",
    overlaps=["CHAR-24"],
    tags=["duplicates"],
)
def test_object_is_no_copy_of_another(violations: Violations, table: str) -> None:
    """No two groups, items or places of a chronicle agree in name, owner, class, status and description.

    That is what TG's own search for duplicates would merge. What is in no chronicle belongs to the catalogue. What has no owner
    may have had two, whose accounts were deleted.
    """
    assert not violations


@pytest.mark.parametrize(("table", "more"), CATALOGUE)
@rule.unique(
    OWNED,
    [
        "lower(btrim(name))",
        "owner_id",
        "chronicle_id",
        "status",
        "md5(description)",
        "md5(public_info)",
        "md5(st_notes)",
        "{more}",
    ],
    where=SETTLED,
    nulls_distinct=False,
    severity="low",
    breaks=copied("{table}", SETTLED).replace("'{table}'", "%(table)s"),
    show=["owner_id", "chronicle_id", "status"],
    fix_hint="what hangs on the second goes to the first, and the second goes",
    overlaps=["CHAR-9", "REF-4", "REF-5", "REF-6", "REF-12", "DEM-3", "MAG-9"],
    tags=["duplicates"],
)
def test_catalogue_has_it_once(violations: Violations, table: str, more: str) -> None:
    """Nothing in the catalogue is there twice with the same name, owner and words; it is chosen by its name.

    Effects and gifts are not looked at: of these the catalogue that is shipped has some twice. Nor is what is
    in a chronicle and has no owner, or the other way round: two players may have made one each, before their accounts were
    deleted.
    """
    assert not violations


@rule.unique(
    OWNED,
    ["lower(btrim(name))", "owner_id", "chronicle_id"],
    where="status IN ('Sub', 'App') AND NOT npc",
    severity="low",
    breaks="""
        WITH one AS (
            SELECT * FROM characters_charactermodel WHERE status = 'App' AND NOT npc AND (owner_id, chronicle_id) IN (
                SELECT owner_id, chronicle_id FROM characters_charactermodel
                WHERE status = 'App' AND NOT npc GROUP BY 1, 2 HAVING count(*) > 1)
            ORDER BY id LIMIT 1),
        twin AS (
            UPDATE {table} AS other SET name = upper(one.name)
            FROM one WHERE other.id = (
                SELECT max(last.id) FROM {table} AS last WHERE last.status = 'App' AND NOT last.npc
                AND (last.owner_id, last.chronicle_id) = (one.owner_id, one.chronicle_id))
            RETURNING other.id
        )
        SELECT id FROM one UNION ALL SELECT id FROM twin
    """,
    show=["owner_id", "chronicle_id", "status"],
    fix_hint="only the player knows whether they are two; merging them would lose one's history",
    overlaps=["test_character_is_there_once", "test_scene_has_no_namesakes"],
    tags=["duplicates"],
)
@pytest.mark.parametrize("table", ["characters_charactermodel"])
def test_character_is_submitted_once(violations: Violations, table: str) -> None:
    """No player has two submitted or approved characters of one name in a chronicle.

    XP for a scene is given by names, and a scene with both cannot be paid. Drafts, the dead and characters of storytellers
    may have one name: `test_character_is_there_once` lists them.
    """
    assert not violations


@rule.unique(
    BACKGROUND_ROWS,
    ["held.char_id", "held.bg_id", "held.note", "held.rating", "held.url", "held.pooled", "held.display_alt_name"],
    severity="low",
    breaks=copied("characters_backgroundrating", "char_id IS NOT NULL AND NOT pooled"),
    show=["held.bg_id", "held.rating", "held.note"],
    fix_hint="three Contacts are told apart by their notes: the player says whom they are, or one goes",
    overlaps=["CHAR-27"],
    tags=["duplicates"],
)
def test_background_is_there_once(violations: Violations) -> None:
    """Nobody has two rows of a background that agree in note and dots; all pages would count both.

    Several rows of one background are right where their notes differ, or their dots. A player can enter two that agree:
    so they cannot be told apart.
    """
    assert not violations


@rule.unique(
    POOLS,
    ["pool.group_id", "pool.bg_id", "pool.note"],
    severity="high",
    breaks=copied("characters_pooledbackgroundrating", "group_id IS NOT NULL"),
    show=["pool.bg_id", "pool.rating", "pool.note"],
    fix_hint="a person looks which of them holds what the members give",
    overlaps=["BG-1"],
    tags=["duplicates"],
)
def test_background_pool_is_there_once(violations: Violations) -> None:
    """A group has one pool for each background and note; TG makes it when asked for, and breaks on two."""
    assert not violations


@rule.unique(
    "game_post",
    ["scene_id", "character_id", "display_name", "datetime_created", "md5(message)"],
    nulls_distinct=False,
    breaks=copied("game_post", "scene_id IS NOT NULL"),
    show=["scene_id", "display_name", "datetime_created"],
    fix_hint=ONE_IS_ENOUGH,
    tags=["duplicates"],
)
def test_post_is_there_once(violations: Violations) -> None:
    """No two posts in a scene agree in author, words and the microsecond; who clicks twice is later the second time."""
    assert not violations


@rule.unique(
    "game_journalentry",
    ["journal_id", "date", "datetime_created", "md5(message)"],
    nulls_distinct=False,
    breaks=copied("game_journalentry", "journal_id IS NOT NULL"),
    show=["journal_id", "datetime_created"],
    fix_hint=ONE_IS_ENOUGH,
    tags=["duplicates"],
)
def test_journal_entry_is_there_once(violations: Violations) -> None:
    """No two entries of a journal agree in day, words and the microsecond at which they were written."""
    assert not violations


@rule.unique(
    "game_scene",
    ["lower(btrim(name))", "chronicle_id", "location_id", "date_played", "date_of_scene", "gameline"],
    where="btrim(name) <> '' AND chronicle_id IS NOT NULL",
    nulls_distinct=False,
    severity="low",
    breaks="""
        WITH one AS (
            SELECT * FROM game_scene WHERE chronicle_id IS NOT NULL AND NOT finished AND NOT waiting_for_st
            ORDER BY id LIMIT 1),
        twin AS (
            UPDATE game_scene AS other SET name = upper(one.name), location_id = one.location_id,
                date_played = one.date_played, date_of_scene = one.date_of_scene, gameline = one.gameline
            FROM one WHERE other.id = (
                SELECT max(last.id) FROM game_scene AS last
                WHERE last.chronicle_id = one.chronicle_id AND NOT last.finished)
            RETURNING other.id
        )
        SELECT id FROM one UNION ALL SELECT id FROM twin
    """,
    show=["chronicle_id", "date_played"],
    fix_hint="if it is one scene, a storyteller keeps that in which was played",
    overlaps=["test_scenes_awaiting_xp_are_at_most_ten"],
    tags=["duplicates"],
)
def test_scene_is_there_once(violations: Violations) -> None:
    """No two scenes begun on one day agree in name, chronicle, place and the day in the story.

    TG itself adds no second scene of one name at one place of a chronicle: it finds the first.
    """
    assert not violations


@pytest.mark.parametrize(
    ("table", "holder", "what", "words", "told"),
    [
        pytest.param("characters_passion", "wraith_id", "emotion", "description", "emotion", id="passion"),
        pytest.param("characters_fetter", "wraith_id", "fetter_type", "description", "fetter_type", id="fetter"),
        pytest.param("core_houserule", "chronicle_id", "name", "description", "name", id="house rule"),
        pytest.param("core_newsitem", "date", "title", "content", "title", id="news"),
        pytest.param(
            "characters_hunterorganization",
            "organization_type",
            "name",
            "philosophy",
            "philosophy",
            id="organization",
        ),
        pytest.param("locations_realityzone", "name", "name", "description", "name", id="reality zone"),
    ],
)
@rule.unique(
    HELD,
    ["held.{holder}", "lower(btrim(held.{what}))", "md5(held.{words})"],
    where="held.{what} <> '' AND held.{told} <> ''",
    severity="low",
    breaks=copied("{table}", "{what} <> '' AND {told} <> ''").replace("'{table}'", "%(table)s"),
    show=["held.{holder}", "held.{what}"],
    fix_hint=ONE_IS_ENOUGH,
    overlaps=["HUN-2"],
    tags=["duplicates"],
)
def test_words_are_there_once(
    violations: Violations, table: str, holder: str, what: str, words: str, told: str
) -> None:
    """No passion, fetter, house rule, organization or piece of news says in the same words the same of the same.

    Organizations of hunters that say nothing of their philosophy are not compared: two may have one name.
    """
    assert not violations


@rule.unique(
    "core_templateapplication",
    ["character_id", "template_id", "applied_at"],
    severity="low",
    breaks=copied("core_templateapplication", "template_id IS NOT NULL"),
    fix_hint=ONE_IS_ENOUGH,
    overlaps=["TPL-1"],
    tags=["duplicates"],
)
def test_template_is_applied_once_at_a_time(violations: Violations) -> None:
    """No template was applied to one character twice within a microsecond."""
    assert not violations


@rule.unique(
    "game_gameline",
    "name",
    breaks=copied("game_gameline"),
    fix_hint="storytellers hang on both: a person moves them to the first",
    overlaps=["SCN-13"],
    tags=["duplicates"],
)
def test_game_line_is_there_once(violations: Violations) -> None:
    """Each game line is there once; storytellers are entered for one of them, and looked for by its name."""
    assert not violations


@rule.unique(
    SPENDS,
    [
        "spend.character_id",
        "spend.trait_type",
        "lower(btrim(spend.trait_name))",
        "spend.trait_value",
        SAME_TIME,
    ],
    where=f"spend.approved <> 'Denied' AND spend.trait_type NOT IN ({', '.join(map(repr, REPEATED_TRAITS))})",
    breaks=copied("game_xpspendingrequest", "approved = 'Approved' AND trait_type = 'attribute'"),
    show=["spend.cost", "spend.approved", "spend.created_at"],
    fix_hint="one of them was paid for nothing: a storyteller denies it, or gives the XP back",
    overlaps=[
        "test_xp_spend_is_asked_for_once",
        "test_xp_spend_is_recorded_once",
        "test_xp_can_be_explained_by_awards",
    ],
    since="spend.created_at",
    tags=["duplicates"],
)
def test_xp_spend_buys_a_dot_once(violations: Violations) -> None:
    """The same dot is bought once, unless the first request was denied: a second one costs XP and brings nothing.

    TG lets it happen to who clicks twice. Willpower and whatever else is lost and bought again in play counts only within a
    day, and what one may have several of, such as Contacts, not at all. A dot that a storyteller took away by hand looks the
    same when it is bought anew.
    """
    assert not violations


@rule.unique(
    FREEBIES,
    ["spend.character_id", "spend.trait_type", "lower(btrim(spend.trait_name))", "spend.trait_value"],
    where=f"spend.approved <> 'Denied' AND spend.trait_type IN ({', '.join(map(repr, LASTING_TRAITS))})",
    severity="low",
    breaks=copied("game_freebiespendingrecord", "approved = 'Approved' AND trait_type = 'ability'"),
    show=["spend.cost", "spend.approved", "spend.created_at"],
    fix_hint="one of them was paid for nothing: a storyteller denies it",
    overlaps=["test_xp_spend_is_recorded_once", "FRB-3"],
    since="spend.created_at",
    tags=["duplicates"],
)
def test_freebie_spend_buys_a_dot_once(violations: Violations) -> None:
    """The same dot is bought with freebie points once, unless the first was denied: each raises the trait by one at once.

    A sheet that was begun anew after dots had been bought looks the same.
    """
    assert not violations


@pytest.mark.parametrize("table", ["game_xpspendingrequest", "game_freebiespendingrecord"])
@rule.unique(
    EITHER_SPENDS,
    [
        *("spend.character_id", "spend.trait_type", "spend.trait_name"),
        *("spend.trait_value", "spend.cost", "spend.created_at"),
    ],
    breaks=copied("{table}", "approved = 'Approved'").replace("'{table}'", "%(table)s"),
    show=["spend.approved", "spend.created_at"],
    fix_hint=ONE_IS_ENOUGH,
    overlaps=[
        "test_xp_spend_buys_a_dot_once",
        "test_freebie_spend_buys_a_dot_once",
        "test_xp_can_be_explained_by_awards",
        "FRB-3",
    ],
    since="spend.created_at",
    tags=["duplicates"],
)
def test_xp_spend_is_recorded_once(violations: Violations, table: str) -> None:
    """No two spends of XP, or of freebie points, agree in everything down to the microsecond at which they were asked for."""
    assert not violations
