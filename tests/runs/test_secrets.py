"""No password in anything that a run prints or writes, whatever fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from harness import HOLDS, SCRIPT, UNKNOWN, VIOLATED, RunRules
from pytest_tgintegrity.database.connections.redaction import MASK, Secrets, masked, passwords_in, scrub_document
from pytest_tgintegrity.servers.postgres import PostgresServer

PASSWORD = "pä5s/w@rd:%41'x\\y z"
FRAGMENTS = ["5s/w", "rd:%41", "5s%2Fw", "5s%2fw", "rd%3A%2541", "%2541", "x\\y", "x\\\\y", "x%5Cy"]
LEAKY = """
import logging, sys, warnings

URL = os.environ["THE_URL"]

@pytest.mark.parametrize("where", [URL])
@rule.check()
def test_leaky(db, where, record_property):
    \"\"\"It says all it knows.\"\"\"
    everything = dict(os.environ)
    record_property("url", where)
    print(everything)
    print(where, file=sys.stderr)
    logging.getLogger().error("connecting to %s", where)
    warnings.warn(f"insecure: {where}")
    raise ValueError(where)

@rule.check()
def test_says_so(db):
    \"\"\"It says it when it fails.\"\"\"
    assert URL == "", f"not {URL}"

@rule.check()
def test_asks(db):
    \"\"\"It asks the server for it.\"\"\"
    assert db.execute("SELECT %s::int", [URL])

@rule.check()
def test_connects(db):
    \"\"\"It connects on its own.\"\"\"
    import psycopg
    psycopg.connect(URL + "_absent")

@pytest.fixture
def broken():
    print(URL)
    raise RuntimeError(URL)

def test_broken(broken):
    pass

@pytest.mark.skip(reason=f"not with {URL}")
def test_skipped():
    pass
"""
CONFTEST = """
import os
def pytest_runtest_logfinish(nodeid):
    if "broken" in nodeid and os.environ.get("BREAK"):
        raise RuntimeError(os.environ["THE_URL"])
"""


@pytest.fixture(scope="module")
def secret_url(server: PostgresServer, make_database: Callable[[str], str]) -> str:
    """A URL with a password of special characters, percent-encoded."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE spy LOGIN SUPERUSER PASSWORD {}").format(sql.Literal(PASSWORD)))
    name = make_database(SCRIPT.format(role="spied")).partition("@/")[2].partition("?")[0]
    return f"postgresql://spy:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}/{name}"


def leaks(folder: Path, *words: str) -> list[str]:
    """Where the password or a part of it stands: file, and what is around it."""
    found = []
    for path in [one for one in folder.rglob("*") if one.is_file() and one.suffix not in {".py", ".pyc"}]:
        text = path.read_text(errors="replace")
        for word in [PASSWORD, quote(PASSWORD, safe=""), *FRAGMENTS, *words]:
            places = [match.span() for match in re.finditer(re.escape(word), text)]
            found += [f"{path.name}: …{text[max(0, start - 90) : end + 20]}…" for start, end in places]
    return found


@pytest.mark.parametrize(
    "args",
    [
        ["-vv", "--showlocals", "--tb=long", "--setup-show", "--durations=0", "--junitxml=junit.xml"],
        ["-rA", "--debug", "--tb=short"],
        ["-n2", "-v", "-l", "-rA", "--junitxml=junit.xml"],
    ],
    ids=["verbose", "debug", "xdist"],
)
def test_no_output_holds_the_password(
    check: RunRules, pytester: pytest.Pytester, secret_url: str, monkeypatch: pytest.MonkeyPatch, args: list[str]
) -> None:
    """Also where the users' own tests print it, and where pytest itself breaks."""
    monkeypatch.setenv("THE_URL", secret_url)
    pytester.makeconftest(CONFTEST)
    ran = check(HOLDS, VIOLATED, UNKNOWN, LEAKY, *args, url=secret_url)
    monkeypatch.setenv("BREAK", "1")
    broken = check(*args[:1], url=secret_url, subprocess=True)
    (pytester.path / "printed.txt").write_text(ran.said + broken.said)

    assert ran.status == 1, ran.said
    assert broken.status == 3, broken.said
    assert "INTERNALERROR" in broken.said
    assert leaks(pytester.path) == []
    assert ran.out.count(MASK) > 5


