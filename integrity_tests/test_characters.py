"""Characters: what a sheet has to say, and what a status allows."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import (
    BASES,
    CAST,
    CHANTRY_MEMBERS,
    CHANTRY_OFFICES,
    CHARACTERS,
    HELD,
    HUMANS,
    LEFT_BY_CHARACTERS,
    LEFT_OVER,
    LEGACY_FREEBIES,
    PARTIES,
    SHEETS,
)
from .words.classes import STATUSES

CHANTRY_ROLES: Final = ("members", "leaders", "investigator", "guardian", "teacher")

# Who is retired may still be in all of these.
RETIRED: Final = ("CHAR-3", "CHAR-4", "CHAR-5", "CHAR-6", "CHAR-7")


@rule.one_of(
    BASES,
    "status",
    STATUSES,
    severity="high",
    fix_hint="the row does not say what the status was: a storyteller decides; Un would demote approved characters",
    tags=["validate_data_integrity", "monitor_validation", "OBJ-1"],
)
def test_character_status_is_known(violations: Violations) -> None:
    """A character is unfinished, submitted, approved, retired or deceased: Un, Sub, App, Ret or Dec.

    The command looked only at rows that are at least a Character; this rule sees the bare base rows too. Its --fix
    wrote Un, which demotes approved characters.
    """
    assert not violations


@rule.not_blank(
    BASES,
    "name",
    fix_hint="only the player or a storyteller knows the name",
    tags=["validate_character_data", "OBJ-3"],
)
def test_character_name_is_not_blank(violations: Violations) -> None:
    """Every character has a name."""
    assert not violations


@rule.implies(
    CHARACTERS,
    "cm.status IN ('Sub', 'App')",
    "btrim(ch.concept, E' \\t\\n\\r') <> ''",
    severity="info",
    breaks={"ch.concept": "''"},
    show=["cm.status", "ch.concept"],
    fix_hint="only the player or a storyteller knows the concept",
    tags=["validate_character_data", "CHAR-1"],
)
def test_character_concept_is_given_once_submitted(violations: Violations) -> None:
    """A submitted or approved character has a concept.

    The severity is info: TG lets a player submit a character without one, and approves it.
    """
    assert not violations


@rule.implies(
    BASES,
    "status = 'App' AND NOT npc AND NOT EXISTS (SELECT FROM characters_spiritcharacter WHERE character_ptr_id = id)",
    "owner_id IS NOT NULL",
    severity="info",
    breaks={"owner_id": "NULL"},
    show=["status", "owner_id", "npc"],
    fix_hint="the row does not say whose character it was: a storyteller decides",
    tags=["validate_character_data", "CHAR-2"],
)
def test_character_owner_is_named_once_approved(violations: Violations) -> None:
    """An approved player character has an owner.

    The severity is info: deleting a user leaves the characters behind. The command did not exempt NPCs and spirits, which
    have no owner by right.
    """
    assert not violations


@rule.rows(
    CAST,
    "cm.status IN ('Ret', 'Dec') AND NOT scene.finished",
    severity="info",
    breaks="""
    INSERT INTO game_scene_characters (scene_id, charactermodel_id)
    SELECT scene.id, cm.id
    FROM game_scene AS scene JOIN characters_charactermodel AS cm ON cm.chronicle_id = scene.chronicle_id
    WHERE NOT scene.finished AND cm.status = 'Ret'
    ORDER BY scene.id, cm.id LIMIT 1
    RETURNING id
    """,
    show=["cm.id", "cm.status", "scene.id", "scene.name"],
    fix="delete part where (part.scene_id, cm.id) NOT IN ("
    "SELECT scene_id, character_id FROM game_post WHERE scene_id IS NOT NULL AND character_id IS NOT NULL)",
    fix_allows="delete",
    tags=["validate_character_data", "CHAR-3"],
)
def test_retired_character_is_in_no_unfinished_scene(violations: Violations) -> None:
    """Retired and deceased characters take part in no scene that still goes on.

    The severity is info: TG leaves a character that retires or dies in its open scenes. The fix takes out those who have
    not posted there; what becomes of the others, and their claim on XP, a storyteller decides.
    """
    assert not violations


@pytest.mark.parametrize("table", [f"locations_chantry_{role}" for role in CHANTRY_ROLES])
@rule.rows(
    CHANTRY_MEMBERS,
    "cm.status IN ('Ret', 'Dec')",
    breaks="""
    INSERT INTO {table} (chantry_id, human_id)
    SELECT place.id, cm.id
    FROM locations_chantry AS chantry JOIN locations_locationmodel AS place ON place.id = chantry.locationmodel_ptr_id
    JOIN characters_charactermodel AS cm ON cm.chronicle_id = place.chronicle_id
    JOIN characters_mage AS mage ON mage.mtahuman_ptr_id = cm.id
    WHERE cm.status = 'Ret'
    ORDER BY place.id, cm.id LIMIT 1
    RETURNING id
    """,
    show=["held.chantry_id", "cm.status"],
    fix="delete held",
    fix_allows="delete",
    tags=["CHAR-6"],
)
def test_retired_character_belongs_to_no_chantry(violations: Violations, table: str) -> None:
    """Retired and deceased characters have no part in a chantry: not as member, leader, guardian, nor in any other role.

    The application takes them out when it saves them; so does the fix.
    """
    assert not violations


@pytest.mark.parametrize("column", ["ambassador_id", "node_tender_id"])
@rule.rows(
    CHANTRY_OFFICES,
    "cm.status IN ('Ret', 'Dec')",
    breaks="""
    UPDATE locations_chantry SET {column} = (
        SELECT min(cm.id) FROM characters_charactermodel AS cm
        JOIN characters_mage AS mage ON mage.mtahuman_ptr_id = cm.id WHERE cm.status = 'Ret'
    ) WHERE locationmodel_ptr_id = (SELECT min(locationmodel_ptr_id) FROM locations_chantry)
    RETURNING locationmodel_ptr_id
    """,
    show=["cm.id", "cm.status"],
    fix={"held.{column}": "NULL"},
    tags=["CHAR-6"],
)
def test_retired_character_holds_no_office_in_a_chantry(violations: Violations, column: str) -> None:
    """Retired and deceased characters are no ambassador and no node tender; the fix leaves the office empty."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "column"),
    [
        pytest.param("characters_hunter_cell_members", "from_hunter_id", id="cell"),
        pytest.param("characters_hunter_cell_members", "to_hunter_id", id="cell of others"),
        pytest.param("characters_hunterorganization_members", "hunter_id", id="organization"),
        pytest.param("characters_hunterorganization", "leader_id", id="leader"),
    ],
)
@rule.rows(
    HELD,
    "cm.status IN ('Ret', 'Dec')",
    severity="info",
    breaks={"cm.status": "'Ret'"},
    show=["cm.id", "cm.status"],
    fix_hint="the application leaves them in, and a player may want it so",
    overlaps=RETIRED,
    tags=["CHAR-7"],
)
def test_retired_hunter_is_in_no_cell_or_organization(violations: Violations, table: str, column: str) -> None:
    """Retired and deceased hunters belong to no cell and no organisation, and lead none.

    The application never takes them out, hence the severity.
    """
    assert not violations


