"""Rows as they are written down: a text with a line for each, in which names stand for ids."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .reference import PUBLISHED
from .rows import Rows

_SMALL_WORDS: Final = {"-": None, '""': "", "yes": True, "no": False}
_APP: Final = "characters_"


@dataclass(frozen=True, slots=True)
class Dots:
    """Dots that a character has in some of these traits, wherever they happen to fall; by default all that fit."""

    words: str
    count: int = 1000
    most: int = 5


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of one table: a line of columns, then a line for each row, cells between bars.

    A cell holds a number, `yes` or `no`, JSON, text, `""` for none or `-` for NULL; an empty one leaves the column as it
    starts.
    Under `house_id>house` stands the name of a row of `characters_house`, under `bonus_id>core_number.value` what that
    column of `core_number` holds. Under `*house_factions>housefaction` stand, between semicolons, the names of all that
    the many-to-many table `characters_house_factions` shall link the row with.
    """

    table: str
    text: str
    dots: tuple[Dots, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing: its columns, and what it is linked with by each many-to-many table."""

    values: dict[str, object]
    links: tuple[tuple[str, int], ...]

    def link(self, rows: Rows, identity: int) -> None:
        """Link the row that was made of this entry."""
        for table, other in self.links:
            rows.link(table, identity, other)


def entries(rows: Rows, listing: Listing) -> Iterator[Entry]:
    """Read a listing line by line; a line may name what the one before has become."""
    header, *lines = [_cells(line) for line in listing.text.strip().splitlines()]
    for line in lines:
        written = [(column, cell) for column, cell in zip(header, line, strict=True) if cell]
        values = {column.partition(">")[0]: _value(rows, column, cell) for column, cell in written if column[0] != "*"}
        yield Entry(values, tuple(link for column, cell in written for link in _links(rows, column, cell)))


def add_objects(rows: Rows, listing: Listing, **common: object) -> None:
    """Add what a listing says; an object that can be published is."""
    if "visibility" in rows.tables[rows.chain(listing.table)[0]].starts:
        common = {**PUBLISHED, **common}
    for entry in entries(rows, listing):
        entry.link(rows, rows.add(listing.table, **{**common, **entry.values}))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]


def _value(rows: Rows, column: str, cell: str) -> object:
    if cell in _SMALL_WORDS:
        return _SMALL_WORDS[cell]
    if ">" in column:
        return _identity(rows, column, cell)
    return json.loads(cell) if cell[0] in "[{" else _plain(cell)


def _plain(cell: str) -> int | str:
    return int(cell) if cell.removeprefix("-").isdigit() else cell


def _links(rows: Rows, column: str, cell: str) -> Iterator[tuple[str, int]]:
    if column[0] == "*":
        for name in cell.split(";"):
            yield _table(rows, column[1:].partition(">")[0]), _identity(rows, column, name.strip())


def _identity(rows: Rows, column: str, name: str) -> int:
    """The first row that goes by this name."""
    table, _, by = column.partition(">")[2].partition(".")
    found = rows.ids(_table(rows, table), **{by or "name": _plain(name)})
    if not found:
        raise LookupError(f"no {table} is called {name}")
    return found[0]


def _table(rows: Rows, word: str) -> str:
    """A table by its name, which may lack the app's where that is the characters'."""
    return word if word in rows.tables else _APP + word
