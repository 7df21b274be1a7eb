"""Progress on a terminal while scans take long."""

from __future__ import annotations

import contextlib
from typing import Any

from pytest_tgintegrity.commandline.parsing import is_worker


def show_progress(config: Any, done: int, of: int, waited: float) -> None:
    """Show how far the scans are; the last call, with no time waited, wipes the line."""
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    if is_worker(config) or reporter is None or not reporter.isatty or reporter.verbosity < 0:
        return
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
        reporter.ensure_newline()
        text = f"integrity: scanning, {done} of {of} scans done, {waited:.0f} s" if waited else ""
        reporter.rewrite(text, erase=True)
        reporter.flush()
        reporter.currentfspath = None
