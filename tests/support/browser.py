"""Chromium without a window, driven through a pipe by the DevTools protocol: any width, light or dark, keys, and what a
screen reader is told."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
)
KEYS = {"Tab": ("Tab", 9, ""), "Enter": ("Enter", 13, "\r"), " ": ("Space", 32, " ")}


class Browser:
    """One tab."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        self._commands, self._answers = commands, answers
        self._numbers = itertools.count(1)
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def call(self, method: str, /, **params: Any) -> Any:
        """What Chromium answers to a command."""
        number = next(self._numbers)
        told = {"id": number, "method": method, "params": params}
        self._commands.write(
            json.dumps(told | ({"sessionId": self._session} if self._session else {})).encode() + b"\0"
        )
        self._commands.flush()
        answer = self._next(lambda one: one.get("id") == number)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def _next(self, wanted: Any) -> Mapping[str, Any]:
        while True:
            found: dict[str, Any] = json.loads(self._message())
            if wanted(found):
                return found

    def _message(self) -> bytes:
        read = bytearray()
        while (one := self._answers.read(1)) != b"\0":
            if not one:
                raise AssertionError("Chromium is gone")
            read += one
        return bytes(read)

    def show(self, path: Path, *, width: int = 1280, dark: bool = False) -> None:
        """Open a page, as wide and as bright as wanted."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=path.as_uri())
        self._next(lambda one: one.get("method") == "Page.loadEventFired")

    def look(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key of `KEYS`."""
        code, number, text = KEYS[key]
        told = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **told)
        self.call("Input.dispatchKeyEvent", type="keyUp", **told)


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """A browser that lives as long as the block."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    begin = f'exec "$@" 3</dev/fd/{theirs_in} 4>/dev/fd/{theirs_out}'
    command = ["sh", "-c", begin, "sh", str(CHROMIUM), *QUIET, f"--user-data-dir={profile}", "--remote-debugging-pipe"]
    process = subprocess.Popen(command, pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL)
    os.close(theirs_in)
    os.close(theirs_out)
    with os.fdopen(ours_out, "wb") as commands, os.fdopen(ours_in, "rb") as answers:
        try:
            yield Browser(commands, answers)
        finally:
            process.terminate()
            process.wait(timeout=30)
