"""Which tables rules name, which of them are not there, and what somebody who named them may have meant. Pure."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Iterator, Sequence

from pytest_tgintegrity.planning.facts import Facts
from pytest_tgintegrity.planning.sql.compose import Params, plain
from pytest_tgintegrity.planning.sql.relations import relations_in
from pytest_tgintegrity.rules.kinds import Declared, Kind, Schema
from pytest_tgintegrity.rules.kinds.fields import asked_texts, sources_of

_MAY_READ = re.compile(r"\b(?:from|join)\b", re.IGNORECASE)
"""What a text holds that reads a table; most hold neither, and are not looked at more closely."""
NEAR = 3


def tables_named(kind: Kind, params: Params) -> frozenset[str]:
    """The tables that a rule of this kind names; none where the catalog named them, or where the SQL is a test's own."""
    return frozenset() if isinstance(kind, Declared) else frozenset(_named(kind, {"since": "", **params}))


def _named(kind: Kind, params: Params) -> Iterator[str]:
    if isinstance(kind, Schema) and kind.table is not None:
        yield plain(kind.table, params)
    for source in sources_of(kind):
        if isinstance(source, str):
            yield plain(source, params)
        else:
            yield from relations_in(f"SELECT FROM {plain(source.from_clause, params)}")
    for named in asked_texts(kind):
        if named.role.holds == "sql" and _MAY_READ.search(named.text):
            yield from relations_in(plain(named.text, params))


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
