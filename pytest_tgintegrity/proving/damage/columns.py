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
    derived,
    write_another,
    write_beyond,
    write_changed,
    write_from_elsewhere,
    write_null,
    write_value,
    write_values,
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
    return Attempts(tuple(write_values(damaged, tried.outside)), tuple(write_values(damaged, [*tried.inside, None])))


def _between_expressions(kind: Between, binding: Binding, damaged: StoredColumn) -> Attempts:
    limits = [(sign, binding.bound(limit)) for sign, limit in (("-", kind.low), ("+", kind.high))]
    given = [(sign, limit) for sign, limit in limits if limit is not None]
    illegal = [write_beyond(damaged, sign, limit, "its bound") for sign, limit in given]
    legal = [write_value(damaged, limit, "its bound") for _, limit in given]
    return Attempts(tuple(illegal), (*legal, write_null(damaged)))


@derived.register(OneOf)
def _one_of(kind: OneOf, subject: ProofSubject, /) -> Attempts | None:
    damaged = subject.column
    if damaged is None:
        return None
    known = Binding(subject.bound.params).value(kind.values)
    allowed = [value for value in known if value is not None]
    legal = tuple(write_values(damaged, [*allowed[:ALLOWED_TRIED], None]))
    return Attempts(tuple(write_values(damaged, disallowed(damaged[1].name, allowed))), legal)


@derived.register(NotNull)
def _not_null(_: NotNull, subject: ProofSubject, /) -> Attempts | None:
    damaged = subject.column
    return None if damaged is None else Attempts((write_null(damaged),))


@derived.register(NotBlank)
def _not_blank(_: NotBlank, subject: ProofSubject, /) -> Attempts | None:
    damaged = subject.column
    if damaged is None:
        return None
    blank = [None, "", " ", "\t \n", subject.blanks[-1], *({"\xa0"} & {*subject.blanks})]
    return Attempts(tuple(write_values(damaged, blank)), tuple(write_values(damaged, ["x", " x ", "\u200b"])))


@derived.register(AtMost)
def _at_most(kind: AtMost, subject: ProofSubject, /) -> Attempts | None:
    damaged, other = subject.columns.get(kind.column), subject.columns.get(kind.other)
    if damaged is not None:
        limit = column(kind.other, subject.bound.params)
        above = write_beyond(damaged, "+", limit, kind.other)
        return Attempts((above,), (write_value(damaged, limit, kind.other), write_null(damaged)))
    if other is not None:
        value = column(kind.column, subject.bound.params)
        return Attempts((write_beyond(other, "-", value, kind.column),), (write_null(other),))
    return None


@derived.register(Agree)
def _agree(kind: Agree, subject: ProofSubject, /) -> Attempts | None:
    damaged = subject.columns.get(kind.path_a) or subject.columns.get(kind.path_b)
    if damaged is None:
        return None
    others = tuple(write_changed(damaged)) or (
        write_from_elsewhere(damaged, "<>", damaged[0].value, "what another row has"),
    )
    return Attempts(others, (write_null(damaged),))


@derived.register(Formula)
def _formula(_: Formula, subject: ProofSubject, /) -> Attempts | None:
    return write_another(subject)


@derived.register(JsonShape)
def _json_shape(kind: JsonShape, subject: ProofSubject, /) -> Attempts | None:
    damaged = subject.column
    if damaged is None:
        return None
    legal = (*_json(damaged, examples(kind.shape)), write_null(damaged))
    return Attempts(_json(damaged, misfits(kind.shape)), legal)


def _json(damaged: StoredColumn, tried: Iterable[object]) -> tuple[Damage, ...]:
    texts = dict.fromkeys(json.dumps(value) for value in tried)
    return tuple(write_value(damaged, Value(text), text) for text in texts)
