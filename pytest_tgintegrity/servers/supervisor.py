"""The owner's side of the supervisor (`_supervise.py`): accounts, folders, and processes that end with us."""

from __future__ import annotations

import json
import os
import pwd
import re
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pytest_tgintegrity.errors import ScratchError
from pytest_tgintegrity.servers.leftovers import sweep

T = TypeVar("T")

_ON_DISK, _IN_MEMORY = ("/tmp", "/var/tmp"), "/dev/shm"  # noqa: S108 - only folders that are private are made there
ROOM_IN_MEMORY = 2 << 30  # bytes that must be free in /dev/shm before a server's data may go there
SOCKET_PATH_LIMIT = 103  # bytes in sun_path: 107 on Linux, 103 on macOS
START_TIMEOUT = 60.0  # seconds
STOP_TIMEOUT = 15.0  # seconds, then the next harder way


@dataclass(frozen=True, slots=True)
class Account:
    """The account that servers run as: our own, but never root, which PostgreSQL refuses."""

    uid: int
    gid: int

    @classmethod
    def of_servers(cls) -> Account:
        """Ourselves, or an unprivileged user if we are root. Raises ScratchError."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        for name in ("nobody", "postgres", "daemon"):  # initdb wants an account that the password file knows
            with suppress(KeyError):
                return cls(pwd.getpwnam(name).pw_uid, pwd.getpwnam(name).pw_gid)
        raise ScratchError("PostgreSQL does not run as root and there is no user nobody here: run as an ordinary user")

    def reaches(self, path: Path) -> bool:
        """Tell whether the account may enter every folder above `path`, and read and enter `path`."""
        return os.geteuid() != 0 or (
            self._may(path, 0o5) and all(self._may(parent, 0o1) for parent in path.resolve().parents)
        )

    def _may(self, path: Path, wanted: int) -> bool:
        status = path.stat()
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return status.st_mode >> shift & wanted == wanted


def temporary_roots() -> list[Path]:
    """List the places for folders, the best first: `TMPDIR`, or memory, where files appear ten times faster."""
    roots = [tempfile.gettempdir(), *_ON_DISK, _IN_MEMORY]
    with suppress(OSError):
        memory = os.statvfs(_IN_MEMORY)
        if not os.environ.get("TMPDIR") and memory.f_bavail * memory.f_frsize >= ROOM_IN_MEMORY:
            roots.insert(0, _IN_MEMORY)
    return [Path(root) for root in dict.fromkeys(roots)]


FOLDERS = re.compile(r"tgi-[0-9a-f]{10}")
"""The names that `_supervise.py` gives to folders."""


class Supervisor:
    """Speaks to the process described in `_supervise.py`; `close` is called at exit or when this object is dropped."""

    __slots__ = ("__weakref__", "_process", "account", "close", "folder", "log", "pid")

    def __init__(self, account: Account) -> None:
        self.account = account
        sweep(temporary_roots(), FOLDERS, {os.geteuid(), account.uid})
        script = str(Path(__file__).with_name("_supervise.py"))
        self._process = subprocess.Popen(  # noqa: S603 - _supervise.py, which is part of this package
            [sys.executable, "-I", "-S", script, str(account.uid), str(account.gid)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            bufsize=0, start_new_session=True, cwd="/",
        )  # fmt: skip
        self.close = weakref.finalize(self, _close_supervisor, self._process)
        self.folder = self.make_folder()
        self.log = self.folder / "log"

    def make_folder(self, *, socket: str | None = None, programs: bool = False) -> Path:
        """Make a private folder that the server's account can use; with room for a socket's name, or for programs."""
        for root in temporary_roots():
            with suppress(OSError):
                fits = socket is None or takes_socket(root / "tgi-0123456789", socket)
                runs = not programs or not os.statvfs(root).f_flag & os.ST_NOEXEC
                if fits and runs and self.account.reaches(root):
                    return Path(self._ask("folder", str(root)))
        raise ScratchError(f"no usable temporary folder for user {self.account.uid}: set TMPDIR to a writable one")

    def run(self, argv: Sequence[object], stop_signal: int = signal.SIGKILL) -> None:
        """Start a program in the background."""
        environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        self.pid = int(self._ask("run", [str(word) for word in argv], environment, str(self.log), int(stop_signal)))

    def signal(self, number: int) -> None:
        """Pass a signal to the program if it still runs, else to children that it left behind."""
        self._ask("signal", int(number))

    def exit_status(self) -> int | None:
        """Tell the exit status of the program, None while it or a child of it runs."""
        status = self._ask("status")
        return None if status is None else int(status)

    def kill(self) -> None:
        """End the program by SIGKILL, then what it left behind (the processes of PostgreSQL end by themselves)."""
        self.signal(signal.SIGKILL)
        if self.wait(1.0) is None:
            self.signal(signal.SIGKILL)
            self.wait(STOP_TIMEOUT)

    def wait(self, seconds: float) -> int | None:
        """Wait for the program to end; None if it does not in time."""
        return poll(self.exit_status, seconds)

    def log_tail(self) -> str:
        """The last lines of the log, in one line."""
        with suppress(OSError):
            return " | ".join(self.log.read_text(errors="replace").split("\n")[-6:]).strip(" |") or "(no output)"
        return "(no log)"

    def _ask(self, *request: object) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            answer = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            raise ScratchError("the supervisor of an embedded server is gone: closed, or killed") from None
        if isinstance(answer, dict):
            raise OSError(answer["error"])
        return answer


def _close_supervisor(process: subprocess.Popen[bytes]) -> None:
    """Close our end of the pipe and wait; in a forked child neither has an effect, as its parent still has the pipe."""
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    process.stdout.close()
    process.wait()


def poll(look: Callable[[], T | None], seconds: float) -> T | None:
    """Call `look` until it returns something; None after so many seconds."""
    deadline = time.monotonic() + seconds
    while (seen := look()) is None and time.monotonic() < deadline:
        time.sleep(0.004)
    return seen


@contextmanager
def supervised() -> Iterator[Supervisor]:
    """Give a supervisor that stays if the block succeeds, and ends, with all it made, if the block raises."""
    supervisor = Supervisor(Account.of_servers())
    try:
        yield supervisor
    except BaseException as error:
        supervisor.close()
        if isinstance(error, OSError):
            raise ScratchError(f"an embedded server could not be prepared: {error}") from error
        raise


def takes_socket(folder: Path, name: str) -> bool:
    """Tell whether the path is short enough, and free of what separates or quotes in settings (a comma in libpq's)."""
    return len(os.fsencode(folder / name)) <= SOCKET_PATH_LIMIT and not re.search(r'[,"\\\n]', str(folder))
