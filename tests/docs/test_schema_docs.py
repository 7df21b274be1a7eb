"""What docs/schema.md says of the rules of a lock file is what they are."""

from __future__ import annotations

import re

from manuals import ROOT, blocks
from pytest_tgintegrity.rules.declare import declaration_of
from pytest_tgintegrity.rules.rule import Rule
from pytest_tgintegrity.session.items.lock_files import _tests

TEXT = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")


def test_every_test_of_a_lock_file_stands_there_with_its_severity() -> None:
    said = dict(re.findall(r"^\| `(test_\w+)` \| (\w+) \|", TEXT, flags=re.MULTILINE))

    rules = {test.__name__: declaration_of(test) for test in _tests(())}

    assert said == {name: rule.severity for name, rule in rules.items() if isinstance(rule, Rule)}


def test_the_lines_shown_are_tg_s() -> None:
    lock_file = (ROOT / "integrity_tests" / "schema.lock.toml").read_text(encoding="utf-8").splitlines()
    (snippet,) = blocks(TEXT, "toml")

    assert [line for line in snippet.splitlines() if line and line not in lock_file] == []
