"""Which tables a declaration names, whether they are there or not, and what somebody who named them may have meant. Pure."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from pytest_tgintegrity.kinds import Declared, Kind, Source
from pytest_tgintegrity.predicates import Params, plain
from pytest_tgintegrity.schema import Facts
from pytest_tgintegrity.sql_text import Chain, Token, chains, sign_at, tokens, word_at

_SOURCES = frozenset({"source", "target", "child", "table"})
"""The fields of a kind that hold the name of a table where they are text."""
_NO_SQL = frozenset({"name", "values", "shape", "constraint", "index", "trigger"})
_MAY_READ = re.compile(r"\b(?:from|join)\b", re.IGNORECASE)
_ENDS = frozenset("where group having order limit offset fetch for union intersect except window returning set".split())
_SKIPPED = frozenset({"only", "lateral"})
_CALLS = frozenset({"extract", "substring", "trim", "overlay", "position"})
"""Functions with a FROM of their own between their parentheses."""
_SYSTEM = ("pg_catalog", "information_schema")
NEAR = 3


def tables_named(kind: Kind, params: Params) -> frozenset[str]:
    """The tables that a rule of this kind names; none where the catalog named them, or where the SQL is a test's own."""
    return frozenset() if isinstance(kind, Declared) else frozenset(_named(kind, {"since": "", **params}))


def _named(declared: Any, params: Params) -> Iterator[str]:
    for one in fields(declared):
        if one.name not in _NO_SQL:
            yield from _of_field(one.name, getattr(declared, one.name), params)


def _of_field(name: str, value: Any, params: Params) -> Iterator[str]:
    if isinstance(value, Source):
        yield from relations_in(f"SELECT FROM {plain(value.from_clause, params)}")
    elif isinstance(value, str) and name in _SOURCES:
        yield plain(value, params)
    elif isinstance(value, str):
        yield from relations_in(plain(value, params)) if _MAY_READ.search(value) else ()
    elif isinstance(value, tuple):
        for one in value:
            yield from _of_field("", one, params)
    elif hasattr(value, "__dataclass_fields__"):
        yield from _named(value, params)


# --- FROM clauses


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
    told = tokens(text)
    reader = _Reader(told)
    starts = {one.first: one for one in chains(text)}
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


# --- what was meant


def missing(named: Iterable[str], facts: Facts) -> list[str]:
    """The names that the server will not find."""
    return sorted(one for one in set(named) if facts.table(one) is None)


def did_you_mean(names: Sequence[str], facts: Facts) -> str:
    """The tables that are called nearly so, for people; empty where none is."""
    known = _known(tuple(sorted(facts.tables)))
    near = [one for name in names for one in _near(name, known)]
    return f"did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""


@functools.lru_cache(maxsize=1)
def _known(tables: tuple[str, ...]) -> tuple[str, ...]:
    """Every table once: by its plain name where that finds it."""
    found = set(tables)
    return tuple(one for one in tables if "." not in one or one.rpartition(".")[2] not in found)


@functools.lru_cache(maxsize=256)
def _near(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """First those of another schema, which the search path does not find."""
    last = name.rpartition(".")[2]
    elsewhere = [one for one in known if one.rpartition(".")[2] == last]
    return tuple([*elsewhere, *difflib.get_close_matches(name, known, NEAR)][:NEAR])
