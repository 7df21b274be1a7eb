"""Compare, in one paired run, ways to ask 32 range rules of `characters_human`, and what a whole pytest process costs.

    python benchmarks/scan.py [--rows 100000] [--rounds 15] [--processes 7]

Inside the server: the planner's scan, one query for each rule, and the best SQL that we could write by hand. Whole
processes: pytest with the 32 rules, pytest with 32 empty tests, the complete rule set on the demo, and as many empty
tests. Every round asks all contestants in random order; the ratios are medians of the ratios within a round.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from integrity_tests.demo import DATASETS
from integrity_tests.demo.volume import generate_characters
from pytest_tgintegrity.database.catalog import read_facts
from pytest_tgintegrity.database.connections.address import parse_address
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.connections.reader import Reader, SnapshotHolder
from pytest_tgintegrity.database.scanning import measure
from pytest_tgintegrity.planning.planner import BoundRule, plan
from pytest_tgintegrity.planning.scans.batches import batches
from pytest_tgintegrity.rules.kinds import Between
from pytest_tgintegrity.rules.rule import Rule
from pytest_tgintegrity.servers.datasets import open_dataset
from pytest_tgintegrity.servers.postgres import PostgresServer

ROOT = Path(__file__).resolve().parent.parent
TABLE = "characters_human"
ATTRIBUTES = "strength dexterity stamina perception intelligence wits charisma manipulation appearance".split()
ABILITIES = (
    "alertness athletics brawl empathy expression intimidation streetwise subterfuge crafts drive etiquette firearms "
    "melee stealth academics computer investigation medicine science"
).split()
RANGES: dict[str, tuple[int, int]] = {
    **dict.fromkeys(ATTRIBUTES, (0, 10)),
    **dict.fromkeys(ABILITIES, (0, 10)),
    "willpower": (1, 10),
    "temporary_willpower": (0, 10),
    "age": (0, 5000),
    "apparent_age": (0, 200),
}
TENS = ", ".join([*ATTRIBUTES, *ABILITIES, "temporary_willpower"])
BY_HAND = f"""
SELECT count(*), count(*) FILTER (WHERE least({TENS}) < 0 OR greatest({TENS}) > 10
    OR willpower < 1 OR willpower > 10 OR age < 0 OR age > 5000 OR apparent_age < 0 OR apparent_age > 200)
FROM {TABLE}
"""
RULES_FILE = '''
import pytest
from pytest_tgintegrity import rule

@pytest.mark.parametrize(("column", "low", "high"), {ranges!r})
@rule.between("characters_human", "{{column}}", "%(low)s", "%(high)s", severity="high")
def test_range(violations, column, low, high):
    """A trait lies in its range."""
    assert not violations
'''
PYTEST = """
import sys, pytest
status = pytest.main(sys.argv[1:])
with open("/proc/self/status") as told:
    print(next(line.split()[1] for line in told if line.startswith("VmHWM:")), file=sys.stderr)
sys.exit(status)
"""
EMPTY_FILE = '''
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_nothing(number):
    """Nothing."""
'''


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, and peak resident memory in MB of a whole process (0 inside the server)."""

    seconds: float
    megabytes: float = 0.0


Contestants = Mapping[str, Callable[[], Cost]]


def paired(contestants: Contestants, rounds: int, seed: int = 1) -> dict[str, list[Cost]]:
    """Ask all contestants once in each round, in random order; the first round only warms up."""
    order, costs = random.Random(seed), {name: list[Cost]() for name in contestants}
    for number in range(rounds + 1):
        names = list(contestants)
        order.shuffle(names)
        for name in names:
            cost = contestants[name]()
            if number:
                costs[name].append(cost)
    return costs


def table(title: str, costs: Mapping[str, Sequence[Cost]]) -> str:
    """Medians, and the median ratio to the first contestant."""
    first = next(iter(costs.values()))
    lines = [f"| {title} | median | ratio | peak memory |", "| --- | ---: | ---: | ---: |"]
    for name, own in costs.items():
        ratio = statistics.median(one.seconds / base.seconds for one, base in zip(own, first, strict=True))
        memory = statistics.median(one.megabytes for one in own)
        seconds = statistics.median(one.seconds for one in own)
        shown = f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
        lines.append(f"| {name} | {shown} | {ratio:.2f} | {f'{memory:.0f} MB' if memory else '–'} |")
    return "\n".join(lines)


