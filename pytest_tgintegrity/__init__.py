"""Data integrity as tests: each rule about a live PostgreSQL database is a pytest test function."""

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
