"""Files made of the JSON report: each is replaced as a whole, and none of yesterday is left to be taken for today's."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_tgintegrity.reports.lines import Line

WORDS = {"html_report": "page", "metrics": "metrics"}
READABLE = 0o644


def publish(document: Mapping[str, Any], files: Mapping[str, Path]) -> list[Line]:
    """Write the files, by form, and say where they are, or why one could not be written: that is never fatal."""
    return [put(WORDS[form], path, _rendered(form, document, path)) for form, path in files.items()]


def put(word: str, path: Path, text: str) -> Line:
    """Write a file, and say where it is, or why it could not be written: that is never fatal."""
    try:
        replace(path, text)
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return Line(word, f"not written: {path}: {error.strerror or error}", {"red": True})
    return Line(word, str(path))


def _rendered(form: str, document: Mapping[str, Any], path: Path) -> str:
    from pytest_tgintegrity.reports import html, openmetrics  # noqa: PLC0415 - most runs write neither

    return html.render(document) if form == "html_report" else openmetrics.render(document, _before(path))


def _before(path: Path) -> str:
    """What a file of metrics held so far."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def replace(path: Path, text: str) -> None:
    """Put a text in the place of a file, in one step: whoever reads it sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(READABLE)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
