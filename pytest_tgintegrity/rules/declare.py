"""Declare rules: what to look at, what counts as a violation, how grave it is.

A decorator of this module only attaches a `Rule` to the test function; nothing is compiled or sent here. A decorator
that was called wrongly attaches a `Mistake` instead, so that collection can report it in one line.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar, Unpack

import pytest

from pytest_tgintegrity.errors import DeclarationError
from pytest_tgintegrity.rules import kinds
from pytest_tgintegrity.rules.arguments import (
    allowed_values,
    check_bounds,
    check_hours,
    check_share,
    check_volume,
    checked_shape,
    formula_of,
    is_above,
    optional_text,
    text,
    texts,
)
from pytest_tgintegrity.rules.kinds import CONSTRAINT_KINDS, ChildRows, ConstraintKind, Source
from pytest_tgintegrity.rules.rule import Common, Rule, rule_of

ATTRIBUTE = "__tgintegrity__"
TWICE = "it is declared twice, and only one of its rules would be judged: write a test function for each"
DECLARED: dict[str, list[Callable[..., None]]] = {}
"""All functions that were declared to be rules, by module: whoever collects can see what nobody collects."""

Test = TypeVar("Test", bound=Callable[..., None])
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A decorator call that cannot work; collection turns it into one line."""

    message: str


def declaration_of(function: object) -> Rule | Mistake | None:
    """The declaration that a decorator attached to a test function, if any."""
    declared: Rule | Mistake | None = getattr(function, ATTRIBUTE, None)
    return declared


def _source(value: object) -> Source | str:
    if isinstance(value, Source):
        return value
    return text(value, "the source (a table name or a Source)")


def _child_rows(child: Source | str, by: str | None, of: str | None, where: str | None) -> ChildRows:
    named = _source(child)
    if by is None and isinstance(named, str) and "." in named:
        named, _, by = named.rpartition(".")
    if by is None:
        raise DeclarationError(
            f"child is {named if isinstance(named, str) else named.name!r}: write 'table.column', the column that names"
            " the parent, or give it as by="
        )
    return ChildRows(named, text(by, "by"), optional_text(of, "of"), optional_text(where, "where"))


def _attach(declared: Rule | Mistake, test: Test) -> Test:
    setattr(test, ATTRIBUTE, Mistake(TWICE) if declaration_of(test) else declared)
    DECLARED.setdefault(getattr(test, "__module__", ""), []).append(test)
    pytest.mark.integrity(test)
    return test


