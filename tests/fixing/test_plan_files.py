"""The file of a plan: private, whole or not there, and nothing left of a plan that was killed."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.fixing.changes import Change
from pytest_tgintegrity.fixing.plan_files import PlanFile, read

NOBODY = 65534
KILLED = """
import os, pathlib, signal, sys
from pytest_tgintegrity.fixing.plan_files import PlanFile
with PlanFile(pathlib.Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def change(text: str, key: str = "1") -> Change:
    return Change("public.person", "update", {"id": key}, {"name": text}, {"name": "x"}, ("rule",))


def written(folder: Path, *changes: Change) -> Path:
    with PlanFile(folder) as file:
        for one in changes:
            file.write(one)
        return file.finish("0123")


def parts(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if one.name.endswith(".part"))


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own, if this machine lets us have one."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("text", ["plain", "ü€", "a\nb\r\u2028c\x85", "caf\udce9", '"\\', "\x1b[31m", ""])
def test_what_is_written_is_read_whatever_the_text(tmp_path: Path, text: str) -> None:
    changes = [change(text), change(text, "2")]

    path = written(tmp_path, *changes)

    assert path == tmp_path / "fix-plan-0123.jsonl"
    assert list(read(path)) == changes
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes().count(b"\n") == 2
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_the_folder_is_made(tmp_path: Path) -> None:
    assert written(tmp_path / "a" / "b", change("x")).exists()


def test_what_was_not_finished_is_not_there(tmp_path: Path) -> None:
    with PlanFile(tmp_path) as file:
        file.write(change("x"))
        (part,) = tmp_path.iterdir()
        assert part.name.startswith(f".fix-plan-{os.getpid()}-")
        assert part.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt), PlanFile(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_plan_left_is_removed_by_the_next(tmp_path: Path) -> None:
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
        assert done.returncode == -signal.SIGKILL
    assert len(parts(tmp_path)) >= 1

    with PlanFile(tmp_path):
        (own,) = parts(tmp_path)
        assert own.startswith(f".fix-plan-{os.getpid()}-")


def test_a_plan_that_is_still_being_written_is_left_alone(tmp_path: Path) -> None:
    with PlanFile(tmp_path) as first:
        first.write(change("first"))
        with PlanFile(tmp_path) as second:
            assert len(parts(tmp_path)) == 2
            second.write(change("second"))
            assert list(read(second.finish("2"))) == [change("second")]
        assert list(read(first.finish("1"))) == [change("first")]
    assert parts(tmp_path) == []


def test_a_file_that_is_swept_before_it_is_locked_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock
    swept: list[Path] = []

    def late(handle: int, how: int) -> None:
        if not swept:
            swept.extend(tmp_path.iterdir())
            swept[0].unlink()
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)

    assert list(read(written(tmp_path, change("x")))) == [change("x")]


def test_only_our_own_files_are_removed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / ".fix-plan-1-link.part").symlink_to(victim)
    os.mkfifo(tmp_path / ".fix-plan-1-pipe.part")
    (tmp_path / ".fix-plan-1-folder.part").mkdir()
    for name in (".fix-plan-mine.part", "fix-plan-1-x.part", ".fix-plan-1-x.part.bak", ".fix-plan-1-x.jsonl"):
        (tmp_path / name).write_text("not a part of ours")
    if os.geteuid() == 0:
        (tmp_path / ".fix-plan-1-other.part").write_text("another's")
        os.chown(tmp_path / ".fix-plan-1-other.part", NOBODY, NOBODY)
    before = sorted(one.name for one in tmp_path.iterdir())

    with PlanFile(tmp_path):
        pass

    assert sorted(one.name for one in tmp_path.iterdir()) == before
    assert victim.read_text() == "precious"


def test_a_link_in_the_place_of_the_plan_is_replaced_and_never_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for target in (victim, Path("/dev/full")):
        link = tmp_path / "fix-plan-0123.jsonl"
        link.unlink(missing_ok=True)
        link.symlink_to(target)

        path = written(tmp_path, change("x"))

        assert not path.is_symlink()
        assert list(read(path)) == [change("x")]
    assert victim.read_text() == "precious"


def test_a_plan_that_is_gone_or_another_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, change("x"))
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    for broken, why in ((link, "cannot be read"), (tmp_path / "absent", "cannot be read: No such file")):
        with pytest.raises(UsageError, match=why):
            list(read(broken))
    for text in ("{", "[]\n", '{"table": "t"}\n', "1\n"):
        path.write_text(text)
        with pytest.raises(UsageError, match="was changed after it was written: plan again"):
            list(read(path))
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
        with pytest.raises(UsageError, match="is not the file that was written"):
            list(read(path))


def refused(folder: Path) -> str:
    """What is said of a plan that is too large for a small disk."""
    with pytest.raises(UsageError) as caught:
        written(folder, *(change("x" * 900, str(number)) for number in range(100)))
    said = str(caught.value)
    assert said.startswith(f"the plan cannot be written to {folder}: ")
    assert said.endswith("--json-report-file=FOLDER/report.json: the plan is written beside the report")
    assert "\n" not in said
    return said


@pytest.mark.parametrize("size", ["4k", "64k"])
def test_a_full_disk_is_told_and_nothing_is_left_on_it(tmp_path: Path, size: str) -> None:
    with mounted(tmp_path / "small", f"size={size}") as folder:
        assert "No space left on device" in refused(folder)
        assert list(folder.iterdir()) == []


def test_a_read_only_disk_is_told(tmp_path: Path) -> None:
    with mounted(tmp_path / "fixed", "ro") as folder:
        assert "Read-only file system" in refused(folder)


def test_a_forbidden_folder_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    if os.geteuid():
        assert "Permission denied" in refused(folder)
        return
    os.seteuid(NOBODY)
    try:
        assert "Permission denied" in refused(folder)
    finally:
        os.seteuid(0)


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "it is no folder" in refused(tmp_path / "file")
    assert "it is no folder" in refused(tmp_path / "file" / "below")


def test_a_folder_in_the_place_of_the_plan_is_told(tmp_path: Path) -> None:
    (tmp_path / "fix-plan-0123.jsonl").mkdir()
    assert "Is a directory" in refused(tmp_path)
    assert parts(tmp_path) == []