@pytest.mark.parametrize("column", ["demon_id", "thrall_id"])
@rule.rows(
    PARTIES,
    "held.active AND cm.status IN ('Ret', 'Dec')",
    severity="info",
    breaks={"held.active": "TRUE", "cm.status": "'Ret'"},
    show=["cm.id", "cm.status"],
    fix_hint="a pact has terms: the storyteller decides what becomes of it",
    overlaps=RETIRED,
    tags=["CHAR-7"],
)
def test_retired_character_holds_no_active_pact(violations: Violations, column: str) -> None:
    """Retired and deceased demons and thralls are bound by no pact that still holds.

    The application never ends one, hence the severity.
    """
    assert not violations


@rule.implies(
    BASES,
    "status = 'App' AND NOT npc AND EXISTS (SELECT FROM characters_human WHERE character_ptr_id = id)",
    "freebies_approved",
    severity="info",
    breaks={"freebies_approved": "FALSE"},
    show=["owner_id"],
    fix_hint="a storyteller looks at how the freebie points were spent",
    tags=["CHAR-8"],
)
def test_character_freebies_are_approved_with_the_character(violations: Violations) -> None:
    """The freebie points of an approved player character are approved; approval of many at once forgets them."""
    assert not violations


@rule.metric(
    "characters_awaiting_approval",
    "SELECT count(*) FROM characters_charactermodel WHERE status = 'Sub'",
    severity="info",
    tags=["CHAR-10"],
)
def test_characters_awaiting_approval_are_counted(violations: Violations) -> None:
    """How many characters wait for a storyteller; for how long cannot be said: no table stores when they were submitted."""
    assert not violations


@rule.between(
    SHEETS,
    "creation_status",
    0,
    None,
    severity="info",
    fix="clamp",
    tags=["CHAR-11"],
)
def test_character_creation_has_not_gone_below_its_first_step(violations: Violations) -> None:
    """The step that the creation of a character has reached is not negative; the fix begins anew.

    No code looks for it, hence the severity.
    """
    assert not violations


