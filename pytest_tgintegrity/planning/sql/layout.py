"""How SQL text is laid out: its line breaks, and where its statement ends. Pure."""

from __future__ import annotations

import re
from itertools import pairwise

from pytest_tgintegrity.planning.sql.tokens import sign_at, tokens_of

_BREAK = re.compile(r"\s*\n\s*")


def in_one_line(text: str) -> str:
    """A statement without its author's line breaks, but for those in a literal or a name, and those that end a comment."""
    tokens = tokens_of(text)
    if not tokens:
        return text
    parts = [_joined(text[: tokens[0].start])]
    for token, after in pairwise(tokens):
        between = text[token.end : after.start]
        continued = token.sort == after.sort == "text"
        parts += [text[token.start : token.end], between if continued else _joined(between)]
    last = tokens[-1]
    return "".join([*parts, text[last.start : last.end], _joined(text[last.end :])])


def _joined(between: str) -> str:
    """What stands between two tokens: blanks and comments, of which some end with their line."""
    return between if "--" in between else _BREAK.sub(" ", between)


def closed_up(text: str) -> str:
    """The text without line breaks before closing parentheses, which `parenthesised` writes, but for those that end a comment."""
    if "\n)" not in text:
        return text
    parts, done = [], 0
    for before, token in pairwise(tokens_of(text)):
        between = text[before.end : token.start]
        if token.name == ")" and between.endswith("\n") and "--" not in between:
            parts.append(text[done : token.start - 1])
            done = token.start
    return "".join([*parts, text[done:]])


def one_statement(text: str) -> str:
    """A statement without the blanks around it and the semicolons at its end."""
    text = text.strip()
    tokens = tokens_of(text)
    ends = []
    for n in range(len(tokens) - 1, -1, -1):
        if sign_at(tokens, n) != ";":
            break
        ends.append(tokens[n].start)
    for start in ends:
        text = text[:start] + text[start + 1 :]
    return text


def without_literals(text: str) -> str:
    """The text with all literals empty."""
    parts, end = [], 0
    for token in tokens_of(text):
        if token.sort == "text":
            parts += [text[end : token.start], "''"]
            end = token.end
    return "".join([*parts, text[end:]])
