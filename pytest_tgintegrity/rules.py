"""Declare rules: what to look at, what counts as a violation, how grave it is.

A decorator of this module only attaches a `Rule` to the test function; nothing is compiled or sent here. A decorator
that was called wrongly attaches a `Mistake` instead, so that collection can report it in one line.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any, Concatenate, Literal, NoReturn, ParamSpec, TypedDict, TypeVar, Unpack, get_args

import pytest

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


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise DeclarationError(f"{what} has to be a non-empty string, not {value!r}")
    return value


def _source(value: object) -> Source | str:
    if isinstance(value, Source):
        return value
    return _text(value, "the source (a table name or a Source)")


def _texts(value: str | Sequence[str], what: str) -> tuple[str, ...]:
    found = tuple(_text(one, what) for one in _several(value))
    if not found:
        raise DeclarationError(f"{what} is empty")
    return found


def _check_severity(severity: object) -> None:
    if severity not in SEVERITIES:
        raise DeclarationError(f"unknown severity {severity!r}: use one of {', '.join(SEVERITIES)}")


def _check_timeout(timeout: object) -> None:
    if timeout is not None and not (isinstance(timeout, int | float) and timeout >= 0.001):  # noqa: PLR2004 - 1 ms is PostgreSQL's unit
        raise DeclarationError(f"timeout is {timeout!r}: give seconds, at least 0.001")


_FIELDS = frozenset(one.name for one in fields(Rule)) - {"kind"}


def _rule(kind: Kind, common: Common) -> Rule:
    unknown = sorted(set(common) - _FIELDS)
    if unknown:
        raise DeclarationError(f"unknown argument {unknown[0]!r}: a rule also takes {', '.join(sorted(_FIELDS))}")
    _check_severity(common.get("severity", "medium"))
    _check_timeout(common.get("timeout"))
    given: dict[str, Any] = dict(common)
    for name in ("fix_allows", "overlaps", "show", "tags"):
        if name in given:
            given[name] = _several(given[name] or ())
    return Rule(kind, **given)


def _attach(declared: Rule | Mistake, test: Test) -> Test:
    setattr(test, ATTRIBUTE, declared)
    pytest.mark.integrity(test)
    return test


def _declares(build: Callable[Concatenate[Any, P], Rule]) -> Callable[Concatenate[Any, P], Callable[[Test], Test]]:
    """Turn a function that builds a `Rule` into a decorator; a wrong call becomes a `Mistake`, told at collection."""

    @functools.wraps(build)
    def decorator(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Callable[[Test], Test]:
        declared: Rule | Mistake
        try:
            declared = build(self, *args, **kwargs)
        except TypeError as error:
            declared = Mistake(f"{error} (it is called as {build.__name__}{_signature(build)})")
        except DeclarationError as error:
            declared = Mistake(str(error))
        return functools.partial(_attach, declared)

    return decorator


def _signature(build: Callable[..., Any]) -> str:
    parameters = list(inspect.signature(build).parameters)[1:]
    return f"({', '.join(parameters[:-1])}, …)"


class RuleKinds:
    """The decorators ``@rule.between(…)``, ``@rule.rows(…)`` and so on; all also take the fields of `Rule`."""

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Refuse ``@rule(…)``, which says nothing about what a violation is."""
        raise DeclarationError(
            "use one of the kinds, such as @rule.rows(source, where) or @rule.between(table, column, 0, 10)"
        )

    @_declares
    def rows(self, source: Source | str, where: str, **common: Unpack[Common]) -> Rule:
        """Violated by a row for which `where` is TRUE."""
        return _rule(Rows(_source(source), _text(where, "where")), common)

    @_declares
    def between(self, source: Source | str, column: str, low: Any, high: Any, **common: Unpack[Common]) -> Rule:
        """Violated by a value outside the closed range; None leaves a side open."""
        if low is None and high is None:
            raise DeclarationError("between needs at least one bound")
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            raise DeclarationError(f"the range {low}..{high} is empty: low is above high")
        return _rule(Between(_source(source), _text(column, "column"), low, high), common)

    @_declares
    def one_of(self, source: Source | str, column: str, values: Sequence[Any] | str, **common: Unpack[Common]) -> Rule:
        """Violated by a value that is none of `values` (or of the parametrize value ``"%(name)s"``)."""
        listed = values if isinstance(values, str) else tuple(values)
        if not listed:
            raise DeclarationError("one_of needs at least one allowed value")
        return _rule(OneOf(_source(source), _text(column, "column"), listed), common)

    @_declares
    def not_null(self, source: Source | str, column: str, **common: Unpack[Common]) -> Rule:
        """Violated by a NULL."""
        return _rule(NotNull(_source(source), _text(column, "column")), common)

    @_declares
    def not_blank(self, source: Source | str, column: str, **common: Unpack[Common]) -> Rule:
        """Violated by NULL, or by text of nothing but white space."""
        return _rule(NotBlank(_source(source), _text(column, "column")), common)

    @_declares
    def at_most(self, source: Source | str, column: str, other: str, **common: Unpack[Common]) -> Rule:
        """Violated by a row whose `column` is greater than `other` (a column or an expression)."""
        return _rule(AtMost(_source(source), _text(column, "column"), _text(other, "other")), common)

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
        return _rule(Unique(_source(source), _texts(columns, "columns"), where, nulls_distinct), common)

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
        kind = References(_source(source), _texts(column, "column"), _text(target, "target"), _several(target_column))
        if kind.target_columns and len(kind.target_columns) != len(kind.columns):
            raise DeclarationError(
                f"{len(kind.columns)} columns cannot refer to {len(kind.target_columns)} target columns"
            )
        return _rule(kind, common)

    @_declares
    def query(self, sql: str, **common: Unpack[Common]) -> Rule:
        """Violated by every row that `sql` returns; the first column is the key."""
        return _rule(Query(_text(sql, "sql")), common)

    @_declares
    def metric(
        self, name: str, sql: str, at_least: float | None = None, at_most: float | None = None, **common: Unpack[Common]
    ) -> Rule:
        """Violated when the number is outside its bound; without a bound it is only reported."""
        return _rule(Metric(_text(name, "name"), _text(sql, "sql"), at_least, at_most), common)

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
