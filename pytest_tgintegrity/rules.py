"""Declare rules: what to look at, what counts as a violation, how grave it is.

A decorator of this module only attaches a `Rule` to the test function; nothing is compiled or sent here. A decorator
that was called wrongly attaches a `Mistake` instead, so that collection can report it in one line.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any, Concatenate, Literal, ParamSpec, TypedDict, TypeVar, Unpack, get_args

import pytest

from pytest_tgintegrity.arguments import allowed_values, check_timeout, check_writes, is_above, text, texts
from pytest_tgintegrity.errors import DeclarationError

Severity = Literal["critical", "high", "medium", "low", "info"]
ConstraintKind = Literal["foreign_key", "check", "unique", "not_null"]
FixAllows = Literal["delete", "insert", "triggers"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
CONSTRAINT_KINDS: tuple[ConstraintKind, ...] = get_args(ConstraintKind)

ATTRIBUTE = "__tgintegrity__"

Test = TypeVar("Test", bound=Callable[..., None])
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Source:
    """A FROM clause with a key and a label: what row rules look at.

    `name` is shown to people, `from_clause` is SQL that may join tables under aliases, `key` is the SQL expression (or
    several) that names a row, `label` one that a person recognises it by. `scopes` maps the names that ``--scope``
    accepts to SQL expressions.

    >>> Source("staff", "employee e JOIN person p ON p.id = e.person_id", key="e.id", label="p.name").keys
    ('e.id',)
    """

    name: str
    from_clause: str
    key: str | Sequence[str]
    label: str | None = None
    scopes: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def keys(self) -> tuple[str, ...]:
        """The key expressions, also where there is only one."""
        return _several(self.key)


@dataclass(frozen=True, slots=True)
class Rows:
    """A violation is a row of `source` for which the SQL `where` is TRUE."""

    source: Source | str
    where: str


@dataclass(frozen=True, slots=True)
class Between:
    """A violation is a value below `low` or above `high`; None leaves a side open; a string is an SQL expression."""

    source: Source | str
    column: str
    low: Any
    high: Any


@dataclass(frozen=True, slots=True)
class OneOf:
    """A violation is a non-NULL value that is none of `values`."""

    source: Source | str
    column: str
    values: Sequence[Any] | str


@dataclass(frozen=True, slots=True)
class NotNull:
    """A violation is a NULL."""

    source: Source | str
    column: str


@dataclass(frozen=True, slots=True)
class NotBlank:
    """A violation is NULL or text of nothing but white space."""

    source: Source | str
    column: str


@dataclass(frozen=True, slots=True)
class AtMost:
    """A violation is a row whose `column` is greater than `other`, a column or an SQL expression."""

    source: Source | str
    column: str
    other: str


@dataclass(frozen=True, slots=True)
class Unique:
    """A violation is a row that shares its key with another; NULLs differ unless `nulls_distinct=False`."""

    source: Source | str
    columns: tuple[str, ...]
    where: str | None = None
    nulls_distinct: bool = True


@dataclass(frozen=True, slots=True)
class References:
    """A violation is a row whose `columns`, all non-NULL, name no row of `target`.

    `target_columns` empty means the target's primary key. With `match_full` a partly NULL key violates too.
    """

    source: Source | str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...] = ()
    match_full: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A violation is a row that `sql` returns; its first column is the key."""

    sql: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A number (or label, number rows) for the report's `activity`; a number outside its bounds is one violation."""

    name: str
    sql: str
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """A violation is an object that the catalog lacks, or holds NOT VALID, INVALID or disabled.

    With no object named, every constraint, index and trigger of `table` (or of all tables) has to be in force.
    """

    table: str | None = None
    column: str | None = None
    constraint: str | None = None
    index: str | None = None
    trigger: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Free SQL or Python on the `db` fixture; an AssertionError says that the rule does not hold."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One test for each constraint of this kind that the live catalog declares."""

    what: ConstraintKind


Kind = (
    Rows
    | Between
    | OneOf
    | NotNull
    | NotBlank
    | AtMost
    | Unique
    | References
    | Query
    | Metric
    | Schema
    | Check
    | Declared
)


