"""Which tables and columns SQL text names and may read, as far as tokens tell. Pure.

There are two questions. What a text *may read* (`Reading`) is answered with too much rather than too little: nothing that
the server would read is left out. What a text *names* (`columns_named`) is answered with what is written there: a row that
is taken whole names no column.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_tgintegrity.planning.facts import Table
from pytest_tgintegrity.planning.sql.tokens import (
    Chain,
    Token,
    Words,
    chains_of,
    literal_at,
    sign_at,
    tokens_of,
    word_at,
    words,
)

EVERY = "*"
"""All columns of a table: of a row that comes or goes."""

_AFTER_TABLES = frozenset(
    "and as cross else end except fetch for from full group having in inner intersect into is join left limit lateral"
    " natural not offset on only or order outer returning right select set tablesample then union using values when"
    " where window with"
    .split()
)  # fmt: skip
"""Keywords that are no alias where they follow a table."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view; `visible` says that it is found without its schema."""

    schema: str
    name: str
    visible: bool = True

    @property
    def path(self) -> tuple[str, str]:
        """Schema and name."""
        return self.schema, self.name


@dataclass(frozen=True, slots=True)
class Cell:
    """A column that is written, or all of them."""

    relation: Relation
    column: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one text may read."""

    text: str
    words: Words

    @property
    def anything(self) -> bool:
        """Whether it may read any table."""
        return self.words.escaped

    def mentions(self, relation: Relation) -> bool:
        """Whether the text may read a table: by its schema and name, or by its name where that finds it."""
        if self.words.escaped:
            return True
        if relation.name not in self.words.names:
            return False
        return relation.path in self.words.pairs or (relation.visible and relation.name in self.words.firsts)

    def reads(self, cell: Cell) -> bool:
        """Whether the text may read a column of a table."""
        if not self.mentions(cell.relation):
            return False
        known = self.words.escaped or cell.column == EVERY or cell.column in self.words.names
        return known or _takes_rows(self.text, cell.relation.name)

    def reads_any(self, cells: Iterable[Cell]) -> bool:
        """Whether the text may read one of several columns."""
        return any(self.reads(cell) for cell in cells)

    def times(self, relation: Relation) -> int:
        """How often the text names a table, and not one of its columns."""
        return sum(1 for chain in chains_of(self.text) if chain.path in (relation.path, relation.path[1:]))


def reading(text: str) -> Reading:
    """What a text may read."""
    return Reading(text, words(text))


@functools.lru_cache(maxsize=8192)
def _takes_rows(text: str, table: str) -> bool:
    """Whether rows of a table may be taken whole, so that any of their columns counts."""
    if {"natural", "table"} & words(text).names:
        return True
    tokens, chains = tokens_of(text), chains_of(text)
    if any(_is_star(tokens, n) for n in range(len(tokens))):
        return True
    declared = frozenset(_aliases(tokens, chains, table))
    aliases = {table, *(tokens[position].name for position in declared)}
    return any(
        chain.path[-1] in aliases and (_renames(tokens, chain) or _is_value(tokens, chain, declared))
        for chain in chains
    )


def _is_star(tokens: Sequence[Token], position: int) -> bool:
    """Whether an asterisk stands for columns: it does not multiply, and it is not that of ``count(*)``."""
    if sign_at(tokens, position) != "*":
        return False
    before, after = position - 1, position + 1
    if sign_at(tokens, before) == "(" and sign_at(tokens, after) == ")":
        return False
    ends = after >= len(tokens) or word_at(tokens, after) in _AFTER_TABLES
    return (
        ends
        or word_at(tokens, before) in ("select", "distinct", "all")
        or sign_at(tokens, before) in (".", ",")
        or sign_at(tokens, after) in (")", ",", ";")
    )


def _aliases(tokens: Sequence[Token], chains: Iterable[Chain], table: str) -> Iterable[int]:
    """Where the aliases of a table are declared, or those of a join in parentheses, which it may be part of."""
    ends = {chain.end for chain in chains if chain.path[-1] == table}
    ends |= {n + 1 for n in range(len(tokens)) if sign_at(tokens, n) == ")" and _closes_join(tokens, n)}
    return (position for end in ends if (position := alias_after(tokens, end)) is not None)


def alias_after(tokens: Sequence[Token], end: int) -> int | None:
    """Where the alias of what ends before a position stands, if it has one."""
    position = end + (word_at(tokens, end) == "as")
    if position >= len(tokens) or not tokens[position].named or word_at(tokens, position) in _AFTER_TABLES:
        return None
    return position


def _closes_join(tokens: Sequence[Token], end: int) -> bool:
    depth, start = 1, end
    while depth and start:
        start -= 1
        depth += {")": 1, "(": -1}.get(sign_at(tokens, start), 0)
    return _opens_join(tokens, start)


def _opens_join(tokens: Sequence[Token], start: int) -> bool:
    """Whether a parenthesis may be that of a join."""
    opened = word_at(tokens, start - 1) in ("from", "join") or sign_at(tokens, start - 1) in (",", "(")
    return opened and word_at(tokens, start + 1) not in ("select", "with", "values")


def _renames(tokens: Sequence[Token], chain: Chain) -> bool:
    """Whether a list of other names for its columns follows an alias."""
    return sign_at(tokens, chain.end) == "("


def _is_value(tokens: Sequence[Token], chain: Chain, declared: Collection[int]) -> bool:
    """Whether an alias stands alone, where it is neither declared nor the name of a table to read."""
    if len(chain.path) > 1 or chain.first in declared or sign_at(tokens, chain.end) == ".":
        return False
    return word_at(tokens, chain.first - 1) not in ("from", "join", "only")


# --- names


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name in SQL that is no function's, and its alias, if one follows; `listed` where a FROM clause lists tables."""

    path: tuple[str, ...]
    alias: str | None
    listed: bool


