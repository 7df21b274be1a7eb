"""The command that makes a plan's changes: it says what pytest was told, and no password."""

from __future__ import annotations

import shlex
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_tgintegrity.fixing.commands import Command, apply_command, applying, withheld
from pytest_tgintegrity.fixing.results import Applied, FixResult

OPEN = (
    "postgresql://reader@host:5432/tg",
    "postgresql://reader@[::1]:5432/tg?sslmode=require",
    "postgresql:///tg?host=/var/run",
    "postgresql://h1:5432,h2:5432/tg?target_session_attrs=any",
    "host=h dbname=tg passfile=/etc/pass user=reader",
    "service=tg",
    "demo",
    "demo:damaged",
)
SECRET = (
    "postgresql://reader:hunter2@host/tg",
    "postgresql://reader:hun%74er2@host/tg",
    "postgresql://:hunter2@host/tg",
    "postgresql://reader:hunter2 @host/tg",
    "postgresql://reader:a/hunter2@host/tg",
    "postgresql://reader:a@hunter2@host/tg",
    "postgresql://host/tg?user=reader&password=hunter2",
    "postgresql://host/tg?user=reader&pass%77ord=hunter2",
    "postgresql://host/tg?sslpassword=hunter2",
    "postgresql://host/tg?oauth_client_secret=hunter2",
    "postgresql://host/tg?scram_client_key=hunter2",
    "postgres://reader:hunter2@h1,h2/tg",
    "host=h password=hunter2 dbname=tg",
    "host=h password = 'hunter2' dbname=tg",
    "host=h PASSWORD=hunter2",
)


@pytest.mark.parametrize("url", OPEN)
def test_an_address_without_a_password_stands_as_it_was_given(url: str) -> None:
    for words in (["--db-url", url], [f"--db-url={url}"]):
        args = ["integrity_tests", *words, "--fix-plan", "-q"]

        assert shlex.split(apply_command(args, "0123")) == [
            *["pytest", "integrity_tests", *words],
            *["--fix", "--fix-plan-id", "0123", "-q"],
        ]
        assert withheld(args) == ()


@pytest.mark.parametrize("url", SECRET)
def test_an_address_with_a_password_is_left_out(url: str) -> None:
    for words in (["--db-url", url], [f"--db-url={url}"]):
        args = ["--fix-plan", *words, "-k", "size or name", "integrity_tests"]

        said = apply_command(args, "0123")

        assert said == "pytest --fix --fix-plan-id 0123 -k 'size or name' integrity_tests"
        assert withheld(args) == ("--db-url",)


@pytest.mark.parametrize("url", ["redis://:hunter2@h/0", "rediss://me:hunter2@h", "unix:///s?password=hunter2"])
def test_of_redis_likewise(url: str) -> None:
    args = ["--redis-url", url, "--fix-plan", f"--redis-url={url}"]

    assert apply_command(args, "1") == "pytest --fix --fix-plan-id 1"
    assert withheld(args) == ("--redis-url",)
    assert "--redis-url redis://h:6379/0" in apply_command(["--redis-url", "redis://h:6379/0", "--fix-plan"], "1")


def test_a_receiver_of_alerts_is_always_left_out() -> None:
    args = ["--fix-plan", "--alert=slack+https://hooks.example/T1/hunter2"]

    assert apply_command(args, "1") == "pytest --fix --fix-plan-id 1"
    assert withheld(args) == ("--alert",)


def test_a_password_elsewhere_is_masked() -> None:
    said = apply_command(["--fix-plan", "-o", "addopts=--db-url=postgresql://me:hunter2@h/tg"], "1")

    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--fix-plan"], "pytest --fix --fix-plan-id 1"),
        (["-q"], "pytest -q --fix --fix-plan-id 1"),
        (["--fix-plan", "-x", "--fix-plan"], "pytest --fix --fix-plan-id 1 -x"),
        (["--fix-plan", "--", "--fix-plan", "--db-url"], "pytest --fix --fix-plan-id 1 -- --fix-plan --db-url"),
        (["-q", "--", "a"], "pytest -q --fix --fix-plan-id 1 -- a"),
        (["--fix-plan", "--db-url"], "pytest --fix --fix-plan-id 1 --db-url"),
    ],
)
def test_where_the_words_go(args: list[str], said: str) -> None:
    assert apply_command(args, "1") == said


def test_the_program_is_the_one_that_was_called() -> None:
    assert apply_command(["--fix-plan"], "1", "python -m pytest") == "python -m pytest --fix --fix-plan-id 1"


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=4))
def test_a_shell_reads_the_very_same_words(words: list[str]) -> None:
    args = [f"x{one}" for one in words]
    said = apply_command(["--fix-plan", *args], "1").removeprefix("pytest ")

    assert said.isprintable()
    if not any("=" in one or ":" in one for one in args):  # it could look like a password
        done = subprocess.run(["bash", "-c", f"printf '%s\\0' {said}"], capture_output=True, check=True)
        assert done.stdout.split(b"\0")[3:-1] == [one.encode() for one in args]


def test_bytes_that_are_no_text_are_written_as_they_are() -> None:
    assert apply_command(["--fix-plan", "caf\udce9\x1b'\\"], "1").endswith(" $'caf\\xe9\\x1b\\x27\\x5c'")
    assert apply_command(["--fix-plan", "\ud800"], "1").isprintable()


def test_only_a_plan_that_is_not_made_has_a_command() -> None:
    args = ["--fix-plan", "--db-url=postgresql://me:hunter2@h/tg"]
    plan = FixResult({}, "1", 1, Path("p"), counts=Counter({("rule", "t"): 1}))

    assert applying(None, "pytest", args) is None
    assert applying(FixResult({}), "pytest", args) is None
    assert applying(FixResult({}, "1", 1, applied=Applied()), "pytest", args) is None
    assert applying(plan, "pytest", args) == Command("pytest --fix --fix-plan-id 1", ("--db-url",))
    found = applying(plan, "pytest", args)
    assert found is not None
    assert found.hint == "with --db-url (or TGINTEGRITY_DB_URL) as before, not shown: it holds a secret"
    assert found.to_json() == {"command": "pytest --fix --fix-plan-id 1", "hint": found.hint}
    assert Command("pytest").hint is None
