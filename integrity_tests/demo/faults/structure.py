"""Faults of structure: type tags and chains of inheritance, references, keys, the catalog itself."""

from typing import Final

from .fault import HUMAN, ROOT, TYPE_OF, Fault, character, nullable, sets, unreferenced, ununique

KINSHIP: Final = (
    Fault("POLY-1", ROOT, "900041", "no content type", character("polymorphic_ctype_id = NULL"), HUMAN),
    Fault(
        "POLY-2",
        "characters_archetype",
        "900042",
        "the content type of a class of another root",
        (sets("characters_archetype", "id", f"polymorphic_ctype_id = {TYPE_OF.format('items', 'weapon')}"),),
        "characters_archetype",
    ),
    Fault(
        "POLY-3",
        ROOT,
        "900043",
        "a vampire without its row among the vampires",
        ("DELETE FROM characters_vampire WHERE vtmhuman_ptr_id = %(key)s",),
        "characters_vampire",
    ),
    Fault(
        "POLY-4",
        "characters_mage",
        "900044",
        "a mage that is labelled as its ancestor",
        character(f"polymorphic_ctype_id = {TYPE_OF.format('characters', 'mtahuman')}"),
        "characters_mage",
    ),
    Fault(
        "POLY-4",
        "characters_wtahuman",
        "900045",
        "a mortal of the werewolf line that is labelled as one of the mage line",
        character(f"polymorphic_ctype_id = {TYPE_OF.format('characters', 'mtahuman')}"),
        "characters_wtahuman",
        ("POLY-3",),
    ),
    Fault(
        "POLY-5",
        HUMAN,
        "900046",
        "one human of two game lines",
        (
            (
                "INSERT INTO characters_wtahuman SELECT (jsonb_populate_record(w, jsonb_build_object('human_ptr_id',"
                " %(key)s::int))).* FROM characters_wtahuman w ORDER BY w.human_ptr_id LIMIT 1"
            ),
        ),
        "characters_vtmhuman",
        ("POLY-4",),
    ),
    Fault(
        "POLY-6",
        "items_weapon",
        "900047",
        "a weapon whose item row is gone",
        unreferenced("DELETE FROM items_itemmodel WHERE id = %(key)s"),
        "items_meleeweapon",
        ("items_weapon_itemmodel_ptr_id_295d11dc_fk_items_itemmodel_id",),
    ),
    Fault(
        "POLY-7",
        "django_content_type",
        "fetter",
        "a content type that is gone (with its permissions); nothing else referred to it",
        (
            f"DELETE FROM auth_permission WHERE content_type_id = {TYPE_OF.format('characters', 'fetter')}",
            f"DELETE FROM django_content_type WHERE id = {TYPE_OF.format('characters', 'fetter')}",
        ),
    ),
    Fault(
        "TREE-1",
        "characters_vampireclan",
        "900048",
        "a clan that descends from itself",
        (sets("characters_vampireclan", "id", "parent_clan_id = id"),),
        "characters_vampireclan",
        ("REF-10",),
    ),
    Fault(
        "LOC-2",
        "locations_locationmodel",
        "900049",
        "a place inside itself",
        (sets("locations_locationmodel", "id", "parent_id = id"),),
        "locations_locationmodel",
    ),
)

KEYS: Final = (
    Fault(
        "game_post_scene_id_39a75932_fk_game_scene_id",
        "game_post",
        "900051",
        "a post in a scene that does not exist",
        unreferenced(sets("game_post", "id", "scene_id = 888888, character_id = NULL")),
        "game_post",
    ),
    Fault(
        "characters_charactermodel_owner_id_cec8bb22_fk_auth_user_id",
        ROOT,
        "900052",
        "an owner that does not exist",
        unreferenced(*character("owner_id = 888888")),
        HUMAN,
    ),
    Fault(
        "core_observer_content_type_id_object_id_user_id_5d6eb5db_uniq",
        "core_observer",
        "900053",
        "the same onlooker twice under a UNIQUE that claims to hold",
        ununique(
            "core_observer_content_type_id_object_id_user_id_5d6eb5db_uniq",
            "INSERT INTO core_observer SELECT (jsonb_populate_record(o, jsonb_build_object('id', %(key)s::int))).*"
            " FROM core_observer o WHERE o.id = 1",
        ),
    ),
    Fault(
        "not null game_story.name",
        "game_story",
        "900054",
        "NULL in a column that claims NOT NULL",
        nullable("game_story", "name", sets("game_story", "id", "name = NULL")),
        "game_story",
    ),
    Fault(
        "OBSV-1",
        "core_observer",
        "900055",
        "an onlooker of a character that is gone",
        (
            (
                "INSERT INTO core_observer SELECT (jsonb_populate_record(o, jsonb_build_object('id', %(key)s::int,"
                " 'object_id', 888888))).* FROM core_observer o WHERE o.id = 1"
            ),
        ),
    ),
    Fault(
        "RATE-2",
        "characters_meritflawrating",
        "900056",
        "one merit of one character rated twice",
        (),
        "characters_meritflawrating",
    ),
    Fault(
        "RATE-1",
        "characters_practicerating",
        "900057",
        "a rating of nobody's practice",
        (sets("characters_practicerating", "id", "mage_id = NULL"),),
        "characters_practicerating",
    ),
)

CATALOG: Final = (
    Fault(
        "SYS-1",
        "core_number",
        "core_number",
        "a sequence behind its table: the next INSERT fails",
        ("SELECT setval(pg_get_serial_sequence('core_number', 'id'), 3)",),
    ),
    Fault(
        "SYS-3",
        "items_dross",
        "items_dross_glamour_value_range",
        "a CHECK that was added NOT VALID and never validated",
        (
            (
                "ALTER TABLE items_dross DROP CONSTRAINT items_dross_glamour_value_range, ADD CONSTRAINT"
                " items_dross_glamour_value_range CHECK (glamour_value >= 1 AND glamour_value <= 10) NOT VALID"
            ),
        ),
    ),
    Fault(
        "SYS-3",
        "items_bloodstone",
        "items_bloodstone",
        "foreign keys that are switched off by disabled triggers",
        ("ALTER TABLE items_bloodstone DISABLE TRIGGER ALL",),
    ),
    Fault(
        "SYS-3",
        "items_material",
        "items_material_pkey",
        "an index that is marked invalid",
        ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'items_material_pkey'::regclass",),
    ),
    Fault(
        "locations_trod_strength_range",
        "locations_trod",
        "locations_trod_strength_range",
        "a CHECK that the migrations make and the catalog lacks",
        ("ALTER TABLE locations_trod DROP CONSTRAINT locations_trod_strength_range",),
    ),
    Fault(
        "SYS-4",
        "auth_permission",
        "delete_grondr",
        "a default permission that is gone",
        ("DELETE FROM auth_permission WHERE codename = 'delete_grondr'",),
    ),
)
