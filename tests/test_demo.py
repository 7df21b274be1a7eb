"""The demo: its schema is TG's, its clean data is clean, its faults are there, and nothing depends on the day."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import psycopg
import pytest
from psycopg import sql

from integrity_tests import demo
from integrity_tests.demo import DATASETS, READER, people
from integrity_tests.demo.damage import FAULTS, Fault
from integrity_tests.demo.rows import Rows, read_tables
from integrity_tests.demo.volume import generate_characters
from integrity_tests.vocabulary import CLASSES
from pytest_tgintegrity.scratch import PostgresServer, start_postgres

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

PLANTED_FROM = 900_000
CSVS = Path(__file__).parents[2] / "shared" / "tg_schema"
needs_csvs = pytest.mark.skipif(not CSVS.is_dir(), reason=f"no description of TG's schema at {CSVS}")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with start_postgres() as started:
        yield started


def build(server: PostgresServer, name: str) -> str:
    """Build a dataset in a database of its own; return how to connect."""
    database = name.replace(":", "_")
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    with psycopg.connect(server.conninfo(database)) as connection:
        DATASETS[name].build(connection)
    return server.conninfo(database)


@pytest.fixture(scope="module")
def clean_conninfo(server: PostgresServer) -> str:
    return build(server, "demo")


@pytest.fixture(scope="module")
def damaged_conninfo(server: PostgresServer, clean_conninfo: str) -> str:
    del clean_conninfo  # the role exists by then: the second build has to cope with it
    return build(server, "demo:damaged")


@pytest.fixture
def clean(clean_conninfo: str) -> Iterator[Connection]:
    with psycopg.connect(clean_conninfo) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def damaged(damaged_conninfo: str) -> Iterator[Connection]:
    with psycopg.connect(damaged_conninfo) as connection:
        yield connection
        connection.rollback()


def values(connection: Connection, query: str, *parameters: object) -> list[Any]:
    """The first column of an answer."""
    return [row[0] for row in connection.execute(query, parameters)]


# --- the package ------------------------------------------------------------------------------------------------------


def test_import_is_cheap() -> None:
    heavy = "('psycopg', 'integrity_tests.demo.data', 'integrity_tests.demo.damage')"
    code = f"import integrity_tests.demo, sys; sys.exit(any(name in sys.modules for name in {heavy}))"

    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[1]).returncode == 0


@pytest.fixture
def copied_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "demo"
    shutil.copytree(Path(demo.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(demo, "_HERE", copy)
    return copy


def test_fingerprint_ignores_what_does_not_decide(copied_package: Path) -> None:
    before = DATASETS["demo"].fingerprint()
    (copied_package / "__pycache__").mkdir()
    (copied_package / "__pycache__" / "data.cpython-311.pyc").write_bytes(b"compiled")

    assert before == DATASETS["demo"].fingerprint()


@pytest.mark.parametrize("name", ["tables.sql", "data.py", "vocabulary/people.py"])
def test_fingerprint_changes_with_content(copied_package: Path, name: str) -> None:
    before = DATASETS["demo"].fingerprint()
    with (copied_package / name).open("a") as file:
        file.write("\n")

    assert before != DATASETS["demo"].fingerprint()


def test_fingerprint_tells_datasets_apart() -> None:
    assert len(DATASETS) == len({dataset.fingerprint() for dataset in DATASETS.values()})


# --- the schema -------------------------------------------------------------------------------------------------------

COUNTS = {
    "tables": (375, "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"),
    "columns": (
        3014,
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'",
    ),
    "identities": (
        259,
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' AND is_identity = 'YES'",
    ),
    "indexes": (1282, "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'"),
    **{
        word: (
            count,
            f"SELECT count(*) FROM pg_constraint WHERE contype = '{kind}' AND connamespace = 'public'::regnamespace",
        )
        for word, kind, count in (
            ("primary keys", "p", 375),
            ("checks", "c", 74),
            ("uniques", "u", 158),
            ("foreign keys", "f", 722),
        )
    },
}


@pytest.mark.parametrize("word", COUNTS)
def test_catalog_counts(clean: Connection, word: str) -> None:
    expected, query = COUNTS[word]

    assert [expected] == values(clean, query)


def test_every_foreign_key_is_deferred(clean: Connection) -> None:
    query = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND condeferrable AND condeferred AND convalidated"

    assert [722] == values(clean, query)


def facts(name: str) -> list[dict[str, str]]:
    with (CSVS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@needs_csvs
def test_columns_are_those_of_the_application(clean: Connection) -> None:
    known = sorted(facts("columns"), key=lambda fact: (fact["table"], int(fact["ordinal"])))
    expected = [tuple(fact[word] for word in ("table", "column", "type", "not_null", "default")) for fact in known]
    found = clean.execute("""
        SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
               CASE WHEN a.attnotnull THEN 'True' ELSE 'False' END,
               CASE a.attidentity WHEN 'd' THEN 'identity by default' ELSE '' END
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0
        ORDER BY c.relname, a.attnum
    """)

    assert expected == found.fetchall()


@needs_csvs
def test_constraints_are_those_of_the_application(clean: Connection) -> None:
    expected = {(fact["table"], fact["name"], fact["definition"]) for fact in facts("constraints")}
    expected |= {
        (
            fact["table"],
            fact["name"],
            (
                f"FOREIGN KEY ({fact['columns']}) REFERENCES {fact['ref_table']}({fact['ref_columns']})"
                " DEFERRABLE INITIALLY DEFERRED"
            ),
        )
        for fact in facts("foreign_keys")
    }
    found = clean.execute("""
        SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'c', 'f')
    """)

    assert expected == set(found)


@needs_csvs
def test_indexes_are_those_of_the_application(clean: Connection) -> None:
    expected = {(fact["table"], fact["name"], fact["definition"]) for fact in facts("indexes")}
    found = clean.execute(
        "SELECT tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )

    assert expected == set(found)


def test_keys_come_first(clean: Connection) -> None:
    """The insert layer takes the first column for the primary key."""
    query = """
        SELECT DISTINCT conkey::text FROM pg_constraint
        WHERE contype = 'p' AND connamespace = 'public'::regnamespace
    """

    assert ["{1}"] == values(clean, query)


# --- the clean data ---------------------------------------------------------------------------------------------------


def test_the_cast_is_complete(clean: Connection) -> None:
    found = clean.execute("""
        SELECT c.model, count(*), count(DISTINCT m.status)
        FROM characters_charactermodel m JOIN django_content_type c ON c.id = m.polymorphic_ctype_id GROUP BY c.model
    """).fetchall()

    everybody = {one.model for one in CLASSES["characters_charactermodel"].kin} - {"charactermodel"}
    crowds = {"vampire", "ghoul", "werewolf", "kinfolk", "mage", "human", "vtmhuman", "wtahuman", "mtahuman"}
    assert everybody == {model for model, *_ in found}
    assert crowds == {model for model, count, _ in found if count > 10}
    assert 1500 <= sum(count for _, count, _ in found) <= 2500
    assert {5} == {statuses for model, _, statuses in found if model in crowds}


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("game_xpspendingrequest", "approved", {"Pending", "Approved", "Denied"}),
        ("game_freebiespendingrecord", "approved", {"Pending", "Approved", "Denied"}),
        ("characters_charactermodel", "visibility", {"PUB", "PRI", "CHR", "CUS"}),
        ("characters_charactermodel", "image_status", {"un", "sub", "app"}),
        ("game_scene", "finished", {True, False}),
        ("game_weeklyxprequest", "approved", {True, False}),
    ],
)
def test_every_state_occurs(clean: Connection, table: str, column: str, words: set[object]) -> None:
    assert words == set(values(clean, f"SELECT DISTINCT {column} FROM {table}"))


# What no row of a believable chronicle does, asked otherwise than the rules ask it.
NEVER = {
    "a vampire by its label or by its row alone": """
        WITH labelled AS (
            SELECT m.id FROM characters_charactermodel m JOIN django_content_type t ON t.id = m.polymorphic_ctype_id
            WHERE t.model = 'vampire'
        ), kept AS (
            SELECT vtmhuman_ptr_id FROM characters_vampire JOIN characters_vtmhuman ON human_ptr_id = vtmhuman_ptr_id
        )
        (TABLE labelled EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE labelled)
    """,
    "a trait beyond what any command of the application allows": """
        SELECT character_ptr_id FROM characters_human h, jsonb_each_text(to_jsonb(h)) t
        WHERE t.key = ANY ('{strength,dexterity,stamina,perception,intelligence,wits,charisma,manipulation,appearance}')
              AND t.value NOT SIMILAR TO '[1-9]|10'
              AND NOT (t.value = '0' AND h.character_ptr_id IN (SELECT mtahuman_ptr_id FROM characters_companion))
              AND NOT (t.value = '0' AND t.key = 'appearance' AND h.character_ptr_id IN (
                  SELECT v.vtmhuman_ptr_id FROM characters_vampire v JOIN characters_vampireclan c ON c.id = v.clan_id
                  WHERE c.name = 'Nosferatu'))
    """,
    "an age beyond what the application allows": "SELECT 1 FROM characters_human WHERE age NOT BETWEEN 0 AND 5000",
    "an age of centuries that no blood and no rebirth explains": """
        SELECT character_ptr_id FROM characters_human
        WHERE age > 500 AND character_ptr_id NOT IN (SELECT vtmhuman_ptr_id FROM characters_vampire)
              AND character_ptr_id NOT IN (SELECT mtrhuman_ptr_id FROM characters_mummy)
    """,
    "two characters of one name": "SELECT name FROM characters_charactermodel GROUP BY name HAVING count(*) > 1",
    "a player character owned by somebody who plays elsewhere": """
        SELECT owner_id FROM characters_charactermodel WHERE NOT npc GROUP BY owner_id
        HAVING count(DISTINCT chronicle_id) > 1
    """,
    "a player who decides about their own chronicle": """
        SELECT r.id FROM game_xpspendingrequest r JOIN characters_charactermodel m ON m.id = r.character_id
        LEFT JOIN game_strelationship s ON s.chronicle_id = m.chronicle_id AND s.user_id = r.approved_by_id
        WHERE r.approved_by_id IS NOT NULL AND s.id IS NULL
    """,
    "experience that nobody gave": """
        SELECT charactermodel_ptr_id FROM characters_character c WHERE xp > 0 AND NOT EXISTS (
            SELECT FROM game_scene_characters s WHERE s.charactermodel_id = c.charactermodel_ptr_id)
    """,
    "a spend on a trait that the sheet does not show": """
        SELECT r.id FROM game_xpspendingrequest r JOIN characters_human h ON h.character_ptr_id = r.character_id
        WHERE r.trait_type IN ('attribute', 'ability', 'willpower')
              AND (to_jsonb(h) ->> replace(lower(r.trait_name), ' ', '_'))::int IS DISTINCT FROM r.trait_value
    """,
    "a group of several game lines": """
        SELECT x.group_id FROM characters_group_members x
        JOIN characters_charactermodel m ON m.id = x.character_id
        GROUP BY x.group_id HAVING count(DISTINCT m.polymorphic_ctype_id) > 1
    """,
    "a claim on a scene that ended after the week": """
        SELECT r.id FROM game_weeklyxprequest r JOIN game_week w ON w.id = r.week_id
        JOIN game_post p ON p.scene_id IN (r.learning_scene_id, r.rp_scene_id, r.focus_scene_id, r.standingout_scene_id)
        WHERE (p.datetime_created AT TIME ZONE 'UTC')::date > w.end_date
    """,
    "a post before its scene began": """
        SELECT p.id FROM game_post p JOIN game_scene s ON s.id = p.scene_id
        WHERE (p.datetime_created AT TIME ZONE 'UTC')::date < s.date_played
    """,
    "a humanity beyond what the virtues give": """
        SELECT vtmhuman_ptr_id FROM characters_vampire WHERE path_id IS NULL AND humanity > conscience + self_control
    """,
    "a place outside its city": """
        SELECT l.id FROM locations_locationmodel l JOIN locations_locationmodel c ON c.id = l.parent_id
        WHERE c.chronicle_id IS DISTINCT FROM l.chronicle_id
    """,
    "a date after the demo's last day": """
        SELECT 1 FROM game_post WHERE datetime_created >= '2024-07-01'
        UNION ALL SELECT 1 FROM game_week WHERE end_date > '2024-06-30'
        UNION ALL SELECT 1 FROM game_xpspendingrequest WHERE approved_at >= '2024-07-01'
        UNION ALL SELECT 1 FROM auth_user WHERE last_login >= '2024-07-01'
    """,
}


@pytest.mark.parametrize("what", NEVER)
def test_clean_data_has_never(clean: Connection, what: str) -> None:
    assert [] == values(clean, NEVER[what])[:5]


def test_sequences_are_behind_no_table(clean: Connection) -> None:
    query = sql.SQL("SELECT coalesce(max(id), 0) FROM {}")
    for table in values(clean, "SELECT table_name FROM information_schema.columns WHERE is_identity = 'YES'"):
        last = values(clean, "SELECT pg_sequence_last_value(pg_get_serial_sequence(%s, 'id')::regclass)", table)
        [(largest,)] = clean.execute(query.format(sql.Identifier(table))).fetchall()

        assert largest == (last[0] or 0), table


def test_another_seed_gives_other_rows(clean: Connection) -> None:
    def lines(seed: int) -> dict[str, str]:
        rows = Rows(read_tables(clean))
        people.populate(rows, Random(seed))
        return dict(rows._lines())

    one, same, other = lines(1), lines(1), lines(2)

    assert one == same
    assert one["auth_user"] != other["auth_user"]


def test_rows_refuse_unknown_columns_and_missing_values(clean: Connection) -> None:
    rows = Rows(read_tables(clean))

    with pytest.raises(KeyError, match="charisma"):
        rows.add("game_week", charisma=3)
    rows.add("game_week")
    with pytest.raises(ValueError, match="game_week needs a value for end_date"):
        list(rows._lines())


def test_reader_reads_and_changes_nothing(clean_conninfo: str) -> None:
    with psycopg.connect(clean_conninfo, user=READER) as connection:
        assert values(connection, "SELECT count(*) FROM characters_mage")[0] > 100
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE characters_character SET xp = xp + 1")


# --- the faults -------------------------------------------------------------------------------------------------------

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


# --- volume -----------------------------------------------------------------------------------------------------------


def test_generated_characters_are_whole_and_clean(clean: Connection) -> None:
    before = values(clean, "SELECT max(id) FROM characters_charactermodel")[0]
    generate_characters(clean, 500, seed=3)
    whole = """
        SELECT count(*), min(t.model), max(t.model), count(DISTINCT m.name) FROM characters_charactermodel m
        JOIN django_content_type t ON t.id = m.polymorphic_ctype_id
        JOIN characters_character c ON c.charactermodel_ptr_id = m.id
        JOIN characters_human h ON h.character_ptr_id = m.id JOIN game_journal j ON j.character_id = m.id
        WHERE m.id > %s AND m.status = 'App' AND h.strength BETWEEN 1 AND 5 AND h.brawl BETWEEN 0 AND 4
    """

    assert [(500, "human", "human", 500)] == clean.execute(whole, [before]).fetchall()
    assert len(set(values(clean, "SELECT wits FROM characters_human WHERE character_ptr_id > %s", before))) == 5
    assert [before + 501] == values(clean, "SELECT nextval('characters_charactermodel_id_seq')")
