"""Whether XP adds up, as far as the rows can tell: awards and spends beside the pool, and numbers that no trait costs.

The pool on the sheet holds what is unspent. Of what came in, approved weekly requests are stored with their amount; who was paid
for a scene or a story is not, nor is what a storyteller gave by hand. Of what went out, requests are stored with their cost, but
only the sheet of mages takes the XP when it is asked for, and only a sheet gives it back when it is denied. So a pool can be too
small for what certainly came in, or too large for all that could have; in between nobody can tell from the rows.
"""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import HUMANS, SHEETS
from .sources.play import CERTAIN, EITHER_SPENDS, LIKELY, POSSIBLE, SPENDS_OF_MAGES, STORY_REQUESTS
from .test_xp_spends import NOT_THERE, rating
from .words.classes import SPHERES

MONEY: Final = "XP is money: a storyteller decides"
TYPED: Final = "a typing error, or a price that no rule knows: a storyteller decides what it costs"


@rule.total(
    SHEETS,
    CERTAIN,
    "entry.xp",
    by="entry.character_id",
    at_most="characters_character.xp",
    breaks="""
        WITH award AS (
            INSERT INTO game_weeklyxprequest (character_id, week_id, approved, finishing, learning, rp, focus, standingout)
            SELECT part.charactermodel_id, NULL, TRUE, TRUE, FALSE, FALSE, FALSE, FALSE
            FROM (
                SELECT min(cm.id) AS charactermodel_id FROM characters_charactermodel AS cm
                JOIN characters_character AS ch ON ch.charactermodel_ptr_id = cm.id
                WHERE NOT cm.npc AND ch.xp = 0 AND cm.id NOT IN (SELECT character_id FROM game_xpspendingrequest)
            ) AS part
            RETURNING character_id
        )
        SELECT character_id FROM award
    """,
    show=["xp"],
    fix_hint="an award was not added, or a denied spend not given back: a storyteller looks at the character's requests",
    overlaps=["XP-1", "XP-2", "XP-3", "XP-8"],
    tags=["ledger"],
)
def test_xp_awarded_is_spent_or_there(violations: Violations) -> None:
    """Nobody has spent and has left less XP than approved weekly requests alone have brought.

    XP that is gone without a request: an award was approved and not added, or a spend was denied and not given back. XP for
    scenes and stories is not counted, since it is not stored who got it: as much may be missing and not be seen.
    """
    assert not violations


@rule.total(
    SHEETS,
    LIKELY,
    "entry.xp",
    by="entry.character_id",
    at_most="characters_character.xp",
    severity="info",
    breaks="""
        WITH played AS (
            INSERT INTO game_scene_characters (scene_id, charactermodel_id)
            SELECT (SELECT min(scene.id) FROM game_scene AS scene WHERE scene.xp_given AND scene.chronicle_id = cm.chronicle_id), cm.id
            FROM characters_charactermodel AS cm WHERE cm.id = (
                SELECT min(idle.id) FROM characters_charactermodel AS idle
                JOIN characters_character AS ch ON ch.charactermodel_ptr_id = idle.id
                WHERE idle.npc AND ch.xp = 0 AND idle.status = 'App' AND idle.chronicle_id IN (SELECT chronicle_id FROM game_scene)
                  AND idle.id NOT IN (SELECT character_id FROM game_xpspendingrequest)
                  AND idle.id NOT IN (SELECT charactermodel_id FROM game_scene_characters))
            RETURNING charactermodel_id
        )
        SELECT charactermodel_id FROM played
    """,
    show=["xp"],
    fix_hint="not everybody in a scene has to be paid for it: a storyteller judges",
    overlaps=[
        *("WK-3", "SCN-11", "XP-1", "XP-17", "XP-20", "XP-21", "XP-27", "XP-28", "XP-30", "XP-32"),
        "test_xp_awarded_is_spent_or_there",
    ],
    tags=["ledger"],
)
def test_xp_of_scenes_is_spent_or_there(violations: Violations) -> None:
    """Nobody has spent and has left less XP than approved weekly requests and paid scenes have brought.

    A hint, not a proof: a storyteller ticks who is paid for a scene, and it is not stored who was not.
    """
    assert not violations


@rule.total(
    SHEETS,
    POSSIBLE,
    "entry.xp",
    by="entry.character_id",
    at_least="characters_character.xp::bigint - 500",
    severity="low",
    breaks={"characters_character.xp": "1000000"},
    show=["xp"],
    fix_hint=MONEY,
    overlaps=["test_xp_can_be_explained_by_awards"],
    tags=["ledger"],
)
def test_xp_left_is_not_beyond_all_awards(violations: Violations) -> None:
    """Nobody has 500 XP more left than all stored awards and all spends that could have been paid back.

    A typing error rather than a gift: in a year of play somebody gets about 300. What is less a storyteller may have given,
    which leaves no trace; `test_xp_can_be_explained_by_awards` lists it.
    """
    assert not violations


