"""Names of tables, columns and constraints that are no UTF-8, or no ASCII, in databases of SQL_ASCII and LATIN1."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import psycopg
import pytest
from harness import Ran, RunRules

from pytest_tgintegrity.scratch import PostgresServer, ValkeyServer

_NUMBERS = itertools.count(1)
SCRIPT = """
CREATE TABLE item (id int PRIMARY KEY, size int, name text, größe int CONSTRAINT größe_gut CHECK (größe > 0), other int DEFAULT 3);
ALTER TABLE item ADD CONSTRAINT gleich_größe UNIQUE (größe);
INSERT INTO item SELECT i, i, 'ü' || i, i FROM generate_series(1, 20) AS i;
CREATE TABLE café (id int PRIMARY KEY, größe int REFERENCES item (größe), other int);
INSERT INTO café VALUES (1, 1, 1), (2, 2, 2);
CREATE DOMAIN süß AS int CONSTRAINT süßer CHECK (VALUE > 0);
CREATE TABLE torte (id int PRIMARY KEY, stück süß NOT NULL);
INSERT INTO torte VALUES (1, 1);
ALTER TABLE item DISABLE TRIGGER ALL;
"""
DAMAGE = """
SET session_replication_role = replica;
ALTER TABLE item DROP CONSTRAINT größe_gut;
INSERT INTO café VALUES (3, 99, 3);
UPDATE item SET größe = -4 WHERE id = 4;
ALTER TABLE item ADD CONSTRAINT größe_gut CHECK (größe > 0) NOT VALID;
"""
RULES = '''
@rule.between("item", "size", 1, 15, severity="high", fix="clamp")
def test_size(violations):
    """Sizes are small."""
    assert not violations

@rule.between("item", "other", 1, 15)
def test_other(violations):
    """Others are small."""
    assert not violations

@rule.query("SELECT * FROM item WHERE id < 3")
def test_query(violations):
    """There are none."""
    assert not violations

@rule.schema()
def test_schema(violations):
    """It is whole."""
    assert not violations

@rule.check()
def test_free(db):
    """It is read."""
    assert db.execute("SELECT * FROM item").fetchone()

@declared("check")
def test_check(violations, constraint):
    """It holds."""
    assert not violations

@declared("foreign_key")
def test_foreign_key(violations, constraint):
    """It holds."""
    assert not violations

@declared("unique")
def test_unique(violations, constraint):
    """It holds."""
    assert not violations

@declared("not_null")
def test_not_null(violations, constraint):
    """It holds."""
    assert not violations

@declared("domain")
def test_domain(violations, constraint):
    """It holds."""
    assert not violations
'''

NAMED = '''
@rule.not_null("item", {column!r})
def test_named(violations):
    """The column is there."""
    assert not violations

@rule.not_null({table!r}, "other")
def test_table(violations):
    """The table is there."""
    assert not violations

@rule.rows("item", "other = 3 AND id = 2", fix={{{column!r}: "100 + id", "other": "4"}}, severity="high")
def test_harm(violations):
    """Two is pointed to."""
    assert not violations

@rule.rows("item", "other = 3 AND id = 12", fix={{{column!r}: "100 + id", "other": "4"}}, severity="high")
def test_fixed(violations):
    """The column is written."""
    assert not violations
'''


@dataclass(frozen=True)
class Far:
    """A database whose names are bytes of Latin-1, and how we spell them."""

    url: str
    encoding: str

    def spelled(self, name: str) -> str:
        if self.encoding == "LATIN1":
            return name
        return name.encode("latin-1").decode("utf-8", "surrogateescape")

    def shown(self, name: str, *, ids: bool = False) -> str:
        """As it is printed."""
        return name if self.encoding == "LATIN1" and not ids else self.spelled(name).encode("unicode_escape").decode()

    def contents(self) -> bytes:
        """All rows of the table with that column, as the server has them."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"SET client_encoding = '{self.encoding}'".encode())
            with connection.cursor().copy("COPY (SELECT * FROM item ORDER BY id) TO STDOUT") as copy:
                return b"".join(map(bytes, copy))

    @property
    def named(self) -> str:
        return NAMED.format(column=self.spelled("größe"), table=self.spelled("café")).replace("\udcf6", "\\udcf6")


