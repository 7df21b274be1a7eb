"""Files that lie beside the rules: found and read as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from pytest_tgintegrity.errors import UsageError


def parent_of(file: str, path: Path) -> Path:
    """The folder that ids of rules count from, where `file` is what they call the file at `path`."""
    return path.parents[len(PurePosixPath(file).parts) - 1]


def folder_of(file: str, path: Path) -> Path:
    """The folder of the rules: the package around a file of rules."""
    return parent_of(file, path) / PurePosixPath(file).parts[0]


def beside(name: str, folders: Iterable[Path]) -> list[Path]:
    """The files of that name in the folders."""
    candidates = dict.fromkeys(folder / name for folder in folders)
    return [path for path in candidates if path.exists()]


def texts(paths: Iterable[Path], root: Path) -> Iterator[tuple[str, str]]:
    """What the files say, with their names as a person at `root` would call them. Raises `UsageError`."""
    for path in paths:
        name = str(path.relative_to(root) if path.is_relative_to(root) else path)
        try:
            yield name, path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
            raise UsageError(f"{name} cannot be read ({why}): mend it, or name another file") from None
