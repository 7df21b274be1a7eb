"""Which migrations are pending: read from files that are never run, compared with what is on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_tgintegrity.deployment.gate import NOT_DETERMINED, Finding
from pytest_tgintegrity.deployment.migration_files import (
    Dependency,
    Key,
    Migration,
    ProjectFacts,
    parse_label,
    parse_migration,
)
from pytest_tgintegrity.deployment.migrations import migrations_finding, pending
from pytest_tgintegrity.deployment.source_values import Swappable

HEAD = "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"


def keys(*names: str, app: str = "game") -> list[Key]:
    return [(app, name) for name in names]


def plain(*names: str) -> list[Migration]:
    """Each depends on the one before."""
    parents: list[tuple[Key, ...]] = [(), *((key,) for key in keys(*names[:-1]))]
    return [Migration(*key, dependencies=parent) for key, parent in zip(keys(*names), parents, strict=True)]


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
    ("body", "dependencies", "run_before"),
    [
        ("    operations = []\n", (), ()),
        ('    dependencies = [("game", "0001_a")]\n', (("game", "0001_a"),), ()),
        ('    dependencies = (("game", "0001_a"),)\n    run_before = [["auth", "0001_b"]]\n', (("game", "0001_a"),), (("auth", "0001_b"),)),
        ("    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]\n", (Swappable("AUTH_USER_MODEL"),), ()),
        ('    dependencies = [migrations.swappable_dependency("people.User")]\n', (("people", "__first__"),), ()),
        ('    dependencies = FIRST + [(APP, "0002_b")]\n', (("game", "0001_a"), ("game", "0002_b")), ()),
        ('    dependencies = [*FIRST]\n    dependencies += [(APP, f"{LAST}_c")]\n', (("game", "0001_a"), ("game", "0003_c")), ()),
        ('    operations = [migrations.AddField("task", "dependencies", models.TextField())]\n', (), ()),
    ],
)  # fmt: skip
def test_what_a_migration_depends_on(
    body: str, dependencies: tuple[Dependency, ...], run_before: tuple[Key, ...]
) -> None:
    above = 'from django.conf import settings\n\nAPP = "game"\nFIRST = [(APP, "0001_a")]\nLAST: str = "0003"\n'
    found = parse_migration(above + HEAD + body, "game", "0003_c")

    assert found == Migration("game", "0003_c", (), dependencies, run_before)


@pytest.mark.parametrize(
    ("text", "unreadable"),
    [
        (f"{HEAD}    dependencies = found()\n", "`dependencies`"),
        (f"{HEAD}    run_before = [x for x in LATER]\n", "`run_before`"),
        (f'{HEAD}    dependencies = []\n    if X:\n        dependencies = [("game", "0001_a")]\n', "`dependencies`"),
        (f"{HEAD}    dependencies = []\n    dependencies.append(X)\n", "`dependencies`"),
        (f"{HEAD}    dependencies = []\n\nMigration.dependencies.append(X)\n", "`dependencies`"),
        (f"{HEAD}    dependencies = []\n\nif X:\n    Migration.dependencies = Y\n", "`dependencies`"),
        (f'{HEAD}    dependencies = []\n\nsetattr(Migration, "run_before", Y)\n', "`run_before`"),
        (f"{HEAD}    def __init__(self, *a):\n        self.dependencies = found()\n", "`dependencies`"),
        (f"{HEAD}    @property\n    def dependencies(self):\n        return []\n", "`dependencies`"),
        (f"{HEAD}    dependencies = [migrations.swappable_dependency(get_user_model())]\n", "`dependencies`"),
        (f"{HEAD}    dependencies = [('game', '0001_a', 'x')]\n", "`dependencies`"),
        (f"{HEAD}    dependencies = X\n    run_before = Y\n", "`dependencies` and `run_before`"),
        ("@changed\nclass Migration(migrations.Migration):\n    run_before = []\n", "`dependencies` and `run_before`"),
        ("class Migration(OurMigration):\n    operations = []\n", "`dependencies`"),
        ("from .old import Migration\n", "its class Migration is imported or computed"),
        ("if X:\n    class Migration(migrations.Migration):\n        pass\n", "its class Migration is imported or computed"),
    ],
)  # fmt: skip
def test_what_only_a_run_of_the_file_would_tell_is_said_so(text: str, unreadable: str) -> None:
    found = parse_migration(text, "game", "0003_c")

    assert found is not None
    assert found.unreadable == unreadable


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


NAMED = 'class GameConfig(AppConfig):\n    name = "tg.game"\n'


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("", None),
        (NAMED, None),
        (f'{NAMED}    label = "play"\n', "play"),
        (f'{NAMED}    label = name.replace(".", "_")\n', "tg_game"),
        (f'{NAMED}    label = name.rpartition(".")[-1] + "s"\n', "games"),
        (f'{NAMED}    label = "_".join(name.split("."))\n', "tg_game"),
        (f'{NAMED}    label = f"{{name.upper()}}_x"\n', "TG.GAME_x"),
        (f'LABEL = "play"\n\n{NAMED}    label: str = LABEL\n', "play"),
        (f'class Base(AppConfig):\n    label = "play"\n\n\n{NAMED.replace("AppConfig", "Base")}', "play"),
        (f'{NAMED}    label = "play"\n    default = True\n\n\nclass Other(AppConfig):\n    name = "tg.o"\n', "play"),
        (f'{NAMED}    label = "play"\n\n\nclass Admin(AdminConfig):\n    default_site = "x"\n', "play"),
        ("class Words:\n    label = what()\n", None),
        ("class GameConfig(AppConfig:\n", None),
    ],
)
def test_label_of_an_app(text: str, label: str | None) -> None:
    assert parse_label(text) == label


@pytest.mark.parametrize(
    "text",
    [
        f"{NAMED}    label = LABEL\n",
        f"from .names import LABEL\n\n{NAMED}    label = LABEL\n",
        f'LABEL = "a"\nif X:\n    LABEL = "b"\n\n{NAMED}    label = LABEL\n',
        f"{NAMED}    label = settings.LABEL\n",
        f"{NAMED}    label = 7\n",
        f'{NAMED}    label = name.replace("", name * 9)\n',
        f'{NAMED}    label = (name + name).replace("", "{"x" * 9_000}")\n',
        f"{NAMED}    label = name.encode()\n",
        f'{NAMED}    @property\n    def label(self):\n        return "play"\n',
        f'{NAMED}    label = "play"\n\n\nclass Other(AppConfig):\n    name = "tg.game"\n',
    ],
)
def test_label_that_only_a_run_would_tell_is_asked_for(text: str) -> None:
    with pytest.raises(ValueError, match="it is computed"):
        parse_label(text)


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
    standing: dict[str, str] = field(default_factory=dict)
    written: int = 0

    @property
    def waiting(self) -> list[str]:
        return [name for _, name in pending(self.files.values(), self.recorded)]

    def write(self) -> None:
        before = f"{self.written:04}_m"
        self.written += 1
        name = f"{self.written:04}_m"
        while before in self.standing:
            before = self.standing[before]
        parents = keys(before) if self.written > 1 else []
        self.files[name] = Migration("game", name, dependencies=tuple(parents))
        self.operations[name] = {self.written}

    def squash(self) -> None:
        """Whatever came after the last that is squashed, or the outcome of it: a row, or it would be a circle."""
        taken = {name for one in self.files.values() for _, name in (*one.replaces, *([one.key] * bool(one.replaces)))}
        last = max((name[:4] for name in taken), default="")
        old = [name for name in self.files if name[:4] > last]
        name = f"{self.written:04}_squashed_{len(self.operations)}"
        if old:
            self.files[name] = replace(squashed(name, *old), dependencies=self.files[old[0]].dependencies)
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
        """The squashed files go, once the database has the outcome on record, and others depend on the outcome."""
        for one in [one for one in self.files.values() if one.replaces and one.key in self.recorded]:
            for _, name in one.replaces:
                del self.files[name]
                self.standing[name] = one.name
            self.files[one.name] = replace(self.files[one.name], replaces=())
            for name, other in self.files.items():
                parents = (one.key if key in one.replaces else key for key in other.dependencies)
                self.files[name] = replace(other, dependencies=tuple(parents))

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
    one, more = migrations_finding(five, keys(*THREE, "0004_d")), migrations_finding(five, keys("0001_a"))
    advice = "pending: apply, or pre-flight first (not in this version)"

    assert (one.met, one.measured) == (False, "4 of 5 recorded as applied, in 1 app")
    assert one.reason == f"game.0005_e is {advice}"
    assert more.reason == f"game.0002_b, game.0003_c, game.0004_d and 1 more are {advice}"


def test_code_that_is_older_than_the_database_is_not_met() -> None:
    ahead = migrations_finding(plain(*THREE), keys(*THREE, "0004_d"))

    assert (ahead.met, ahead.measured) == (False, "3 of 3 recorded as applied, in 1 app; 1 on record without a file")
    assert ahead.reason == "game.0004_d is on record and in no file: the code is older than the database"


def test_what_was_squashed_and_forgotten_stays_on_record() -> None:
    files = plain("0001_squashed_0002_b", "0003_c")
    found = migrations_finding(files, keys("0001_a", "0002_b", "0001_squashed_0002_b", "0003_c"))

    assert found == Finding(True, "2 of 2 recorded as applied, in 1 app; 2 on record without a file")


# --- what Django would refuse


def dependent(name: str, *dependencies: str, **more: Any) -> Migration:
    return Migration("game", name, dependencies=tuple(keys(*dependencies)), **more)


FIRST = dependent("0001_a")
UNRECORDED = "restore the row of the missing one in django_migrations if its changes are in the database, else undo what was applied too early"


@pytest.mark.parametrize(
    ("files", "recorded", "measured", "reason"),
    [
        (
            [FIRST, dependent("0002_a", "0001_a"), dependent("0002_b", "0001_a")],
            ["0001_a", "0002_a", "0002_b"],
            "3 of 3 recorded as applied, in 1 app",
            (
                "conflicting migrations, which Django refuses: multiple leaf nodes in the migration graph (0002_a, 0002_b in game):"
                " join them with makemigrations --merge"
            ),
        ),
        (
            [dependent("0002_b", "0001_a")],
            ["0001_a", "0002_b"],
            "1 of 1 recorded as applied, in 1 app; 1 on record without a file",
            (
                "nonexistent parent node, which Django refuses: game.0002_b depends on game.0001_a, of which there is no file:"
                " restore it, or correct `dependencies`"
            ),
        ),
        (
            [Migration("game", "0001_a", run_before=(("game", "0009_z"),))],
            ["0001_a"],
            "1 of 1 recorded as applied, in 1 app",
            (
                "nonexistent child node, which Django refuses: game.0001_a is to run before game.0009_z, of which there is no file:"
                " restore it, or correct `run_before`"
            ),
        ),
        (
            [squashed("0001_s", "0001_a", "0002_b"), dependent("0003_c", "0002_b")],
            ["0001_a"],
            "1 of 3 recorded as applied, in 1 app",
            (
                "nonexistent node, which Django refuses: game.0003_c names game.0002_b, whose file is gone, and game.0001_s cannot stand"
                " for it, because only some of what it replaces is applied: restore the files, migrate, then remove them; game.0002_b,"
                " game.0003_c are pending, and Django applies nothing until that is mended"
            ),
        ),
        (
            [dependent("0001_a", "0002_b"), dependent("0002_b", "0001_a")],
            ["0001_a", "0002_b"],
            "2 of 2 recorded as applied, in 1 app",
            "circular dependency, which Django refuses: game.0002_b, game.0001_a each wait for another: take one dependency out",
        ),
        (
            [dependent("0001_a", "0001_a")],
            ["0001_a"],
            "1 of 1 recorded as applied, in 1 app",
            "circular dependency, which Django refuses: game.0001_a waits for itself: take one dependency out",
        ),
        (
            [FIRST, dependent("0002_b", "0001_a")],
            ["0002_b"],
            "1 of 2 recorded as applied, in 1 app",
            (
                f"inconsistent migration history, which Django refuses: game.0002_b is applied before its dependency game.0001_a: {UNRECORDED};"
                " game.0001_a is pending, and Django applies nothing until that is mended"
            ),
        ),
    ],
)
def test_what_django_refuses_is_not_met_for_its_reason(
    files: list[Migration], recorded: list[str], measured: str, reason: str
) -> None:
    assert migrations_finding(files, keys(*recorded)) == Finding(False, measured, reason)


def test_app_of_which_no_file_is_known_is_said_so() -> None:
    file = Migration("game", "0001_a", dependencies=(("auth", "0012_z"),))
    found = migrations_finding([file], [*keys("0001_a"), ("auth", "0001_initial")])

    assert found.reason == (
        "inconsistent migration history, which Django refuses: game.0001_a is applied before its dependency auth.0012_z"
        f" (no file of auth is known): {UNRECORDED}"
    )


def test_first_migration_of_an_app_of_which_nothing_is_known_is_not_determined() -> None:
    file = Migration("game", "0001_a", dependencies=(("old", "__first__"),))

    assert migrations_finding([file], keys("0001_a"), ProjectFacts(unmigrated=frozenset({"old"}))).met is True
    assert migrations_finding([file], keys("0001_a")) == Finding(
        None,
        NOT_DETERMINED,
        "game.0001_a depends on the app old, of which there is neither a file nor a record to tell: give --migrations old=PATH too,"
        " or MIGRATION_MODULES = {'old': None} in the settings if it has no migrations",
    )


def test_what_only_a_run_would_tell_is_not_determined() -> None:
    found = migrations_finding([FIRST, dependent("0002_b", unreadable="`dependencies`")], keys("0001_a", "0002_b"))

    assert found == Finding(
        None,
        NOT_DETERMINED,
        "only a run of the file would tell what it depends on, and files are not run (game.0002_b: `dependencies`):"
        " write it as a plain list, or leave the app out if it is not yours",
    )


def test_what_is_certain_is_told_beside_what_is_not() -> None:
    found = migrations_finding([FIRST, dependent("0002_b", unreadable="`dependencies`")], keys("0001_a"))

    assert found.met is False
    assert str(found.reason).startswith("game.0002_b is pending: apply")
    assert "only a run of the file would tell" in str(found.reason)


def test_user_model_of_unknown_settings_is_said_so() -> None:
    file = Migration("game", "0001_a", dependencies=(Swappable("AUTH_USER_MODEL"),))

    assert migrations_finding([file], keys("0001_a")) == Finding(
        True, "1 of 1 recorded as applied, in 1 app; not known: what the settings say in AUTH_USER_MODEL"
    )


def test_app_with_a_record_and_no_file_is_not_determined() -> None:
    found = migrations_finding(
        [FIRST], [*keys("0001_a"), ("people", "0001_p")], ProjectFacts(without={"people": Path("people")})
    )

    assert found == Finding(
        None,
        NOT_DETERMINED,
        "people has migrations on record and none in people: where they are kept out of the repository, point at those of the"
        " machine or container that migrates: --migrations people=PATH",
    )
    assert migrations_finding([FIRST], keys("0001_a"), ProjectFacts(without={"people": Path("people")})).met is True
