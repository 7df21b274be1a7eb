"""Whole runs beside a lock file: what is lost fails, in every way to run; and the command that writes the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from harness import HOLDS, ORDINARY, Ran, RunRules, run_rules
from pytest_tgintegrity.servers.postgres import PostgresServer, start_postgres

LOCK = "schema.lock.toml"
SCHEMA = """
CREATE TABLE owner (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE item (id int PRIMARY KEY, size int CHECK (size > 0), name text UNIQUE,
                   owner_id int CONSTRAINT item_owner_id_0f3a1b22_fk_owner_id REFERENCES owner);
CREATE INDEX item_owner ON item (owner_id);
INSERT INTO item (id, size, name) VALUES (1, 1, 'x');
"""
LOST = "ALTER TABLE item DROP CONSTRAINT item_owner_id_0f3a1b22_fk_owner_id; DROP INDEX item_owner"


def execute(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())


@pytest.fixture
def url(make_database: Callable[[str], str]) -> str:
    return make_database(SCHEMA)


@pytest.fixture
def pin(pytester: pytest.Pytester, url: str) -> Callable[..., Ran]:
    """Run the command in the folder."""

    def pin(*words: str, url: str | None = url, subprocess: bool = False) -> Ran:
        return run_rules(pytester, *(words or ("--pin-schema",)), url=url, subprocess=subprocess)

    return pin


def test_what_is_pinned_is_there_and_then_it_is_lost(check: RunRules, pin: Callable[..., Ran], url: str) -> None:
    pinned = pin()
    before = check(HOLDS, url=url)
    execute(url, LOST)
    after = check(url=url)

    assert pinned.status == 0
    assert (
        f"objects in {LOCK}: 6 columns, 2 primary keys, 2 tables, 1 check, 1 foreign key, 1 index, 1 unique constraint"
        in pinned.out
    )
    assert (before.status, before.integrity["health"]["score"]) == (0, 100)
    assert after.status == 1
    failed = {one["id"].partition("::")[2]: one for one in after.integrity["rules"] if one["verdict"] != "passed"}
    assert {name: (one["verdict"], one["severity"], one["violations"]) for name, one in failed.items()} == {
        "test_foreign_key_is_as_pinned": ("failed", "critical", 1),
        "test_index_is_as_pinned": ("failed", "medium", 1),
    }
    assert failed["test_foreign_key_is_as_pinned"]["samples"] == [
        {
            "key": "item item_owner_id_0f3a1b22_fk_owner_id",
            "label": None,
            "values": {"problem": "missing", "pinned": "FOREIGN KEY (owner_id) REFERENCES public.owner(id)"},
        }
    ]
    assert "1 of 1 pinned object is missing or changed [critical]" in after.out
    assert "  item item_owner_id_0f3a1b22_fk_owner_id  missing  FOREIGN KEY (owner_id)" in after.out
    assert "Traceback" not in after.said


@pytest.mark.parametrize(
    "words",
    [
        ["-n2"],
        ["-n2", "--dist=loadfile"],
        ["-k", "pinned"],
        ["-m", "pinned_schema"],
        ["-m", "critical or medium"],
        [LOCK],
    ],
)
def test_what_is_lost_fails_however_the_rules_are_run(
    check: RunRules, pin: Callable[..., Ran], url: str, words: list[str]
) -> None:
    pin()
    execute(url, LOST)

    ran = check(HOLDS, *words, url=url)

    assert ran.status == 1
    assert ran.verdicts["test_foreign_key_is_as_pinned"] == "failed"
    assert ran.verdicts["test_index_is_as_pinned"] == "failed"


def test_names_may_differ_and_what_is_new_is_noted(check: RunRules, pin: Callable[..., Ran], url: str) -> None:
    pin()
    execute(url, "ALTER TABLE item RENAME CONSTRAINT item_owner_id_0f3a1b22_fk_owner_id TO item_owner_id_99999999_fk")
    execute(url, "CREATE TABLE fresh (id int)")

    ran = check(HOLDS, url=url)

    assert (ran.status, ran.integrity["health"]["score"]) == (0, 100)
    new = next(one for one in ran.integrity["rules"] if one["verdict"] == "noted")
    assert new["id"].endswith("test_nothing_is_unpinned")
    assert [one["key"] for one in new["samples"]] == ["fresh id", "fresh"]


def test_a_lost_column_says_why_a_rule_is_unknown(check: RunRules, pin: Callable[..., Ran], url: str) -> None:
    pin()
    execute(url, "ALTER TABLE item DROP COLUMN name")

    ran = check(HOLDS, url=url)

    assert ran.status == 1
    assert (ran.verdicts["test_holds"], ran.verdicts["test_column_is_as_pinned"]) == ("unknown", "failed")


def test_the_gate_is_not_met_by_a_schema_that_lost_a_key(check: RunRules, pin: Callable[..., Ran], url: str) -> None:
    pin()
    execute(url, LOST)

    ran = check(HOLDS, "--gate=staging", url=url)

    (condition,) = [one for one in ran.integrity["gate"]["conditions"] if one["name"] == "constraints"]
    assert condition["passed"] is False


def test_a_lost_key_can_be_waived_by_its_rule(
    check: RunRules, pin: Callable[..., Ran], url: str, pytester: pytest.Pytester
) -> None:
    pin()
    execute(url, LOST)
    folder = pytester.path.name
    waivers = [
        f'[[waiver]]\nrule = "{folder}/{LOCK}::test_{kind}_is_as_pinned"\nmax_violations = 1\nreason = "known"\nowner = "me"\nexpires = 2999-01-01\n'
        for kind in ("foreign_key", "index")
    ]
    (pytester.path / "waivers.toml").write_text("\n".join(waivers))

    ran = check(HOLDS, url=url)

    assert ran.status == 0, ran.out
    assert ran.verdicts["test_foreign_key_is_as_pinned"] == "waived"


def test_a_project_whose_tests_are_called_otherwise_has_them_too(
    check: RunRules, pin: Callable[..., Ran], url: str, pytester: pytest.Pytester
) -> None:
    pytester.makeini("[pytest]\npython_functions = check_*\npython_files = *_rules.py\n")
    pin()
    execute(url, LOST)

    assert check(LOCK, url=url).status == 1
    assert check(".", url=url).verdicts["test_foreign_key_is_as_pinned"] == "failed"


def test_a_project_that_leaves_imported_tests_out_has_them_too(
    check: RunRules, pin: Callable[..., Ran], url: str, pytester: pytest.Pytester
) -> None:
    pytester.makeini("[pytest]\ncollect_imported_tests = false\n")
    pin()
    execute(url, LOST)

    assert check(HOLDS, url=url).verdicts["test_foreign_key_is_as_pinned"] == "failed"


def test_they_are_collected_without_a_database(check: RunRules, pin: Callable[..., Ran]) -> None:
    pin()

    ran = check("--collect-only", "-q", url=None)

    assert ran.status == 0
    assert f"{LOCK}::test_policy_is_as_pinned" in ran.out


# --- the file


def test_a_file_of_somebody_else_is_left_alone(
    check: RunRules, pytester: pytest.Pytester, pin: Callable[..., Ran]
) -> None:
    (pytester.path / LOCK).write_text('[package]\nname = "theirs"\n')

    ran = check(ORDINARY, url=None)
    refused = pin()

    assert ran.status == 0
    assert "1 passed" in ran.out
    assert refused.status == 4
    assert f"{LOCK} is no lock file of ours: move it" in refused.err
    assert "theirs" in (pytester.path / LOCK).read_text()


def test_a_spoilt_file_is_a_collection_error_in_one_line(check: RunRules, pytester: pytest.Pytester, url: str) -> None:
    (pytester.path / LOCK).write_text("tgintegrity = 1\n[tabel]\nx = 1\n")

    ran = check(HOLDS, url=url)

    assert ran.status == 2
    assert f"{LOCK}: 'tabel' is no kind of object: write the file anew with --pin-schema" in ran.out
    assert "Traceback" not in ran.said


def test_an_empty_file_is_a_collection_error_and_not_somebody_else_s(
    check: RunRules, pytester: pytest.Pytester, url: str
) -> None:
    (pytester.path / LOCK).write_text("\n")

    ran = check(HOLDS, url=url)

    assert ran.status == 2
    assert f"{LOCK} is empty: take it from version control" in ran.out


@pytest.mark.parametrize(
    "text", ["tgintegrity = 2\n[table]\nx = 1\n", "<<<<<<< HEAD\ntgintegrity = 1\n", "tgintegrity = 1\n[tabel]\n", ""]
)
def test_what_cannot_be_read_is_written_anew_as_it_says(
    check: RunRules, pin: Callable[..., Ran], pytester: pytest.Pytester, url: str, text: str
) -> None:
    (pytester.path / LOCK).write_text(text)

    pinned = pin()

    assert pinned.status == 0, pinned.said
    assert f"replaced   what was there could not be compared: {LOCK}" in pinned.out
    assert check(LOCK, url=url).status == 0


def test_a_file_that_cannot_be_read_is_said(check: RunRules, pytester: pytest.Pytester, url: str) -> None:
    (pytester.path / LOCK).write_bytes(b"\xff\xfe")

    ran = check(HOLDS, url=url)

    assert ran.status == 4
    assert f"{LOCK} cannot be read (it is not UTF-8)" in ran.out


# --- the command


def test_the_word_behind_it_is_a_folder_of_rules(pin: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    pytester.mkdir("suite")

    for words in (["--pin-schema", "suite"], ["suite", "--pin-schema"], ["--integrity-pin-schema", "suite"]):
        assert pin(*words).status == 0
        (pytester.path / "suite" / LOCK).unlink()
    assert pin(f"--pin-schema=suite/{LOCK}").status == 0
    assert (pytester.path / "suite" / LOCK).is_file()
    assert not (pytester.path / LOCK).exists()


def test_pinning_again_says_what_is_different(pin: Callable[..., Ran], url: str) -> None:
    pin()
    unchanged = pin()
    execute(url, LOST + "; CREATE TABLE fresh ()")

    changed = pin()

    assert "unchanged" in unchanged.out
    assert changed.status == 0
    assert "missing    foreign key item item_owner_id_0f3a1b22_fk_owner_id" in changed.out
    assert "new        table fresh" in changed.out


def test_what_is_not_in_force_is_pinned_and_said(pin: Callable[..., Ran], url: str) -> None:
    execute(url, "ALTER TABLE item DISABLE TRIGGER ALL")

    assert "item item_owner_id_0f3a1b22_fk_owner_id is FOREIGN KEY" in pin().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pin-schema=other.toml"], "--pin-schema=other.toml: pytest collects files called schema.lock.toml"),
        (["--pin-schema=nowhere/schema.lock.toml"], "in a folder that is there"),
        (["--pin-schema", "--pyargs", "some.package"], "--pin-schema does not know where"),
        (
            ["--pin-schema", "one", "two"],
            "--pin-schema does not know where: write --pin-schema=FOLDER/schema.lock.toml",
        ),
    ],
)
def test_a_place_that_is_none_is_refused(
    pin: Callable[..., Ran], pytester: pytest.Pytester, words: list[str], said: str
) -> None:
    pytester.mkdir("one")
    pytester.mkdir("two")

    ran = pin(*words)

    assert ran.status == 4
    assert said in ran.err
    assert not list(pytester.path.rglob(LOCK))


def test_without_a_database_it_is_refused(pin: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TGINTEGRITY_DB_URL", raising=False)

    ran = pin("--pin-schema", url=None)

    assert ran.status == 4
    assert "give --db-url=postgresql://" in ran.err


def test_names_in_bytes_are_pinned(check: RunRules, pin: Callable[..., Ran], server: PostgresServer) -> None:
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bytes")
        connection.execute(
            "CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER libc"
        )
    url = server.url("bytes")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_encoding = 'SQL_ASCII'")
        connection.execute(b'CREATE TABLE "gr\xf6\xdfe" ("\xe9t\xe9" int CONSTRAINT "\x80" CHECK ("\xe9t\xe9" > 0))')

    assert pin("--pin-schema", url=url).status == 0
    assert check(LOCK, url=url).status == 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_encoding = 'SQL_ASCII'")
        connection.execute(b'ALTER TABLE "gr\xf6\xdfe" DROP CONSTRAINT "\x80"')
    ran = check(LOCK, url=url)
    assert ran.verdicts["test_check_is_as_pinned"] == "failed"


def test_a_table_that_is_locked_makes_its_rules_unknown(check: RunRules, pin: Callable[..., Ran], url: str) -> None:
    pin()
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE item IN ACCESS EXCLUSIVE MODE")
        ran = check(LOCK, "--lock-timeout=0.2", url=url)

    assert ran.status == 6
    unknown = {name: reason for name, reason in ran.reasons.items() if ran.verdicts[name] == "unknown"}
    assert set(unknown) == {"test_check_is_as_pinned", "test_index_is_as_pinned", "test_nothing_is_unpinned"}
    assert all("somebody else holds the table" in reason for reason in unknown.values())


def test_the_suite_of_another_server_keeps_its_pin(
    check: RunRules, pin: Callable[..., Ran], pytester: pytest.Pytester
) -> None:
    """Another database of the same schema, on another server, is what was pinned."""
    pin()
    with start_postgres() as other:
        execute(other.conninfo(), SCHEMA)
        ran = check(LOCK, url=other.url())

    assert ran.status == 0
    assert Path(pytester.path / LOCK).is_file()