@functools.lru_cache(maxsize=4096)
def names_in(text: str) -> tuple[Name, ...]:
    """The names in SQL text, outside of literals and comments, keywords among them; no functions, types and names given by AS."""
    tokens, names = tokens_of(text), []
    for chain in chains_of(text):
        if _is_given(tokens, chain):
            continue
        position = alias_after(tokens, chain.end)
        if position is not None or sign_at(tokens, chain.end) != "(":
            alias = None if position is None else tokens[position].name
            names.append(Name(chain.path, alias, _is_listed(tokens, chain.first)))
    return tuple(names)


def _is_given(tokens: Sequence[Token], chain: Chain) -> bool:
    """Whether a name is that of a type, as in ``x::date`` and ``date '…'``, or stands behind AS, which gives a name or a type."""
    if sign_at(tokens, chain.first - 1) == "::" or word_at(tokens, chain.first - 1) == "as":
        return True
    return chain.end < len(tokens) and tokens[chain.end].sort == "text"


_CLAUSES = frozenset("select from join table on using where by having returning set values".split())


def _is_listed(tokens: Sequence[Token], position: int) -> bool:
    """Whether a name stands where a FROM clause lists its tables: a comma there ends the condition of a join, too."""
    if word_at(tokens, position - 1) == "only":
        return True
    depth, start = 0, position - 1
    while start >= 0 and depth >= 0:
        word, before = word_at(tokens, start), word_at(tokens, start - 1)
        depth += {")": 1, "]": 1, "(": -1, "[": -1}.get(sign_at(tokens, start), 0)
        if depth == 0 and word in _CLAUSES and (before, word) != ("distinct", "from"):
            return word in ("from", "join", "table") or (
                word in ("on", "using") and sign_at(tokens, position - 1) == ","
            )
        start -= 1
    return depth < 0 and _opens_join(tokens, start + 1) and _is_listed(tokens, start + 1)


def lone_name(text: str) -> tuple[str, ...] | None:
    """The dotted name that an expression consists of, perhaps in parentheses; None for any other expression."""
    tokens, chains = tokens_of(text), chains_of(text)
    first, end = 0, len(tokens)
    while sign_at(tokens, first) == "(" and sign_at(tokens, end - 1) == ")":
        first, end = first + 1, end - 1
    return chains[0].path if chains and (chains[0].first, chains[0].end) == (first, end) else None


