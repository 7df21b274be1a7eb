"""What psycopg writes to its log: nothing while a statement of ours fails, of which we tell ourselves, and never a row."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

from psycopg import Error

from pytest_tgintegrity.hiding import quotes_a_row

_state = threading.local()


class _Filter(logging.Filter):
    """Lets nothing of this thread through while it is quiet; of an error that may quote a row only what it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_named(one) for one in record.args)
        return not getattr(_state, "quiet", False)


def _named(given: object) -> object:
    return type(given).__name__ if isinstance(given, Error) and quotes_a_row(given) else given


logging.getLogger("psycopg").addFilter(_Filter())


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep psycopg's log quiet in this thread; what goes wrong is raised as ever."""
    _state.quiet = True
    try:
        yield
    finally:
        _state.quiet = False
