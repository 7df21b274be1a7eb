"""The database still has the constraints that TG's migrations created, and they are in force."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .words.classes import CHECKS, NUMBERED

LARGEST: Final = " UNION ALL ".join(f"SELECT '{table}' AS name, max(id) AS id FROM {table}" for table in NUMBERED)


@rule.schema(severity="critical", fix_hint="a person finds out who switched it off, and why", tags=["SYS-3"])
def test_schema_is_in_force(violations: Violations) -> None:
    """No constraint is NOT VALID, no index INVALID, no trigger disabled; foreign keys work by triggers."""
    assert not violations


@pytest.mark.parametrize(("table", "name"), CHECKS)
@rule.schema(
    "{table}",
    constraint="{name}",
    severity="critical",
    fix_hint="apply TG's migrations; if they are recorded as applied, create the constraint by hand",
)
def test_schema_has_check(violations: Violations, table: str, name: str) -> None:
    """Every CHECK constraint that TG's migrations create is in force; without it the next wrong value gets in unseen."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("accounts_profile", "accounts_profile_user_id_key"),
        ("django_content_type", "django_content_type_app_label_model_76bd3d3b_uniq"),
        ("game_journal", "game_journal_character_id_key"),
        ("game_strelationship", "unique_st_per_chronicle_gameline"),
    ],
)
@rule.schema(
    "{table}",
    constraint="{name}",
    severity="critical",
    fix_hint="remove the duplicates, then apply TG's migrations or create the constraint by hand",
)
def test_schema_has_unique(violations: Violations, table: str, name: str) -> None:
    """Profiles, content types, journals and storytellers are kept unique, as the application takes them to be."""
    assert not violations


@rule.query(
    f"""
    SELECT numbered.name, numbered.id AS largest, last.number AS last_given
    FROM ({LARGEST}) AS numbered
    CROSS JOIN LATERAL (SELECT pg_get_serial_sequence(numbered.name, 'id')::regclass AS id) AS sequence
    CROSS JOIN LATERAL (
        SELECT CASE WHEN has_sequence_privilege(sequence.id, 'SELECT, USAGE') THEN pg_sequence_last_value(sequence.id)
                    ELSE currval(sequence.id) END AS number
    ) AS last
    WHERE numbered.id > coalesce(last.number, 0)
    """,
    severity="high",
    breaks="INSERT INTO core_noun (id, name) VALUES (1000000, 'lantern') RETURNING 'core_noun'",
    fix_hint="setval() to the largest id; it is not undone by a ROLLBACK, so write the old value down",
    tags=["SYS-1"],
)
def test_schema_sequences_are_ahead(violations: Violations) -> None:
    """The next number that a table gives is free; else nothing can be added to it, as after a careless restore.

    Where the role may not read a sequence the server says so (`currval` is there to make it) and the rule is unknown.
    """
    assert not violations


@rule.query(
    """
    SELECT datname, datcollversion AS built_with, pg_database_collation_actual_version(oid) AS now
    FROM pg_database
    WHERE datname = current_database() AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid)
    """,
    severity="high",
    breaks="UPDATE pg_database SET datcollversion = '0' WHERE datname = current_database() RETURNING datname",
    fix_hint="REINDEX the database, then ALTER DATABASE … REFRESH COLLATION VERSION",
    tags=["SYS-2"],
)
def test_schema_indexes_sort_as_the_system_does(violations: Violations) -> None:
    """Text indexes were built with the collation that the system has now; else they miss rows, and let duplicates in."""
    assert not violations
