"""Damages of kinds about columns of one row: what a rule has to catch, and what it has to let pass. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pytest_tgintegrity.planning.predicates import Binding
from pytest_tgintegrity.planning.sql.compose import Value, column
from pytest_tgintegrity.proving.damage.derive import (
    Attempts,
    Damage,
    ProofSubject,
    StoredColumn,
    another,
    beyond,
    changed,
    derived,
    elsewhere,
    null,
    values,
    write,
)
from pytest_tgintegrity.proving.json_shapes import examples, misfits
from pytest_tgintegrity.proving.values import disallowed, spread
from pytest_tgintegrity.rules.kinds import Agree, AtMost, Between, Formula, JsonShape, NotBlank, NotNull, OneOf

ALLOWED_TRIED = 40


@derived.register(Between)
def _between(kind: Between, subject: ProofSubject, /) -> Attempts | None:
    damaged = subject.column
    if damaged is None:
        return None
    binding = Binding(subject.bound.params)
    low, high = binding.value(kind.low), binding.value(kind.high)
    if isinstance(low, str) or isinstance(high, str):
        return _between_expressions(kind, binding, damaged)
    tried = spread(damaged[1].name, low, high)
    return Attempts(tuple(values(damaged, tried.outside)), tuple(values(damaged, [*tried.inside, None])))


def _between_expressions(kind: Between, binding: Binding, damaged: StoredColumn) -> Attempts:
    limits = [(sign, binding.bound(limit)) for sign, limit in (("-", kind.low), ("+", kind.high))]
    given = [(sign, limit) for sign, limit in limits if limit is not None]
    illegal = [beyond(damaged, sign, limit, "its bound") for sign, limit in given]
    legal = [write(damaged, limit, "its bound") for _, limit in given]
    return Attempts(tuple(illegal), (*legal, null(damaged)))


@derived.register(OneOf)
def _one_of(kind: OneOf, subject: ProofSubject, /) -> Attempts | None:
    damaged = subject.column
    if damaged is None:
        return None
    known = Binding(subject.bound.params).value(kind.values)
    allowed = [value for value in known if value is not None]
    legal = tuple(values(damaged, [*allowed[:ALLOWED_TRIED], None]))
    return Attempts(tuple(values(damaged, disallowed(damaged[1].name, allowed))), legal)


@derived.register(NotNull)
def _not_null(_: NotNull, subject: ProofSubject, /) -> Attempts | None:
    damaged = subject.column
    return None if damaged is None else Attempts((null(damaged),))


@derived.register(NotBlank)
def _not_blank(_: NotBlank, subject: ProofSubject, /) -> Attempts | None:
    damaged = subject.column
    if damaged is None:
        return None
    blank = [None, "", " ", "\t \n", subject.blanks[-1], *({"\xa0"} & {*subject.blanks})]
    return Attempts(tuple(values(damaged, blank)), tuple(values(damaged, ["x", " x ", "\u200b"])))


@derived.register(AtMost)
def _at_most(kind: AtMost, subject: ProofSubject, /) -> Attempts | None:
    damaged, other = subject.columns.get(kind.column), subject.columns.get(kind.other)
    if damaged is not None:
        limit = column(kind.other, subject.bound.params)
        above = beyond(damaged, "+", limit, kind.other)
        return Attempts((above,), (write(damaged, limit, kind.other), null(damaged)))
    if other is not None:
        value = column(kind.column, subject.bound.params)
        return Attempts((beyond(other, "-", value, kind.column),), (null(other),))
    return None


@derived.register(Agree)
def _agree(kind: Agree, subject: ProofSubject, /) -> Attempts | None:
    damaged = subject.columns.get(kind.path_a) or subject.columns.get(kind.path_b)
    if damaged is None:
        return None
    others = tuple(changed(damaged)) or (elsewhere(damaged, "<>", damaged[0].value, "what another row has"),)
    return Attempts(others, (null(damaged),))


@derived.register(Formula)
def _formula(_: Formula, subject: ProofSubject, /) -> Attempts | None:
    return another(subject)


@derived.register(JsonShape)
def _json_shape(kind: JsonShape, subject: ProofSubject, /) -> Attempts | None:
    damaged = subject.column
    if damaged is None:
        return None
    legal = (*_json(damaged, examples(kind.shape)), null(damaged))
    return Attempts(_json(damaged, misfits(kind.shape)), legal)


def _json(damaged: StoredColumn, tried: Iterable[object]) -> tuple[Damage, ...]:
    texts = dict.fromkeys(json.dumps(value) for value in tried)
    return tuple(write(damaged, Value(text), text) for text in texts)
