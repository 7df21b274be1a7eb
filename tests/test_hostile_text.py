"""What is not ours and is printed can steer neither a terminal nor a CI that reads along: every output is tried."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from harness import HEAD, Ran, RunRules
from psycopg import sql

from pytest_tgintegrity import history
from pytest_tgintegrity.redis_url import parse_redis_url
from pytest_tgintegrity.reports.lines import Line, printable, printable_lines
from pytest_tgintegrity.scratch import ValkeyServer

HOSTILE = "\x1b[31mH\x07\r\n::error file=x::H\n  ::stop-commands::H\n##[error]H\n##vso[task.complete]H\x9b2J\u202e\u2028::warning::H\x7f"
SHORT = "\x1b]0;H\x07\n::error::H\x9b"
"""For names, which the server cuts."""

SCRIPT = """
CREATE FUNCTION boom() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION USING MESSAGE = {hostile}, HINT = {hostile}; END $f$;
CREATE TABLE item (id text PRIMARY KEY, name text, {column} int, target text);
INSERT INTO item VALUES ({hostile}, {hostile}, 7, NULL), ('b', NULL, 8, NULL);
CREATE TABLE {table} (id int PRIMARY KEY, name text CONSTRAINT {constraint} CHECK (name <> {hostile}));
"""
RULES = """
HOSTILE = {hostile!r}
SHORT = {short!r}
ITEM = Source("item", "item", key="id", label="name")


@rule.rows(ITEM, "name IS NULL", severity="high")
def test_rows(violations):
    assert not violations

@rule.rows(ITEM, "name = {{text}} -- " + SHORT.replace("\\x1b", "").replace("\\n", " ") + "\\n", fix_hint=HOSTILE, severity="info")
@pytest.mark.parametrize("text", [HOSTILE])
def test_hint(violations, text):
    assert not violations

@rule.query("SELECT id, boom() FROM item")
def test_server(violations):
    assert not violations

@rule.query("SELECT id, name, id FROM item")
def test_query(violations):
    assert not violations, HOSTILE

@rule.check()
def test_raises(db):
    db.execute("SELECT boom()")
    assert False

@rule.check()
def test_says(db):
    print(HOSTILE)
    assert False, HOSTILE

@rule.check()
def test_breaks(db):
    print(HOSTILE)
    raise ValueError(HOSTILE)
    assert db

@rule.check()
def test_skips(db):
    pytest.skip(HOSTILE)
    assert db

@rule.metric(HOSTILE, "SELECT count(*) FROM item", at_most=1)
def test_metric(violations):
    assert not violations

@rule.not_null(SHORT, "name")
def test_absent(violations):
    assert not violations

@declared("check")
def test_declared(constraint, violations):
    assert not violations
