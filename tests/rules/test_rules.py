"""Declarations: what a decorator attaches, and that each wrong one is told in one clear sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from pytest_tgintegrity.rules.declare import Mistake, declaration_of, declared, rule
from pytest_tgintegrity.rules.kinds import (
    Acyclic,
    Agree,
    AtMost,
    Between,
    Check,
    Children,
    ChildRows,
    Declared,
    Derived,
    Formula,
    Implies,
    JsonShape,
    Metric,
    NotBlank,
    NotNull,
    OneOf,
    Query,
    References,
    Rows,
    Schema,
    Source,
    Total,
    Unique,
)
from pytest_tgintegrity.rules.rule import Rule
from pytest_tgintegrity.rules.severity import SEVERITIES

Decorator = Callable[[Callable[..., None]], Callable[..., None]]
untyped: Any = rule
untyped_declared: Any = declared
PEOPLE = Source("people", "staff s JOIN person p ON p.id = s.person_id", key=["s.id", "p.id"])


def _declare(decorator: Any) -> Rule | Mistake | None:
    def a_rule(violations: object) -> None:
        """A rule."""

    return declaration_of(decorator(a_rule))


@pytest.mark.parametrize(
    ("decorator", "kind"),
    [
        (rule.rows(PEOPLE, "s.age < 0"), Rows(PEOPLE, "s.age < 0")),
        (rule.between("t", "c", 1, 10), Between("t", "c", 1, 10)),
        (rule.between("t", "c", None, "now()"), Between("t", "c", None, "now()")),
        (rule.between("t", "c", date(2020, 1, 1), None), Between("t", "c", date(2020, 1, 1), None)),
        (rule.one_of("t", "c", ["a", None]), OneOf("t", "c", ("a", None))),
        (rule.one_of("t", "c", "%(values)s"), OneOf("t", "c", "%(values)s")),
        (rule.not_null("t", "c"), NotNull("t", "c")),
        (rule.not_blank("t", "c"), NotBlank("t", "c")),
        (rule.at_most("t", "c", "d + 1"), AtMost("t", "c", "d + 1")),
        (rule.unique("t", "c"), Unique("t", ("c",))),
        (rule.unique("t", ["c", "d"], "e", False), Unique("t", ("c", "d"), "e", nulls_distinct=False)),
        (rule.references("t", "c", "u"), References("t", ("c",), "u")),
        (rule.references("t", ("c", "d"), "u", ("e", "f")), References("t", ("c", "d"), "u", ("e", "f"))),
        (
            rule.references("t", "c", PEOPLE, "s.id", where="s.age > 1"),
            References("t", ("c",), PEOPLE, ("s.id",), where="s.age > 1"),
        ),
        (rule.implies("t", "a", "b"), Implies("t", "a", "b")),
        (rule.formula("t", "c", "a + b"), Formula("t", "c", "a + b")),
        (rule.formula("t", "c", {"a": {1: 2}}), Formula("t", "c", {"a": {1: 2}})),
        (rule.agree("t", "a", "b"), Agree("t", "a", "b")),
        (
            rule.json_shape("t", "c", [{"a": str, "b?": (int, None)}]),
            JsonShape("t", "c", [{"a": str, "b?": (int, None)}]),
        ),
        (rule.json_shape("t", "c", {str: [float]}), JsonShape("t", "c", {str: [float]})),
        (rule.acyclic("t", "up"), Acyclic("t", "up")),
        (rule.children("t", "u.t_id", 1, "n"), Children("t", ChildRows("u", "t_id"), 1, "n")),
        (
            rule.children("t", "s.u.t_id", at_most=1, where="a", of="b"),
            Children("t", ChildRows("s.u", "t_id", "b", "a"), None, 1),
        ),
        (rule.children("t", PEOPLE, 1, by="p.id"), Children("t", ChildRows(PEOPLE, "p.id"), 1)),
        (rule.total("t", "u.t_id", "cost", at_most=3), Total("t", ChildRows("u", "t_id"), "cost", None, 3)),
        (rule.derived("t", "c", "count(*)", "u.t_id"), Derived("t", "c", "count(*)", ChildRows("u", "t_id"))),
        (
            rule.derived("t", "c", "max(a)", "u", by="x + 1", empty="NULL"),
            Derived("t", "c", "max(a)", ChildRows("u", "x + 1"), "NULL"),
        ),
        (rule.query("SELECT 1"), Query("SELECT 1")),
        (rule.metric("rate", "SELECT 1", at_least=0.5), Metric("rate", "SELECT 1", 0.5)),
        (rule.schema("t", constraint="c"), Schema("t", constraint="c")),
        (rule.schema(), Schema()),
        (rule.check(), Check()),
        (declared("unique"), Declared("unique")),
    ],
)
def test_each_kind_is_attached_as_it_was_declared(decorator: Any, kind: object) -> None:
    found = _declare(decorator)

    assert isinstance(found, Rule)
    assert found.kind == kind
    assert found.severity == "medium"
    assert found.fixture == ("db" if isinstance(kind, Check) else "violations")


def test_what_every_kind_also_takes() -> None:
    found = _declare(
        rule.between(
            "t", "c", 1, 2, severity="critical", fix="clamp", fix_hint="why", fix_allows="delete", breaks={"c": "0"},
            overlaps=["other"], show="d", tags=["a", "b"], enforced_by="ck", since="at", timeout=0.5,
        )
    )  # fmt: skip

    assert found == Rule(
        Between("t", "c", 1, 2), severity="critical", fix="clamp", fix_hint="why", fix_allows=("delete",),
        breaks={"c": "0"}, overlaps=("other",), show=("d",), tags=("a", "b"), enforced_by="ck", since="at", timeout=0.5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("decorator", "sentence"),
    [
        (untyped.between("t", "c", 1), "rule.between: missing a required argument: 'high' (it is called as rule.between(source, column, low, high, …))"),
        (untyped.rows("t", "a", "low"), "rule.rows: too many positional arguments (it is called as rule.rows(source, where, …))"),
        (untyped_declared(), "declared: missing a required argument: 'what' (it is called as declared(what, …))"),
        (rule.query, "@rule.query is called: write @rule.query(sql, …)"),
        (rule.check, "@rule.check is called: write @rule.check(…)"),
        (declared, "@declared is called: write @declared(what, …)"),
        (rule, "use a kind of rule, such as @rule.rows(source, where) or @rule.between(table, column, 0, 10)"),
        (rule("t"), "use a kind of rule, such as @rule.rows(source, where) or @rule.between(table, column, 0, 10)"),
        (untyped.rows(5, "a"), "the source (a table name or a Source) has to be a non-empty string, not 5"),
        (rule.rows("", "a"), "the source (a table name or a Source) has to be a non-empty string, not ''"),
        (rule.rows("t", " "), "where has to be a non-empty string, not ' '"),
        (untyped.between("t", None, 1, 2), "column has to be a non-empty string, not None"),
        (rule.between("t", "c", None, None), "between needs at least one bound"),
        (rule.between("t", "c", 5, 1), "the range 5..1 is empty: low is above high"),
        (rule.between("t", "c", date(2021, 1, 1), date(2020, 1, 1)), "the range 2021-01-01..2020-01-01 is empty: low is above high"),
        (rule.one_of("t", "c", []), "one_of needs at least one allowed value"),
        (rule.one_of("t", "c", [None]), "one_of needs at least one allowed value"),
        (rule.one_of("t", "c", "abc"), "one_of needs a list of values, not 'abc'"),
        (untyped.one_of("t", "c", 5), "one_of needs a list of values, not 5"),
        (rule.unique("t", []), "columns is empty"),
        (untyped.unique("t", 5), "columns has to be a string or several, not 5"),
        (rule.unique("t", ["a", ""]), "columns has to be a non-empty string, not ''"),
        (rule.unique("t", "a", where=""), "where has to be a non-empty string, not ''"),
        (rule.references("t", ("a", "b"), "u", "c"), "2 columns cannot refer to 1 target columns"),
        (rule.references("t", "a", PEOPLE), "the target people is a source: name target_column="),
        (rule.formula("t", "c", {}), "a lookup has one key expression, not 0: {'size': {1: 10, 2: 15}}"),
        (rule.formula("t", "c", {"a": {}}), "the lookup by a has to map keys to values, not {}"),
        (untyped.formula("t", "c", 5), "expression has to be a non-empty string, not 5"),
        (rule.json_shape("t", "c", "text"), "'text' is no shape: use list, dict, str, int, float, bool, None, [shape], {'key': shape} or a tuple of shapes"),
        (rule.json_shape("t", "c", [str, int]), "[<class 'str'>, <class 'int'>] is no shape: use list, dict, str, int, float, bool, None, [shape], {'key': shape} or a tuple of shapes"),
        (rule.json_shape("t", "c", {str: int, "a": int}), "a key of a shape has to be a non-empty string, not <class 'str'>"),
        (rule.children("t", "u", 1), "child is 'u': write 'table.column', the column that names the parent, or give it as by="),
        (rule.children("t", PEOPLE, 1), "child is 'people': write 'table.column', the column that names the parent, or give it as by="),
        (rule.children("t", "u.t_id"), "children needs at_least= or at_most="),
        (rule.total("t", "u.t_id", "c", 5, 1), "no number is at least 5 and at most 1"),
        (rule.not_null("t", "c", fix="recompute"), 'fix="recompute" needs a value to write: only formula and derived have one'),
        (rule.metric("m", "SELECT 1", at_least=2, at_most=1), "no number is at least 2 and at most 1"),
        (rule.schema(column="c"), "a column, constraint or trigger belongs to a table: name it too"),
        (untyped_declared("primary"), "unknown kind of constraint 'primary': use one of foreign_key, check, unique, not_null, exclusion, domain"),
        (untyped.query("SELECT 1", severity="urgent"), f"unknown severity 'urgent': use one of {', '.join(SEVERITIES)}"),
        (untyped.query("SELECT 1", sevrity="low"), "unknown argument 'sevrity': a rule also takes breaks, enforced_by, fix, fix_allows, fix_hint, overlaps, severity, show, since, tags, timeout, tolerates"),
        (rule.query("SELECT 1", timeout=0), "timeout is 0: give seconds, at least 0.001"),
        (untyped.query("SELECT 1", timeout="1s"), "timeout is '1s': give seconds, at least 0.001"),
        (rule.not_null("t", "c", fix="clamp"), 'fix="clamp" needs bounds: only between and at_most have them'),
        (untyped.not_null("t", "c", fix=5), "fix is 5: give an SQL expression, or a mapping of columns to expressions"),
        (untyped.not_null("t", "c", fix={"c": 5}), "what fix= writes to c has to be a non-empty string, not 5"),
        (rule.not_null("t", "c", breaks="NULL"), "breaks is 'NULL': a statement RETURNs the keys that the rule must report; else give a mapping of columns"),
        (untyped.not_null("t", "c", breaks=5), "breaks is 5: give a mapping of columns to SQL expressions, or a statement"),
        (rule.not_null("t", "c", breaks={"": "1"}), "a column of breaks= has to be a non-empty string, not ''"),
        (untyped.not_null("t", "c", fix_allows="update"), "unknown fix_allows 'update': use delete, insert, triggers"),
        (untyped.not_null("t", "c", tags=[5]), "tags has to be a non-empty string, not 5"),
        (untyped.not_null("t", "c", since=5), "since has to be a non-empty string, not 5"),
        (rule.query("SELECT 1", since="at"), "since= would be ignored: query has no rows to choose from"),
        (rule.metric("m", "SELECT 1", since="at"), "since= would be ignored: metric has no rows to choose from"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_told_in_one_sentence(decorator: Any, sentence: str) -> None:
    found = _declare(decorator)

    assert isinstance(found, Mistake)
    assert found.message == sentence


def test_the_test_function_itself_is_kept_and_marked() -> None:
    def a_rule(violations: object) -> None: ...

    assert rule.query("SELECT 1")(a_rule) is a_rule
    assert untyped.query("SELECT 1", severity="x")(a_rule) is a_rule
    assert [mark.name for mark in vars(a_rule)["pytestmark"]] == ["integrity", "integrity"]


def test_a_function_without_a_declaration_has_none() -> None:
    assert declaration_of(print) is None


@pytest.mark.parametrize(("key", "keys"), [("a.id", ("a.id",)), (["a", "b"], ("a", "b"))])
def test_a_source_has_one_key_or_several(key: Any, keys: tuple[str, ...]) -> None:
    assert Source("name", "t", key=key).keys == keys
