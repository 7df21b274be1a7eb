"""The whole JSON document of a run with something of everything, to the letter: nothing of it changes by accident.

``TGINTEGRITY_GOLDEN=1 pytest tests/reports/test_golden.py`` writes it anew; the difference is then to be read, and to be told in the changelog.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from harness import HOLDS, UNKNOWN, VIOLATED, RunRules
from pytest_tgintegrity.servers.valkey import ValkeyServer
from rule_texts import BROKEN, MORE, PAIRS

GOLDEN = Path(__file__).parent / "golden" / "report.json"
DATA = f"""{PAIRS}
CREATE TABLE item AS SELECT i AS id, i AS size, 'n' || i AS name, i AS parent, now() - interval '1 hour' AS at
                      FROM generate_series(1, 20) i;
ALTER TABLE item ADD PRIMARY KEY (id), ADD FOREIGN KEY (parent) REFERENCES item;
CREATE TABLE nothing (id int PRIMARY KEY, size int);
"""
OTHERS = """
@rule.between("item", "size", 1, 19, fix="clamp", severity="low", since="at", tags=["T-1"])
def test_fixable(violations):
    \"\"\"Sizes are below twenty.\"\"\"
    assert not violations

@rule.between("item", "size", 1, 10, severity="low", tolerates=10)
def test_tolerated(violations):
    \"\"\"Ten may be large.\"\"\"
    assert violations.count <= 10

@rule.between("item", "size", 1, 12, severity="low")
def test_waived(violations):
    \"\"\"It is known.\"\"\"
    assert not violations

@rule.between(Source("scoped items", "item i", key="i.id", label="i.name", scopes={"parity": "i.id % 2"}), "i.size", 1, 18)
def test_scoped(violations):
    \"\"\"Sizes are small.\"\"\"
    assert not violations

@declared("foreign_key")
def test_declared(violations, constraint):
    \"\"\"Foreign keys hold.\"\"\"
    assert not violations

@rule.check()
def test_free(db):
    \"\"\"Free SQL.\"\"\"
    assert db.execute("SELECT count(*) FROM item").fetchone() == (20,)
"""
WAIVERS = """
[[waiver]]
rule = "{folder}/test_items.py::test_waived"
owner = "alice"
reason = "old import"
expires = 2999-12-31
max_violations = 8

[[waiver]]
rule = "{folder}/test_items.py::test_gone"
owner = "bob"
reason = "gone"
expires = 2999-12-31
"""
MOVING = (
    *("database.host", "database.port", "database.name", "database.server_version", "database.system_identifier"),
    *("run.id", "run.started_at", "run.finished_at", "run.seconds", "run.snapshot", "run.rule_set_digest"),
    *("gate.*.since", "history.*.rollback_rate", "history.*.deadlocks", "fix.apply.command", "rules.*.today"),
    *("rules.*.seconds", "scans.*.seconds", "history.*.run", "history.*.at", "history.*.started_at"),
    *("probes.*.seconds", "probes.*.relative", "probes.*.low", "probes.*.high", "probes.*.host", "probes.*.server"),
)
"""What differs from run to run, or from server to server: of it only the type is kept."""


def pinned(value: Any, folder: str, path: str = "") -> Any:
    """A document without what moves."""
    if isinstance(value, dict):
        return {
            name.replace(f"{folder}/", ""): pinned(one, folder, f"{path}.{name}".lstrip("."))
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [pinned(one, folder, f"{path}.{number}") for number, one in enumerate(value)]
    if value is not None and any(fnmatch(path, one) for one in MOVING):
        return f"<{type(value).__name__}>"
    return value.replace(f"{folder}/", "") if isinstance(value, str) else value


def test_the_document_is_the_one_of_the_release_before(
    check: RunRules, make_database: Callable[[str], str], valkey: ValkeyServer, pytester: pytest.Pytester
) -> None:
    folder = pytester.path.name
    pytester.path.joinpath("waivers.toml").write_text(WAIVERS.format(folder=folder))
    url, words = make_database(DATA), [HOLDS, VIOLATED, UNKNOWN, MORE, OTHERS, BROKEN, f"--redis-url={valkey.url}"]
    check(*words, url=url)
    ran = check(*words, "--gate=staging", "--fix-plan", "--integrity-coverage", "--scope=parity=1", "--probe", url=url)

    found = pinned(ran.integrity, folder)

    assert ran.integrity["rules"], ran.said
    if os.environ.get("TGINTEGRITY_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8")), ran.out
