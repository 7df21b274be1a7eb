"""Check what authors write in declarations; what is wrong is said in one clear sentence."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from pytest_tgintegrity.errors import DeclarationError

DELETION = re.compile(
    r"delete(?:\s+(?!where\b)(?P<alias>[\w.]+(?:\s*,\s*[\w.]+)*))?(?:\s+where\s+(?P<where>.+))?",
    re.IGNORECASE | re.DOTALL,
)
SHORTEST_TIMEOUT = 0.001
"""In seconds: PostgreSQL counts milliseconds."""
MOST_HOURS = 1_000_000
"""More than a century."""
LONE_VALUE = re.compile(r"\s*%\((\w+)\)s\s*")


def text(value: object, what: str) -> str:
    """A string with something in it."""
    if not isinstance(value, str) or not value.strip():
        raise DeclarationError(f"{what} has to be a non-empty string, not {value!r}")
    return value


def optional_text(value: object, what: str) -> str | None:
    """None, or a string with something in it."""
    return None if value is None else text(value, what)


def deleting(fix: object) -> re.Match[str] | None:
    """The `alias` whose rows a fix deletes, or several, and `where` it does; None for a fix that deletes nothing."""
    return DELETION.fullmatch(fix.strip()) if isinstance(fix, str) else None


def deleted_aliases(deletion: re.Match[str]) -> tuple[str, ...]:
    """The aliases whose rows a fix deletes; an empty one where the source has one table only."""
    return tuple(re.split(r"\s*,\s*", deletion["alias"] or ""))


def check_consent(fix: object, allowed: Sequence[str]) -> None:
    """A fix that deletes or inserts rows says so twice."""
    if deleting(fix) and "delete" not in allowed:
        raise DeclarationError(f'fix={fix!r} deletes rows: say fix_allows="delete" too')
    if "insert" in allowed and not isinstance(fix, Mapping):
        raise DeclarationError('fix_allows="insert" needs fix= as a mapping: {"table.column": "expression", …}')


def texts(value: object, what: str) -> tuple[str, ...]:
    """One string, or several."""
    if not isinstance(value, str | Sequence | AbstractSet):
        raise DeclarationError(f"{what} has to be a string or several, not {value!r}")
    checked = tuple(text(part, what) for part in ([value] if isinstance(value, str) else value))
    if not checked:
        raise DeclarationError(f"{what} is empty")
    return checked


def allowed_values(values: object) -> tuple[Any, ...] | str:
    """A list of values with at least one that is not NULL, or the parametrize value ``"%(name)s"``."""
    if isinstance(values, str):
        if not LONE_VALUE.fullmatch(values):
            raise DeclarationError(f"one_of needs a list of values, not {values!r}")
        return values
    if not isinstance(values, Iterable):
        raise DeclarationError(f"one_of needs a list of values, not {values!r}")
    allowed = tuple(values)
    if all(value is None for value in allowed):
        raise DeclarationError("one_of needs at least one allowed value")
    return allowed


def is_above(low: Any, high: Any) -> bool:
    """Whether no value can lie between them, as far as Python can tell; strings are SQL."""
    if low is None or high is None or isinstance(low, str) or isinstance(high, str):
        return False
    try:
        return bool(low > high)
    except TypeError:
        return False


def check_bounds(what: str, low: object, high: object) -> None:
    """At least one of two bounds, and not low above high."""
    if low is None and high is None:
        raise DeclarationError(f"{what} needs at_least= or at_most=")
    if is_above(low, high):
        raise DeclarationError(f"no number is at least {low} and at most {high}")


def check_volume(drop: object, growth: object, least: object) -> None:
    """At least one bound: shares, of which a drop is at most all rows, and a whole number."""
    if drop is None and growth is None and least is None:
        raise DeclarationError("volume needs max_drop=, max_growth= or at_least=")
    _check_number(drop, "max_drop", 1)
    if drop == 1:
        raise DeclarationError("max_drop is 1, which nothing violates: give less")
    _check_number(growth, "max_growth", math.inf)
    if least is not None and (isinstance(least, bool) or not isinstance(least, int) or least < 1):
        raise DeclarationError(f"at_least is {least!r}: give a number of rows, 1 or more")


def check_share(least: object, most: object) -> None:
    """At least one bound, each between 0 and 1."""
    _check_number(least, "at_least", 1)
    _check_number(most, "at_most", 1)
    check_bounds("share", least, most)


def check_hours(within: object) -> None:
    """Hours that a calendar can go back."""
    if within is None or within == 0:
        raise DeclarationError(f"within is {within!r}: give hours, such as 24")
    _check_number(within, "within", MOST_HOURS, "hours, such as 24")


def _check_number(value: object, what: str, most: float, example: str = "a share, such as 0.5") -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most or value == math.inf:
        raise DeclarationError(f"{what} is {value!r}: give {example}")


def formula_of(expression: object) -> str | Mapping[str, Mapping[Any, Any]]:
    """An SQL expression, or one key expression with a table of values."""
    if not isinstance(expression, Mapping):
        return text(expression, "expression")
    if len(expression) != 1:
        raise DeclarationError(f"a lookup has one key expression, not {len(expression)}: {{'size': {{1: 10, 2: 15}}}}")
    ((key, values),) = expression.items()
    if not isinstance(values, Mapping) or not values:
        raise DeclarationError(f"the lookup by {key} has to map keys to values, not {values!r}")
    return {text(key, "the key of a lookup"): dict(values)}


JSON_TYPES = frozenset({list, dict, str, int, float, bool, None})


def checked_shape(shape: object) -> object:
    """The shape of a JSON value, all through."""
    if isinstance(shape, tuple) and shape:
        return tuple(checked_shape(choice) for choice in shape)
    if isinstance(shape, list) and len(shape) == 1:
        return [checked_shape(shape[0])]
    if isinstance(shape, dict) and shape:
        return {_shape_key(key, len(shape)): checked_shape(value) for key, value in shape.items()}
    if isinstance(shape, type | None) and shape in JSON_TYPES:
        return shape
    raise DeclarationError(
        f"{shape!r} is no shape: use list, dict, str, int, float, bool, None, [shape], {{'key': shape}} or a tuple of shapes"
    )


def _shape_key(key: object, among: int) -> object:
    if key is str and among == 1:
        return key
    return text(key, "a key of a shape")


def check_timeout(timeout: object) -> None:
    """None or seconds."""
    if timeout is not None and not (isinstance(timeout, int | float) and timeout >= SHORTEST_TIMEOUT):
        raise DeclarationError(f"timeout is {timeout!r}: give seconds, at least 0.001")


def check_tolerance(tolerates: object, *, counts: bool) -> None:
    """None, a count of rows, or a rate."""
    if tolerates is None:
        return
    if not counts:
        raise DeclarationError("tolerates= would be ignored: check counts no violations")
    a_count = isinstance(tolerates, int) and not isinstance(tolerates, bool) and tolerates >= 0
    if not (a_count or (isinstance(tolerates, float) and 0 < tolerates < 1)):
        raise DeclarationError(f"tolerates is {tolerates!r}: give a count of rows, such as 3, or a rate, such as 0.01")


def check_writes(value: object, what: str) -> None:
    """A mapping of columns to SQL expressions."""
    if isinstance(value, Mapping):
        for column, expression in value.items():
            text(column, f"a column of {what}=")
            text(expression, f"what {what}= writes to {column}")
    elif what == "breaks" and isinstance(value, str):
        _check_statement(value)
    elif what == "breaks" and value is not None:
        raise DeclarationError(f"breaks is {value!r}: give a mapping of columns to SQL expressions, or a statement")


def _check_statement(value: str) -> None:
    if not re.search(r"\breturning\b", value, re.IGNORECASE):
        raise DeclarationError(
            f"breaks is {value!r}: a statement RETURNs the keys that the rule must report; else give a mapping of columns"
        )
