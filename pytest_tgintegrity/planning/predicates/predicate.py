"""What each kind says of one row, registered per kind: its predicate, the source that it needs, the values of its fixes. Pure.

A row rule registers `truth`. A kind that needs more beside each row than its source gives registers `asked` instead. One that
says ``fixes=`` in its declaration registers these, too.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from pytest_tgintegrity.errors import DeclarationError
from pytest_tgintegrity.planning.constants import as_real, own_type
from pytest_tgintegrity.planning.predicates.binding import UNICODE_BLANKS, Binding, Named
from pytest_tgintegrity.planning.sql.compose import Params, Value
from pytest_tgintegrity.rules.kinds.fields import source_of, unregistered

if TYPE_CHECKING:  # sources are made ready for scans, which are made of predicates
    from pytest_tgintegrity.planning.sources import PreparedSource, PreparedSources

WHERE = "planning/predicates"


@dataclass(frozen=True, slots=True)
class Span:
    """What a range rule says, apart from its SQL: ranges with equal bounds and types are scanned as one."""

    subject: sql.Composable
    low: Value | None
    high: Value | None

    @property
    def bounds(self) -> tuple[str, str]:
        """The bounds to compare with those of others; 1, 1.0 and TRUE are equal in Python, not in SQL."""
        return (repr(self.low), repr(self.high))


@dataclass(frozen=True, slots=True)
class Predicate:
    """Truth about one row (`condition`), and the columns that a person wants to see beside it (`shown`)."""

    condition: sql.Composable
    shown: tuple[Named, ...] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the rows of a source made ready."""

    source: PreparedSource
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Fixed:
    """The value that a fix writes, and what the author of the rule wrote of it."""

    value: sql.Composable
    words: str


@functools.singledispatch
def truth(kind: object, _: Binding, /) -> Predicate:
    """The predicate of a row rule: TRUE for a row that violates it, never TRUE because of a NULL."""
    raise unregistered(kind, "predicate", WHERE)


@functools.singledispatch
def asked(kind: object, sources: PreparedSources, params: Params, blanks: str, /) -> Asked:
    """The rows of the kind's source and what is asked of them; unless registered otherwise, its predicate."""
    declared = source_of(kind)
    if declared is None:
        raise unregistered(kind, "scan", "planning/planner")
    source = sources.source(declared, params)
    return Asked(source, truth(kind, source.binding(params, blanks)))


@functools.singledispatch
def clamped(_: object, __: Binding, /) -> Fixed:
    """The nearest value inside the bounds."""
    raise DeclarationError('fix="clamp" needs bounds')


@functools.singledispatch
def recomputed(_: object, __: Binding, /) -> Fixed:
    """The value that the rule demands."""
    raise DeclarationError('fix="recompute" needs a value to write')


FIXES = {"clamp": clamped, "recompute": recomputed}
"""The words of a fix that stand for a value, which each kind that declares them knows."""


def predicate(kind: object, params: Params, names: Collection[str] = (), blanks: str = UNICODE_BLANKS) -> Predicate:
    """The predicate of a row rule, where `names` are the columns of the source and `blanks` what counts as white space."""
    return truth(kind, Binding(params, names, blanks))


def compared(left: str, sign: LiteralString, right: str, binding: Binding) -> Predicate:
    """Two texts of a declaration compared; both are shown."""
    shown = binding.named(left), binding.named(right)
    return Predicate(sql.SQL("{} {} {}").format(shown[0][1], sql.SQL(sign), shown[1][1]), shown)


def beyond(subject: sql.Composable, sign: LiteralString, bound: sql.Composable) -> sql.Composable:
    """Whether a subject is beyond a bound, in its own type where the bound is a constant."""
    compared = sql.SQL("{} {} {}")
    plain = compared.format(subject, sql.SQL(sign), bound)
    if not isinstance(bound, Value):
        return plain
    return own_type(subject, [bound.value], plain, compared.format(subject, sql.SQL(sign), as_real(bound)))


def outside(subject: sql.Composable, low: sql.Composable | None, high: sql.Composable | None) -> sql.Composed | None:
    """Below one bound or above the other; None where both sides are open."""
    below = [] if low is None else [beyond(subject, "<", low)]
    above = [] if high is None else [beyond(subject, ">", high)]
    return sql.SQL(" OR ").join([*below, *above]) if below or above else None
