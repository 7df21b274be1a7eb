"""Remove the folders of processes that were killed: those that nobody holds any more (`_supervise.hold`)."""

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
    """Remove folders of such names and users that were held, and are not any more. What cannot be removed stays."""
    for root in dict.fromkeys(roots):
        with contextlib.suppress(OSError):
            for path in [one for one in root.iterdir() if names.fullmatch(one.name)]:
                _sweep(path, users)


def _sweep(folder: Path, users: Collection[int]) -> None:
    with contextlib.suppress(OSError):
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid in users:
            with _left(folder / OWNER) as left:
                if left:
                    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _left(path: Path) -> Iterator[bool]:
    """Whether nobody holds a folder, whose file this is; nobody else sweeps it meanwhile."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield stat.S_ISREG(os.fstat(handle).st_mode)
    finally:
        os.close(handle)
