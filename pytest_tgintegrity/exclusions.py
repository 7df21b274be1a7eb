"""What an exclusion constraint of the live catalog asks of the data, without its index. Pure.

Rows that share all values compared by equality are put in order once, and each is compared with its neighbours: n log n.
Where no order helps, as for boxes, each row is compared with each that shares these values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from pytest_tgintegrity.places import Place
from pytest_tgintegrity.predicates import NUM_NULLS, both, listed, parenthesised, raw
from pytest_tgintegrity.schema import Constraint, Excluded

MORE_TIME = "only each pair tells whether rows clash: give it more time (--statement-timeout, or timeout= of the rule)"

CONFLICTS = sql.SQL("tgi_conflict.tgi_row IS NOT NULL")


@dataclass(frozen=True, slots=True)
class _Part:
    """One expression of the constraint under a name of our own, and the operator that no two rows may meet."""

    name: sql.Composable
    expression: sql.Composable
    excluded: Excluded

    @property
    def operator(self) -> sql.Composable:
        """The operator, wherever it lives."""
        return sql.SQL("OPERATOR({})").format(raw(self.excluded.operator))


def with_conflicts(place: Place, constraint: Constraint) -> Place:
    """A table with a sign beside each row that an exclusion constraint forbids, because of another row."""
    parts = tuple(_parts(constraint))
    rest = _unequal(parts)
    pairs = len(rest) > 1 or any(one.excluded.sort == "other" for one in rest)
    conflicts = _pairs(place, constraint, parts) if pairs else _in_order(place, constraint, parts)
    table = sql.SQL(
        "{} LEFT JOIN ({}) AS tgi_conflict ON (tgi_conflict.tgi_part, tgi_conflict.tgi_row) = (tableoid, ctid)"
    )
    # comparing all pairs is work as if the table were as many times larger
    pages = place.pages * place.pages if pairs else place.pages
    return replace(place, table=table.format(place.table, conflicts), stored=False, pages=pages)


def _parts(constraint: Constraint) -> Iterator[_Part]:
    for number, (text, one) in enumerate(zip(constraint.expressions, constraint.excluded, strict=True)):
        expression = parenthesised(raw(text))
        if one.sort in {"equal", "differ"} and one.type:
            expression = sql.SQL("{}::{}").format(expression, raw(one.type))
        yield _Part(raw(f"tgi_{number}"), expression, one)


def _unequal(parts: Iterable[_Part]) -> list[_Part]:
    return [one for one in parts if one.excluded.sort != "equal"]


def _rows(place: Place, constraint: Constraint, parts: Sequence[_Part]) -> sql.Composed:
    """The rows that the constraint compares; OFFSET keeps the server from asking an index which they are."""
    met = [sql.SQL("{}({}) = 0").format(NUM_NULLS, listed(one.expression for one in parts))]
    if constraint.where is not None:
        met.append(parenthesised(raw(constraint.where)))
    met += [
        sql.SQL("NOT pg_catalog.isempty({})").format(one.expression) for one in parts if one.excluded.sort == "range"
    ]
    named = listed(sql.SQL("{} AS {}").format(one.expression, one.name) for one in parts)
    return sql.SQL(
        "(SELECT * FROM (SELECT tableoid AS tgi_part, ctid AS tgi_row, {} AS tgi_met, {} FROM {} OFFSET 0) AS each WHERE tgi_met)"
    ).format(parenthesised(both(met)), named, place.table)


def _pairs(place: Place, constraint: Constraint, parts: Sequence[_Part]) -> sql.Composed:
    """Each row with each other."""
    rows = _rows(place, constraint, parts)
    forbidden = sql.SQL(" AND ").join(
        sql.SQL("one.{} {} other.{}").format(one.name, one.operator, one.name) for one in parts
    )
    return sql.SQL(
        "SELECT DISTINCT one.tgi_part, one.tgi_row FROM {} AS one JOIN {} AS other ON {}"
        " AND (one.tgi_part, one.tgi_row) <> (other.tgi_part, other.tgi_row)"
    ).format(rows, rows, forbidden)


# --- in order


def _in_order(place: Place, constraint: Constraint, parts: Sequence[_Part]) -> sql.Composed:
    """The rows that share their values, differ or overlap within the group of those that are equal in all else."""
    rows, rest = _rows(place, constraint, parts), _unequal(parts)
    same = [one.name for one in parts if one.excluded.sort == "equal"]
    group = sql.SQL("PARTITION BY {}").format(listed(same)) if same else raw("")
    if not rest:
        return _several(rows, group)
    return (
        _different(rows, group, rest[0])
        if rest[0].excluded.sort == "differ"
        else _overlapping(rows, same, group, rest[0])
    )


def _several(rows: sql.Composable, group: sql.Composable) -> sql.Composed:
    return sql.SQL(
        "SELECT tgi_part, tgi_row FROM (SELECT tgi_part, tgi_row, count(*) OVER ({}) AS tgi_count FROM {} AS compared) AS counted"
        " WHERE tgi_count > 1"
    ).format(group, rows)


def _different(rows: sql.Composable, group: sql.Composable, part: _Part) -> sql.Composed:
    """Where the first and the last value of a group differ, there is for each row one that differs from it."""
    return sql.SQL(
        "SELECT tgi_part, tgi_row FROM (SELECT tgi_part, tgi_row,"
        " pg_catalog.first_value({name}) OVER tgi_group {operator} pg_catalog.last_value({name}) OVER tgi_group AS tgi_differ FROM {rows} AS compared"
        " WINDOW tgi_group AS ({group} ORDER BY {name} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS grouped"
        " WHERE tgi_differ"
    ).format(name=part.name, operator=part.operator, rows=rows, group=group)


def _overlapping(
    rows: sql.Composable, same: Sequence[sql.Composable], group: sql.Composable, part: _Part
) -> sql.Composed:
    """Rows that overlap another, in order of where they begin.

    What overlaps any that begins later overlaps the next one; what overlaps any that begins earlier overlaps that of them
    which ends last: the one of the highest number in order of where they end.
    """
    several = part.excluded.sort == "multirange"
    value = sql.SQL("pg_catalog.unnest({})").format(part.name) if several else part.name
    begins, ends = _bounds(part.excluded)
    return sql.SQL(
        "WITH tgi_ended AS MATERIALIZED (SELECT *, row_number() OVER (ORDER BY {ends}) AS tgi_end FROM"
        " (SELECT {columns} FROM {rows} AS compared) AS valued),"
        " tgi_begun AS (SELECT *, tgi_value {meets} pg_catalog.lead(tgi_value) OVER tgi_order AS tgi_next, max(tgi_end) OVER tgi_order AS tgi_last"
        " FROM tgi_ended WINDOW tgi_order AS ({group} ORDER BY {begins} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))"
        " SELECT DISTINCT one.tgi_part, one.tgi_row FROM tgi_begun AS one LEFT JOIN tgi_ended AS other ON other.tgi_end = one.tgi_last"
        " WHERE one.tgi_next OR one.tgi_value {meets} other.tgi_value"
    ).format(
        ends=ends,
        columns=listed([raw("tgi_part"), raw("tgi_row"), *same, sql.SQL("{} AS tgi_value").format(value)]),
        rows=rows,
        meets=raw("OPERATOR(pg_catalog.&&)"),
        group=group,
        begins=begins,
    )


def _bounds(excluded: Excluded) -> tuple[sql.Composable, sql.Composable]:
    """By what values are ordered as they begin, and as they end."""
    if excluded.sort == "inet":
        text = "pg_catalog.set_masklen(pg_catalog.{}(tgi_value)::inet, CASE pg_catalog.family(tgi_value) WHEN 4 THEN 32 ELSE 128 END)"
        return raw(text.format("network")), raw(text.format("broadcast"))
    ends = "{}(NULL, pg_catalog.upper(tgi_value), CASE WHEN pg_catalog.upper_inc(tgi_value) THEN '(]' ELSE '()' END)"
    return raw("tgi_value"), raw(ends.format(excluded.type))
