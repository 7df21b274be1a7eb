"""The parts of the page that are numbers: probes, what goes on in the database, coverage. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_tgintegrity.reports.html.markup import Child, Markup, details, fragment, table, tag
from pytest_tgintegrity.reports.html.signs import framed, minute
from pytest_tgintegrity.text import grouped, plural

Json = Mapping[str, Any]

COVERED: Final[Mapping[str, str]] = {"tables": "tables", "foreign_keys": "foreign keys", "columns": "columns"}


UNDETERMINED: Final = "not determined"
VERDICTS: Final[Mapping[str, tuple[str, str]]] = {
    "as ever": ("✓", "good"),
    "degraded": ("✗", "bad"),
    UNDETERMINED: ("?", "warn"),
}


def probes(document: Json) -> Markup:
    """How long probes took and how that compares with the baseline; what the server counts besides."""
    timed, baseline = document.get("probes") or {}, document.get("baseline") or {}
    compared = {str(comparison["name"]): comparison for comparison in baseline.get("probes") or ()}
    names = [*timed, *(name for name in compared if name not in timed)]
    rows = [_probe(name, timed.get(name) or {}, compared.get(name), baseline) for name in names]
    heads = ("probe", "median", "times the baseline", "verdict", "why")
    return fragment(
        tag("p", _pinned(baseline)) if timed or baseline else None,
        table("How long it takes to read what people wait for", heads, rows, numbers=[1, 2]) if rows else None,
        [tag("p", sentence, class_="soft") for sentence in _timed_on(timed)],
        _counters(((document.get("history") or {}).get("trend") or ())[-2:]),
    )


def _pinned(baseline: Json) -> str:
    if baseline.get("reason"):
        return f"There is nothing to compare with: {baseline['reason']}."
    if not baseline.get("pinned_at"):
        return "There is nothing to compare with: a baseline is kept in Redis (--redis-url)."
    return f"The baseline was pinned {'by this run' if baseline['pinned'] else minute(baseline['pinned_at'])}."


def _probe(name: str, timed: Json, compared: Json | None, baseline: Json) -> Sequence[Child]:
    median = f"{timed['seconds'] * 1000:.2f} ms" if "seconds" in timed else "–"
    if timed.get("error"):
        return name, median, "", framed("not timed", *VERDICTS[UNDETERMINED]), timed["error"]
    if compared is None:
        why = "it is the baseline" if baseline.get("pinned") else "there is no baseline"
        return name, median, "", framed(UNDETERMINED, *VERDICTS[UNDETERMINED]), why
    if compared["ratio"] is None:
        return name, median, "", framed(UNDETERMINED, *VERDICTS[UNDETERMINED]), compared["doubt"]
    verdict = "degraded" if compared["degraded"] else "as ever"
    ratio = f"{compared['ratio']:.2f} ({compared['low']:.2f} to {compared['high']:.2f})"
    return name, median, ratio, framed(verdict, *VERDICTS[verdict]), _surely(verdict)


def _surely(verdict: str) -> str:
    return "slower by more than 10 %, beyond doubt" if verdict == "degraded" else "not surely slower by more than 10 %"


def _timed_on(timed: Json) -> list[str]:
    """The servers and the machines on which probes were timed."""
    done = [probe for probe in timed.values() if "seconds" in probe]
    places = dict.fromkeys((probe["server"], probe["host"]) for probe in done)
    samples = [probe["samples"] for probe in done]
    return [f"Timed on {server} from {host}, {_range(samples)} each." for server, host in places]


def _range(samples: Sequence[int]) -> str:
    return plural(samples[0], "sample") if min(samples) == max(samples) else f"{min(samples)} to {max(samples)} samples"


def _counters(last: Sequence[Json]) -> Markup:
    """Rollbacks and deadlocks, in this run and the one before."""
    rows = [
        (minute(run["started_at"]), _share(run["rollback_rate"]), _plain(run["deadlocks"]))
        for run in last
        if run.get("rollback_rate") is not None or run.get("deadlocks") is not None
    ]
    heads = ("run", "transactions rolled back", "deadlocks")
    return table("Since the server began to count", heads, rows, numbers=[1, 2]) if rows else Markup()


def _share(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.2%}"


def activity(activity: Json) -> Markup:
    """The numbers that the metrics of the rules measured."""
    if not activity:
        return Markup()
    rows = [(name.replace("_", " "), _figure(value)) for name, value in activity.items()]
    return table("What goes on in the database", ("number", "value"), rows)


def _figure(value: Any) -> Child:
    if isinstance(value, Mapping):
        return [[f"{name}: {_plain(part)}", tag("br")] for name, part in value.items()]
    return _plain(value)


def _plain(value: Any) -> str:
    return "–" if value is None else str(value)


def census(census: Json | None) -> Markup:
    """What became of tables and columns since earlier runs."""
    found = (census or {}).get("findings") or ()
    if not found:
        return Markup()
    rows = [
        (
            ".".join(filter(None, [finding["table"], finding["column"]])),
            finding["what"],
            grouped(finding["before"]),
            grouped(finding["now"]),
            minute(finding["since"]),
        )
        for finding in found
    ]
    heads = ("table or column", "what", "before", "now", "counted in the run of")
    return table("What is less than it was", heads, rows, numbers=[2, 3])


def coverage(coverage: Json | None) -> Markup:
    """What is looked at by rules, by declared constraints only, and by nothing."""
    if coverage is None:
        return Markup()
    parts = {title: coverage[name] for name, title in COVERED.items()}
    rows = [
        (
            title,
            *map(
                grouped,
                (counts["by_rules"], len(counts["by_constraints_only"]), len(counts["by_nothing"]), counts["total"]),
            ),
        )
        for title, counts in parts.items()
    ]
    heads = ("what", "by rules", "by declared constraints only", "by nothing", "of all")
    return fragment(
        table("What the selected rules look at", heads, rows, numbers=range(1, len(heads))),
        [_blind(f"Nothing looks at these {title}", counts["by_nothing"]) for title, counts in parts.items()],
    )


def _blind(title: str, entries: Sequence[Json]) -> Markup:
    if not entries:
        return Markup()
    rows = [(part["name"], part["reason"] or "no reason given") for part in entries]
    return details(f"{title} ({grouped(len(entries))})", table(title, ("name", "why"), rows))
