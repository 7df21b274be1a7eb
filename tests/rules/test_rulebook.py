"""The page of rules: what it says of a rule, and what it says when it cannot be made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_tgintegrity import rule
from pytest_tgintegrity.rulebook import main
from pytest_tgintegrity.rules.declare import declaration_of
from pytest_tgintegrity.rules.rule import Rule
from pytest_tgintegrity.rules.wording import question

RULES = '''
"""Things in a room."""

import pytest
from pytest_tgintegrity import rule


@pytest.mark.parametrize("column", ["width", "height"])
@rule.between("item", "{column}", 1, "%(most)s", severity="high", fix="clamp", tags=["ROOM-1"], enforced_by="item_{column}")
@pytest.mark.parametrize("most", [9])
def test_size_fits(violations, column, most):
    """Nothing is larger than the door."""
    assert not violations


@rule.rows("item", "j = '{{}}'", breaks={"j": "'{{}}'"}, fix_hint="ask its owner", since="made_at")
def test_item_is_something(violations):
    """Nothing is nothing.

    Why: one would stumble.
    """
    assert not violations


@rule.check()
def test_room_is_tidy(db):
    """The room is tidy."""
    assert db is not None


def test_without_a_rule():
    """Not a rule."""


class TestDoors:
    @rule.not_null("door", "room_id")
    def test_door_is_in_a_room(self, violations):
        """A door belongs to a room."""
        assert not violations
'''


def printed(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest_tgintegrity.rulebook", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("rooms")
    (folder / "test_room.py").write_text(RULES, encoding="utf-8")
    done = printed(folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "line",
    [
        "| [test_room.py](#test_roompy) | 4 | 5 | Things in a room. |",
        "### test_size_fits",
        "Nothing is larger than the door.",
        "SELECT * FROM item WHERE {column} NOT BETWEEN 1 AND {most}",
        "- severity: **high**, `ROOM-1`",
        "- cases: 2: 9; width, height",
        "- fix: `clamp`",
        "- proven by: damage derived from its kind",
        "- enforced by: `item_{column}`",
        "SELECT * FROM item WHERE j = '{}'",
        "Why: one would stumble.",
        "- no fix: ask its owner",
        "- proven by: `j = '{}'`",
        "- `--period` looks at: `made_at`",
        "assert db is not None",
        "### TestDoors::test_door_is_in_a_room",
        "SELECT * FROM door WHERE room_id IS NULL",
    ],
)
def test_page_says(page: str, line: str) -> None:
    assert line in page.splitlines()


def test_page_leaves_out_what_is_no_rule(page: str) -> None:
    assert "test_without_a_rule" not in page


def declared(decorator: Any) -> Rule:
    def a_rule(violations: object) -> None:
        """Docstring."""

    found = declaration_of(decorator(a_rule))
    assert isinstance(found, Rule)
    return found


@pytest.mark.parametrize(
    ("decorator", "expected"),
    [
        (rule.between("t", "c", None, 5), "SELECT * FROM t WHERE c > 5"),
        (rule.between("t", "c", 5, None), "SELECT * FROM t WHERE c < 5"),
        (rule.one_of("t", "c", ["it's", 2]), "SELECT * FROM t WHERE c NOT IN ('it''s', 2)"),
        (rule.not_null("t", "c"), "SELECT * FROM t WHERE c IS NULL"),
        (rule.not_blank("t", "c"), "SELECT * FROM t WHERE c IS NULL OR c is blank"),
        (rule.at_most("t", "c", "d"), "SELECT * FROM t WHERE c > d"),
        (rule.agree("t", "c", "d"), "SELECT * FROM t WHERE c <> d"),
        (rule.implies("t", "c", "d"), "SELECT * FROM t WHERE (c) AND NOT (d)"),
        (rule.formula("t", "c", "d + 1"), "SELECT * FROM t WHERE c IS DISTINCT FROM coalesce(d + 1, c)"),
        (
            rule.formula("t", "c", {"k": {1: "a"}}),
            "SELECT * FROM t WHERE c IS DISTINCT FROM coalesce(CASE k WHEN 1 THEN 'a' END, c)",
        ),
        (
            rule.json_shape("t", "c", {"a": [str], "b?": (int, None)}),
            'SELECT * FROM t WHERE c has another shape than {"a": [str, …], "b?": (int or null)}',
        ),
        (rule.acyclic("t", "up"), "SELECT * FROM t WHERE no root is reached by following up"),
        (
            rule.children("t", "u.t_id", at_least=1, where="ok"),
            "SELECT * FROM t WHERE (SELECT count(*) FROM u WHERE t_id = t.<key> AND (ok)) < 1",
        ),
        (
            rule.total("t", "u.t_id", "n", at_most="t.most", of="code"),
            "SELECT * FROM t WHERE (SELECT coalesce(sum(n), 0) FROM u WHERE t_id = code) > t.most",
        ),
        (
            rule.derived("t", "c", "max(n)", "u.t_id"),
            "SELECT * FROM t WHERE c IS DISTINCT FROM coalesce((SELECT max(n) FROM u WHERE t_id = t.<key>), 0)",
        ),
        (rule.unique("t", ["a", "b"]), "SELECT a, b FROM t GROUP BY a, b HAVING count(*) > 1"),
        (rule.references("t", "c", "u"), "SELECT * FROM t WHERE c NOT IN (SELECT <key> FROM u)"),
        (
            rule.references("t", ["a", "b"], "u", ["x", "y"], where="z"),
            "SELECT * FROM t WHERE (a, b) NOT IN (SELECT x, y FROM u WHERE z)",
        ),
        (rule.query("SELECT 1"), "SELECT 1"),
        (rule.metric("n", "SELECT 2"), "SELECT 2"),
        (rule.schema("t", index="i"), "table t, index i: missing, NOT VALID, INVALID or disabled"),
        (rule.schema(), "any constraint, index or trigger that is NOT VALID, INVALID or disabled"),
    ],
)
def test_question_of_each_kind_reads(decorator: object, expected: str) -> None:
    assert question(declared(decorator).kind) == expected


def test_without_a_folder_it_says_how_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 4
    assert capsys.readouterr().err == "usage: python -m pytest_tgintegrity.rulebook FOLDER > rules.md\n"


def test_folder_without_rules_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 4
    assert capsys.readouterr().err == f"{tmp_path} holds no test_*.py: name the folder of your rules\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nowhere_to_be_found", "(ModuleNotFoundError: No module named 'nowhere_to_be_found'): mend it"),
        (
            "from pytest_tgintegrity import rule\n@rule.rows\ndef test_it(violations): 'x'",
            "test_wrong: test_it: @rule.rows is called: write @rule.rows(source, where, …)",
        ),
    ],
)
def test_file_that_cannot_be_read_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "test_wrong.py").write_text(text, encoding="utf-8")

    done = printed(tmp_path)

    assert done.returncode == 4
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
