"""SQL text as PostgreSQL's scanner sees it: tokens, names as the server folds them, calls, and times. Pure.

Nothing is parsed: what cannot be told from tokens alone is answered so that too much is named rather than too little.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

Sort = Literal["name", "quoted", "escaped name", "text", "number", "parameter", "sign"]

LONGEST_NAME = 63
"""In bytes: the server cuts off the rest."""

_HIGH = "\x80-\U0010ffff"
_SPACE = r"[ \t\n\r\f\v]"
_CONTINUED = rf"(?:{_SPACE}|--[^\n\r]*)*"
_NUMBER = (
    r"(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+"
    r"|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)"
)
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
  | (?P<number>{_NUMBER})
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
    if name.isascii():
        return name.lower()[:LONGEST_NAME]
    return _cut("".join(one.lower() if one.isascii() else one for one in name))


def _cut(name: str) -> str:
    strange = [char for char in name if "\ud800" <= char <= "\udfff"]
    if strange and all("\udc80" <= char <= "\udcff" for char in strange):  # bytes of SQL_ASCII, which is cut anywhere
        return name.encode("utf-8", "surrogateescape")[:LONGEST_NAME].decode("utf-8", "surrogateescape")
    return name.encode("utf-8", "surrogatepass")[:LONGEST_NAME].decode("utf-8", "ignore")


@functools.lru_cache(maxsize=64)
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
    if not _OPERATOR.fullmatch(found[0]):
        return found.end()
    return found.start() + len(_operator(found[0]))


def _operator(signs: str) -> str:
    """The first operator of a row of signs: it ends before a comment, and with + or - only if it has an unusual sign."""
    for start in ("--", "/*"):
        if (at := signs.find(start)) > 0:
            signs = signs[:at]
    while len(signs) > 1 and signs[-1] in "+-" and not _SPECIAL.intersection(signs):
        signs = signs[:-1]
    return signs


def _operators(signs: str) -> Iterator[str]:
    while signs:
        yield (one := _operator(signs))
        signs = signs[len(one) :]


class Chain(NamedTuple):
    """A dotted name, and where it stands among the tokens: from `first` to before `end`."""

    path: tuple[str, ...]
    first: int
    end: int


@functools.lru_cache(maxsize=64)
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
        while sign_at(told, position) == "." and position + 1 < len(told) and told[position + 1].named:
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


@dataclass(frozen=True, slots=True)
class Words:
    """What SQL text names, as the server folds it.

    `names` are all identifiers and keywords, `firsts` those that begin a dotted name or stand `alone`, `pairs` neighbours in
    a dotted name. `calls`
    are the functions that may be called: schema, empty where none is said, and name. `escaped` says that a name is
    written with escapes (``U&"…"``), which may be any.
    """

    names: frozenset[str]
    firsts: frozenset[str]
    alone: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    calls: frozenset[tuple[str, str]]
    operators: frozenset[str]
    escaped: bool


@functools.lru_cache(maxsize=16384)
def words(text: str) -> Words:
    """What SQL text names."""
    return unusual_words(text) if _UNUSUAL.search(text) else _plain_words(_PIECE.findall(text))


_UNUSUAL = re.compile(r"""/\*|\$|&["']|'\s*(?:--|[\n\r]\s*')""")
"""Where text has to be looked at token by token: comments that nest, quotes with tags, names with escapes, texts that go on in another line."""

_PIECE = re.compile(
    rf"""--[^\n\r]*|("(?:[^"]|"")*(?:"|\Z)|[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)|[nNbBxX]?'(?:[^']|'')*(?:'|\Z)|[A-Za-z_{_HIGH}][A-Za-z_0-9{_HIGH}]*"""
    rf"""|{_NUMBER}|::|:=|(?:(?!--)[~!@#^&|`?+\-*/%<>=])+|[^ \t\n\r\f\v])""",
    re.DOTALL,
)


def unusual_words(text: str) -> Words:
    """What any SQL text names, token by token."""
    told, found = tokens(text), chains(text)
    operators = {one.name for one in told if one.sort == "sign" and _OPERATOR.fullmatch(one.name)}
    escaped = any(one.sort == "escaped name" for one in told)
    return _words({chain.path for chain in found}, _calls(told, found), operators, escaped=escaped)


def _words(
    paths: Iterable[tuple[str, ...]], calls: Iterable[tuple[str, str]], operators: Iterable[str], *, escaped: bool
) -> Words:
    return Words(
        names=frozenset(name for path in paths for name in path),
        firsts=frozenset(path[0] for path in paths),
        alone=frozenset(path[0] for path in paths if len(path) == 1),
        pairs=frozenset(pair for path in paths for pair in pairwise(path)),
        calls=frozenset(calls),
        operators=frozenset(operators),
        escaped=escaped,
    )


def _calls(told: Sequence[Token], found: Iterable[Chain]) -> Iterator[tuple[str, str]]:
    for chain in found:
        keyword = len(chain.path) == 1 and word_at(told, chain.first) in _NO_FUNCTIONS
        if sign_at(told, chain.end) == "(" and not keyword:
            yield (chain.path[-2] if len(chain.path) > 1 else ""), chain.path[-1]


def _plain_words(pieces: Sequence[str]) -> Words:
    """The same of text without anything unusual, several times as fast: there are thousands of rules."""
    paths: set[tuple[str, ...]] = set()
    calls: set[tuple[str, str]] = set()
    operators: set[str] = set()
    path: tuple[str, ...] = ()
    dotted, quoted = False, False
    for piece in pieces:
        start = piece[:1]
        if start == '"' or ((start.isidentifier() or start > "\x7f") and piece[1:2] != "'"):
            quoted = start == '"'
            if not dotted:
                paths.add(path)
            name = _cut(piece[1:].removesuffix('"').replace('""', '"')) if quoted else folded(piece)
            path, dotted = ((*path, name) if dotted else (name,)), False
        elif piece == "." and path and not dotted:
            dotted = True
        elif piece:
            if piece == "(" and path and not dotted and (len(path) > 1 or quoted or path[0] not in _NO_FUNCTIONS):
                calls.add((path[-2] if len(path) > 1 else "", path[-1]))
            elif _OPERATOR.match(piece):
                operators.update(_operators(piece))
            paths.add(path)
            path, dotted = (), False
    return _words({*paths, path} - {()}, calls, operators, escaped=False)


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
_TIMES = re.compile(r"now|_timestamp|current_|localtime", re.IGNORECASE)
"""What any text with such a time holds."""


def at_instant(text: str, instant: str) -> str:
    """The text with every time that is the transaction's own replaced by `instant`, a literal of type timestamptz.

    Types stay what they were; `clock_timestamp` and the like, which move, stay too.
    """
    if not _TIMES.search(text):
        return text
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
