"""The command that makes the changes of a plan. Pure.

It is the command that showed the plan, exactly, without the options that hold a password.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pytest_tgintegrity.commandline.spelling import Spelling, before_dashes, from_dashes
from pytest_tgintegrity.commandline.table import ALERT_VARIABLE, DB_URL_VARIABLE, REDIS_URL_VARIABLE
from pytest_tgintegrity.database.connections.redaction import masked
from pytest_tgintegrity.fixing.results import FixResult

VARIABLES = {
    "--db-url": DB_URL_VARIABLE,
    "--redis-url": REDIS_URL_VARIABLE,
    "--alert": ALERT_VARIABLE,
}
"""Options that may hold a password, and the environment variables that stand in for them."""
WEBHOOK = "--alert"
"""The path of a webhook's address is a secret, too."""
_PASSWORD = re.compile(
    r"://[^/?#]*:.+@|(?:password|passwd|secret|scram_\w+_key)\s*=\s*[^\s&]", re.IGNORECASE | re.DOTALL
)
PLAN = "--fix-plan"
SHORT = Spelling()
"""The names where nobody else has taken one."""


@dataclass(frozen=True, slots=True)
class Command:
    """A line for a shell; `without` are the options that it leaves out, since they hold a password."""

    text: str
    without: tuple[str, ...] = ()
    names: Spelling = SHORT

    @property
    def hint(self) -> str | None:
        """How to give the options that were left out, or None."""
        named = [f"{self.names.here(flag)} (or {VARIABLES[flag]})" for flag in self.without]
        return f"with {' and '.join(named)} as before, not shown: it holds a secret" if named else None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"command": self.text, "hint": self.hint}


def applying(
    fix_result: FixResult | None, program: str, args: Sequence[str], names: Spelling = SHORT
) -> Command | None:
    """The command that makes the changes of a plan; None if there are none, or if they are made already."""
    if fix_result is None or fix_result.applied is not None or not fix_result.count:
        return None
    return Command(apply_command(args, fix_result.plan, program, names), withheld(args, names), names)


def apply_command(args: Sequence[str], plan: str, program: str = "pytest", names: Spelling = SHORT) -> str:
    """The line that makes the changes of a plan, given its id and the arguments that showed it."""
    words = _kept(args, names)[0]
    given = [names.here("--fix"), names.here("--fix-plan-id"), plan]
    before = list(itertools.takewhile(lambda word: names.meant(word) != PLAN, words))
    rest = [word for word in words[len(before) :] if names.meant(word) != PLAN]
    return " ".join([program, *map(quoted, [*before, *given, *rest, *map(masked, from_dashes(args))])])


def withheld(args: Sequence[str], names: Spelling = SHORT) -> tuple[str, ...]:
    """The options whose values hold a password, by their short names."""
    return tuple(dict.fromkeys(_kept(args, names)[1]))


def _kept(args: Sequence[str], names: Spelling) -> tuple[list[str], list[str]]:
    """The words before ``--`` without the options that hold a password, and these options."""
    kept: list[str] = []
    secret: list[str] = []
    words = before_dashes(args)
    for word in words:
        flag, equals, value = word.partition("=")
        short = names.meant(flag)
        if short not in VARIABLES:
            kept.append(masked(word))
            continue
        given = [word] if equals else [word, *itertools.islice(words, 1)]
        if short == WEBHOOK or holds_password(value if equals else given[-1]):
            secret.append(short)
        else:
            kept += given
    return kept, secret


def holds_password(address: str) -> bool:
    """Whether an address holds a password; in doubt it does."""
    return bool(_PASSWORD.search(address) or _PASSWORD.search(unquote(address)))


def quoted(word: str) -> str:
    """A word for a shell, in one line that cannot steer a terminal."""
    return shlex.quote(word) if word.isprintable() else f"$'{''.join(map(_escaped, word))}'"


def _escaped(char: str) -> str:
    if char.isprintable() and char not in "\\'":
        return char
    encoded = char.encode(errors="surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in encoded)
