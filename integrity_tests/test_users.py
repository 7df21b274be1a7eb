"""Accounts: profiles, passwords, permissions."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule

from .sources import PERMISSIONS, USERS


@rule.references(
    USERS,
    "id",
    "accounts_profile",
    "user_id",
    severity="high",
    fix_hint="save the account in the application: that creates the profile with all its defaults",
    tags=["USR-1"],
)
def test_user_has_a_profile(violations: Violations) -> None:
    """Every account has a profile; without one, every page breaks for its owner."""
    assert not violations


@rule.rows(
    USERS,
    r"password !~ '^(pbkdf2_sha256|pbkdf2_sha1|argon2|bcrypt_sha256|bcrypt|scrypt)\$.+' AND password !~ '^!'",
    severity="high",
    breaks={"password": "'letmein'"},
    show=["is_active"],
    fix_hint="make the user choose a new one: it stands in the table, and in every backup, as good as readable",
    tags=["USR-7"],
)
def test_user_password_is_hashed(violations: Violations) -> None:
    """A password is stored as a salted hash, or marked as unusable. What stands there instead is not shown."""
    assert not violations


@rule.references(
    PERMISSIONS,
    ["type.id", "action.name || '_' || type.model"],
    "auth_permission",
    ["content_type_id", "codename"],
    severity="low",
    fix_hint="run TG's `migrate` again: it creates the missing permissions",
    tags=["SYS-4"],
)
def test_user_permissions_are_complete(violations: Violations) -> None:
    """To add, change, delete and view is a permission of its own for every class; nobody can be given a missing one."""
    assert not violations
