"""Django's migrations: what their files declare, what a database has on record, and what is pending. Pure.

A file is parsed, never imported or run. What is pending is what ``migrate`` would do, found as Django's loader finds it.
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
    """A migration, and those that it was squashed from."""

    app: str
    name: str
    replaces: tuple[Key, ...] = ()

    @property
    def key(self) -> Key:
        """What a record of it says."""
        return self.app, self.name


# --- what files declare


def parse_migration(text: str, app: str, name: str) -> Migration | None:
    """The migration that a file declares; None if there is none. Raises `ValueError` for one that cannot be read."""
    for one in _body(text):
        if isinstance(one, ast.ClassDef) and one.name == "Migration":
            return Migration(app, name, _replaces(one))
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
    """What a class assigns to a name of its own, and in which line; the last first, since that one counts."""
    for one in reversed(owner.body):
        targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
        value = getattr(one, "value", None)
        if value is not None and any(isinstance(part, ast.Name) and part.id == name for part in targets):
            yield one.lineno, value


def parse_label(text: str) -> str | None:
    """The label that an ``apps.py`` gives to its app; None if it leaves that to the folder's name."""
    try:
        classes = [one for one in _body(text) if isinstance(one, ast.ClassDef)]
    except ValueError:
        return None
    values = [value for one in classes for _, value in _assigned(one, "label")]
    return next((one.value for one in values if isinstance(one, ast.Constant) and isinstance(one.value, str)), None)


# --- what is pending


def pending(files: Iterable[Migration], recorded: Iterable[Key]) -> list[Key]:
    """What ``migrate`` would still have to do."""
    return [key for key, done in _standing(files, recorded).items() if not done]


def _standing(files: Iterable[Migration], recorded: Iterable[Key]) -> dict[Key, bool]:
    """Every migration that counts, and whether it is applied.

    One that replaces others stands for them, and is applied if all of them are, whatever is recorded of itself. If only
    some of them are, they stand for themselves, even those whose files are gone.
    """
    declared, applied = {one.key: one for one in files}, set(recorded)
    done = {key: key in applied for key in declared}
    dropped: set[Key] = set()
    for one in declared.values():
        if not one.replaces:
            continue
        states = {key: key in applied for key in _origins(one, declared)}
        if len({*states.values()}) == 1:
            done[one.key] = all(states.values())
            dropped |= {*one.replaces} - {one.key}
        else:
            dropped.add(one.key)
            done |= states
    return {key: done[key] for key in sorted(done.keys() - dropped)}


def _origins(squashed: Migration, declared: Mapping[Key, Migration]) -> set[Key]:
    """What was squashed in the end: what it replaces may have been squashed itself."""
    found, seen, waiting = set[Key](), {squashed.key}, [squashed]
    while waiting:
        above = waiting.pop()
        for key in above.replaces:
            one = declared.get(key)
            if one is None or not one.replaces or key == above.key:
                found.add(key)
            elif key not in seen:
                seen.add(key)
                waiting.append(one)
    return found


def circle(files: Iterable[Migration]) -> tuple[Key, ...]:
    """Migrations that replace each other, so that none of them stands for anything; nothing if there are none."""
    replaced = {one.key: {key for key in one.replaces if key != one.key} for one in files}
    try:
        TopologicalSorter(replaced).prepare()
    except CycleError as error:
        found: list[Key] = error.args[1]
        return tuple(found[:-1])
    return ()


# --- what the gate is told


def judge(files: Sequence[Migration], recorded: Sequence[Key]) -> Finding:
    """Whether a database, whose records are given in their order, is where the files want it to be."""
    if mutual := circle(files):
        reason = f"{_listed(['.'.join(key) for key in mutual])} replace each other: Django refuses them, and so do we"
        return Finding(met=False, measured="nobody can tell what is pending", reason=reason)
    standing = _standing(files, recorded)
    waiting = [key for key, done in standing.items() if not done]
    apps = {one.app for one in files}
    known = {one.key for one in files} | {key for one in files for key in one.replaces}
    ahead = [key for key in {key[0]: key for key in recorded}.values() if key[0] in apps and key not in known]
    reasons = []
    if waiting:
        reasons.append(f"{_named(waiting)} pending: apply, or pre-flight first (not in this version)")
    if ahead:
        reasons.append(f"{_named(ahead)} on record and in no file: the code is older than the database")
    measured = f"{len(standing) - len(waiting)} of {len(standing)} recorded as applied, in {_apps(apps)}"
    return Finding(not reasons, measured + _besides(recorded, apps, known), "; ".join(reasons) or None)


def _besides(recorded: Iterable[Key], apps: set[str], known: set[Key]) -> str:
    """What is on record that no file accounts for."""
    gone = {key for key in recorded if key[0] in apps and key not in known}
    others = sorted({app for app, _ in recorded} - apps)
    told = [f"{len(gone)} on record without a file"] if gone else []
    if others:
        told.append(f"not looked at: {', '.join(others)}")
    return "".join(f"; {one}" for one in told)


def _apps(apps: set[str]) -> str:
    return f"{len(apps)} app{'s' if len(apps) != 1 else ''}"


def _named(keys: Sequence[Key]) -> str:
    verb = "is" if len(keys) == 1 else "are"
    return f"{_listed(['.'.join(key) for key in keys])} {verb}"


def _listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
