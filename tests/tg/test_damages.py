"""What breaks in practice is named: damage that the database accepts, one at a time, and what only looks like it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

import psycopg
import pytest

from combining import combinations
from engine import looking_at
from integrity_tests.demo import DATASETS
from integrity_tests.words.classes import ABILITIES, CLASSES
from integrity_tests.words.dates import RECORDS, SET_BY_PEOPLE
from integrity_tests.words.lines import LINE_ABILITIES
from integrity_tests.words.texts import FILLED, UNFILLED
from pytest_tgintegrity.planning.planner import BoundRule, Plan, plan
from pytest_tgintegrity.planning.scans import Scan
from pytest_tgintegrity.proving.scratch_copy import ScratchCopy
from pytest_tgintegrity.proving.witnesses import Witnesses
from pytest_tgintegrity.rules.kinds import Check, Declared, Volume
from pytest_tgintegrity.servers.datasets import open_dataset
from tg import DECLARED, change, needs_csvs, table

Fired: TypeAlias = Callable[[str], list[str]]

TOUCHED: Final = """
    SELECT relid::regclass::text FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0
"""
NOW: Final = "now()"
YEARS_AHEAD: Final = "now() + interval '3 years'"


def bound_rules() -> list[BoundRule]:
    """Every rule about the rows, as its tests bind it, that asks for no history; those about the schema would see that a copy took no number."""
    return [
        BoundRule(f"{name}[{'-'.join(str(one)[:40] for one in params.values())}]", rule, name, params)
        for name, function, rule in DECLARED
        if not isinstance(rule.kind, Check | Declared | Volume) and not name.startswith("test_schema_")
        for params in combinations(function)
    ]


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """The URL of a demo of its own: the numbers that a sequence has given are not taken back."""
    with open_dataset("demo", DATASETS["demo"]) as started:
        yield started.url()


@pytest.fixture(scope="module")
def fired(demo: str) -> Iterator[Fired]:
    """The rules above `info` that see more after a statement than before; the statement is taken back."""
    rules = [bound for bound in bound_rules() if bound.rule.severity != "info"]
    with looking_at(demo) as engine:
        facts = engine.facts
    planned = plan(rules, facts)
    with psycopg.connect(demo, autocommit=True) as connection:
        scratch = ScratchCopy(connection)
        with scratch.transaction():
            witnesses = Witnesses(scratch, planned, rules, facts)

        def after(statement: str) -> list[str]:
            with scratch.transaction():
                assert connection.execute(statement.encode()).rowcount > 0, "nothing was changed"
                touched = {row[0] for row in connection.execute(TOUCHED.encode())}
                found, failed = witnesses.fired_and_failed(scans_of(planned, touched))
                assert failed == {}
                return found

        yield after


def scans_of(planned: Plan, tables: set[str]) -> list[Scan]:
    """What has to be asked of the rules that read one of these tables."""
    chosen = [[rule for rule in scan.rules if tables & set(planned.tables[rule])] for scan in planned.scans]
    return [scan.only(rules) for scan, rules in zip(planned.scans, chosen, strict=True) if rules]


def copied(table: str, where: str = "true", **other: str) -> str:
    """Add a copy of the first row of a table where something holds, with some values of its own."""
    values = "".join(f", '{name}', {value}" for name, value in other.items())
    return f"""
        INSERT INTO {table} SELECT (jsonb_populate_record(old, jsonb_build_object(
            'id', (SELECT max(id) + 1000 FROM {table}){values}))).*
        FROM {table} AS old WHERE old.id = (SELECT min(id) FROM {table} WHERE {where})
    """


def twin(root: str, part: str, where: str = "true") -> str:
    """Add a copy of an object that stands in two tables, as an import that ran twice does."""
    key = f"{root.partition('_')[2]}_ptr_id"
    old = f"(SELECT min(id) FROM {root} WHERE id IN (SELECT {key} FROM {part}) AND {where})"
    return f"""
        WITH part AS (
            INSERT INTO {part} SELECT (jsonb_populate_record(
                old, jsonb_build_object('{key}', (SELECT max(id) + 1000 FROM {root})))).*
            FROM {part} AS old WHERE old.{key} = {old})
        INSERT INTO {root} SELECT (jsonb_populate_record(
            old, jsonb_build_object('id', (SELECT max(id) + 1000 FROM {root})))).*
        FROM {root} AS old WHERE old.id = {old}
    """


def spent(**other: str) -> str:
    """Add a copy of the first approved spend of XP on an ability, with some values of its own."""
    return copied("game_xpspendingrequest", "approved = 'Approved' AND trait_type = 'ability'", **other)


def dated(table: str, column: str, value: str, key: str = "id", where: str = "true") -> str:
    return change(table, key, f"{column} = {value}", f"{column} IS NOT NULL AND {where}")


DATES: Final[Mapping[str, str]] = {
    "a post of the future": dated("game_post", "datetime_created", YEARS_AHEAD),
    "a post of the year 9999": dated("game_post", "datetime_created", "'9999-12-31'"),
    "a post that is never": dated("game_post", "datetime_created", "'infinity'"),
    "a post of the epoch": dated("game_post", "datetime_created", "'1970-01-01'"),
    "an entry written in the future": dated("game_journalentry", "datetime_created", YEARS_AHEAD),
    "an entry written in the year 1": dated("game_journalentry", "datetime_created", "'0001-01-01'"),
    "a scene begun in the future": dated("game_scene", "date_played", "current_date + 400"),
    "a scene begun in 1900": dated("game_scene", "date_played", "'1900-01-01'"),
    "an account of the future": dated("auth_user", "date_joined", YEARS_AHEAD),
    "a login of the future": dated("auth_user", "last_login", YEARS_AHEAD),
    "an account of the epoch": change("auth_user", "id", "date_joined = '1970-01-01', last_login = NULL"),
    "a login before the account": dated("auth_user", "last_login", "date_joined - interval '3 years'"),
    "XP asked for in the future": dated("game_xpspendingrequest", "created_at", YEARS_AHEAD),
    "XP decided in the future": dated("game_xpspendingrequest", "approved_at", YEARS_AHEAD),
    "XP decided before it was asked for": dated(
        "game_xpspendingrequest", "approved_at", "created_at - interval '9 days'"
    ),
    "XP asked for at the epoch": dated("game_xpspendingrequest", "created_at", "'1970-01-01'"),
    "freebies spent in the future": dated("game_freebiespendingrecord", "created_at", YEARS_AHEAD),
    "freebies decided in the future": dated("game_freebiespendingrecord", "approved_at", YEARS_AHEAD),
    "a right to look on of the future": dated("core_observer", "granted_at", YEARS_AHEAD),
    "a template made in the future": dated("core_charactertemplate", "created_at", YEARS_AHEAD),
    "a template changed in the future": dated("core_charactertemplate", "updated_at", YEARS_AHEAD),
    "a template changed before it was made": dated(
        "core_charactertemplate", "updated_at", "created_at - interval '1 year'"
    ),
    "a template used in the future": dated("core_templateapplication", "applied_at", YEARS_AHEAD),
    "a log of the future": dated("django_admin_log", "action_time", YEARS_AHEAD),
    "a log of 1900": dated("django_admin_log", "action_time", "'1900-01-01'"),
    "a migration of the future": dated("django_migrations", "applied", YEARS_AHEAD),
    "a post of the year before its scene": dated(
        "game_post", "datetime_created", "datetime_created - interval '1 year'"
    ),
    "an entry about the year 2099": dated("game_journalentry", "date", "'2099-05-01'"),
    "a scene that plays in 2099": dated("game_scene", "date_of_scene", "'2099-05-01'"),
    "a week of another century": change("game_week", "id", "end_date = end_date + 7 * 5218"),
    "a week of 1924": change("game_week", "id", "end_date = end_date - 7 * 5218"),
}

TEXTS: Final[Mapping[str, str]] = {
    "a character called None": change("characters_charactermodel", "id", "name = 'None'"),
    "a character called nan": change("characters_charactermodel", "id", "name = 'nan'"),
    "a character called null": change("characters_charactermodel", "id", "name = ' null '"),
    "a character whose concept is None": change("characters_character", "charactermodel_ptr_id", "concept = 'None'"),
    "an item called NaN": change("items_itemmodel", "id", "name = 'NaN'"),
    "an item described as None": change("items_itemmodel", "id", "description = 'None'"),
    "a place described as nan": change("locations_locationmodel", "id", "description = 'nan'"),
    "a place with notes of null": change("locations_locationmodel", "id", "st_notes = 'NULL'"),
    "a post of undefined": change("game_post", "id", "message = 'undefined'"),
    "a post by nobody": change("game_post", "id", "display_name = 'None'"),
    "an entry of nan": change("game_journalentry", "id", "message = 'nan'"),
    "a chronicle called None": change("game_chronicle", "id", "name = 'None'"),
    "a chronicle with a theme of nan": change("game_chronicle", "id", "theme = 'nan'"),
    "a scene called null": change("game_scene", "id", "name = 'null'"),
    "a story called None": change("game_story", "id", "name = 'None'"),
    "a history of [object Object]": change("characters_human", "character_ptr_id", "history = '[object Object]'"),
    "goals of <NA>": change("characters_human", "character_ptr_id", "goals = '<NA>'"),
    "XP spent on None": change("game_xpspendingrequest", "id", "trait_name = 'None'"),
    "a note of nan": change("characters_backgroundrating", "id", "note = 'nan'"),
    "a book called None": change("core_book", "id", "name = 'None'"),
    "a language called nan": change("core_language", "id", "name = 'nan'"),
    "a group called NULL": change("characters_group", "id", "name = 'NULL'"),
    "an account called None": change("auth_user", "id", "username = 'None'"),
    "a first name of nan": change("auth_user", "id", "first_name = 'nan'"),
    "an address of None": change("auth_user", "id", "email = 'None'"),
    "an address that is none": change("auth_user", "id", "email = 'nobody at example.org'"),
    "a fetter of null": change("characters_fetter", "id", "description = 'null'"),
    "a template with the concept None": change("core_charactertemplate", "id", "concept = 'None'"),
    "a house rule of nan": change("core_houserule", "id", "description = 'nan'"),
    "an image called None": change("characters_charactermodel", "id", "image = 'None'"),
    "Müller as mojibake": change("characters_charactermodel", "id", "name = 'J\u00c3\u00b6rg M\u00c3\u00bcller'"),
    "Jorg and a capital as mojibake": change("characters_charactermodel", "id", "name = '\u00c3\u2013ffner'"),
    "a quote as mojibake": change("characters_charactermodel", "id", "description = 'it\u00e2\u20ac\u2122s'"),
    "a quote read as Latin-1": change("characters_charactermodel", "id", "description = 'it\u00e2\u0080\u0099s'"),
    "a lost character": change("items_itemmodel", "id", "name = 'M\ufffdller'"),
    "a post as mojibake": change("game_post", "id", "message = 'caf\u00c3\u00a9'"),
    "an entry with a hard blank as mojibake": change("game_journalentry", "id", "message = 'ten\u00c2\u00a0years'"),
    "a scene as mojibake": change("game_scene", "id", "name = 'Gr\u00c3\u00bc\u00c3\u0178e'"),
    "a chronicle as mojibake": change("game_chronicle", "id", "name = 'M\u00c3\u00bcnchen'"),
    "Polish as mojibake": change("locations_locationmodel", "id", "name = '\u00c5\u0081\u00c3\u00b3d\u00c5\u00ba'"),
    "Russian as mojibake": change(
        "characters_charactermodel", "id", "name = '\u00d0\u02dc\u00d0\u00b2\u00d0\u00b0\u00d0\u00bd'"
    ),
    "a picture as mojibake": change("game_post", "id", "message = '\u00f0\u0178\u02dc\u20ac'"),
    "mojibake of mojibake": change("game_post", "id", "message = 'caf\u00c3\u0192\u00c2\u00a9'"),
    "a surname as mojibake": change("auth_user", "id", "last_name = 'Fr\u00c3\u00b6hlich'"),
    "a mark of the order of bytes": change("items_itemmodel", "id", "description = '\u00ef\u00bb\u00bfA sword'"),
    "a list as mojibake": change("characters_kith", "id", "birthrights = '[\"caf\u00c3\u00a9\"]'"),
    "a list of None": change("characters_kith", "id", "birthrights = '[\"None\"]'"),
    "a name of HTML": change("items_itemmodel", "id", "name = 'Sword &amp; Shield'"),
    "a name with an escape": change("items_itemmodel", "id", r"name = 'M\u00fcller'"),
}

TWINS: Final[Mapping[str, str]] = {
    "the same dot bought twice": spent(created_at="now() - interval '9 days'", approved_at=NOW),
    "the same dot bought and asked for": spent(
        created_at=NOW, approved="'Pending'", approved_at="NULL", approved_by_id="NULL"
    ),
    "the same row of XP twice": spent(),
    "the same dot of Willpower twice on one day": copied(
        "game_xpspendingrequest", "approved = 'Approved' AND trait_type = 'willpower'"
    ),
    "the same request asked twice": copied("game_xpspendingrequest", "approved = 'Pending'"),
    "the same record of freebies twice": copied("game_freebiespendingrecord", "approved = 'Approved'"),
    "the same background twice": copied("characters_backgroundrating", "NOT pooled"),
    "the same background with a note twice": copied("characters_backgroundrating", "note <> ''"),
    "the same pool twice": copied("characters_pooledbackgroundrating"),
    "the same passion twice": copied("characters_passion"),
    "the same fetter twice": copied("characters_fetter"),
    "two chronicles of one name": copied("game_chronicle"),
    "two chronicles whose names differ by case": copied(
        "game_chronicle", name="(SELECT upper(min(name)) FROM game_chronicle)"
    ),
    "the same weapon twice": twin("items_itemmodel", "items_weapon", "chronicle_id IS NOT NULL"),
    "the same wonder twice": twin("items_itemmodel", "items_wonder", "chronicle_id IS NOT NULL"),
    "the same place twice": twin("locations_locationmodel", "locations_city", "chronicle_id IS NOT NULL"),
    "the same group twice": twin("characters_group", "characters_pack", "chronicle_id IS NOT NULL"),
    "two approved characters of one name": """
        UPDATE characters_charactermodel AS one SET name = other.name
        FROM characters_charactermodel AS other
        WHERE one.id = (
            SELECT max(a.id) FROM characters_charactermodel AS a JOIN characters_charactermodel AS b
            ON (a.owner_id, a.chronicle_id) = (b.owner_id, b.chronicle_id) AND a.id > b.id
            WHERE a.status = 'App' AND b.status = 'App')
          AND other.id = (
            SELECT min(b.id) FROM characters_charactermodel AS b
            WHERE (b.owner_id, b.chronicle_id) = (one.owner_id, one.chronicle_id) AND b.id < one.id AND b.status = 'App')
    """,
    "the same post twice": copied("game_post"),
    "the same entry twice": copied("game_journalentry"),
    "the same scene twice": copied("game_scene"),
    "the same house rule twice": copied("core_houserule"),
    "the same weekly request twice": copied("game_weeklyxprequest", "approved"),
    "the same mark of reading twice": copied("game_userscenereadstatus"),
    "the same use of a template twice": copied("core_templateapplication"),
    "the same game line twice": copied("game_gameline"),
    "the same clan twice": copied("characters_vampireclan"),
    "the same rote twice": copied("characters_rote"),
    "the same reality zone twice": copied("locations_realityzone"),
    "the same dot bought with freebies twice": copied(
        "game_freebiespendingrecord", "approved = 'Approved' AND trait_type = 'attribute'", created_at="now()"
    ),
    "the same news twice": copied("core_newsitem"),
    "the same merit twice": copied("characters_meritflawrating"),
    "names that differ by case": "UPDATE auth_user SET username = (SELECT upper(username) FROM auth_user WHERE id = 1) WHERE id = 2",
    "names that differ by a blank": "UPDATE auth_user SET username = (SELECT username || ' ' FROM auth_user WHERE id = 1) WHERE id = 2",
}

JUDGES: Final[Mapping[str, str]] = {
    "a player who decides on his own XP": """
        UPDATE game_xpspendingrequest AS spend SET approved_by_id = cm.owner_id FROM characters_charactermodel AS cm
        WHERE cm.id = spend.character_id AND spend.id = (
            SELECT min(one.id) FROM game_xpspendingrequest AS one JOIN characters_charactermodel AS player
            ON player.id = one.character_id AND NOT player.npc WHERE one.approved = 'Approved')
    """,
    "a player who decides on his own freebies": """
        UPDATE game_freebiespendingrecord AS spend SET approved_by_id = cm.owner_id FROM characters_charactermodel AS cm
        WHERE cm.id = spend.character_id AND spend.id = (SELECT min(id) FROM game_freebiespendingrecord WHERE approved = 'Approved')
    """,
    "somebody who tells nothing decides on XP": """
        UPDATE game_xpspendingrequest AS spend SET approved_by_id = (
            SELECT min(id) FROM auth_user WHERE NOT is_staff AND NOT is_superuser
            AND id NOT IN (SELECT head_st_id FROM game_chronicle) AND id NOT IN (SELECT user_id FROM game_strelationship)
            AND id <> (SELECT owner_id FROM characters_charactermodel WHERE id = spend.character_id))
        WHERE id = (SELECT min(id) FROM game_xpspendingrequest WHERE approved = 'Approved')
    """,
    "somebody who tells nothing decides on freebies": """
        UPDATE game_freebiespendingrecord AS spend SET approved_by_id = (
            SELECT min(id) FROM auth_user WHERE NOT is_staff AND NOT is_superuser
            AND id NOT IN (SELECT head_st_id FROM game_chronicle) AND id NOT IN (SELECT user_id FROM game_strelationship)
            AND id <> (SELECT owner_id FROM characters_charactermodel WHERE id = spend.character_id))
        WHERE id = (SELECT min(id) FROM game_freebiespendingrecord WHERE approved = 'Approved')
    """,
    "a player who becomes storyteller": """
        INSERT INTO game_strelationship (user_id, chronicle_id, gameline_id)
        SELECT cm.owner_id, cm.chronicle_id, 1 FROM characters_charactermodel AS cm
        WHERE cm.status = 'App' AND NOT cm.npc AND cm.owner_id IS NOT NULL ORDER BY cm.id LIMIT 1
    """,
    "a player who becomes head": """
        UPDATE game_chronicle SET head_st_id = (
            SELECT min(owner_id) FROM characters_charactermodel AS cm
            WHERE cm.status = 'App' AND NOT cm.npc AND cm.chronicle_id = game_chronicle.id)
        WHERE id = (SELECT min(id) FROM game_chronicle)
    """,
}

LUCKY: Final = """(
    SELECT request.character_id FROM game_weeklyxprequest AS request WHERE request.approved GROUP BY 1
    ORDER BY sum(finishing::int + learning::int + rp::int + focus::int + standingout::int) - (
        SELECT coalesce(sum(cost), 0) FROM game_xpspendingrequest AS spend
        WHERE spend.character_id = request.character_id AND spend.approved <> 'Denied') DESC, 1 LIMIT 1)
