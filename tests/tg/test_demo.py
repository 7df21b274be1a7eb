"""The demo: its schema is TG's, its clean data is clean, and nothing depends on the day."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import psycopg
import pytest
from psycopg import sql

from integrity_tests import demo
from integrity_tests.demo import DATASETS, READER, people
from integrity_tests.demo.rows import Rows, read_tables
from integrity_tests.demo.volume import generate_characters
from integrity_tests.words.classes import CLASSES
from tg import Connection, needs_csvs, table, values

# --- the package ------------------------------------------------------------------------------------------------------


def test_import_is_cheap() -> None:
    heavy = "('psycopg', 'integrity_tests.demo.clean_data', 'integrity_tests.demo.planting')"
    code = f"import integrity_tests.demo, sys; sys.exit(any(name in sys.modules for name in {heavy}))"

    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode == 0


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


@needs_csvs
def test_columns_are_those_of_the_application(clean: Connection) -> None:
    known = sorted(table("columns"), key=lambda fact: (fact["table"], int(fact["ordinal"])))
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
    expected = {(fact["table"], fact["name"], fact["definition"]) for fact in table("constraints")}
    expected |= {
        (
            fact["table"],
            fact["name"],
            (
                f"FOREIGN KEY ({fact['columns']}) REFERENCES {fact['ref_table']}({fact['ref_columns']})"
                " DEFERRABLE INITIALLY DEFERRED"
            ),
        )
        for fact in table("foreign_keys")
    }
    found = clean.execute("""
        SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'c', 'f')
    """)

    assert expected == set(found)


@needs_csvs
def test_indexes_are_those_of_the_application(clean: Connection) -> None:
    expected = {(fact["table"], fact["name"], fact["definition"]) for fact in table("indexes")}
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
    for name in values(clean, "SELECT table_name FROM information_schema.columns WHERE is_identity = 'YES'"):
        last = values(clean, "SELECT pg_sequence_last_value(pg_get_serial_sequence(%s, 'id')::regclass)", name)
        [(largest,)] = clean.execute(query.format(sql.Identifier(name))).fetchall()

        assert largest == (last[0] or 0), name


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


def test_reader_reads_and_changes_nothing(clean_demo: str) -> None:
    with psycopg.connect(clean_demo, user=READER) as connection:
        assert values(connection, "SELECT count(*) FROM characters_mage")[0] > 100
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE characters_character SET xp = xp + 1")


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
