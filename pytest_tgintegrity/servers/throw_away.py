"""What all throw-away servers have in common: they end with us, on a socket of their own or on a free port."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from pytest_tgintegrity.errors import ScratchError
from pytest_tgintegrity.servers.supervisor import Supervisor, takes_socket

Server = TypeVar("Server", bound="ThrowAway")


@dataclass(frozen=True, slots=True)
class ThrowAway:
    """A server that belongs to its supervisor; as a context manager it is removed at the end."""

    supervisor: Supervisor = field(kw_only=True, repr=False)

    @property
    def pid(self) -> int:
        """The process id of the server (of the last one, when stopped)."""
        return self.supervisor.pid

    def close(self) -> None:
        """End the server and remove everything of it; harmless when repeated."""
        self.supervisor.close()

    def restart(self) -> None:
        """Stop the server if it runs, and start it again at the same place; raises ScratchError."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def socket_folder(supervisor: Supervisor, name: str) -> Path:
    """A folder whose path leaves room for a socket of that name."""
    return supervisor.folder if takes_socket(supervisor.folder, name) else supervisor.make_folder(socket=name)


def copy_programs(source: Path, target: Path) -> None:
    """Copy a file or folder for everybody to read, whatever our umask is."""
    if not source.exists() or source.suffix == ".a":
        return
    for folder in reversed(target.parents):
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o755)
    if source.is_dir():
        for path in source.iterdir():
            copy_programs(path, target / path.name)
    else:
        shutil.copyfile(source, target)
        target.chmod(0o755)


def on_a_free_port(make: Callable[[int], Server]) -> Server:
    """Start the server that `make` gives for a port; on another port where somebody took that one meanwhile."""
    for attempts_left in range(4, -1, -1):
        server = make(port := free_port())
        try:
            server.restart()
        except ScratchError:
            if not attempts_left or is_free(port):
                raise
        else:
            return server
    raise AssertionError


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of 127.0.0.1."""
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False
