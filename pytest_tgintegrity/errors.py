"""Every error that this package raises on purpose, under one base class.

A message is one sentence that says what is wrong, where, and how to mend it. None ever holds a password.
"""

from __future__ import annotations


class TgIntegrityError(Exception):
    """Base class of all errors of pytest-tgintegrity."""


class DeclarationError(TgIntegrityError):
    """A rule is declared in a way that cannot work; raised at collection, before any query is sent."""


class UsageError(TgIntegrityError):
    """An option, a file or an environment variable has a value that cannot be used (exit status 4)."""


class ConnectionFailed(UsageError):
    """The database could not be reached, or refused us, or does not keep the promises we need (exit status 4)."""


class NotEvaluated(TgIntegrityError):
    """One rule could not be evaluated: its verdict is unknown, never passed."""


class NotTimed(TgIntegrityError):
    """A probe could not be timed, or must not be."""


class NotProven(TgIntegrityError):
    """A rule has no proof, or failed it."""


class HistoryLost(TgIntegrityError):
    """Redis could not be asked, or did not take what was to be kept: never fatal, always told."""


class ScratchError(TgIntegrityError):
    """An embedded server could not be found, started or filled."""
