"""Characters: what a sheet has to say, and what a status allows."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule

from .sources import BASES, CAST, CHARACTERS
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
