"""Keep data folders as single files, so that a server with a known data set starts in a moment."""

from __future__ import annotations

import errno
import fcntl
import json
import mmap
import os
import stat
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_tgintegrity.servers.supervisor import Account

TEMPLATES_KEPT = 8
TEMPLATE_DAYS = 14
DAY = 86_400.0


def load(data: Path, owner: Account, template: Path, build: Callable[[], None]) -> None:
    """Fill the data folder from a template; where it is absent or damaged, `build` the folder and keep it.

    Of two runs that find none, one builds while the other waits.
    """
    if _unpack(template, data, owner):
        return
    with _locked(template.with_suffix(".lock")):
        if not _unpack(template, data, owner):
            build()
            with suppress(OSError):  # no room to keep it: it is built again next time
                _pack(data, template)
                _prune(template.parent)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _pack(data: Path, template: Path) -> None:
    """Write a data folder as one file: a checksum, an index, then the contents; it appears complete or not at all."""
    paths = sorted(path for path in data.rglob("*") if not path.name.startswith("postmaster."))
    index = [[str(path.relative_to(data)), None if path.is_dir() else path.stat().st_size] for path in paths]
    head = json.dumps(index).encode() + b"\n"
    part = template.with_suffix(f".{os.getpid()}.part")
    try:
        with part.open("wb") as packed:
            checksum = zlib.crc32(head)
            packed.write(b"%08x\n%s" % (checksum, head))
            for path in paths:
                if path.is_file():
                    content = path.read_bytes()
                    checksum = zlib.crc32(content, checksum)
                    packed.write(content)
            packed.seek(0)
            packed.write(b"%08x" % checksum)
        part.replace(template)
    finally:
        part.unlink(missing_ok=True)


def _unpack(template: Path, data: Path, owner: Account) -> bool:
    """Make a data folder from a template, if that is there and whole."""
    try:
        with template.open("rb") as packed, mmap.mmap(packed.fileno(), 0, access=mmap.ACCESS_READ) as content:
            expected = content.readline()
            with memoryview(content) as view, view[content.tell() :] as rest:
                if expected != b"%08x\n" % zlib.crc32(rest):
                    return False
            index = json.loads(content.readline())
            _write_files(content, index, data, owner)
    except (FileNotFoundError, ValueError):  # ValueError: an empty file
        return False
    with suppress(OSError):
        os.utime(template)
    return True


def _write_files(content: mmap.mmap, index: list[tuple[str, int | None]], data: Path, owner: Account) -> None:
    foreign = owner.uid != os.geteuid()
    root = str(data)
    _make_folder(root, owner)
    for name, size in index:
        path = f"{root}/{name}"
        if size is None:
            _make_folder(path, owner)
            continue
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if foreign:
                os.fchown(descriptor, owner.uid, owner.gid)
            if os.write(descriptor, content.read(size)) != size:
                raise OSError(errno.ENOSPC, "no room for a data folder", path)
        finally:
            os.close(descriptor)


def _make_folder(path: str, owner: Account) -> None:
    os.mkdir(path, 0o700)  # noqa: PTH102 - a Path for each of a thousand folders costs more than the folder
    if owner.uid != os.geteuid():
        os.chown(path, owner.uid, owner.gid)


def _prune(cache: Path) -> None:
    """Keep the cache small: the templates used last, none of them old, and no remains of killed runs."""
    now = time.time()
    files = {path: path.stat().st_mtime for path in cache.iterdir()}
    templates = sorted((path for path in files if path.suffix == ".template"), key=files.__getitem__, reverse=True)
    old = [path for path in templates if now - files[path] > TEMPLATE_DAYS * DAY]
    remains = [path for path in files if path.suffix in {".lock", ".part"} and now - files[path] > DAY]
    for path in {*templates[TEMPLATES_KEPT:], *old, *remains}:
        path.unlink(missing_ok=True)


def cache_directory(fallback: Path) -> Path:
    """Give the first folder for templates that we may use; `fallback` where there is none.

    The server's account need not reach it: templates are read and written by ourselves.
    """
    chosen = os.environ.get("TGINTEGRITY_CACHE")
    if chosen and _writable_folder(Path(chosen).absolute()):
        return Path(chosen).absolute()
    home = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111 - Path.home raises where there is none
    candidates = [home / "pytest-tgintegrity"] if home.is_absolute() and home.parent.is_dir() else []
    candidates += [Path(tempfile.gettempdir(), f"pytest-tgintegrity-{os.geteuid()}")]
    return next((path for path in candidates if _writable_folder(path) and _private(path)), fallback)


def _writable_folder(path: Path) -> bool:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(path, os.W_OK | os.X_OK)


def _private(path: Path) -> bool:
    """Tell whether a folder is ours: servers are not started on files that others could write."""
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & stat.S_IWOTH
