"""Report files: written as a whole, for whom they are for; devices, pipes and links stay what they are."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import HOLDS, VIOLATED, RunRules, rules
from pytest_tgintegrity.reports import files

FORMS = {"page": "--html-report={}", "metrics": "--metrics={}", "json": "--json-report-file={}"}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask() -> Iterator[Callable[[int], None]]:
    """Set a umask that is taken back."""
    before = os.umask(0o022)
    yield lambda value: void(os.umask(value))
    os.umask(before)


def void(_: object) -> None:
    """Nothing."""


@pytest.mark.parametrize(("mask", "left"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600), (0, 0o666)])
def test_files_obey_umask(tmp_path: Path, umask: Callable[[int], None], mask: int, left: int) -> None:
    umask(mask)
    files.write(tmp_path / "new" / "a", "text")
    (tmp_path / "b").write_text("old")
    (tmp_path / "b").chmod(0o444)
    files.write(tmp_path / "b", "text")
    files.write(tmp_path / "c", "text", private=True)

    assert [mode(tmp_path / name) for name in ("new/a", "b", "c")] == [left, left, 0o600]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["b", "c", "new"]


def test_samples_are_for_their_owner(check: RunRules, pytester: pytest.Pytester, umask: Callable[[int], None]) -> None:
    """Where rows are shown; else whoever the umask lets."""
    umask(0o022)
    asked = ("--html-report=page.html", "--metrics=tg.prom")
    names = ("page.html", "report.json", "tg.prom")
    check(HOLDS, VIOLATED, *asked)
    shown = [mode(pytester.path / name) for name in names]
    check(HOLDS, VIOLATED, *asked, "--no-samples")
    hidden = [mode(pytester.path / name) for name in names]

    assert (shown, hidden) == ([0o600, 0o600, 0o644], [0o644] * 3)


@pytest.mark.parametrize("form", FORMS)
def test_a_link_stays(check: RunRules, pytester: pytest.Pytester, form: str) -> None:
    """And what it leads to is written, also if that is not there yet."""
    (pytester.path / "to").mkdir()
    (pytester.path / "to" / "old").write_text("yesterday")
    for name in ("old", "new"):
        (pytester.path / f"link-{name}").symlink_to(Path("to") / name)
        ran = check(HOLDS, FORMS[form].format(f"link-{name}"))

        assert ran.status == 0
        assert (pytester.path / f"link-{name}").is_symlink()
        assert "yesterday" != (pytester.path / "to" / name).read_text()
        assert (pytester.path / "to" / name).stat().st_size > 100
    assert sorted(one.name for one in (pytester.path / "to").iterdir()) == ["new", "old"]


@pytest.mark.parametrize("form", FORMS)
def test_a_device_stays(check: RunRules, pytester: pytest.Pytester, form: str) -> None:
    """A full one is told; what is thrown away is thrown away."""
    for name in ("full", "null"):
        before = Path(f"/dev/{name}").stat()
        link = pytester.path / f"link-{name}"
        link.symlink_to(f"/dev/{name}")
        for path in (f"/dev/{name}", link.name):
            ran = check(HOLDS, FORMS[form].format(path))

            assert ran.status == 0
            assert ("No space left" in ran.out) == (name == "full")
        after = Path(f"/dev/{name}").stat()
        assert link.is_symlink()
        assert stat.S_ISCHR(after.st_mode)
        assert (before.st_ino, before.st_rdev, before.st_mode) == (after.st_ino, after.st_rdev, after.st_mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_node_of_our_own(check: RunRules, pytester: pytest.Pytester) -> None:
    """In a folder where it could be replaced."""
    node = pytester.path / "node"
    try:
        os.mknod(node, stat.S_IFCHR | 0o666, os.makedev(1, 7))
        node.open("wb").close()
    except OSError:
        pytest.skip("no devices can be made, or used, here")
    for form in FORMS.values():
        ran = check(HOLDS, form.format("node"))

        assert "No space left" in ran.out
        assert stat.S_ISCHR(node.lstat().st_mode)


@pytest.mark.parametrize("form", FORMS)
def test_a_pipe_is_written_to(check: RunRules, pytester: pytest.Pytester, form: str) -> None:
    """Once, with the whole report."""
    pipe = pytester.path / "pipe"
    os.mkfifo(pipe)
    heard: list[str] = []
    reading = threading.Thread(target=lambda: heard.append(pipe.read_text()), daemon=True)
    reading.start()
    ran = check(HOLDS, FORMS[form].format("pipe"))
    reading.join(10)

    assert ran.status == 0
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    expected = {"page": "</html>", "metrics": "# EOF", "json": "}"}[form]
    assert heard[0].rstrip().endswith(expected)
    assert "died" not in heard[0]


@pytest.mark.parametrize("form", FORMS)
def test_a_pipe_that_nobody_reads(
    check: RunRules, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """It is told, in time, and stays."""
    monkeypatch.setattr(files, "PATIENCE", 0.3)
    os.mkfifo(pytester.path / "pipe")
    ran = check(HOLDS, FORMS[form].format("pipe"))

    assert ran.status == 0
    assert "nobody read it" in ran.out
    assert stat.S_ISFIFO((pytester.path / "pipe").stat().st_mode)


def test_a_reader_that_stops_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.3)
    os.mkfifo(tmp_path / "pipe")
    handle = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(TimeoutError, match="nobody read it"):
            files.write(tmp_path / "pipe", "x" * 1_000_000)
    finally:
        os.close(handle)
    with pytest.raises(TimeoutError):
        files.write(tmp_path / "pipe", "x")


def test_standard_output_is_not_replaced(check: RunRules, pytester: pytest.Pytester, url: str) -> None:
    """Not even where it is a file: what else is printed stays in it."""
    rules(pytester, HOLDS)
    command = [sys.executable, "-m", "pytest", f"--db-url={url}", "--metrics=/dev/stdout", "--html-report=/dev/fd/1"]
    with (pytester.path / "out").open("w") as out:
        subprocess.run(command, stdout=out, check=True, cwd=pytester.path)
    told = (pytester.path / "out").read_text()

    assert "1 passed" in told
    assert "# EOF" in told
    assert "</html>" in told


@pytest.mark.parametrize("form", FORMS)
def test_endless_links_and_folders_are_told(check: RunRules, pytester: pytest.Pytester, form: str) -> None:
    (pytester.path / "loop").symlink_to("loop")
    (pytester.path / "folder").mkdir()
    for name in ("loop", "folder"):
        ran = check(HOLDS, FORMS[form].format(name))

        assert ran.status == 0
        assert "symbolic links" in ran.out or "Is a directory" in ran.out
    assert (pytester.path / "loop").is_symlink()
    assert (pytester.path / "folder").is_dir()


def test_json_is_never_torn(check: RunRules, pytester: pytest.Pytester) -> None:
    """Whoever looks, whenever, sees a whole document."""
    path, seen, done = pytester.path / "report.json", [], threading.Event()

    def look() -> None:
        while not done.is_set():
            if path.exists():
                seen.append(json.loads(path.read_text())["exitcode"])

    path.write_text(json.dumps({"exitcode": -1, "filling": "x" * 1_000_000}))
    looking = threading.Thread(target=look)
    looking.start()
    try:
        many = "".join(VIOLATED.replace("test_violated", f"test_violated_{n}") for n in range(200))
        check(many)
    finally:
        done.set()
        looking.join()

    assert json.loads(path.read_text())["exitcode"] == 1
    assert set(seen) <= {-1, 4, 1}


def test_what_no_encoding_knows(tmp_path: Path) -> None:
    files.write(tmp_path / "a", "\udcff")

    assert (tmp_path / "a").read_text() == "\\udcff"


def test_a_long_name(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    files.write(path, "text")

    assert path.read_text() == "text"
