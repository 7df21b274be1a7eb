"""What an application keeps copies of, and would still show after a repair: `caches.toml` beside the rules. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.rules.toml import document, told

CACHES = "caches.toml"
KEYS = {"note", "prefix", "keep"}


@dataclass(frozen=True, slots=True)
class Caches:
    """Which caches a repair leaves stale (`note`), the prefix of their keys, and the keys that are no cache (`keep`)."""

    note: str
    prefix: str | None = None
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stale:
    """What is told of caches after a repair: keys deleted and kept, or why none were; `prefix` is what could be."""

    note: str | None
    prefix: str | None
    deleted: int | None = None
    kept: int = 0
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The part `caches` of the JSON report."""
        return asdict(self)


def parse_caches(text: str, name: str) -> Caches:
    """Read a file `caches.toml`. Raises `UsageError` that names file and place."""
    found = document(text, name)
    if strange := sorted(set(found) - KEYS):
        raise UsageError(f"{name}: {told(strange[0])} means nothing here: write note, prefix and keep")
    note, prefix, keep = found.get("note"), found.get("prefix"), found.get("keep", [])
    if not isinstance(note, str) or not note.strip():
        raise UsageError(f'{name} has no note: write note = "which caches a repair leaves stale"')
    if prefix is not None and (not isinstance(prefix, str) or not prefix):
        raise UsageError(f'{name}: write prefix = "the beginning of every key of the cache"')
    if not isinstance(keep, list) or not all(isinstance(one, str) for one in keep):
        raise UsageError(f'{name}: write keep = ["pattern of keys that are never deleted", …]')
    return Caches(" ".join(note.split()), prefix, tuple(keep))
