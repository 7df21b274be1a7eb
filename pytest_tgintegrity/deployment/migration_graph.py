"""The graph of a project's migrations, as Django's loader builds it, and why Django would refuse it. Pure.

Apps of which no file is known are *elsewhere*: their migrations are what the records say of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from pytest_tgintegrity.deployment.migration_files import Dependency, Key, Migration
from pytest_tgintegrity.deployment.source_values import Swappable

FIRST, LATEST = "__first__", "__latest__"


@dataclass(frozen=True, slots=True)
class Missing:
    """A migration that does not exist, and one that names it: in its `dependencies`, or to run before it.

    `tried` are squashed migrations that would stand for it if only some of what they replace were not applied.
    """

    named_by: Key
    missing: Key
    before: bool = False
    tried: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Circle:
    """Migrations each of which is to be applied before the next, and the last before the first."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Unordered:
    """A migration that is on record as applied, while one that it depends on is not."""

    applied: Key
    dependency: Key


@dataclass(frozen=True, slots=True)
class Leaves:
    """Migrations of an app on which no other of the app depends: more than one."""

    app: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A migration whose place in the graph nobody knows, and what would have to be known: a field, or the app of a dependency."""

    key: Key
    field: str = ""
    app: str = ""


Fault = Missing | Circle | Unordered | Leaves | Unknown


def faults(files: Sequence[Migration], recorded: Collection[Key], unmigrated: Collection[str] = ()) -> list[Fault]:
    """Why Django would refuse the migrations, or why nobody can tell. `files` must not replace each other in a circle.

    What is missing, or a circle, is all that is told where there is one: Django has no graph then. `unmigrated` are apps
    that have no migrations.
    """
    graph = _Graph(files, frozenset(recorded), frozenset(unmigrated))
    unknown = [Unknown(migration.key, migration.unreadable) for migration in files if migration.unreadable]
    doubts: list[Fault] = [*unknown, *graph.doubts]
    graph.carry_out_replacements()
    broken: list[Fault] = [*graph.missing()] or [*graph.circles()]
    if broken:
        return [*broken, *doubts]
    return [*graph.unordered(), *graph.leaves({fault.key[0] for fault in unknown}), *doubts]


def _known(edges: Iterable[Dependency]) -> list[Key]:
    """Edges without those of which nobody knows what the settings make of them."""
    return [edge for edge in edges if not isinstance(edge, Swappable)]


class _Graph:
    """Parents and children of migrations, which are keys; also of those that do not exist, or are elsewhere."""

    def __init__(self, files: Sequence[Migration], recorded: frozenset[Key], unmigrated: frozenset[str]) -> None:
        self._files = {migration.key: migration for migration in sorted(files, key=lambda migration: migration.key)}
        self._apps = {migration.app for migration in files}
        self._recorded = recorded
        self._unmigrated = unmigrated
        self._replaced = {key: {*file.replaces} - {key} for key, file in self._files.items() if file.replaces}
        self._parents: dict[Key, set[Key]] = {key: set() for key in self._files}
        self._children: dict[Key, set[Key]] = {key: set() for key in self._files}
        self._named: dict[Key, list[tuple[Key, bool]]] = defaultdict(list)
        self.doubts: list[Unknown] = []
        self._connect()

    # --- edges

    def _connect(self) -> None:
        """Within apps first, since that says which migration of an app is its first or latest."""
        for key, file in self._files.items():
            for parent in _known(file.dependencies):
                if parent[0] == key[0] and parent[1] != FIRST:
                    self._add(key, parent, key, before=False)
        ends = {app: (self._ends(self._parents, app), self._ends(self._children, app)) for app in self._apps}
        for key, file in self._files.items():
            for parent in _known(file.dependencies):
                for known in self._resolved(parent, key, ends) if parent[0] != key[0] else ():
                    self._add(key, known, key, before=False)
            for child in _known(file.run_before):
                for known in self._resolved(child, key, ends):
                    self._add(known, key, key, before=True)

    def _add(self, child: Key, parent: Key, named_by: Key, *, before: bool) -> None:
        other = child if before else parent
        if other not in self._files:
            self._named[other].append((named_by, before))
        for key in (child, parent):
            self._parents.setdefault(key, set())
            self._children.setdefault(key, set())
        self._parents[child].add(parent)
        self._children[parent].add(child)

    def _ends(self, others: Mapping[Key, set[Key]], app: str) -> list[Key]:
        """The migrations of an app that have no others of it on one side."""
        return sorted(key for key in self._parents if key[0] == app and all(other[0] != app for other in others[key]))

    def _resolved(self, key: Key, named_by: Key, ends: Mapping[str, tuple[list[Key], list[Key]]]) -> list[Key]:
        """The migration that a dependency means, which may be an app's first or latest; none where there is nothing to wait for."""
        app, name = key
        if name not in (FIRST, LATEST) or key in self._parents:
            return [key]
        if app == named_by[0] or app in self._unmigrated:
            return []
        if app in ends:
            return ends[app][name == LATEST][:1]
        if name == LATEST or all(app != other for other, _ in self._recorded):
            self.doubts.append(Unknown(named_by, app=app))
        return []

    # --- squashed migrations

    def carry_out_replacements(self) -> None:
        """Put each squashed migration in the place of what it replaces, or take it out where only some of that is applied."""
        inner = {key: replaced & self._replaced.keys() for key, replaced in self._replaced.items()}
        for key in TopologicalSorter(inner).static_order():
            replaced = self._replaced[key]
            origins = self._origins(key)
            if origins & self._recorded in (set(), origins):
                self._stand_for(key, replaced)
            else:
                self._stand_back(key, replaced)

    def _origins(self, key: Key) -> set[Key]:
        """What a squashed migration was made of in the end, since it may replace squashed ones."""
        origins, waiting, seen = set[Key](), [key], {key}
        while waiting:
            for part in self._replaced[waiting.pop()] - seen:
                seen.add(part)
                (waiting.append if part in self._replaced else origins.add)(part)
        return origins or {key}

    def _stand_for(self, key: Key, replaced: set[Key]) -> None:
        for old in sorted(replaced & self._parents.keys()):
            children, parents = self._taken_out(old)
            for child in children - replaced:
                self._join(child, key)
            for parent in parents - replaced:
                self._join(key, parent)

    def _stand_back(self, key: Key, replaced: set[Key]) -> None:
        children, _ = self._taken_out(key)
        there = replaced & self._parents.keys()
        last = there - {parent for old in there for parent in self._parents[old]}
        for child in children:
            for old in last:
                self._join(child, old)

    def _taken_out(self, key: Key) -> tuple[set[Key], set[Key]]:
        """The children and parents that a migration had."""
        children, parents = self._children.pop(key) - {key}, self._parents.pop(key) - {key}
        for child in children:
            self._parents[child].discard(key)
        for parent in parents:
            self._children[parent].discard(key)
        return children, parents

    def _join(self, child: Key, parent: Key) -> None:
        self._parents[child].add(parent)
        self._children[parent].add(child)

    # --- what is wrong

    def missing(self) -> Iterator[Missing]:
        """What is named and does not exist, in apps whose files are known."""
        for key in sorted(self._parents.keys() - self._files.keys()):
            if key[0] in self._apps:
                squashed = [other for other, replaced in self._replaced.items() if key in replaced]
                tried = () if any(other in self._parents for other in squashed) else tuple(squashed)
                yield from (Missing(named_by, key, before, tried) for named_by, before in sorted(self._named[key]))

    def circles(self) -> Iterator[Circle]:
        """The first circle that is found."""
        done: set[Key] = set()
        for start in sorted(self._parents):
            path, waiting = dict[Key, None](), [(start, False)]
            while waiting:
                key, left = waiting.pop()
                if left:
                    del path[key]
                elif key in path:
                    keys = [*path]
                    yield Circle(tuple(reversed(keys[keys.index(key) :])))
                    return
                elif key not in done:
                    done.add(key)
                    path[key] = None
                    waiting += [(key, True), *((parent, False) for parent in sorted(self._parents[key]))]

    def unordered(self) -> Iterator[Unordered]:
        """What is on record before something that it depends on."""
        for key in sorted(self._parents.keys() & self._recorded):
            for parent in sorted(self._parents[key] - self._recorded):
                if not (parent in self._replaced and self._origins(parent) <= self._recorded):
                    yield Unordered(key, parent)

    def leaves(self, besides: Collection[str]) -> Iterator[Leaves]:
        """Apps with several last migrations, but for some apps."""
        for app in sorted(self._apps - {*besides}):
            ends = self._ends(self._children, app)
            if len(ends) > 1:
                yield Leaves(app, tuple(name for _, name in ends))
