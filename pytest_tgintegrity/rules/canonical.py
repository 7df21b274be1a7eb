"""A rule as one line of text that stays the same for as long as the rule means the same. Pure.

Names of sets of rules are made of it (`selection.digest_of`), and histories keep those names: a release that writes the
same rule otherwise would restart everybody's clean days. So each kind is declared with its word, whatever its class is
called; a field that is given another name keeps its word, ``holds.sql(canonical="word")`` of a kind and
``field(metadata={"canonical": "word"})`` of a `Rule`; and a field that holds its default is left out, so that new ones may join.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Final

from pytest_tgintegrity.rules.kinds.fields import WORDS

VERSION: Final = 1


def canonical(rule: Any) -> str:
    """JSON of a `Rule`: its version, and every field that does not hold its default."""
    return _line({"version": VERSION, **_entries(rule)})


def _line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)


def _entries(declared: Any) -> dict[str, Any]:
    return {
        field.metadata.get("canonical", field.name): _told(value)
        for field in fields(declared)
        if field.metadata.get("canonical", field.name) is not None
        and (value := getattr(declared, field.name)) is not _default(field)
        and value != _default(field)
    }


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _told(value: Any) -> Any:
    """JSON in which values of different types stay different: what JSON has no form for says its type."""
    if value is None or isinstance(value, str | bool) or type(value) is int:
        return value
    if is_dataclass(value) and type(value) in WORDS:
        return {WORDS[type(value)]: _entries(value)}
    if isinstance(value, Mapping):
        return {"map": sorted(([_told(key), _told(entry)] for key, entry in value.items()), key=_line)}
    if isinstance(value, tuple):
        return [_told(part) for part in value]
    return {type(value).__name__: _other(value)}


def _other(value: Any) -> Any:
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, set | frozenset):
        return sorted(map(_told, value), key=_line)
    return [_told(part) for part in value] if isinstance(value, list) else repr(value)
