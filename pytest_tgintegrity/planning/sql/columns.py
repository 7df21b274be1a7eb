"""Which columns SQL text names, as far as tokens tell. Pure."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pytest_tgintegrity.planning.facts import Table
from pytest_tgintegrity.planning.sql.compose import Params, plain
from pytest_tgintegrity.planning.sql.tokens import chains, sign_at, tokens, word_at
from pytest_tgintegrity.rules.kinds.fields import asked_texts

Columns = dict[tuple[str, str], set[str]]


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name in SQL, and the word after it, which may be its alias."""

    path: tuple[str, ...]
    alias: str | None


def texts_of(declared: object, params: Params) -> Iterator[str]:
    """The SQL of a declaration, filled in; no names for people, no values, no keys of JSON."""
    return (plain(named.text, params) for named in asked_texts(declared))


@functools.lru_cache(maxsize=4096)
def names_in(text: str) -> tuple[Name, ...]:
    """The names in SQL text, outside strings and comments; functions are not among them."""
    told, found = tokens(text), []
    for chain in chains(text):
        after = chain.end + (word_at(told, chain.end) == "as")
        alias = told[after].name if after < len(told) and told[after].named else None
        if alias is not None or sign_at(told, chain.end) != "(":
            found.append(Name(chain.path, alias))
    return tuple(found)


def columns_named(texts: Iterable[str], tables: Mapping[str, Table]) -> Columns:
    """The columns of `tables` (by any of their names) that the texts name.

    ``alias.column`` counts for the table behind the alias where it is one of them; any other name counts for every table
    that has such a column.
    """
    told = list(texts)
    names = [name for text in told for name in names_in(text)]
    behind = _aliases(names, tables)
    found: Columns = {table.path: {one for one in told if one in table.columns} for table in tables.values()}
    for name in names:
        *qualifier, column = name.path
        owners = behind.get(".".join(qualifier)) if qualifier else None
        for table in owners or tables.values():
            if column in table.columns:
                found[table.path].add(column)
    return found


def _aliases(names: Iterable[Name], tables: Mapping[str, Table]) -> Mapping[str, list[Table]]:
    behind: dict[str, list[Table]] = defaultdict(list)
    for known, table in tables.items():
        behind[known].append(table)
        behind[table.name].append(table)
    for name in names:
        named = tables.get(".".join(name.path))
        if named is not None and name.alias is not None:
            behind[name.alias].append(named)
    return behind
