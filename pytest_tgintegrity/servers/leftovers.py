"""Remove the folders of killed processes: their lock (`_supervise.hold`) is not held any more."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from pytest_tgintegrity.servers._supervise import OWNER, hold

__all__ = ["hold", "sweep"]


def sweep(roots: Iterable[Path], names: re.Pattern[str], users: Collection[int]) -> None:
    """Remove folders with such names and owners whose lock is free. What cannot be removed stays."""
    for root in dict.fromkeys(roots):
        with contextlib.suppress(OSError):
            for path in [folder for folder in root.iterdir() if names.fullmatch(folder.name)]:
                _sweep(path, users)


def _sweep(folder: Path, users: Collection[int]) -> None:
    with contextlib.suppress(OSError):
        status = folder.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid in users:
            with _left(folder / OWNER) as left:
                if left:
                    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _left(path: Path) -> Iterator[bool]:
    """Lock the file of a folder, so that nobody else sweeps it meanwhile; raises `OSError` if a process still holds it."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield stat.S_ISREG(os.fstat(handle).st_mode)
    finally:
        os.close(handle)
