"""Ids of rules stand in waivers, histories and dashboards: none of them changes by accident."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from tg import ROOT

IDS = 4565
DIGEST = "d99d427652c4d26cb3b8b8899b06abc0eddc67bb68a7b800161beb94d13b4578"
"""Of all ids, sorted, a line each. Where a rule is added or goes, both change, and the changelog says so."""


def test_the_ids_of_the_rules_are_those_of_the_release_before(clean_demo: str) -> None:
    words = [
        "-m",
        "pytest",
        "integrity_tests",
        f"--db-url={clean_demo}",
        "--redis-url=demo",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True)
    ids = sorted(line for line in done.stdout.splitlines() if "::" in line)

    assert len(ids) == IDS
    assert hashlib.sha256("\n".join(ids).encode()).hexdigest() == DIGEST
