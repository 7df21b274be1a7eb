"""The verdicts of rules in past runs, as strips of signs with the same in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from pytest_tgintegrity.reports.html.markup import Markup, tag
from pytest_tgintegrity.reports.html.signs import SIGNS

STRIP = 30
WORST: Final = ("failed", "unknown", "noted", "tolerated", "waived", "fixed", "passed")


def strip(rules: Iterable[str], document: Mapping[str, Any]) -> Markup | None:
    """The worst verdict of some rules in each past run, oldest first; None where no past run is known."""
    known = (document.get("history") or {}).get("rules") or {}
    histories = [known[rule] for rule in rules if rule in known]
    past = [min(map(str, verdicts), key=_rank) for verdicts in zip(*histories, strict=False)][-STRIP:]
    if not past:
        return None
    signs = [
        tag("span", SIGNS.get(verdict, ("·", ""))[0], class_=SIGNS.get(verdict, ("", "calm"))[1]) for verdict in past
    ]
    words = f"past runs, oldest first: {_in_words(past)}"
    return tag("span", signs, role="img", aria_label=words, title=words, class_="strip")


def _rank(verdict: str) -> int:
    return WORST.index(verdict) if verdict in WORST else len(WORST)


def _in_words(past: Sequence[str]) -> str:
    spans = [(verdict, sum(1 for _ in runs)) for verdict, runs in groupby(past)]
    return ", ".join(verdict if count == 1 else f"{count} times {verdict}" for verdict, count in spans)
