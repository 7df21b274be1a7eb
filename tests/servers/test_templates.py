"""Templates of data folders: built once, copied from then on, and never believed when they are damaged."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pytest_tgintegrity.errors import ScratchError
from pytest_tgintegrity.servers import data_cache as templates
from pytest_tgintegrity.servers.datasets import open_dataset
from pytest_tgintegrity.servers.postgres import start_postgres
from servers import ROOMY, Numbers, ask, order, owner


@pytest.fixture
def cache(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a cache of its own to a test, with nothing in it but the empty cluster."""
    monkeypatch.setenv("TGINTEGRITY_CACHE", str(shared_cache))
    if not list(shared_cache.glob("empty-*.template")):
        start_postgres().close()
    with tempfile.TemporaryDirectory(dir=ROOMY) as folder:
        for template in shared_cache.glob("empty-*.template"):
            os.link(template, Path(folder, template.name))
        monkeypatch.setenv("TGINTEGRITY_CACHE", folder)
        yield Path(folder)


def test_a_data_set_is_built_once_and_then_copied(cache: Path) -> None:
    numbers = Numbers()
    with open_dataset("numbers", numbers) as first:
        order(first.conninfo(), "DELETE FROM numbers")
        with open_dataset("numbers", numbers) as second:
            assert ask(first.conninfo(), "SELECT count(*) FROM numbers") == 0
            assert ask(second.conninfo(), "SELECT count(*) FROM numbers") == 3
            assert ask(second.url(), "SELECT current_database()::text") == "tg"

    assert numbers.built == ["tg"]
    with open_dataset("numbers", Numbers(4)) as another:
        assert ask(another.conninfo(), "SELECT count(*) FROM numbers") == 4


def test_a_data_set_comes_with_statistics(cache: Path) -> None:
    with open_dataset("numbers", Numbers()) as server:
        assert ask(server.conninfo(), "SELECT count(*) FROM pg_stats WHERE tablename = 'numbers'") == 1


def truncate(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def empty(content: bytes) -> bytes:
    return b""


def test_a_damaged_template_is_built_again(cache: Path) -> None:
    numbers = Numbers()
    open_dataset("numbers", numbers).close()
    (template,) = cache.glob("numbers-*.template")

    for builds, damage in enumerate([truncate, flip, empty], start=2):
        template.write_bytes(damage(template.read_bytes()))
        with open_dataset("numbers", numbers) as server:
            assert ask(server.conninfo(), "SELECT count(*) FROM numbers") == 3
        assert len(numbers.built) == builds, damage

    open_dataset("numbers", numbers).close()
    assert len(numbers.built) == builds


def test_two_runs_at_once_build_once(cache: Path) -> None:
    together = threading.Barrier(2)
    numbers = Numbers()

    def count(_: int) -> Any:
        together.wait()
        with open_dataset("numbers", numbers) as server:
            return ask(server.conninfo(), "SELECT count(*) FROM numbers")

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(count, range(2))) == [3, 3]
    assert numbers.built == ["tg"]


class Wrong(Numbers):
    def build(self, connection: psycopg.Connection[Any]) -> None:
        super().build(connection)
        connection.execute("SELECT nonsense")


def test_a_failed_build_is_reported_and_not_kept(cache: Path) -> None:
    with pytest.raises(ScratchError, match=r"'numbers' could not be built.*nonsense"):
        open_dataset("numbers", Wrong())

    with open_dataset("numbers", Numbers()) as server:
        assert ask(server.conninfo(), "SELECT count(*) FROM numbers") == 3


def test_a_killed_build_is_not_kept_and_blocks_nobody(cache: Path) -> None:
    body = """
        from pytest_tgintegrity.servers.datasets import open_dataset

        class Endless:
            database, reader = "tg", "postgres"
            def fingerprint(self): return "numbers 3"
            def build(self, connection):
                print("building", flush=True)
                time.sleep(60)
        open_dataset("numbers", Endless())
    """
    with owner(body) as process:
        assert process.stdout
        assert process.stdout.readline() == "building\n"
        process.kill()

    with open_dataset("numbers", Numbers()) as server:
        assert ask(server.conninfo(), "SELECT count(*) FROM numbers") == 3


def test_the_cache_stays_small(cache: Path) -> None:
    for number in range(12):
        (cache / f"old-{number}.template").touch()
    ancient = cache / "ancient.123.part"
    ancient.touch()
    os.utime(ancient, (0, 0))

    open_dataset("numbers", Numbers()).close()

    assert len(list(cache.glob("*.template"))) == templates.TEMPLATES_KEPT
    assert list(cache.glob("numbers-*.template"))
    assert not ancient.exists()


def test_without_a_home_templates_go_to_the_temporary_folder_if_that_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TGINTEGRITY_CACHE", "/proc/none")
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mine = tmp_path / f"pytest-tgintegrity-{os.geteuid()}"

    assert templates.cache_directory(Path("/fallback")) == mine
    assert mine.stat().st_mode & 0o777 == 0o700
    mine.chmod(0o777)
    assert templates.cache_directory(Path("/fallback")) == Path("/fallback")
