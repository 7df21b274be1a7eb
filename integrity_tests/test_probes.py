"""What people wait for: pages of TG as statements, timed with ``--probe`` and ``--probe-writes``. There is no rule here."""

from __future__ import annotations

from typing import Any, Final

from pytest_tgintegrity import probe

SHEET: Final = """
    SELECT * FROM characters_vampire AS vampire
    JOIN characters_vtmhuman AS vtm ON vtm.human_ptr_id = vampire.vtmhuman_ptr_id
    JOIN characters_human AS human ON human.character_ptr_id = vtm.human_ptr_id
    JOIN characters_character AS character ON character.charactermodel_ptr_id = human.character_ptr_id
    JOIN characters_charactermodel AS base ON base.id = character.charactermodel_ptr_id
    WHERE vampire.vtmhuman_ptr_id = (SELECT max(vtmhuman_ptr_id) FROM characters_vampire)
"""
LISTED: Final = """
    SELECT base.id, base.name, base.status, base.npc, base.owner_id, base.polymorphic_ctype_id
    FROM characters_charactermodel AS base
    WHERE base.chronicle_id = (SELECT max(id) FROM game_chronicle) AND base.display
    ORDER BY base.name LIMIT 100
"""
QUEUE: Final = """
    SELECT spend.id, spend.trait_type, spend.trait_name, spend.trait_value, spend.cost, spend.created_at, base.name
    FROM game_xpspendingrequest AS spend JOIN characters_charactermodel AS base ON base.id = spend.character_id
    WHERE spend.approved = 'Pending' ORDER BY spend.created_at LIMIT 100
"""
SCENE: Final = """
    SELECT scene.id, scene.name, scene.date_of_scene, base.id, base.name, base.owner_id
    FROM game_scene AS scene
    JOIN game_scene_characters AS present ON present.scene_id = scene.id
    JOIN characters_charactermodel AS base ON base.id = present.charactermodel_id
    WHERE scene.id = (SELECT max(scene_id) FROM game_scene_characters) ORDER BY base.name
"""
SPENDER: Final = """
    SELECT charactermodel_ptr_id FROM characters_character
    WHERE charactermodel_ptr_id = (SELECT charactermodel_ptr_id FROM characters_character ORDER BY xp DESC LIMIT 1)
    AND xp > 0 FOR UPDATE
"""
ASK: Final = """
    INSERT INTO game_xpspendingrequest (trait_name, trait_type, trait_value, cost, approved, created_at, character_id)
    VALUES ('Willpower', 'willpower', 2, 1, 'Pending', now(), %s) RETURNING id
"""
PAY: Final = "UPDATE characters_character SET xp = xp - 1 WHERE charactermodel_ptr_id = %s"
APPROVE: Final = """
    UPDATE game_xpspendingrequest
    SET approved = 'Approved', approved_at = now(), approved_by_id = (SELECT min(id) FROM auth_user) WHERE id = %s
"""


@probe("character sheet")
def character_sheet(db: Any) -> None:
    """A vampire's sheet by id, over all five tables of the inheritance chain."""
    db.execute(SHEET).fetchall()


@probe("characters of a chronicle")
def characters_of_a_chronicle(db: Any) -> None:
    """The first page of the list of a chronicle's characters."""
    db.execute(LISTED).fetchall()


@probe("queue of XP requests")
def queue_of_xp_requests(db: Any) -> None:
    """The requests to spend XP that wait for a storyteller, oldest first."""
    db.execute(QUEUE).fetchall()


@probe("scene with participants")
def scene_with_participants(db: Any) -> None:
    """A scene and who is in it."""
    db.execute(SCENE).fetchall()


@probe("XP spend", writes=True)
def xp_spend(db: Any) -> None:
    """Whoever has most XP spends one, and a storyteller approves: the character locked, the request, the XP, the decision."""
    spender = db.execute(SPENDER).fetchone()
    if spender is None:
        raise LookupError("no character has XP that could be spent")
    request = db.execute(ASK, [spender[0]]).fetchone()
    db.execute(PAY, [spender[0]])
    db.execute(APPROVE, [request[0]])
