"""Files that lie beside the rules: found and read as text."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from pytest_tgintegrity.errors import UsageError

LARGEST = 10_000_000
"""Bytes that a file of ours may have."""


def parent_of(file: str, path: Path) -> Path:
    """The folder that ids of rules count from, where `file` is what they call the file at `path`."""
    return path.parents[len(PurePosixPath(file).parts) - 1]


def folder_of(file: str, path: Path) -> Path:
    """The folder of the rules: the package around a file of rules."""
    return parent_of(file, path) / PurePosixPath(file).parts[0]


def beside(name: str, folders: Iterable[Path]) -> list[Path]:
    """What is called so in the folders, whatever it is: a link that leads nowhere is not passed over in silence."""
    candidates = dict.fromkeys(folder / name for folder in folders)
    return [path for path in candidates if os.path.lexists(path)]


def texts(paths: Iterable[Path], root: Path) -> Iterator[tuple[str, str]]:
    """What the files say, with their names as a person at `root` would call them. Raises `UsageError`."""
    for path in paths:
        name = str(path.relative_to(root) if path.is_relative_to(root) else path)
        try:
            yield name, _text(path)
        except (OSError, UnicodeDecodeError) as error:
            why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
            raise UsageError(f"{name} cannot be read ({why}): mend it, or name another file") from None


def _text(path: Path) -> str:
    """The text of a regular file. Raises `OSError`, also where reading could wait, or never end."""
    _check(path.stat())
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(handle, "rb") as file:
        _check(os.fstat(handle))
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OSError(0, f"it is longer than {LARGEST // 1_000_000} MB")
    return data.decode("utf-8").replace("\r\n", "\n")


def _check(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is a folder" if stat.S_ISDIR(found.st_mode) else "it is no regular file")
