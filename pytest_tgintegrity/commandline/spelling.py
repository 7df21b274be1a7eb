"""Two names for an option: ``--integrity-NAME`` is always ours, ``--NAME`` only where nobody else has taken it. Pure.

All plugins and conftests of pytest share one namespace, and a name that two of them declare stops pytest for everybody.
So short names are never declared: in the words of the command line they become our own ones, before pytest reads them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_tgintegrity.commandline.table import OPTIONAL_VALUES, OWN, SHORT_NAMES, own_name


@dataclass(frozen=True, slots=True)
class Spelling:
    """The names of our options here: `taken` are the short names that somebody else has declared."""

    taken: frozenset[str] = frozenset()

    def meant(self, flag: str) -> str | None:
        """The short name of our option that `flag` names here; None if it names none of ours."""
        short = f"--{flag.removeprefix(OWN)}" if flag.startswith(OWN) else flag
        return short if short in SHORT_NAMES and flag not in self.taken else None

    def here(self, short: str) -> str:
        """The name to show to a person: the short one where it works."""
        return own_name(short) if short in self.taken else short

    def own(self, words: Sequence[str]) -> list[str]:
        """The words of a command line with our own names in the place of short ones, up to ``--``."""
        return [*map(self._own, before_dashes(words)), *from_dashes(words)]

    def _own(self, word: str) -> str:
        """An option whose value may be left out gets an empty one: the word behind it is a test path."""
        flag, equals, value = word.partition("=")
        short = self.meant(flag)
        if short in OPTIONAL_VALUES:
            equals = "="
        return word if short is None else f"{own_name(short)}{equals}{value}"

    def respelled(self, text: str) -> str:
        """A text of ours in which taken short names are replaced by ``--integrity-NAME``."""
        if not self.taken:
            return text
        names = "|".join(map(re.escape, self.taken))
        return re.sub(rf"(?<![\w-])(?:{names})(?![\w-])", lambda match: own_name(match[0]), text)

    def without_values(self, words: Sequence[str], shorts: Sequence[str], mask: str) -> Iterator[str]:
        """The words with a mask in the place of the values of these options."""
        before = iter(before_dashes(words))
        for word in before:
            flag, equals, value = word.partition("=")
            if self.meant(flag) not in shorts:
                yield word
            elif equals:
                yield f"{flag}={mask if value else value}"
            else:
                yield from (word, *(mask for _ in itertools.islice(before, 1)))
        yield from from_dashes(words)


def before_dashes(words: Sequence[str]) -> Iterator[str]:
    """The words before ``--``."""
    return itertools.takewhile(lambda word: word != "--", words)


def from_dashes(words: Sequence[str]) -> Iterator[str]:
    """``--`` and the words behind it, which are no options."""
    return itertools.dropwhile(lambda word: word != "--", words)
