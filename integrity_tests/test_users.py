"""Accounts: profiles, names, addresses, passwords, rights."""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity import Source, Violations, rule

from .sources.characters import PERMISSIONS, PROFILES, USERS
from .words.classes import HEADINGS

SALTED: Final = Source(
    "accounts with a password",
    "(SELECT id, username, dense_rank() OVER (ORDER BY password) AS salted FROM auth_user WHERE password ~ '^[^!]') AS account",
    key="account.id",
    label="account.username",
)
"""Who can log in; the stored password is but a number here, since what is compared is also shown."""


@rule.references(
    USERS,
    "id",
    "accounts_profile",
    "user_id",
    severity="high",
    breaks="DELETE FROM accounts_profile WHERE user_id = (SELECT max(user_id) FROM accounts_profile) RETURNING user_id",
    fix={
        "accounts_profile.user_id": "id",
        "accounts_profile.preferred_heading": "'wod_heading'",
        "accounts_profile.theme": "'light'",
        "accounts_profile.highlight_text": "TRUE",
        "accounts_profile.discord_id": "''",
        "accounts_profile.discord_toggle": "FALSE",
        "accounts_profile.lines": "''",
        "accounts_profile.lines_toggle": "FALSE",
        "accounts_profile.veils": "''",
        "accounts_profile.veils_toggle": "FALSE",
    },
    fix_allows="insert",
    tags=["USR-1"],
)
def test_user_has_a_profile(violations: Violations) -> None:
    """Every account has a profile; without one, every page breaks for its owner.

    The fix makes one in which nothing was chosen yet and nothing is shown to others.
    """
    assert not violations


@rule.one_of(PROFILES, "theme", ["light", "dark"], fix="'light'", tags=["USR-2"])
def test_profile_theme_is_light_or_dark(violations: Violations) -> None:
    """The pages of a user are light or dark; the fix makes them light, as they are for everybody at first."""
    assert not violations


@rule.one_of(PROFILES, "preferred_heading", HEADINGS, severity="low", fix="'wod_heading'", tags=["USR-3"])
def test_profile_heading_is_that_of_a_game_line(violations: Violations) -> None:
    """The heading that a user prefers is one of the seven that there are; the fix takes that of the World of Darkness.

    The sources disagree about `dtf_heading`: it can be chosen, but the profile's form refuses it. Here it is allowed.
    """
    assert not violations


@rule.unique(
    USERS,
    "lower(btrim(username))",
    breaks="""
    WITH one AS (SELECT id, username FROM auth_user ORDER BY id LIMIT 1),
    twin AS (
        UPDATE auth_user SET username = upper((SELECT username FROM one))
        WHERE id = (SELECT max(id) FROM auth_user) RETURNING id
    )
    SELECT id FROM one UNION ALL SELECT id FROM twin
    """,
    fix_hint="nobody but the two of them knows who is who: ask them, then rename one",
    tags=["USR-4"],
)
def test_user_names_differ_by_more_than_case(violations: Violations) -> None:
    """No two accounts have names that look the same: Anna, anna, and anna with a blank behind it.

    The form in which people register refuses them, and trims blanks, so that an import or SQL has made the second one.
    """
    assert not violations


@rule.rows(
    USERS,
    r"""
    username !~ '[^[:space:]]' OR username ~ '^[[:space:]]|[[:space:]]$|[[:cntrl:]]'
    OR username ~ U&'[\200B-\200F\202A-\202E\2060\FEFF]'
    """,
    severity="low",
    breaks={"username": "username || chr(9)"},
    fix_hint="ask its owner; nobody can type that name, and another account may look the same",
    overlaps=["test_user_names_differ_by_more_than_case"],
    tags=["texts"],
)
def test_user_name_can_be_typed(violations: Violations) -> None:
    """A user name is not blank, begins and ends with a sign, and holds nothing that cannot be seen.

    The form in which people register takes letters, digits and @.+-_ only; `import_chronicle` asks nobody, and may bring
    blanks within a name.
    """
    assert not violations


@rule.unique(
    USERS,
    "lower(btrim(email))",
    where="is_active AND btrim(email) <> ''",
    severity="info",
    breaks="""
    WITH one AS (SELECT id, email FROM auth_user WHERE is_active AND btrim(email) <> '' ORDER BY id LIMIT 1),
    twin AS (
        UPDATE auth_user SET email = (SELECT email FROM one)
        WHERE id = (SELECT max(id) FROM auth_user WHERE is_active) RETURNING id
    )
    SELECT id FROM one UNION ALL SELECT id FROM twin
    """,
    show=["username"],
    fix_hint="ask whose address it is: a forgotten password is reset for every account that has it",
    tags=["USR-5"],
)
def test_user_email_belongs_to_one_active_account(violations: Violations) -> None:
    """No two active accounts share an e-mail address.

    Two accounts of one person are nobody's error, and the application allows them, hence the severity.
    """
    assert not violations


