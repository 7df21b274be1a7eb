"""A relay between a client and a server that stops forwarding, or drips, when it is told to; connections stay open."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Relay:
    """Forwards to a port of this machine; once `stalled`, nothing more; once `dripping`, a byte now and then.

    It stalls by itself when a client sends for the n-th time (`at`), of all that clients `sent`.
    """

    target: int
    at: int = 0
    sent: int = 0
    port: int = 0
    stalled: threading.Event = field(default_factory=threading.Event)
    dripping: threading.Event = field(default_factory=threading.Event)

    threads: list[threading.Thread] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)

    def accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                self.sockets += [client, server]
                self.begin(self.pump, client, server)
                self.begin(self.pump, server, client, True)

    def begin(self, work: Callable[..., None], *args: object) -> None:
        self.threads.append(threading.Thread(target=work, args=args, daemon=True))
        self.threads[-1].start()

    def pump(self, source: socket.socket, sink: socket.socket, to_client: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._count(to_client)
                while self.stalled.is_set():
                    time.sleep(0.05)
                self._send(sink, data, slowly=to_client and self.dripping.is_set())
        self._end(source, sink)

    def _count(self, to_client: bool) -> None:
        self.sent += not to_client
        if self.at and not to_client and self.sent >= self.at:
            self.stalled.set()

    def _send(self, sink: socket.socket, data: bytes, *, slowly: bool) -> None:
        for piece in [data[i : i + 1] for i in range(len(data))] if slowly else [data]:
            sink.sendall(piece)
            time.sleep(0.2 if slowly and self.dripping.is_set() else 0)

    def _end(self, *sockets: socket.socket) -> None:
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.at = 0
        self.stalled.clear()
        self.dripping.clear()
        self._end(*self.sockets)
        for thread in self.threads:
            thread.join(5)
        for one in self.sockets:
            one.close()


@contextlib.contextmanager
def relaying(target: int) -> Iterator[Relay]:
    """A relay on a port of its own."""
    relay = Relay(target)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay.port = listener.getsockname()[1]
        relay.begin(relay.accept, listener)
        try:
            yield relay
        finally:
            relay._end(listener)
            relay.close()
