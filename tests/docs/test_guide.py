"""The guide for authors of rules: each of its snippets runs, and does what the guide says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from pytest_tgintegrity.rules import declare as rules

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\| `((?:rule\.\w+|declared)\(.*\))` \|", GUIDE, flags=re.MULTILINE)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "test_sheets.py").write_text("\n\n".join(blocks("python")), encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    """Run pytest in the folder and give its output. It has to end with 0 or 1."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


def test_query_finds_the_row(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    (query,) = blocks("sql")

    assert [row[0] for row in connection.execute(query.encode())] == [900029]


@pytest.mark.parametrize("number", range(len(blocks("console"))))
def test_console_shows_what_happens(folder: Path, number: int) -> None:
    shown = blocks("console")[number]
    command, *expected = shown.splitlines()
    if GUIDE.index(shown) > GUIDE.index("waivers.toml"):
        (folder / "rules" / "waivers.toml").write_text(blocks("toml")[0], encoding="utf-8")
    words = command.split()

    output = run(folder, *words[2:])

    lines = [line.rstrip() for line in output.splitlines()]
    missing = [line for line in expected if not any(one.startswith(line) for one in lines)]
    assert words[:2] == ["$", "pytest"]
    assert expected
    assert missing == [], output


def test_snippets_hold_on_the_demo(folder: Path) -> None:
    output = run(folder, "rules", "--db-url=demo", "-q")

    assert re.search(r"^\d+ passed", output, flags=re.MULTILINE), output


def test_snippets_are_proven(folder: Path) -> None:
    output = run(folder, "rules", "--prove", "-q")

    assert re.search(r"^\d+ passed", output, flags=re.MULTILINE), output


def test_every_kind_has_an_example() -> None:
    kinds = {f"rule.{name}" for name in vars(rules.RuleKinds) if not name.startswith("_")} | {"declared"}

    assert kinds == {example.partition("(")[0] for example in EXAMPLES}


def test_examples_of_kinds_hold_on_the_demo(folder: Path) -> None:
    text = ["from pytest_tgintegrity import declared, rule"]
    for number, example in enumerate(EXAMPLES):
        given = "db" if example == "rule.check()" else "violations"
        constraint = ", constraint" if example.startswith("declared") else ""
        text += [
            f"@{example}",
            f"def test_example_{number}({given}{constraint}):",
            "    'Holds.'",
            f"    assert {given} is not None",
        ]
        if given == "violations":
            text[-1] = "    assert not violations"
    (folder / "rules" / "test_sheets.py").write_text("\n".join(text), encoding="utf-8")

    output = run(folder, "rules", "--db-url=demo", "-q")

    assert re.search(r"^\d+ passed", output, flags=re.MULTILINE), output
