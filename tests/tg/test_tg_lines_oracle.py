"""The rules of the game lines agree with the plain SQL of the invariants, on a demo with damage of every kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import psycopg
import pytest

from tg import DECLARED, Connection, Judged, change, demo_with, judged, keys_by_plain_sql, needs_csvs, some

VAMPIRE: Final = "vtmhuman_ptr_id"
MAGE: Final = "mtahuman_ptr_id"
GAROU: Final = "wtahuman_ptr_id"
WRAITH: Final = "wtohuman_ptr_id"
FEY: Final = "ctdhuman_ptr_id"
FALLEN: Final = "dtfhuman_ptr_id"


def standing(key: str, *statuses: str) -> str:
    listed = ", ".join(f"'{status}'" for status in statuses)
    return f"{key} IN (SELECT id FROM characters_charactermodel WHERE status IN ({listed}) AND NOT npc)"


def swap(link: str, column: str, to: str, where: str) -> str:
    """Let the first of some links lead elsewhere."""
    return f"UPDATE {link} SET {column} = {to} WHERE id = {some(link, 'id', where)}"


BEGUN: Final = f"{GAROU} IN (SELECT id FROM characters_charactermodel WHERE status <> 'Un')"
"""Werewolves whose creation is over: WOLF-1 asks nothing of the others, though its plain SQL does."""

LOW: Final = "characters_apocalypticform_low_torment_traits"
HIGH: Final = "characters_apocalypticform_high_torment_traits"

# For each invariant what breaks it; the rows that this also breaks otherwise are compared too.
DAMAGE: Final[Mapping[str, tuple[str, ...]]] = {
    "VAM-2": (
        change("characters_vampire", VAMPIRE, "blood_pool = -1"),
        change("characters_vampire", VAMPIRE, "blood_pool = max_blood_pool + 1", offset=1),
        change("characters_ghoul", VAMPIRE, "blood_pool = max_blood_pool + 1"),
        change("characters_revenant", VAMPIRE, "blood_pool = -7"),
    ),
    "VAM-3": (
        change("characters_vampire", VAMPIRE, "has_conviction = NOT has_conviction", "path_id IS NOT NULL"),
        change("characters_vampire", VAMPIRE, "has_instinct = NOT has_instinct", "path_id IS NOT NULL", 1),
    ),
    "VAM-4": (
        change("characters_vampire", VAMPIRE, "conscience = 0, conviction = 0", offset=2),
        change("characters_vampire", VAMPIRE, "self_control = 0, instinct = 0", offset=3),
    ),
    "VAM-5": (
        change("characters_vampire", VAMPIRE, "humanity = 3", standing(VAMPIRE, "Un", "Sub"), 0, 2),
        change("characters_vampire", VAMPIRE, "path_rating = 3", "path_id IS NOT NULL", 0, 99),
    ),
    "VAM-6": (
        change("characters_vampire", VAMPIRE, "celerity = 6, potence = 6", offset=5),
        change("characters_vampire", VAMPIRE, "celerity = -1", offset=6),
        change("characters_vampire", VAMPIRE, "protean = 9", "generation_rating < 7"),
    ),
    "VAM-8": (change("characters_vampire", VAMPIRE, "generation_rating = 4", "sire_id IS NOT NULL"),),
    "VAM-9": (
        change(
            "characters_vampire",
            VAMPIRE,
            "sect_id = NULL",
            f"{VAMPIRE} IN (SELECT vampire_id FROM characters_vampire_titles)",
        ),
    ),
    "VAM-10": (
        change("characters_ghoul", VAMPIRE, "is_independent = true", "domitor_id IS NOT NULL"),
        change("characters_ghoul", VAMPIRE, "potence = 0", offset=2),
    ),
    "MAG-2": (
        change("characters_mage", MAGE, "affiliation_id = NULL", "faction_id IS NOT NULL"),
        change("characters_mage", MAGE, "faction_id = affiliation_id", "subfaction_id IS NOT NULL", 1),
    ),
    "MAG-3": (
        change("characters_mage", MAGE, "metaphysical_tenet_id = personal_tenet_id"),
        change("characters_mage", MAGE, "personal_tenet_id = ascension_tenet_id", offset=1),
        change("characters_mage", MAGE, "ascension_tenet_id = metaphysical_tenet_id", offset=2),
    ),
    "MAG-4": (
        change("characters_mage", MAGE, "quintessence = -1"),
        change("characters_mage", MAGE, "paradox = -1", offset=1),
        change("characters_mage", MAGE, "quintessence = 11, paradox = 10", offset=2),
    ),
    "MAG-5": (
        change("characters_mage", MAGE, "quiet = 0", "quiet > 0", 0, 2),
        change("characters_mage", MAGE, "quiet = 2", "quiet_type = 'none'"),
    ),
    "MAG-6": (
        change("characters_mage", MAGE, "affinity_sphere_id = NULL", standing(MAGE, "Sub", "App")),
        change(
            "characters_mage",
            MAGE,
            "forces = 0, prime = 0, life = 0, mind = 0, time = 0",
            standing(MAGE, "Sub", "App"),
            1,
            9,
        ),
    ),
    "MAG-7": (
        change("characters_mage", MAGE, "spirit = 0, matter = 0, entropy = 0, correspondence = 0", "true", 9, 9),
    ),
    "MAG-8": (
        change("characters_effect", "id", "rote_cost = rote_cost + 1"),
        change("characters_effect", "id", "max_sphere = 0", offset=1),
    ),
    "MAG-9": tuple(
        change("characters_rote", "id", f"{column} = NULL", "status IN ('Sub', 'App')", number)
        for number, column in enumerate(("effect_id", "attribute_id", "ability_id"))
    ),
    "MAG-10": (
        change("characters_magefaction", "id", "founded = ended + 1"),
        # a loop without anything below it: the rule also names those, the plain SQL does not
        change(
            "characters_magefaction",
            "id",
            "parent_id = id",
            "id NOT IN (SELECT parent_id FROM characters_magefaction WHERE parent_id IS NOT NULL)",
        ),
    ),
    "MAG-11": (
        f"DELETE FROM characters_practicerating WHERE mage_id IN {some('characters_mage', MAGE, standing(MAGE, 'App'), 0, 2)}",
    ),
    "WOLF-1": (
        change("characters_werewolf", GAROU, "rank = 6"),
        change("characters_werewolf", GAROU, "rank = 5", f"rank < 4 AND {BEGUN}", 1, 40),
        change("characters_werewolf", GAROU, "honor = 0, wisdom = 0", BEGUN, 50, 20),
        change("characters_werewolf", GAROU, "glory = 0", BEGUN, 70, 20),
    ),
    "WOLF-2": (
        change("characters_werewolf", GAROU, "temporary_glory = 10"),
        change("characters_werewolf", GAROU, "temporary_wisdom = 11", offset=1),
    ),
    "WOLF-3": (
        change("characters_gift", "id", "rank = 7"),
        f"DELETE FROM characters_werewolf_gift_permissions WHERE werewolf_id = {some('characters_werewolf_gifts', 'werewolf_id')}",
    ),
    "WOLF-4": tuple(
        f"UPDATE {name} SET breed = 'homid', tribe_id = (SELECT id FROM characters_tribe WHERE name = 'Red Talons')"
        f" WHERE {GAROU} IN {some(name, GAROU, offset=3)}"
        for name in ("characters_werewolf", "characters_kinfolk")
    ),
    "WOLF-5": (
        change("characters_werewolf", GAROU, "renown_incidents = '[\"No such deed\"]'"),
        change("characters_werewolf", GAROU, "renown_incidents = '{\"deed\": 1}'", offset=1),
    ),
    "WOLF-6": (
        change(
            "characters_werewolf",
            GAROU,
            "tribe_id = NULL",
            f"{GAROU} IN (SELECT werewolf_id FROM characters_werewolf_camps)",
        ),
    ),
    "WRA-1": (
        change("characters_wraith", WRAITH, "character_type = 'spectre'", "character_type <> 'spectre'", 0, 2),
        change("characters_wraith", WRAITH, "spectrehood_date = NULL", "character_type = 'spectre'", 1),
    ),
    "WRA-2": (
        change("characters_wraith", WRAITH, "in_catharsis = true, is_shadow_dominant = false"),
        change("characters_wraith", WRAITH, "angst = 0", offset=1),
    ),
    "WRA-3": (
        change(
            "characters_wraith",
            WRAITH,
            "legion_id = (SELECT min(id) FROM characters_wraithfaction WHERE faction_type = 'guild')",
        ),
    ),
    "WRA-4": (
        f"UPDATE characters_charactermodel SET status = 'Sub' WHERE id IN {some('characters_wraith', WRAITH, offset=2, limit=6)}",
        f"UPDATE characters_fetter SET rating = 1 WHERE wraith_id IN {some('characters_wraith', WRAITH, offset=3, limit=2)}",
        f"DELETE FROM characters_passion WHERE wraith_id IN {some('characters_wraith', WRAITH, offset=2, limit=2)}",
    ),
    "CTD-1": (
        change("characters_changeling", FEY, "seelie_legacy_id = unseelie_legacy_id"),
        change("characters_changeling", FEY, "unseelie_legacy_id = seelie_legacy_id", offset=1),
    ),
    "CTD-2": (
        change(
            "characters_changeling",
            FEY,
            "court = CASE court WHEN 'seelie' THEN 'unseelie' ELSE 'seelie' END",
            "house_id IS NOT NULL",
        ),
    ),
    "DEM-1": (
        (
            "INSERT INTO characters_pact (terms, faith_payment, enhancements, active, demon_id, thrall_id)"
            " SELECT terms, faith_payment, enhancements, active, demon_id, thrall_id FROM characters_pact WHERE active ORDER BY id LIMIT 1"
        ),
        (
            "INSERT INTO characters_pact (terms, faith_payment, enhancements, active, demon_id, thrall_id)"
            " SELECT terms, faith_payment, enhancements, true, NULL, thrall_id FROM characters_pact ORDER BY id LIMIT 1"
        ),
    ),
    "DEM-2": (
        change("characters_pact", "id", "active = false", "active", 1),
        change("characters_thrall", FALLEN, "daily_faith_offered = 9"),
    ),
    "DEM-3": (
        f"DELETE FROM {LOW} WHERE id = {some(LOW, 'id')}",
        f"DELETE FROM {HIGH} WHERE id = {some(HIGH, 'id', offset=5)}",
        (
            f"UPDATE {LOW} AS low SET apocalypticformtrait_id = high.apocalypticformtrait_id FROM {HIGH} AS high"
            f" WHERE low.id = (SELECT max(id) FROM {LOW}) AND high.id = (SELECT max(id) FROM {HIGH} WHERE apocalypticform_id ="
            f" (SELECT apocalypticform_id FROM {LOW} ORDER BY id DESC LIMIT 1))"
        ),
        (
            f"UPDATE characters_apocalypticformtrait SET cost = 16, high_torment_only = true WHERE id ="
            f" (SELECT apocalypticformtrait_id FROM {LOW} ORDER BY id LIMIT 1)"
        ),
    ),
    "DEM-4": (
        change("characters_earthbound", FALLEN, "reliquary_max_health = reliquary_max_health + 1"),
        change("characters_earthbound", FALLEN, "reliquary_current_health = -1", offset=1),
    ),
    "DEM-5": (change("characters_demon", FALLEN, "house_id = NULL", "visage_id IS NOT NULL"),),
    "MUM-1": (
        change("characters_mummy", "mtrhuman_ptr_id", "ka_rating = ka_rating + 1"),
        change("characters_mummy", "mtrhuman_ptr_id", "ba = ka_rating + 1", offset=1),
    ),
    "HUN-1": (
        f"DELETE FROM characters_hunter_cell_members WHERE id = {some('characters_hunter_cell_members', 'id')}",
        (
            "INSERT INTO characters_hunter_cell_members (from_hunter_id, to_hunter_id)"
            " SELECT min(htrhuman_ptr_id), min(htrhuman_ptr_id) FROM characters_hunter"
        ),
    ),
    "HUN-2": (
        (
            "DELETE FROM characters_hunterorganization_members WHERE id IN (SELECT member.id"
            " FROM characters_hunterorganization_members AS member JOIN characters_hunterorganization AS body"
            " ON (body.id, body.leader_id) = (member.hunterorganization_id, member.hunter_id) ORDER BY 1 LIMIT 1)"
        ),
    ),
}

# Where the rule names the row that is wrong, and the plain SQL only whose it is.
OWNER: Final[Mapping[str, str]] = {
    "test_title_is_of_the_sect": "SELECT vampire_id FROM characters_vampire_titles WHERE id = %s",
    "test_rote_is_within_the_spheres_of_the_mage": "SELECT mage_id FROM characters_mage_rotes WHERE id = %s",
    "test_gift_is_not_above_the_rank": "SELECT werewolf_id FROM characters_werewolf_gifts WHERE id = %s",
    "test_gift_is_allowed_to_the_werewolf": "SELECT werewolf_id FROM characters_werewolf_gifts WHERE id = %s",
    "test_camp_is_of_the_tribe": "SELECT werewolf_id FROM characters_werewolf_camps WHERE id = %s",
    "test_passion_of_spectre_is_dark": "SELECT wraith_id FROM characters_passion WHERE id = %s",
    "test_pact_in_force_is_the_only_one": "SELECT min(other.id) FROM characters_pact AS one JOIN characters_pact AS other"
    " USING (demon_id, thrall_id) WHERE one.id = %s AND other.active",
    "test_trait_of_form_is_for_low_or_high_torment": f"SELECT apocalypticform_id FROM {LOW} WHERE id = %s",
    "test_trait_of_high_torment_is_not_for_low": f"SELECT apocalypticform_id FROM {LOW} WHERE id = %s",
}

# The plain SQL names the table first.
SECOND: Final = ("VAM-2",)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with demo_with(DAMAGE) as url:
        yield url


@pytest.fixture(scope="module")
def found(url: str, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    report = tmp_path_factory.mktemp("lines") / "report.json"
    return judged(report, f"--db-url={url}", "-m", " or ".join(DAMAGE), "--samples=10000", "--tb=no")


@pytest.fixture(scope="module")
def connection(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True) as connected:
        yield connected


def by_rules(connection: Connection, found: Judged, one: str) -> Iterator[tuple[str, str]]:
    """The tests about an invariant, each with a row that it names."""
    for name, judgement in found.items():
        if one in judgement["tags"]:
            test = name.partition("[")[0]
            for sample in judgement["samples"]:
                key = sample["key"] if isinstance(sample["key"], str) else sample["key"][0]
                owner = connection.execute(OWNER[test].encode(), [key]).fetchone() if test in OWNER else None
                yield test, str(owner[0]) if owner else key


@needs_csvs
@pytest.mark.parametrize("one", DAMAGE)
def test_rules_agree_with_the_invariant(one: str, found: Judged, connection: Connection) -> None:
    named = list(by_rules(connection, found, one))

    assert {key for _, key in named} == keys_by_plain_sql(connection, one, int(one in SECOND))
    assert {test for test, _ in named} == {name for name, _, rule in DECLARED if one in rule.tags}
