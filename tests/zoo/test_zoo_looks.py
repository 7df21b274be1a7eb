"""Rules look at every type and every odd table: an answer or a sentence of the server's, and samples that are plain JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from engine import bound, looking_at
from pytest_tgintegrity.judging.verdicts import Measurement
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.rules.kinds import (
    Agree,
    AtMost,
    Children,
    ChildRows,
    Derived,
    Formula,
    JsonShape,
    Kind,
    NotBlank,
    NotNull,
    OneOf,
    Query,
    References,
    Rows,
    Source,
    Unique,
)
from zoo import OpenZoo, Zoo
from zoo_fixes import Subject, subjects, update
from zoo_outcomes import DYING, scenes
from zoo_tables import SITUATIONS, situations

pytest_plugins = ["zoo_servers"]

SURE = ("shown", "named", "asked", "not null")
"""Rules that need nothing of a type: they say something of each."""


def looks(one: Subject) -> Iterator[BoundRule]:
    """Rules of every kind about a type, those in `SURE` first."""
    table, sort = one.name, one.sorts[0]
    kinds: dict[str, Kind] = {
        "shown": Rows(table, "true"),
        "named": Rows(Source(table, f"{table} AS x", key="x.v0", label="x.w0"), "x.v0 IS NOT NULL OR x.bad"),
        "asked": Query(f"SELECT v0, w0, v0 FROM {table}"),
        "not null": NotNull(table, "v0"),
        "not blank": NotBlank(table, "v0"),
        "one of": OneOf(table, "v0", list(sort.values[:2])),
        "at most": AtMost(table, "v0", "w0"),
        "formula": Formula(table, "v0", "w0"),
        "agree": Agree(table, "v0", "w0"),
        "unique": Unique(table, ("v0",), nulls_distinct=False),
        "refers": References(table, ("v0",), table, ("w0",)),
        "shape": JsonShape(table, "v0", {"a": int}),
        "children": Children(table, ChildRows(table, "v0", "w0"), 1),
        "derived": Derived(table, "v0", "max(v0)", ChildRows(table, "w0", "v0"), "NULL"),
    }
    for words, kind in kinds.items():
        yield bound(kind, f"{words}: {one.title}", show=("v0", "w0") if words == "shown" else ())


def strange(rule: str, found: Measurement) -> str | None:
    """What is wrong with an answer."""
    if found.error is not None:
        sure = rule.startswith(SURE)
        return found.error if sure or DYING.search(found.error) or len(found.error) > 500 else None
    try:
        json.dumps(found.to_json(), allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        return f"{error}: {found.samples}"
    return None if found.violations >= len(found.samples) else "more samples than violations"


def answers(url: str, rules: list[BoundRule]) -> dict[str, str]:
    """What is wrong with the answers to some rules, planned together."""
    with looking_at(url) as engine:
        found = engine.measure(rules)
        found |= engine.declared()
    return {rule: words for rule, one in found.items() if (words := strange(rule, one)) is not None}


def looked_at(zoo: Zoo) -> dict[str, str]:
    """What is wrong with the answers about every type; in other encodings about those that hold letters."""
    made = [(one, update(one)) for one in subjects(zoo) if len(one.sorts) == 1]
    listed = [one for one, case in made if zoo.encoding == "UTF8" or case.holds_letters]
    url = zoo.make("".join(case.script for _, case in made))
    return answers(url, [rule for one in listed for rule in looks(one)])


def test_rules_of_every_kind_look_at_every_type(zoo: Zoo) -> None:
    assert looked_at(zoo) == {}


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_rules_look_at_every_byte(zoo_of: OpenZoo, encoding: str) -> None:
    assert looked_at(zoo_of(18, encoding)) == {}


@pytest.mark.parametrize("what", ["keys", *SITUATIONS])
def test_rules_look_at_every_odd_table(zoo: Zoo, what: str) -> None:
    listed = scenes(situations(zoo, what), "update")
    url = zoo.make("".join(one.script for one in listed))

    assert answers(url, [one.rule for one in listed]) == {}