@pytest.mark.parametrize("way", ["keyword", "PGPASSWORD", "passfile", "service"])
def test_other_ways_to_give_it(
    check: RunRules,
    pytester: pytest.Pytester,
    server: PostgresServer,
    secret_url: str,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    """A keyword string, the environment, a password file, a service file."""
    place = f"host=127.0.0.1 port={server.port} user=spy dbname={secret_url.rpartition('/')[2]}"
    escaped = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
    secret = pytester.mkdir("elsewhere")
    (secret / "pass.py").write_text("*:*:*:*:" + PASSWORD.replace("\\", "\\\\").replace(":", "\\:"))
    (secret / "pass.py").chmod(0o600)
    (secret / "service.py").write_text("[mine]\n" + place.replace(" ", "\n") + f"\npassword={PASSWORD}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(secret / "service.py"))
    if way == "PGPASSWORD":
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
    url = {
        "keyword": f"{place} password='{escaped}'",
        "PGPASSWORD": place,
        "passfile": f"{place} passfile={secret / 'pass.py'}",
        "service": "service=mine",
    }[way]
    tells = f'@rule.check()\ndef test_tells(db):\n    """."""\n    print({PASSWORD!r}, dict(os.environ)); raise ValueError({PASSWORD!r})\n'
    ran = check(HOLDS, tells, "--debug", "-rA", "-l", url=url, subprocess=True)
    (pytester.path / "printed.txt").write_text(ran.said)

    assert ran.status == 6, ran.said
    assert ran.verdicts["test_tells"] == "unknown"
    assert leaks(pytester.path) == []


def test_a_mistyped_option_does_not_echo_it(check: RunRules, pytester: pytest.Pytester, secret_url: str) -> None:
    """What pytest says of arguments that it does not know."""
    ran = check(HOLDS, f"--dburl={secret_url}", "--debug", url=secret_url)

    assert ran.status == 4
    assert "unrecognized arguments: --dburl=postgresql://spy:***@127.0.0.1" in ran.said
    assert leaks(pytester.path) == []
    assert not any(word in ran.said for word in FRAGMENTS)


def test_what_counts_as_a_password() -> None:
    """In URLs and keyword strings, as written and as meant."""
    assert passwords_in("postgresql://me:a%2Fb@host/db?sslpassword=ccc") == {"a%2Fb", "a/b", "ccc"}
    assert passwords_in("host=x password='it\\'s' user=me") >= {"it\\'s"}
    assert passwords_in("postgresql://me@host/db") == frozenset()
    assert masked("see --x=postgresql://me:se/cr@et@host/db and password=abc") == (
        "see --x=postgresql://me:***@host/db and password=***"
    )


def test_a_weak_password_does_not_spoil_the_report() -> None:
    """One that is also the user's name, or a plain short word, is hidden where it stands as a password."""
    secrets = Secrets(["postgres", "test"], ["postgres", "localhost"])

    assert secrets.scrub("role postgres: tests/test_a.py") == "role postgres: tests/test_a.py"
    assert secrets.scrub("postgresql://postgres:postgres@localhost") == "postgresql://postgres:***@localhost"
    assert secrets.scrub("{'PGPASSWORD': 'postgres'}") == "{'PGPASSWORD': '***'}"
    assert secrets.scrub("the word is test.") == "the word is ***."
    assert "test" not in repr(secrets)


def test_a_run_with_a_weak_password_stays_readable(check: RunRules, server: PostgresServer, secret_url: str) -> None:
    """Ids, header and database keep their words."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute("CREATE ROLE rules LOGIN PASSWORD 'rules'; GRANT pg_read_all_data TO rules")
    ran = check(HOLDS, url=f"postgresql://rules:rules@127.0.0.1:{server.port}/{secret_url.rpartition('/')[2]}")

    assert ran.status == 0, ran.said
    assert ran.integrity["database"]["user"] == "rules"
    assert "role rules, read-only" in ran.out
    assert ran.integrity["rules"][0]["id"].endswith("test_items.py::test_holds")


def test_documents_are_scrubbed_all_through() -> None:
    """Keys, lists, tuples, and what is no JSON at all."""
    found = scrub_document({"s3cret": [("s3cret", 1, None), Path("s3cret/x")]}, Secrets(["s3cret"]).scrub)

    assert found == {"***": [["***", 1, None], "***/x"]}
