"""End a fixing process by SIGKILL at its n-th statement: a proxy counts what it sends, nothing in it knows of that."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pytest_tgintegrity.servers.postgres import PostgresServer
from servers import ROOMY

STATEMENTS = b"QE"  # simple queries, and the execution of prepared ones
HEADER = 5
CODE = """
import os, sys
from pathlib import Path
from fixes import fix, undone
from pytest_tgintegrity.fixing.apply import batches
batches.WHOLE_PLAN_ROWS, batches.BATCH_ROWS = 0, 3
for line in sys.stdin:
    what, url, folder = line.rstrip("\\n").split("\\t")
    pid = os.fork()
    if not pid:
        fix(url, Path(folder)) if what == "fix" else undone(url, what)
        os._exit(0)
    print(pid, flush=True)
    print(os.waitpid(pid, 0)[1], flush=True)
"""


@dataclass
class Proxy:
    """Stands between a process and a server, and ends the process when it sends its n-th statement.

    The statement does not arrive, or it does (`arrives`) and its answer is never read.
    """

    folder: Path
    server: PostgresServer
    at: int = 0
    arrives: bool = False
    sent: int = 0
    pid: int = 0
    known: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, of: str) -> str:
        """The URL of a database by way of us."""
        return of.replace(str(self.server.socket_directory).replace("/", "%2F"), str(self.folder).replace("/", "%2F"))

    def serve(self, listening: socket.socket) -> None:
        """Take connections until the socket is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=self._connection, args=(client,), daemon=True).start()

    def _connection(self, client: socket.socket) -> None:
        with socket.socket(socket.AF_UNIX) as server, client:
            server.connect(f"{self.server.socket_directory}/.s.PGSQL.{self.server.port}")
            answers = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
            answers.start()
            with contextlib.suppress(OSError), client.makefile("rb") as sent:
                self._startup(sent, server)
                while self._message(sent, server):
                    pass
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_WR)  # closing it would not end the other thread's waiting
            answers.join(timeout=10)

    def _startup(self, sent: IO[bytes], server: socket.socket) -> None:
        size = sent.read(4)
        server.sendall(size + sent.read(max(0, int.from_bytes(size) - 4)))

    def _message(self, sent: IO[bytes], server: socket.socket) -> bool:
        head = sent.read(HEADER)
        if len(head) < HEADER:
            return False
        message = head + sent.read(int.from_bytes(head[1:]) - 4)
        fatal = head[:1] in (b"Q", b"E") and self._counted()
        if not fatal or self.arrives:
            server.sendall(message + (b"S\0\0\0\4" if fatal and head[:1] == b"E" else b""))
        if fatal:
            self.known.wait(timeout=10)
            os.kill(self.pid, signal.SIGKILL)
        return not fatal

    def _counted(self) -> bool:
        with self.lock:
            self.sent += 1
            return self.sent == self.at


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class Mender:
    """A process that forks one for each fix or undo."""

    process: subprocess.Popen[str]
    server: PostgresServer

    def run(self, what: str, url: str, folder: Path, at: int = 0, *, arrives: bool = False) -> Proxy:
        """Fix, or undo the run `what`, and be killed at the n-th statement (0: never)."""
        with tempfile.TemporaryDirectory(dir=ROOMY) as place, socket.socket(socket.AF_UNIX) as listening:
            proxy = Proxy(Path(place), self.server, at, arrives)
            listening.bind(f"{place}/.s.PGSQL.{self.server.port}")
            listening.listen()
            threading.Thread(target=proxy.serve, args=(listening,), daemon=True).start()
            assert self.process.stdin
            assert self.process.stdout
            self.process.stdin.write(f"{what}\t{proxy.url(url)}\t{folder}\n")
            self.process.stdin.flush()
            proxy.pid = int(self.process.stdout.readline())
            proxy.known.set()
            status = int(self.process.stdout.readline())
            assert status == (signal.SIGKILL if 0 < at <= proxy.sent else 0)
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            return proxy


@contextmanager
def mender(server: PostgresServer) -> Iterator[Mender]:
    """Start what forks; it has imported all that a fix needs."""
    here = str(Path(__file__).parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([here, str(Path(here).parents[1])])}
    with subprocess.Popen(
        [sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield Mender(process, server)
        finally:
            process.kill()