@rule.implies(
    BASES,
    "status = 'App' AND NOT npc",
    "chronicle_id IS NOT NULL",
    severity="info",
    breaks={"chronicle_id": "NULL"},
    show=["status", "npc", "owner_id"],
    fix_hint="the row does not say where the character was played: a storyteller decides",
    tags=["CHAR-21"],
)
def test_character_chronicle_is_named_once_approved(violations: Violations) -> None:
    """An approved player character belongs to a chronicle.

    The application approves characters without one, hence the severity.
    """
    assert not violations


@rule.unique(
    BASES,
    ["lower(btrim(name))", "owner_id", "chronicle_id"],
    nulls_distinct=False,
    severity="info",
    breaks="""
    WITH one AS (SELECT * FROM characters_charactermodel WHERE status = 'App' AND owner_id IS NOT NULL ORDER BY id LIMIT 1),
    twin AS (
        UPDATE characters_charactermodel SET name = upper((SELECT name FROM one)) WHERE id = (
            SELECT min(other.id) FROM characters_charactermodel AS other, one
            WHERE (other.owner_id, other.chronicle_id) = (one.owner_id, one.chronicle_id) AND other.id <> one.id
        ) RETURNING id
    )
    SELECT id FROM one UNION ALL SELECT id FROM twin
    """,
    show=["owner_id", "chronicle_id", "status"],
    fix_hint="only the player knows whether they are two; merging them would lose one's history",
    tags=["CHAR-24"],
)
def test_character_is_there_once(violations: Violations) -> None:
    """No player has two characters of one name in a chronicle: the second is probably the first, entered again."""
    assert not violations


@rule.references(
    BASES,
    "id",
    "game_journal",
    "character_id",
    breaks="""
    DELETE FROM game_journal WHERE id = (
        SELECT min(id) FROM game_journal
        WHERE id NOT IN (SELECT journal_id FROM game_journalentry WHERE journal_id IS NOT NULL)
    ) RETURNING character_id
    """,
    fix={"game_journal.character_id": "id"},
    fix_allows="insert",
    tags=["CHAR-22"],
)
def test_character_has_a_journal(violations: Violations) -> None:
    """Every character has a journal; that nobody has two the database sees to."""
    assert not violations


@rule.rows(
    LEFT_OVER,
    "rest.alone",
    severity="info",
    breaks="""
    UPDATE characters_backgroundrating SET char_id = NULL WHERE id = (
        SELECT min(id) FROM characters_backgroundrating WHERE char_id IS NOT NULL AND NOT pooled
    ) RETURNING 'characters_backgroundrating', id
    """,
    fix=f"delete {', '.join(table for table in LEFT_BY_CHARACTERS if table != 'game_journalentry')}"
    " where NOT coalesce(game_weeklyxprequest.approved, FALSE)",
    fix_allows="delete",
    overlaps=["test_xp_is_requested_by_all_who_played"],
    tags=["RATE-1", "CHAR-23", "XP-2", "XP-11"],
)
def test_character_leaves_nothing_behind(violations: Violations) -> None:
    """Ratings, journal entries and requests for XP belong to a character.

    The severity is info: deleting a character empties the column that named it, and leaves the rows to nobody. The fix
    deletes the ratings and the requests. What a player wrote is left to a person, and so are requests that were approved:
    they are all that is left to say that XP was paid.
    """
    assert not violations


@rule.rows(
    HUMANS,
    "current_health_levels !~ '^A*L*B*$'",
    fix={
        "current_health_levels": """
            CASE WHEN current_health_levels ~ '^[ALB]*$' THEN
                repeat('A', length(current_health_levels) - length(replace(current_health_levels, 'A', '')))
                || repeat('L', length(current_health_levels) - length(replace(current_health_levels, 'L', '')))
                || repeat('B', length(current_health_levels) - length(replace(current_health_levels, 'B', '')))
            ELSE current_health_levels END
        """
    },
    breaks={"current_health_levels": "'BLA'"},
    show=["current_health_levels"],
    overlaps=["test_health_levels_lost_are_at_most_all"],
    tags=["CHAR-12"],
)
def test_health_levels_lost_are_in_order(violations: Violations) -> None:
    """Wounds stand in order, the worst first: aggravated, lethal, bashing, written A, L and B.

    The fix sorts them; a letter that is no wound is left to a person.
    """
    assert not violations


