"""Damages of kinds about keys: duplicates, keys that name no row, rows that are their own parents. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from pytest_tgintegrity.fixing.plan.writes import Choice, ColumnType, Write, select
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.scans import Reference, ReferenceScan, RowScan, Scan, UniqueScan
from pytest_tgintegrity.planning.sources import PreparedSource
from pytest_tgintegrity.planning.sql.compose import both, raw, readable
from pytest_tgintegrity.planning.sql.names import names_in
from pytest_tgintegrity.proving.damage.derive import (
    Attempts,
    Damage,
    ProofSubject,
    StoredColumns,
    damaged_columns,
    derived,
    write_null,
    write_value,
)
from pytest_tgintegrity.proving.values import INTEGERS, TEXTS, family
from pytest_tgintegrity.rules.kinds import Acyclic, References, Unique


@damaged_columns.register(Unique)
def _unique_columns(_: Unique, __: BoundRule, scan: Scan, /) -> tuple[str, ...]:
    return scanned_columns(scan) if isinstance(scan, UniqueScan) else ()


def scanned_columns(scan: UniqueScan) -> tuple[str, ...]:
    """The names that may be columns, in the key of a scan for duplicates and in its condition."""
    return names_of([*(part for _, part in scan.parts), *([] if scan.where is None else [scan.where])])


def names_of(parts: Iterable[sql.Composable]) -> tuple[str, ...]:
    """The names in SQL, as they are spelled there."""
    text = " ".join(readable(part) for part in parts)
    return tuple(dict.fromkeys(".".join(name.path) for name in names_in(text)))


@derived.register(Unique)
def _unique(_: Unique, subject: ProofSubject, /) -> Attempts | None:
    return duplicated(subject.scan, subject.columns) if isinstance(subject.scan, UniqueScan) else None


def duplicated(scan: UniqueScan, columns: StoredColumns) -> Attempts | None:
    """The key of one row, copied to another; or with it the columns of the condition, to a row that the rule does not compare yet."""
    named = names_of(part for _, part in scan.parts)
    keys = {text: column for text, column in columns.items() if text in named}
    if not keys:
        return None
    copied = [_copied(scan, keys, Choice(_comparable(scan), limit=1, after=1))]
    if scan.where is not None:
        other = sql.SQL("({}) IS NOT TRUE").format(_comparable(scan))
        copied.append(_copied(scan, columns, Choice(other, limit=1)))
    plain = len(keys) == len(scan.parts) and scan.nulls_distinct
    legal = tuple(write_null(column) for column in keys.values()) if plain else ()
    return Attempts(
        tuple(copied),
        legal,
        any_of=True,
        last_resort=inserted_again(PreparedSource(scan.source, scan.table, scan.keys, None), _comparable(scan)),
    )


def _copied(scan: UniqueScan, columns: StoredColumns, where: Choice) -> Damage:
    first = Choice(_comparable(scan), limit=1)
    source = PreparedSource(scan.source, scan.table, scan.keys, None)
    targets = [target for target, _ in columns.values()]
    writes = [Write(target, sql.SQL("({})").format(select(source, [target.value], first))) for target in targets]
    return Damage(f"{', '.join(target.words for target in targets)} as in another row", tuple(writes), 2, where)


def inserted_again(source: PreparedSource, comparable: sql.Composable) -> sql.Composed:
    """A statement that inserts a comparable row once more, for where there is only one."""
    return sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT * FROM {} WHERE {} LIMIT 1 RETURNING {}").format(
        source.table, source.table, comparable, sql.SQL(", ").join(source.keys)
    )


def _comparable(scan: UniqueScan) -> sql.Composable:
    """A condition: TRUE for a row that the rule compares with others."""
    whole = [sql.SQL("pg_catalog.num_nulls({}) = 0").format(part) for _, part in scan.parts]
    return both([*whole, *([] if scan.where is None else [scan.where])])


@derived.register(References)
def _references(_: References, subject: ProofSubject, /) -> Attempts | None:
    """A key that names no row; where the key identifies the row itself, the row that it names is deleted instead."""
    scan = subject.scan
    if not isinstance(scan, ReferenceScan):
        return None
    reference = scan.references[0]
    keys = {readable(key) for key in reference.keys}
    if not subject.columns or keys.intersection(readable(own) for _, own in reference.columns):
        return Attempts(statements=(_removed(scan, reference),))
    return orphaned(scan, reference, subject.columns)


def orphaned(scan: ReferenceScan, reference: Reference, columns: StoredColumns) -> Attempts | None:
    """A key that names no row; for types without such a value the row that it names is deleted."""
    if not columns:
        return None
    column = next(iter(columns.values()))
    if column[1].name not in _WITH_UNUSED_KEYS:
        return Attempts(statements=(_removed(scan, reference),))
    illegal = tuple(write_value(column, value, "what names nothing") for value in _unused_keys(column[1], reference))
    legal = () if reference.target.match_full and len(reference.columns) > 1 else (write_null(column),)
    return Attempts(illegal, legal, last_resort=_removed(scan, reference))


_WITH_UNUSED_KEYS = {*INTEGERS, "numeric", *TEXTS, "uuid"}  # no float: one more than a large one is the same


def _unused_keys(stored: ColumnType, reference: Reference) -> list[sql.Composable]:
    if family(stored.name) == "number":
        key = reference.target.columns[0]
        # NaN sorts above infinity
        ends = ("", "") if stored.name in INTEGERS else (" WHERE {} < 'Infinity'", " WHERE {} > '-Infinity'")
        numbers = (
            "(SELECT coalesce(pg_catalog.max({}), 0) + 1 FROM {}{})",
            "(SELECT coalesce(pg_catalog.min({}), 0) - 1 FROM {}{})",
        )
        return [
            sql.SQL(text).format(key, reference.target.table, sql.SQL(end).format(key) if end else raw(""))
            for text, end in zip(numbers, ends, strict=True)
        ]
    if stored.name == "uuid":
        return [raw("'ffffffff-ffff-4fff-bfff-fffffffffffe'")]
    return [raw("'?'"), raw("'tgintegrity'")]


def _removed(scan: ReferenceScan, reference: Reference) -> sql.Composable:
    """Delete the row that the first row names; all rows that name it become orphans."""
    own = sql.SQL(", ").join(column for _, column in reference.columns)
    named = sql.SQL(", ").join(reference.target.columns)
    keys = sql.SQL(", ").join(reference.keys)
    order = sql.SQL(", ").join(reference.keys)
    return sql.SQL(
        "WITH tgi_gone AS (DELETE FROM {target} WHERE ({named}) IN ("
        "SELECT {own} FROM {table}{join} WHERE pg_catalog.num_nulls({own}) = 0 AND {met} ORDER BY {order} LIMIT 1) RETURNING {named})"
        " SELECT {keys} FROM {table} WHERE ({own}) IN (SELECT * FROM tgi_gone) ORDER BY {order}"
    ).format(
        target=reference.target.table,
        named=named,
        own=own,
        table=scan.table,
        join=reference.join(0),
        met=raw("tgi_met0"),
        order=order,
        keys=keys,
    )


@derived.register(Acyclic)
def _acyclic(kind: Acyclic, subject: ProofSubject, /) -> Attempts | None:
    """A row that is its own parent."""
    column, scan = subject.columns.get(kind.parent), subject.scan
    if column is None or not isinstance(scan, RowScan):
        return None
    return Attempts((write_value(column, scan.checks[0].keys[0], "the row itself"),), (write_null(column),))