@rule.rows(
    USERS,
    r"email <> '' AND email !~ '^[^@[:space:]]+@([^@[:space:]]+\.[^@[:space:].]+|localhost)$'",
    severity="low",
    breaks={"email": "'nobody at example.org'"},
    fix_hint="only the user knows the address",
    tags=["USR-6"],
)
def test_user_email_can_be_written_to(violations: Violations) -> None:
    """An e-mail address looks like one, name@example.org, or is left empty.

    Every form refuses what does not. No code relies on it until somebody forgets a password. The address itself is not shown.
    """
    assert not violations


@rule.rows(
    USERS,
    r"password <> '' AND password !~ '^(pbkdf2_sha256|pbkdf2_sha1|argon2|bcrypt_sha256|bcrypt|scrypt)\$.+' AND password !~ '^!'",
    severity="high",
    breaks={"password": "'letmein'"},
    show=["is_active"],
    fix_hint="make the user choose a new one: it stands in the table, and in every backup, as good as readable",
    tags=["USR-7"],
)
def test_user_password_is_hashed(violations: Violations) -> None:
    """A password is stored as a salted hash, or marked as unusable. What stands there instead is not shown.

    Accounts that `import_chronicle` made have none at all, and nobody can log in with that.
    """
    assert not violations


@rule.unique(
    SALTED,
    "account.salted",
    breaks="""
    WITH one AS (SELECT id, password FROM auth_user WHERE password ~ '^[^!]' ORDER BY id LIMIT 1),
    twin AS (
        UPDATE auth_user SET password = (SELECT password FROM one)
        WHERE id = (SELECT max(id) FROM auth_user) RETURNING id
    )
    SELECT id FROM one UNION ALL SELECT id FROM twin
    """,
    fix_hint="somebody has copied it, or an UPDATE had no WHERE: make each of them choose a new one",
    tags=["passwords"],
)
def test_user_password_is_salted_for_one_account(violations: Violations) -> None:
    """No two accounts have one stored password: Django salts each anew, so that even two equal passwords differ.

    Accounts that have none, or an unusable one, are not compared.
    """
    assert not violations


@rule.implies(
    USERS,
    "is_superuser",
    "is_staff",
    severity="info",
    breaks={"is_superuser": "TRUE", "is_staff": "FALSE", "is_active": "TRUE"},
    show=["is_superuser", "is_staff"],
    fix_hint="rights are for a person to give and to take",
    tags=["USR-8"],
)
def test_user_who_may_everything_is_staff(violations: Violations) -> None:
    """A superuser is a member of the staff too; else the account may do everything but log in where it is done.

    Nothing in the application says so, hence the severity.
    """
    assert not violations


@rule.implies(
    USERS,
    "NOT is_active",
    "NOT (is_staff OR is_superuser)",
    severity="info",
    breaks={"is_active": "FALSE", "is_staff": "TRUE"},
    show=["is_staff", "is_superuser"],
    fix_hint="rights are for a person to give and to take",
    overlaps=["test_storyteller_is_an_active_user"],
    tags=["USR-8"],
)
def test_user_who_is_inactive_has_no_rights_left(violations: Violations) -> None:
    """An account that was switched off is neither staff nor superuser: switched on again, it would have all its rights.

    Nothing in the application says so, hence the severity.
    """
    assert not violations


@rule.at_most(
    USERS,
    "date_joined - interval '1 minute'",
    "last_login",
    severity="low",
    breaks={"last_login": "date_joined - interval '1 day'"},
    fix_hint="which of the two dates is wrong only a log can tell",
    tags=["USR-9"],
)
def test_user_logs_in_after_joining(violations: Violations) -> None:
    """Nobody logged in before the account was there.

    Django takes both from its clock.
    """
    assert not violations


@rule.at_most(
    USERS,
    "greatest(last_login, date_joined)",
    "now() + interval '1 day'",
    severity="low",
    breaks={"last_login": "now() + interval '2 days'"},
    fix_hint="find out whose clock was wrong, and what else it dated",
    tags=["USR-9"],
)
def test_user_joined_and_logged_in_in_the_past(violations: Violations) -> None:
    """No account comes from the future, nor was it used there; a day is granted to clocks.

    Django takes both from its clock.
    """
    assert not violations


@rule.references(
    PERMISSIONS,
    ["type.id", "action.name || '_' || type.model"],
    "auth_permission",
    ["content_type_id", "codename"],
    severity="low",
    breaks="""
    DELETE FROM auth_permission WHERE codename = 'view_number' AND content_type_id = (
        SELECT id FROM django_content_type WHERE app_label = 'core' AND model = 'number'
    ) RETURNING content_type_id, 'view'
    """,
    fix_hint="run TG's `migrate` again: it creates the missing permissions",
    tags=["SYS-4"],
)
def test_user_permissions_are_complete(violations: Violations) -> None:
    """To add, change, delete and view is a permission of its own for every class; nobody can be given a missing one."""
    assert not violations
