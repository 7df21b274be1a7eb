"""Django's migrations, as files."""

from __future__ import annotations

from pathlib import Path

MIGRATION = "class Migration:\n    operations = []\n"


def migration(*dependencies: tuple[str, str]) -> str:
    """The text of a migration."""
    return f"{MIGRATION}    dependencies = {[*dependencies]!r}\n"


def write(project: Path, *names: str, text: str | None = None) -> Path:
    """Write files; in a package, where they are migrations, each of which depends on the one before unless `text` says more."""
    for name in names:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        before = [file.stem for file in sorted(path.parent.glob("[!_~]*.py")) if file.stem < path.stem]
        chained = migration(*((path.parent.parent.name, stem) for stem in before[-1:]))
        path.write_text(chained if text is None else text, encoding="utf-8")
    return project
