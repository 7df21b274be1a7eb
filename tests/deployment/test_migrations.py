"""Which migrations are pending: read from files that are never run, compared with what is on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_tgintegrity.deployment.gate import Finding
from pytest_tgintegrity.deployment.migrations import (
    Key,
    Migration,
    migrations_finding,
    parse_label,
    parse_migration,
    pending,
)

HEAD = "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"


def keys(*names: str, app: str = "game") -> list[Key]:
    return [(app, name) for name in names]


def plain(*names: str) -> list[Migration]:
    return [Migration(*key) for key in keys(*names)]


def squashed(name: str, *replaces: str) -> Migration:
    return Migration("game", name, tuple(keys(*replaces)))


# --- reading


@pytest.mark.parametrize(
    ("body", "replaces"),
    [
        ("    operations = []\n", []),
        ('    replaces = [("game", "0001_a"), ("game", "0002_b")]\n', keys("0001_a", "0002_b")),
        ('    replaces: list[tuple[str, str]] = [["game", "0001_a"]]\n', keys("0001_a")),
        ('    replaces = [("game", "0001_a")]\n    replaces = []\n', []),
        ("    def replaces(self):\n        raise SystemExit\n", []),
    ],
)
def test_what_a_file_declares(body: str, replaces: list[Key]) -> None:
    assert parse_migration(HEAD + body, "game", "0003_c") == Migration("game", "0003_c", tuple(replaces))


@pytest.mark.parametrize(
    "text", ["", "def forwards(apps, editor):\n    raise SystemExit\n", "class Migrations: pass\n"]
)
def test_file_without_the_class_is_no_migration(text: str) -> None:
    assert parse_migration(text, "game", "0003_c") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEAD + "    operations = [\n", r"'\[' was never closed in line 5"),
        (HEAD + "    replaces = OLD\n", r"`replaces` in line 5 is no plain list of \(app, name\)"),
        (HEAD + '    replaces = ["0001_a"]\n', "`replaces` in line 5 is no plain list"),
        (HEAD + "    replaces = None\n", "`replaces` in line 5 is no plain list"),
        ("a = '\0'\n" + HEAD + "    pass\n", "null bytes"),
    ],
)
def test_file_that_cannot_be_read_is_said_so(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_migration(text, "game", "0003_c")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('class GameConfig(AppConfig):\n    name = "tg.game"\n', None),
        ('class GameConfig(AppConfig):\n    name = "tg.game"\n    label = "play"\n', "play"),
        ("class GameConfig(AppConfig):\n    label = LABEL\n", None),
        ("class GameConfig(AppConfig:\n", None),
    ],
)
def test_label_of_an_app(text: str, label: str | None) -> None:
    assert parse_label(text) == label


# --- what is pending

THREE = ("0001_a", "0002_b", "0003_c")
BOTH = [*plain(*THREE), squashed("0001_squashed_0002_b", "0001_a", "0002_b")]


@pytest.mark.parametrize(
    ("files", "recorded", "expected"),
    [
        (plain(*THREE), THREE, []),
        (plain(*THREE), ("0003_c", "0001_a"), ["0002_b"]),
        (plain(*THREE), (), [*THREE]),
        (BOTH, THREE, []),
        (BOTH, ("0001_a", "0002_b"), ["0003_c"]),
        (BOTH, (), ["0001_squashed_0002_b", "0003_c"]),
        (BOTH, ("0001_a",), ["0002_b", "0003_c"]),
        (BOTH, ("0001_squashed_0002_b", "0003_c"), ["0001_squashed_0002_b"]),
        (BOTH[2:], THREE, []),
        (BOTH[2:], ("0001_a", "0003_c"), ["0002_b"]),
        ([*BOTH, squashed("0001_all", "0001_squashed_0002_b", "0003_c")], THREE, []),
        ([*BOTH, squashed("0001_all", "0001_squashed_0002_b", "0003_c")], (), ["0001_all"]),
        ([*BOTH, squashed("0001_all", "0001_squashed_0002_b", "0003_c")], THREE[:2], ["0003_c"]),
        ([squashed("0001_a", "0002_b"), squashed("0002_b", "0001_a")], (), []),
    ],
)
def test_pending_is_what_migrate_would_do(
    files: list[Migration], recorded: Sequence[str], expected: Sequence[str]
) -> None:
    assert pending(files, keys(*recorded)) == keys(*expected)


def test_apps_are_told_apart() -> None:
    assert pending(plain("0001_a"), keys("0001_a", app="items")) == keys("0001_a")


@dataclass
class Project:
    """A project that grows and is squashed, and a database that follows; operations are numbers."""

    files: dict[str, Migration] = field(default_factory=dict)
    operations: dict[str, set[int]] = field(default_factory=dict)
    recorded: list[Key] = field(default_factory=list)
    done: set[int] = field(default_factory=set)
    written: int = 0

    @property
    def waiting(self) -> list[str]:
        return [name for _, name in pending(self.files.values(), self.recorded)]

    def write(self) -> None:
        self.written += 1
        name = f"{self.written:04}_m"
        self.files[name], self.operations[name] = Migration("game", name), {self.written}

    def squash(self) -> None:
        """Whatever is neither squashed nor the outcome of it."""
        taken = {name for one in self.files.values() for _, name in (*one.replaces, *([one.key] * bool(one.replaces)))}
        old = [name for name in self.files if name not in taken]
        name = f"{self.written:04}_squashed_{len(self.files)}"
        if old:
            self.files[name] = squashed(name, *old)
            self.operations[name] = set().union(*(self.operations[one] for one in old))

    def migrate(self) -> None:
        """As Django keeps its records: of what was squashed, and of the outcome once all of that is there."""
        for name in self.waiting:
            self.one_step(name)

    def one_step(self, name: str | None = None) -> None:
        for first in [name] if name else self.waiting[:1]:
            self.done |= self.operations[first]
            self.recorded += self.files[first].replaces or [("game", first)]
        whole = [one for one in self.files.values() if one.replaces and {*one.replaces} <= {*self.recorded}]
        self.recorded += [one.key for one in whole if one.key not in self.recorded]

    def forget(self) -> None:
        """The squashed files go, once the database has the outcome on record."""
        for one in [one for one in self.files.values() if one.replaces and one.key in self.recorded]:
            for _, name in one.replaces:
                del self.files[name]
            self.files[one.name] = Migration(*one.key)

    def prune(self) -> None:
        self.recorded = [key for key in self.recorded if key[1] in self.files]


@given(st.lists(st.sampled_from(["write", "write", "squash", "migrate", "one_step", "forget", "prune"]), max_size=30))
def test_pending_is_exactly_what_was_not_done(steps: list[str]) -> None:
    project = Project()
    for step in steps:
        getattr(project, step)()
        missing = {number for name in project.files for number in project.operations[name]} - project.done
        assert set().union(*(project.operations[name] for name in project.waiting)) == missing
        assert (migrations_finding([*project.files.values()], project.recorded).met is True) == (not missing)


# --- what the gate is told


def test_all_on_record() -> None:
    other = [Migration("items", "0001_initial")]
    recorded = [*keys(*THREE), *keys("0001_initial", app="items"), *keys("0001_initial", app="auth")]

    assert migrations_finding([*BOTH, *other], recorded) == Finding(
        True, "3 of 3 recorded as applied, in 2 apps; not looked at: auth"
    )


def test_pending_ones_are_named() -> None:
    five = plain("0001_a", "0002_b", "0003_c", "0004_d", "0005_e")
    one, more = migrations_finding(five, keys(*THREE, "0005_e")), migrations_finding(five, keys("0001_a"))
    advice = "pending: apply, or pre-flight first (not in this version)"

    assert (one.met, one.measured) == (False, "4 of 5 recorded as applied, in 1 app")
    assert one.reason == f"game.0004_d is {advice}"
    assert more.reason == f"game.0002_b, game.0003_c, game.0004_d and 1 more are {advice}"


def test_code_that_is_older_than_the_database_is_not_met() -> None:
    ahead = migrations_finding(plain(*THREE), keys(*THREE, "0004_d"))

    assert (ahead.met, ahead.measured) == (False, "3 of 3 recorded as applied, in 1 app; 1 on record without a file")
    assert ahead.reason == "game.0004_d is on record and in no file: the code is older than the database"


def test_what_was_squashed_and_forgotten_stays_on_record() -> None:
    files = plain("0001_squashed_0002_b", "0003_c")
    found = migrations_finding(files, keys("0001_a", "0002_b", "0001_squashed_0002_b", "0003_c"))

    assert found == Finding(True, "2 of 2 recorded as applied, in 1 app; 2 on record without a file")