def only_table(clause: str) -> tuple[tuple[str, ...], str] | None:
    """The name by which columns of the only table of a FROM clause are called, and how SQL writes it.

    None where the clause reads several tables; a join of the engine's own, which begins with ``tgi_``, does not count.
    """
    tokens, chains = tokens_of(clause), chains_of(clause)
    first = int(word_at(tokens, 0) == "only")
    table = next((chain for chain in chains if chain.first == first), None)
    if table is None:
        return None
    position = alias_after(tokens, table.end)
    end = table.end if position is None else position + 1
    if end < len(tokens) and not _is_own_join(tokens, end):
        return None
    if position is not None:
        return (tokens[position].name,), clause[tokens[position].start : tokens[position].end]
    return table.path, clause[tokens[table.first].start : tokens[table.end - 1].end]


def _is_own_join(tokens: Sequence[Token], start: int) -> bool:
    """Whether a join of a subquery begins here whose alias is of the engine's own."""
    if word_at(tokens, start) != "left" or sign_at(tokens, start + 2) != "(":
        return False
    depth, end = 1, start + 2
    while depth and end < len(tokens):
        end += 1
        depth += {"(": 1, ")": -1}.get(sign_at(tokens, end), 0)
    position = alias_after(tokens, end + 1)
    return position is not None and tokens[position].name.startswith("tgi_")


# --- known tables and their columns

Columns = dict[tuple[str, str], set[str]]
"""Names of columns by the schema and name of their table."""


class KnownTables:
    """Finds the tables that SQL text names, by the names under which they are known."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._plain = {name for name, table in tables.items() if name == table.name}
        self._qualified = {table.path: name for name, table in tables.items() if name != table.name}

    def named_in(self, text: str) -> set[str]:
        """The names of the tables that are read, and of those in texts that are cast to regclass."""
        found = words(text)
        plain = self._plain & found.alone  # most texts name no table, and need no closer look
        listed = {name.path[0] for name in names_in(text) if name.listed and len(name.path) == 1} if plain else set()
        pairs = {self._qualified[pair] for pair in self._qualified.keys() & found.pairs}
        return (plain & listed) | pairs.union(*map(self._named_by, relation_texts(text)))

    def _named_by(self, text: str) -> set[str]:
        return self.named_in(f"TABLE {text}")


def columns_named(texts: Iterable[str], tables: Mapping[str, Table]) -> Columns:
    """The columns of `tables` (by any of their names) that the texts name.

    ``alias.column`` counts for the table behind the alias where it is one of them; any other name counts for every table
    that has such a column. An alias holds in all of the texts.
    """
    texts = list(texts)
    names = [name for text in texts for name in names_in(text)]
    behind = _tables_behind(names, tables)
    columns: Columns = {table.path: {text for text in texts if text in table.columns} for table in tables.values()}
    for name in names:
        if name.listed and ".".join(name.path) in tables:
            continue
        *qualifier, column = name.path
        owners = behind.get(".".join(qualifier)) if qualifier else None
        for table in owners or tables.values():
            if column in table.columns:
                columns[table.path].add(column)
    return columns


def _tables_behind(names: Iterable[Name], tables: Mapping[str, Table]) -> Mapping[str, list[Table]]:
    """The tables that columns are qualified by: under their own names, and under their aliases."""
    behind: dict[str, list[Table]] = defaultdict(list)
    for known, table in tables.items():
        behind[known].append(table)
        behind[table.name].append(table)
    for name in names:
        table_named = tables.get(".".join(name.path))
        if table_named is not None and name.alias is not None:
            behind[name.alias].append(table_named)
    return behind


def relation_texts(text: str) -> Iterator[str]:
    """The literals that are made names of tables: ``'…'::regclass``, ``regclass '…'`` and ``to_regclass('…')``."""
    if "regclass" not in text.lower():
        return
    tokens = tokens_of(text)
    for n in range(len(tokens)):
        value = literal_at(tokens, n, text)
        if value is not None and _is_made_regclass(tokens, n):
            yield value


def _is_made_regclass(tokens: Sequence[Token], position: int) -> bool:
    before, after = word_at(tokens, position - 1), sign_at(tokens, position + 1)
    if before == "regclass":
        return True
    if after == "::" or word_at(tokens, position + 1) == "as":
        of = position + 2
        return "regclass" in (word_at(tokens, of), word_at(tokens, of + 2) if sign_at(tokens, of + 1) == "." else "")
    return sign_at(tokens, position - 1) == "(" and word_at(tokens, position - 2) == "to_regclass"
