"""The times of a transaction in SQL text, and the same text as of another instant. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pytest_tgintegrity.planning.sql.tokens import Chain, Token, chains_of, sign_at, tokens_of

_NOW = frozenset({"now", "transaction_timestamp", "statement_timestamp"})
_CURRENT = {
    "current_date": "date",
    "current_time": "timetz",
    "current_timestamp": "timestamptz",
    "localtime": "time",
    "localtimestamp": "timestamp",
}
_TIMES = re.compile(r"now|_timestamp|current_|localtime", re.IGNORECASE)
"""What any text with such a time holds."""


def at_instant(text: str, instant: str) -> str:
    """The text with every time that is the transaction's own replaced by `instant`, a literal of type timestamptz.

    Types stay what they were; `clock_timestamp` and the like, which move, stay too.
    """
    if not _TIMES.search(text):
        return text
    tokens = tokens_of(text)
    parts, done = [], 0
    for start, end, value in _times(tokens, chains_of(text), instant):
        parts += [text[done:start], value]
        done = end
    return "".join([*parts, text[done:]])


def moves(text: str) -> bool:
    """Whether the text names the time of the transaction."""
    return at_instant(text, "''") != text


def _times(tokens: Sequence[Token], chains: Sequence[Chain], instant: str) -> Iterator[tuple[int, int, str]]:
    value = f"CAST({instant} AS pg_catalog.timestamptz)"
    for chain in chains:
        dotted = sign_at(tokens, chain.first - 1) == "." or sign_at(tokens, chain.end) == "."
        called = sign_at(tokens, chain.end) == "("
        name, start = chain.path[-1], tokens[chain.first].start
        if dotted:
            continue
        if name in _NOW and chain.path[:-1] in ((), ("pg_catalog",)) and called:
            if sign_at(tokens, chain.end + 1) == ")":
                yield start, tokens[chain.end + 1].end, value
        elif name in _CURRENT and len(chain.path) == 1 and tokens[chain.first].sort == "name":
            of, end = f"pg_catalog.{_CURRENT[name]}", tokens[chain.first].end
            if called and name != "current_date" and sign_at(tokens, chain.end + 2) == ")":
                of, end = f"{of}({tokens[chain.end + 1].name})", tokens[chain.end + 2].end
            yield start, end, value if of == "pg_catalog.timestamptz" else f"CAST({value} AS {of})"
