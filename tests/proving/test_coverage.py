"""What no rule looks at: tables, foreign keys and columns, with reasons; and how it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.planning.facts import Constraint, Facts, Table
from pytest_tgintegrity.planning.planner import BoundRule, plan
from pytest_tgintegrity.proving.coverage import Coverage, cover, parse_reasons
from pytest_tgintegrity.reports.terminal.coverage import coverage_lines
from pytest_tgintegrity.rules.kinds import Between, Check, Declared, Kind, Query, References, Rows, Schema
from pytest_tgintegrity.rules.rule import Rule

HERO = Table("public", "hero", frozenset({"id", "level", "guild_id"}), ("id",))
GUILD = Table("public", "guild", frozenset({"id", "motto"}), ("id",))
LOG = Table("audit", "log", frozenset({"at"}))
PART = Table("public", "log_2030", frozenset({"at"}), partition=True)
VIEW = Table("public", "heroes", frozenset({"id"}), stored=False)
FACTS = Facts(
    {
        **{one.name: one for one in (HERO, GUILD, PART, VIEW)},
        **{f"{one.schema}.{one.name}": one for one in (HERO, GUILD, LOG, PART, VIEW)},
    }
)
KEY = Constraint(
    "foreign_key", "public", "hero", "k", "…", ("guild_id",), ("guild_id",), target=("public", "guild"),
    target_columns=("id",),
)  # fmt: skip
NOT_NULL = Constraint("not_null", "public", "hero", "", "NOT NULL", ("id", "level"))
KEY_NAME = "hero.guild_id -> guild"


def _cover(
    *kinds: Kind | Constraint, reasons: Mapping[str, str] | None = None, fix: dict[str, str] | None = None
) -> Coverage:
    rules = [
        BoundRule(f"r{number}", Rule(Declared(kind.kind)), "It holds.", {"constraint": kind})
        if isinstance(kind, Constraint)
        else BoundRule(f"r{number}", Rule(kind, fix=fix), "It holds.")
        for number, kind in enumerate(kinds)
    ]
    return cover(rules, plan(rules, FACTS).tables, FACTS, [KEY], reasons or {}, 9)


def _by(found: Coverage, by: str) -> set[str]:
    return {one.name for part in (found.tables, found.foreign_keys, found.columns) for one in part if one.by == by}


EVERYTHING = {
    "hero", "guild", "audit.log", KEY_NAME, "hero.id", "hero.level", "hero.guild_id", "guild.id", "guild.motto",
    "audit.log.at",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "by_rules"),
    [
        (Between("hero", "level", 1, 9), {"hero", "hero.level"}),
        (Rows("public.hero", "level > 3"), {"hero", "hero.level"}),
        (Query("SELECT id FROM hero WHERE guild_id IS NULL"), {"hero", "hero.id", "hero.guild_id"}),
        (References("hero", ("guild_id",), "guild"), {"hero", "guild", "hero.guild_id", KEY_NAME}),
        (Query("SELECT at FROM audit.log"), {"audit.log", "audit.log.at"}),
        (Query("SELECT id FROM hero WHERE now() > %(since)s"), {"hero", "hero.id"}),
        (Rows("hero", "level > %(unknown)s"), set()),
        (Check(), set()),
    ],
)
def test_what_a_rule_looks_at(kind: Kind, by_rules: set[str]) -> None:
    found = _cover(kind)

    assert _by(found, "rules") == by_rules
    assert _by(found, "nothing") == EVERYTHING - by_rules


@pytest.mark.parametrize(
    ("kind", "by_constraints"),
    [
        (KEY, {"hero", "guild", "hero.guild_id", "guild.id", KEY_NAME}),
        (NOT_NULL, {"hero", "hero.id", "hero.level"}),
        (Schema("guild", column="motto"), {"guild", "guild.motto"}),
    ],
)
def test_what_is_declared_is_told_apart(kind: Kind | Constraint, by_constraints: set[str]) -> None:
    found = _cover(kind)

    assert _by(found, "rules") == set()
    assert _by(found, "constraints") == by_constraints
    assert _by(_cover(kind, Between("hero", "level", 1, 9)), "constraints") == by_constraints - {"hero", "hero.level"}


def test_a_foreign_key_needs_its_columns_and_its_target_in_one_rule() -> None:
    apart = _cover(Rows("hero", "guild_id > 1"), Rows("guild", "motto = ''"))

    assert KEY_NAME in _by(apart, "nothing")


def test_what_a_fix_writes_is_looked_at() -> None:
    assert "hero.level" in _by(_cover(Rows("hero", "true"), fix={"level": "guild_id + 1"}), "rules")
    assert "hero.guild_id" not in _by(_cover(Rows("hero", "true"), fix={"level": "1"}), "rules")


# --- reasons


def test_reasons_are_given_by_name_or_pattern_and_the_first_that_fits_counts() -> None:
    reasons = {
        "guild.motto": "free text",
        "guild": "an archive",
        "*.at": "written by a trigger",
        "gone": "x",
        "hero": "y",
    }

    found = _cover(Rows("hero", "id + level + guild_id > 0"), reasons=reasons)

    assert {one.name: one.reason for one in (*found.tables, *found.columns, *found.foreign_keys) if one.reason} == {
        "guild": "an archive",
        "guild.id": "an archive",
        "guild.motto": "free text",
        "audit.log.at": "written by a trigger",
        KEY_NAME: "y",
    }
    assert found.unused == ("gone",)


def test_reasons_are_written_in_toml() -> None:
    text = 'guild = "an archive"\nhero.level = "a\\n  whim"\n"*.at" = "a trigger"\n'

    assert parse_reasons(text, "u.toml") == {"guild": "an archive", "hero.level": "a whim", "*.at": "a trigger"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("guild", "u.toml is not valid TOML: "),
        ("hero.level = 3", 'u.toml: the reason for hero.level is 3: write "hero.level" = "why no rule looks there"'),
        ('guild = " "', "u.toml: the reason for guild is ' ': write \"guild\" = "),
    ],
)
def test_reasons_that_are_none(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_reasons(text, "u.toml")

    assert str(caught.value).startswith(message)


# --- telling


def _told(verbosity: int, **more: Any) -> list[str]:
    return list(coverage_lines(_cover(NOT_NULL, **more).to_json(), verbosity))


def test_numbers_come_first_and_alone_with_q() -> None:
    assert _told(-1) == [
        "of the 1 selected rules (9 collected)",
        "                by rules  by declared constraints only  by nothing    of all",
        "tables                 0                             1           2         3",
        "foreign keys           0                             0           1         1",
        "columns                0                             2           4         6",
    ]


def test_then_comes_what_nothing_looks_at_the_columns_by_table() -> None:
    lines = _told(0, reasons={"audit.log": "a trigger writes it", "gone": "x"})[5:]

    assert lines == [
        "",
        "nothing looks at these tables:",
        "  guild: no reason given",
        "  audit.log: a trigger writes it",
        "",
        "nothing looks at these foreign keys:",
        "  hero.guild_id -> guild: no reason given",
        "",
        "nothing looks at these columns:",
        "  hero.guild_id: no reason given",
        "",
        "out of date: the reason for gone",
    ]


def test_with_v_also_what_is_declared() -> None:
    more = Constraint("not_null", "public", "guild", "", "NOT NULL", ("id",))
    lines = list(coverage_lines(_cover(NOT_NULL, more, Rows("hero", "id > 0")).to_json(), 1))

    assert lines[-6:] == [
        "",
        "only declared constraints look at these tables:",
        "  guild",
        "",
        "only declared constraints look at these columns:",
        "  hero.level",
    ]


def test_it_fits_a_screen_however_much_there_is() -> None:
    tables = {f"t{number}": Table("public", f"t{number}", frozenset({"c"})) for number in range(375)}
    found = cover([], {}, Facts(tables), [], {}, 0).to_json()

    assert len(list(coverage_lines(found, 0))) < 40
    assert "  … and 355 more lines: -v or the JSON report has all" in list(coverage_lines(found, 0))
    assert len(list(coverage_lines(found, 1))) > 375