@rule.between(
    HUMANS,
    "freebies",
    None,
    150,
    severity="low",
    fix_hint="a storyteller knows what the character began with",
    overlaps=["test_freebies_add_up_to_what_characters_begin_with"],
    tags=["ledger"],
)
def test_freebies_left_are_not_beyond_all_beginnings(violations: Violations) -> None:
    """Nobody has more than 150 freebie points left: characters begin with 15 to 25, the best background brings 100."""
    assert not violations


@pytest.mark.parametrize(("table", "most"), [("game_xpspendingrequest", 100), ("game_freebiespendingrecord", 60)])
@rule.at_most(
    EITHER_SPENDS,
    "spend.cost",
    "CASE WHEN spend.cost < 9999 THEN %(most)s ELSE spend.cost END",
    severity="low",
    breaks={"spend.cost": "500"},
    show=["spend.trait_type", "spend.trait_name", "spend.trait_value", "spend.approved"],
    fix_hint=TYPED,
    overlaps=["XP-19", "XP-20", "XP-21", "XP-26", "XP-30", "FRB-3", "CHAR-17", "test_xp_left_is_not_beyond_all_awards"],
    since="spend.created_at",
    tags=["ledger"],
)
def test_xp_spend_costs_what_some_trait_costs(violations: Violations, table: str, most: int) -> None:
    """Nothing costs more than 100 XP, or 60 freebie points: the tenth dot of the dearest trait costs no more.

    The page on which any cost can be asked for takes 1 200 for 12. What has no price at all has rules of its own.
    """
    assert not violations


@pytest.mark.parametrize(("table", "most"), [("game_xpspendingrequest", 10), ("game_freebiespendingrecord", 60)])
@rule.between(
    EITHER_SPENDS,
    "spend.trait_value",
    "CASE WHEN spend.trait_type IN ('meritflaw', 'advantage') THEN -10 ELSE 0 END",
    "%(most)s",
    severity="low",
    show=["spend.trait_type", "spend.trait_name", "spend.cost", "spend.approved"],
    fix_hint=TYPED,
    overlaps=["XP-17", "XP-19", "XP-20", "XP-21", "XP-22", "XP-29", "test_xp_spend_on_a_sphere_is_on_the_sheet"],
    since="spend.created_at",
    tags=["ledger"],
)
def test_xp_spend_buys_a_possible_value(violations: Violations, table: str, most: int) -> None:
    """No trait is bought up to more than 10 dots, nor down to a flaw of more than 10 points.

    Quintessence and the like are bought with freebie points by the handful.
    """
    assert not violations


@rule.between(
    STORY_REQUESTS,
    "request.duration",
    None,
    50,
    severity="low",
    fix_hint=MONEY,
    overlaps=["test_xp_can_be_explained_by_awards"],
    tags=["ledger"],
)
def test_xp_for_a_story_is_for_a_possible_time(violations: Violations) -> None:
    """No story is worth more than 50 XP for its length alone."""
    assert not violations


@rule.implies(
    SPENDS_OF_MAGES,
    "spend.approved = 'Approved' AND spend.trait_type = 'sphere'",
    rating("mage", "lower(spend.trait_name)", SPHERES) + " >= spend.trait_value",
    breaks={
        "spend.approved": "'Approved'",
        "spend.trait_type": "'sphere'",
        "spend.trait_name": "'Forces'",
        "mage.forces": "0",
    },
    show=["spend.trait_name", "spend.trait_value"],
    fix_hint=NOT_THERE,
    overlaps=["XP-12", "XP-15", "XP-19", "XP-20", "XP-21", "XP-22", "MAG-6", "MAG-7", "test_xp_spend_buys_a_dot_once"],
    since="spend.created_at",
    tags=["ledger"],
)
def test_xp_spend_on_a_sphere_is_on_the_sheet(violations: Violations) -> None:
    """A Sphere is at least as high as it was approved to be.

    Where it is lower, the request was approved on a page that changes its status and nothing else.
    """
    assert not violations


@rule.implies(
    SPENDS_OF_MAGES,
    "spend.approved = 'Approved' AND spend.trait_type = 'arete'",
    "mage.arete >= spend.trait_value",
    breaks={"spend.approved": "'Approved'", "spend.trait_type": "'arete'", "spend.trait_value": "10"},
    show=["spend.trait_name", "spend.trait_value"],
    fix_hint=NOT_THERE,
    overlaps=["XP-12", "XP-15", "XP-17", "XP-19", "XP-20", "XP-21", "test_xp_spend_buys_a_dot_once"],
    since="spend.created_at",
    tags=["ledger"],
)
def test_xp_spend_on_arete_is_on_the_sheet(violations: Violations) -> None:
    """Arete is at least as high as it was approved to be."""
    assert not violations
