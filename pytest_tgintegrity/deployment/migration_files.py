"""What the files of a Django project declare: migrations, and the labels of apps. Pure.

A file is parsed, never imported or run.
"""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_tgintegrity.deployment.source_values import COMPUTED, NotPlainError, Swappable, root_of, value_of, values_in

Key = tuple[str, str]
"""App and name of a migration."""
Dependency = Key | Swappable

EDGES = ("dependencies", "run_before")


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration: `replaces` are those that it was squashed from; it is applied after its `dependencies`, and before those in `run_before`.

    `unreadable` says which of these only a run of the file would tell.
    """

    app: str
    name: str
    replaces: tuple[Key, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    run_before: tuple[Dependency, ...] = ()
    unreadable: str = ""

    @property
    def key(self) -> Key:
        """App and name, which is what the database records of it."""
        return self.app, self.name


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What is known of a project beside its migrations.

    `unmigrated` are apps that have none; `without` are the folders of apps that could have some, and have no file; `unknown`
    are settings that only a run would tell.
    """

    unmigrated: frozenset[str] = frozenset()
    without: Mapping[str, Path] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()


# --- migrations


def parse_migration(text: str, app: str, name: str) -> Migration | None:
    """The migration that a file declares, or None. Raises `ValueError` for a file that cannot be read."""
    body = _body(text)
    places = [at for at, part in enumerate(body) if isinstance(part, ast.ClassDef) and part.name == "Migration"]
    if not places:
        made = values_in(body).get("Migration") is COMPUTED
        return Migration(app, name, unreadable="its class Migration is imported or computed") if made else None
    declared = body[places[-1]]
    assert isinstance(declared, ast.ClassDef)
    return _declared(declared, body[: places[-1]], body[places[-1] + 1 :], (app, name))


def _declared(migration: ast.ClassDef, before: Sequence[ast.stmt], after: Sequence[ast.stmt], key: Key) -> Migration:
    outer = values_in(before)
    own = values_in(migration.body, outer)
    replaces = _replaces(migration, ChainMap(own, outer))
    edges, unreadable = dict[str, tuple[Dependency, ...]](), []
    for name in EDGES:
        try:
            edges[name] = _edges(own.get(name, _inherited(migration, name)))
            _check_nothing_else(migration, after, name)
        except NotPlainError:
            unreadable.append(f"`{name}`")
    dependencies, run_before = (edges.get(name, ()) for name in EDGES)
    return Migration(*key, replaces, dependencies, run_before, " and ".join(unreadable))


def _body(text: str) -> list[ast.stmt]:
    """The statements of a file. Raises `ValueError`."""
    try:
        return ast.parse(text).body
    except SyntaxError as error:
        raise ValueError(f"{error.msg} in line {error.lineno}") from None
    except (RecursionError, MemoryError):
        raise ValueError("it is nested too deeply") from None


def _replaces(migration: ast.ClassDef, names: Mapping[str, Any]) -> tuple[Key, ...]:
    for line, value in _assigned(migration, "replaces"):
        try:
            return tuple(_key(part) for part in _several(value_of(value, names)))
        except NotPlainError:
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


def _edges(value: Any) -> tuple[Dependency, ...]:
    """Migrations, or what stands for one. Raises `NotPlainError`."""
    return tuple(part if isinstance(part, Swappable) else _key(part) for part in _several(value))


def _several(value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise NotPlainError("it is computed")
    return value


def _key(value: Any) -> Key:
    match value:
        case [str(app), str(name)]:
            return app, name
    raise NotPlainError("it is computed")


def _inherited(migration: ast.ClassDef, field: str) -> Any:
    """What a migration has that says nothing of a field: nothing, unless it comes from a class of the project's own."""
    names = [
        base.attr if isinstance(base, ast.Attribute) else base.id
        for base in migration.bases
        if isinstance(base, ast.Attribute | ast.Name)
    ]
    foreign = len(names) < len(migration.bases) or any(name != "Migration" for name in names)
    return COMPUTED if foreign and field == "dependencies" else ()


def _check_nothing_else(migration: ast.ClassDef, after: Sequence[ast.stmt], field: str) -> None:
    """Raise `NotPlainError` where something beside the class body may change what it says of a field."""
    parts = [node for part in (migration, *after) for node in ast.walk(part)]
    if migration.keywords or migration.decorator_list or any(_is_about(field, node) for node in parts):
        raise NotPlainError("it is computed")


def _is_about(field: str, node: ast.AST) -> bool:
    """Whether a node is the field of a class of migrations, or sets it by its name."""
    match node:
        case ast.Attribute(attr=name):
            return name == field and bool({*root_of(node)} & {"self", "cls", "Migration"})
        case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value=name), *_]):
            return bool(name == field)
    return False


# --- labels


def parse_label(text: str) -> str | None:
    """The label that an ``apps.py`` gives to its app; None if it leaves that to the folder's name.

    Raises `NotPlainError` where only a run of the file would tell, or where it has several configurations that differ.
    """
    try:
        body = _body(text)
    except ValueError:
        return None
    found = [(label if isinstance(label, str | None) else COMPUTED, default) for label, default in _labels(body)]
    chosen = [label for label, default in found if default is True] or [label for label, _ in found]
    if len({*chosen}) > 1 or COMPUTED in chosen:
        raise NotPlainError("it is computed")
    return next((label for label in chosen if isinstance(label, str)), None)


def _labels(body: Sequence[ast.stmt]) -> Iterator[tuple[Any, Any]]:
    """Of each configuration of an app: its label, None where it leaves that out, and whether it says that it is the default."""
    outer, classes = values_in(body), dict[str, Mapping[str, Any]]()
    for part in body:
        if not isinstance(part, ast.ClassDef):
            continue
        bases = [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in part.bases]
        if any(base in classes or base.endswith("Config") for base in bases):
            inherited = [dict(classes[base]) for base in bases if base in classes]
            names = classes[part.name] = ChainMap(values_in(part.body, outer), *inherited)
            if {"name", "label"} & names.keys():
                yield names.get("label"), names.get("default")
