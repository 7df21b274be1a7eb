"""Which tables and views a query reads, whether they are there or not: what stands in its FROM clauses. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pytest_tgintegrity.planning.sql.tokens import Chain, Token, chains_of, sign_at, tokens_of, word_at

_ENDS = frozenset("where group having order limit offset fetch for union intersect except window returning set".split())
_SKIPPED = frozenset({"only", "lateral"})
_SYSTEM = ("pg_catalog", "information_schema")


@dataclass(slots=True)
class _Level:
    """What is between two parentheses: whether it is a query, whether its FROM clause is on, and a table comes next."""

    query: bool = False
    listing: bool = False
    expected: bool = False


@dataclass(slots=True)
class _Reader:
    told: Sequence[Token]
    levels: list[_Level] = field(default_factory=lambda: [_Level()])
    found: list[Chain] = field(default_factory=list)

    def sign(self, sign: str, position: int) -> None:
        level = self.levels[-1]
        if sign == "(":
            joins = level.expected and word_at(self.told, position + 1) not in ("select", "with", "values")
            self.levels.append(_Level(query=joins, listing=joins, expected=joins))
            level.expected = False
        elif sign == ")" and len(self.levels) > 1:
            self.levels.pop()
        elif sign == "," and level.listing:
            level.expected = True

    def chain(self, chain: Chain) -> None:
        level, word = self.levels[-1], word_at(self.told, chain.first)
        if word == "select":
            level.query = True
        elif word == "from":
            level.listing = level.expected = level.query and word_at(self.told, chain.first - 1) != "distinct"
        elif word == "join" and level.listing:
            level.expected = True
        elif word in _ENDS:
            level.listing = level.expected = False
        elif level.expected and word not in _SKIPPED:
            level.expected = False
            if sign_at(self.told, chain.end) != "(":  # else it is a function
                self.found.append(chain)


@functools.lru_cache(maxsize=4096)
def relations_in(text: str) -> frozenset[str]:
    """The tables and views that a query reads, as far as tokens tell: no names of its own, no functions, none of the system.

    >>> sorted(relations_in("SELECT extract(day FROM d) FROM a, s.b AS x JOIN (c JOIN d ON true) ON x IS DISTINCT FROM y"))
    ['a', 'c', 'd', 's.b']
    """
    told = tokens_of(text)
    reader = _Reader(told)
    starts = {one.first: one for one in chains_of(text)}
    position = 0
    while position < len(told):
        if (chain := starts.get(position)) is not None:
            reader.chain(chain)
            position = chain.end
        else:
            reader.sign(sign_at(told, position), position)
            position += 1
    own = _with_names(told, starts.values())
    return frozenset(".".join(one.path[-2:]) for one in reader.found if _is_table(one.path, own))


def _is_table(path: Sequence[str], own: Iterable[str]) -> bool:
    if len(path) == 1:
        return path[0] not in own and not path[0].startswith("pg_")
    return path[-2] not in _SYSTEM


def _with_names(told: Sequence[Token], found: Iterable[Chain]) -> frozenset[str]:
    """What a query calls parts of itself: ``WITH name AS (…)``, ``name (columns) AS NOT MATERIALIZED (…)``."""
    return frozenset(one.path[0] for one in found if len(one.path) == 1 and _is_declared(told, one.end))


def _is_declared(told: Sequence[Token], position: int) -> bool:
    if sign_at(told, position) == "(":
        position = next((n + 1 for n in range(position, len(told)) if sign_at(told, n) == ")"), position)
    if word_at(told, position) != "as":
        return False
    position += 1
    while word_at(told, position) in ("not", "materialized"):
        position += 1
    return sign_at(told, position) == "("