@pytest.fixture(params=["SQL_ASCII", "LATIN1"])
def far(request: pytest.FixtureRequest, server: PostgresServer) -> Far:
    name = f"far_{next(_NUMBERS)}"
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{request.param}' LOCALE 'C' LOCALE_PROVIDER libc".encode()
        )
    with psycopg.connect(server.conninfo(name), autocommit=True) as connection:
        connection.execute(f"SET client_encoding = '{request.param}'".encode())
        for script in (SCRIPT, DAMAGE):
            connection.execute(script.encode("latin-1"))
    return Far(server.url(name), request.param)


def breaks(ran: Ran) -> list[str]:
    """What nobody should have to read."""
    return [
        word
        for word in ("Traceback", "INTERNALERROR", "UnicodeEncodeError", "UnicodeDecodeError", "surrogates")
        if word in ran.said or word in ran.text
    ]


FILES = ["--html-report=page.html", "--metrics=metrics.txt", "--junitxml=junit.xml"]
VERDICTS = {
    "size": "failed",
    "other": "passed",
    "query": "failed",
    "schema": "failed",
    "free": "passed",
    "check": "failed",
    "foreign_key": "failed",
    "unique": "passed",
    "not_null": "passed",
    "domain": "passed",
    "named": "passed",
    "table": "passed",
    "harm": "failed",
    "fixed": "failed",
}


def verdicts(ran: Ran) -> dict[str, str]:
    """By test, whatever its constraint; the worst of them."""
    found: dict[str, str] = {}
    for name, verdict in ran.verdicts.items():
        test = name.removeprefix("test_").partition("[")[0]
        found[test] = verdict if found.get(test) in (None, "passed") else found[test]
    return found


@pytest.mark.parametrize(
    "args",
    [["-v", "-rA", *FILES], ["-n2", "-v", "--integrity-coverage"], ["--integrity-coverage", "-v"], ["--no-samples"], ["--fix-plan"]],
    ids=" ".join,
)  # fmt: skip
def test_a_run(check: RunRules, far: Far, args: list[str]) -> None:
    ran = check(RULES, far.named, *args, url=far.url)

    assert breaks(ran) == []
    assert verdicts(ran) == VERDICTS
    files = [one.read_text() for one in ran.path.parent.iterdir() if one.suffix in {".html", ".txt", ".xml"}]
    assert len(files) == (3 if FILES[0] in args else 0)
    assert all("foreign_key" in one or one.startswith("#") for one in files)
    assert far.shown("größe") in ran.said or "--no-samples" in args


def test_only_collected(check: RunRules, far: Far) -> None:
    ran = check(RULES, far.named, "--collect-only", url=far.url)

    assert breaks(ran) == []
    assert f"test_unique[item-gleich_{far.shown('größe', ids=True)}]" in ran.out


def test_a_fix_and_its_undo(check: RunRules, far: Far) -> None:
    before = far.contents()
    harming = check(RULES, far.named, "--fix-plan", url=far.url)
    fixed = check(RULES, far.named, "--fix", "-k", "not harm", url=far.url)
    after = far.contents()
    history = check("--fix-history", url=far.url)
    undone = check("--undo=last", url=far.url)

    assert breaks(harming) == breaks(fixed) == breaks(history) == breaks(undone) == []
    reasons = {one["rule"].partition("::")[2]: one["reason"] for one in harming.integrity["fix"]["needs_a_person"]}
    assert reasons["test_harm"].startswith("its fix would make more rows violate ")
    assert {"size": "fixed", "fixed": "fixed", "harm": "failed"}.items() <= {**VERDICTS, **verdicts(fixed)}.items()
    assert after != before
    assert b"112" in after
    assert b"102" not in after
    assert "6 rows" in history.out
    assert far.contents() == before


def test_a_history(check: RunRules, far: Far, valkey: ValkeyServer) -> None:
    ran = [check(RULES, far.named, f"--redis-url={valkey.url}", url=far.url) for _ in range(2)]

    assert [breaks(one) for one in ran] == [[], []]
    assert [one.integrity["history"]["recorded"] for one in ran] == [True, True]
