"""Damages of kinds about what the live catalog declares. Pure."""

from __future__ import annotations

from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.scans import ReferenceScan, Scan, UniqueScan
from pytest_tgintegrity.proving.damage.derive import Attempts, Subject, damaged_columns, derived, null, values
from pytest_tgintegrity.proving.damage.keys import doubled, orphaned, scanned_columns
from pytest_tgintegrity.proving.schema_damage import schema_breaks
from pytest_tgintegrity.proving.values import extremes
from pytest_tgintegrity.rules.kinds import Declared, Schema


@derived.register(Schema)
def _schema(kind: Schema, subject: Subject, /) -> Attempts:
    return Attempts(deeds=tuple(schema_breaks(kind, subject.bound.params)))


@damaged_columns.register(Declared)
def _declared_columns(_: Declared, bound: BoundRule, scan: Scan, /) -> tuple[str, ...]:
    return scanned_columns(scan) if isinstance(scan, UniqueScan) else tuple(bound.params["constraint"].columns)


@derived.register(Declared)
def _declared(_: Declared, subject: Subject, /) -> Attempts | None:
    scan, columns = subject.scan, subject.columns
    match subject.bound.params["constraint"].kind:
        case "not_null":
            return Attempts(tuple(null(column) for column in columns.values()))
        case "unique" if isinstance(scan, UniqueScan):
            return doubled(scan, columns)
        case "foreign_key" if isinstance(scan, ReferenceScan):
            return orphaned(scan, scan.references[0], columns)
        case "check":
            tried = (damage for column in columns.values() for damage in values(column, extremes(column[1].name)))
            return Attempts(tuple(tried), any_of=True)
    return None
