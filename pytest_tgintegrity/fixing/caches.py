"""Which caches an application would still show after a fix: `caches.toml` beside the rules. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.rules.toml import document, shortened

CACHES = "caches.toml"
KEYS = {"note", "prefix", "keep"}


@dataclass(frozen=True, slots=True)
class Caches:
    """Which caches a fix leaves stale (`note`), the prefix of their keys, and the keys that are no cache (`keep`)."""

    note: str
    prefix: str | None = None
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stale:
    """What became of caches after a fix: how many keys were deleted and kept, or why none were deleted (`error`).

    `prefix` is that of the keys that can be deleted; `deleted` is None if nothing was to be deleted.
    """

    note: str | None
    prefix: str | None
    deleted: int | None = None
    kept: int = 0
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The part `caches` of the JSON report."""
        return asdict(self)


def parse_caches(text: str, name: str) -> Caches:
    """Read a file `caches.toml`. Raises `UsageError`, which names the file and what is wrong in it."""
    settings = document(text, name)
    if strange := sorted(set(settings) - KEYS):
        raise UsageError(f"{name}: {shortened(strange[0])} means nothing here: write note, prefix and keep")
    note, prefix, keep = settings.get("note"), settings.get("prefix"), settings.get("keep", [])
    if not isinstance(note, str) or not note.strip():
        raise UsageError(f'{name} has no note: write note = "which caches a repair leaves stale"')
    if prefix is not None and (not isinstance(prefix, str) or not prefix):
        raise UsageError(f'{name}: write prefix = "the beginning of every key of the cache"')
    if not isinstance(keep, list) or not all(isinstance(pattern, str) for pattern in keep):
        raise UsageError(f'{name}: write keep = ["pattern of keys that are never deleted", …]')
    return Caches(" ".join(note.split()), prefix, tuple(keep))
