"""The file of a plan, with a line for each change. Nobody else can read it, and it is there as a whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.fixing.changes import Change
from pytest_tgintegrity.text import printable

PART = re.compile(r"\.fix-plan-\d+-\w+\.part")
UNDECODABLE = "surrogateescape"
"""How to read and write bytes that are no text, which databases of the encoding SQL_ASCII may hold: as they are."""
CURE = "make room, or give --json-report --json-report-file=FOLDER/report.json: the plan is written beside the report"


class PlanFile:
    """The file of a plan while it is written; a file that is not finished is removed.

    It is locked while it is written. A file that nobody locks was left by a process that was killed: the next plan removes
    it. All methods raise `UsageError` where the file system refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        """Remove the files that killed processes left, and begin a new file."""
        with _explaining_refusals(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            _sweep(self._folder)
            self._file, self._part = _begin(self._folder)
        return self

    def write(self, change: Change) -> None:
        """Add a change."""
        with _explaining_refusals(self._folder):
            self._file.write(change.line + "\n")

    def finish(self, plan: str) -> Path:
        """Give the file its name, which is the plan's id."""
        path = self._folder / f"fix-plan-{plan}.jsonl"
        with _explaining_refusals(self._folder):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._part.replace(path)
        return path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the file if it was not finished."""
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # what it still holds does not fit
            self._file.close()


def read(path: Path) -> Iterator[Change]:
    """The changes of a plan. Raises `UsageError` for a file that is gone, or is not what was written."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, encoding="utf-8", errors=UNDECODABLE, newline="\n") as lines:
            if not _is_ours(handle):
                raise UsageError(f"the plan {printable(str(path))} is not the file that was written: plan again")
            for line in lines:
                yield Change.from_json(json.loads(line))
    except OSError as error:
        raise UsageError(f"the plan {printable(str(path))} cannot be read: {error.strerror}: plan again") from None
    except (ValueError, TypeError, KeyError):
        raise UsageError(f"the plan {printable(str(path))} was changed after it was written: plan again") from None


def _begin(folder: Path) -> tuple[IO[str], Path]:
    """A new file that nobody else may read (it holds data), locked."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".fix-plan-{os.getpid()}-", suffix=".part", dir=folder)
        with contextlib.suppress(OSError):  # a file system without locks: then nobody else can lock it, or remove it
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return os.fdopen(handle, "w", encoding="utf-8", errors=UNDECODABLE, newline="\n"), Path(name)
        os.close(handle)  # somebody swept between the two


def _sweep(folder: Path) -> None:
    """Remove the files that killed processes left; a file that cannot be removed stays, since it disturbs nobody."""
    for path in [path for path in folder.iterdir() if PART.fullmatch(path.name)]:
        with contextlib.suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                if _is_ours(handle):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
            finally:
                os.close(handle)


def _is_ours(handle: int) -> bool:
    status = os.fstat(handle)
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()


@contextlib.contextmanager
def _explaining_refusals(folder: Path) -> Iterator[None]:
    """Raise `UsageError`, which says why, where the file system refuses something."""
    try:
        yield
    except OSError as error:
        taken = error.errno in (errno.EEXIST, errno.ENOTDIR)
        reason = "it is no folder" if taken else error.strerror
        raise UsageError(f"the plan cannot be written to {printable(str(folder))}: {reason}; {CURE}") from None
