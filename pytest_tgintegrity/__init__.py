"""Data integrity as tests: each rule about a live PostgreSQL database is a pytest test function.

The names below are imported when they are first used: pytest imports this package for every suite, also for those without rules.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_tgintegrity.errors import DeclarationError, TgIntegrityError
    from pytest_tgintegrity.judging.violations import Violations
    from pytest_tgintegrity.planning.facts import Constraint
    from pytest_tgintegrity.rules.declare import declared, rule
    from pytest_tgintegrity.rules.kinds import Source
    from pytest_tgintegrity.rules.probes import probe

__all__ = [
    "Constraint",
    "DeclarationError",
    "Source",
    "TgIntegrityError",
    "Violations",
    "__version__",
    "declared",
    "probe",
    "rule",
]

__version__ = "0.1.0"

_HOMES = {
    "Constraint": "planning.facts",
    "DeclarationError": "errors",
    "Source": "rules.kinds",
    "TgIntegrityError": "errors",
    "Violations": "judging.violations",
    "declared": "rules.declare",
    "probe": "rules.probes",
    "rule": "rules.declare",
}


class PlainImports:
    """Imports our modules as Python does. pytest would parse and rewrite each of them for the sake of assertions, and has none to find.

    Where no byte code is written, as in many containers, that takes a tenth of a second in every run.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module's file, if it is one of ours."""
        return PathFinder.find_spec(name, path, target) if name.startswith(f"{__name__}.") else None


sys.meta_path.insert(0, PlainImports)


def __getattr__(name: str) -> Any:
    """Import a public name from where it is at home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The public names, whether they were used or not."""
    return sorted(__all__)
