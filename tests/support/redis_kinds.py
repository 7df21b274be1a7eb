"""Kinds of Redis servers that the embedded one is not by itself: behind TLS, and a node of a cluster."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from harness import wait_until
from pytest_tgintegrity.servers.binaries import find_valkey


def certified(folder: Path) -> Path:
    """A certificate for 127.0.0.1, signed by itself, with its key in the same file."""
    path = folder / "tls.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*words.split(), "-keyout", path, "-out", folder / "c.pem"], check=True, capture_output=True)
    path.write_text(path.read_text() + (folder / "c.pem").read_text())
    return path


@contextlib.contextmanager
def speaking_tls(port: int, certificate: Path) -> Iterator[int]:
    """A port that speaks TLS, and passes on to a server what it hears."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    over = threading.Event()

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(10)
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as near,
                socket.create_connection(("127.0.0.1", port)) as far,
            ):
                while not over.is_set() and _passed_on(near, far):
                    pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            over.set()
            server.shutdown()
            thread.join()


def _passed_on(near: ssl.SSLSocket, far: socket.socket) -> bool:
    """Pass on what has come in, if anything has; False once either side has ended."""
    for one in [near] if near.pending() else select.select([near, far], [], [], 0.05)[0]:
        data = one.recv(65536)
        if not data:
            return False
        (far if one is near else near).sendall(data)
    return True


def free_port() -> int:
    """A port that nobody listens on, and whose number leaves room for that of the cluster's bus."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def cluster_node(port: int, folder: Path, **settings: str | int) -> Iterator[int]:
    """A cluster of one node; gives the process id. `settings` are those of its configuration."""
    told = {"port": port, "cluster-port": port - 10_000, "cluster-enabled": "yes", "bind": "127.0.0.1"}
    told |= {"dir": str(folder), **{name.replace("_", "-"): value for name, value in settings.items()}}
    command = [str(find_valkey().path), *(word for name, value in told.items() for word in (f"--{name}", str(value)))]
    with subprocess.Popen([*command, "--save", ""], stdout=subprocess.DEVNULL) as node:
        try:
            with redis.Redis(port=port, socket_timeout=2) as client:
                wait_until(lambda: _answers(client))
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
                wait_until(lambda: "cluster_state:ok" in str(client.execute_command("CLUSTER", "INFO")))
            yield node.pid
        finally:
            node.kill()


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
