"""Our options in pytest's parser, and what they are called there."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_tgintegrity.commandline.spelling import Spelling
from pytest_tgintegrity.commandline.table import OPTIONS, SHORT_NAMES, Option, Twin

TIMEZONE = "tgintegrity_timezone"
TIMEZONE_HELP = "With --period: the zone that dates and times without one are meant in; unset, rows count that are young enough in any."


def documented() -> list[tuple[str, str, str]]:
    """Short name, what it takes, and help text of every option, in the order of a person's questions."""
    return [(one.short, one.metavar, one.help) for one in OPTIONS]


def add_options(parser: pytest.Parser) -> None:
    """Declare all options by the names that are ours alone, and their twins in the configuration file."""
    group = parser.getgroup("integrity", "data integrity (pytest-tgintegrity)")
    parser.addini(TIMEZONE, TIMEZONE_HELP, default="")
    for one in OPTIONS:
        group.addoption(one.own, dest=one.dest, help=one.help, **_taking(one))
        if one.twin is not None:
            parser.addini(one.dest, one.help, type=one.twin, default=_UNSAID[one.twin])


_UNSAID: Mapping[Twin, Any] = {"string": "", "bool": False, "linelist": [], "paths": []}


def _taking(one: Option) -> dict[str, Any]:
    if not one.metavar:
        return {"action": "store_true", "default": False}
    if one.twin in ("linelist", "paths"):
        return {"action": "append", "default": [], "metavar": one.metavar}
    return {"default": None, "metavar": one.metavar}


def find_spelling(parser: pytest.Parser) -> Spelling:
    """What our options are called here, as far as plugins and conftests have declared theirs."""
    known = parser.optparser._option_string_actions  # noqa: SLF001 - to ask by parsing would call the others' own types
    return Spelling(frozenset(SHORT_NAMES & known.keys()))


def explain_names(parser: pytest.Parser, spelling: Spelling) -> None:
    """Say in the help of each option which short name works here."""
    ours = {one.dest: one for one in OPTIONS if one.short in SHORT_NAMES}
    for action in parser.optparser._actions:  # noqa: SLF001 - pytest prints what stands there
        if (one := ours.get(action.dest)) is not None:
            told = f"Not here: {one.short} is somebody else's." if one.short in spelling.taken else f"Also {one.short}."
            action.help = f"{spelling.told(one.help)} {told}"


def unfolded(words: Sequence[str | os.PathLike[str]]) -> list[str]:
    """The words of a command line with the lines of a file in the place of ``@file``, as argparse is going to read them."""
    found: list[str] = []
    for word in (os.fspath(one) for one in words):
        lines = [word]
        if word.startswith("@"):
            with contextlib.suppress(OSError, ValueError):  # argparse is going to say so
                lines = unfolded(Path(word[1:]).read_text(sys.getfilesystemencoding()).splitlines())
        found += lines
    return found


SPELLING = pytest.StashKey[Spelling]()
"""What our options are called; it is found before any of them is read."""


def spelling_of(config: pytest.Config) -> Spelling:
    """What our options are called here. A plugin that is loaded later than others has its own names only."""
    return config.stash.get(SPELLING, Spelling(SHORT_NAMES))


def told(config: pytest.Config, text: str) -> str:
    """A text of ours with the names that work here."""
    return spelling_of(config).told(text)
