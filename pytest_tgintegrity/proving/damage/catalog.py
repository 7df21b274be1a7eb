"""Damages of kinds about declared constraints and other objects of the live catalog. Pure."""

from __future__ import annotations

from psycopg import sql

from pytest_tgintegrity.fixing.plan.writes import Choice, Write, select
from pytest_tgintegrity.planning.facts import Constraint
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.scans import ReferenceScan, RowScan, Scan, UniqueScan
from pytest_tgintegrity.planning.sources import PreparedSource
from pytest_tgintegrity.planning.sql.compose import both, raw
from pytest_tgintegrity.proving.damage.derive import (
    Attempts,
    Damage,
    ProofSubject,
    StoredColumns,
    damaged_columns,
    derived,
    write_null,
    write_values,
)
from pytest_tgintegrity.proving.damage.keys import duplicated, inserted_again, names_of, orphaned, scanned_columns
from pytest_tgintegrity.proving.damage.schema import schema_breaks
from pytest_tgintegrity.proving.values import extremes
from pytest_tgintegrity.rules.kinds import Declared, Schema


@derived.register(Schema)
def _schema(kind: Schema, subject: ProofSubject, /) -> Attempts:
    return Attempts(statements=tuple(schema_breaks(kind, subject.bound.params)))


@damaged_columns.register(Declared)
def _declared_columns(_: Declared, bound: BoundRule, scan: Scan, /) -> tuple[str, ...]:
    constraint: Constraint = bound.params["constraint"]
    if isinstance(scan, UniqueScan):
        return scanned_columns(scan)
    if constraint.kind == "exclusion":
        return names_of(map(raw, [*constraint.expressions, *([constraint.where] if constraint.where else [])]))
    return tuple(constraint.columns)


@derived.register(Declared)
def _declared(_: Declared, subject: ProofSubject, /) -> Attempts | None:
    scan, columns = subject.scan, subject.columns
    constraint: Constraint = subject.bound.params["constraint"]
    match constraint.kind:
        case "not_null":
            return Attempts(tuple(write_null(column) for column in columns.values()))
        case "unique" if isinstance(scan, UniqueScan):
            return duplicated(scan, columns)
        case "foreign_key" if isinstance(scan, ReferenceScan):
            return orphaned(scan, scan.references[0], columns)
        case "check":
            tried = (damage for column in columns.values() for damage in write_values(column, extremes(column[1].name)))
            return Attempts(tuple(tried), any_of=True)
        case "exclusion" if isinstance(scan, RowScan):
            return _excluded(constraint, scan.checks[0].keys, columns)
    return None


def _excluded(constraint: Constraint, keys: tuple[sql.Composable, ...], columns: StoredColumns) -> Attempts | None:
    """Copy the excluding values of one row to another row; where the operator asks for different values, to a row that differs."""
    source = PreparedSource(constraint.table, sql.Identifier(constraint.schema, constraint.table), keys, None)
    pairs = [*zip(constraint.expressions, constraint.excluded, strict=True)]
    differing = [(raw(text), raw(part.operator)) for text, part in pairs if part.sort == "differ"]
    stay = names_of(text for text, _ in differing)
    copied = [target for name, (target, _) in columns.items() if name not in stay]
    if not copied and not differing:
        return None
    meets = [
        sql.SQL("({0}) OPERATOR({1}) ({0})").format(raw(text), raw(part.operator))
        for text, part in pairs
        if part.sort != "differ"
    ]
    whole = sql.SQL("pg_catalog.num_nulls({}) = 0").format(sql.SQL(", ").join(raw(text) for text, _ in pairs))
    comparable = both([whole, *meets, *([] if constraint.where is None else [raw(constraint.where)])])
    first = Choice(comparable, limit=1)

    def of_first(value: sql.Composable) -> sql.Composed:
        return sql.SQL("({})").format(select(source, [value], first))

    another = [sql.SQL("({}) OPERATOR({}) {}").format(text, sign, of_first(text)) for text, sign in differing]
    another.append(sql.SQL("tableoid = {} AND ctid <> {}").format(of_first(raw("tableoid")), of_first(raw("ctid"))))
    where = Choice(both([comparable, *another]), limit=1)
    words = f"{', '.join(target.words for target in copied) or 'nothing'} as in another row"
    writes = tuple(Write(target, of_first(target.value)) for target in copied)
    again = None if differing else inserted_again(source, comparable)
    return Attempts((Damage(words, writes, 2, where),), last_resort=again)
