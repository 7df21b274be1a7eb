"""The same SQL text with other tables in the place of those that it names. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from pytest_tgintegrity.planning.sql.names import Reading, Relation, alias_after
from pytest_tgintegrity.planning.sql.tokens import Chain, Token, chains_of, sign_at, tokens_of, word_at, words


def standing_in(text: str, names_of: Mapping[tuple[str, str], str]) -> str:
    """The text with qualified names of tables replaced by other names; what is said of their columns stays true."""
    replaced = {pair: name for pair, name in names_of.items() if pair in words(text).pairs}
    if not replaced:
        return text
    tokens, parts, done = tokens_of(text), [], 0
    for chain in chains_of(text):
        name = replaced.get((chain.path[0], chain.path[1])) if len(chain.path) > 1 else None
        if name is not None:
            parts += [text[done : tokens[chain.first].start], _replacement(tokens, chain, name)]
            done = tokens[chain.first + _PAIR - 1].end
    return "".join([*parts, text[done:]])


_PAIR = 3
"""Tokens of schema and name."""


def _replacement(tokens: Sequence[Token], chain: Chain, name: str) -> str:
    own = _quoted(chain.path[1])
    if chain.end - chain.first > _PAIR or sign_at(tokens, chain.end) in (".", "("):
        return own
    aliased = alias_after(tokens, chain.end) is not None or word_at(tokens, chain.end) == "as"
    return _quoted(name) if aliased else f"{_quoted(name)} AS {own}"


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def can_stand_in(reading: Reading, relation: Relation) -> bool:
    """Whether all that a text says of a table is taken for what stands in for it by `standing_in`.

    It is not where the table's schema is an alias too, or stands behind the name of the database.
    """
    if reading.anything:
        return False
    if relation.path not in reading.words.pairs:
        return True
    paths = [chain.path for chain in chains_of(reading.text) if relation.path in pairwise(chain.path)]
    return all(path[:2] == relation.path for path in paths) and (relation.schema,) not in {
        chain.path for chain in chains_of(reading.text)
    }
