"""Faults of accounts and of play: storytellers, scenes, weeks, experience."""

from typing import Final

from .fault import Fault, sets

PROFILE: Final = """
    INSERT INTO accounts_profile
    SELECT (jsonb_populate_record(p, jsonb_build_object('id', %(key)s::int, 'user_id', %(key)s::int))).*
    FROM accounts_profile p WHERE p.id = 1
"""
PLAY: Final = (
    Fault(
        "ST-2",
        "game_strelationship",
        "900062",
        "one storyteller twice, the game line unknown both times, which UNIQUE lets through",
        (
            (
                "INSERT INTO game_strelationship (id, user_id, chronicle_id) SELECT n, s.user_id, s.chronicle_id"
                " FROM game_strelationship s, unnest(ARRAY[%(key)s::int - 1, %(key)s::int]) n WHERE s.id = 1"
            ),
        ),
        also=("ST-1",),
    ),
    Fault("USR-1", "auth_user", "900063", "an account without a profile", (), "auth_user"),
    Fault(
        "USR-7",
        "auth_user",
        "900064",
        "a password in plain text",
        (PROFILE, sets("auth_user", "id", "password = 'letmein'")),
        "auth_user",
    ),
    Fault(
        "SCN-1",
        "game_scene",
        "900065",
        "experience for a scene that still runs",
        (
            sets("game_scene", "id", "finished = false, xp_given = true"),
            (
                "INSERT INTO game_scene_characters SELECT %(key)s, s.id, min(m.id) FROM game_scene s"
                " JOIN characters_charactermodel m USING (chronicle_id) WHERE s.id = %(key)s AND m.status = 'App'"
                " GROUP BY s.id"
            ),
        ),
        "game_scene",
    ),
    Fault(
        "SCN-9", "game_post", "900066", "a post in no scene", (sets("game_post", "id", "scene_id = NULL"),), "game_post"
    ),
    Fault(
        "WK-1",
        "game_week",
        "900067",
        "a week that ends on a Wednesday",
        (sets("game_week", "id", "end_date = end_date + 3"),),
        "game_week",
    ),
    Fault("WK-2", "game_week", "900068", "two weeks with one end", (), "game_week"),
    Fault(
        "XP-3",
        "game_weeklyxprequest",
        "900069",
        "a weekly request made and paid twice",
        (),
        "game_weeklyxprequest",
        ("XP-7",),
    ),
    Fault(
        "XP-12",
        "game_xpspendingrequest",
        "900070",
        "approved, but nobody knows when",
        (sets("game_xpspendingrequest", "id", "approved = 'Approved', approved_at = NULL"),),
        "game_xpspendingrequest",
    ),
    Fault(
        "XP-13",
        "game_xpspendingrequest",
        "900071",
        "neither pending, approved nor denied",
        (sets("game_xpspendingrequest", "id", "approved = 'Maybe'"),),
        "game_xpspendingrequest",
    ),
    Fault(
        "XP-17",
        "game_xpspendingrequest",
        "900072",
        "the price of a trait that has no price",
        (sets("game_xpspendingrequest", "id", "trait_type = 'other', cost = 10000"),),
        "game_xpspendingrequest",
        ("XP-26",),
    ),
)
