"""Django's own verdict on a graph of migrations: a program that reads a case a line, and answers a line. It needs Django.

A case has `files` (app, name, replaces, dependencies, run_before), `recorded` and `unmigrated`. Nothing is looked at but what
Django's loader makes of it, before any migration is applied.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django
from django.conf import settings
from django.core.management import CommandError

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}, INSTALLED_APPS=[], USE_TZ=True
)
django.setup()

from django.db import connection  # noqa: E402 - Django wants its settings first
from django.db.migrations import Migration  # noqa: E402 - likewise
from django.db.migrations.exceptions import (  # noqa: E402 - likewise
    CircularDependencyError,
    InconsistentMigrationHistory,
    NodeNotFoundError,
)
from django.db.migrations.loader import MigrationLoader  # noqa: E402 - likewise
from django.db.migrations.recorder import MigrationRecorder  # noqa: E402 - likewise


class Loader(MigrationLoader):  # type: ignore[misc,unused-ignore] # Django has no types
    """Django's loader, with files that lie in no folder."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case
        super().__init__(connection)

    def load_disk(self) -> None:
        """Instead of importing modules."""
        self.unmigrated_apps = set(self.case["unmigrated"])
        self.migrated_apps = {file["app"] for file in self.case["files"]}
        self.disk_migrations = {(file["app"], file["name"]): migration_of(file) for file in self.case["files"]}


def migration_of(file: dict[str, Any]) -> Any:
    """A migration as its file would make it."""
    fields = {name: [tuple(key) for key in file[name]] for name in ("replaces", "dependencies", "run_before")}
    return type("Migration", (Migration,), fields)(file["name"], file["app"])


def verdict(case: dict[str, Any]) -> dict[str, Any]:
    """What `migrate` would say, in the order in which it looks, and what it would apply."""
    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()
    recorder.migration_qs.all().delete()
    for app, name in case["recorded"]:
        recorder.record_applied(app, name)
    try:
        loader = Loader(case)
        loader.check_consistent_history(connection)
    except (
        NodeNotFoundError,
        CircularDependencyError,
        InconsistentMigrationHistory,
        ValueError,
        CommandError,
    ) as error:
        node = list(getattr(error, "node", None) or ())
        return {"refused": type(error).__name__, "text": str(error), "node": node}
    if conflicts := loader.detect_conflicts():
        return {"refused": "conflict", "apps": conflicts}
    plan = {key for leaf in loader.graph.leaf_nodes() for key in loader.graph.forwards_plan(leaf)}
    return {"refused": None, "pending": sorted(plan - loader.applied_migrations.keys())}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(verdict(json.loads(line))), flush=True)  # noqa: T201 - it answers whoever started it
