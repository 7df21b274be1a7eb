"""Throw-away Valkey servers.

with start_valkey() as server:
redis.Redis.from_url(server.url)
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from pytest_tgintegrity.errors import ScratchError
from pytest_tgintegrity.servers.binaries import ValkeyBinary, find_valkey
from pytest_tgintegrity.servers.supervisor import START_TIMEOUT, STOP_TIMEOUT, poll, supervised
from pytest_tgintegrity.servers.throw_away import ThrowAway, copy_programs, on_a_free_port, socket_folder


@dataclass(frozen=True, slots=True)
class ValkeyServer(ThrowAway):
    """A throw-away Valkey server that keeps nothing on disk; as a context manager it is removed at the end."""

    binary: ValkeyBinary
    socket: Path
    port: int = 0  #: on 127.0.0.1; 0: no TCP
    password: str | None = field(default=None, repr=False)
    program: Path = field(kw_only=True, repr=False)

    @property
    def url(self) -> str:
        """The URL for the redis client: of the TCP port where there is one (with password), else of the socket."""
        if self.port:
            return f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        return f"unix://{quote(str(self.socket))}?db=0"

    def stop(self) -> None:
        """Stop the server; its data is lost. One that does not end within 15 s is killed."""
        self.supervisor.signal(signal.SIGTERM)
        if self.supervisor.wait(STOP_TIMEOUT) is None:
            self.kill()

    def kill(self) -> None:
        """End the server by SIGKILL; its data is lost."""
        self.supervisor.kill()

    def restart(self) -> None:
        """Stop the server if it runs, and start it again, empty, at the same place; raises ScratchError."""
        self.stop()
        self.supervisor.run([self.program, self._configuration()])
        if not poll(self._ready, START_TIMEOUT):
            raise ScratchError(f"Valkey from {self.binary.path} did not start: {self.supervisor.log_tail()}")

    def _configuration(self) -> Path:
        """Write the settings to a file: the password would be seen on a command line."""
        settings = [
            "daemonize no", 'save ""', "appendonly no", "bind 127.0.0.1", f"port {self.port}",
            f'dir "{self.socket.parent}"', f'unixsocket "{self.socket}"', "unixsocketperm 700",
        ]  # fmt: skip
        settings += [f"requirepass {self.password}"] if self.password else []
        path = self.supervisor.folder / "valkey.conf"
        path.touch(mode=0o600)
        path.write_text("\n".join(settings) + "\n")
        os.chown(path, self.supervisor.account.uid, self.supervisor.account.gid)
        return path

    def _ready(self) -> bool | None:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self.socket))
            probe.sendall(b"PING\r\n")
            if probe.recv(100).startswith((b"+PONG", b"-NOAUTH")):
                return True
        return None if self.supervisor.exit_status() is None else False


def start_valkey(*, tcp: bool = False, binary: ValkeyBinary | None = None) -> ValkeyServer:
    """Start an empty Valkey server on a private socket; `tcp` adds a port on 127.0.0.1, then a password is wanted.

    Raises ScratchError.
    """
    with supervised() as supervisor:
        binary = binary or find_valkey()
        path = socket_folder(supervisor, "valkey.sock") / "valkey.sock"
        program = binary.path.absolute()  # Debian's redis-server is a link to redis-check-rdb, which asks for its name
        if not (supervisor.account.reaches(program.parent) and supervisor.account.reaches(program)):
            program = supervisor.make_folder(programs=True) / program.name
            copy_programs(binary.path, program)
        server = ValkeyServer(binary, path, supervisor=supervisor, program=program)
        if not tcp:
            server.restart()
            return server
        password = secrets.token_urlsafe(16)
        return on_a_free_port(lambda port: replace(server, port=port, password=password))
