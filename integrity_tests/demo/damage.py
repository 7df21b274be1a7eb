"""The faults of `demo:damaged`: one bad row each, with the key that a report must name.

Most faults first get a victim: a copy of a clean object, with a number of its own, so that nothing hides anything else.
Where a constraint forbids the damage, the constraint is blinded for a moment and then left as it was: the catalog goes
on claiming that it holds, as it does after a restore or a careless `session_replication_role`.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from .rows import Rows, read_tables

if TYPE_CHECKING:
    from psycopg import Connection

_FIRST_FREE: Final = 999_999
_MOVE_SEQUENCES: Final = """
    SELECT setval(pg_get_serial_sequence(c.oid::regclass::text, a.attname), %s)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attidentity <> ''
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One planted fault."""

    rule: str
    """What is broken: an invariant's id, the name of a declared constraint, or "range", "not null" and a column."""
    table: str
    key: str
    """The primary key of the bad row, or the name of what is wrong where there is no row."""
    about: str
    statements: tuple[str, ...] = field(default=(), repr=False)
    """What does the damage; `%(key)s` is the key."""
    victim: str = ""
    """The table of the class whose first clean object is copied; empty where the statements need no victim."""
    also: tuple[str, ...] = ()
    """Other rules that the same row cannot help breaking."""


def _unchecked(table: str, statement: str) -> tuple[str, ...]:
    """A statement that the CHECK constraints of a table do not see."""
    count = f"(SELECT count(*) FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype = 'c')"
    switch = f"UPDATE pg_class SET relchecks = {{}} WHERE oid = '{table}'::regclass"
    return switch.format(0), statement, switch.format(count)


def _unreferenced(statement: str) -> tuple[str, ...]:
    """A statement that no foreign key sees."""
    role = "SET LOCAL session_replication_role = "
    return role + "replica", statement, role + "origin"


def _ununique(index: str, statement: str) -> tuple[str, ...]:
    """A statement that may repeat the key of a unique index."""
    switch = f"UPDATE pg_index SET indisunique = {{}} WHERE indexrelid = '{index}'::regclass"
    return switch.format("false"), statement, switch.format("true")


def _nullable(table: str, column: str, statement: str) -> tuple[str, ...]:
    """A statement that may leave a mandatory column empty."""
    switch = f"UPDATE pg_attribute SET attnotnull = {{}} WHERE attrelid = '{table}'::regclass AND attname = '{column}'"
    return switch.format("false"), statement, switch.format("true")


def _sets(table: str, key: str, change: str) -> str:
    return f"UPDATE {table} SET {change} WHERE {key} = %(key)s"


def _character(change: str) -> tuple[str, ...]:
    return (_sets("characters_charactermodel", "id", change),)


def _human(change: str) -> tuple[str, ...]:
    return (_sets("characters_human", "character_ptr_id", change),)


_HUMAN: Final = "characters_human"
_ROOT: Final = "characters_charactermodel"
_PROFILE: Final = """
    INSERT INTO accounts_profile
    SELECT (jsonb_populate_record(p, jsonb_build_object('id', %(key)s::int, 'user_id', %(key)s::int))).*
    FROM accounts_profile p WHERE p.id = 1
"""
_TYPE_OF: Final = "(SELECT id FROM django_content_type WHERE (app_label, model) = ('{}', '{}'))"


