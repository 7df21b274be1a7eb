"""Definitions as they are after a dump and a restore, which change how PostgreSQL prints the same expression. Pure.

Of ``status IN ('a', 'b')`` with a varchar it makes a cast of the array, and of what it printed itself, read again, casts of the elements;
of ``n BETWEEN 1 AND 5 AND n <> 3`` an AND within an AND, and when read again one AND. All definitions are brought to the form of
the second time, which stays as it is.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

_QUOTED: Final = r"""'(?:[^']|'')*'|"(?:[^"]|"")*\""""
_BEGIN: Final = re.compile(rf"({_QUOTED})|\(ARRAY\[")
_PAIR: Final = re.compile(rf"({_QUOTED})|\(\(")
_TOKEN: Final = re.compile(rf"{_QUOTED}|[\[\](),]| (?:AND|OR) ")
_NAME: Final = r"""(?:"(?:[^"]|"")+"|\w+)"""
_MODIFIER: Final = r"(?:\([\d, -]+\))?"
_TYPE: Final = re.compile(rf"\)::({_NAME}(?:\.{_NAME})?{_MODIFIER}(?: \w+)*{_MODIFIER})\[\]")
_NESTED: Final = (") AND ", ") OR ")


def settled(definition: str) -> str:
    """The definition as PostgreSQL prints it once it has read what it printed; one of hundreds of nested arrays as it is."""
    try:
        return _in_one_list(_of_elements(definition))
    except RecursionError:
        return definition


# --- casts of arrays


def _of_elements(text: str) -> str:
    """Each element has the cast that its array has."""
    done, at = [], 0
    while (begin := _BEGIN.search(text, at)) is not None:
        end, said = (None if begin[1] else _cast(text, begin.end())) or (begin.end(), begin[0])
        done += [text[at : begin.start()], said]
        at = end
    return "".join([*done, text[at:]])


def _cast(text: str, begin: int) -> tuple[int, str] | None:
    """Where the cast of the array ends, whose elements begin there, and what is said instead; None if there is no cast."""
    marks = [begin, *_marks(text, begin)]
    of = _TYPE.match(text, marks[-1])
    if of is None:
        return None
    elements = [text[one : other - 1].strip() for one, other in itertools.pairwise(marks)]
    return of.end(), f"ARRAY[{', '.join(_element(one, of[1]) for one in elements)}]"


def _element(text: str, of: str) -> str:
    if text.startswith("ARRAY["):
        return _of_elements(f"({text})::{of}[]")
    return f"({_of_elements(text)})::{of}"


def _marks(text: str, begin: int) -> Iterator[int]:
    """Behind each comma of the list that begins there, and behind its end."""
    for token, depth in _tokens(text, begin):
        if token[0] == "," and depth == 0:
            yield token.end()
        if depth < 0:
            yield token.end()
            return


def _tokens(text: str, begin: int) -> Iterator[tuple[re.Match[str], int]]:
    """Brackets, commas, AND and OR outside of quotes, with the depth behind them; it is -1 behind the bracket that ends all."""
    depth = 0
    for token in _TOKEN.finditer(text, begin):
        depth += (token[0] in ("(", "[")) - (token[0] in (")", "]"))
        yield token, depth


# --- lists of conditions


def _in_one_list(text: str) -> str:
    """An AND or OR that begins with one of its own sort has the conditions of both."""
    if not any(nested in text for nested in _NESTED):
        return text
    at = 0
    while (begin := _PAIR.search(text, at)) is not None:
        at = begin.end() if begin[1] else begin.start() + 1
        inner = None if begin[1] else _inner(text, begin.end())
        if inner is not None:
            text = f"{text[:at]}{text[at + 1 : inner]}{text[inner + 1 :]}"
            at -= 1
    return text


def _inner(text: str, begin: int) -> int | None:
    """Where the list of conditions ends that begins there, if what follows is of the same sort; None otherwise."""
    words = set()
    for token, depth in _tokens(text, begin):
        if depth == 0 and token[0] in (" AND ", " OR "):
            words.add(token[0])
        if depth < 0:
            return token.start() if any(text.startswith(word, token.end()) for word in words) else None
    return None
