"""The database still has the constraints that TG's migrations created, and they are in force."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule


@rule.schema(severity="critical", fix_hint="a person finds out who switched it off, and why", tags=["SYS-3"])
def test_schema_is_in_force(violations: Violations) -> None:
    """No constraint is NOT VALID, no index INVALID, no trigger disabled; foreign keys work by triggers."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("characters_character", "characters_character_xp_non_negative"),
        ("characters_human", "characters_human_willpower_range"),
        ("characters_human", "characters_human_temporary_willpower_range"),
        ("characters_human", "characters_human_temporary_willpower_not_exceeds_perm"),
        ("characters_human", "characters_human_reasonable_age"),
        ("characters_human", "characters_human_reasonable_apparent_age"),
        ("game_strelationship", "unique_st_per_chronicle_gameline"),
        ("django_content_type", "django_content_type_app_label_model_76bd3d3b_uniq"),
        ("accounts_profile", "accounts_profile_user_id_key"),
        ("game_journal", "game_journal_character_id_key"),
    ],
)
@rule.schema(
    "{table}",
    constraint="{name}",
    severity="critical",
    fix_hint="apply TG's migrations; if they are recorded as applied, create the constraint by hand",
)
def test_schema_has_constraint(violations: Violations, table: str, name: str) -> None:
    """The constraints that XP, Willpower, age, storytellers, type tags, profiles and journals rely on exist."""
    assert not violations
