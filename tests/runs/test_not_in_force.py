"""What is declared and not in force is seen by every way to ask for it, though the data still hold."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from harness import RunRules

SCHEMA = """
CREATE DOMAIN small AS int CONSTRAINT small_check CHECK (VALUE > 0);
CREATE TABLE owner (id int PRIMARY KEY);
CREATE TABLE item (id int PRIMARY KEY, size int CONSTRAINT item_size CHECK (size > 0), name text CONSTRAINT item_name UNIQUE,
                   owner_id int CONSTRAINT item_owner REFERENCES owner, at date, tiny small, span int4range,
                   CONSTRAINT item_span EXCLUDE USING gist (span WITH &&));
INSERT INTO item (id, size, name, at, tiny) VALUES (1, 1, 'x', now(), 1);
"""
DECLARED = """
@declared("{kind}", severity="high")
def test_declared(violations, constraint):
    \"\"\"It holds.\"\"\"
    assert not violations
"""
ASKED = """
@rule.schema({words})
def test_{name}(violations):
    \"\"\"It is in force.\"\"\"
    assert not violations
"""
AGAIN = "ALTER TABLE item DROP CONSTRAINT {0}; ALTER TABLE item ADD CONSTRAINT {0} {1}"
STATES = [
    ("foreign_key", "item_owner", AGAIN.format("item_owner", "FOREIGN KEY (owner_id) REFERENCES owner NOT VALID"), "NOT VALID"),
    ("foreign_key", "item_owner", AGAIN.format("item_owner", "FOREIGN KEY (owner_id) REFERENCES owner NOT ENFORCED"), "NOT ENFORCED"),
    ("foreign_key", "item_owner", "ALTER TABLE item DISABLE TRIGGER ALL", "its triggers are disabled"),
    ("foreign_key", "item_owner", "ALTER TABLE owner DISABLE TRIGGER ALL", "its triggers are disabled"),
    ("check", "item_size", AGAIN.format("item_size", "CHECK (size > 0) NOT VALID"), "NOT VALID"),
    ("check", "item_size", AGAIN.format("item_size", "CHECK (size > 0) NOT ENFORCED"), "NOT ENFORCED"),
    ("unique", "item_name", "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'item_name'::regclass", "its index is INVALID"),
    ("exclusion", "item_span", "UPDATE pg_index SET indisready = false WHERE indexrelid = 'item_span'::regclass", "its index is INVALID"),
    ("not_null", "item_at", "ALTER TABLE item ADD CONSTRAINT item_at NOT NULL at NOT VALID", "NOT VALID"),
    ("domain", None, "ALTER DOMAIN small DROP CONSTRAINT small_check; ALTER DOMAIN small ADD CONSTRAINT small_check CHECK (VALUE > 0) NOT VALID", "NOT VALID"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "statements", "state", "words"),
    [*((*one, []) for one in STATES), (*STATES[2], ["-n2"])],
    ids=[*(f"{kind} {state}" for kind, _, _, state in STATES), "by two workers"],
)
def test_it_is_seen_by_every_way_to_ask(
    check: RunRules,
    make_database: Callable[[str], str],
    kind: str,
    name: str | None,
    statements: str,
    state: str,
    words: list[str],
) -> None:
    url = make_database(SCHEMA)
    ways = {"all": "", "table": 'table="item"'} if name is None or "owner DIS" not in statements else {"all": ""}
    ways |= {} if name is None else {"named": f'table="item", constraint="{name}"'}
    rules = [DECLARED.format(kind=kind), *(ASKED.format(name=way, words=asked) for way, asked in ways.items())]
    before = check(*rules, *words, url=url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())

    after = check(*words, url=url)

    assert {verdict for test, verdict in before.verdicts.items() if test != "test_named"} == {"passed"}
    failed = [test for test, verdict in after.verdicts.items() if verdict == "failed"]
    assert sorted(failed) == sorted(f"test_{way}" for way in ways)
    noted = [one for one in after.integrity["rules"] if one["verdict"] == "noted"]
    assert [(one["reason"], one["violations"]) for one in noted] == [(f"it holds, but is not in force: {state}", 0)]
    assert f"it holds, but is not in force: {state}" in after.out


def test_alone_it_costs_the_points_of_its_rule_and_the_gate_does_not_pass(
    check: RunRules, make_database: Callable[[str], str]
) -> None:
    url = make_database(SCHEMA + "ALTER TABLE item DISABLE TRIGGER ALL")

    ran = check(DECLARED.format(kind="foreign_key"), "--gate=staging", url=url)

    assert ran.status == 7
    assert ran.integrity["health"]["score"] == 85
    (condition,) = [one for one in ran.integrity["gate"]["conditions"] if one["name"] == "constraints"]
    assert condition["passed"] is False


def test_rows_that_row_security_hides_are_seen(check: RunRules, make_database: Callable[[str], str]) -> None:
    url = make_database(SCHEMA)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "DROP ROLE IF EXISTS hidden_from; CREATE ROLE hidden_from LOGIN PASSWORD 'hidden-pass-9';"
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO hidden_from; ALTER TABLE item ENABLE ROW LEVEL SECURITY"
        )
    other = psycopg.conninfo.make_conninfo(url, user="hidden_from", password="hidden-pass-9")
    rules = [
        DECLARED.format(kind="check"),
        ASKED.format(name="all", words=""),
        ASKED.format(name="table", words='table="item"'),
    ]

    ran = check(*rules, url=other)
    owner = check(url=url)

    assert ran.status == 1
    assert (ran.verdicts["test_all"], ran.verdicts["test_table"]) == ("failed", "failed")
    assert [verdict for test, verdict in ran.verdicts.items() if "declared" in test] == ["unknown"]
    assert "hidden from this role by row security" in ran.out
    assert owner.status == 0


def test_a_partition_alone_that_does_not_hold_its_rows_to_it_is_seen(
    check: RunRules, make_database: Callable[[str], str]
) -> None:
    url = make_database("""
        CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TABLE owner (id int PRIMARY KEY);
        CREATE TABLE item (id int CONSTRAINT item_owner REFERENCES owner) PARTITION BY LIST (id);
        CREATE TABLE item_low PARTITION OF item FOR VALUES IN (1, 2) PARTITION BY LIST (id);
        CREATE TABLE item_one PARTITION OF item_low FOR VALUES IN (1);
        CREATE TRIGGER touched AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION touched();
        INSERT INTO owner VALUES (1); INSERT INTO item VALUES (1);
    """)
    named = {"constraint": 'table="item", constraint="item_owner"', "trigger": 'table="item", trigger="touched"'}
    rules = [ASKED.format(name=name, words=words) for name, words in named.items()]
    before = check(DECLARED.format(kind="foreign_key"), *rules, url=url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE item_one DISABLE TRIGGER ALL")

    after = check(url=url)

    assert set(before.verdicts.values()) == {"passed"}
    (declared, constraint, trigger) = after.verdicts.values()
    assert (declared, constraint, trigger) == ("noted", "failed", "failed")
    assert "it holds, but is not in force: its triggers are disabled" in after.out
    assert "disabled on a partition" in after.out
