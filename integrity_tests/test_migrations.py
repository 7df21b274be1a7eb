"""The record of TG's migrations, and the log of its administration."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule


@rule.unique(
    "django_migrations",
    ["app", "name"],
    breaks="""
        WITH one AS (SELECT min(id) AS id FROM django_migrations),
        copy AS (
            INSERT INTO django_migrations (app, name, applied)
            SELECT app, name, applied FROM django_migrations JOIN one USING (id) RETURNING id
        )
        SELECT id FROM copy UNION ALL SELECT id FROM one
    """,
    show=["applied"],
    fix_hint="all but the first may go, once somebody knows how it came to be applied twice",
    tags=["MIG-1"],
)
def test_migration_is_recorded_once(violations: Violations) -> None:
    """Every migration is recorded once."""
    assert not violations


@rule.references(
    "django_content_type",
    "app_label",
    "django_migrations",
    "app",
    breaks="""
        WITH gone AS (DELETE FROM django_migrations WHERE app = 'sessions' RETURNING app)
        SELECT id FROM django_content_type WHERE app_label IN (SELECT app FROM gone)
    """,
    show=["model"],
    fix_hint="without that record `migrate` begins anew, and fails on the first table: the last backup has it",
    tags=["MIG-1"],
)
def test_migration_is_recorded_for_each_app(violations: Violations) -> None:
    """Every app that has classes has a recorded migration: migrations have made all tables but their own."""
    assert not violations


@rule.at_most(
    "django_migrations",
    "applied",
    "now() + interval '1 day'",
    breaks={"applied": "now() + interval '30 days'"},
    show=["app", "name"],
    fix_hint="a wrong clock, or a database from elsewhere: a person finds out which",
    tags=["MIG-1"],
)
def test_migration_was_applied_in_the_past(violations: Violations) -> None:
    """No migration is recorded as applied later than tomorrow."""
    assert not violations


@rule.one_of(
    "django_admin_log",
    "action_flag",
    (1, 2, 3),
    severity="low",
    show=["action_time", "object_repr"],
    fix_hint="what somebody did is not known any more: keep it as it is, or delete it",
    since="action_time",
    enforced_by="django_admin_log_action_flag_check",
)
def test_admin_log_says_what_was_done(violations: Violations) -> None:
    """Every entry in the log of the administration is an addition, a change or a deletion."""
    assert not violations
