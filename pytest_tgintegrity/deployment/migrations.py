"""Django's migrations: what is pending, and what the gate is told of them. Pure.

A migration is pending if ``migrate`` would apply it; that is found out in the way of Django's loader.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from pytest_tgintegrity.deployment.gate import NOT_DETERMINED, Finding
from pytest_tgintegrity.deployment.migration_files import (
    Key,
    Migration,
    ProjectFacts,
    parse_label,
    parse_migration,
)
from pytest_tgintegrity.deployment.migration_graph import Circle, Fault, Leaves, Missing, Unknown, Unordered, faults
from pytest_tgintegrity.deployment.source_values import Swappable

__all__ = ["Key", "Migration", "circle", "migrations_finding", "parse_label", "parse_migration", "pending"]

NAMED = 3
MERGE = "join them with makemigrations --merge"
RECORD = "restore the row of the missing one in django_migrations if its changes are in the database, else undo what was applied too early"
PENDING = "pending: apply, or pre-flight first (not in this version)"
WAITING = "pending, and Django applies nothing until that is mended"


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


def migrations_finding(
    files: Sequence[Migration],
    recorded: Sequence[Key],
    project: ProjectFacts = ProjectFacts(),  # noqa: B008 - it is frozen
) -> Finding:
    """Whether a database has exactly the migrations that the files declare; `recorded` is in the order of its records."""
    if mutual := circle(files):
        reason = f"{_listed(_dotted(mutual))} replace each other: Django refuses them, and so do we"
        return Finding(met=False, measured="nobody can tell what is pending", reason=reason)
    applied = _is_applied_by_key(files, recorded)
    waiting = [key for key, done in applied.items() if not done]
    apps = {migration.app for migration in files}
    known = {migration.key for migration in files} | {key for migration in files for key in migration.replaces}
    ahead = [key for key in {key[0]: key for key in recorded}.values() if key[0] in apps and key not in known]
    found = faults(files, recorded, project.unmigrated)
    reasons = [*_refusals(found, apps)]
    if waiting:
        reasons.append(f"{_named(waiting)} {WAITING if reasons else PENDING}")
    if ahead:
        reasons.append(f"{_named(ahead)} on record and in no file: the code is older than the database")
    doubts = [*_doubts(found), *_gone(project.without, recorded)]
    measured = f"{len(applied) - len(waiting)} of {len(applied)} recorded as applied, in {_apps(apps)}"
    if doubts and not reasons:
        return Finding(None, NOT_DETERMINED, "; ".join(doubts))
    besides = _besides(files, recorded, known, project.unknown)
    return Finding(not reasons, measured + besides, "; ".join([*reasons, *doubts]) or None)


def _refusals(found: Iterable[Fault], apps: Collection[str]) -> Iterator[str]:
    """Why Django would refuse, in a sentence for each kind of fault, with the cure."""
    faults = [*found]
    yield from _missing([fault for fault in faults if isinstance(fault, Missing)])
    for fault in faults:
        if isinstance(fault, Circle):
            waiting = "each wait for another" if len(fault.keys) > 1 else "waits for itself"
            names = _listed(_dotted(fault.keys))
            yield f"circular dependency, which Django refuses: {names} {waiting}: take one dependency out"
    if unordered := [fault for fault in faults if isinstance(fault, Unordered)]:
        pairs = [
            f"{'.'.join(fault.applied)} is applied before its dependency {'.'.join(fault.dependency)}"
            for fault in unordered
        ]
        foreign = sorted({fault.dependency[0] for fault in unordered} - {*apps})
        beside = f" (no file of {_listed(foreign)} is known)" if foreign else ""
        yield f"inconsistent migration history, which Django refuses: {_listed(pairs)}{beside}: {RECORD}"
    if conflicts := [fault for fault in faults if isinstance(fault, Leaves)]:
        names = _listed([f"{', '.join(fault.names)} in {fault.app}" for fault in conflicts], "; ")
        yield f"conflicting migrations, which Django refuses: multiple leaf nodes in the migration graph ({names}): {MERGE}"


def _missing(missing: Sequence[Missing]) -> Iterator[str]:
    """What is named and does not exist."""
    parents = [fault for fault in missing if not (fault.before or fault.tried)]
    if parents:
        pairs = [f"{'.'.join(fault.named_by)} depends on {'.'.join(fault.missing)}" for fault in parents]
        yield f"nonexistent parent node, which Django refuses: {_listed(pairs)}, of which there is no file: restore it, or correct `dependencies`"
    if children := [fault for fault in missing if fault.before and not fault.tried]:
        pairs = [f"{'.'.join(fault.named_by)} is to run before {'.'.join(fault.missing)}" for fault in children]
        yield f"nonexistent child node, which Django refuses: {_listed(pairs)}, of which there is no file: restore it, or correct `run_before`"
    for fault in [fault for fault in missing if fault.tried][:1]:
        squashed = _listed(_dotted(fault.tried))
        yield (
            f"nonexistent node, which Django refuses: {'.'.join(fault.named_by)} names {'.'.join(fault.missing)}, whose file is gone,"
            f" and {squashed} cannot stand for it, because only some of what it replaces is applied: restore the files,"
            " migrate, then remove them"
        )


def _doubts(found: Iterable[Fault]) -> Iterator[str]:
    """What nobody can tell of the graph."""
    unknown = [fault for fault in found if isinstance(fault, Unknown)]
    if computed := [fault for fault in unknown if fault.field]:
        names = _listed([f"{'.'.join(fault.key)}: {fault.field}" for fault in computed])
        yield f"only a run of the file would tell what it depends on, and files are not run ({names}): write it as a plain list, or leave the app out if it is not yours"
    for app in sorted({fault.app for fault in unknown if fault.app}):
        waiting = _listed([".".join(fault.key) for fault in unknown if fault.app == app])
        yield f"{waiting} depends on the app {app}, of which there is neither a file nor a record to tell: give --migrations {app}=PATH too, or MIGRATION_MODULES = {{'{app}': None}} in the settings if it has no migrations"


def _gone(without: Mapping[str, Path], recorded: Iterable[Key]) -> Iterator[str]:
    """Apps of the project that have migrations on record, and no file of one."""
    for app in sorted(without.keys() & {app for app, _ in recorded}):
        yield (
            f"{app} has migrations on record and none in {without[app]}: where they are kept out of the repository,"
            f" point at those of the machine or container that migrates: --migrations {app}=PATH"
        )


def _besides(
    files: Iterable[Migration], recorded: Iterable[Key], known: Collection[Key], unknown: Collection[str]
) -> str:
    """What else is on record, or was not looked at: migrations without a file, other apps, settings."""
    apps = {migration.app for migration in files}
    gone = {key for key in recorded if key[0] in apps and key not in known}
    others = sorted({app for app, _ in recorded} - apps)
    edges = [edge for file in files for edge in (*file.dependencies, *file.run_before)]
    named = {edge.setting for edge in edges if isinstance(edge, Swappable)}
    remarks = [f"{len(gone)} on record without a file"] if gone else []
    if others:
        remarks.append(f"not looked at: {', '.join(others)}")
    if named | {*unknown}:
        remarks.append(f"not known: what the settings say in {', '.join(sorted(named | {*unknown}))}")
    return "".join(f"; {remark}" for remark in remarks)


def _apps(apps: Collection[str]) -> str:
    return f"{len(apps)} app{'s' if len(apps) != 1 else ''}"


def _named(keys: Sequence[Key]) -> str:
    verb = "is" if len(keys) == 1 else "are"
    return f"{_listed(_dotted(keys))} {verb}"


def _dotted(keys: Iterable[Key]) -> list[str]:
    return [".".join(key) for key in keys]


def _listed(names: Sequence[str], between: str = ", ") -> str:
    """The first names, and how many more there are."""
    more = len(names) - NAMED
    return between.join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
