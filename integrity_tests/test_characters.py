"""Characters: what a sheet has to say, and what a status allows."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule

from .sources import BASES, CAST, CHARACTERS, HUMANS
from .vocabulary import STATUSES


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


@rule.rows(
    CHARACTERS,
    "cm.status IN ('Sub', 'App') AND btrim(ch.concept, E' \\t\\n\\r') = ''",
    breaks={"cm.status": "'App'", "ch.concept": "''"},
    show=["cm.status", "ch.concept"],
    fix_hint="only the player or a storyteller knows the concept",
    overlaps=["test_character_owner_is_named_once_approved"],
    tags=["validate_character_data", "CHAR-1"],
)
def test_character_concept_is_given_once_submitted(violations: Violations) -> None:
    """A submitted or approved character has a concept."""
    assert not violations


@rule.rows(
    BASES,
    """
    status = 'App' AND owner_id IS NULL AND NOT npc
    AND id NOT IN (SELECT character_ptr_id FROM characters_spiritcharacter)
    """,
    breaks={"status": "'App'", "owner_id": "NULL", "npc": "FALSE"},
    show=["status", "owner_id", "npc"],
    fix_hint="the row does not say whose character it was: a storyteller decides",
    overlaps=["test_character_concept_is_given_once_submitted"],
    tags=["validate_character_data", "CHAR-2"],
)
def test_character_owner_is_named_once_approved(violations: Violations) -> None:
    """An approved player character has an owner.

    The command did not exempt NPCs and spirits, which have none by right.
    """
    assert not violations


@rule.rows(
    CAST,
    "cm.status IN ('Ret', 'Dec') AND NOT scene.finished",
    breaks={"cm.status": "'Ret'", "scene.finished": "FALSE"},
    show=["cm.id", "cm.status", "scene.id", "scene.name"],
    fix_hint="taking the character out of the scene opens or closes claims on XP: a storyteller decides",
    overlaps=["test_scene_that_gave_xp_is_finished"],
    tags=["validate_character_data", "CHAR-3"],
)
def test_retired_character_is_in_no_unfinished_scene(violations: Violations) -> None:
    """Retired and deceased characters take part in no scene that still goes on."""
    assert not violations


@rule.rows(
    BASES,
    "status = 'App' AND NOT npc AND chronicle_id IS NULL",
    breaks={"status": "'App'", "npc": "FALSE", "chronicle_id": "NULL"},
    show=["status", "npc", "owner_id"],
    fix_hint="the row does not say where the character was played: a storyteller decides",
    overlaps=["test_character_owner_is_named_once_approved"],
    tags=["CHAR-21"],
)
def test_character_chronicle_is_named_once_approved(violations: Violations) -> None:
    """An approved player character belongs to a chronicle."""
    assert not violations


@rule.references(
    BASES,
    "id",
    "game_journal",
    "character_id",
    fix_hint="insert a journal for the character, as saving it in the application does",
    tags=["CHAR-22"],
)
def test_character_has_a_journal(violations: Violations) -> None:
    """Every character has a journal; that nobody has two the database sees to."""
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


@rule.rows(
    HUMANS,
    """
    jsonb_typeof(spent_freebies) <> 'array' OR EXISTS (
        SELECT FROM jsonb_array_elements(CASE jsonb_typeof(spent_freebies) WHEN 'array' THEN spent_freebies ELSE '[]' END)
            AS spent(entry)
        WHERE jsonb_typeof(spent.entry -> 'cost') IS DISTINCT FROM 'number'
    )
    """,
    breaks={"spent_freebies": """'[{{"cost": "many"}}]'"""},
    show=["spent_freebies"],
    fix_hint="an empty object becomes an empty list; what an entry cost only a storyteller knows",
    tags=["CHAR-16"],
)
def test_freebies_spent_are_a_list_of_costs(violations: Violations) -> None:
    """What freebie points were spent on is a list whose entries each say a cost; anything else breaks the sheet."""
    assert not violations
