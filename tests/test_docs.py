"""What the documents show is what happens: snippets run, tables and outputs are compared with the real thing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from pytest_tgintegrity import options, rules
from pytest_tgintegrity.scratch import PostgresServer
from pytest_tgintegrity.templates import cache_directory

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROLES = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def run_pytest(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "COLUMNS": "80"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def test_readme_lists_every_option_with_its_help_text() -> None:
    table = [f"| `{flag}{' ' + metavar if metavar else ''}` | {text} |" for flag, metavar, text in options.documented()]

    missing = [line for line in table if line not in README]

    assert missing == []


def test_checklist_uses_options_that_exist() -> None:
    table = README.partition("## The deployment checklist")[2].partition("\n## ")[0]
    commands = re.findall(r"^\|[^|]*\| `(pytest [^`]*)` \|$", table, flags=re.MULTILINE)
    known = {flag for flag, _, _ in options.documented()} | {"--json-report", "--json-report-file"}

    unknown = {flag for command in commands for flag in re.findall(r"--[a-z-]+", command)} - known

    assert len(commands) == table.count("\n|") - 2
    assert unknown == set()


def test_readme_lists_every_kind_of_rule() -> None:
    kinds = [name for name in vars(rules.RuleKinds) if not name.startswith("_")]

    missing = [name for name in kinds if f"| `rule.{name}(" not in README]

    assert kinds
    assert missing == []


def test_readme_snippet_holds_on_the_demo(tmp_path: Path) -> None:
    (snippet,) = blocks(README, "python")
    (tmp_path / "test_snippet.py").write_text(snippet, encoding="utf-8")

    done = run_pytest("test_snippet.py", "--db-url=demo", "-q", folder=tmp_path)

    assert " passed" in done.stdout, done.stdout
    assert done.returncode == 0


def test_readme_shows_real_output() -> None:
    (block,) = blocks(README, "console")
    command, *expected = block.splitlines()
    arguments = re.fullmatch(r'\$ pytest (\S+) (\S+) -k "(.*)"', command)
    assert arguments is not None

    done = run_pytest(arguments[1], arguments[2], "-k", arguments[3])

    shown = [line.rstrip() for line in done.stdout.splitlines()]
    new_each_time = re.compile(r"\d s$|\ds =+$|^integrity:|^collected ")
    missing = [line for line in expected if line.rstrip() not in shown and not new_each_time.search(line)]
    assert missing == [], done.stdout


def test_page_of_rules_is_current() -> None:
    command = [sys.executable, "-m", "pytest_tgintegrity.rulebook", "integrity_tests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    current = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == done.stdout

    assert current, "renew it: python -m pytest_tgintegrity.rulebook integrity_tests > docs/rules.md"


@pytest.mark.parametrize(("number", "role"), [(0, "tg_integrity"), (1, "tg_integrity_public")])
def test_documented_role_reads_and_cannot_write(server: PostgresServer, number: int, role: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS documented_role")
        connection.execute("CREATE TABLE documented_role (id int PRIMARY KEY)")
        connection.execute(blocks(ROLES, "sql")[number].encode())
    try:
        with psycopg.connect(server.url(user=role), autocommit=True) as connection:
            assert connection.execute("SELECT count(*) FROM documented_role").fetchone() == (0,)
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
                connection.execute("INSERT INTO documented_role VALUES (1)")
    finally:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {role}".encode())
            connection.execute(f"DROP ROLE {role}".encode())
            connection.execute("DROP TABLE documented_role")


def test_readme_says_where_the_demo_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TGINTEGRITY_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".cache").mkdir()

    (folder,) = re.findall(r"`rm -r ~/(.*?)`", README)

    assert cache_directory(Path("/")) == tmp_path / folder
    assert f"`~/{folder}`" in README


def test_readme_says_how_large_a_demo_is(clean_demo: str) -> None:
    kept = list(cache_directory(Path("/")).glob("demo-pg*.template"))
    (told,) = re.findall(r"about (\d+) MB for `demo`", README)

    assert kept
    assert max(one.stat().st_size for one in kept) / 1e6 == pytest.approx(int(told), rel=0.2)


def test_changelog_has_an_unreleased_part() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.search(r"^## \[Unreleased\]$", text, flags=re.MULTILINE)
    assert not re.search(r"^## (?!\[)", text, flags=re.MULTILINE)
