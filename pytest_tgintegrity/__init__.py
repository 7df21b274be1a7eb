"""Data integrity as tests: each rule about a live PostgreSQL database is a pytest test function.

The names below are imported when they are first used: pytest imports this package for every suite, also for those without rules.
"""

import importlib
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
