"""Read the migrations of a project, ask the database which of them are on record, and give the gate a finding."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from psycopg import sql

from pytest_tgintegrity.database.connections.answers import Failure
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.deployment.django_settings import MANAGE, MODULES, read_settings
from pytest_tgintegrity.deployment.gate import Finding, MigrationsAt
from pytest_tgintegrity.deployment.migration_files import (
    Dependency,
    Key,
    Migration,
    ProjectFacts,
    parse_label,
    parse_migration,
)
from pytest_tgintegrity.deployment.migration_graph import FIRST
from pytest_tgintegrity.deployment.migrations import migrations_finding
from pytest_tgintegrity.deployment.source_values import Swappable
from pytest_tgintegrity.errors import TgIntegrityError, UsageError
from pytest_tgintegrity.rules import files as rule_files

NAMED = 3
MODELS = ("models.py", "models/__init__.py")
FOLDER = "migrations"
FOREIGN = frozenset({"site-packages", "dist-packages", "node_modules", "__pycache__"})
"""Folders with code of others: they are looked into only if the user names them."""

RECORDED = sql.SQL("SELECT app::text, name::text FROM django_migrations ORDER BY id")
NOT_GIVEN = Finding(reason="nobody knows what is pending: give --migrations")


@dataclass(frozen=True, slots=True)
class Project:
    """The migrations of a project, and what else is known of it."""

    files: tuple[Migration, ...] = ()
    facts: ProjectFacts = ProjectFacts()  # noqa: RUF009 - it is frozen


def read_migrations(paths: Iterable[Path]) -> tuple[Migration, ...]:
    """The Django migrations in some folders and their subfolders. Raises `UsageError`, also for a folder without any."""
    return read_project(map(MigrationsAt, paths)).files


def read_project(places: Iterable[MigrationsAt]) -> Project:
    """The Django migrations in some places. Raises `UsageError`, also for a place without any."""
    asked = list(places)
    for place in asked:
        if not place.path.is_dir():
            problem = (
                "is a file: this version only knows Django's migrations" if place.path.exists() else "does not exist"
            )
            raise UsageError(f"--migrations {place}: it {problem}: name the folder of a Django project, or of an app")
    return _Looking(asked).project() if asked else Project()


class _Looking:
    """Looks for migrations in several places; labels that are given go before those that are found."""

    def __init__(self, asked: Sequence[MigrationsAt]) -> None:
        self._asked = asked
        self._given = {place.label: _folder_of(place.path) for place in asked if place.label}
        below = (folder for place in asked if not place.label for folder in _ours(place.path))
        self._settings = read_settings([place.path for place in asked], below)
        modules = self._settings.modules or {}
        self._elsewhere = {label: module for label, module in modules.items() if label not in self._given}
        self._files: dict[Key, tuple[Migration, Path]] = {}
        self._apps: dict[str, Path] = {}
        self._seen: set[Path] = set()

    def project(self) -> Project:
        """Read them all. Raises `UsageError`."""
        for place in self._asked:
            try:
                self._read(place)
            except OSError as error:
                raise UsageError(f"--migrations {place}: {error.filename} cannot be read: {error.strerror}") from None
        self._read_named_modules()
        files = tuple(self._resolved(migration) for migration, _ in self._files.values())
        there = {migration.app for migration in files}
        unmigrated = {label for label, module in self._elsewhere.items() if module is None}
        without = {label: folder for label, folder in self._apps.items() if label not in there | unmigrated}
        unknown = [] if self._settings.modules is not None else [MODULES]
        return Project(files, ProjectFacts(frozenset(unmigrated), without, frozenset(unknown)))

    def _read(self, place: MigrationsAt) -> None:
        self._seen.clear()
        apps = len(self._apps)
        if place.label:
            self._add(_in_folder(_folder_of(place.path), place.label))
        else:
            self._read_below(place.path.resolve())
        if not (self._seen or (self._given and len(self._apps) > apps)):
            raise UsageError(f"--migrations {place}: there is no Django migration in it{self._where(place.path)}")

    def _read_below(self, folder: Path) -> None:
        for name in _walked(folder):
            if name in self._given.values():
                self._seen.add(name)
            elif label := self._label_of_module(name):
                self._add(_in_folder(name, label))
            elif name.name == FOLDER and (name / "__init__.py").exists():
                self._add_app(name)
            elif _is_app(name):
                with contextlib.suppress(ValueError):
                    self._apps[_label(name)] = name

    def _label_of_module(self, folder: Path) -> str | None:
        """The app whose migrations a folder holds, according to the settings."""
        there = (
            label for label, module in self._elsewhere.items() if module and self._settings.folder_of(module) == folder
        )
        return next(there, None)

    def _add_app(self, folder: Path) -> None:
        """The migrations of an app, in its own folder, unless they are said to be in another."""
        found = _in_folder(folder, "")
        if not found:
            return
        try:
            label = _label(folder.parent)
        except ValueError:
            raise UsageError(
                f"{folder.parent / 'apps.py'}: only a run would tell the label of this app: say it, --migrations LABEL={folder}"
            ) from None
        self._seen.add(folder)
        if label not in self._given and label not in self._elsewhere:
            self._add([(replace(migration, app=label), file) for migration, file in found])

    def _add(self, found: Iterable[tuple[Migration, Path]]) -> None:
        for migration, file in found:
            known, other = self._files.setdefault(migration.key, (migration, file))
            if known != migration:
                raise UsageError(
                    f"--migrations: {other} and {file} are both {migration.app}.{migration.name}, and differ: name one"
                )
            self._seen.add(file)

    def _read_named_modules(self) -> None:
        """Migrations of apps that were found, which the settings say are elsewhere."""
        for label, module in self._elsewhere.items():
            folder = self._settings.folder_of(module) if module else None
            if folder is not None and label in self._apps:
                self._add(_in_folder(folder, label))
            elif module and label in self._apps:
                raise UsageError(
                    f"{MODULES} in the settings has the migrations of {label} in {module}, of which there is no folder"
                    f" below {self._settings.root}: name it, --migrations {label}=PATH"
                )

    def _resolved(self, migration: Migration) -> Migration:
        """The migration with the dependencies that the settings tell."""
        dependencies, run_before = migration.dependencies, migration.run_before
        known = {edge: self._dependency(edge) for edge in (*dependencies, *run_before)}
        return replace(
            migration,
            dependencies=tuple(known[edge] for edge in dependencies),
            run_before=tuple(known[edge] for edge in run_before),
        )

    def _dependency(self, part: Dependency) -> Dependency:
        if not isinstance(part, Swappable):
            return part
        app = self._settings.app_of_model(part.setting, part.default)
        return (app, FIRST) if app else part

    def _where(self, folder: Path) -> str:
        """What to name instead of a folder without migrations."""
        code = ", ".join(sorted(self._apps)[:NAMED]) or (MANAGE if (folder / MANAGE).exists() else "")
        if not code:
            return ": name the folder of the project, of an app, or the app's migrations (this version knows no others)"
        return (
            f", only the code ({code}): where migrations are kept out of the repository{_ignored(folder)}, point at those of the"
            f" machine or container that migrates: that project's folder, or {min(self._apps, default='LABEL')}=PATH for an app's"
        )


def _ignored(folder: Path) -> str:
    """What ``.gitignore`` says of migrations."""
    try:
        text = (folder / ".gitignore").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return f" (.gitignore has {FOLDER})" if re.search(rf"^[^#\n]*\b{FOLDER}\b", text, flags=re.MULTILINE) else ""


def _folder_of(path: Path) -> Path:
    """The folder of an app's migrations, which may be named itself."""
    return (path / FOLDER if (path / FOLDER).is_dir() else path).resolve()


