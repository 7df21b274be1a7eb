"""Which scans travel together: big ones alone and first, small ones in one pipeline. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_tgintegrity.parts import chunks
from pytest_tgintegrity.planning.scans.access import Access
from pytest_tgintegrity.planning.scans.scan import Scan

BIG_PAGES = 2_000
SCANS_PER_BATCH = 48


def batches(scans: Sequence[Scan]) -> list[tuple[Scan, ...]]:
    """The scans of each pipeline: big ones first, each alone; small ones with the same timeout and access together."""
    groups: list[tuple[Scan, ...]] = [(scan,) for scan in scans if scan.pages >= BIG_PAGES]
    small: dict[tuple[float | None, Access], list[Scan]] = {}
    for scan in scans:
        if scan.pages < BIG_PAGES:
            small.setdefault((scan.timeout, scan.access), []).append(scan)
    for members in small.values():
        groups += map(tuple, chunks(members, SCANS_PER_BATCH))
    return groups
