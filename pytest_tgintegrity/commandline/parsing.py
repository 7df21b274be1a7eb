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
    """Short name, metavar and help text of every option, in the order of the table."""
    return [
        (option.short, f"[{option.metavar}]" if option.optional else option.metavar, option.help) for option in OPTIONS
    ]


def add_options(parser: pytest.Parser) -> None:
    """Declare all options by the names that are ours alone, and the settings of the same meaning in the configuration file."""
    group = parser.getgroup("integrity", "data integrity (pytest-tgintegrity)")
    parser.addini(TIMEZONE, TIMEZONE_HELP, default="")
    for option in OPTIONS:
        group.addoption(option.own, dest=option.dest, help=option.help, **_parser_settings(option))
        if option.twin is not None:
            parser.addini(option.dest, option.help, type=option.twin, default=_UNSET[option.twin])


_UNSET: Mapping[Twin, Any] = {"string": "", "bool": False, "linelist": [], "paths": []}


def _parser_settings(option: Option) -> dict[str, Any]:
    if not option.metavar:
        return {"action": "store_true", "default": False}
    if option.twin in ("linelist", "paths"):
        return {"action": "append", "default": [], "metavar": option.metavar}
    return {"default": None, "metavar": option.metavar, **({"nargs": "?", "const": ""} if option.optional else {})}


def find_spelling(parser: pytest.Parser) -> Spelling:
    """Which names our options have here: short names that plugins or conftests have declared are taken."""
    known = parser.optparser._option_string_actions  # noqa: SLF001 - to ask by parsing would call the others' own types
    return Spelling(frozenset(SHORT_NAMES & known.keys()))


def explain_names(parser: pytest.Parser, spelling: Spelling) -> None:
    """Say in the help of each option which short name works here."""
    ours = {option.dest: option for option in OPTIONS if option.short in SHORT_NAMES}
    for action in parser.optparser._actions:  # noqa: SLF001 - pytest prints what stands there
        if (option := ours.get(action.dest)) is not None:
            short_name = (
                f"Not here: {option.short} is somebody else's."
                if option.short in spelling.taken
                else f"Also {option.short}."
            )
            action.help = f"{spelling.respelled(option.help)} {short_name}"


def unfolded(words: Sequence[str | os.PathLike[str]]) -> list[str]:
    """The words of a command line with the lines of a file in the place of ``@file``, as argparse is going to read them."""
    expanded: list[str] = []
    for word in (os.fspath(argument) for argument in words):
        lines = [word]
        if word.startswith("@"):
            with contextlib.suppress(OSError, ValueError):  # argparse is going to say so
                lines = unfolded(Path(word[1:]).read_text(sys.getfilesystemencoding()).splitlines())
        expanded += lines
    return expanded


SPELLING = pytest.StashKey[Spelling]()
"""The names of our options; they are known before any option is read."""


def spelling_of(config: pytest.Config) -> Spelling:
    """The names of our options here. Without an entry (our plugin was loaded late) no short name works."""
    return config.stash.get(SPELLING, Spelling(SHORT_NAMES))


def respelled(config: pytest.Config, text: str) -> str:
    """A text of ours in which options have the names that work here."""
    return spelling_of(config).respelled(text)


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")