"""
"""The character whose weekly requests brought most beyond what was spent."""

XP: Final[Mapping[str, str]] = {
    "a pool of XP that is gone": f"UPDATE characters_character SET xp = 0 WHERE charactermodel_ptr_id = {LUCKY}",
    "a denied spend that was not paid back": f"""
        UPDATE game_xpspendingrequest SET approved = 'Denied' WHERE approved = 'Approved' AND character_id = {LUCKY}
    """,
    "weekly awards that were not added": f"""
        UPDATE characters_character SET xp = xp - (
            SELECT sum(finishing::int + learning::int + rp::int + focus::int + standingout::int)
            FROM game_weeklyxprequest WHERE approved AND character_id = charactermodel_ptr_id) / 2
        WHERE charactermodel_ptr_id = {LUCKY}
    """,
    "a pool a hundred times too large": """
        UPDATE characters_character SET xp = xp * 100
        WHERE charactermodel_ptr_id = (SELECT charactermodel_ptr_id FROM characters_character ORDER BY xp DESC, 1 LIMIT 1)
    """,
    "freebies a hundred times too many": """
        UPDATE characters_human SET freebies = freebies * 100
        WHERE character_ptr_id = (SELECT character_ptr_id FROM characters_human ORDER BY freebies DESC, 1 LIMIT 1)
    """,
    "a discipline a hundred times too dear": """
        UPDATE game_xpspendingrequest SET cost = cost * 100
        WHERE id = (SELECT min(id) FROM game_xpspendingrequest WHERE trait_type = 'discipline')
    """,
    "a spend on 500 dots": change("game_xpspendingrequest", "id", "trait_value = 500", "trait_type = 'willpower'"),
    "a spend on the first of minus dots": change(
        "game_xpspendingrequest", "id", "trait_value = -4", "trait_type = 'virtue'"
    ),
    "freebies spent on 500 dots": change("game_freebiespendingrecord", "id", "trait_value = 500"),
    "freebies a hundred times too dear": change("game_freebiespendingrecord", "id", "cost = cost * 100"),
    "a story of 500 chapters": change("game_storyxprequest", "id", "duration = duration * 100"),
    "a Sphere that was bought and is not there": """
        UPDATE characters_mage SET correspondence = 0, mind = 0, spirit = 0 WHERE mtahuman_ptr_id IN (
            SELECT character_id FROM game_xpspendingrequest WHERE trait_type = 'sphere' AND approved = 'Approved')
    """,
    "Arete that was bought and is not there": """
        UPDATE game_xpspendingrequest SET trait_value = 9, cost = 64 WHERE trait_type = 'arete' AND approved = 'Approved'
    """,
}

IMAGES: Final[Mapping[str, str]] = {
    f"an image at {path!r}": change("items_itemmodel", "id", f"image = '{path}'")
    for path in (
        "/etc/passwd",
        "../../etc/passwd.png",
        "items/../../secret.png",
        "items/..",
        r"..\..\secret.png",
        r"C:\pictures\me.png",
        "C:/pictures/me.png",
        "http://example.org/me.png",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "//example.org/me.png",
        "~/me.png",
        "items/me.png\nx",
        "%2e%2e/%2e%2e/secret.png",
        "items/%2E%2E%2Fsecret.png",
    )
}

NUMBERS: Final[Mapping[str, str]] = {
    "an edge of 99": change("characters_hunter", "htrhuman_ptr_id", "ward = 99"),
    "an edge below nothing": change("characters_hunter", "htrhuman_ptr_id", "ward = -1"),
    "renown of 99": change("characters_fera", "wtahuman_ptr_id", "renown = 99"),
    "a fetter of 99": change("characters_fetter", "id", "rating = 99"),
    "a passion of 99": change("characters_passion", "id", "rating = 99"),
    "a gift of rank 99": change("characters_gift", "id", "rank = 99"),
    "a rite of level 99": change("characters_rite", "id", "level = 99"),
    "an edge of level 99": change("characters_edge", "id", "level = 99"),
    "an Arcanos of level 99": change("characters_arcanos", "id", "level = 99"),
    "a demesne of rank 99": change("locations_demesne", "locationmodel_ptr_id", "rank = 99"),
    "a library of rank 99": change("locations_library", "locationmodel_ptr_id", "rank = 99"),
    "a haunt of rank 99": change("locations_haunt", "locationmodel_ptr_id", "rank = 99"),
    "a rack of quality 500": change("locations_rack", "locationmodel_ptr_id", "quality = 500"),
    "an artifact of power 500": change("items_vampireartifact", "itemmodel_ptr_id", "power_level = 500"),
    "a weapon of damage 500": change("items_weapon", "itemmodel_ptr_id", "damage = 500"),
    "a clip of minus rounds": change("items_rangedweapon", "weapon_ptr_id", "clip = -6"),
    "an age of minus years": change("characters_werewolf", "wtahuman_ptr_id", "age_of_first_change = -13"),
    "a template used minus times": change("core_charactertemplate", "id", "times_used = -1"),
    "a city of minus people": change("locations_city", "locationmodel_ptr_id", "population = -1"),
    "500 health levels": change("characters_human", "character_ptr_id", "max_health_levels = 700"),
    "a virtue of the Earthbound of 99": change("characters_earthbound", "dtfhuman_ptr_id", "conscience = 99"),
    "kin of 99 Gnosis": change("characters_kinfolk", "wtahuman_ptr_id", "gnosis = 99"),
    "a spirit of 99 rage": change("characters_spiritcharacter", "character_ptr_id", "rage = 99"),
    "blood below nothing": change("characters_vampire", "vtmhuman_ptr_id", "blood_pool = -3"),
    "60 blood": change("characters_ghoul", "vtmhuman_ptr_id", "blood_pool = 60"),
    "500 Quintessence": change("characters_mage", "mtahuman_ptr_id", "quintessence = 500"),
    "Paradox far below nothing": change("characters_mage", "mtahuman_ptr_id", "paradox = -300"),
    "a sorcerer of 500 Quintessence": change("characters_sorcerer", "mtahuman_ptr_id", "quintessence = 500"),
    "Angst below nothing": change("characters_wraith", "wtohuman_ptr_id", "angst = -5"),
    "a pool of 999 dots": change("characters_pooledbackgroundrating", "id", "rating = 999"),
    "a pool of minus dots": change("characters_pooledbackgroundrating", "id", "rating = -1"),
    "a page of minus one": change("core_bookreference", "id", "page = -1"),
    "a step of creation below the first": change(
        "characters_character", "charactermodel_ptr_id", "creation_status = -3"
    ),
}

SYSTEM: Final[Mapping[str, str]] = {
    "an account without a name": change("auth_user", "id", "username = ''"),
    "an account whose name ends in a tab": change("auth_user", "id", "username = username || chr(9)"),
    "an account whose name hides a sign": change("auth_user", "id", r"username = username || U&'\200B'"),
    "a password of somebody else": "UPDATE auth_user SET password = (SELECT password FROM auth_user WHERE id = 1) WHERE id = 2",
    "one password for all": "UPDATE auth_user SET password = (SELECT password FROM auth_user WHERE id = 1)",
    "everybody is staff": "UPDATE auth_user SET is_staff = TRUE",
    "everybody is locked out": "UPDATE auth_user SET is_active = FALSE",
    "one player owns all characters": "UPDATE characters_charactermodel SET owner_id = 2 WHERE NOT npc",
    "migrations that are not on record": "DELETE FROM django_migrations WHERE app = 'characters'",
    "migrations of an app that was renamed": "UPDATE django_migrations SET app = 'game_' WHERE app = 'game'",
    "freebies spent on nothing": change("characters_human", "character_ptr_id", "spent_freebies = '[{\"cost\": 4}]'"),
    "freebies spent by the million": change(
        "characters_human",
        "character_ptr_id",
        'spent_freebies = \'[{"trait": "Arete", "value": 2, "cost": 4000000}]\'',
    ),
    "freebies whose cost is a word": change(
        "characters_human",
        "character_ptr_id",
        'spent_freebies = \'[{"trait": "Arete", "value": 2, "cost": "4"}]\'',
    ),
    "a content type that was renamed": "UPDATE django_content_type SET model = 'vampir' WHERE model = 'vampire'",
    "an object without the row of its class": "DELETE FROM characters_spiritcharacter WHERE character_ptr_id = "
    "(SELECT min(character_ptr_id) FROM characters_spiritcharacter)",
    "observers of what is not there": "UPDATE core_observer SET object_id = object_id + 100000",
    "observers of users": "UPDATE core_observer SET content_type_id = "
    "(SELECT id FROM django_content_type WHERE (app_label, model) = ('auth', 'user'))",
    "posts two days too early": dated("game_post", "datetime_created", "datetime_created - interval '2 days'"),
    "spends in another time zone": "UPDATE game_xpspendingrequest SET created_at = created_at + interval '8 hours'",
    "value and cost swapped": change(
        "game_xpspendingrequest", "id", "trait_value = cost, cost = trait_value", "trait_type = 'attribute'"
    ),
    "numbers loaded twice": "INSERT INTO core_number (value) SELECT value FROM core_number",
    "a vampire who sired himself": change("characters_vampire", "vtmhuman_ptr_id", "sire_id = vtmhuman_ptr_id"),
    "a place within itself": change("locations_locationmodel", "id", "parent_id = id"),
    "a status in small letters": change("characters_charactermodel", "id", "status = lower(status)"),
    "game lines in capitals": change("game_scene", "id", "gameline = upper(gameline)"),
}

DAMAGES: Final = {**DATES, **TEXTS, **TWINS, **JUDGES, **XP, **IMAGES, **NUMBERS, **SYSTEM}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_above_info(fired: Fired, damage: str) -> None:
    assert fired(DAMAGES[damage]) != []


def bought(days: int, **other: str) -> str:
    """Buy the first dot of Willpower anew, some days later."""
    return copied(
        "game_xpspendingrequest",
        "approved = 'Approved' AND trait_type = 'willpower'",
        created_at=f"(SELECT max(created_at) FROM game_xpspendingrequest) + interval '{days} days'",
        **other,
    )


LEGAL: Final[Mapping[str, str]] = {
    "an entry about the year 1890": dated("game_journalentry", "date", "'1890-05-01'"),
    "a chronicle that plays in 2150": """
        WITH far AS (UPDATE game_chronicle SET year = 2150 WHERE id = 1),
        entries AS (
            UPDATE game_journalentry SET date = '2153-05-01' WHERE journal_id IN (
                SELECT journal.id FROM game_journal AS journal JOIN characters_charactermodel AS cm
                ON cm.id = journal.character_id AND cm.chronicle_id = 1))
        UPDATE game_scene SET date_of_scene = '2152-05-01' WHERE chronicle_id = 1
    """,
    "somebody who is born in 2130": change("characters_human", "character_ptr_id", "date_of_birth = '2130-01-01'"),
    "news announced ahead": dated("core_newsitem", "date", "current_date + 40"),
    "a session that lasts": dated("django_session", "expire_date", "now() + interval '14 days'", "session_key"),
    "a clock that is an hour ahead": dated(
        "game_post",
        "datetime_created",
        "now() + interval '1 hour'",
        where="scene_id NOT IN (SELECT id FROM game_scene WHERE finished)",
    ),
    "the week that runs": copied(
        "game_week", end_date="current_date + (7 - extract(isodow FROM current_date)::int) % 7"
    ),
    "a hacker called Null": change("characters_charactermodel", "id", "name = 'Null'"),
    "Nan, who is a grandmother": change("characters_charactermodel", "id", "name = 'Nan'"),
    "somebody of the family Null": change("auth_user", "id", "last_name = 'Null'"),
    "an answer of None": change("game_post", "id", "message = 'None'"),
    "a rite without restrictions": change("characters_ritual", "id", "restrictions = 'None'"),
    "a charm that costs nothing": change("characters_thorn", "id", "activation_cost = 'None'"),
    "umlauts and quotes": change(
        "characters_charactermodel",
        "id",
        "description = '\u00bbSpa\u00df\u2026\u00ab, \u201eFu\u00df\u201c, \u00c4\u2026'",
    ),
    "capitals and quotes": change(
        "characters_charactermodel",
        "id",
        "description = '\u201cCAF\u00c9\u201d \u2026 LIBERT\u00c9\u2026 MA\u00c7\u00c3\u2026 \u00ab\u00c0\u00bb IRM\u00c3\u201d'",
    ),
    "Hawaii in French": change("characters_charactermodel", "id", "description = '\u00abHawa\u00ef\u00bb'"),
    "Icelandic": change("characters_charactermodel", "id", "name = '\u00de\u00f3r\u00f0ur \u00c1rnason'"),
    "Polish": change("characters_charactermodel", "id", "name = '\u0141\u00f3d\u017a'"),
    "Russian": change("characters_charactermodel", "id", "name = '\u0418\u0432\u0430\u043d'"),
    "Greek": change("characters_charactermodel", "id", "name = '\u039f\u03b4\u03c5\u03c3\u03c3\u03b5\u03cd\u03c2'"),
    "Japanese": change("characters_charactermodel", "id", "name = '\u6b66\u8535'"),
    "an Angstrom squared": change("characters_effect", "id", "description = '5 \u00c5\u00b2'"),
    "a picture": change("game_post", "id", "message = '\U0001f600'"),
    "a name with a sign": change("items_itemmodel", "id", "name = 'Sword & Shield'"),
    "HTML in a post": change("game_post", "id", "message = 'Rolls: <b>3</b> &amp; more'"),
    "Contacts told apart by a note": copied("characters_backgroundrating", "NOT pooled", note="'the mayor'"),
    "Contacts of other dots": copied("characters_backgroundrating", "NOT pooled AND rating < 4", rating="rating + 1"),
    "Willpower lost and bought again": bought(90, approved_at="now()"),
    "three more points for rotes": """
        WITH twice AS (SELECT generate_series(1, 2) AS number)
        INSERT INTO game_xpspendingrequest
            (character_id, trait_type, trait_name, trait_value, cost, approved, created_at, approved_at, approved_by_id)
        SELECT (SELECT max(mtahuman_ptr_id) FROM characters_mage), 'rotes', 'Rote Points', 3, 1, 'Approved',
               now() - number * interval '1 minute', now(), (SELECT min(id) FROM auth_user WHERE is_staff)
        FROM twice
    """,
    "an item of one name that somebody else has": """
        UPDATE items_itemmodel AS one SET name = other.name FROM items_itemmodel AS other
        WHERE one.id = (SELECT max(id) FROM items_itemmodel WHERE owner_id IS NOT NULL)
          AND other.id = (SELECT min(id) FROM items_itemmodel WHERE owner_id IS NOT NULL)
    """,
    "two guards of a storyteller": """
        UPDATE characters_charactermodel AS one SET name = 'Guard', npc = TRUE, owner_id = first.owner_id
        FROM characters_charactermodel AS first
        WHERE first.id = (SELECT min(id) FROM characters_charactermodel WHERE npc AND owner_id IS NOT NULL)
          AND one.id IN (SELECT id FROM characters_charactermodel WHERE npc AND chronicle_id = first.chronicle_id ORDER BY id LIMIT 2)
    """,
    "two drafts of one name": """
        UPDATE characters_charactermodel SET name = 'Draft', owner_id = 1, chronicle_id = 1 WHERE id IN (
            SELECT id FROM characters_charactermodel WHERE status = 'Un' AND chronicle_id = 1 ORDER BY id LIMIT 2)
    """,
    "the same words posted twice": copied(
        "game_post",
        datetime_created="(SELECT min(datetime_created) + interval '1 second' FROM game_post WHERE id = (SELECT min(id) FROM game_post))",
    ),
    "a storyteller who decides about a character of the storytellers": """
        UPDATE characters_charactermodel AS cm SET npc = TRUE, owner_id = spend.approved_by_id
        FROM game_xpspendingrequest AS spend WHERE spend.character_id = cm.id AND spend.approved = 'Approved' AND cm.npc
    """,
    "a storyteller who plays elsewhere": """
        UPDATE characters_charactermodel SET owner_id = (SELECT min(head_st_id) FROM game_chronicle WHERE id = 1)
        WHERE id = (SELECT min(id) FROM characters_charactermodel WHERE chronicle_id = 2 AND status = 'App' AND NOT npc)
    """,
    "an approver whose account is deleted": change(
        "game_xpspendingrequest", "id", "approved_by_id = NULL", "approved = 'Approved'"
    ),
    "a storyteller's gift of XP": change("characters_character", "charactermodel_ptr_id", "xp = xp + 150"),
    "an image named after its object": change(
        "items_itemmodel", "id", "image = 'items/core/item/itemmodel/what...and/or_who_x7Hs2.png'"
    ),
    "an account whose name has a blank within": change("auth_user", "id", "username = 'anna smith'"),
    "accounts without a password": "UPDATE auth_user SET password = ''",
    "passwords that are unusable": "UPDATE auth_user SET password = '!'",
    "Quintessence spent below nothing": change("characters_mage", "mtahuman_ptr_id", "quintessence = -5"),
    "an address of another case": "UPDATE auth_user SET email = (SELECT upper(email) FROM auth_user WHERE id = 1) WHERE id = 2",
    "an address on the machine itself": change("auth_user", "id", "email = 'admin@localhost'"),
    "a haunt of rank 6": change("locations_rack", "locationmodel_ptr_id", "quality = 6"),
    "a city of millions": change("locations_city", "locationmodel_ptr_id", "population = 8000000"),
    "a faction founded before Christ": change(
        "characters_magefaction", "id", "founded = -4000", "founded IS NULL OR founded < 2000"
    ),
}
"""What the application leaves in normal use, and what people may write."""


@pytest.mark.parametrize("act", LEGAL)
def test_legal_act_is_named_by_no_rule_above_info(fired: Fired, act: str) -> None:
    assert fired(LEGAL[act]) == []


@pytest.mark.parametrize("table", ["characters_human", *LINE_ABILITIES])
def test_each_ability_of_99_is_named(fired: Fired, table: str) -> None:
    abilities = ABILITIES if table == "characters_human" else LINE_ABILITIES[table]
    key = CLASSES[table].key
    unnamed = [
        one
        for one in abilities
        for dots in (-1, 11, 99)
        if not any(f"{one}]" in name for name in fired(change(table, key, f"{one} = {dots}")))
    ]

    assert unnamed == []


@needs_csvs
def test_each_date_is_a_record_or_set_by_people() -> None:
    dates = {f"{row['table']}.{row['column']}" for row in table("columns") if row["type"].startswith(("date", "time"))}
    records = {".".join(one) for one in RECORDS}

    assert records <= dates
    assert {one for one in dates - records if not any(re.fullmatch(known, one) for known in SET_BY_PEOPLE)} == set()
    assert {one for one in dates & records if any(re.fullmatch(known, one) for known in SET_BY_PEOPLE)} == set()


@needs_csvs
def test_each_text_is_filled_by_people_or_has_a_reason() -> None:
    texts = {(row["table"], row["column"]) for row in table("columns") if row["type"].startswith(("text", "character"))}
    chosen = {(row["table"], row["column"]) for row in table("choices")}
    filled = {(name, column) for name, columns in FILLED.items() for column in columns}

    assert filled <= texts - chosen
    left = {".".join(one) for one in texts - chosen - filled}
    assert {one for one in left if not any(re.fullmatch(known, one) for known in UNFILLED)} == set()