"""

DOCS = re.compile(r"(def (test_\w+)\(.*\):\n)")
WAIVERS = """
[[waiver]]
rule = "{folder}test_items.py::test_rows"
reason = {hostile}
owner = {hostile}
expires = 2999-12-31
"""


def acts(text: str) -> list[str]:
    """The lines of a text that would act."""
    return [
        line
        for line in text.split("\n")
        if not line.replace("\t", "").isprintable()
        or line.lstrip().startswith("::")
        or re.search(r"##(\[|vso\[)", line)
    ]


def quoted(text: str) -> str:
    """A text as JSON and TOML have it."""
    return '"' + "".join(f"\\u{ord(char):04x}" for char in text) + '"'


@pytest.fixture(scope="module")
def hostile_url(make_database: Callable[[str], str]) -> str:
    parts = {"hostile": sql.Literal(HOSTILE)}
    names = {name: sql.Identifier(SHORT + name) for name in ("column", "table", "constraint")}
    return make_database(sql.SQL(SCRIPT).format(**parts, **names).as_string(None))


@pytest.fixture
def hostile_rules() -> str:
    """Rules whose docstrings are hostile too."""
    text = RULES.format(hostile=HOSTILE, short=SHORT)
    return DOCS.sub(lambda found: f"{found[1]}    {('::error::' + SHORT + found[2])!r}\n", text)


Look = Callable[..., Ran]


@pytest.fixture
def look(check: RunRules, pytester: pytest.Pytester, hostile_url: str, hostile_rules: str) -> Look:
    def look(*args: str, rules: str = hostile_rules, url: str = hostile_url) -> Ran:
        return check(rules, *args, url=url)

    return look


def test_helpers() -> None:
    """The measure itself: it finds what is meant to be found, and printing takes it away."""
    assert len(acts(HOSTILE)) == 5
    assert acts(printable(HOSTILE)) == acts(printable_lines(HOSTILE)) == acts(str(Line("", HOSTILE))) == []
    assert printable("a::b #[x] ## y ::z") == "a::b #[x] ## y ::z"
    assert printable("::error::x") == r"\x3a:error::x"
    assert printable_lines("a\n\t ::b\n##[c]\n") == "a\n\t \\x3a:b\n\\x23#[c]\n"
    assert printable(printable(HOSTILE)) == printable(HOSTILE)


@pytest.mark.parametrize(
    "args",
    [
        ["-rA", "-vv"], ["-rA", "--tb=long", "-p", "no:randomly"], ["-rA", "--tb=short", "-q"], ["--tb=line", "-rA"],
        ["--tb=native", "-rf"], ["--no-samples", "-rA"], ["-n2", "-rA", "-v"], ["--collect-only"], ["--integrity-coverage", "-v"],
        ["--fix-plan", "-rA"], ["--gate=staging", "-rA"], ["-x"], ["--scope=a=::error::b", "-rA"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_run(look: Look, args: list[str]) -> None:
    """Terminal and all that it summarizes."""
    ran = look(*args)

    assert acts(ran.said) == []
    assert "test_items.py" in ran.out or ran.status == 4


LOUD = """
import logging, warnings

HOSTILE = {hostile!r}

@rule.check()
def test_warns(db):
    \"\"\"It warns.\"\"\"
    warnings.warn(HOSTILE)
    assert db

@rule.check()
def test_logs(db):
    \"\"\"It logs.\"\"\"
    logging.getLogger("x").warning("%s", HOSTILE)
    assert not db
