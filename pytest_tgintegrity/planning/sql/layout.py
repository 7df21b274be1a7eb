"""How SQL text is laid out: its line breaks, and where its statement ends. Pure."""

from __future__ import annotations

import re
from itertools import pairwise

from pytest_tgintegrity.planning.sql.tokens import sign_at, tokens

_BREAK = re.compile(r"\s*\n\s*")


def in_one_line(text: str) -> str:
    """A statement without its author's line breaks, but for those in a literal or a name, and those that end a comment."""
    told = tokens(text)
    if not told:
        return text
    parts = [_joined(text[: told[0].start])]
    for one, after in pairwise(told):
        between = text[one.end : after.start]
        continued = one.sort == after.sort == "text"
        parts += [text[one.start : one.end], between if continued else _joined(between)]
    last = told[-1]
    return "".join([*parts, text[last.start : last.end], _joined(text[last.end :])])


def _joined(between: str) -> str:
    """What stands between two tokens: blanks and comments, of which some end with their line."""
    return between if "--" in between else _BREAK.sub(" ", between)


def one_statement(text: str) -> str:
    """A statement without the blanks around it and the semicolons at its end."""
    text = text.strip()
    told = tokens(text)
    ends = []
    for n in range(len(told) - 1, -1, -1):
        if sign_at(told, n) != ";":
            break
        ends.append(told[n].start)
    for start in ends:
        text = text[:start] + text[start + 1 :]
    return text


def without_literals(text: str) -> str:
    """The text with all literals empty."""
    parts, end = [], 0
    for one in tokens(text):
        if one.sort == "text":
            parts += [text[end : one.start], "''"]
            end = one.end
    return "".join([*parts, text[end:]])
