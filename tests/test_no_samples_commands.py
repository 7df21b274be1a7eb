"""Under `--no-samples` nothing of a row passes by what a server says to fixes, undos, probes and proofs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fixes import execute
from harness import Ran, RunRules

MakeDatabase = Callable[[str], str]

SECRET = "987-65-4321"
KEY = "4098761234"
SCRIPT = f"""
CREATE TABLE person (id bigint PRIMARY KEY, ssn text, code text, size int);
INSERT INTO person VALUES ({KEY}, '{SECRET}', '', 1), (2, 'x', '{SECRET}', 1);
CREATE FUNCTION raising() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'no ' || NEW.ssn; END $$;
CREATE FUNCTION shouting() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE WARNING 'see %', NEW.ssn; RETURN NEW; END $$;
CREATE TRIGGER shouting BEFORE UPDATE ON person FOR EACH ROW EXECUTE FUNCTION shouting();
"""
RULE = '''
@rule.rows("person", "code = ''", severity="high", fix={{"code": "{fix}"}}, fix_allows=("triggers",))
def test_it(violations):
    """It holds."""
    assert not violations
'''
UNIQUE = "ALTER TABLE person ADD UNIQUE (code)"
CHECKED = f"ALTER TABLE person ADD CHECK (code <> '{SECRET}' OR id = 2)"
RAISING = "CREATE TRIGGER raising BEFORE UPDATE ON person FOR EACH ROW EXECUTE FUNCTION raising()"
SERIAL = (
    "CREATE FUNCTION serial() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'no ' || NEW.ssn; END $$;"
    "CREATE TRIGGER serial BEFORE UPDATE ON person FOR EACH ROW EXECUTE FUNCTION serial()"
)
FILES = ["--html-report=page.html", "--metrics=metrics.txt", "--junitxml=junit.xml", "-rA", "-v"]


def leaks(ran: Ran) -> list[str]:
    """What holds a planted value, of all that was printed and reported; a plan's file holds the rows."""
    found = [one.read_text() for one in ran.path.parent.iterdir() if one.suffix in {".json", ".html", ".txt", ".xml"}]
    return [one for one in (ran.said, *found) if SECRET in one or KEY in one or "65-4321" in one]


@pytest.mark.parametrize(
    ("fix", "more"),
    [
        ("ssn", UNIQUE),
        ("ssn", CHECKED),
        ("ssn", RAISING),
        ("ssn", SERIAL),
        ("ssn::int::text", ""),
        ("(SELECT ssn::date::text)", ""),
        ("to_char(ssn::numeric, 'FM9')", ""),
    ],
)
@pytest.mark.parametrize("option", ["--fix-plan", "--fix"])
def test_a_fix(check: RunRules, make_database: MakeDatabase, option: str, fix: str, more: str) -> None:
    url = make_database(SCRIPT)
    if more:
        execute(url, more)
    ran = check(RULE.format(fix=fix), option, "--no-samples", *FILES, url=url)

    assert ran.verdicts == {"test_it": "failed"}
    assert leaks(ran) == []


def test_a_journal(check: RunRules, make_database: MakeDatabase) -> None:
    url = make_database(SCRIPT)
    execute(
        url,
        "CREATE FUNCTION no_schema() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'no, %', (SELECT max(ssn) FROM public.person WHERE id > 2); END $$",
        "CREATE EVENT TRIGGER no_schema ON ddl_command_start WHEN TAG IN ('CREATE SCHEMA') EXECUTE FUNCTION no_schema()",
    )
    ran = check(RULE.format(fix="ssn"), "--fix", "--no-samples", *FILES, url=url, subprocess=True)

    assert ran.status == 4
    assert "raise exception (SQLSTATE P0001)" in ran.said
    assert leaks(ran) == []


