"""Tell how often probes are called degraded although nothing has changed, and from which slow-down they are noticed.

    python benchmarks/probes.py [--repeats 50] [--db-url URL]

All probes of TG, those that write too, are timed again and again on one server, each time on new connections. Then every
timing is taken for the baseline of every later one, as `--baseline pin` and `--probe-writes` would.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from statistics import median

from integrity_tests import test_probes
from integrity_tests.demo import DATASETS
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.database.settings import Settings
from pytest_tgintegrity.deployment.probes.baseline import check_staging, time_on
from pytest_tgintegrity.deployment.probes.statistics import Compared, Timed, compare
from pytest_tgintegrity.rules.probes import Probe, probe_of
from pytest_tgintegrity.servers.datasets import open_dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--db-url", help="a staging database of TG (default: one embedded demo)")
    given = parser.parse_args()
    probes = [one for one in map(probe_of, vars(test_probes).values()) if one is not None]
    with serving(given.db_url) as url:
        rounds = [timings(url, probes) for _ in range(given.repeats)]
    tell([one.name for one in probes], rounds)


@contextlib.contextmanager
def serving(url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    with open_dataset("demo", DATASETS["demo"]) as server:
        yield server.url()


def timings(url: str, probes: Sequence[Probe]) -> Mapping[str, Timed]:
    """One run that times all probes, and no rule."""
    run = Run(Settings(1, Limits(), 0, None, {}, "integrity_tests.demo"), url, "--db-url")
    with contextlib.closing(run):
        check_staging(run)
        run.begin([])
        found = time_on(run, probes, "writes")
    if found is None or found.failed:
        raise SystemExit(f"not timed: {found and dict(found.failed)}")
    return found.timed


def tell(names: Sequence[str], rounds: Sequence[Mapping[str, Timed]]) -> None:
    pairs = [one for then, now in combinations(rounds, 2) for one in compare(now, then)]
    print(f"{len(rounds)} runs of the same code, every one compared with all before it\n")
    print("| probe | median | comparisons | called degraded | ratios, 95 % of them | noticed from |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in names:
        milliseconds = median(one[name].seconds for one in rounds) * 1000
        mine = [one for one in pairs if one.name == name]
        print(
            f"| {name} | {milliseconds:.2f} ms | {len(mine)} | {sum(one.degraded for one in mine)} | {spread(mine)} |"
        )


def spread(found: Sequence[Compared]) -> str:
    """Where the ratios lie, and the slow-down that half of the comparisons would be certain of."""
    ratios = sorted(one.ratio for one in found if one.ratio)
    cut = len(ratios) // 40
    widths = [one.ratio / one.low for one in found if one.ratio and one.low]
    return f"{ratios[cut]:.2f} to {ratios[-1 - cut]:.2f} | {1.1 * median(widths):.2f}"


if __name__ == "__main__":
    main()
