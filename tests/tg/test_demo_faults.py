"""The planted faults of the demo: each is there, in the damaged data only, and nothing else was touched."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from integrity_tests.demo import DATASETS
from integrity_tests.demo.planting import FAULTS, Fault
from integrity_tests.demo.rows import read_tables
from tg import Connection, values

PLANTED_FROM = 900_000


@pytest.fixture(scope="module")
def built_beside(clean_demo: str) -> str:
    """How to connect to planted faults on the server of the clean demo: the build copes with a role that exists."""
    with psycopg.connect(clean_demo, autocommit=True) as connection:
        connection.execute("CREATE DATABASE damaged")
    conninfo = make_conninfo(clean_demo, dbname="damaged")
    with psycopg.connect(conninfo) as connection:
        DATASETS["demo:damaged"].build(connection)
    return conninfo


@pytest.fixture
def damaged(built_beside: str) -> Iterator[Connection]:
    with psycopg.connect(built_beside) as connection:
        yield connection
        connection.rollback()


# By key: what is true of the bad row, in the table that the fault names; a whole query where no row is bad.
EVIDENCE = {
    "900001": "strength = 11",
    "900002": "dexterity = 0",
    "900003": "athletics = 42",
    "900004": "brawl = -1",
    "900005": "willpower = 11",
    "900006": "temporary_willpower = 7 AND willpower = 3",
    "900007": "age = -3",
    "900008": "age = 6000",
    "900009": "xp = -5",
    "900010": "current_health_levels = 'BLA'",
    "900011": "freebies = -4",
    "900012": "jsonb_typeof(spent_freebies) = 'object'",
    "900013": "max_blood_pool = 33",
    "900014": "sire_id = vtmhuman_ptr_id",
    "900015": "entropy > arete",
    "900016": "rage = 0",
    "900021": "status = 'Zom'",
    "900022": "visibility = 'ALL'",
    "900023": "image_status = 'bad'",
    "900024": "name = ''",
    "900025": "image_status = 'app' AND image = ''",
    "900026": "image IS NULL",
    "900027": "image ~ '^[.][.]/'",
    "900028": "octet_length(name) > char_length(name)",
    "900029": "status = 'App' AND '' = (SELECT concept FROM characters_character WHERE charactermodel_ptr_id = id)",
    "900030": "status = 'App' AND NOT npc AND owner_id IS NULL",
    "900031": "status = 'Ret' AND false IN (SELECT s.finished FROM game_scene s JOIN game_scene_characters x"
    " ON x.scene_id = s.id WHERE x.charactermodel_id = characters_charactermodel.id)",
    "900032": "status = 'Ret' AND id IN (SELECT character_id FROM characters_group_members)",
    "900033": "'Ret' = (SELECT status FROM characters_charactermodel m WHERE m.id = leader_id)",
    "900034": "id NOT IN (SELECT character_id FROM game_journal)",
    "900035": "status = 'App' AND NOT npc AND chronicle_id IS NULL",
    "900041": "polymorphic_ctype_id IS NULL",
    "900042": "'items' = (SELECT app_label FROM django_content_type c WHERE c.id = polymorphic_ctype_id)",
    "900043": "id NOT IN (SELECT vtmhuman_ptr_id FROM characters_vampire)"
    " AND 'vampire' = (SELECT model FROM django_content_type c WHERE c.id = polymorphic_ctype_id)",
    "900044": "'mtahuman' = (SELECT model FROM django_content_type c JOIN characters_charactermodel m"
    " ON m.polymorphic_ctype_id = c.id WHERE m.id = mtahuman_ptr_id)",
    "900045": "'mtahuman' = (SELECT model FROM django_content_type c JOIN characters_charactermodel m"
    " ON m.polymorphic_ctype_id = c.id WHERE m.id = human_ptr_id)",
    "900046": "character_ptr_id IN (SELECT human_ptr_id FROM characters_vtmhuman)"
    " AND character_ptr_id IN (SELECT human_ptr_id FROM characters_wtahuman)",
    "900047": "itemmodel_ptr_id NOT IN (SELECT id FROM items_itemmodel)",
    "900048": "parent_clan_id = id",
    "900049": "parent_id = id",
    "900051": "scene_id NOT IN (SELECT id FROM game_scene)",
    "900052": "owner_id NOT IN (SELECT id FROM auth_user)",
    # From version 17 on, the planner believes NOT NULL and drops IS NULL, then UNIQUE and drops self-joins.
    "900053": "2 = (SELECT count(*) FROM core_observer o WHERE (o.content_type_id, o.object_id, o.user_id)"
    " = (core_observer.content_type_id, core_observer.object_id, core_observer.user_id))",
    "900054": "num_nulls(name) = 1",
    "900055": "object_id NOT IN (SELECT id FROM characters_charactermodel)",
    "900056": "2 = (SELECT count(*) FROM characters_meritflawrating r"
    " WHERE (r.character_id, r.mf_id) = (characters_meritflawrating.character_id, characters_meritflawrating.mf_id))",
    "900057": "mage_id IS NULL",
    "900062": "gameline_id IS NULL AND EXISTS (SELECT FROM game_strelationship r"
    " WHERE r.id = 900061 AND r.user_id = game_strelationship.user_id AND r.gameline_id IS NULL)",
    "900063": "id NOT IN (SELECT user_id FROM accounts_profile)",
    "900064": "password = 'letmein'",
    "900065": "xp_given AND NOT finished",
    "900066": "scene_id IS NULL",
    "900067": "extract(dow FROM end_date) = 3",
    "900068": "2 = (SELECT count(*) FROM game_week w WHERE w.end_date = game_week.end_date)",
    "900069": "approved AND 2 = (SELECT count(*) FROM game_weeklyxprequest r WHERE (r.character_id, r.week_id)"
    " = (game_weeklyxprequest.character_id, game_weeklyxprequest.week_id))",
    "900070": "approved = 'Approved' AND approved_at IS NULL",
    "900071": "approved = 'Maybe'",
    "900072": "cost = 10000",
    "fetter": "SELECT NOT EXISTS (SELECT FROM django_content_type WHERE model = 'fetter')",
    "core_number": "SELECT 3 = pg_sequence_last_value('core_number_id_seq')",
    "items_dross_glamour_value_range": "SELECT NOT convalidated FROM pg_constraint"
    " WHERE conname = 'items_dross_glamour_value_range'",
    "items_bloodstone": "SELECT bool_and(tgenabled = 'D') FROM pg_trigger WHERE tgrelid = 'items_bloodstone'::regclass",
    "items_material_pkey": "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = 'items_material_pkey'::regclass",
    "locations_trod_strength_range": "SELECT NOT EXISTS (SELECT FROM pg_constraint"
    " WHERE conname = 'locations_trod_strength_range')",
    "delete_grondr": "SELECT NOT EXISTS (SELECT FROM auth_permission WHERE codename = 'delete_grondr')",
}


def is_there(connection: Connection, fault: Fault) -> bool:
    """Whether the damage can be seen, by the evidence of its key."""
    evidence = EVIDENCE[fault.key]
    if evidence.startswith("SELECT"):
        return [True] == values(connection, evidence)
    key = read_tables(connection)[fault.table].key
    return [1] == values(connection, f"SELECT count(*) FROM {fault.table} WHERE {key} = %s AND ({evidence})", fault.key)


def test_every_fault_has_its_own_key_and_evidence() -> None:
    keys = [fault.key for fault in FAULTS]

    assert sorted(set(keys)) == sorted(keys)
    assert set(keys) == set(EVIDENCE)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule}-{fault.key}".replace(" ", "-"))
def test_fault_is_in_the_damaged_demo_only(clean: Connection, damaged: Connection, fault: Fault) -> None:
    assert is_there(damaged, fault)
    assert not is_there(clean, fault)


def test_rules_of_faults_are_known(clean: Connection) -> None:
    """A fault names an invariant, a constraint of the catalog, or a column with what is wrong with it."""
    constraints = set(values(clean, "SELECT conname::text FROM pg_constraint"))
    columns = set(values(clean, "SELECT table_name || '.' || column_name FROM information_schema.columns"))
    for rule in {rule for fault in FAULTS for rule in (fault.rule, *fault.also)}:
        subject = re.sub("^(range|not null) ", "", rule)

        assert subject in constraints | columns or re.fullmatch("[A-Z]+-[0-9]+", rule), rule


def checksums(connection: Connection) -> dict[str, str]:
    """A digest of the rows of each table, planted ones left out."""
    query = sql.SQL("SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM {} t WHERE {} < {}")
    found = {}
    for table in read_tables(connection).values():
        least = sql.Literal("A" if table.key == "session_key" else PLANTED_FROM)
        digest = query.format(sql.Identifier(table.name), sql.Identifier(table.key), least)
        [(found[table.name],)] = connection.execute(digest).fetchall()
    return found


def test_two_builds_give_the_same_rows_and_faults_touch_no_others(clean: Connection, damaged: Connection) -> None:
    expected, found = checksums(clean), checksums(damaged)

    assert {"auth_permission", "django_content_type"} == {
        table for table in expected if expected[table] != found[table]
    }


def test_the_catalog_goes_on_claiming(clean: Connection, damaged: Connection) -> None:
    """Nothing in the catalog betrays the faults, but for those that are about the catalog."""
    constraints = "SELECT conname::text FROM pg_constraint WHERE convalidated AND connamespace = 'public'::regnamespace"
    doubtful = {"items_dross_glamour_value_range", "locations_trod_strength_range"}
    claims = """
        SELECT (SELECT count(*) FROM pg_attribute WHERE attnotnull), (SELECT count(*) FROM pg_index WHERE indisunique),
               (SELECT sum(relchecks) FROM pg_class)
    """

    assert doubtful == set(values(clean, constraints)) - set(values(damaged, constraints))
    [(not_null, unique, checks)] = clean.execute(claims).fetchall()
    assert [(not_null, unique, checks - 1)] == damaged.execute(claims).fetchall()
