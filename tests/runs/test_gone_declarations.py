"""Whole runs with a history after a constraint was dropped: it fails until it is back, pinned or waived."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from harness import HOLDS, Ran, RunRules, run_rules
from pytest_tgintegrity.servers.valkey import ValkeyServer

SCHEMA = """
CREATE TABLE owner (id int PRIMARY KEY);
CREATE TABLE item (id int PRIMARY KEY, size int CONSTRAINT item_size CHECK (size > 0), name text NOT NULL,
                   owner_id int CONSTRAINT item_owner REFERENCES owner, at date NOT NULL);
INSERT INTO item (id, size, name, at) VALUES (1, 1, 'x', now());
"""
DECLARED = """
@declared("foreign_key", severity="critical")
def test_foreign_key(violations, constraint):
    \"\"\"What is pointed at exists.\"\"\"
    assert not violations

@declared("check", severity="high")
def test_check(violations, constraint):
    \"\"\"Checks hold.\"\"\"
    assert not violations

@declared("not_null", severity="high")
def test_not_null(violations, constraint):
    \"\"\"Columns are filled.\"\"\"
    assert not violations
"""
FOREIGN_KEY = "test_foreign_key[item-item_owner]"
DROP = "ALTER TABLE item DROP CONSTRAINT item_owner"
ADD = "ALTER TABLE item ADD CONSTRAINT {} FOREIGN KEY (owner_id) REFERENCES owner"


def execute(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())


@pytest.fixture
def url(make_database: Callable[[str], str]) -> str:
    return make_database(SCHEMA)


@pytest.fixture
def look(check: RunRules, url: str, valkey: ValkeyServer) -> Callable[..., Ran]:
    """Run the rules with a history."""
    written: list[str] = []

    def look(*words: str) -> Ran:
        texts = [] if written else [HOLDS, DECLARED]
        written.append("once")
        return check(*texts, f"--redis-url={valkey.url}", *words, url=url)

    return look


def missing(ran: Ran) -> list[str]:
    return [one["id"].partition("::")[2] for one in ran.integrity["rules"] if one["reason"] == "gone"]


@pytest.mark.parametrize("words", [[], ["-n2"], ["-q"], ["--fail-on=high"]])
def test_a_dropped_constraint_is_a_failed_item(look: Callable[..., Ran], url: str, words: list[str]) -> None:
    assert look().status == 0
    execute(url, DROP)

    ran = look("--junitxml=junit.xml", *words)

    assert ran.status == 1
    assert missing(ran) == [FOREIGN_KEY]
    (found,) = [one for one in ran.integrity["rules"] if one["reason"] == "gone"]
    assert (found["verdict"], found["severity"], found["violations"]) == ("failed", "critical", 1)
    assert "gone       1 constraint not declared any more, last in the run of " in ran.out
    assert FOREIGN_KEY in ran.out
    assert "1 failed" in ran.out
    assert ran.integrity["health"]["score"] == 70
    failed = [one["nodeid"].partition("::")[2] for one in ran.document["tests"] if one["outcome"] == "failed"]
    assert failed == [FOREIGN_KEY]
    assert FOREIGN_KEY in (ran.path.parent / "junit.xml").read_text()


def test_it_stays_gone_with_the_time_of_the_last_run_that_knew_it(look: Callable[..., Ran], url: str) -> None:
    first = look()
    execute(url, DROP)

    later = [look() for _ in range(3)]

    began = first.integrity["run"]["started_at"]
    for ran in later:
        assert (ran.status, missing(ran)) == (1, [FOREIGN_KEY])
        (found,) = [one for one in ran.integrity["rules"] if one["reason"] == "gone"]
        assert found["samples"] == [{"key": "item-item_owner", "label": None, "values": {"last_declared": began}}]


def test_once_it_is_back_all_is_well_whatever_its_name(look: Callable[..., Ran], url: str) -> None:
    look()
    execute(url, DROP)
    look()
    execute(url, ADD.format("item_owner_id_0f3a1b22_fk"))

    ran = look()

    assert (ran.status, missing(ran)) == (0, [])


def test_a_renamed_constraint_is_not_gone(look: Callable[..., Ran], url: str) -> None:
    look()
    execute(
        url,
        "ALTER TABLE item RENAME CONSTRAINT item_owner TO other; ALTER TABLE item RENAME CONSTRAINT item_size TO size",
    )

    ran = look()

    assert (ran.status, missing(ran)) == (0, [])


def test_columns_that_may_be_null_again_are_named(look: Callable[..., Ran], url: str) -> None:
    look()
    execute(url, "ALTER TABLE item ALTER at DROP NOT NULL; ALTER TABLE item DROP CONSTRAINT item_size")

    ran = look()

    assert ran.status == 1
    assert missing(ran) == ["test_check[item-item_size]", "test_not_null[item-at]"]


def test_a_part_of_the_rules_misses_nothing_and_is_no_reference(look: Callable[..., Ran], url: str) -> None:
    look()
    execute(url, DROP)

    part = look("-k", "holds")
    whole = look()

    assert (part.status, missing(part)) == (0, [])
    assert (whole.status, missing(whole)) == (1, [FOREIGN_KEY])


def test_the_gate_s_constraints_are_not_met(look: Callable[..., Ran], url: str) -> None:
    look()
    execute(url, DROP)

    ran = look("--gate=staging")

    (condition,) = [one for one in ran.integrity["gate"]["conditions"] if one["name"] == "constraints"]
    assert condition["passed"] is False
    assert "gone" in condition["reason"]


def test_a_waiver_lets_it_go_and_is_stale_once_it_is_back(
    look: Callable[..., Ran], url: str, pytester: pytest.Pytester
) -> None:
    look()
    execute(url, DROP)
    rule = f"{pytester.path.name}/test_items.py::{FOREIGN_KEY}"
    (pytester.path / "waivers.toml").write_text(
        f'[[waiver]]\nrule = "{rule}"\nmax_violations = 1\nreason = "known"\nowner = "me"\nexpires = 2999-01-01\n'
    )

    waived = look()
    (pytester.path / "waivers.toml").write_text(
        f'[[waiver]]\nrule = "{rule[:-1]}_x]"\nmax_violations = 1\nreason = "known"\nowner = "me"\nexpires = 2999-01-01\n'
    )
    stale = look()

    assert waived.status == 0, waived.out
    assert waived.verdicts[FOREIGN_KEY] == "waived"
    assert stale.status == 1
    assert any(f"{FOREIGN_KEY[:-1]}_x]" in one for one in stale.integrity["stale_waivers"])


def test_a_pinned_schema_lets_it_go(look: Callable[..., Ran], url: str, pytester: pytest.Pytester) -> None:
    look()
    execute(url, DROP)
    look()
    run_rules(pytester, "--pin-schema", url=url)

    pinned = look()
    (Path(pytester.path) / "schema.lock.toml").unlink()
    after = look()

    assert (pinned.status, missing(pinned)) == (0, [])
    assert (after.status, missing(after)) == (0, [])


def test_other_rules_on_the_same_database_do_not_let_it_go(
    look: Callable[..., Ran], url: str, check: RunRules, valkey: ValkeyServer, pytester: pytest.Pytester
) -> None:
    look()
    (pytester.path / "test_items.py").rename(pytester.mkdir("mine") / "test_items.py")
    pytester.mkdir("theirs")
    theirs = DECLARED.replace("test_foreign_key", "test_points")
    (pytester.path / "theirs" / "test_theirs.py").write_text(f"from pytest_tgintegrity import declared\n{theirs}")
    asked = (f"--redis-url={valkey.url}",)
    first = [check(folder, *asked, url=url) for folder in ("mine", "theirs")]
    execute(url, DROP)

    later = [check(folder, *asked, url=url) for folder in ("mine", "theirs", "mine", "theirs")]

    assert [ran.status for ran in (*first, *later)] == [0, 0, 1, 1, 1, 1]
    assert [missing(ran) for ran in later] == [[FOREIGN_KEY], ["test_points[item-item_owner]"]] * 2


def test_another_search_path_lets_nothing_go(look: Callable[..., Ran], url: str) -> None:
    execute(url, "CREATE SCHEMA app; CREATE TABLE app.item (id int PRIMARY KEY, name text NOT NULL, more int NOT NULL)")
    look()
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    execute(url, f"ALTER DATABASE {name} SET search_path = app")

    there = look()
    execute(url, "ALTER TABLE app.item ALTER more DROP NOT NULL")

    assert missing(there) == []
    assert missing(look()) == ["test_not_null[item-more]"]


def test_without_a_history_nothing_is_known(check: RunRules, url: str) -> None:
    check(HOLDS, DECLARED, url=url)
    execute(url, DROP)

    assert check(url=url).status == 0
    assert check("--redis-url=redis://127.0.0.1:1/0", url=url).status == 0


def test_a_lock_file_that_pytest_cannot_collect_is_refused(look: Callable[..., Ran], pytester: pytest.Pytester) -> None:
    (pytester.path / "schema.lock.toml").symlink_to("nowhere")

    ran = look()

    assert ran.status == 4
    assert "schema.lock.toml cannot be read" in ran.err
