"""The trend of the score as a drawing that needs no script, and as a table of its numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_tgintegrity.reports.html.markup import Markup, details, fragment, table, tag
from pytest_tgintegrity.text import plural

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 60, 12, 16, 44
FULL = 100
TICKS = (0, 50, 100)
TIMES = ("started_at", "finished_at", "at")


@dataclass(frozen=True, slots=True)
class Point:
    """The score of a run; None if it had none."""

    at: str
    score: int | None
    status: str


def points(trend: Sequence[Any]) -> list[Point]:
    """The trend of a report, oldest first."""
    return [_point(run) for run in trend]


def _point(run: Any) -> Point:
    if not isinstance(run, Mapping):
        return Point("", run, "")
    at = next((str(run[name]) for name in TIMES if run.get(name)), "")
    return Point(at[:16].replace("T", " "), run.get("score"), str(run.get("status") or ""))


def trend(runs: Sequence[Point], minimum: int | None) -> Markup:
    """The chart, its numbers in a table, and what they say in words."""
    scores = [run.score for run in runs if run.score is not None]
    if not scores:
        return Markup()
    words = f"{plural(len(runs), 'run')}: lowest {min(scores)}, highest {max(scores)}, last {scores[-1]}.{'' if minimum is None else f' Dashed: healthy from {minimum}.'}"
    rows = [(run.at or f"run {number}", _shown(run.score), run.status) for number, run in enumerate(runs, 1)]
    numbers = table("Score by run, oldest first", ("run", "score", "status"), rows, numbers=[1])
    return fragment(tag("p", words), _drawing(runs, minimum, words), details("The numbers", numbers))


def _shown(score: int | None) -> str:
    return "none" if score is None else str(score)


def _x(number: int, of: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (number / (of - 1) if of > 1 else 0.5)


def _y(score: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - score / FULL)


def _drawing(runs: Sequence[Point], minimum: int | None, words: str) -> Markup:
    placed = [(_x(i, len(runs)), _y(run.score)) for i, run in enumerate(runs) if run.score is not None]
    curve = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    return tag(
        "svg",
        [fragment(_level(tick, "axis"), _words(LEFT - 6, _y(tick) + 4, str(tick), "end")) for tick in TICKS],
        None if minimum is None else _level(minimum, "least"),
        tag("polyline", points=curve, class_="curve"),
        [tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3", class_="point") for x, y in placed],
        _words(LEFT, HEIGHT - 10, runs[0].at, "start"),
        _words(WIDTH - RIGHT, HEIGHT - 10, runs[-1].at if len(runs) > 1 else "", "end"),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"Score over time. {words}",
    )


def _level(score: int, kind: str) -> Markup:
    y = f"{_y(score):.1f}"
    return tag("line", x1=str(LEFT), x2=str(WIDTH - RIGHT), y1=y, y2=y, class_=kind)


def _words(x: float, y: float, text: str, anchor: str) -> Markup:
    return tag("text", text, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)
