"""A pinned schema as rules: a lock file is collected like a file of tests, with one test for each kind of object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.judging.violations import Violations
from pytest_tgintegrity.planning.expected.lock_file import OURS, pinned_objects
from pytest_tgintegrity.rules.declare import declaring
from pytest_tgintegrity.rules.files import texts
from pytest_tgintegrity.rules.kinds import OBJECT_KINDS, UNPINNED, CatalogObject, ObjectKind, Pinned
from pytest_tgintegrity.rules.kinds.catalog import words_of
from pytest_tgintegrity.rules.rule import Rule
from pytest_tgintegrity.rules.severity import Severity

HINT: Final = (
    "put back what is missing; if a migration meant the change, pin anew (pytest --pin-schema) and read the difference"
)
TAG: Final = "pinned_schema"

_SEVERITIES: Final[dict[ObjectKind, Severity]] = {
    "table": "critical",
    "primary_key": "critical",
    "foreign_key": "critical",
    "index": "medium",
}
"""All others are high."""


class LockFile(pytest.Module):
    """The rules of one lock file."""

    @cached_property
    def objects(self) -> tuple[CatalogObject, ...]:
        """What the file pins. Raises `CollectError` in one sentence."""
        try:
            ((name, text),) = texts([self.path], self.config.rootpath)
            return pinned_objects(text, name)
        except UsageError as error:
            raise self.CollectError(str(error)) from None

    def _getobj(self) -> ModuleType:
        module = ModuleType(self.path.name, f"The schema that {self.path.name} pins is there.")
        for test in _tests(self.objects):
            test.__module__ = module.__name__  # pytest may have been told to leave imported tests out
            setattr(module, test.__name__, test)
        return module

    def funcnamefilter(self, name: str) -> bool:
        """All of them are tests, whatever this project calls its own."""
        return name.startswith("test_")


def is_ours(path: Path) -> bool:
    """Whether a file of that name says that it is a lock file of ours; one that cannot be read or is empty is, so that somebody says so."""
    try:
        ((_, text),) = texts([path], path.parent)
    except UsageError:
        return True
    return not text.strip() or OURS.search(text) is not None


def _tests(objects: tuple[CatalogObject, ...]) -> Iterator[Callable[[Violations], None]]:
    for kind in OBJECT_KINDS:
        severity = _SEVERITIES.get(kind, "high")
        rule = Rule(Pinned(kind, objects), severity=severity, fix_hint=HINT, tags=(TAG,))
        yield _test(
            f"test_{kind}_is_as_pinned", f"Every pinned {words_of(kind)} is there, and is what was pinned.", rule
        )
    rule = Rule(Pinned(UNPINNED, objects), severity="info", fix_hint=HINT, tags=(TAG,))
    yield _test("test_nothing_is_unpinned", "The schema has nothing that is not pinned.", rule)


def _test(name: str, doc: str, rule: Rule) -> Callable[[Violations], None]:
    def test(violations: Violations) -> None:
        assert not violations

    test.__name__, test.__doc__ = name, doc
    return declaring(rule)(test)
