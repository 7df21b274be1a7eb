"""SQL text as PostgreSQL's scanner sees it: tokens, names as the server folds them, calls, and times. Pure.

Nothing is parsed: what cannot be told from tokens alone is answered so that too much is named rather than too little.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

Sort = Literal["name", "quoted", "escaped name", "text", "number", "parameter", "sign"]

LONGEST_NAME = 63
"""In bytes: the server cuts off the rest."""

_HIGH = "\x80-\U0010ffff"
_SPACE = r"[ \t\n\r\f\v]"
_CONTINUED = rf"(?:{_SPACE}|--[^\n\r]*)*"
_TOKEN = re.compile(
    rf"""
    (?P<blank>{_SPACE}+|--[^\n\r]*)
  | (?P<comment>/\*)
  | (?P<escaped_name>[uU]&"(?:[^"]|"")*(?:"|\Z))
  | (?P<quoted>"(?:[^"]|"")*(?:"|\Z))
  | (?P<escapes>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)(?:{_CONTINUED}(?<=[\n\r]){_CONTINUED}'(?:[^'\\]|\\.|'')*(?:'|\Z))*)
  | (?P<text>(?:[nNbBxX]|[uU]&)?'(?:[^']|'')*(?:'|\Z))
  | (?P<dollar>\$(?:[A-Za-z_{_HIGH}][A-Za-z_0-9{_HIGH}]*)?\$)
  | (?P<name>[A-Za-z_{_HIGH}][A-Za-z_0-9${_HIGH}]*)
  | (?P<number>(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?))
  | (?P<parameter>\$[0-9]+)
  | (?P<sign>::|:=|=>|\.\.|[~!@\#^&|`?+\-*/%<>=]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_OPERATOR = re.compile(r"[~!@#^&|`?+\-*/%<>=]+")
_SPECIAL = frozenset("~!@#^&|`?%")
_SORTS: dict[str, Sort] = {
    "escaped_name": "escaped name",
    "quoted": "quoted",
    "escapes": "text",
    "text": "text",
    "name": "name",
    "number": "number",
    "parameter": "parameter",
    "sign": "sign",
}


class Token(NamedTuple):
    """A token: `name` is what an identifier means to the server, and the text itself of anything else."""

    sort: Sort
    name: str
    start: int
    end: int

    @property
    def named(self) -> bool:
        """Whether it is an identifier or a keyword."""
        return self.sort in ("name", "quoted")


def folded(name: str) -> str:
    """An unquoted identifier as the server keeps it."""
    return _cut(name.lower() if name.isascii() else "".join(one.lower() if one.isascii() else one for one in name))


def _cut(name: str) -> str:
    return name if name.isascii() and len(name) <= LONGEST_NAME else _clipped(name)


def _clipped(name: str) -> str:
    return name.encode("utf-8", "surrogatepass")[:LONGEST_NAME].decode("utf-8", "ignore")


@functools.lru_cache(maxsize=512)
def tokens(text: str) -> tuple[Token, ...]:
    """All tokens but blanks and comments."""
    return tuple(_tokens(text))


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:  # no character is left over: the last alternative takes any
            return
        position, kind = found.end(), found.lastgroup
        if kind == "comment":
            position = _after_comment(text, position)
        elif kind == "dollar":
            end = text.find(found[0], position)
            position = len(text) if end < 0 else end + len(found[0])
            yield Token("text", text[found.start() : position], found.start(), position)
        elif kind == "sign":
            position = _sign_end(found)
            yield Token("sign", text[found.start() : position], found.start(), position)
        elif kind is not None and kind != "blank":
            yield Token(_SORTS[kind], _meaning(kind, found[0]), found.start(), position)


def _meaning(kind: str, text: str) -> str:
    if kind == "name":
        return folded(text)
    return _cut(text[1:].removesuffix('"').replace('""', '"')) if kind == "quoted" else text


def _after_comment(text: str, position: int) -> int:
    """Comments nest."""
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, position)
        if edge is None:
            return len(text)
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
    return position


def _sign_end(found: re.Match[str]) -> int:
    """An operator ends before a comment, and with + or - only if something unusual stands in it."""
    operator = found[0]
    if not _OPERATOR.fullmatch(operator) or len(operator) == 1:
        return found.end()
    for start in ("--", "/*"):
        if (at := operator.find(start)) > 0:
            operator = operator[:at]
    while len(operator) > 1 and operator[-1] in "+-" and not _SPECIAL.intersection(operator):
        operator = operator[:-1]
    return found.start() + len(operator)


def escapes_names(text: str) -> bool:
    """Whether a name is written with escapes (``U&"…"``): it may name anything."""
    return "&" in text and any(one.sort == "escaped name" for one in tokens(text))


@functools.lru_cache(maxsize=8192)
def names(text: str) -> frozenset[str]:
    """All identifiers and keywords, as the server folds them."""
    return frozenset(one.name for one in tokens(text) if one.named)


class Chain(NamedTuple):
    """A dotted name, and where it stands among the tokens: from `first` to before `end`."""

    path: tuple[str, ...]
    first: int
    end: int


@functools.lru_cache(maxsize=512)
def chains(text: str) -> tuple[Chain, ...]:
    """The dotted names, in their order; a keyword is one of its own."""
    return tuple(_chains(tokens(text)))


def _chains(told: Sequence[Token]) -> Iterator[Chain]:
    position = 0
    while position < len(told):
        if not told[position].named:
            position += 1
            continue
        first, path = position, [told[position].name]
        position += 1
        while position + 1 < len(told) and told[position].name == "." and told[position + 1].named:
            path.append(told[position + 1].name)
            position += 2
        yield Chain(tuple(path), first, position)


def sign_at(told: Sequence[Token], position: int) -> str:
    """The sign at a position, empty where something else stands or nothing."""
    if 0 <= position < len(told) and told[position].sort == "sign":
        return told[position].name
    return ""


def word_at(told: Sequence[Token], position: int) -> str:
    """The unquoted word at a position, perhaps a keyword; empty where something else stands or nothing."""
    if 0 <= position < len(told) and told[position].sort == "name":
        return told[position].name
    return ""


_NO_FUNCTIONS = frozenset(
    "all and any array as between by case cast coalesce cross distinct else end except exists extract fetch filter for"
    " from full greatest group grouping having ilike in inner intersect into is join lateral least left like limit"
    " materialized natural not null nullif offset on only or order outer over partition recursive returning right"
    " rollup cube sets row select set similar some table then to union using values when where window with within"
    .split()
)  # fmt: skip


@functools.lru_cache(maxsize=8192)
def calls(text: str) -> frozenset[tuple[str, str]]:
    """The functions that may be called: schema (empty where none is said) and name."""
    told, found = tokens(text), set()
    for chain in chains(text):
        keyword = len(chain.path) == 1 and told[chain.first].sort == "name" and chain.path[0] in _NO_FUNCTIONS
        if sign_at(told, chain.end) == "(" and not keyword:
            found.add(((chain.path[-2] if len(chain.path) > 1 else ""), chain.path[-1]))
    return frozenset(found)


@functools.lru_cache(maxsize=8192)
def operators(text: str) -> frozenset[str]:
    """The operators, as they are written."""
    return frozenset(one.name for one in tokens(text) if one.sort == "sign" and _OPERATOR.fullmatch(one.name))


def relation_texts(text: str) -> Iterator[str]:
    """The texts that are cast to names of tables: of ``'…'::regclass`` and ``to_regclass('…')``."""
    if "regclass" not in text:
        return
    told = tokens(text)
    for n, one in enumerate(told):
        if one.sort == "text" and one.name.startswith("'"):
            cast = sign_at(told, n + 1) == "::" and word_at(told, n + 2) == "regclass"
            if cast or (sign_at(told, n - 1) == "(" and word_at(told, n - 2) == "to_regclass"):
                yield one.name[1:-1].replace("''", "'")


# --- times

_NOW = frozenset({"now", "transaction_timestamp", "statement_timestamp"})
_CURRENT = {
    "current_date": "date",
    "current_time": "timetz",
    "current_timestamp": "timestamptz",
    "localtime": "time",
    "localtimestamp": "timestamp",
}


def at_instant(text: str, instant: str) -> str:
    """The text with every time that is the transaction's own replaced by `instant`, a literal of type timestamptz.

    Types stay what they were; `clock_timestamp` and the like, which move, stay too.
    """
    told = tokens(text)
    parts, done = [], 0
    for start, end, value in _times(told, chains(text), instant):
        parts += [text[done:start], value]
        done = end
    return "".join([*parts, text[done:]])


def moves(text: str) -> bool:
    """Whether the text names the time of the transaction."""
    return at_instant(text, "''") != text


def _times(told: Sequence[Token], found: Sequence[Chain], instant: str) -> Iterator[tuple[int, int, str]]:
    value = f"CAST({instant} AS pg_catalog.timestamptz)"
    for chain in found:
        dotted = sign_at(told, chain.first - 1) == "." or sign_at(told, chain.end) == "."
        called = sign_at(told, chain.end) == "("
        name, start = chain.path[-1], told[chain.first].start
        if dotted:
            continue
        if name in _NOW and chain.path[:-1] in ((), ("pg_catalog",)) and called:
            if sign_at(told, chain.end + 1) == ")":
                yield start, told[chain.end + 1].end, value
        elif name in _CURRENT and len(chain.path) == 1 and told[chain.first].sort == "name":
            of, end = f"pg_catalog.{_CURRENT[name]}", told[chain.first].end
            if called and name != "current_date" and sign_at(told, chain.end + 2) == ")":
                of, end = f"{of}({told[chain.end + 1].name})", told[chain.end + 2].end
            yield start, end, value if of == "pg_catalog.timestamptz" else f"CAST({value} AS {of})"
