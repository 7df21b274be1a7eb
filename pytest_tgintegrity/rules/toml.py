"""What a TOML file of ours says, as long as it is of a kind that people write. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any, Final

from pytest_tgintegrity.errors import UsageError

DEPTH: Final = 50
LARGEST: Final = 2**63 - 1
LONGEST: Final = 80


def document(text: str, file: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises `UsageError` in one sentence that names the file."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML: {error}") from None
    except RecursionError:
        raise UsageError(f"{file} is nested too deeply: write it flat") from None
    except ValueError:
        raise UsageError(f"{file} has a number that is too large: write one that a database could count to") from None
    _check(found, file)
    return found


def _check(found: Mapping[str, Any], file: str) -> None:
    """Refuse what is too deep to be walked, and numbers that Python does not write."""
    level: list[object] = [found]
    for _ in range(DEPTH):
        if any(isinstance(one, int) and abs(one) > LARGEST for one in level):
            raise UsageError(f"{file} has a number that is too large: write one that a database could count to")
        level = [below for one in level for below in _below(one)]
        if not level:
            return
    raise UsageError(f"{file} is nested too deeply: write it flat")


def _below(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def shortened(value: object) -> str:
    """A value as a message says it, cut to what a sentence bears."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
