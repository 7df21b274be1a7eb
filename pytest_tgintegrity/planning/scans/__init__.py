"""Scans: what to ask a database, and what the answers say. In: prepared sources and predicates; out: statements, then counts."""

from __future__ import annotations

from pytest_tgintegrity.planning.scans.free import MetricScan, QueryScan
from pytest_tgintegrity.planning.scans.keys import Reference, ReferenceScan, Target, UniqueScan
from pytest_tgintegrity.planning.scans.rows import RowCheck, RowScan
from pytest_tgintegrity.planning.scans.sampling import Sampling
from pytest_tgintegrity.planning.scans.scan import UNKNOWN_PAGES, Access, Count, Scan, Tally

__all__ = [
    "UNKNOWN_PAGES",
    "Access",
    "Count",
    "MetricScan",
    "QueryScan",
    "Reference",
    "ReferenceScan",
    "RowCheck",
    "RowScan",
    "Sampling",
    "Scan",
    "Tally",
    "Target",
    "UniqueScan",
]
