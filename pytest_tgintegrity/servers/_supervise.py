"""The supervisor: a tiny process between the owner and a throw-away server; `python -I -S _supervise.py UID GID`.

It makes the server's folders, starts the server and waits on a pipe from the owner. However the owner ends, `kill -9`
included, the pipe closes: the supervisor then stops the server and removes the folders. On Linux the server also dies
with the supervisor (PR_SET_PDEATHSIG; the owner cannot use that, as it fires when the *thread* that forked ends), and
what a killed server leaves behind comes to the supervisor. It imports only what loads in milliseconds.

Requests and answers are JSON, one line each; an answer is `{"error": text}` where the request failed:

    ["folder", root]                                a new private folder below `root`: its path
    ["run", argv, environment, log, stop_signal]   start a program, `stop_signal` being the signal that ends it: its pid
    ["signal", number]                              pass a signal to the program, or to what it left behind: as "status"
    ["status"]                                      its exit status; null while it, or what it left behind, runs
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

OWNER = ".held"
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
IPC_RMID = 0
HEARTBEAT = 0.5  # seconds between two looks at the owner: a forked child of it can keep the pipe open
GRACE = 3.0  # seconds between the stop signal and SIGKILL


def hold(folder: str) -> int | None:
    """Mark a folder as in use, as long as this process lives, or one that inherits the returned file descriptor.

    The mark is a locked file; the kernel releases the lock. The file gets its name only when it is locked, so a folder never
    looks left behind too early. Where the file system has no locks there is no mark, and nobody sweeps the folder.
    """
    path = os.path.join(folder, OWNER)
    try:
        handle, part = os.open(path, os.O_RDONLY | os.O_NOFOLLOW), None
    except FileNotFoundError:
        part = f"{path}.{os.getpid()}"
        handle = os.open(part, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
    except OSError:
        os.close(handle)
        return None
    if part:
        os.rename(part, path)
    return handle


class Supervisor:
    """One program at a time, and the folders that belong to it."""

    def __init__(self, uid: int, gid: int) -> None:
        """Run programs as `uid` and `gid`, which differ from ours only when we are root."""
        self.uid, self.gid, self.owner = uid, gid, os.getppid()
        self.libc = _libc()
        self.libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.folders: list[str] = []
        self.held: list[int | None] = []
        self.started: set[str] = set()
        self.pid, self.exit_status, self.stop_signal = 0, 0, signal.SIGKILL

    def folder(self, root: str) -> str:
        """Make a private folder that the program can use, and remember to remove it."""
        path = os.path.join(root, f"tgi-{os.urandom(5).hex()}")
        os.mkdir(path, 0o700)
        self.folders.append(path)
        self.held.append(hold(path))
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid)
        return path

    def run(self, argv: list[str], environment: dict[str, str], log: str, stop_signal: int) -> int:
        """Start a program with its output appended to `log`; an old one must have ended."""
        if self.status() is None:
            raise OSError("the last program is still running")
        self.stop_signal = signal.Signals(stop_signal)
        supervisor = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            self._become(argv, environment, log, supervisor)
        self.started.add(str(self.pid))
        return self.pid

    def _become(self, argv: list[str], environment: dict[str, str], log: str, supervisor: int) -> NoReturn:
        try:
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.setsid()
            os.umask(0o077)
            os.chdir(os.path.dirname(log))
            for handle in self.held:  # a server that outlives its supervisor holds its folders still
                if handle is not None:
                    os.set_inheritable(handle, True)  # noqa: FBT003 - it takes no keywords
            for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            self._drop_privileges()
            self.libc.prctl(PR_SET_PDEATHSIG, int(self.stop_signal), 0, 0, 0)  # setuid would have cleared it
            if os.getppid() == supervisor:
                os.execve(argv[0], argv, environment)
        except OSError as error:
            os.write(2, f"cannot run {argv[0]} as user {self.uid}: {error}\n".encode())
        finally:
            os._exit(126)

    def _drop_privileges(self) -> None:
        if self.uid != os.geteuid():
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)

    def status(self) -> int | None:
        """Tell the exit status of the program (negative: the signal that ended it), None while it or a child runs."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return None
                if pid == self.pid:
                    self.pid, self.exit_status = 0, os.waitstatus_to_exitcode(status)
        except ChildProcessError:
            return self.exit_status

    def send(self, number: int) -> int | None:
        """Pass a signal to the program, else to its children; no other process can have taken the pid of ours."""
        status = self.status()
        if status is None:
            for pid in [self.pid] if self.pid else _children():
                os.kill(pid, number)
        return status

    def finish(self) -> None:
        """End the program and remove the folders."""
        self.send(self.stop_signal)
        deadline = time.monotonic() + GRACE
        while self.status() is None:
            if time.monotonic() > deadline:
                self.send(signal.SIGKILL)
            time.sleep(0.005)
        for segment in _shared_memory(self.started):
            self.libc.shmctl(segment, IPC_RMID, None)
        for folder in self.folders:
            _remove(folder)

    def serve(self) -> None:
        """Answer requests until the owner is gone."""
        answers: dict[str, Callable[..., object]] = {
            "folder": self.folder, "run": self.run, "signal": self.send, "status": self.status,
        }  # fmt: skip
        for request, *arguments in self._requests():
            try:
                answer = answers[request](*arguments)
            except OSError as error:
                answer = {"error": str(error)}
            os.write(1, json.dumps(answer).encode() + b"\n")

    def _requests(self) -> Iterator[list[Any]]:
        text = b""
        while os.getppid() == self.owner:
            if not select.select([0], [], [], HEARTBEAT)[0]:
                continue
            piece = os.read(0, 65536)
            if not piece:
                return
            *lines, text = (text + piece).split(b"\n")
            yield from map(json.loads, lines)


class _NoLibc:
    """Stands for the C library where it lacks these calls: they do nothing."""

    def prctl(self, *_: object) -> None:
        pass

    shmctl = prctl


def _libc() -> Any:
    """Load the C library while we can: the unprivileged user perhaps cannot read ours."""
    try:
        import ctypes

        libc = ctypes.CDLL(None)
    except (ImportError, OSError):
        return _NoLibc()
    return libc if hasattr(libc, "prctl") and hasattr(libc, "shmctl") else _NoLibc()


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as listed:
            return [int(pid) for pid in listed.read().split()]
    except OSError:
        return []


def _shared_memory(creators: set[str]) -> list[int]:
    """Find what a server leaves in the kernel when it is ended by SIGKILL: segments that nobody uses any more."""
    try:
        with open("/proc/sysvipc/shm") as listed:
            rows = [row.split() for row in listed.readlines()[1:]]
    except OSError:
        return []
    return [int(row[1]) for row in rows if row[4] in creators and row[6] == "0"]


def _remove(folder: str) -> None:
    """Remove a folder; again if a last process of a killed server was still writing."""
    import shutil

    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        time.sleep(0.02)


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    """Serve the owner at the other end of the pipe, then end the program and remove the folders, whatever happened."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    supervisor = Supervisor(*map(int, sys.argv[1:3]))
    try:
        supervisor.serve()
    except OSError:  # the owner closed the pipe before it read its answer
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        supervisor.finish()


if __name__ == "__main__":
    main()
