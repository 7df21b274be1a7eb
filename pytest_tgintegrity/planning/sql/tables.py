"""Which tables and columns SQL text reads, as far as tokens tell, and the same text with other tables in their place. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pytest_tgintegrity.planning.sql.tokens import Chain, Token, Words, chains, sign_at, tokens, word_at, words

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
        return sum(1 for chain in chains(self.text) if chain.path in (relation.path, relation.path[1:]))


def reading(text: str) -> Reading:
    """What a text may read."""
    return Reading(text, words(text))


@functools.lru_cache(maxsize=8192)
def _takes_rows(text: str, table: str) -> bool:
    """Whether rows of a table may be taken whole, so that any of their columns counts."""
    if {"natural", "table"} & words(text).names:
        return True
    if _is_named_once(text, table):
        return False
    told, found = tokens(text), chains(text)
    if any(_is_star(told, n) for n in range(len(told))):
        return True
    declared = frozenset(_aliases(told, found, table))
    aliases = {table, *(told[one].name for one in declared)}
    return any(
        chain.path[-1] in aliases and (_renames(told, chain) or _is_value(told, chain, declared)) for chain in found
    )


def _is_named_once(text: str, table: str) -> bool:
    """Whether a table plainly has no alias and its name is used for nothing else: most rules need no closer look."""
    if "*" in text or text.lower().count(table.lower()) > 1:
        return False
    return (
        re.search(rf'\bFROM\s+"?{re.escape(table)}"?\s*(?:$|\)|(?:WHERE|LEFT|GROUP|ORDER)\b)', text, re.IGNORECASE)
        is not None
    )


def _is_star(told: Sequence[Token], position: int) -> bool:
    """Whether an asterisk stands for columns: it does not multiply, and it is not that of ``count(*)``."""
    if sign_at(told, position) != "*":
        return False
    before, after = position - 1, position + 1
    if sign_at(told, before) == "(" and sign_at(told, after) == ")":
        return False
    ends = after >= len(told) or word_at(told, after) in _AFTER_TABLES
    return (
        ends
        or word_at(told, before) in ("select", "distinct", "all")
        or sign_at(told, before) in (".", ",")
        or sign_at(told, after) in (")", ",", ";")
    )


def _aliases(told: Sequence[Token], found: Iterable[Chain], table: str) -> Iterable[int]:
    """Where the aliases of a table are declared, or those of a join in parentheses, which it may be part of."""
    ends = {chain.end for chain in found if chain.path[-1] == table}
    ends |= {n + 1 for n in range(len(told)) if sign_at(told, n) == ")" and _closes_join(told, n)}
    for end in ends:
        position = end + (word_at(told, end) == "as")
        if _may_be_alias(told, position):
            yield position


def _closes_join(told: Sequence[Token], end: int) -> bool:
    depth, start = 1, end
    while depth and start:
        start -= 1
        depth += {")": 1, "(": -1}.get(sign_at(told, start), 0)
    opened = word_at(told, start - 1) in ("from", "join") or sign_at(told, start - 1) in (",", "(")
    return opened and word_at(told, start + 1) not in ("select", "with", "values")


def _may_be_alias(told: Sequence[Token], position: int) -> bool:
    if position >= len(told) or not told[position].named:
        return False
    return word_at(told, position) not in _AFTER_TABLES


def _renames(told: Sequence[Token], chain: Chain) -> bool:
    """Whether a list of other names for its columns follows an alias."""
    return sign_at(told, chain.end) == "("


def _is_value(told: Sequence[Token], chain: Chain, declared: Collection[int]) -> bool:
    """Whether an alias stands alone, where it is neither declared nor the name of a table to read."""
    if len(chain.path) > 1 or chain.first in declared or sign_at(told, chain.end) == ".":
        return False
    return word_at(told, chain.first - 1) not in ("from", "join", "only")


# --- tables in the place of others


def standing_in(text: str, names_of: Mapping[tuple[str, str], str]) -> str:
    """The text with qualified names of tables replaced by other names; what is said of their columns stays true."""
    replaced = {pair: name for pair, name in names_of.items() if pair in words(text).pairs}
    if not replaced:
        return text
    told, parts, done = tokens(text), [], 0
    for chain in chains(text):
        name = replaced.get((chain.path[0], chain.path[1])) if len(chain.path) > 1 else None
        if name is not None:
            parts += [text[done : told[chain.first].start], _replacement(told, chain, name)]
            done = told[chain.first + _PAIR - 1].end
    return "".join([*parts, text[done:]])


_PAIR = 3
"""Tokens of schema and name."""


def _replacement(told: Sequence[Token], chain: Chain, name: str) -> str:
    own = _quoted(chain.path[1])
    if chain.end - chain.first > _PAIR or sign_at(told, chain.end) in (".", "("):
        return own
    aliased = _may_be_alias(told, chain.end) or word_at(told, chain.end) == "as"
    return _quoted(name) if aliased else f"{_quoted(name)} AS {own}"


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def can_stand_in(found: Reading, relation: Relation) -> bool:
    """Whether all that a text says of a table is taken for what stands in for it by `standing_in`.

    It is not where the table's schema is an alias too, or stands behind the name of the database.
    """
    if found.anything:
        return False
    if relation.path not in found.words.pairs:
        return True
    paths = [chain.path for chain in chains(found.text) if relation.path in pairwise(chain.path)]
    return all(path[:2] == relation.path for path in paths) and (relation.schema,) not in {
        chain.path for chain in chains(found.text)
    }