def timed(work: Callable[[], object]) -> Callable[[], Cost]:
    """Turn work into a contestant."""

    def run() -> Cost:
        began = time.perf_counter()
        work()
        return Cost(time.perf_counter() - began)

    return run


def scan_contestants(reader: Reader) -> Contestants:
    """Three ways to ask the same 32 questions on one connection and one snapshot."""
    rules = [BoundRule(name, Rule(Between(TABLE, name, *bounds)), "") for name, bounds in RANGES.items()]
    scans = plan(rules, read_facts(reader)).scans
    connection = reader.connection

    def planned() -> None:
        results = [one for batch in batches(scans) for one in measure(reader, batch, 5)]
        found = {rule: one.violations for result in results for rule, one in result.measurements.items()}
        if sum(found.values()) or len(found) != len(RANGES):
            raise SystemExit(f"the generated characters are not clean: {found}")

    def singly() -> None:
        for name, (low, high) in RANGES.items():
            query = f"SELECT count(*) FROM {TABLE} WHERE {name} < {low} OR {name} > {high}"
            connection.execute(query.encode()).fetchone()

    def by_hand() -> None:
        connection.execute(BY_HAND.encode()).fetchone()

    return {
        "best SQL by hand": timed(by_hand),
        "the planner's scan": timed(planned),
        "one query per rule": timed(singly),
    }


def process(arguments: Sequence[str], folder: Path) -> Callable[[], Cost]:
    """A whole pytest process as a contestant; it has to succeed."""
    command = [sys.executable, "-c", PYTEST, "-q", "-p", "no:cacheprovider", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run() -> Cost:
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, env=environment)
        seconds = time.perf_counter() - began
        if done.returncode:
            raise SystemExit(f"pytest {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return Cost(seconds, float(done.stderr.split()[-1]) / 1024)

    return run


def process_contestants(server: PostgresServer, folder: Path) -> list[tuple[str, Contestants]]:
    """Pytest with rules beside pytest with as many empty tests."""
    ranges = [(name, *bounds) for name, bounds in RANGES.items()]
    (folder / "test_ranges.py").write_text(RULES_FILE.format(ranges=ranges))
    url = f"--db-url={server.url(user='tg_reader')}"
    suite = str(ROOT / "integrity_tests")
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", suite, url, "--collect-only", "-q"], capture_output=True, text=True, check=True
    )
    count = sum("::" in line for line in listed.stdout.splitlines())
    (folder / "test_empty.py").write_text(EMPTY_FILE.format(count=len(RANGES)))
    (folder / "test_many.py").write_text(EMPTY_FILE.format(count=count))
    few = {
        f"{len(RANGES)} empty tests": process(["test_empty.py"], folder),
        f"{len(RANGES)} range rules": process(["test_ranges.py", url], folder),
    }
    many = {
        f"{count} empty tests": process(["test_many.py"], folder),
        f"all {count} rules of TG": process([suite, url], folder),
    }
    return [("whole process", few), ("whole process, all rules", many)]


def main() -> None:
    """Run the comparison and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--processes", type=int, default=7)
    chosen = parser.parse_args()
    with open_dataset("demo", DATASETS["demo"]) as server:
        with psycopg.connect(server.conninfo()) as connection:
            generate_characters(connection, chosen.rows, 1)
            connection.commit()
            connection.autocommit = True
            connection.execute("VACUUM ANALYZE")
        print(f"{chosen.rows} generated characters, PostgreSQL {server.binaries.version}, {os.cpu_count()} cores\n")
        holder = SnapshotHolder(parse_address(server.conninfo(user="tg_reader")))
        with Reader(holder.address, holder.snapshot, Limits()) as reader:
            print(table("inside the server, 32 range rules", paired(scan_contestants(reader), chosen.rounds)))
        holder.close()
        with tempfile.TemporaryDirectory() as folder:
            for title, contestants in process_contestants(server, Path(folder)):
                print(f"\n{table(title, paired(contestants, chosen.processes))}")


if __name__ == "__main__":
    main()
