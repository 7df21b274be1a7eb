"""Passwords: find them in connection strings, and take them out of whatever is going to be shown. Pure.

A password that equals the name of the user, the host or the database is hidden only where it stands as a password. A short or plain word is hidden where it stands alone, so that `test` does not spoil every
test's name. All others are hidden wherever they occur, however they are spelled.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, unquote

MASK = "***"
SHORT = 4
PLAIN = 8

_URL_SECRET = re.compile(r"(://[^:/@?#\s]*:)([^\s]*)@")
_KEYWORD_SECRET = re.compile(r"(\b(?:ssl)?password\s*=\s*)('(?:\\.|[^'\\])*'|[^\s&'\"]+)")
_BEFORE = r"(://[^\s:/@]*:|(?i:password)\W{1,5})"


def passwords_in(text: str) -> frozenset[str]:
    """The passwords of a connection string, as written and decoded."""
    passwords = {match[2].strip("'") for pattern in (_URL_SECRET, _KEYWORD_SECRET) for match in pattern.finditer(text)}
    return frozenset(password for password in passwords | {unquote(password) for password in passwords} if password)


def masked(text: str) -> str:
    """`text` without the passwords of the connection strings in it."""
    return _KEYWORD_SECRET.sub(rf"\1{MASK}", _URL_SECRET.sub(rf"\1{MASK}@", text))


class Secrets:
    """What must not be shown; `public` are words that have to stay readable."""

    def __init__(self, words: Iterable[str] = (), public: Iterable[str] = ()) -> None:
        self.words = frozenset(word for word in words if word)
        self.public = frozenset(public)
        hidden = [pattern for word in sorted(self.words, key=len, reverse=True) for pattern in self._patterns(word)]
        self._pattern = re.compile("|".join(hidden)) if hidden else None

    def __repr__(self) -> str:
        """Tell how many, not which."""
        return f"<{len(self.words)} secrets>"

    def _patterns(self, word: str) -> Iterable[str]:
        if word in self.public:
            yield rf"{_BEFORE}{re.escape(word)}(?!\w)"
            return
        plain = len(word) < SHORT or (len(word) < PLAIN and word.isalpha())
        for spelled in sorted(_spellings(word), key=len, reverse=True):
            yield rf"(?:(?<!\w)|(?<=\\[nrt])){re.escape(spelled)}(?!\w)" if plain else re.escape(spelled)

    def including(self, *words: str | None) -> Secrets:
        """These and more."""
        return Secrets(self.words | {word for word in words if word}, self.public)

    def scrub(self, text: str) -> str:
        """`text` with a mask in the place of each password."""
        return text if self._pattern is None else self._pattern.sub(_hidden, text)


def _spellings(word: str) -> set[str]:
    """A word as it is, in a URL, and in a keyword string; each also inside one or two literals of Python or JSON."""
    spellings = {word, quote(word), quote(word, safe=""), _escaped(word)}
    for _ in range(2):
        spellings |= {
            literal
            for spelling in spellings
            for literal in (_escaped(spelling), spelling.replace("\\", r"\\"), json.dumps(spelling)[1:-1])
        }
    return spellings


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("'", r"\'")


def _hidden(match: re.Match[str]) -> str:
    return f"{next((kept for kept in match.groups() if kept), '')}{MASK}"


def scrub_document(value: Any, scrub: Callable[[str], str]) -> Any:
    """A JSON document without secrets; what is not JSON becomes text first, as it would when it is written."""
    match value:
        case str():
            return scrub(value)
        case None | bool() | int() | float():
            return value
        case dict():
            return {scrub(str(key)): scrub_document(part, scrub) for key, part in value.items()}
        case list() | tuple():
            return [scrub_document(part, scrub) for part in value]
    return scrub(str(value))


@functools.lru_cache(maxsize=4)
def together(known: Secrets, given: Secrets) -> Secrets:
    """The secrets of the run, once they are known, and those that were given for other servers."""
    return known.including(*given.words) if known.words else given