class Common(TypedDict, total=False):
    """What every decorator takes; see `Rule` for the meanings."""

    severity: Severity
    fix: str | Mapping[str, str] | None
    fix_hint: str | None
    fix_allows: FixAllows | Sequence[FixAllows] | None
    breaks: Mapping[str, str] | None
    overlaps: Sequence[str]
    show: Sequence[str]
    tags: Sequence[str]
    enforced_by: str | None
    since: str | None
    timeout: float | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A declaration: the kind of violation, and what to make of it.

    `severity` decides score and exit status. `fix` is ``"clamp"``, an SQL expression, or a mapping of columns to
    expressions; None means that a person decides, for the reason in `fix_hint`. `breaks` maps columns to expressions
    that damage a row (for proofs). `show` lists columns to print beside the offending key. `enforced_by` names the
    constraint that ought to forbid the violation. `since` is an SQL timestamp; with ``--period`` only younger rows are
    looked at. `timeout` (seconds) replaces ``--statement-timeout``.
    """

    kind: Kind
    _: KW_ONLY
    severity: Severity = "medium"
    fix: str | Mapping[str, str] | None = None
    fix_hint: str | None = None
    fix_allows: tuple[FixAllows, ...] = ()
    breaks: Mapping[str, str] | None = None
    overlaps: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    enforced_by: str | None = None
    since: str | None = None
    timeout: float | None = None

    @property
    def fixture(self) -> str:
        """The fixture without which a test of this kind could not see the data."""
        return "db" if isinstance(self.kind, Check) else "violations"


@dataclass(frozen=True, slots=True)
class Mistake:
    """A decorator call that cannot work; collection turns it into one line."""

    message: str


def declaration_of(function: object) -> Rule | Mistake | None:
    """The declaration that a decorator attached to a test function, if any."""
    declared: Rule | Mistake | None = getattr(function, ATTRIBUTE, None)
    return declared


def _several(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _source(value: object) -> Source | str:
    if isinstance(value, Source):
        return value
    return text(value, "the source (a table name or a Source)")


def _check_severity(severity: object) -> None:
    if severity not in SEVERITIES:
        raise DeclarationError(f"unknown severity {severity!r}: use one of {', '.join(SEVERITIES)}")


def _check_fix(fix: object, kind: Kind) -> None:
    if fix == "clamp" and not isinstance(kind, Between | AtMost):
        raise DeclarationError('fix="clamp" needs bounds: only between and at_most have them')
    if fix is not None and not isinstance(fix, str | Mapping):
        raise DeclarationError(f"fix is {fix!r}: give an SQL expression, or a mapping of columns to expressions")
    check_writes(fix, "fix")


def _check_since(since: object, kind: Kind) -> None:
    if since is None:
        return
    text(since, "since")
    if isinstance(kind, Query | Metric | Schema | Check | Declared):
        raise DeclarationError(f"since= would be ignored: {type(kind).__name__.lower()} has no rows to choose from")


def _check_allowed(allowed: Sequence[str]) -> None:
    strange = [one for one in allowed if one not in get_args(FixAllows)]
    if strange:
        raise DeclarationError(f"unknown fix_allows {strange[0]!r}: use {', '.join(get_args(FixAllows))}")


_FIELDS = frozenset(one.name for one in fields(Rule)) - {"kind"}
_LISTS = ("fix_allows", "overlaps", "show", "tags")
_OPTIONAL_TEXTS = ("fix_hint", "enforced_by")


def _rule(kind: Kind, common: Common) -> Rule:
    unknown = sorted(set(common) - _FIELDS)
    if unknown:
        raise DeclarationError(f"unknown argument {unknown[0]!r}: a rule also takes {', '.join(sorted(_FIELDS))}")
    given: dict[str, Any] = dict(common)
    _check_severity(given.get("severity", "medium"))
    check_timeout(given.get("timeout"))
    _check_fix(given.get("fix"), kind)
    check_writes(given.get("breaks"), "breaks")
    _check_since(given.get("since"), kind)
    for name in _OPTIONAL_TEXTS:
        if given.get(name) is not None:
            text(given[name], name)
    for name in _LISTS:
        given[name] = texts(given[name], name) if given.get(name) else ()
    _check_allowed(given["fix_allows"])
    return Rule(kind, **given)


def _attach(declared: Rule | Mistake, test: Test) -> Test:
    setattr(test, ATTRIBUTE, declared)
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
        return _rule(Rows(_source(source), text(where, "where")), common)

    @_declares
    def between(self, source: Source | str, column: str, low: Any, high: Any, **common: Unpack[Common]) -> Rule:
        """Violated by a value outside the closed range; None leaves a side open."""
        if low is None and high is None:
            raise DeclarationError("between needs at least one bound")
        if is_above(low, high):
            raise DeclarationError(f"the range {low}..{high} is empty: low is above high")
        return _rule(Between(_source(source), text(column, "column"), low, high), common)

    @_declares
    def one_of(self, source: Source | str, column: str, values: Sequence[Any] | str, **common: Unpack[Common]) -> Rule:
        """Violated by a value that is none of `values` (or of the parametrize value ``"%(name)s"``)."""
        return _rule(OneOf(_source(source), text(column, "column"), allowed_values(values)), common)

    @_declares
    def not_null(self, source: Source | str, column: str, **common: Unpack[Common]) -> Rule:
        """Violated by a NULL."""
        return _rule(NotNull(_source(source), text(column, "column")), common)

    @_declares
    def not_blank(self, source: Source | str, column: str, **common: Unpack[Common]) -> Rule:
        """Violated by NULL, or by text of nothing but white space."""
        return _rule(NotBlank(_source(source), text(column, "column")), common)

    @_declares
    def at_most(self, source: Source | str, column: str, other: str, **common: Unpack[Common]) -> Rule:
        """Violated by a row whose `column` is greater than `other` (a column or an expression)."""
        return _rule(AtMost(_source(source), text(column, "column"), text(other, "other")), common)

    @_declares
    def unique(
        self,
        source: Source | str,
        columns: str | Sequence[str],
        where: str | None = None,
        nulls_distinct: bool = True,  # noqa: FBT001, FBT002 - the contract's signature
        **common: Unpack[Common],
    ) -> Rule:
        """Violated by a row that shares its key with another."""
        condition = None if where is None else text(where, "where")
        return _rule(Unique(_source(source), texts(columns, "columns"), condition, nulls_distinct), common)

    @_declares
    def references(
        self,
        source: Source | str,
        column: str | Sequence[str],
        target: str,
        target_column: str | Sequence[str] = (),
        **common: Unpack[Common],
    ) -> Rule:
        """Violated by a non-NULL value with no row in `target`, by its primary key or `target_column`."""
        found = texts(target_column, "target_column") if target_column else ()
        kind = References(_source(source), texts(column, "column"), text(target, "target"), found)
        if kind.target_columns and len(kind.target_columns) != len(kind.columns):
            raise DeclarationError(
                f"{len(kind.columns)} columns cannot refer to {len(kind.target_columns)} target columns"
            )
        return _rule(kind, common)

    @_declares
    def query(self, sql: str, **common: Unpack[Common]) -> Rule:
        """Violated by every row that `sql` returns; the first column is the key."""
        return _rule(Query(text(sql, "sql")), common)

    @_declares
    def metric(
        self, name: str, sql: str, at_least: float | None = None, at_most: float | None = None, **common: Unpack[Common]
    ) -> Rule:
        """Violated when the number is outside its bound; without a bound it is only reported."""
        if is_above(at_least, at_most):
            raise DeclarationError(f"no number is at least {at_least} and at most {at_most}")
        return _rule(Metric(text(name, "name"), text(sql, "sql"), at_least, at_most), common)

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
        return _rule(Schema(table, column, constraint, index, trigger), common)

    @_declares
    def check(self, **common: Unpack[Common]) -> Rule:
        """Violated when the test's own assertion on the `db` fixture fails."""
        return _rule(Check(), common)


rule = RuleKinds()


class _DeclaredKind:
    @_declares
    def __call__(self, what: ConstraintKind, **common: Unpack[Common]) -> Rule:
        """One test for each constraint of the live catalog, given to the test as the argument `constraint`."""
        if what not in CONSTRAINT_KINDS:
            raise DeclarationError(f"unknown kind of constraint {what!r}: use one of {', '.join(CONSTRAINT_KINDS)}")
        return _rule(Declared(what), common)


declared = _DeclaredKind()
