"""Files made of the JSON report: each is replaced as a whole, so that no old file can be taken for a new one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_tgintegrity.commandline.table import REPORTS
from pytest_tgintegrity.reports import files as report_files
from pytest_tgintegrity.reports.lines import Line

SHOWING = ("html_report",)
"""Forms in which rows are shown."""


def publish(document: Mapping[str, Any], files: Mapping[str, Path], name: str = "") -> list[Line]:
    """Write the files, by form, and say where they are, or why one could not be written: that is never fatal.

    `name` is that of a database that could not be asked for it.
    """
    private = shows_rows(document)
    return [
        put(REPORTS[form], path, _rendered(form, document, path, name), private=private and form in SHOWING)
        for form, path in files.items()
    ]


def put(word: str, path: Path, text: str, *, private: bool) -> Line:
    """Write a file, and say where it is, or why it could not be written: that is never fatal."""
    try:
        report_files.write(path, text, private=private)
    except OSError as error:
        report_files.remove(path)
        return Line(word, f"not written: {path}: {error.strerror or error}", {"red": True})
    return Line(word, str(path))


def shows_rows(document: Mapping[str, Any]) -> bool:
    """Whether a document shows rows: samples, or what a fix would write."""
    return any(rule.get("samples") for rule in document["rules"]) or bool(document.get("fix"))


def save_whole(config: Any) -> None:
    """Have pytest-json-report write its file as ours are written: as a whole, and onto no device."""
    writer = getattr(config, "_json_report", None)
    if writer is not None:
        indent = config.option.json_report_indent
        writer.save_report = lambda path: save_json(writer.report, Path(path), indent)


def save_json(report: Mapping[str, Any], path: Path, indent: int | None) -> None:
    """Write pytest-json-report's document like the other files. Raises `OSError`."""
    private = shows_rows(report.get("integrity") or {"rules": ()})
    report_files.write(path, json.dumps(report, default=str, indent=indent), private=private)


def _rendered(form: str, document: Mapping[str, Any], path: Path, name: str) -> str:
    from pytest_tgintegrity.reports import openmetrics  # noqa: PLC0415 - most runs write neither
    from pytest_tgintegrity.reports.html import page as html  # noqa: PLC0415 - most runs write neither

    return html.render(document) if form == "html_report" else openmetrics.render(document, _before(path), name)


def _before(path: Path) -> str:
    """What a file of metrics held so far; a pipe is not read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace") if report_files.is_replaceable(path) else ""
    except OSError:
        return ""
