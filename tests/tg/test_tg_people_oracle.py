"""The rules over people, objects and characters agree with the plain SQL of the invariants, on damage of every kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import psycopg
import pytest

from combining import combinations
from engine import looking_at
from integrity_tests.demo import DATASETS
from integrity_tests.words.classes import ROOTS
from pytest_tgintegrity.planning.facts import Facts
from pytest_tgintegrity.planning.planner import BoundRule, plan
from pytest_tgintegrity.planning.sql.compose import fill, readable
from pytest_tgintegrity.servers.datasets import open_dataset
from tg import DECLARED, Connection, needs_csvs, plain_sql


def change(name: str, to: str, where: str = "TRUE", key: str = "id") -> str:
    return f"UPDATE {name} SET {to} WHERE {key} = (SELECT min({key}) FROM {name} WHERE {where})"


def retire(name: str, column: str, where: str = "TRUE") -> str:
    return f"UPDATE characters_charactermodel SET status = 'Ret' WHERE id = (SELECT min({column}) FROM {name} WHERE {where})"


BASE: Final = "characters_charactermodel"
HUMAN: Final = "character_ptr_id"
STANDING: Final = f"status = 'App' AND NOT npc AND id IN (SELECT {HUMAN} FROM characters_human)"

# What breaks each invariant whose rules do not say so by a statement of their own.
DAMAGE: Final[Mapping[str, tuple[str, ...]]] = {
    "USR-2": (change("accounts_profile", "theme = 'purple'"),),
    "USR-3": (change("accounts_profile", "preferred_heading = ''"),),
    "USR-6": (change("auth_user", "email = 'a@b'"),),
    "USR-8": (
        change("auth_user", "is_superuser = true", "NOT is_staff"),
        change("auth_user", "is_staff = true", "NOT is_active"),
    ),
    "USR-9": (
        change("auth_user", "last_login = date_joined - interval '2 minutes'"),
        change("auth_user", "last_login = now() + interval '2 days'", "id > 9"),
    ),
    "ST-5": (change("auth_user", "is_active = false", "id IN (SELECT user_id FROM game_strelationship)"),),
    "CHR-1": (change("game_chronicle", "year = 0"), change("game_chronicle", "name = ' '", "id > 1")),
    "CHAR-7": (
        retire("characters_hunter_cell_members", "from_hunter_id"),
        retire("characters_hunterorganization_members", "hunter_id"),
        retire("characters_hunterorganization", "leader_id"),
        retire("characters_pact", "thrall_id", "active"),
    ),
    "CHAR-8": (change(BASE, "freebies_approved = false", STANDING),),
    "CHAR-9": (
        change(BASE, "owner_id = NULL", "status = 'Un'"),
        change("items_itemmodel", "owner_id = NULL, status = 'Un'"),
        change("locations_locationmodel", "owner_id = NULL, status = 'Un'"),
    ),
    "CHAR-11": (change("characters_character", "creation_status = -1", key="charactermodel_ptr_id"),),
    "CHAR-14": (
        change("characters_human", "wits = 10", key=HUMAN),
        change("characters_human", "wits = 6", f"{HUMAN} IN (SELECT mtahuman_ptr_id FROM characters_mage)", key=HUMAN),
    ),
    "CHAR-23": (change("game_journalentry", "journal_id = NULL"),),
    "BG-3": (change("characters_backgroundrating", "rating = 6", "NOT pooled"),),
    "RATE-3": (change("characters_resrating", "rating = 0"),),
    "JSON-1": (
        change("characters_human", "spent_freebies = '{}'", key=HUMAN),
        change("core_charactertemplate", "abilities = '[]', languages = '\"x\"'"),
    ),
    "OBJ-6": (change(BASE, "chronicle_id = NULL", "status = 'Sub'"),),
    "OBJ-4": (change("characters_rote", "status = 'Dec'"), change("items_itemmodel", "status = 'Ret'")),
}

BY_RULES: Final = (
    *("USR-1", "USR-4", "USR-5", "ST-1", "ST-2", "ST-3", "ST-4", "ST-6", "OBSV-2"),
    *(
        "CHAR-4",
        "CHAR-5",
        "CHAR-6",
        "CHAR-17",
        "CHAR-18",
        "CHAR-19",
        "CHAR-20",
        "CHAR-22",
        "CHAR-24",
        "CHAR-25",
        "CHAR-26",
    ),
    *("CHAR-27", "BG-1", "BG-2", "TREE-1"),
)
"""Invariants whose rules say by statements how to break them."""

# The plain SQL names these rows otherwise than by the key of the row, or knows only one table of several (CHAR-27).
OTHERWISE: Final = (
    "USR-4",
    "USR-5",
    "ST-2",
    "ST-4",
    "CHAR-6",
    "CHAR-7",
    "CHAR-18",
    "CHAR-23",
    "CHAR-24",
    "CHAR-26",
    "CHAR-27",
    "BG-1",
    "JSON-1",
)


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with open_dataset("demo", DATASETS["demo"]) as started:
        yield started.url()


@pytest.fixture(scope="module")
def facts(demo: str) -> Facts:
    with looking_at(demo) as engine:
        return engine.facts


@pytest.fixture
def scratch(demo: str) -> Iterator[Connection]:
    """A connection to the clean demo on which nothing is enforced, and everything forgotten."""
    with psycopg.connect(demo) as connected:
        connected.execute("SET LOCAL session_replication_role = replica")
        connected.execute("ALTER TABLE game_strelationship DROP CONSTRAINT unique_st_per_chronicle_gameline")
        yield connected
        connected.rollback()


def rules_of(one: str) -> Iterator[BoundRule]:
    """Every case of every rule that is about an invariant."""
    for name, function, rule in DECLARED:
        if one in rule.tags:
            for number, params in enumerate(combinations(function)):
                yield BoundRule(f"{name}[{number}]", rule, "", params)


def damages(one: str) -> Iterator[str]:
    yield from DAMAGE.get(one, ())
    if one in BY_RULES:
        for bound in rules_of(one):
            if isinstance(bound.rule.breaks, str):
                yield readable(fill(bound.rule.breaks, bound.params))


def by_rules(connection: Connection, facts: Facts, one: str) -> set[str]:
    """The keys of the rows that violate an invariant's rules."""
    bound = list(rules_of(one))
    samplings = [scan.sampling(rule) for scan in plan(bound, facts).scans for rule in scan.rules]
    return {
        str(row[0])
        for sampling in samplings
        if sampling is not None
        for row in connection.execute(readable(sampling.rows).encode()).fetchall()
    }


def by_plain_sql(connection: Connection, one: str) -> set[tuple[str, ...]]:
    """The rows that violate an invariant by the description's SQL."""
    text = plain_sql(one)
    roots = ", ".join(f"'{each.model}'" for root in ROOTS for each in root.kin if root.table == BASE)
    texts = (
        [text.replace("{classes of root}", roots)]
        if "{t}" not in text
        else [text.replace("{t}", name) for name in ("characters_rote", "items_itemmodel")]
    )
    rows = [row for each in texts for row in connection.execute(each.encode()).fetchall()]
    return {tuple(map(str, row)) for row in rows}


@needs_csvs
@pytest.mark.parametrize("one", [*DAMAGE, *BY_RULES])
def test_rules_see_what_the_plain_sql_sees(one: str, scratch: Connection, facts: Facts) -> None:
    known, stated = by_rules(scratch, facts, one), by_plain_sql(scratch, one)
    for statement in damages(one):
        scratch.execute(statement.encode())

    found = by_rules(scratch, facts, one) - known
    expected = by_plain_sql(scratch, one) - stated

    assert found
    assert expected
    if one not in OTHERWISE:
        index = 1 if one == "CHAR-9" else 0
        assert found == {row[index] for row in expected}