_TRAITS: Final = (
    Fault("range characters_human.strength", _HUMAN, "900001", "an attribute of 11", _human("strength = 11"), _HUMAN, ("CHAR-14",)),
    Fault("CHAR-13", _HUMAN, "900002", "an attribute of 0", _human("dexterity = 0"), _HUMAN, ("range characters_human.dexterity",)),
    Fault("range characters_human.athletics", _HUMAN, "900003", "an ability of 42", _human("athletics = 42"), _HUMAN),
    Fault("range characters_human.brawl", _HUMAN, "900004", "an ability of -1", _human("brawl = -1"), _HUMAN),
    Fault(
        "characters_human_willpower_range",
        _HUMAN,
        "900005",
        "permanent willpower of 11 under a CHECK that claims to hold",
        _unchecked(_HUMAN, *_human("willpower = 11")),
        _HUMAN,
    ),
    Fault(
        "characters_human_temporary_willpower_not_exceeds_perm",
        _HUMAN,
        "900006",
        "more temporary than permanent willpower",
        _unchecked(_HUMAN, *_human("willpower = 3, temporary_willpower = 7")),
        _HUMAN,
    ),
    Fault("characters_human_reasonable_age", _HUMAN, "900007", "age -3", _unchecked(_HUMAN, *_human("age = -3")), _HUMAN),
    Fault("characters_human_reasonable_age", _HUMAN, "900008", "age 6000", _unchecked(_HUMAN, *_human("age = 6000")), _HUMAN),
    Fault(
        "XP-1",
        "characters_character",
        "900009",
        "experience of -5",
        _unchecked("characters_character", _sets("characters_character", "charactermodel_ptr_id", "xp = -5")),
        _HUMAN,
        ("characters_character_xp_non_negative",),
    ),
    Fault("CHAR-12", _HUMAN, "900010", "health levels out of order", _human("current_health_levels = 'BLA'"), _HUMAN),
    Fault("CHAR-15", _HUMAN, "900011", "freebie points of -4", _human("freebies = -4"), _HUMAN),
    Fault(
        "CHAR-16",
        _HUMAN,
        "900012",
        "the ledger of freebies is an object, not a list",
        _human("spent_freebies = '{}'"),
        _HUMAN,
        ("JSON-1",),
    ),
    Fault(
        "VAM-1",
        "characters_vampire",
        "900013",
        "a blood pool that the generation does not give",
        (_sets("characters_vampire", "vtmhuman_ptr_id", "max_blood_pool = 33"),),
        "characters_vampire",
    ),
    Fault(
        "VAM-7",
        "characters_vampire",
        "900014",
        "a vampire that sired itself",
        (_sets("characters_vampire", "vtmhuman_ptr_id", "sire_id = vtmhuman_ptr_id"),),
        "characters_vampire",
        ("VAM-8",),
    ),
    Fault(
        "MAG-1",
        "characters_mage",
        "900015",
        "a sphere above arete",
        (_sets("characters_mage", "mtahuman_ptr_id", "arete = 1, entropy = 4"),),
        "characters_mage",
    ),
    Fault(
        "characters_werewolf_rage_range",
        "characters_werewolf",
        "900016",
        "a werewolf without rage",
        _unchecked("characters_werewolf", _sets("characters_werewolf", "wtahuman_ptr_id", "rage = 0")),
        "characters_werewolf",
    ),
)

