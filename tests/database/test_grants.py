"""The grant that is missing: told as a statement, and when its owner has run it the rules are judged."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from harness import HOLDS, Ran, RunRules
from pytest_tgintegrity.database.grants import Privilege, grants

SECRET = "granted-pass-77"
_ROLES = itertools.count(1)
TABLES = """
CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item VALUES (1, 'n');
CREATE SCHEMA app; CREATE TABLE app.one (id int PRIMARY KEY, name text); CREATE VIEW app.two AS SELECT * FROM app.one;
CREATE SCHEMA "Odd ""Schema"; CREATE TABLE "Odd ""Schema"."Odd Table" (id int PRIMARY KEY, name text);
CREATE TABLE closed (id int PRIMARY KEY, name text); CREATE TABLE shut (id int PRIMARY KEY, name text);
"""
ON = """
@rule.not_null({table!r}, "name")
def test_{n}(violations):
    \"\"\"Everything has a name.\"\"\"
    assert not violations
"""
ODD = """
@rule.query('SELECT id FROM "Odd ""Schema"."Odd Table" WHERE name IS NULL')
def test_odd(violations):
    \"\"\"Everything has a name.\"\"\"
    assert not violations
"""


def on(*tables: str) -> str:
    return "\n".join(ON.format(table=table, n=n) for n, table in enumerate(tables))


class Granting:
    """A database, and a role that may only do what it is granted."""

    def __init__(self, url: str, role: str) -> None:
        self.owner = url
        self.role = role
        self.quoted = role if role.isidentifier() else sql.Identifier(role).as_string()
        self.url = url.replace("postgres@", f"{quote(role)}:{SECRET}@", 1)

    def run(self, statements: str) -> None:
        with psycopg.connect(self.owner, autocommit=True) as connection:
            for one in statements.split(";"):
                connection.execute(one.encode())

    def obey(self, ran: Ran) -> str:
        """Run what the last line of the summary says, as it stands."""
        told = next_of(ran)
        self.run(told)
        return told


@pytest.fixture(params=["reader_{}", 'Odd "role" {}'])
def granting(request: pytest.FixtureRequest, make_database: Callable[[str], str]) -> Granting:
    found = Granting(make_database(TABLES), request.param.format(next(_ROLES)))
    found.run(f"CREATE ROLE {found.quoted} LOGIN PASSWORD '{SECRET}'; GRANT SELECT ON item TO {found.quoted}")
    return found


def next_of(ran: Ran) -> str:
    """The statements of the line `next`."""
    found = re.search(r"^next +(GRANT .*)$", ran.out, re.MULTILINE)
    assert found is not None, ran.out
    return found[1]


def test_a_missing_select_is_told_and_mends_it(check: RunRules, granting: Granting) -> None:
    ran = check(on("closed", "item"), url=granting.url)

    assert ran.status == 6
    assert granting.obey(ran) == f"GRANT SELECT ON public.closed TO {granting.quoted}"
    assert ran.integrity["grants"] == [f"GRANT SELECT ON public.closed TO {granting.quoted}"]
    again = check(url=granting.url)
    assert (again.status, "grants" in again.integrity, "\nnext " in again.out) == (0, False, False)


def test_a_schema_and_all_of_its_tables(check: RunRules, granting: Granting) -> None:
    ran = check(on("closed", "app.one", "app.two"), url=granting.url)

    role = granting.quoted
    assert granting.obey(ran) == (
        f"GRANT USAGE ON SCHEMA app TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA app TO {role};"
        f" GRANT SELECT ON public.closed TO {role}"
    )
    assert check(url=granting.url).status == 0


def test_no_more_than_is_wanted(check: RunRules, granting: Granting) -> None:
    granting.run(f"GRANT USAGE ON SCHEMA app TO {granting.quoted}; CREATE TABLE app.secret (id int)")

    ran = check(on("app.one", "app.two"), url=granting.url)

    assert granting.obey(ran) == f"GRANT SELECT ON app.one, app.two TO {granting.quoted}"
    assert check(url=granting.url).status == 0
    with psycopg.connect(granting.url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT FROM app.secret")


def test_names_are_quoted(check: RunRules, granting: Granting) -> None:
    ran = check(ODD, url=granting.url)

    granting.obey(ran)
    assert check(url=granting.url).verdicts == {"test_odd": "passed"}


def test_a_schema_that_the_search_path_names(check: RunRules, granting: Granting) -> None:
    """Without USAGE the server does not even say that it refused: the table is not found."""
    granting.run("REVOKE USAGE ON SCHEMA public FROM PUBLIC")

    ran = check(on("closed", "item", "shut"), url=granting.url)

    assert ran.status == 6
    assert "3 of the missing are in the schema public\n" in ran.out
    assert "options=-csearch_path" not in ran.out
    role = granting.quoted
    usage, select = f"GRANT USAGE ON SCHEMA public TO {role}", f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    assert granting.obey(ran) == f"{usage}; {select}"
    assert check(url=granting.url).status == 0


def test_with_workers(check: RunRules, granting: Granting) -> None:
    ran = check(on("closed", "shut", "item"), "-n2", url=granting.url)

    assert granting.obey(ran) == f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {granting.quoted}"
    assert check("-n2", url=granting.url).status == 0


def test_what_no_grant_mends_is_not_told(check: RunRules, granting: Granting) -> None:
    """Hidden rows are refused with the same code."""
    granting.run("ALTER TABLE item ENABLE ROW LEVEL SECURITY")

    ran = check(HOLDS, on("absent"), url=granting.url)

    assert [one["sqlstate"] for one in ran.integrity["rules"]] == ["42501", "42P01"]
    assert "GRANT SELECT ON" not in ran.out.replace("GRANT SELECT to", "")
    assert "grants" not in ran.integrity


def test_no_password_is_told(
    check: RunRules, granting: Granting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Wherever the password stands: in the URL, in the environment, in a service file."""
    bare = granting.url.replace(f":{SECRET}", "", 1)
    given = psycopg.conninfo.conninfo_to_dict(granting.url)
    service = tmp_path / "services"
    service.write_text("[reader]\n" + "".join(f"{name}={value}\n" for name, value in given.items()))
    monkeypatch.setenv("PGSERVICEFILE", str(service))
    ways = [check(on("closed"), url=granting.url), check(url="service=reader")]
    monkeypatch.setenv("PGPASSWORD", SECRET)
    ways.append(check(url=bare))

    for ran in ways:
        assert next_of(ran) == f"GRANT SELECT ON public.closed TO {granting.quoted}"
        assert SECRET not in ran.said + ran.text


def right(path: str, *, usage: bool = True, select: bool = False, partition: bool = False) -> Privilege:
    schema, name = path.split(".")
    return Privilege((schema, name), schema, name, usage, select, on_path=True, partition=partition)


def test_partitions_are_read_by_their_parent() -> None:
    rights = [right("s.a"), right("s.b", select=True), right("s.c"), right("s.c_1", partition=True)]

    assert grants(rights, {("s", "a"), ("s", "c")}, "r") == ["GRANT SELECT ON ALL TABLES IN SCHEMA s TO r"]
    assert grants(rights, {("s", "b")}, "r") == []
    assert grants([right("s.a", usage=False, select=True)], {("s", "a")}, "r") == ["GRANT USAGE ON SCHEMA s TO r"]