def _ours(path: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from _walked(path.resolve())


def _walked(path: Path) -> Iterator[Path]:
    """A folder and the project's own folders in it. Raises `OSError`."""
    for name, folders, _ in os.walk(path, onerror=_raise):
        folder = Path(name)
        folders[:] = sorted(subfolder for subfolder in folders if _is_ours(folder / subfolder))
        yield folder


def _raise(error: OSError) -> NoReturn:
    raise error


def _is_ours(folder: Path) -> bool:
    return not (folder.name.startswith(".") or folder.name in FOREIGN or (folder / "pyvenv.cfg").exists())


def _in_folder(folder: Path, app: str) -> list[tuple[Migration, Path]]:
    """The migrations of a folder; none if no file in it is a migration.

    Raises `UsageError` where only some files are migrations, since Django takes every file of such a folder for one.
    """
    files = [path for path in sorted(folder.glob("*.py")) if path.name[0] not in "_~"]
    parsed = [(_migration(path, app), path) for path in files]
    migrations = [(migration, path) for migration, path in parsed if migration is not None]
    if migrations and len(migrations) < len(parsed):
        odd = next(path for migration, path in parsed if migration is None)
        raise UsageError(f"{odd} has no class Migration, and lies among migrations: Django would refuse it")
    return migrations


def _is_app(folder: Path) -> bool:
    """Whether a folder has models of Django's. Raises `UsageError`."""
    models = [folder / name for name in MODELS if (folder / name).is_file()]
    return bool(models) and ((folder / "apps.py").is_file() or any("django" in _text(file) for file in models))


def _label(app: Path) -> str:
    """The label of the app in a folder. Raises `ValueError` where only a run would tell, and `UsageError`."""
    apps = app / "apps.py"
    return (parse_label(_text(apps)) if apps.exists() else None) or app.name


def _migration(path: Path, app: str) -> Migration | None:
    try:
        return parse_migration(_text(path), app, path.stem)
    except ValueError as error:
        raise UsageError(f"{path} cannot be read as a migration: {error}") from None


def _text(path: Path) -> str:
    ((_, text),) = rule_files.texts([path], Path())
    return text.removeprefix("\ufeff")


def look_for_pending(run: Run | None, project: Project) -> Finding:
    """Which migrations are pending, for the gate, as the snapshot of a run shows it."""
    if not project.files or run is None:
        return NOT_GIVEN
    try:
        with run.reader() as reader:
            (answer,) = reader.ask([RECORDED])
    except TgIntegrityError as error:
        return Finding(reason=f"what is on record cannot be read: {error}")
    if isinstance(answer, Failure):
        return Finding(reason=f"what is on record cannot be read: {answer.reason}")
    return migrations_finding(project.files, [(app, name) for app, name in answer.rows], project.facts)
