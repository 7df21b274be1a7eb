"""The rules of a run as a whole: the digest that names them, and that no two have the same id. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.planning.planner import BoundRule


def digest_of(rules: Sequence[BoundRule]) -> str:
    """The digest of this set of rules: it changes when a rule is added, removed or declared otherwise."""
    return _digest(f"{bound.id}\0{bound.rule.canonical()}" for bound in rules)


def former_digest_of(rules: Sequence[BoundRule]) -> str:
    """The name that releases before `Rule.canonical` gave to this set of rules.

    A run on record under it was of the same rules. To be dropped with the release after the next one.
    """
    return _digest(f"{bound.id}\0{bound.rule!r}{_tolerance(bound)}" for bound in rules)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _tolerance(bound: BoundRule) -> str:
    return "" if bound.rule.tolerates is None else f"\0{bound.rule.tolerates!r}"


def check_ids(rules: Iterable[tuple[Path, BoundRule]]) -> None:
    """Refuse two files whose rules would have the same ids. Raises `UsageError`."""
    paths: dict[str, Path] = {}
    for path, rule in rules:
        if paths.setdefault(rule.id, path) != path:
            raise UsageError(
                f"two rules are called {rule.id}, in {paths[rule.id]} and in {path}: run them apart,"
                " or give their folders different names"
            )
