"""What psycopg writes to its log while a statement of ours fails: we tell of that failure ourselves, in its place."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

_state = threading.local()


class _Filter(logging.Filter):
    """Lets nothing of this thread through while it is quiet."""

    def filter(self, record: logging.LogRecord) -> bool:
        del record
        return not getattr(_state, "quiet", False)


logging.getLogger("psycopg").addFilter(_Filter())


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep psycopg's log quiet in this thread; what goes wrong is raised as ever."""
    _state.quiet = True
    try:
        yield
    finally:
        _state.quiet = False
