"""Django's migrations, as files."""

from __future__ import annotations

from pathlib import Path

MIGRATION = "class Migration:\n    operations = []\n"


def write(project: Path, *names: str, text: str = MIGRATION) -> Path:
    """Write files; in a package, where they are migrations."""
    for name in names:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text, encoding="utf-8")
    return project
