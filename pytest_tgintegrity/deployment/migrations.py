"""Django's migrations: what their files declare, what a database has on record, and what is pending. Pure.

A file is parsed, never imported or run. A migration is pending if ``migrate`` would apply it; that is found out in the way
of Django's loader.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from pytest_tgintegrity.deployment.gate import Finding

Key = tuple[str, str]
"""App and name of a migration."""

NAMED = 3


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration; `replaces` are the migrations that it was squashed from."""

    app: str
    name: str
    replaces: tuple[Key, ...] = ()

    @property
    def key(self) -> Key:
        """App and name, which is what the database records of it."""
        return self.app, self.name


# --- what files declare


def parse_migration(text: str, app: str, name: str) -> Migration | None:
    """The migration that a file declares, or None. Raises `ValueError` for a file that cannot be read."""
    for statement in _body(text):
        if isinstance(statement, ast.ClassDef) and statement.name == "Migration":
            return Migration(app, name, _replaces(statement))
    return None


def _body(text: str) -> list[ast.stmt]:
    """The statements of a file. Raises `ValueError`."""
    try:
        return ast.parse(text).body
    except SyntaxError as error:
        raise ValueError(f"{error.msg} in line {error.lineno}") from None
    except (RecursionError, MemoryError):
        raise ValueError("it is nested too deeply") from None


def _replaces(migration: ast.ClassDef) -> tuple[Key, ...]:
    for line, value in _assigned(migration, "replaces"):
        try:
            return tuple((str(app), str(name)) for app, name in ast.literal_eval(value))
        except (TypeError, ValueError, RecursionError, MemoryError):
            raise ValueError(f"`replaces` in line {line} is no plain list of (app, name)") from None
    return ()


def _assigned(owner: ast.ClassDef, name: str) -> Iterator[tuple[int, ast.expr]]:
    """Line and value of each assignment of a class to one of its names; the last, which counts, comes first."""
    for statement in reversed(owner.body):
        targets = (
            statement.targets
            if isinstance(statement, ast.Assign)
            else [statement.target]
            if isinstance(statement, ast.AnnAssign)
            else []
        )
        value = getattr(statement, "value", None)
        if value is not None and any(isinstance(part, ast.Name) and part.id == name for part in targets):
            yield statement.lineno, value


def parse_label(text: str) -> str | None:
    """The label that an ``apps.py`` gives to its app; None if it leaves that to the folder's name."""
    try:
        classes = [statement for statement in _body(text) if isinstance(statement, ast.ClassDef)]
    except ValueError:
        return None
    values = [value for owner in classes for _, value in _assigned(owner, "label")]
    return next(
        (value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)), None
    )


# --- what is pending


def pending(files: Iterable[Migration], recorded: Iterable[Key]) -> list[Key]:
    """The migrations that ``migrate`` would still apply."""
    return [key for key, done in _is_applied_by_key(files, recorded).items() if not done]


def _is_applied_by_key(files: Iterable[Migration], recorded: Iterable[Key]) -> dict[Key, bool]:
    """Every migration that counts, and whether it is applied.

    A migration that replaces others counts in their place, and is applied if all of them are, whatever is recorded of
    itself. If only some of them are applied, they count themselves, even those whose files are gone.
    """
    declared, applied = {migration.key: migration for migration in files}, set(recorded)
    done = {key: key in applied for key in declared}
    dropped: set[Key] = set()
    for migration in declared.values():
        if not migration.replaces:
            continue
        states = {key: key in applied for key in _origins(migration, declared)}
        if len({*states.values()}) == 1:
            done[migration.key] = all(states.values())
            dropped |= {*migration.replaces} - {migration.key}
        else:
            dropped.add(migration.key)
            done |= states
    return {key: done[key] for key in sorted(done.keys() - dropped)}


def _origins(squashed: Migration, declared: Mapping[Key, Migration]) -> set[Key]:
    """The migrations that a squashed one was made of in the end, since it may replace squashed migrations."""
    origins, seen, waiting = set[Key](), {squashed.key}, [squashed]
    while waiting:
        above = waiting.pop()
        for key in above.replaces:
            replaced = declared.get(key)
            if replaced is None or not replaced.replaces or key == above.key:
                origins.add(key)
            elif key not in seen:
                seen.add(key)
                waiting.append(replaced)
    return origins


def circle(files: Iterable[Migration]) -> tuple[Key, ...]:
    """Migrations that replace each other in a circle, so that none of them counts; empty if there are none."""
    replaced = {migration.key: {key for key in migration.replaces if key != migration.key} for migration in files}
    try:
        TopologicalSorter(replaced).prepare()
    except CycleError as error:
        cycle: list[Key] = error.args[1]
        return tuple(cycle[:-1])
    return ()


# --- what the gate is told


def migrations_finding(files: Sequence[Migration], recorded: Sequence[Key]) -> Finding:
    """Whether a database has exactly the migrations that the files declare; `recorded` is in the order of its records."""
    if mutual := circle(files):
        reason = f"{_listed(['.'.join(key) for key in mutual])} replace each other: Django refuses them, and so do we"
        return Finding(met=False, measured="nobody can tell what is pending", reason=reason)
    applied = _is_applied_by_key(files, recorded)
    waiting = [key for key, done in applied.items() if not done]
    apps = {migration.app for migration in files}
    known = {migration.key for migration in files} | {key for migration in files for key in migration.replaces}
    ahead = [key for key in {key[0]: key for key in recorded}.values() if key[0] in apps and key not in known]
    reasons = []
    if waiting:
        reasons.append(f"{_named(waiting)} pending: apply, or pre-flight first (not in this version)")
    if ahead:
        reasons.append(f"{_named(ahead)} on record and in no file: the code is older than the database")
    measured = f"{len(applied) - len(waiting)} of {len(applied)} recorded as applied, in {_apps(apps)}"
    return Finding(not reasons, measured + _besides(recorded, apps, known), "; ".join(reasons) or None)


def _besides(recorded: Iterable[Key], apps: set[str], known: set[Key]) -> str:
    """What else is on record: migrations without a file, and apps that were not looked at."""
    gone = {key for key in recorded if key[0] in apps and key not in known}
    others = sorted({app for app, _ in recorded} - apps)
    remarks = [f"{len(gone)} on record without a file"] if gone else []
    if others:
        remarks.append(f"not looked at: {', '.join(others)}")
    return "".join(f"; {remark}" for remark in remarks)


def _apps(apps: set[str]) -> str:
    return f"{len(apps)} app{'s' if len(apps) != 1 else ''}"


def _named(keys: Sequence[Key]) -> str:
    verb = "is" if len(keys) == 1 else "are"
    return f"{_listed(['.'.join(key) for key in keys])} {verb}"


def _listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
