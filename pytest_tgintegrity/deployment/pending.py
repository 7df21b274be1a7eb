"""Find a project's migrations, ask the database which of them are on record, and tell the gate."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from psycopg import sql

from pytest_tgintegrity.database.connections.answers import Failure
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.deployment.gate import Finding
from pytest_tgintegrity.deployment.migrations import Key, Migration, judge, parse_label, parse_migration
from pytest_tgintegrity.errors import TgIntegrityError, UsageError
from pytest_tgintegrity.rules import files as rule_files

FOLDER = "migrations"
FOREIGN = frozenset({"site-packages", "dist-packages", "node_modules", "__pycache__"})
"""Folders of what others wrote: looked into only if they are named themselves."""

RECORDED = sql.SQL("SELECT app::text, name::text FROM django_migrations ORDER BY id")
NOT_GIVEN = Finding(reason="nobody knows what is pending: give --migrations")


def read_migrations(paths: Iterable[Path]) -> tuple[Migration, ...]:
    """The Django migrations in folders and below. Raises `UsageError`, also for a folder that has none."""
    found: dict[Key, tuple[Migration, Path]] = {}
    for path in paths:
        in_path = list(_in_project(path))
        if not in_path:
            raise UsageError(
                f"--migrations {path}: there is no Django migration in it: name the folder of the project, of an app,"
                " or the app's migrations (this version knows no others)"
            )
        for one, file in in_path:
            known, other = found.setdefault(one.key, (one, file))
            if known != one:
                raise UsageError(
                    f"--migrations: {other} and {file} are both {one.app}.{one.name}, and differ: name one"
                )
    return tuple(one for one, _ in found.values())


def _in_project(path: Path) -> Iterator[tuple[Migration, Path]]:
    if not path.is_dir():
        what = "is a file: this version only knows Django's migrations" if path.exists() else "does not exist"
        raise UsageError(f"--migrations {path}: it {what}: name the folder of a Django project, or of an app")
    try:
        for name, folders, _ in os.walk(path.resolve(), onerror=_raise):
            folder = Path(name)
            folders[:] = sorted(one for one in folders if _is_ours(folder / one))
            if folder.name == FOLDER and (folder / "__init__.py").exists():
                yield from _in_app(folder)
    except OSError as error:
        raise UsageError(f"--migrations {path}: {error.filename} cannot be read: {error.strerror}") from None


def _raise(error: OSError) -> NoReturn:
    raise error


def _is_ours(folder: Path) -> bool:
    return not (folder.name.startswith(".") or folder.name in FOREIGN or (folder / "pyvenv.cfg").exists())


def _in_app(folder: Path) -> list[tuple[Migration, Path]]:
    """All files of the folder, or none: where some are migrations, Django takes every one for one."""
    apps = folder.parent / "apps.py"
    app = (parse_label(_text(apps)) if apps.exists() else None) or folder.parent.name
    files = [path for path in sorted(folder.glob("*.py")) if path.name[0] not in "_~"]
    found = [(_migration(path, app), path) for path in files]
    migrations = [(one, path) for one, path in found if one is not None]
    if migrations and len(migrations) < len(found):
        odd = next(path for one, path in found if one is None)
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
    """What the gate has to know, as the snapshot of a run shows it."""
    if not files or run is None:
        return NOT_GIVEN
    try:
        with run.reader() as reader:
            (answer,) = reader.ask([RECORDED])
    except TgIntegrityError as error:
        return Finding(reason=f"what is on record cannot be read: {error}")
    if isinstance(answer, Failure):
        return Finding(reason=f"what is on record cannot be read: {answer.reason}")
    return judge(files, [(app, name) for app, name in answer.rows])
