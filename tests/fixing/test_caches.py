"""`caches.toml` says what a repair leaves stale; a mistake in it is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

import integrity_tests
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.fixing.caches import Caches, parse_caches
from pytest_tgintegrity.history.redis_store import _is_kept


def test_a_note_a_prefix_and_what_to_keep() -> None:
    text = 'note = "Pages\\n are stale."\nprefix = "tg:"\nkeep = ["tg:*:sessions*"]'
    assert parse_caches(text, "caches.toml") == Caches("Pages are stale.", "tg:", ("tg:*:sessions*",))


@pytest.mark.parametrize(
    "text",
    [
        "note",
        'prefix = "tg:"',
        'note = " "',
        'note = "a"\nkeep = "b"',
        'note = "a"\nkeys = 1',
        'note = "a"\nprefix = ""',
    ],
)
def test_a_mistake_names_the_file(text: str) -> None:
    with pytest.raises(UsageError, match=r"^caches\.toml"):
        parse_caches(text, "caches.toml")


def test_sessions_of_tg_survive_and_its_pages_do_not() -> None:
    path = Path(integrity_tests.__file__).with_name("caches.toml")
    caches = parse_caches(path.read_text(encoding="utf-8"), path.name)
    assert caches.prefix == "tg:"
    assert _is_kept("tg:1:django.contrib.sessions.cacheabcdef", caches.keep)
    assert not _is_kept("tg:1:views.decorators.cache.cache_page.x.GET.1", caches.keep)
    assert not _is_kept("tg:1:notification_count_7", caches.keep)