"""


@pytest.mark.parametrize(
    "args", [["-s", "-rA", "-vv"], ["-s", "--log-cli-level=DEBUG"], ["-s", "-n2"], ["-s", "--probe-writes", "-v"]],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("loud", [True, False])
def test_what_is_printed_as_it_comes(look: Look, hostile_rules: str, args: list[str], loud: bool) -> None:
    """Nothing is captured: warnings and the live log. What a test prints itself is its own."""
    probe = "\nfrom pytest_tgintegrity import probe\n\n@probe(HOSTILE, writes=True)\ndef p(db):\n    db.execute('SELECT boom()')\n"
    text = HEAD + LOUD.format(hostile=HOSTILE) if loud else hostile_rules.replace("    print(HOSTILE)\n", "")
    ran = look("-W", "always", *args, rules=text + probe)

    assert acts(ran.said) == []
    if loud:
        assert "UserWarning: \\x1b[31mH" in ran.out


def test_logs_of_psycopg_hold_no_row(caplog: pytest.LogCaptureFixture) -> None:
    """It tells of errors that it ignores, with all that the server says."""
    log = logging.getLogger("psycopg")
    log.warning("error ignored in %s: %s", "x", psycopg.DataError("can't parse date '987-65-4321'"))
    log.warning("error ignored in %s: %s", "x", psycopg.OperationalError("the connection is closed"))

    assert caplog.messages == ["error ignored in x: DataError", "error ignored in x: the connection is closed"]


def test_files(look: Look, pytester: pytest.Pytester) -> None:
    """JUnit, page and metrics; the JSON report holds what there is, as JSON."""
    ran = look("--junitxml=junit.xml", "--html-report=page.html", "--metrics=tg.prom")
    told = [(pytester.path / name).read_text() for name in ("junit.xml", "page.html", "tg.prom")]

    assert ["declared" in told[0], "declared" in told[1]] == [True, True]
    assert [acts(one) for one in told] == [[], [], []]
    assert ran.text.isprintable()
    assert "::error file=x::H" in str(ran.integrity["rules"])


def test_waivers_and_reasons(look: Look, pytester: pytest.Pytester) -> None:
    """Texts of files beside the rules."""
    folder = f"{pytester.path.name}/"
    (pytester.path / "waivers.toml").write_text(WAIVERS.format(folder=folder, hostile=quoted(HOSTILE)))
    (pytester.path / "uncovered.toml").write_text(f"item = {quoted(HOSTILE)}\n{quoted(SHORT)} = {quoted(HOSTILE)}\n")
    ran = look("-rA", "--integrity-coverage", "-v")

    assert "waived" in ran.out
    assert acts(ran.said) == []


@pytest.mark.parametrize(
    "text", ["{hostile} = 1", "[[waiver]]\nrule = {hostile}\nreason = 'r'\nowner = 'o'\nexpires = 2999-12-31", "[[waiver]]\n{hostile} = 1"]
)  # fmt: skip
def test_refusals(look: Look, pytester: pytest.Pytester, text: str) -> None:
    """What a wrong file says is said again."""
    (pytester.path / "waivers.toml").write_text(text.format(hostile=quoted(HOSTILE)))
    ran = look()

    assert ran.status in (1, 4)
    assert "H" in ran.said.replace("HOSTILE", "")
    assert acts(ran.said) == []


@pytest.mark.parametrize(
    "rules",
    ["@rule.between('item', HOSTILE, 1, 2)", "@rule.rows('item', '{' + HOSTILE + '}')", "@rule.not_null('item', 'name', severity=HOSTILE)"],
)  # fmt: skip
def test_wrong_declarations(look: Look, rules: str) -> None:
    text = f'HOSTILE = {HOSTILE!r}\n\n{rules}\ndef test_it(violations):\n    """It."""\n    assert not violations\n'
    ran = look("-rA", rules=text)

    assert ran.status
    assert acts(ran.said) == []


def test_names_of_database_and_role(look: Look, hostile_url: str) -> None:
    """In the header, and where there is no such database."""
    with psycopg.connect(hostile_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(SHORT)))
        connection.execute(sql.SQL("CREATE ROLE {} SUPERUSER LOGIN").format(sql.Identifier(SHORT)))
    parts = psycopg.conninfo.conninfo_to_dict(hostile_url)
    there = look(url=psycopg.conninfo.make_conninfo("", **{**parts, "dbname": SHORT, "user": SHORT}))
    gone = look(url=psycopg.conninfo.make_conninfo("", **{**parts, "dbname": SHORT + "gone"}))

    assert r"\x1b]0;H\x07" in there.out
    assert gone.status == 4
    assert acts(there.said) == acts(gone.said) == []


def test_what_redis_remembers(look: Look, valkey: ValkeyServer, client: Any) -> None:
    """Ids of runs and rules, by whomever they were written."""
    first = look("-rA", f"--redis-url={valkey.url}")
    (key,) = client.keys(f"{history.PREFIX}*")
    identity = key.decode().removeprefix(history.PREFIX)
    past = history.records(valkey.url, identity)[0]
    worse = dict.fromkeys([*past.violations, HOSTILE], 0)
    forged = replace(past, run=HOSTILE, violations=worse, verdicts={HOSTILE: HOSTILE}, database=HOSTILE)
    history.append(parse_redis_url(valkey.url), forged, {HOSTILE: 1.0})
    second = look("-rA", f"--redis-url={valkey.url}", "--html-report=page.html", "--gate=staging")

    assert acts(first.said) == acts(second.said) == []
    assert acts(Path("page.html").read_text()) == []


def test_what_the_journal_remembers(look: Look, make_database: Callable[[str], str], pytester: pytest.Pytester) -> None:
    """Whoever wrote there before: their name is told by --fix-history and --undo."""
    url = make_database("CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item VALUES (1, NULL)")
    fixing = '@rule.not_null("item", "name", fix="\'x\'")\ndef test_it(violations):\n    """It."""\n    assert not violations\n'
    fixed = look("--fix", rules=HEAD + fixing, url=url)
    with psycopg.connect(url, autocommit=True) as connection:
        names = connection.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'tgintegrity' AND column_name = 'by'"
        ).fetchall()
        for (name,) in names:
            connection.execute(sql.SQL("UPDATE tgintegrity.{} SET by = %s").format(sql.Identifier(name)), [HOSTILE])
    told = [look("--fix-history", url=url), look(f"--undo={HOSTILE}", url=url)]

    assert names
    assert acts(fixed.said) == []
    assert [acts(one.said) for one in told] == [[], []]
    assert "::error" in told[0].out
