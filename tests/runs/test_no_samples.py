"""Under `--no-samples` nothing of a row passes, by any text that the server writes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness import RunRules

SECRET = "987-65-4321"
SCRIPT = f"""
CREATE TABLE person (id int PRIMARY KEY, ssn text);
INSERT INTO person VALUES (1, '{SECRET}');
CREATE FUNCTION told(text) RETURNS boolean LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION USING ERRCODE = ''42501'', MESSAGE = ''no '' || $1, HINT = ''see '' || $1; END';
"""
WAYS = {
    "cast": '@rule.rows("person", "ssn::bigint < 0")',
    "raised": '@rule.rows("person", "told(ssn)")',
    "date": '@rule.rows("person", "ssn::date > now()")',
    "query": '@rule.query("SELECT ssn FROM person WHERE ssn::int > 0")',
    "number": '@rule.metric("m", "SELECT ssn FROM person")',
    "metric": '@rule.metric("m", "SELECT ssn::int FROM person")',
    "since": '@rule.not_null("person", "ssn", since="ssn::date")',
}
BODY = '\ndef test_it(violations):\n    """It holds."""\n    assert not violations\n'
FREE = '\n@rule.check()\ndef test_it(db):\n    """It holds."""\n    assert db.execute("SELECT {} FROM person").fetchone()\n'


@pytest.fixture(scope="module")
def people(make_database: Callable[[str], str]) -> str:
    return make_database(SCRIPT)


@pytest.mark.parametrize(
    "text",
    [*(f"{one}{BODY}" for one in WAYS.values()), FREE.format("ssn::bigint"), FREE.format("told(ssn)")],
    ids=[*WAYS, "free", "free, raised"],
)
@pytest.mark.parametrize("hidden", ["--no-samples", "--samples=0"])
def test_no_output_holds_a_value(check: RunRules, people: str, text: str, hidden: str) -> None:
    """Terminal, JSON, JUnit, page and metrics; the kind of error is told."""
    more = ["--html-report=page.html", "--metrics=metrics.txt", "--junitxml=junit.xml", "--period=24", "-rA", "-v"]
    ran = check(text, hidden, *more, url=people)
    files = [one.read_text() for one in ran.path.parent.iterdir() if one.suffix in {".json", ".html", ".txt", ".xml"}]

    assert ran.verdicts == {"test_it": "unknown"}
    assert len(files) == 4
    assert [one for one in (ran.said, *files) if SECRET in one or "65-4321" in one] == []
    assert "SQLSTATE" in ran.out or "something else than numbers" in ran.out


def test_what_is_about_no_row_is_told(check: RunRules, people: str) -> None:
    ran = check(f'@rule.not_null("absent", "name"){BODY}', "--no-samples", url=people)

    assert ran.reasons["test_it"] == 'relation "absent" does not exist'


def test_a_timeout_within_a_function_is_told(check: RunRules, make_database: Callable[[str], str]) -> None:
    url = make_database(
        "CREATE TABLE person (id int PRIMARY KEY); INSERT INTO person VALUES (1);"
        "CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(9); RETURN true; END';"
    )
    ran = check(f'@rule.rows("person", "slow()", timeout=0.2){BODY}', "--no-samples", url=url)

    assert ran.reasons["test_it"].startswith("it took longer than 0.2 s")


def test_with_samples_the_server_is_quoted(check: RunRules, people: str) -> None:
    ran = check(f"{WAYS['cast']}{BODY}", url=people)

    assert ran.reasons["test_it"] == f'invalid input syntax for type bigint: "{SECRET}"'
