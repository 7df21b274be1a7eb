"""Read the migrations of a project, ask the database which of them are on record, and give the gate a finding."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from psycopg import sql

from pytest_tgintegrity.database.connections.answers import Failure
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.deployment.gate import Finding
from pytest_tgintegrity.deployment.migrations import Key, Migration, migrations_finding, parse_label, parse_migration
from pytest_tgintegrity.errors import TgIntegrityError, UsageError
from pytest_tgintegrity.rules import files as rule_files

FOLDER = "migrations"
FOREIGN = frozenset({"site-packages", "dist-packages", "node_modules", "__pycache__"})
"""Folders with code of others: they are looked into only if the user names them."""

RECORDED = sql.SQL("SELECT app::text, name::text FROM django_migrations ORDER BY id")
NOT_GIVEN = Finding(reason="nobody knows what is pending: give --migrations")


def read_migrations(paths: Iterable[Path]) -> tuple[Migration, ...]:
    """The Django migrations in some folders and their subfolders. Raises `UsageError`, also for a folder without any."""
    files: dict[Key, tuple[Migration, Path]] = {}
    for path in paths:
        in_path = list(_in_project(path))
        if not in_path:
            raise UsageError(
                f"--migrations {path}: there is no Django migration in it: name the folder of the project, of an app,"
                " or the app's migrations (this version knows no others)"
            )
        for migration, file in in_path:
            known, other = files.setdefault(migration.key, (migration, file))
            if known != migration:
                raise UsageError(
                    f"--migrations: {other} and {file} are both {migration.app}.{migration.name}, and differ: name one"
                )
    return tuple(migration for migration, _ in files.values())


def _in_project(path: Path) -> Iterator[tuple[Migration, Path]]:
    if not path.is_dir():
        problem = "is a file: this version only knows Django's migrations" if path.exists() else "does not exist"
        raise UsageError(f"--migrations {path}: it {problem}: name the folder of a Django project, or of an app")
    try:
        for name, folders, _ in os.walk(path.resolve(), onerror=_raise):
            folder = Path(name)
            folders[:] = sorted(subfolder for subfolder in folders if _is_ours(folder / subfolder))
            if folder.name == FOLDER and (folder / "__init__.py").exists():
                yield from _in_app(folder)
    except OSError as error:
        raise UsageError(f"--migrations {path}: {error.filename} cannot be read: {error.strerror}") from None


def _raise(error: OSError) -> NoReturn:
    raise error


def _is_ours(folder: Path) -> bool:
    return not (folder.name.startswith(".") or folder.name in FOREIGN or (folder / "pyvenv.cfg").exists())


def _in_app(folder: Path) -> list[tuple[Migration, Path]]:
    """The migrations of a folder; none if no file in it is a migration.

    Raises `UsageError` where only some files are migrations, since Django takes every file of such a folder for one.
    """
    apps = folder.parent / "apps.py"
    app = (parse_label(_text(apps)) if apps.exists() else None) or folder.parent.name
    files = [path for path in sorted(folder.glob("*.py")) if path.name[0] not in "_~"]
    parsed = [(_migration(path, app), path) for path in files]
    migrations = [(migration, path) for migration, path in parsed if migration is not None]
    if migrations and len(migrations) < len(parsed):
        odd = next(path for migration, path in parsed if migration is None)
        raise UsageError(f"{odd} has no class Migration, and lies among migrations: Django would refuse it")
    return migrations


def _migration(path: Path, app: str) -> Migration | None:
    try:
        return parse_migration(_text(path), app, path.stem)
    except ValueError as error:
        raise UsageError(f"{path} cannot be read as a migration: {error}") from None


def _text(path: Path) -> str:
    ((_, text),) = rule_files.texts([path], Path())
    return text.removeprefix("\ufeff")


def look_for_pending(run: Run | None, files: Sequence[Migration]) -> Finding:
    """Which migrations are pending, for the gate, as the snapshot of a run shows it."""
    if not files or run is None:
        return NOT_GIVEN
    try:
        with run.reader() as reader:
            (answer,) = reader.ask([RECORDED])
    except TgIntegrityError as error:
        return Finding(reason=f"what is on record cannot be read: {error}")
    if isinstance(answer, Failure):
        return Finding(reason=f"what is on record cannot be read: {answer.reason}")
    return migrations_finding(files, [(app, name) for app, name in answer.rows])
