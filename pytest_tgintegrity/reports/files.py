"""How report files are written: as a whole or not at all, and only where a file may be.

A new or a regular file is written beside its place and renamed; of a link the target is written, and the link stays.
Devices and pipes are written to for a limited time, and never removed or replaced.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import select
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PATIENCE: Final = 5.0
"""Seconds to wait for the reader of a pipe."""
EVERYBODY: Final = 0o666
"""The mode of files for everybody; the umask applies."""
OWNER: Final = 0o600
POLL_SECONDS: Final = 0.02
LINKS: Final = 40
"""How many links are followed: no system follows more."""


def write(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file; a reader sees the old text or the new one, never a part. `private` ones are for their owner only.

    Raises `OSError`.
    """
    data = text.encode("utf-8", "backslashreplace")  # what no encoding knows (of a database in SQL_ASCII) stays legible
    if is_replaceable(path):
        _replace(_target(path), data, OWNER if private else EVERYBODY)
    else:
        _pour(path, data)


def remove(path: Path) -> None:
    """Remove a report that could not be written anew, so that it is not taken for today's; only if it is a file."""
    with contextlib.suppress(OSError):
        if is_replaceable(path):
            _target(path).unlink(missing_ok=True)


def is_file(path: Path) -> bool:
    """Whether it is a regular file, or can become one."""
    try:
        return is_replaceable(path)
    except OSError:
        return False


def is_replaceable(path: Path) -> bool:
    """Whether there is a regular file, or nothing yet. Raises `OSError` where that cannot be seen."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return stat.S_ISREG(mode) and not _is_stream(path)


def _is_stream(path: Path) -> bool:
    """Whether it leads to what some process has open, such as `/dev/stdout`, whatever that is."""
    for _ in range(LINKS):
        folder = os.path.realpath(path.parent)
        if folder == "/dev" or folder.startswith("/proc/"):
            return True
        if not path.is_symlink():
            return False
        path = Path(folder) / path.readlink()
    return False


def _target(path: Path) -> Path:
    """The file that a link leads to, or will."""
    return Path(os.path.realpath(path))


def _replace(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".tgintegrity-{secrets.token_hex(6)}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


# --- devices and pipes


def _pour(path: Path, data: bytes) -> None:
    deadline = time.monotonic() + PATIENCE
    with _opened(path, deadline) as handle:
        rest = memoryview(data)
        while rest:
            _, ready, _ = select.select([], [handle], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(errno.ETIMEDOUT, f"nobody read it within {PATIENCE:g} s")
            with contextlib.suppress(BlockingIOError):
                rest = rest[os.write(handle, rest[: select.PIPE_BUF]) :]


@contextlib.contextmanager
def _opened(path: Path, deadline: float) -> Iterator[int]:
    """A device or a pipe, open for writing; neither opening nor writing it can hang."""
    handle = _open(path, deadline)
    try:
        yield handle
    finally:
        os.close(handle)


def _open(path: Path, deadline: float) -> int:
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            if error.errno != errno.ENXIO or not stat.S_ISFIFO(path.stat().st_mode):
                raise
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, f"nobody read it within {PATIENCE:g} s") from None
        time.sleep(POLL_SECONDS)
