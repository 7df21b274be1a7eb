"""In: prepared sources, and what is asked of their rows. Out: statements, and what their answers say of each rule. Pure."""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity.planning.scans.access import Access
from pytest_tgintegrity.planning.scans.free import MetricScan, QueryScan
from pytest_tgintegrity.planning.scans.keys import Reference, ReferenceScan, Target, UniqueScan
from pytest_tgintegrity.planning.scans.rows import RowCheck, RowScan
from pytest_tgintegrity.planning.scans.sampling import Sampling
from pytest_tgintegrity.planning.scans.scan import UNKNOWN_PAGES, Count, Scan, Tally
from pytest_tgintegrity.planning.scans.volumes import FreshnessScan, NumberScan, ShareScan, VolumeScan, number_scan

IMPLEMENTATIONS: Final[tuple[type[Scan], ...]] = (
    RowScan,
    UniqueScan,
    ReferenceScan,
    QueryScan,
    MetricScan,
    VolumeScan,
    FreshnessScan,
    ShareScan,
)
"""All classes of scans."""

__all__ = [
    "IMPLEMENTATIONS",
    "UNKNOWN_PAGES",
    "Access",
    "Count",
    "FreshnessScan",
    "MetricScan",
    "NumberScan",
    "QueryScan",
    "Reference",
    "ReferenceScan",
    "RowCheck",
    "RowScan",
    "Sampling",
    "Scan",
    "ShareScan",
    "Tally",
    "Target",
    "UniqueScan",
    "VolumeScan",
    "number_scan",
]
