"""Every kind of rule is whole: declared, told in words, planned, fixed as it says, damaged; what is missing is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest

from pytest_tgintegrity.errors import DeclarationError
from pytest_tgintegrity.planning.facts import Facts
from pytest_tgintegrity.planning.planner import BoundRule, _Planner, plan
from pytest_tgintegrity.planning.predicates import FIXES, asked, predicate, truth
from pytest_tgintegrity.planning.scans import QueryScan
from pytest_tgintegrity.planning.sql.compose import raw
from pytest_tgintegrity.proving.damage import attempts
from pytest_tgintegrity.proving.damage.derive import derived
from pytest_tgintegrity.rules import kinds
from pytest_tgintegrity.rules.declare import RuleKinds
from pytest_tgintegrity.rules.kinds import ChildRows, Kind, Source, holds
from pytest_tgintegrity.rules.kinds.fields import (
    KINDS,
    WORDS,
    asked_texts,
    damaged_by,
    named_kind,
    source_of,
    sources_of,
    subject_of,
)
from pytest_tgintegrity.rules.kinds.words import condition, statement
from pytest_tgintegrity.rules.rule import Rule
from pytest_tgintegrity.rules.wording import question

PLANNED = _Planner.__dict__["_ask"].dispatcher


def registered(kind: type, *dispatchers: Any) -> bool:
    return any(one.dispatch(kind) is not one.dispatch(object) for one in dispatchers)


PARTS: dict[str, Callable[[type], bool]] = {
    "a place in the union Kind": lambda kind: kind in get_args(Kind),
    "a decorator": lambda kind: WORDS[kind] in {*vars(RuleKinds), "declared", "pinned"},
    "words": lambda kind: registered(kind, statement, condition),
    "a predicate or a scan": lambda kind: registered(kind, truth, asked, PLANNED),
    "the value of each fix": lambda kind: all(registered(kind, FIXES[fix]) for fix in KINDS[kind]),
    "damage": lambda kind: registered(kind, derived),
}


def missing(kind: type) -> list[str]:
    return [part for part, is_there in PARTS.items() if not is_there(kind)]


def test_every_kind_has_every_part() -> None:
    assert {kind.__name__: missing(kind) for kind in KINDS} == {kind.__name__: [] for kind in get_args(Kind)}


def test_every_kind_has_a_word_of_its_own() -> None:
    assert len(set(WORDS.values())) == len(WORDS)
    assert set(WORDS) == {*KINDS, Source, ChildRows}


# --- a kind that has nothing yet


@pytest.fixture(name="bare")
def a_bare_kind() -> Iterator[Any]:
    @named_kind("bare", fixes=["clamp"])
    class Bare:
        source: Source | str = holds.source()
        column: str = holds.subject()
        prefix: str = holds.plain()

    yield Bare("thing", "name", "x")

    del KINDS[Bare], WORDS[Bare]


def test_a_kind_that_has_nothing_lacks_every_part(bare: Any) -> None:
    assert missing(type(bare)) == list(PARTS)


def test_what_a_kind_lacks_is_named(bare: Any) -> None:
    rule = BoundRule("it", Rule(bare), "A rule.")
    scan = QueryScan("query", "it", raw("SELECT 1"))

    with pytest.raises(TypeError, match=r"^Bare has no words: register it, in rules/kinds$"):
        question(bare)
    with pytest.raises(TypeError, match=r"^Bare has no predicate: register it, in planning/predicates$"):
        predicate(bare, {})
    with pytest.raises(TypeError, match=r"^Bare has no predicate: register it, in planning/predicates$"):
        plan([rule], Facts())
    with pytest.raises(TypeError, match=r"^Bare has no damage: register it, in proving/damage$"):
        attempts(rule, scan, {})


def test_a_kind_without_a_source_needs_a_scan_and_a_statement() -> None:
    @named_kind("moon")
    class Moon:
        phase: str = holds.plain()

    moon: Any = Moon("full")
    del KINDS[Moon], WORDS[Moon]

    with pytest.raises(TypeError, match=r"^Moon has no words: register it, in rules/kinds$"):
        question(moon)
    with pytest.raises(TypeError, match=r"^Moon has no scan: register it, in planning/planner$"):
        plan([BoundRule("it", Rule(moon), "A rule.")], Facts())


# --- fields


def test_a_field_that_does_not_say_what_it_holds_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^Silent.note does not say what it holds: write it with a function of rules"):

        @named_kind("silent")
        class Silent:
            source: Source | str = holds.source()
            note: str

    assert "silent" not in WORDS.values()


def test_a_renamed_field_keeps_its_word() -> None:
    @named_kind("renamed")
    class Renamed:
        source: Source | str = holds.source()
        threshold: int = holds.plain(canonical="limit")

    declared: Any = Renamed("thing", 3)
    line = Rule(declared).canonical()
    del KINDS[Renamed], WORDS[Renamed]

    assert line == '{"kind":{"renamed":{"limit":3,"source":"thing"}},"version":1}'


STAFF = Source("staff", "employee e JOIN person p USING (id)", "e.id", "p.name", {"team": "e.team"})


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (kinds.Rows(STAFF, "e.pay < 0"), {"employee e JOIN person p USING (id)": "source", "e.pay < 0": "source"}),
        (kinds.Between("t", "c", "least", "%(most)s"), {"t": "source", "c": "source", "least": "source"}),
        (kinds.Between("t", "c", 0, 9), {"t": "source", "c": "source"}),
        (kinds.OneOf("t", "c", ("a", "b")), {"t": "source", "c": "source"}),
        (kinds.OneOf("t", "c", "%(values)s"), {"t": "source", "c": "source"}),
        (kinds.Formula("t", "c", {"size": {"a": "b"}}), {"t": "source", "c": "source", "size": "source"}),
        (kinds.References("t", ("a",), "u", ("b",), where="live"), {"t": "source", "a": "source", "u": "target", "b": "target", "live": "target"}),
        (kinds.Total("t", ChildRows("u", "t_id", "code", "live"), "pay", at_most="most"), {"t": "source", "u": "child", "t_id": "child", "code": "source", "live": "child", "pay": "child", "most": "source"}),
        (kinds.Metric("number", "SELECT 1"), {"SELECT 1": "statement"}),
        (kinds.Schema("t", constraint="k"), {"t": "source", "k": "source"}),
        (kinds.Declared("foreign_key"), {}),
        (kinds.Check(), {}),
    ],
)  # fmt: skip
def test_whose_columns_the_sql_of_a_kind_names(kind: Kind, texts: dict[str, str]) -> None:
    assert {one.text: one.role.of for one in asked_texts(kind)} == texts


@pytest.mark.parametrize(
    ("kind", "subject", "damaged"),
    [
        (kinds.NotNull("t", "c"), "c", ("c",)),
        (kinds.AtMost("t", "c", "d"), "c", ("c", "d")),
        (kinds.Agree("t", "a", "b"), None, ("a", "b")),
        (kinds.References("t", ("a", "b"), "u"), None, ("a", "b")),
        (kinds.Rows("t", "c > 1"), None, ()),
    ],
)
def test_what_a_kind_is_about(kind: Kind, subject: str | None, damaged: tuple[str, ...]) -> None:
    assert subject_of(kind) == subject
    assert damaged_by(kind) == damaged


def test_sources_are_found_in_all_parts() -> None:
    kind = kinds.Children(STAFF, ChildRows("badge", "employee_id"), 1)

    assert source_of(kind) is STAFF
    assert list(sources_of(kind)) == [STAFF, "badge"]
    assert list(sources_of(kinds.References("t", ("a",), STAFF, ("e.id",)))) == ["t", STAFF]
    assert source_of(kinds.Query("SELECT 1")) is None


def test_a_fix_of_bounds_that_are_not_there_is_refused() -> None:
    for fix in FIXES.values():
        with pytest.raises(DeclarationError, match="needs"):
            fix(kinds.NotNull("t", "c"), None)