@pytest.mark.parametrize(
    "after",
    [
        f"UPDATE person SET code = '{SECRET} ' WHERE id = {KEY}",
        RAISING.replace("raising BEFORE", "raising AFTER"),
        "ALTER TABLE person ADD CHECK (code = ssn OR id = 2)",
        f"INSERT INTO person VALUES (3, '{SECRET}', '', 1); CREATE UNIQUE INDEX ON person (code, ssn)",
        "ALTER TABLE person ALTER code TYPE date USING NULL",
    ],
)
def test_an_undo(check: RunRules, make_database: MakeDatabase, after: str) -> None:
    url = make_database(SCRIPT)
    assert check(RULE.format(fix="ssn"), "--fix", "--no-samples", url=url).verdicts == {"test_it": "fixed"}
    execute(url, *after.split("; "))

    ran = check("--undo=last", "--no-samples", *FILES, url=url)

    assert ran.status == 1
    assert leaks(ran) == []


PROBES = """
from pytest_tgintegrity import probe

@probe("cast")
def cast(db):
    db.execute("SELECT ssn::int FROM person").fetchall()

@probe("insert", writes=True)
def insert(db):
    db.execute("INSERT INTO person SELECT * FROM person")

@probe("cast in writing", writes=True)
def cast_writing(db):
    db.execute("UPDATE person SET size = ssn::int")

@probe("year", writes=True)
def year(db):
    db.execute("SELECT ('10' || id || '-01-01')::timestamp FROM (SELECT 987 AS id) AS t").fetchall()
"""
HOLDS = '''
@rule.not_null("person", "ssn", severity="high")
def test_it(violations):
    """It holds."""
    assert not violations
'''


def test_probes(check: RunRules, make_database: MakeDatabase) -> None:
    ran = check(PROBES, HOLDS, "--probe-writes", "--no-samples", *FILES, url=make_database(SCRIPT))

    told = ran.integrity["probes"]
    assert ["error" in one for one in told.values()] == [True] * 4
    assert "SQLSTATE 22P02" in told["cast"]["error"]
    assert leaks(ran) == []
    assert "10987-01-01" not in ran.text


FIXTURES = '''
@pytest.fixture
def before(db):
    {before}
    yield
    {after}

@rule.check()
def test_it(db, before):
    """It holds."""
    assert db.execute("SELECT 1").fetchone()
'''
CAST = 'db.execute("SELECT ssn::int FROM person")'


@pytest.mark.parametrize(("before", "after"), [(CAST, "pass"), ("pass", CAST)])
def test_fixtures(check: RunRules, make_database: MakeDatabase, before: str, after: str) -> None:
    ran = check(FIXTURES.format(before=before, after=after), "--no-samples", *FILES, url=make_database(SCRIPT))

    assert ran.verdicts == {"test_it": "unknown"}
    assert leaks(ran) == []


DEMO = f"""
class Items:
    def fingerprint(self):
        return "items 2"

    def build(self, connection):
        connection.execute("CREATE TABLE item (id int PRIMARY KEY, name text)")
        connection.execute("INSERT INTO item VALUES (1, '{SECRET}')")
        connection.execute("CREATE ROLE tg_reader LOGIN")
        connection.execute("GRANT SELECT ON item TO tg_reader")

DATASETS = {{"demo": Items()}}
"""
UNPROVEN = '''
@rule.rows("item", "name = \'\'", breaks={"name": "name::int::text"})
def test_breaks(violations):
    """It holds."""
    assert not violations

@rule.query("SELECT id FROM item WHERE id = 0", breaks="UPDATE item SET id = name::int RETURNING id")
def test_statement(violations):
    """It holds."""
    assert not violations

@rule.rows("item", "name::int < 0", breaks={"name": "-1"})
def test_asks(violations):
    """It holds."""
    assert not violations

@rule.check(breaks="UPDATE item SET id = 2 RETURNING id")
def test_free(db):
    """It holds."""
    assert db.execute("SELECT name::int FROM item").fetchone()

@rule.check(breaks="UPDATE item SET id = name::int RETURNING id")
def test_free_statement(db):
    """It holds."""
    assert db.execute("SELECT 1").fetchone()
'''


def test_proofs(check: RunRules, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(secret_demo=DEMO)
    pytester.syspathinsert()

    ran = check(UNPROVEN, "--prove", "--integrity-demo=secret_demo", "--no-samples", *FILES, url=None)

    assert set(ran.verdicts.values()) <= {"failed", "unknown"}
    assert [one["id"] for one in ran.integrity["proof"]["rules"] if "SQLSTATE 22P02" not in str(one["reason"])] == []
    assert leaks(ran) == []
