"""Show that no rule of the suite has a cliff: time per row of every scan, over growing numbers of characters.

    python benchmarks/cliff.py [--sizes 10000 100000] [--jobs 2] [--slowest 10]

For each size a fresh demo gets that many characters more; all rules are asked as a run asks them. Printed are the wall
time of all scans, the rules that could not be answered, and the scans that grew faster than their rows.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from integrity_tests.demo import DATASETS
from integrity_tests.demo.volume import generate_characters
from pytest_tgintegrity.servers.datasets import open_dataset

ROOT = Path(__file__).resolve().parent.parent
WRITER = """
import json
def pytest_sessionfinish(session):
    from pytest_tgintegrity.session.session import session_of
    run = session_of(session.config).run
    found = [(one.source, one.seconds, sorted(one.measurements), [m.error for m in one.measurements.values() if m.error])
             for one in run.scanned()]
    open({path!r}, "w").write(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What a run over one size said: wall seconds, seconds of each scan, reasons of what is unknown."""

    wall: float
    last: str
    scans: dict[str, float]
    unknown: list[str]


@contextlib.contextmanager
def grown(size: int) -> Iterator[str]:
    """The URL of a demo with that many characters more."""
    with open_dataset("demo", DATASETS["demo"]) as server:
        with psycopg.connect(server.conninfo()) as connection:
            generate_characters(connection, size)
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        yield server.url()


def look(url: str, jobs: int) -> Found:
    """Run all rules on a database."""
    import json  # noqa: PLC0415 - here alone

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scans.json"
        (Path(folder) / "cliff_writer.py").write_text(WRITER.format(path=str(path)), encoding="utf-8")
        words = ["-m", "pytest", str(ROOT / "integrity_tests"), f"--db-url={url}", f"--db-jobs={jobs}", "-q", "--tb=no"]
        words += ["-p", "no:cacheprovider", "-p", "cliff_writer", "--rootdir", str(ROOT)]
        began = time.perf_counter()
        ran = subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env={"PYTHONPATH": f"{ROOT}:{folder}", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        wall = time.perf_counter() - began
        rows: list[Any] = json.loads(path.read_text(encoding="utf-8"))
    scans: dict[str, float] = {}
    for source, seconds, rules, _ in rows:
        name = f"{source[:60]}: {re.sub('^.*::', '', rules[0])}" + (f" and {len(rules) - 1} more" if rules[1:] else "")
        scans[name] = seconds
    unknown = [error for *_, errors in rows for error in errors]
    return Found(wall, ran.stdout.strip().splitlines()[-1], scans, unknown)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--slowest", type=int, default=10)
    options = parser.parse_args()
    found: dict[int, Found] = {}
    for size in options.sizes:
        with grown(size) as url:
            found[size] = look(url, options.jobs)
        one = found[size]
        print(f"{size:>9,} characters: {one.wall:.1f} s in all, scans {sum(one.scans.values()):.1f} s; {one.last}")
        for reason in sorted(set(one.unknown)):
            print(f"{'':>12}unknown: {reason}")
    small, large = found[options.sizes[0]], found[options.sizes[-1]]
    growth = options.sizes[-1] / options.sizes[0]
    print(f"\nslowest at {options.sizes[-1]:,}, with the growth of the time per character since {options.sizes[0]:,}:")
    for name, seconds in sorted(large.scans.items(), key=lambda pair: -pair[1])[: options.slowest]:
        before = small.scans.get(name)
        print(f"  {seconds:8.2f} s  {f'x {seconds / before / growth:.2f}' if before else '     –'}  {name}")


if __name__ == "__main__":
    main()
