"""Which columns SQL names."""

from __future__ import annotations

import pytest

from pytest_tgintegrity.planning.bound import texts_of
from pytest_tgintegrity.planning.facts import Table
from pytest_tgintegrity.planning.sql.names import columns_named
from pytest_tgintegrity.rules.kinds import ChildRows, Derived, Formula, JsonShape, Metric, OneOf, Source

HERO = Table("public", "hero", frozenset({"id", "name", "Odd One", "level", "status"}))
ITEM = Table("public", "item", frozenset({"id", "hero_id", "name", "cost"}))
TABLES = {"hero": HERO, "item": ITEM}


def _named(*texts: str) -> set[str]:
    found = columns_named(texts, TABLES)
    return {f"{path[1]}.{column}" for path, columns in found.items() for column in columns}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("level > 3", {"hero.level"}),
        ("LEVEL > cost", {"hero.level", "item.cost"}),
        ("name = 'x'", {"hero.name", "item.name"}),
        ("hero.name = 'x'", {"hero.name"}),
        ('"item"."name" IS NULL', {"item.name"}),
        ("Odd One", {"hero.Odd One"}),
        ('"Odd One" = 1', {"hero.Odd One"}),
        ("hero h JOIN item AS i ON i.hero_id = h.id", {"item.hero_id", "hero.id"}),
        ("public.hero h WHERE h.name IS NULL", {"hero.name", "item.name"}),
        ("(SELECT name FROM hero) AS tagged WHERE tagged.cost = 1", {"hero.name", "item.name", "item.cost"}),
        ("'level' = $$x$$", set()),
        ("true -- level", set()),
        ("true /* level\n cost */", set()),
        ("'it''s' = status", {"hero.status"}),
        ("level(1) = name (2)", set()),
        ("status IN ('a')", {"hero.status"}),
        ("hero.*", set()),
        ("SELECT 1, (level) FROM hero", {"hero.level"}),
        ("SELECT name 'x', cost::level, CAST(1 AS status) FROM hero", {"item.cost"}),
    ],
)
def test_columns_are_found_where_they_are_named(text: str, columns: set[str]) -> None:
    assert _named(text) == columns


def test_an_alias_holds_for_all_texts_of_a_rule() -> None:
    assert _named("hero AS h CROSS JOIN item", "h.name = 'x'") == {"hero.name"}


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (OneOf(Source("people", "hero h", "h.id", "h.name", {"status": "h.status"}), "h.level", ("id",)), ["hero h", "h.level"]),
        (Formula("hero", "{column}", {"level": {"id": 1}}), ["hero", "cost", "level"]),
        (JsonShape("hero", "name", {"level": int}), ["hero", "name"]),
        (Metric("level", "SELECT %(value)s", 1), ["SELECT 7"]),
        (
            Derived("hero", "level", "count(*)", ChildRows("item", "hero_id", None, "cost > 0")),
            ["hero", "level", "count(*)", "item", "hero_id", "cost > 0", "0"],
        ),
    ],
)  # fmt: skip
def test_the_sql_of_a_declaration_is_neither_its_values_nor_its_names_for_people(
    kind: object, texts: list[str]
) -> None:
    assert list(texts_of(kind, {"column": "cost", "value": 7})) == texts
