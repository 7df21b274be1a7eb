"""Data integrity as tests: each rule about a live PostgreSQL database is a pytest test function."""

from pytest_tgintegrity.errors import DeclarationError, TgIntegrityError
from pytest_tgintegrity.kinds import Source
from pytest_tgintegrity.probes import probe
from pytest_tgintegrity.rules import declared, rule
from pytest_tgintegrity.schema import Constraint
from pytest_tgintegrity.violations import Violations

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