_STANDING: Final = (
    Fault("OBJ-1", _ROOT, "900021", "a status that does not exist", _character("status = 'Zom'"), _HUMAN),
    Fault("OBJ-2", _ROOT, "900022", "a visibility that does not exist", _character("visibility = 'ALL'"), _HUMAN),
    Fault("OBJ-2", _ROOT, "900023", "an image status that does not exist", _character("image_status = 'bad'"), _HUMAN),
    Fault("OBJ-3", _ROOT, "900024", "no name", _character("name = ''"), _HUMAN),
    Fault("OBJ-5", _ROOT, "900025", "an approved image that is not there", _character("image_status = 'app'"), _HUMAN),
    Fault("OBJ-7", _ROOT, "900026", "an image that is NULL", _character("image = NULL"), _HUMAN),
    Fault("OBJ-8", _ROOT, "900027", "an image outside its folder", _character("image = '../../etc/passwd.png'"), _HUMAN),
    Fault("OBJ-9", _ROOT, "900028", "a name with a zero-width space", _character("name = U&'Ada\\200B Lovel'"), _HUMAN),
    Fault(
        "CHAR-1",
        _ROOT,
        "900029",
        "approved without a concept",
        (_sets("characters_character", "charactermodel_ptr_id", "concept = ''"),),
        _HUMAN,
    ),
    Fault("CHAR-2", _ROOT, "900030", "an approved player character without owner", _character("npc = false, owner_id = NULL"), _HUMAN),
    Fault(
        "CHAR-3",
        _ROOT,
        "900031",
        "retired, yet in a scene that still runs",
        (
            *_character("status = 'Ret'"),
            "INSERT INTO game_scene_characters SELECT %(key)s, min(s.id), m.id FROM characters_charactermodel m"
            " JOIN game_scene s USING (chronicle_id) WHERE m.id = %(key)s AND NOT s.finished GROUP BY m.id",
        ),
        _HUMAN,
    ),
    Fault(
        "CHAR-4",
        _ROOT,
        "900032",
        "retired, yet in a group",
        (
            *_character("status = 'Ret'"),
            "INSERT INTO characters_group_members SELECT %(key)s, min(g.id), m.id FROM characters_charactermodel m"
            " JOIN characters_group g USING (chronicle_id) WHERE m.id = %(key)s GROUP BY m.id",
        ),
        _HUMAN,
    ),
    Fault(
        "CHAR-5",
        "characters_group",
        "900033",
        "a group led by a retired character that is not even a member",
        (
            "UPDATE characters_group SET leader_id = (SELECT min(c.human_ptr_id) FROM characters_vtmhuman c"
            " JOIN characters_charactermodel m ON m.id = c.human_ptr_id WHERE m.status = 'Ret') WHERE id = %(key)s",
        ),
        "characters_coterie",
        ("CHAR-25",),
    ),
    Fault(
        "CHAR-22",
        _ROOT,
        "900034",
        "a character without a journal",
        ("DELETE FROM game_journal WHERE character_id = %(key)s",),
        _HUMAN,
    ),
    Fault("CHAR-21", _ROOT, "900035", "an approved player character in no chronicle", _character("npc = false, chronicle_id = NULL"), _HUMAN),
)

_KINSHIP: Final = (
    Fault("POLY-1", _ROOT, "900041", "no content type", _character("polymorphic_ctype_id = NULL"), _HUMAN),
    Fault(
        "POLY-2",
        "characters_archetype",
        "900042",
        "the content type of a class of another root",
        (_sets("characters_archetype", "id", f"polymorphic_ctype_id = {_TYPE_OF.format('items', 'weapon')}"),),
        "characters_archetype",
    ),
    Fault(
        "POLY-3",
        _ROOT,
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
        _character(f"polymorphic_ctype_id = {_TYPE_OF.format('characters', 'mtahuman')}"),
        "characters_mage",
    ),
    Fault(
        "POLY-4",
        "characters_wtahuman",
        "900045",
        "a mortal of the werewolf line that is labelled as one of the mage line",
        _character(f"polymorphic_ctype_id = {_TYPE_OF.format('characters', 'mtahuman')}"),
        "characters_wtahuman",
        ("POLY-3",),
    ),
    Fault(
        "POLY-5",
        _HUMAN,
        "900046",
        "one human of two game lines",
        (
            "INSERT INTO characters_wtahuman SELECT (jsonb_populate_record(w, jsonb_build_object('human_ptr_id',"
            " %(key)s::int))).* FROM characters_wtahuman w ORDER BY w.human_ptr_id LIMIT 1",
        ),
        "characters_vtmhuman",
        ("POLY-4",),
    ),
    Fault(
        "POLY-6",
        "items_weapon",
        "900047",
        "a weapon whose item row is gone",
        _unreferenced("DELETE FROM items_itemmodel WHERE id = %(key)s"),
        "items_meleeweapon",
        ("items_weapon_itemmodel_ptr_id_295d11dc_fk_items_itemmodel_id",),
    ),
    Fault(
        "POLY-7",
        "django_content_type",
        "rokea",
        "a content type that is gone (with its permissions); nothing else referred to it",
        (
            f"DELETE FROM auth_permission WHERE content_type_id = {_TYPE_OF.format('characters', 'rokea')}",
            f"DELETE FROM django_content_type WHERE id = {_TYPE_OF.format('characters', 'rokea')}",
        ),
    ),
    Fault(
        "TREE-1",
        "characters_vampireclan",
        "900048",
        "a clan that descends from itself",
        (_sets("characters_vampireclan", "id", "parent_clan_id = id"),),
        "characters_vampireclan",
        ("REF-10",),
    ),
    Fault(
        "LOC-2",
        "locations_locationmodel",
        "900049",
        "a place inside itself",
        (_sets("locations_locationmodel", "id", "parent_id = id"),),
        "locations_locationmodel",
    ),
)

