"""Files beside the rules that are no files, have no end, no bottom or no limit: one sentence, and nothing hangs."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import HOLDS, Ran, RunRules
from pytest_tgintegrity.deployment.migrations import (
    Migration,
    circle,
    migrations_finding,
    parse_label,
    parse_migration,
    pending,
)
from pytest_tgintegrity.deployment.pending import read_migrations
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.fixing.caches import parse_caches
from pytest_tgintegrity.judging.waivers import parse_waivers
from pytest_tgintegrity.proving.coverage import parse_reasons
from pytest_tgintegrity.rules.files import beside, texts

FILES = ("waivers.toml", "caches.toml", "uncovered.toml")
MIGRATION = "class Migration:\n    replaces = {}\n"


def _device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
        path.open("rb").close()
    except OSError:
        path.unlink(missing_ok=True)
        path.symlink_to("/dev/zero")


def _long(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 34)


MADE: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "device": _device,
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "link to a terminal": lambda path: path.symlink_to("/dev/tty"),
    "endless link": lambda path: path.symlink_to(path.name),
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "folder": Path.mkdir,
    "socket": lambda path: os.mknod(path, stat.S_IFSOCK | 0o600),
    "sixteen gigabytes": _long,
    "no text": lambda path: path.write_bytes(b"\xff\xfe"),
    "nulls": lambda path: path.write_bytes(b"a = 1\x00"),
    "deep lists": lambda path: path.write_text("a = " + "[" * 3000 + "]" * 3000),
    "deep tables": lambda path: path.write_text("a = " + "{a = " * 3000 + "1" + "}" * 3000),
    "deep keys": lambda path: path.write_text(".".join("a" * 3000) + " = 'x'"),
    "deep heads": lambda path: path.write_text(f"[{'.'.join('a' * 3000)}]\nb = 'x'"),
    "many digits": lambda path: path.write_text(f"a = {'9' * 5000}"),
    "many hexadecimal digits": lambda path: path.write_text(f"a = 0x{'f' * 5000}"),
    "digits in a list": lambda path: path.write_text(f"a = [[0x{'f' * 5000}]]"),
    "many keys": lambda path: path.write_text(f"{'k' * 100_000} = 1"),
}


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("name", FILES)
def test_a_run_is_refused_in_a_sentence(check: RunRules, pytester: pytest.Pytester, name: str, made: str) -> None:
    MADE[made](pytester.path / name)
    ran = check(HOLDS, "--fix" if name == "caches.toml" else "--integrity-coverage")

    _is_sentence(ran, name)


@pytest.mark.parametrize("made", ["pipe", "device", "endless link", "deep lists", "many digits"])
def test_a_file_that_is_named(check: RunRules, pytester: pytest.Pytester, made: str) -> None:
    MADE[made](pytester.path / "mine.toml")

    _is_sentence(check(HOLDS, "--waivers=mine.toml"), "mine.toml")


def _is_sentence(ran: Ran, name: str) -> None:
    assert ran.status == 4
    (told,) = [line for line in ran.err.splitlines() if line]
    assert told.startswith("ERROR: ")
    assert name in told
    assert len(told) < 500


@pytest.mark.parametrize(
    "value", ["0x" + "f" * 5000, "9" * 5000, str(2**63), f"-{2**64}", f"[{'9' * 30}]", "0", "-1", "1.5", "true", "'x'", "inf", "[1]"]
)  # fmt: skip
def test_numbers_in_waivers(value: str) -> None:
    text = '[[waiver]]\nrule = "a::b"\nreason = "r"\nowner = "o"\nexpires = 2999-12-31\nmax_violations = '
    assert parse_waivers(f"{text}{2**63 - 1}", "w.toml")[0].max_violations == 2**63 - 1
    with pytest.raises(UsageError) as raised:
        parse_waivers(text + value, "w.toml")
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("read", [parse_waivers, parse_caches, parse_reasons])
@pytest.mark.parametrize("depth", [49, 60, 900, 3000, 100_000])
def test_nesting(read: Callable[[str, str], object], depth: int) -> None:
    """However deep, the answer is a sentence."""
    for text in ("[" * depth + "]" * depth, "{a=" * depth + "1" + "}" * depth):
        with pytest.raises(UsageError) as raised:
            read(f"a = {text}", "f.toml")
        assert len(str(raised.value)) < 600


def test_an_id_that_no_file_can_have(check: RunRules, pytester: pytest.Pytester) -> None:
    """Names that the file system refuses are names of rules that do not exist."""
    for file in ("x" * 5000, "\\u0000", "a/" * 3000):
        entry = f'[[waiver]]\nrule = "{file}::b"\nreason = "r"\nowner = "o"\nexpires = 2999-12-31\n'
        (pytester.path / "waivers.toml").write_text(entry)
        ran = check(HOLDS)

        assert ran.status == 1
        assert "there is no such rule" in ran.out


def test_files_that_are_read(tmp_path: Path) -> None:
    """Through a link, and whatever ends their lines."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "w").write_bytes(b"one\r\ntwo\n")
    (tmp_path / "w").symlink_to("a/w")

    assert list(texts(beside("w", [tmp_path, tmp_path / "b"]), tmp_path)) == [("w", "one\ntwo\n")]


