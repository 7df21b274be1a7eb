"""What rules were found to be in past runs, as strips of signs that also say it in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from pytest_tgintegrity.reports.html.markup import Markup, tag
from pytest_tgintegrity.reports.html.signs import SIGNS

STRIP = 30
WORST: Final = ("failed", "unknown", "noted", "tolerated", "waived", "fixed", "passed")


def strip(rules: Iterable[str], document: Mapping[str, Any]) -> Markup | None:
    """The worst verdict of some rules in each past run, oldest first; None where they always passed or nobody knows."""
    known = (document.get("history") or {}).get("rules") or {}
    found = [known[one] for one in rules if one in known]
    past = [min(map(str, one), key=_rank) for one in zip(*found, strict=False)][-STRIP:]
    if not past:
        return None
    signs = [tag("span", SIGNS.get(one, ("·", ""))[0], class_=SIGNS.get(one, ("", "calm"))[1]) for one in past]
    said = f"past runs, oldest first: {_told(past)}"
    return tag("span", signs, role="img", aria_label=said, title=said, class_="strip")


def _rank(verdict: str) -> int:
    return WORST.index(verdict) if verdict in WORST else len(WORST)


def _told(past: Sequence[str]) -> str:
    spans = [(verdict, sum(1 for _ in some)) for verdict, some in groupby(past)]
    return ", ".join(verdict if count == 1 else f"{count} times {verdict}" for verdict, count in spans)
