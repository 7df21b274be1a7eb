"""Filter of psycopg's log: nothing while a statement of ours fails, which we report ourselves, and never a row."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

from psycopg import Error

from pytest_tgintegrity.database.messages.hiding import quotes_a_row

_state = threading.local()


class _Filter(logging.Filter):
    """Drops the records of a thread that is `quiet`; an error that may quote a row is replaced by the name of its class."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_named(argument) for argument in record.args)
        return not getattr(_state, "quiet", False)


def _named(argument: object) -> object:
    return type(argument).__name__ if isinstance(argument, Error) and quotes_a_row(argument) else argument


logging.getLogger("psycopg").addFilter(_Filter())


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep psycopg's log quiet in this thread; errors are raised as usual."""
    _state.quiet = True
    try:
        yield
    finally:
        _state.quiet = False