@rule.at_most(
    HUMANS,
    "length(current_health_levels)",
    "max_health_levels",
    fix_hint="either a wound is too many or the body is too small: the player or a storyteller decides",
    breaks={"current_health_levels": "repeat('B', 50)", "max_health_levels": "7"},
    overlaps=["test_health_levels_are_at_least_one"],
    tags=["CHAR-12"],
)
def test_health_levels_lost_are_at_most_all(violations: Violations) -> None:
    """Nobody has more wounds than health levels."""
    assert not violations


@rule.between(
    HUMANS,
    "max_health_levels",
    1,
    None,
    fix_hint="seven are usual, but what the sheet had only the player or a storyteller knows",
    overlaps=["test_health_levels_lost_are_at_most_all"],
    tags=["CHAR-12"],
)
def test_health_levels_are_at_least_one(violations: Violations) -> None:
    """Every body has at least one health level."""
    assert not violations


@rule.between(
    HUMANS,
    "freebies",
    0,
    None,
    fix_hint="freebie points are spent like money: a storyteller decides",
    tags=["CHAR-15"],
)
def test_freebies_are_never_negative(violations: Violations) -> None:
    """Nobody has spent more freebie points than there were."""
    assert not violations


@rule.json_shape(
    HUMANS,
    "spent_freebies",
    [{"cost": float}],
    fix="CASE WHEN spent_freebies IN ('null', '{{}}', '\"\"') THEN '[]' ELSE spent_freebies END",
    breaks={"spent_freebies": "'null'"},
    overlaps=["test_json_column_is_a_list"],
    tags=["CHAR-16"],
)
def test_freebies_spent_are_a_list_of_costs(violations: Violations) -> None:
    """What freebie points were spent on is a list whose entries each say a cost; anything else breaks the sheet.

    The fix makes an empty list of what is empty; what an entry cost only a storyteller knows.
    """
    assert not violations


@rule.rows(
    LEGACY_FREEBIES,
    """
    jsonb_typeof(spent.entry -> 'trait') IS DISTINCT FROM 'string' OR btrim(spent.entry ->> 'trait') = ''
    OR CASE WHEN jsonb_typeof(spent.entry -> 'cost') = 'number'
            THEN (spent.entry ->> 'cost')::numeric NOT BETWEEN -60 AND 60 ELSE FALSE END
    """,
    severity="low",
    breaks="""
        UPDATE characters_human SET spent_freebies = '[{{"value": 2, "cost": 5}}]'
        WHERE character_ptr_id = (SELECT min(character_ptr_id) FROM characters_human)
        RETURNING character_ptr_id, 1
    """,
    show=["spent.entry"],
    fix_hint="on what the points were spent only the player or a storyteller knows",
    overlaps=["test_freebies_spent_are_recorded"],
    tags=["CHAR-16"],
)
def test_freebies_spent_name_their_traits(violations: Violations) -> None:
    """What stands in the old list of freebie points says on which trait they were spent, and costs at most 60 of them.

    All pages and methods that write into it write trait, value and cost. The severity is low: the list is history, and the
    records count.
    """
    assert not violations


@rule.references(
    LEGACY_FREEBIES,
    ["human.character_ptr_id", "spent.entry ->> 'trait'", "spent.entry ->> 'cost'"],
    "game_freebiespendingrecord",
    ["character_id", "trait_name", "cost::text"],
    severity="info",
    breaks="""
    WITH lost AS (
        SELECT human.character_ptr_id, spent.number, min(record.id) AS id
        FROM characters_human AS human
        CROSS JOIN LATERAL jsonb_array_elements(human.spent_freebies) WITH ORDINALITY AS spent(entry, number)
        JOIN game_freebiespendingrecord AS record ON record.character_id = human.character_ptr_id
        AND (record.trait_name, record.cost::text) = (spent.entry ->> 'trait', spent.entry ->> 'cost')
        GROUP BY human.character_ptr_id, spent.number HAVING count(*) = 1
        ORDER BY human.character_ptr_id, spent.number LIMIT 1
    ), renamed AS (
        UPDATE game_freebiespendingrecord SET trait_name = 'Something Else' FROM lost
        WHERE game_freebiespendingrecord.id = lost.id RETURNING game_freebiespendingrecord.id
    )
    SELECT character_ptr_id, number FROM lost
    """,
    show=["spent.entry"],
    fix_hint="the list is the older of the two: a storyteller enters what is missing",
    tags=["CHAR-17"],
)
def test_freebies_spent_are_recorded(violations: Violations) -> None:
    """What the old list on a sheet says was bought with freebie points has a record of the same trait and cost.

    The severity is info: the pages on which a mage buys Arete write into the list and make no record.
    """
    assert not violations
