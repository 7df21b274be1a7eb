"""What a rule asks, as SQL for people to read: the declaration as it is written, placeholders and all. Pure."""

from __future__ import annotations

import re

from pytest_tgintegrity.rules.kinds import Kind, Source
from pytest_tgintegrity.rules.kinds.words import statement

PLACEHOLDER = re.compile(r"%\((\w+)\)s|\{\{|\}\}")


def readable(template: str) -> str:
    """A template of a declaration: each placeholder as its name in braces, doubled braces single."""
    return PLACEHOLDER.sub(lambda found: f"{{{found[1]}}}" if found[1] else found[0][0], template)


def question(kind: Kind) -> str:
    """What violates a rule of this kind, as one statement; a sentence where no statement could say it."""
    return readable(statement(kind))


def name_of(source: Source | str) -> str:
    """What people call a source."""
    return readable(source if isinstance(source, str) else source.name)
