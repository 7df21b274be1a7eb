"""Find the settings of a Django project, and read what they say in plain words: nothing is imported or run."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final

from pytest_tgintegrity.deployment.source_values import COMPUTED, NOTHING, from_django, value_of, values_in
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.rules import files as rule_files

MANAGE: Final = "manage.py"
MODULE: Final = "DJANGO_SETTINGS_MODULE"
DEFAULTS: Final = {"AUTH_USER_MODEL": "auth.User"}
MODULES: Final = "MIGRATION_MODULES"
UNSEEN: Final = frozenset({"exec", "globals", "include", "locals", "vars"})
"""Functions that settings are made with elsewhere than in an assignment."""


@dataclass(frozen=True, slots=True)
class DjangoSettings:
    """What settings say, by name; `root` is the folder that modules are found in.

    `whole`: every file that they are made of was read, so that a name that is not there has Django's default.
    """

    root: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False

    def app_of_model(self, setting: str, default: str = "") -> str | None:
        """The app whose model a setting names, or `default` where they have no such name; None where nobody knows."""
        known = {name: DEFAULTS.get(name, default) for name in [setting] if self.whole} | {**self.values}
        value = known.get(setting)
        return value.partition(".")[0] if isinstance(value, str) and "." in value else None

    @property
    def modules(self) -> Mapping[str, str | None] | None:
        """By app, the module of its migrations, None where it has none; None where nobody knows."""
        value = self.values.get(MODULES, NOTHING if self.whole or self.root is None else None)
        plain = isinstance(value, Mapping) and all(isinstance(module, str | None) for module in value.values())
        return value if plain else None

    def folder_of(self, module: str) -> Path | None:
        """The folder of a module of the project."""
        folder = self.root.joinpath(*module.split(".")) if self.root else None
        return folder.resolve() if folder and folder.is_dir() else None


def read_settings(folders: Iterable[Path], below: Iterable[Path] = ()) -> DjangoSettings:
    """The settings that ``manage.py`` names, or the environment.

    It is looked for in the folders, above them and, if it is not there, among the folders `below`.
    """
    above = (parent for folder in folders for parent in (folder.resolve(), *folder.resolve().parents))
    root = next((root for root in chain(above, below) if (root / MANAGE).is_file()), None)
    if root is None:
        return DjangoSettings()
    module = os.environ.get(MODULE) or _named(root / MANAGE)
    file = _file_of(root, (module or "").split("."))
    if file is None:
        return DjangoSettings(root)
    reading = _Reading(root)
    values = reading.values(file)
    return DjangoSettings(root, values, reading.whole)


def _named(manage: Path) -> str | None:
    """The module that ``manage.py`` falls back on."""
    body = _body(manage) or []
    names = values_in(body)
    for node in (node for statement in body for node in ast.walk(statement)):
        match node:
            case ast.Call(func=ast.Attribute(attr="setdefault"), args=[ast.Constant(value=key), named]) if (
                key == MODULE
            ):
                pass
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=key))], value=named) if key == MODULE:
                pass
            case _:
                continue
        try:
            module = value_of(named, names)
        except ValueError:
            return None
        return module if isinstance(module, str) else None
    return None


def _body(file: Path) -> list[ast.stmt] | None:
    """The statements of a file; None where it cannot be read: that is for Django to say."""
    try:
        ((_, text),) = rule_files.texts([file], Path())
        return ast.parse(text.removeprefix("\ufeff")).body
    except (UsageError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _file_of(root: Path, parts: list[str]) -> Path | None:
    """The file of a module, which may be a package."""
    if not all(parts):
        return None
    base = root.joinpath(*parts)
    return next((file for file in (base.with_name(f"{base.name}.py"), base / "__init__.py") if file.is_file()), None)


class _Reading:
    """Reads a file of settings and those that it imports of; `whole` as long as none was out of reach."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: list[Path] = []
        self.whole = True

    def values(self, file: Path) -> dict[str, Any]:
        read = _body(file)
        body = read or []
        self._open.append(file)
        values = values_in(body, imported=self._imported)
        self._open.pop()
        called = {node.id for part in body for node in ast.walk(part) if isinstance(node, ast.Name)}
        self.whole = self.whole and read is not None and "*" not in values and not (called & UNSEEN)
        return values

    def _imported(self, statement: ast.ImportFrom) -> Mapping[str, Any]:
        file, everything = self._source(statement), any(alias.name == "*" for alias in statement.names)
        if file is None or file in self._open:
            self.whole = self.whole and not everything
            return from_django(statement)
        values = self.values(file)
        if everything:
            return {name: value for name, value in values.items() if not name.startswith("_")}
        return {alias.asname or alias.name: values.get(alias.name, COMPUTED) for alias in statement.names}

    def _source(self, statement: ast.ImportFrom) -> Path | None:
        folder = self._open[-1].parent
        for _ in range(statement.level - 1):
            folder = folder.parent
        parts = statement.module.split(".") if statement.module else []
        if statement.level and not parts:
            return folder / "__init__.py" if (folder / "__init__.py").is_file() else None
        return _file_of(folder if statement.level else self._root, parts)