# --- migrations


@pytest.mark.parametrize(
    "made",
    ["pipe", "device", "link to a device", "endless link", "link to nothing", "socket", "no text", "sixteen gigabytes"],
)
@pytest.mark.parametrize("name", ["migrations/0001_it.py", "apps.py"])
def test_migrations_that_are_no_files(tmp_path: Path, name: str, made: str) -> None:
    folder = _app(tmp_path)
    (folder / name).unlink()
    MADE[made](folder / name)
    if name == "apps.py" and made in ("endless link", "link to nothing"):
        assert len(read_migrations([tmp_path])) == 1, "there is no such file, as for Django"
        return
    with pytest.raises(UsageError, match=r"cannot be read") as raised:
        read_migrations([tmp_path])
    assert "\n" not in str(raised.value)


def _app(folder: Path) -> Path:
    app = folder / "app"
    (app / "migrations").mkdir(parents=True)
    for name in ("migrations/__init__.py", "apps.py"):
        (app / name).write_text("")
    (app / "migrations" / "0001_it.py").write_text(MIGRATION.format([]))
    return app


DEEP = {
    "lists": "[" * 3000 + "]" * 3000,
    "signs": "-" * 100_000 + "1",
    "sums": "+".join("1" * 50_000),
    "attributes": "a" + ".a" * 50_000,
    "digits": "9" * 5000,
    "pairs": f"[('a', {'9' * 4000}), {'-' * 3000}1]",
    "null": "'\x00'",
}


@pytest.mark.parametrize("deep", DEEP)
def test_migrations_without_bottom(tmp_path: Path, deep: str) -> None:
    text = MIGRATION.format(DEEP[deep])
    with pytest.raises(ValueError, match=r".") as raised:
        parse_migration(text, "app", "0001_it")
    assert "\n" not in str(raised.value)
    folder = _app(tmp_path)
    (folder / "migrations" / "0001_it.py").write_text(text)
    with pytest.raises(UsageError, match="cannot be read as a migration"):
        read_migrations([tmp_path])
    assert parse_label(f"class A:\n    label = {DEEP[deep]}\n") is None


@pytest.mark.parametrize("size", [2, 3, 3000])
def test_migrations_that_replace_each_other(size: int) -> None:
    """Nothing of them can be told: not even that nothing is pending."""
    files = [Migration("a", f"{n:04}", (("a", f"{(n + 1) % size:04}"),)) for n in range(size)]
    for recorded in ([], [("a", "0000")], [one.key for one in files]):
        found = migrations_finding(files, recorded)

        assert found.met is False
        assert "replace each other" in str(found.reason)
        assert "0 of 0" not in found.measured
    assert len(circle(files)) == size


def test_a_long_way_of_squashing() -> None:
    """Three thousand that stand for each other in a row are no circle."""
    files = [Migration("a", f"{n:04}", (("a", f"{n + 1:04}"),)) for n in range(300)] + [Migration("a", "0300")]
    itself = Migration("b", "0001", (("b", "0001"),))

    assert circle([*files, itself]) == ()
    assert pending(files, [("a", "0300")]) == []
    assert pending([itself], []) == [("b", "0001")]
    assert migrations_finding(files, [("a", "0300")]).met
    row = [Migration("a", f"{n:05}", (("a", f"{n + 1:05}"),)) for n in range(3000)]
    assert pending(row, [("a", "03000")]) == []
