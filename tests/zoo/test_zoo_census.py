"""A census over every type of PostgreSQL: what it counts is what plain queries count, and no type disturbs another."""

from __future__ import annotations

import pytest

from pytest_tgintegrity.census.taking import Taking
from pytest_tgintegrity.database.connections.address import parse_address
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.connections.reader import Reader, SnapshotHolder
from zoo import ENCODINGS, MAJORS, OpenZoo, ask, connected, literal
from zoo_types import Sort

pytest_plugins = ["zoo_servers"]


def script(sorts: list[Sort]) -> str:
    """A table for each sort, with each of its values, the first one twice, and NULL where it may be."""
    parts = []
    for number, one in enumerate(sorts):
        values = [*one.values, one.values[0], *([None] if one.nullable else [])]
        rows = ", ".join(f"({i}, {literal(value)})" for i, value in enumerate(values))
        parts.append(f"CREATE TABLE sort_{number} (n int, v {one.spelled}); INSERT INTO sort_{number} VALUES {rows};")
    return "\n".join(parts)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("major", MAJORS)
def test_every_type_is_counted(zoo_of: OpenZoo, major: int, encoding: str) -> None:
    zoo = zoo_of(major, encoding)
    sorts = [one for one in zoo.sorts if one.values]
    url = zoo.make(script(sorts))
    holder = SnapshotHolder(parse_address(url))
    try:
        with Reader(holder.address, holder.snapshot, Limits()) as reader:
            taking = Taking(reader, {})
            counted = taking.take()
            tables = {number: counted.tables[f"public.sort_{number}"] for number in range(len(sorts))}
            compared = [number for number, table in tables.items() if table.columns["v"].distinct]
            commonest = {number: taking.commonest(f"public.sort_{number}", "v") for number in compared}
    finally:
        holder.close()

    with connected(url) as connection:
        present = {
            number: ask(connection, f"SELECT count(*), sum(num_nonnulls(v)) FROM public.sort_{number}")[0]
            for number in range(len(sorts))
        }
    assert {number: (one.rows, one.columns["v"].present) for number, one in tables.items()} == {
        number: (int(rows), int(values)) for number, (rows, values) in present.items()
    }
    assert {one.reason for one in tables.values()} == {None}
    for number in compared:
        column, found = tables[number].columns["v"], commonest[number]
        assert found is not None
        assert (found.rows + found.others, found.rows >= 2) == (column.present, True), sorts[number]
    assert {sorts[number].of for number in compared} >= {"boolean", "integer", "text", "date", "numeric", "uuid"}