_KEYS: Final = (
    Fault(
        "game_post_scene_id_39a75932_fk_game_scene_id",
        "game_post",
        "900051",
        "a post in a scene that does not exist",
        _unreferenced(_sets("game_post", "id", "scene_id = 888888, character_id = NULL")),
        "game_post",
    ),
    Fault(
        "characters_charactermodel_owner_id_cec8bb22_fk_auth_user_id",
        _ROOT,
        "900052",
        "an owner that does not exist",
        _unreferenced(*_character("owner_id = 888888")),
        _HUMAN,
    ),
    Fault(
        "core_observer_content_type_id_object_id_user_id_5d6eb5db_uniq",
        "core_observer",
        "900053",
        "the same onlooker twice under a UNIQUE that claims to hold",
        _ununique(
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
        _nullable("game_story", "name", _sets("game_story", "id", "name = NULL")),
        "game_story",
    ),
    Fault(
        "OBSV-1",
        "core_observer",
        "900055",
        "an onlooker of a character that is gone",
        (
            "INSERT INTO core_observer SELECT (jsonb_populate_record(o, jsonb_build_object('id', %(key)s::int,"
            " 'object_id', 888888))).* FROM core_observer o WHERE o.id = 1",
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
        (_sets("characters_practicerating", "id", "mage_id = NULL"),),
        "characters_practicerating",
    ),
)

_PLAY: Final = (
    Fault(
        "ST-2",
        "game_strelationship",
        "900062",
        "one storyteller twice, the game line unknown both times, which UNIQUE lets through",
        (
            "INSERT INTO game_strelationship (id, user_id, chronicle_id) SELECT n, s.user_id, s.chronicle_id"
            " FROM game_strelationship s, unnest(ARRAY[%(key)s::int - 1, %(key)s::int]) n WHERE s.id = 1",
        ),
        also=("ST-1",),
    ),
    Fault("USR-1", "auth_user", "900063", "an account without a profile", (), "auth_user"),
    Fault("USR-7", "auth_user", "900064", "a password in plain text", (_PROFILE, _sets("auth_user", "id", "password = 'letmein'")), "auth_user"),
    Fault(
        "SCN-1",
        "game_scene",
        "900065",
        "experience for a scene that still runs",
        (
            _sets("game_scene", "id", "finished = false, xp_given = true"),
            "INSERT INTO game_scene_characters SELECT %(key)s, s.id, min(m.id) FROM game_scene s"
            " JOIN characters_charactermodel m USING (chronicle_id) WHERE s.id = %(key)s AND m.status = 'App' GROUP BY s.id",
        ),
        "game_scene",
    ),
    Fault("SCN-9", "game_post", "900066", "a post in no scene", (_sets("game_post", "id", "scene_id = NULL"),), "game_post"),
    Fault("WK-1", "game_week", "900067", "a week that ends on a Wednesday", (_sets("game_week", "id", "end_date = end_date + 3"),), "game_week"),
    Fault("WK-2", "game_week", "900068", "two weeks with one end", (), "game_week"),
    Fault("XP-3", "game_weeklyxprequest", "900069", "a weekly request made and paid twice", (), "game_weeklyxprequest", ("XP-7",)),
    Fault(
        "XP-12",
        "game_xpspendingrequest",
        "900070",
        "approved, but nobody knows when",
        (_sets("game_xpspendingrequest", "id", "approved = 'Approved', approved_at = NULL"),),
        "game_xpspendingrequest",
    ),
    Fault(
        "XP-13",
        "game_xpspendingrequest",
        "900071",
        "neither pending, approved nor denied",
        (_sets("game_xpspendingrequest", "id", "approved = 'Maybe'"),),
        "game_xpspendingrequest",
    ),
    Fault(
        "XP-17",
        "game_xpspendingrequest",
        "900072",
        "the price of a trait that has no price",
        (_sets("game_xpspendingrequest", "id", "trait_type = 'other', cost = 10000"),),
        "game_xpspendingrequest",
        ("XP-26",),
    ),
)

_CATALOG: Final = (
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
            "ALTER TABLE items_dross DROP CONSTRAINT items_dross_glamour_value_range, ADD CONSTRAINT"
            " items_dross_glamour_value_range CHECK (glamour_value >= 1 AND glamour_value <= 10) NOT VALID",
        ),
    ),
    Fault(
        "SYS-3",
        "items_medium",
        "items_medium",
        "foreign keys that are switched off by disabled triggers",
        ("ALTER TABLE items_medium DISABLE TRIGGER ALL",),
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

FAULTS: Final = (*_TRAITS, *_STANDING, *_KINSHIP, *_KEYS, *_PLAY, *_CATALOG)
"""Every fault, in the order of planting."""


def plant(connection: "Connection") -> None:
    """Plant every fault in a clean demo. Needs a superuser: the catalog is made to lie."""
    connection.execute(_MOVE_SEQUENCES, [_FIRST_FREE])
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    rows = Rows(read_tables(connection))
    for fault in FAULTS:
        if fault.victim:
            _copy_victim(connection, rows, fault)
        for statement in fault.statements:
            connection.execute(statement, {"key": int(fault.key) if fault.key.isdigit() else fault.key})


def _copy_victim(connection: "Connection", rows: Rows, fault: Fault) -> None:
    """Copy the first clean object of a class, row by row down its chain, under the key of the fault."""
    chain = rows.chain(fault.victim)
    source = _first(connection, rows, chain)
    for table in chain:
        values = _NEW | {rows.tables[table].key: int(fault.key), "name": f"Planted {fault.key}: {fault.rule}"[:100]}
        values |= {"username": f"planted{fault.key}", "email": f"planted{fault.key}@example.org"}
        names = {"table": sql.Identifier(table), "key": sql.Identifier(rows.tables[table].key)}
        connection.execute(sql.SQL(_COPY).format(**names), [Jsonb(values), source])
    if chain[0] == _ROOT:
        connection.execute("INSERT INTO game_journal VALUES (%(key)s, %(key)s)", {"key": int(fault.key)})


_COPY: Final = "INSERT INTO {table} SELECT (jsonb_populate_record(t, %s)).* FROM {table} t WHERE t.{key} = %s"

# What a victim starts with, whatever it is copied from; columns that a table does not have are ignored.
_NEW: Final[dict[str, object]] = {
    **{"status": "App", "npc": True, "freebies_approved": True, "image": "", "image_status": "sub"},
    **{"concept": "Planted", "xp": 0, "freebies": 0, "spent_freebies": []},
    **{"is_staff": False, "is_superuser": False},
}


def _first(connection: "Connection", rows: Rows, chain: tuple[str, ...]) -> int:
    """The number of the first object that is exactly of this class."""
    query = sql.SQL("SELECT min({}) FROM {}").format(sql.Identifier(rows.tables[chain[0]].key), sql.Identifier(chain[0]))
    if "polymorphic_ctype_id" in rows.tables[chain[0]].starts:
        query += sql.SQL(" WHERE polymorphic_ctype_id = {}").format(rows.content_type(chain[-1]))
    found = connection.execute(query).fetchone()
    assert found is not None
    return int(found[0])