def _declares(build: Callable[Concatenate[Any, P], Rule]) -> Callable[Concatenate[Any, P], Callable[[Test], Test]]:
    """Turn a function that builds a `Rule` into a decorator; a wrong call becomes a `Mistake`, told at collection."""
    name = "declared" if build.__name__ == "__call__" else f"rule.{build.__name__}"

    @functools.wraps(build)
    def decorator(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        if not kwargs and len(args) == 1 and inspect.isfunction(args[0]):
            return _attach(Mistake(f"@{name} is called: write @{name}{_signature(build)}"), args[0])
        return functools.partial(_attach, _built(functools.partial(build, self, *args, **kwargs), name))

    return decorator


def _built(build: functools.partial[Rule], name: str) -> Rule | Mistake:
    try:
        inspect.signature(build.func).bind(*build.args, **build.keywords)
    except TypeError as error:
        return Mistake(f"{name}: {error} (it is called as {name}{_signature(build.func)})")
    try:
        return build()
    except DeclarationError as error:
        return Mistake(str(error))


def _signature(build: Callable[..., Any]) -> str:
    parameters = list(inspect.signature(build).parameters)[1:-1]
    return f"({', '.join([*parameters, '…'])})"


def declaring(rule: Rule) -> Callable[[Test], Test]:
    """A decorator for a rule that is made already."""
    return functools.partial(_attach, rule)


class RuleKinds:
    """The decorators ``@rule.between(…)``, ``@rule.rows(…)`` and so on; all also take the fields of `Rule`."""

    def __call__(self, *args: Any, **_: object) -> Any:
        """Refuse ``@rule`` and ``@rule(…)``, which say nothing about what a violation is."""
        mistake = Mistake(
            "use a kind of rule, such as @rule.rows(source, where) or @rule.between(table, column, 0, 10)"
        )
        bare = bool(args) and inspect.isfunction(args[0])
        return _attach(mistake, args[0]) if bare else functools.partial(_attach, mistake)

    @_declares
    def rows(self, source: Source | str, where: str, **common: Unpack[Common]) -> Rule:
        """Violated by a row for which `where` is TRUE."""
        return rule_of(kinds.Rows(_source(source), text(where, "where")), common)

    @_declares
    def between(self, source: Source | str, column: str, low: Any, high: Any, **common: Unpack[Common]) -> Rule:
        """Violated by a value outside the closed range; None leaves a side open."""
        if low is None and high is None:
            raise DeclarationError("between needs at least one bound")
        if is_above(low, high):
            raise DeclarationError(f"the range {low}..{high} is empty: low is above high")
        return rule_of(kinds.Between(_source(source), text(column, "column"), low, high), common)

    @_declares
    def one_of(self, source: Source | str, column: str, values: Sequence[Any] | str, **common: Unpack[Common]) -> Rule:
        """Violated by a value that is none of `values` (or of the parametrize value ``"%(name)s"``)."""
        return rule_of(kinds.OneOf(_source(source), text(column, "column"), allowed_values(values)), common)

    @_declares
    def not_null(self, source: Source | str, column: str, **common: Unpack[Common]) -> Rule:
        """Violated by a NULL."""
        return rule_of(kinds.NotNull(_source(source), text(column, "column")), common)

    @_declares
    def not_blank(self, source: Source | str, column: str, **common: Unpack[Common]) -> Rule:
        """Violated by NULL, or by text of nothing but white space."""
        return rule_of(kinds.NotBlank(_source(source), text(column, "column")), common)

    @_declares
    def at_most(self, source: Source | str, column: str, other: str, **common: Unpack[Common]) -> Rule:
        """Violated by a row whose `column` is greater than `other` (a column or an expression)."""
        return rule_of(kinds.AtMost(_source(source), text(column, "column"), text(other, "other")), common)

    @_declares
    def implies(self, source: Source | str, when: str, then: str, **common: Unpack[Common]) -> Rule:
        """Violated by a row for which `when` is TRUE and `then` is FALSE; NULL on either side is no violation."""
        return rule_of(kinds.Implies(_source(source), text(when, "when"), text(then, "then")), common)

    @_declares
    def formula(
        self,
        source: Source | str,
        column: str,
        expression: str | Mapping[str, Mapping[Any, Any]],
        **common: Unpack[Common],
    ) -> Rule:
        """Violated by a `column` that differs from the expression, or from the value that a lookup gives for its key.

        Where the expression is NULL, or the lookup lacks the key, nothing is violated. ``fix="recompute"`` writes the value.
        """
        return rule_of(kinds.Formula(_source(source), text(column, "column"), formula_of(expression)), common)

    @_declares
    def agree(self, source: Source | str, path_a: str, path_b: str, **common: Unpack[Common]) -> Rule:
        """Violated by a row whose two expressions are both non-NULL, and different."""
        return rule_of(kinds.Agree(_source(source), text(path_a, "path_a"), text(path_b, "path_b")), common)

    @_declares
    def json_shape(self, source: Source | str, column: str, shape: Any, **common: Unpack[Common]) -> Rule:
        """Violated by a JSON value that does not have the shape; SQL NULL is no violation.

        `list`, `dict`, `str`, `int`, `float`, `bool` and None are the JSON types; ``[shape]`` is an array of it,
        ``{"name": str, "note?": str}`` an object with these keys (``?``: may be absent; others may be there),
        ``{str: shape}`` an object with any keys, and a tuple means any of its shapes.
        """
        return rule_of(kinds.JsonShape(_source(source), text(column, "column"), checked_shape(shape)), common)

    @_declares
    def acyclic(self, source: Source | str, parent: str, **common: Unpack[Common]) -> Rule:
        """Violated by a row from which no root is reached by following `parent`: it is on a loop, or below one."""
        return rule_of(kinds.Acyclic(_source(source), text(parent, "parent")), common)

    @_declares
    def children(
        self,
        parent: Source | str,
        child: Source | str,
        at_least: Any = None,
        at_most: Any = None,
        *,
        where: str | None = None,
        by: str | None = None,
        of: str | None = None,
        **common: Unpack[Common],
    ) -> Rule:
        """Violated by a row of `parent` with too few or too many rows in `child`.

        `child` is ``"table.column"``, where the column names the parent, or a source with `by=`. `of` is what it names
        (default: the parent's key), `where` says which child rows count. A bound that is a string is SQL over the parent.
        """
        check_bounds("children", at_least, at_most)
        return rule_of(kinds.Children(_source(parent), _child_rows(child, by, of, where), at_least, at_most), common)

    @_declares
    def total(  # noqa: PLR0913 - each is a word of the declaration
        self,
        parent: Source | str,
        child: Source | str,
        expression: str,
        at_least: Any = None,
        at_most: Any = None,
        *,
        where: str | None = None,
        by: str | None = None,
        of: str | None = None,
        **common: Unpack[Common],
    ) -> Rule:
        """Violated where the sum of `expression` over the child rows, 0 if there are none, is out of bounds.

        The other arguments are those of `children`.
        """
        check_bounds("total", at_least, at_most)
        rows = _child_rows(child, by, of, where)
        return rule_of(kinds.Total(_source(parent), rows, text(expression, "expression"), at_least, at_most), common)

    @_declares
    def derived(  # noqa: PLR0913 - each is a word of the declaration
        self,
        source: Source | str,
        column: str,
        aggregate: str,
        child: Source | str,
        *,
        where: str | None = None,
        by: str | None = None,
        of: str | None = None,
        empty: str = "0",
        **common: Unpack[Common],
    ) -> Rule:
        """Violated by a `column` that differs from the `aggregate`, such as ``count(*)``, over the child rows.

        `empty` is what a row without child rows has to hold. ``fix="recompute"`` writes the value. The other arguments are
        those of `children`.
        """
        rows = _child_rows(child, by, of, where)
        kind = kinds.Derived(
            _source(source), text(column, "column"), text(aggregate, "aggregate"), rows, text(empty, "empty")
        )
        return rule_of(kind, common)

    @_declares
    def unique(
        self,
        source: Source | str,
        columns: str | Sequence[str],
        where: str | None = None,
        nulls_distinct: bool = True,  # noqa: FBT001, FBT002 - a yes or no, as SQL has it
        **common: Unpack[Common],
    ) -> Rule:
        """Violated by a row that shares its key with another."""
        condition = optional_text(where, "where")
        return rule_of(kinds.Unique(_source(source), texts(columns, "columns"), condition, nulls_distinct), common)

    @_declares
    def references(
        self,
        source: Source | str,
        column: str | Sequence[str],
        target: Source | str,
        target_column: str | Sequence[str] = (),
        *,
        where: str | None = None,
        **common: Unpack[Common],
    ) -> Rule:
        """Violated by a non-NULL value with no row in `target`, by its primary key or `target_column`.

        `where` is SQL over the target's row: only rows for which it holds count.
        """
        target_columns = texts(target_column, "target_column") if target_column else ()
        named = target if isinstance(target, Source) else text(target, "target")
        condition = optional_text(where, "where")
        kind = kinds.References(_source(source), texts(column, "column"), named, target_columns, where=condition)
        if isinstance(target, Source) and not target_columns:
            raise DeclarationError(f"the target {target.name} is a source: name target_column=")
        if kind.target_columns and len(kind.target_columns) != len(kind.columns):
            raise DeclarationError(
                f"{len(kind.columns)} columns cannot refer to {len(kind.target_columns)} target columns"
            )
        return rule_of(kind, common)

    @_declares
    def query(self, sql: str, **common: Unpack[Common]) -> Rule:
        """Violated by every row that `sql` returns; the first column is the key."""
        return rule_of(kinds.Query(text(sql, "sql")), common)

    @_declares
    def metric(
        self, name: str, sql: str, at_least: float | None = None, at_most: float | None = None, **common: Unpack[Common]
    ) -> Rule:
        """Violated when the number is outside its bound; without a bound it is only reported."""
        if is_above(at_least, at_most):
            raise DeclarationError(f"no number is at least {at_least} and at most {at_most}")
        return rule_of(kinds.Metric(text(name, "name"), text(sql, "sql"), at_least, at_most), common)

    @_declares
    def schema(
        self,
        table: str | None = None,
        *,
        column: str | None = None,
        constraint: str | None = None,
        index: str | None = None,
        trigger: str | None = None,
        **common: Unpack[Common],
    ) -> Rule:
        """Violated by an object that is missing, not valid or disabled; with no object named, by any such object."""
        if table is None and any((column, trigger, constraint)):
            raise DeclarationError("a column, constraint or trigger belongs to a table: name it too")
        return rule_of(kinds.Schema(table, column, constraint, index, trigger), common)

    @_declares
    def volume(
        self,
        table: str,
        max_drop: float | None = None,
        max_growth: float | None = None,
        at_least: int | None = None,
        **common: Unpack[Common],
    ) -> Rule:
        """Violated by fewer rows than `at_least`, or by more than that share fewer or more than the last comparable run counted.

        ``max_drop=0.5`` lets half of the rows go, ``max_growth=2`` lets them become three times as many.
        """
        check_volume(max_drop, max_growth, at_least)
        return rule_of(kinds.Volume(text(table, "table"), max_drop, max_growth, at_least), common)

    @_declares
    def freshness(self, source: Source | str, column: str, within: float, **common: Unpack[Common]) -> Rule:
        """Violated if no row has a time in `column` within the last so many hours; a source without rows violates it too."""
        check_hours(within)
        return rule_of(kinds.Freshness(_source(source), text(column, "column"), within), common)

    @_declares
    def share(
        self,
        source: Source | str,
        column: str,
        value: Any = None,
        at_most: float | None = None,
        at_least: float | None = None,
        **common: Unpack[Common],
    ) -> Rule:
        """Violated if one value, or whichever is the commonest, has too large or too small a share of the values; NULL is none."""
        check_share(at_least, at_most)
        return rule_of(kinds.Share(_source(source), text(column, "column"), value, at_most, at_least), common)

    @_declares
    def check(self, **common: Unpack[Common]) -> Rule:
        """Violated when the test's own assertion on the `db` fixture fails."""
        return rule_of(kinds.Check(), common)


rule = RuleKinds()


class _DeclaredKind:
    @_declares
    def __call__(self, what: ConstraintKind, **common: Unpack[Common]) -> Rule:
        """One test for each constraint of the live catalog, given to the test as the argument `constraint`."""
        if what not in CONSTRAINT_KINDS:
            raise DeclarationError(f"unknown kind of constraint {what!r}: use one of {', '.join(CONSTRAINT_KINDS)}")
        return rule_of(kinds.Declared(what), common)


declared = _DeclaredKind()
