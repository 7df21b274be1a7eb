"""What a killed process leaves behind is swept by the next run; what anybody still holds is not."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import HOLDS, QUICKLY, rules, sleeping, wait_until
from pytest_tgintegrity.servers._supervise import OWNER
from pytest_tgintegrity.servers.binaries import find_valkey
from pytest_tgintegrity.servers.leftovers import hold, sweep
from pytest_tgintegrity.servers.supervisor import FOLDERS
from pytest_tgintegrity.servers.valkey import start_valkey
from servers import owner, processes_of

NAMES = re.compile(r"it-\w+")
SLOW = """
@rule.query("SELECT 1 WHERE pg_sleep(60) IS NULL")
def test_slow(violations):
    \"\"\"It takes long.\"\"\"
    assert not violations
"""


def made(folder: Path) -> Path:
    folder.mkdir()
    (folder / "something").write_text("left")
    return folder


def test_what_nobody_holds_goes(tmp_path: Path) -> None:
    held, left, others, never = (made(tmp_path / name) for name in ("it-held", "it-left", "others-left", "it-never"))
    handles = {folder: hold(str(folder)) for folder in (held, left, others)}
    again = hold(str(held))
    for folder in (left, others, held):
        os.close(handles[folder] or -1)
    (tmp_path / "it-link").symlink_to(others)
    (tmp_path / "it-file").write_text("")
    sweep([tmp_path, tmp_path / "nowhere"], NAMES, {os.geteuid()})

    assert again is not None
    assert [one.exists() for one in (held, left, others, never)] == [True, False, True, True]
    assert (tmp_path / "it-link").is_symlink()
    os.close(again)
    sweep([tmp_path], NAMES, {os.geteuid() + 1})
    assert held.exists()
    sweep([tmp_path], NAMES, {os.geteuid()})
    assert not held.exists()


def test_what_is_just_being_made_stays(tmp_path: Path) -> None:
    """There is no moment in which a folder looks left behind."""
    done = threading.Event()

    def sweeping() -> None:
        while not done.is_set():
            sweep([tmp_path], NAMES, {os.geteuid()})

    thread = threading.Thread(target=sweeping)
    thread.start()
    handles = []
    try:
        for number in range(300):
            folder = made(tmp_path / f"it-{number}")
            handles.append(hold(str(folder)))
            assert (folder / "something").exists()
    finally:
        done.set()
        thread.join()
        for handle in handles:
            os.close(handle or -1)


def is_held(folder: Path) -> bool:
    """Whether anybody holds a folder."""
    with (folder / OWNER).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place of our own for temporary folders, with room for the name of a socket."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield Path(folder)
    tempfile.tempdir = None


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_controller_that_was_killed(
    pytester: pytest.Pytester, temporary: Path, database_url: str, how: signal.Signals
) -> None:
    """The next run removes its folder, but not before its workers are gone."""
    rules(pytester, SLOW, HOLDS)
    command = [sys.executable, "-m", "pytest", "-n2", f"--db-url={database_url}", *QUICKLY]
    with subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: sleeping(database_url) > 0, 60)
        process.send_signal(how)
    left = list(temporary.glob("tgintegrity-*"))
    wait_until(lambda: not is_held(left[0]), 60)
    subprocess.run([*command, "-k", "holds"], cwd=pytester.path, stdout=subprocess.DEVNULL, check=False)

    assert len(left) == 1
    assert list(temporary.glob("tgintegrity-*")) == []


@pytest.mark.parametrize("what", ["start_valkey()", "start_postgres()"])
def test_a_supervisor_that_was_killed(temporary: Path, what: str) -> None:
    """Its server ends with it; the next server sweeps what it left."""
    body = f"server = {what}\nprint(server.supervisor._process.pid, server.pid, server.supervisor.folder, flush=True)\ntime.sleep(60)"
    with owner(body) as process:
        assert process.stdout
        supervisor, server, folder = process.stdout.readline().split()
        os.kill(int(supervisor), signal.SIGKILL)
        wait_until(
            lambda: not Path(f"/proc/{server}").exists() or "Z" in Path(f"/proc/{server}/stat").read_text().split()[2],
            30,
        )
    assert [one.name for one in temporary.iterdir() if FOLDERS.fullmatch(one.name)]
    wait_until(lambda: not processes_of(Path(folder)), 30)
    with start_valkey() as other:
        there = {one.name for one in temporary.iterdir() if FOLDERS.fullmatch(one.name)}

        assert not Path(folder).exists()
        assert there <= {other.socket.parent.name, *(one.name for one in other.program.parents)}
    assert [one for one in temporary.iterdir() if FOLDERS.fullmatch(one.name)] == []


def test_a_server_that_lives_is_not_swept(temporary: Path) -> None:
    with start_valkey() as one, start_valkey() as other:
        assert one.socket.exists()
        assert other.socket.exists()


@pytest.mark.parametrize("name", ["redis-check-rdb", "valkey-check-rdb", "redis-check-aof"])
def test_a_server_is_called_by_its_own_name(temporary: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Debian's redis-server is a link to redis-check-rdb: which of them it is, the program sees by its name."""
    (temporary / "bin").mkdir()
    shutil.copy(find_valkey().path, temporary / "bin" / name)
    for link in ("redis-server", "valkey-server"):
        (temporary / "bin" / link).symlink_to(name)
        monkeypatch.setenv("TGINTEGRITY_VALKEY_BIN", str(temporary / "bin" / link))
        with start_valkey() as server:
            assert server.program.name == link
    (temporary / "bin").chmod(0o700)
    with start_valkey() as server:
        assert server.program.name == "valkey-server"
