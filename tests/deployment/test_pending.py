"""Migrations are found in a project's folders, and looked up in a real database on the snapshot of the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from django_projects import MIGRATION, migration, write
from harness import HOLDS, Ran, RunRules, rules
from pytest_tgintegrity.deployment.gate import MigrationsAt
from pytest_tgintegrity.deployment.migration_files import Dependency
from pytest_tgintegrity.deployment.pending import Project, read_migrations, read_project
from pytest_tgintegrity.deployment.source_values import Swappable
from pytest_tgintegrity.errors import UsageError

RECORD = """
    CREATE TABLE item (id int PRIMARY KEY, name text);
    CREATE TABLE django_migrations (id int GENERATED ALWAYS AS IDENTITY, app text, name varchar(255));
    INSERT INTO django_migrations (app, name) VALUES ('game', '0001_initial'), ('game', '0002_more');
"""


MODELS = "from django.db import models\n"


def found(*paths: Path) -> list[str]:
    return sorted(f"{one.app}.{one.name}" for one in read_migrations(paths))


# --- files


def test_project_app_and_folder_are_all_understood(tmp_path: Path) -> None:
    write(tmp_path, "tg/game/migrations/0001_initial.py", "tg/items/migrations/0001_initial.py")

    assert found(tmp_path) == ["game.0001_initial", "items.0001_initial"]
    assert found(tmp_path / "tg" / "game") == ["game.0001_initial"]
    assert found(tmp_path / "tg" / "game" / "migrations") == ["game.0001_initial"]
    assert found(tmp_path, tmp_path / "tg" / "items" / "..") == ["game.0001_initial", "items.0001_initial"]


def test_only_what_django_would_find_is_found(tmp_path: Path) -> None:
    write(tmp_path, "game/migrations/0001_initial.py", "game/migrations/_old.py", "game/migrations/~0001.py")
    write(tmp_path, "game/migrations/sub/0009_sub.py", "game/0009_elsewhere.py", "versions/0009_elsewhere.py")
    write(
        tmp_path, *(f"{folder}/game/migrations/0009_x.py" for folder in (".tox", "lib/site-packages", "node_modules"))
    )
    write(tmp_path, "env/game/migrations/0009_x.py")
    (tmp_path / "env" / "pyvenv.cfg").touch()
    (write(tmp_path, "plain/migrations/0009_x.py") / "plain" / "migrations" / "__init__.py").unlink()
    write(tmp_path, "alembic/migrations/env.py", text="import alembic\n")

    assert found(tmp_path) == ["game.0001_initial"]
    assert found(tmp_path / "lib" / "site-packages") == ["game.0009_x"]


def test_app_may_have_another_label(tmp_path: Path) -> None:
    write(tmp_path, "game/migrations/0001_initial.py")
    write(tmp_path, "game/apps.py", text='class GameConfig(AppConfig):\n    label = "play"\n')

    assert found(tmp_path) == ["play.0001_initial"]


def test_files_are_never_run(tmp_path: Path) -> None:
    write(tmp_path, "game/migrations/0001_initial.py", text=f"\ufeffraise SystemExit\n{MIGRATION}")
    (tmp_path / "game" / "migrations" / "__init__.py").write_text("raise SystemExit\n")

    assert found(tmp_path) == ["game.0001_initial"]


def test_copy_that_says_the_same_does_no_harm(tmp_path: Path) -> None:
    write(tmp_path, "game/migrations/0001_initial.py", "build/game/migrations/0001_initial.py")

    assert found(tmp_path) == ["game.0001_initial"]


# --- labels


COMPUTED = 'class GameConfig(AppConfig):\n    name = "tg.game"\n    label = chosen(name)\n'


def test_label_may_be_made_of_the_name(tmp_path: Path) -> None:
    write(tmp_path, "tg/game/migrations/0001_initial.py")
    write(tmp_path, "tg/game/apps.py", text=COMPUTED.replace("chosen(name)", 'name.replace(".", "_")'))

    assert found(tmp_path) == ["tg_game.0001_initial"]


def test_label_that_only_a_run_would_tell_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path, "game/migrations/0001_initial.py", "game/apps.py", text=COMPUTED)
    folder = write(tmp_path, "game/migrations/0001_initial.py") / "game" / "migrations"
    cure = f"only a run would tell the label of this app: say it, --migrations LABEL={folder}"

    with pytest.raises(UsageError, match=f"{tmp_path}/game/apps.py: {cure}"):
        found(tmp_path)
    assert given(MigrationsAt(tmp_path), MigrationsAt(folder, "play")) == ["play.0001_initial"]


def given(*places: MigrationsAt) -> list[str]:
    return sorted(f"{one.app}.{one.name}" for one in read_project(places).files)


@pytest.mark.parametrize("named", ["game", "game/migrations"])
def test_label_that_is_given_goes_before_what_is_read(tmp_path: Path, named: str) -> None:
    write(tmp_path, "game/migrations/0001_initial.py", "items/migrations/0001_initial.py")

    assert given(MigrationsAt(tmp_path), MigrationsAt(tmp_path / named, "play")) == [
        "items.0001_initial",
        "play.0001_initial",
    ]


def test_migrations_of_an_app_may_lie_in_any_folder(tmp_path: Path) -> None:
    write(tmp_path, "here/game/migrations/0001_initial.py", "here/items/migrations/0001_initial.py")
    write(tmp_path, "there/of_game/0001_initial.py", "there/of_game/0002_more.py")
    places = [MigrationsAt(tmp_path / "here"), MigrationsAt(tmp_path / "there" / "of_game", "game")]

    assert given(*places) == ["game.0001_initial", "game.0002_more", "items.0001_initial"]


# --- settings

MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "tg.settings.live")\n'
USER = "migrations.swappable_dependency(settings.AUTH_USER_MODEL)"


def project_with(folder: Path, settings: str, base: str = "") -> Project:
    """A project with a custom user model, and settings of two files."""
    write(folder, "manage.py", text=MANAGE)
    write(folder, "tg/settings/base.py", text=base)
    write(folder, "tg/settings/live.py", text=settings)
    text = f"from django.conf import settings\n{MIGRATION}    dependencies = [{USER}]\n"
    write(folder, "game/migrations/0001_initial.py", text=text)
    write(folder, "game/models.py", "people/models.py", text=MODELS)
    write(folder, "people/migrations/0001_initial.py")
    return read_project([MigrationsAt(folder / "game"), MigrationsAt(folder / "people")])


@pytest.mark.parametrize(
    ("settings", "base", "dependency"),
    [
        ('AUTH_USER_MODEL = "people.User"\n', "", ("people", "__first__")),
        ("from .base import *\n", 'AUTH_USER_MODEL = "people.User"\n', ("people", "__first__")),
        ('from tg.settings.base import *\nAUTH_USER_MODEL = f"{APP}.User"\n', 'APP = "people"\n', ("people", "__first__")),
        ("from .base import AUTH_USER_MODEL\n", 'AUTH_USER_MODEL = "people.User"\n', ("people", "__first__")),
        ("DEBUG = False\n", "", ("auth", "__first__")),
        ('AUTH_USER_MODEL = os.environ["MODEL"]\n', "", Swappable("AUTH_USER_MODEL")),
        ("from .base import *\n", 'if X:\n    AUTH_USER_MODEL = "people.User"\n', Swappable("AUTH_USER_MODEL")),
        ("from elsewhere import *\n", "", Swappable("AUTH_USER_MODEL")),
        ('include("base.py")\n', "", Swappable("AUTH_USER_MODEL")),
        ("try:\n    from .local import *\nexcept ImportError:\n    pass\n", "", Swappable("AUTH_USER_MODEL")),
        ("class Broken(\n", "", Swappable("AUTH_USER_MODEL")),
    ],
)  # fmt: skip
def test_settings_tell_the_app_of_the_user_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, base: str, dependency: Dependency
) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    (game,) = [one for one in project_with(tmp_path, settings, base).files if one.app == "game"]

    assert game.dependencies == (dependency,)


@pytest.mark.parametrize(("settings", "app"), [('GAME_MODEL = "people.Item"\n', "people"), ("", "game")])
def test_setting_of_a_package_may_have_a_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, app: str
) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    default = 'swappable_dependency(getattr(settings, "GAME_MODEL", "game.Item"))'
    text = f"from django.conf import settings\n{MIGRATION}    dependencies = [{default}]\n"
    write(tmp_path, "items/migrations/0001_initial.py", text=text)
    project_with(tmp_path, settings)
    (items,) = [one for one in read_migrations([tmp_path]) if one.app == "items"]

    assert items.dependencies == ((app, "__first__"),)


def test_environment_may_name_other_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tg.settings.base")
    found = project_with(tmp_path, "", 'AUTH_USER_MODEL = "people.User"\n')

    assert [one.dependencies for one in found.files] == [(("people", "__first__"),), ()]


@pytest.mark.parametrize(
    ("settings", "files", "unmigrated"),
    [
        ("", ["game.0001_initial", "people.0001_initial"], []),
        ('MIGRATION_MODULES = {"game": "tg.of_game"}\n', ["game.0009_other", "people.0001_initial"], []),
        ('MIGRATION_MODULES = {"game": None}\n', ["people.0001_initial"], ["game"]),
        ('MIGRATION_MODULES = {"other": "nowhere"}\n', ["game.0001_initial", "people.0001_initial"], []),
    ],
)
def test_settings_tell_where_migrations_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, files: list[str], unmigrated: list[str]
) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    write(tmp_path, "tg/of_game/0009_other.py")
    project_with(tmp_path, settings)
    for places in ([tmp_path], [tmp_path / "game", tmp_path / "people"]):
        found = read_project(map(MigrationsAt, places))

        assert sorted(f"{one.app}.{one.name}" for one in found.files) == files
        assert found.facts.unmigrated == set(unmigrated)
        assert not found.facts.unknown
        assert not found.facts.without


def test_settings_may_keep_the_migrations_of_a_package_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    write(tmp_path, "tg/of_sites/0001_initial.py", "tg/site/migrations/0001_initial.py")
    modules = '{"sites": "tg.of_sites", "site": "tg.site.migrations"}'
    project_with(tmp_path, f"MIGRATION_MODULES = {modules}\n")

    assert found(tmp_path) == ["game.0001_initial", "people.0001_initial", "site.0001_initial", "sites.0001_initial"]


def test_module_of_migrations_that_is_nowhere_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    with pytest.raises(
        UsageError,
        match=r"has the migrations of game in gone\.away, of which there is no folder below .*: name it, --migrations game=PATH",
    ):
        project_with(tmp_path, 'MIGRATION_MODULES = {"game": "gone.away"}\n')
    write(tmp_path, "there/0001_initial.py")

    assert given(MigrationsAt(tmp_path), MigrationsAt(tmp_path / "there", "game")) == [
        "game.0001_initial",
        "people.0001_initial",
    ]


def test_modules_that_only_a_run_would_tell_are_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)

    assert project_with(tmp_path, "MIGRATION_MODULES = {name: None for name in X}\n").facts.unknown == {
        "MIGRATION_MODULES"
    }


# --- migrations that are kept out of the repository


def test_project_without_migrations_is_told_what_to_point_at(tmp_path: Path) -> None:
    write(tmp_path, "game/models.py", "people/models.py", "manage.py", text=MODELS)
    with pytest.raises(UsageError) as raised:
        found(tmp_path)
    (tmp_path / ".gitignore").write_text("*.pyc\n**/migrations/[0-9]*.py\n")
    with pytest.raises(UsageError, match=r"kept out of the repository \(\.gitignore has migrations\), point at"):
        found(tmp_path)

    assert str(raised.value) == (
        f"--migrations {tmp_path}: there is no Django migration in it, only the code (game, people): where migrations are kept out"
        " of the repository, point at those of the machine or container that migrates: that project's folder, or game=PATH for an app's"
    )


def test_apps_without_a_migration_are_known(tmp_path: Path) -> None:
    write(tmp_path, "game/migrations/0001_initial.py", "game/models.py", "people/models.py", text=MODELS + MIGRATION)
    write(tmp_path, "items/models.py", "items/apps.py", "auth/models.py", text="import pydantic\n")

    assert read_project([MigrationsAt(tmp_path)]).facts.without == {
        name: tmp_path / name for name in ("items", "people")
    }


NOWHERE = "there is no Django migration in it"


@pytest.mark.parametrize(
    ("files", "named", "reason"),
    [
        ({}, "absent", "it does not exist: name the folder of a Django project, or of an app"),
        (
            {"change.sql": ""},
            "change.sql",
            "it is a file: this version only knows Django's migrations: name the folder",
        ),
        ({"change.sql": ""}, "", NOWHERE),
        ({"alembic/migrations/env.py": "import alembic\n"}, "", NOWHERE),
        ({"g/migrations/0001_a.py": MIGRATION, "g/migrations/odd.py": ""}, "", "odd.py has no class Migration"),
        ({"g/migrations/0001_a.py": "class Migration(\n"}, "", "0001_a.py cannot be read as a migration: "),
        ({"g/migrations/0001_a.py": f"{MIGRATION}    replaces = OLD\n"}, "", "is no plain list of"),
        (
            {
                "g/migrations/0001_a.py": MIGRATION,
                "build/g/migrations/0001_a.py": f'{MIGRATION}    replaces = [("g", "0")]\n',
            },
            "",
            "are both g.0001_a, and differ: name one",
        ),
    ],
)
def test_what_cannot_be_taken_for_migrations_is_refused(
    tmp_path: Path, files: dict[str, str], named: str, reason: str
) -> None:
    for name, text in files.items():
        write(tmp_path, name, text=text)

    with pytest.raises(UsageError, match=reason):
        read_migrations([tmp_path / named])


def test_one_bad_path_of_several_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "game/migrations/0001_initial.py", "docs/notes.py")

    with pytest.raises(UsageError, match=rf"--migrations {tmp_path}/docs: {NOWHERE}"):
        read_migrations([tmp_path / "game", tmp_path / "docs"])


# --- runs


def condition(ran: Ran) -> dict[str, Any]:
    (found,) = [one for one in ran.integrity["gate"]["conditions"] if one["name"] == "migrations"]
    return {name: found[name] for name in ("passed", "measured", "reason")}


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    rules(pytester, HOLDS)
    return write(pytester.path, "game/migrations/0001_initial.py", "game/migrations/0002_more.py")


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])
def test_gate_asks_the_database(
    check: RunRules, project: Path, make_database: Callable[[str], str], how: list[str]
) -> None:
    asked = ("--gate=staging", "--migrations=game", *how)
    url = make_database(RECORD)
    met = check(*asked, url=url)
    write(project, "game/migrations/0003_late.py")
    late = check(*asked, url=url)

    assert condition(met) == {
        "passed": True,
        "measured": "2 of 2 recorded as applied, in 1 app",
        "reason": None,
    }
    assert condition(late)["measured"] == "2 of 3 recorded as applied, in 1 app"
    assert condition(late)["reason"] == "game.0003_late is pending: apply, or pre-flight first (not in this version)"
    assert "not met  migrations      2 of 3 recorded as applied" in late.out


def test_database_without_a_record_is_not_determined(
    check: RunRules, project: Path, make_database: Callable[[str], str]
) -> None:
    url = make_database(f"{RECORD} DROP TABLE django_migrations")
    ran = check("--gate=staging", "--migrations=.", url=url)

    assert condition(ran) == {
        "passed": False,
        "measured": "not determined",
        "reason": 'what is on record cannot be read: relation "django_migrations" does not exist',
    }


def test_record_that_may_not_be_read_is_not_determined(
    check: RunRules, project: Path, make_database: Callable[[str], str]
) -> None:
    url = make_database(f"{RECORD} CREATE ROLE blind LOGIN; GRANT SELECT ON item TO blind;")
    ran = check("--gate=staging", "--migrations=.", url=url.replace("postgres@", "blind@"))

    assert condition(ran)["passed"] is False
    assert "cannot be read: permission denied for table django_migrations: GRANT SELECT" in condition(ran)["reason"]


def test_configuration_file_may_name_the_folders(
    check: RunRules, project: Path, pytester: pytest.Pytester, make_database: Callable[[str], str]
) -> None:
    pytester.makeini("[pytest]\ntgintegrity_migrations = game\n")

    assert condition(check("--gate=staging", url=make_database(RECORD)))["passed"] is True


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])
def test_what_django_would_refuse_shuts_the_gate(
    check: RunRules, project: Path, make_database: Callable[[str], str], how: list[str]
) -> None:
    write(project, "game/migrations/0002_other.py", text=migration(("game", "0001_initial")))
    url = make_database(f"{RECORD} INSERT INTO django_migrations (app, name) VALUES ('game', '0002_other')")
    ran = check("--gate=staging", "--migrations=game", *how, url=url)

    assert condition(ran) == {
        "passed": False,
        "measured": "3 of 3 recorded as applied, in 1 app",
        "reason": "conflicting migrations, which Django refuses: multiple leaf nodes in the migration graph (0002_more, 0002_other"
        " in game): join them with makemigrations --merge",
    }
    assert "not met  migrations      3 of 3 recorded as applied, in 1 app" in ran.out


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])
@pytest.mark.parametrize("given", ["game=of game", "game=./of game/migrations", "{}"])
def test_label_stands_before_its_path(
    check: RunRules, pytester: pytest.Pytester, make_database: Callable[[str], str], given: str, how: list[str]
) -> None:
    rules(pytester, HOLDS)
    write(pytester.path, "of game/migrations/0001_initial.py")
    write(pytester.path, "of game/migrations/0002_more.py", text=migration(("game", "0001_initial")))
    words = given.format(f"game={pytester.path}/of game")

    assert (
        condition(check("--gate=staging", f"--migrations={words}", *how, url=make_database(RECORD)))["passed"] is True
    )
    pytester.makeini(f"[pytest]\ntgintegrity_migrations = '{words}'\n")
    assert condition(check("--gate=staging", *how, url=make_database(RECORD)))["passed"] is True


def test_folder_may_have_an_equals_sign(
    check: RunRules, pytester: pytest.Pytester, make_database: Callable[[str], str]
) -> None:
    rules(pytester, HOLDS)
    write(pytester.path, "a=b/game/migrations/0001_initial.py", "a=b/game/migrations/0002_more.py")

    assert condition(check("--gate=staging", "--migrations=a=b", url=make_database(RECORD)))["passed"] is True


def test_app_whose_migrations_are_kept_elsewhere_is_not_determined(
    check: RunRules, project: Path, make_database: Callable[[str], str]
) -> None:
    write(project, "people/models.py", text=MODELS)
    url = make_database(f"{RECORD} INSERT INTO django_migrations (app, name) VALUES ('people', '0001_initial')")

    assert condition(check("--gate=staging", "--migrations=.", url=url)) == {
        "passed": False,
        "measured": "not determined",
        "reason": f"people has migrations on record and none in {project / 'people'}: where they are kept out of the repository,"
        " point at those of the machine or container that migrates: --migrations people=PATH",
    }


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("game=", "--migrations is 'game=': write LABEL=PATH, such as game=/srv/tg/game/migrations"),
        ("game=absent", "absent: it does not exist: name the folder of a Django project, or of an app"),
        ("game=docs", "docs: there is no Django migration in it: name the folder of the project"),
    ],
)
def test_label_without_migrations_ends_the_run_before_it_begins(
    check: RunRules, pytester: pytest.Pytester, given: str, reason: str
) -> None:
    write(pytester.path, "docs/notes.py", text="")
    ran = check(HOLDS, "--gate=staging", f"--migrations={given}")

    assert ran.status == 4
    assert reason in ran.said


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])
def test_wrong_path_ends_the_run_before_it_begins(check: RunRules, how: list[str]) -> None:
    ran = check(HOLDS, "--gate=staging", "--migrations=absent", *how)

    assert ran.status == 4
    assert "absent: it does not exist: name the folder of a Django project, or of an app" in ran.said
    assert "it does not exist" in ran.integrity["run"]["error"]
