"""--scope and --period on TG's rules: they narrow what the rules over characters look at."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from integrity_tests.sources.characters import CHARACTERS, HUMANS, VAMPIRES
from pytest_tgintegrity import Source
from tg import Connection, judged, values

RULES = {
    "test_character_concept_is_given_once_submitted": CHARACTERS,
    "test_willpower_is_one_to_ten": HUMANS,
    "test_blood_pool_follows_generation": VAMPIRES,
}


@pytest.mark.parametrize(
    "scopes",
    [{"status": "App"}, {"chronicle": "2"}, {"status": "Ret", "chronicle": "1"}],
    ids="-".join,
)
def test_scopes_narrow_the_rules_over_characters(clean_demo: str, tmp_path: Path, scopes: dict[str, str]) -> None:
    words = [f"--scope={name}={value}" for name, value in scopes.items()]

    found = judged(tmp_path / "report.json", f"--db-url={clean_demo}", "-k", " or ".join(RULES), *words)

    examined = {name: found[name]["examined"] for name in RULES}
    with psycopg.connect(clean_demo) as connection:
        assert examined == {name: _count(connection, source, scopes) for name, source in RULES.items()}
        assert all(0 < examined[name] < _count(connection, source, {}) for name, source in RULES.items())


def _count(connection: Connection, source: Source, scopes: dict[str, str]) -> int:
    conditions = [f"{source.scopes[name]} = '{value}'" for name, value in scopes.items()] or ["true"]
    (found,) = values(connection, f"SELECT count(*) FROM {source.from_clause} WHERE {' AND '.join(conditions)}")
    return int(found)


def test_a_period_narrows_the_rules_over_dated_rows(clean_demo: str, tmp_path: Path) -> None:
    words = [f"--db-url={clean_demo}", "-k", "spend_decision_is_known and xpspending"]

    day, ever = (judged(tmp_path / "report.json", *words, *more) for more in (["--period=24"], []))

    (young,), (all_,) = day.values(), ever.values()
    assert young["examined"] < all_["examined"]
