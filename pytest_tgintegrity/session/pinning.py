"""``--pin-schema``: a command of its own, which writes the lock file of a schema and runs no test."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from pytest_tgintegrity.database.catalog import read_objects
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.planning.expected.comparing import Comparison, compared
from pytest_tgintegrity.planning.expected.lock_file import LOCK_FILE, OURS, lock_text, pinned_objects
from pytest_tgintegrity.reports.files import write
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.reports.terminal.summary import header
from pytest_tgintegrity.rules.files import texts
from pytest_tgintegrity.rules.kinds import CatalogObject
from pytest_tgintegrity.rules.kinds.catalog import several, words_of
from pytest_tgintegrity.text import grouped, plural, printable

SHOWN = 20
NOT_IN_FORCE = re.compile(r"(?:NOT VALID\)?|NOT ENFORCED|INVALID|\bdisabled(?: on [^']+)?)\Z")
"""How the definition of what is not in force ends."""
_WHERE = f"--pin-schema does not know where: write --pin-schema=FOLDER/{LOCK_FILE}"


def lock_file(named: str, places: Sequence[Path], folder: Path) -> Path:
    """The file to write: the one that was named, counted from `folder`, else the one beside the rules at `places`. Raises `UsageError`."""
    if named:
        return _checked(folder / named)
    paths = [Path(str(place).partition("::")[0]).absolute() for place in places]
    if not all(path.exists() for path in paths):  # such as the name of a package
        raise UsageError(_WHERE)
    folders = list(dict.fromkeys(path if path.is_dir() else path.parent for path in paths))
    known = [place / LOCK_FILE for place in folders if (place / LOCK_FILE).exists()]
    if len(known or folders) != 1 or not folders[0].is_dir():
        raise UsageError(_WHERE)
    return _checked((known or [folders[0] / LOCK_FILE])[0])


def _checked(path: Path) -> Path:
    if path.name != LOCK_FILE or not path.parent.is_dir():
        raise UsageError(
            f"--pin-schema={path.name}: pytest collects files called {LOCK_FILE}; name one, in a folder that is there"
        )
    return path


def pin_schema(run: Run, path: Path, root: Path, say: Callable[[str], None]) -> int:
    """Write the lock file and say what is different from the last one. Raises `TgIntegrityError`."""
    try:
        name = str(path.relative_to(root) if path.is_relative_to(root) else path)
        former, doubt = _former(path, root)
        run.wait()
        with run.reader() as reader:
            objects = read_objects(reader)
        _write(path, name, objects)
        if run.database is not None:
            say(header(run.database, run.snapshot))
        if doubt is not None:
            say(str(Line("replaced", printable(f"what was there could not be compared: {doubt}"))))
        for line in _lines(name, objects, former):
            say(str(line))
        return 0
    finally:
        run.close()


def _former(path: Path, root: Path) -> tuple[tuple[CatalogObject, ...] | None, str | None]:
    """What is pinned so far, None if nothing is, and why that cannot be read. Raises `UsageError` for a file of somebody else's."""
    if not path.exists():
        return None, None
    ((name, text),) = texts([path], root)
    if text.strip() and not OURS.search(text):
        raise UsageError(f"{name} is no lock file of ours: move it, or name another folder with --pin-schema=FILE")
    try:
        return pinned_objects(text, name), None
    except UsageError as error:
        return None, str(error).partition(": write it anew")[0].partition(": write the file anew")[0]


def _write(path: Path, name: str, objects: Iterable[CatalogObject]) -> None:
    try:
        write(path, lock_text(objects))
    except OSError as error:
        raise UsageError(f"{name} cannot be written ({error.strerror}): name another with --pin-schema=FILE") from None


def _lines(name: str, objects: Sequence[CatalogObject], former: Sequence[CatalogObject] | None) -> Iterator[Line]:
    counts = Counter(one.kind for one in objects)
    kinds = ", ".join(plural(count, words_of(kind), several(kind)) for kind, count in counts.most_common())
    yield Line("pinned", printable(f"{plural(len(objects), 'object')} in {name}: {kinds or 'an empty schema'}"))
    if former is not None:
        yield from _differences(compared(former, objects))
    idle = [one for one in objects if NOT_IN_FORCE.search(one.definition)]
    if idle:
        more = f" and {len(idle) - 1} more" if len(idle) > 1 else ""
        words = f"{idle[0].label} is {idle[0].definition}{more}: pinned as it is, though it is not in force"
        yield Line("warning", printable(words), {"yellow": True})


def _differences(comparison: Comparison) -> Iterator[Line]:
    differences = [*comparison.lost, *comparison.new]
    if not differences:
        yield Line("unchanged", "the file says what it said before")
    for one in differences[:SHOWN]:
        yield Line(one.problem, printable(f"{words_of(one.object.kind)} {one.object.label}"))
    if len(differences) > SHOWN:
        yield Line("", f"… and {grouped(len(differences) - SHOWN)} more: read the difference of the file")
