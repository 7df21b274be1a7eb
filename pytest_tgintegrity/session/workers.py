"""One run for all of pytest-xdist's workers: the controller holds the snapshot, and invites the workers that have rules to judge.

A worker asks over a line (a socket in a private folder), and keeps the line open. When it breaks, the controller was
interrupted or is gone: then the worker cancels what the server is doing for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

import pytest

from pytest_tgintegrity.commandline.parsing import is_worker
from pytest_tgintegrity.database.connections.redaction import Secrets
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.database.settings import Invitation, Settings
from pytest_tgintegrity.errors import ConnectionFailed, TgIntegrityError
from pytest_tgintegrity.servers.leftovers import hold, sweep

FAMILY = "AF_UNIX"
SOCKET = "line"
PREFIX = "tgintegrity-"
FOLDERS = re.compile(PREFIX + r"\w{8}")


RECORD = "tgintegrity"
"""The key of our part in messages between controller and workers, and in reports of tests."""


class Processes:
    """The processes of a run: this one, which owns it or is a worker of xdist, and what it shares with the others.

    A distributed run has a folder for results and for messages of workers: files outlive the worker that wrote them.
    """

    def __init__(self, config: pytest.Config) -> None:
        message = getattr(config, "workerinput", {}).get(RECORD)
        self.is_worker = is_worker(config)
        self.folder: Path | None = Path(message["folder"]) if message else None
        self.secrets = Secrets(message["secrets"], message["public"]) if message else Secrets()
        self._config = config
        self._host: Host | None = None

    def host(self, run: Run) -> None:
        """Invite workers to a run."""
        self.folder = shared_folder()
        self._host = Host(run, self.folder)

    @property
    def hosting(self) -> bool:
        """Whether workers are invited."""
        return self._host is not None

    def instruct(self, node: Any, hidden: Secrets) -> None:
        """Tell a worker where to ask for the run, and what it must not show."""
        message = {"folder": str(self.folder), "secrets": list(hidden.words), "public": list(hidden.public)}
        node.workerinput[RECORD] = message if self.folder else None

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send the controller what only a worker knows of the selection."""
        if self.folder is None:
            self._config.workeroutput[RECORD] = message  # type: ignore[attr-defined] # xdist takes it from its workers
        else:
            part = self.folder / f"selection.{os.getpid()}"
            part.write_text(json.dumps(message), encoding="utf-8")
            part.replace(part.with_suffix(".told"))

    def heard(self) -> Iterator[Any]:
        """The messages that workers have sent since the last call."""
        for path in self.folder.glob("*.told") if self.folder else ():
            yield json.loads(path.read_text(encoding="utf-8"))
            path.unlink()

    def dismiss(self) -> None:
        """Let the workers go."""
        if self._host is not None:
            self._host.close()
            self._host = None

    def close(self) -> None:
        """Remove what was shared."""
        if self.folder is not None and not self.is_worker:
            shutil.rmtree(self.folder, ignore_errors=True)


def shared_folder() -> Path:
    """A private folder for the workers of a run; folders that killed runs left behind are removed."""
    sweep([Path(tempfile.gettempdir())], FOLDERS, {os.geteuid()})
    folder = tempfile.mkdtemp(prefix=PREFIX)
    hold(folder)  # until this process ends
    return Path(folder)


class Host:
    """The controller's end of the lines."""

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self._listener = Listener(str(folder / SOCKET), FAMILY)
        self._lines: list[Connection[Any, Any]] = []
        self._closed = False
        threading.Thread(target=self._serve, name="invite", daemon=True).start()

    def _serve(self) -> None:
        while not self._closed:
            with contextlib.suppress(OSError, EOFError):
                self._take(self._listener.accept())

    def _take(self, line: Connection[Any, Any]) -> None:
        if self._closed:  # it was `close` that called, to end the waiting
            line.close()
            return
        self._lines.append(line)
        threading.Thread(target=self._answer, args=[line], name="answer", daemon=True).start()

    def _answer(self, line: Connection[Any, Any]) -> None:
        try:
            message = {"invitation": self._run.invite().to_json()}
        except TgIntegrityError as error:
            message = {"error": {"text": str(error)}}
        with contextlib.suppress(OSError):
            line.send_bytes(json.dumps(message).encode())

    def close(self) -> None:
        """Break the lines, and invite nobody any more."""
        self._closed = True
        with contextlib.suppress(OSError):
            Client(self._listener.address, FAMILY).close()
        self._listener.close()
        for line in self._lines:
            line.close()


def join(settings: Settings, folder: Path) -> Run:
    """Join the controller's run; `folder` is the one that it named to this worker."""

    def ask(run: Run) -> Invitation:
        line = Client(str(folder / SOCKET), FAMILY)
        message = json.loads(line.recv_bytes())
        threading.Thread(target=_watch, args=[line, run.interrupt], name="watch", daemon=True).start()
        if "error" in message:
            raise ConnectionFailed(message["error"]["text"])
        return Invitation.from_json(message["invitation"])

    with contextlib.suppress(OSError):  # the controller is gone, and the folder was swept
        hold(str(folder))
    return Run.join(settings, folder, ask)


def _watch(line: Connection[Any, Any], on_break: Callable[[], None]) -> None:
    with contextlib.suppress(OSError, EOFError):
        line.recv_bytes()
    on_break()
