"""The page: what stands on it, and that nothing in the data acts on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from documents import everything
from harness import HOLDS, UNKNOWN, VIOLATED, RunRules

from pytest_tgintegrity.reports.chart import points, trend
from pytest_tgintegrity.reports.document import refusal
from pytest_tgintegrity.reports.html import render
from pytest_tgintegrity.reports.markup import tag
from pytest_tgintegrity.reports.strips import strip

SCRIPT = "<script>alert(1)</script>"
EVIL = f"""
CREATE TABLE item (id int PRIMARY KEY, size int, name text);
INSERT INTO item SELECT i, 99, '{SCRIPT}"onload=''x''&amp;' FROM generate_series(1, 3) i;
"""
NAMED = """
@rule.between(Source("items", "item i", key="i.id", label="i.name"), "i.size", 1, 15, severity="high", fix="clamp")
def test_evil(violations):
    \"\"\"Sizes are <b>one</b> to fifteen.

    Else nothing fits.\"\"\"
    assert not violations

@rule.metric("a <number>", "SELECT 7")
def test_metric(violations):
    \"\"\"It reports.\"\"\"
    assert not violations
"""
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Everything in a page, and what does not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.words: list[str] = []
        self.awry: list[str] = []
        self.feed(text)
        self.close()
        self.awry += self.stack

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.stack or self.stack.pop() != tag:
            self.awry.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        if "style" not in self.stack:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_data_stays_text(check: RunRules, make_database: Callable[[str], str], pytester: pytest.Pytester) -> None:
    ran = check(NAMED, HOLDS, UNKNOWN, "--html-report=page.html", url=make_database(EVIL))
    found = page(pytester.path / "page.html")

    assert ran.status == 1
    assert "page       " in ran.out
    assert found.awry == []
    assert found.all("script") == []
    assert SCRIPT + "\"onload='x'&amp;" in found.text
    assert "Sizes are <b>one</b> to fifteen." in found.text
    assert "a <number>" in found.text
    assert not [one for _, one in found.tags if any(name.startswith("on") for name in one)]


def test_data_stays_text_wherever_it_comes_from() -> None:
    text = render(everything(f"{SCRIPT}\"'><img src=x onerror=y>&amp;\x1b[31m"))
    found, plain = Page(text), Page(render(everything("word")))

    assert found.awry == []
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in plain.tags]
    assert [sorted(one) for _, one in found.tags] == [sorted(one) for _, one in plain.tags]
    assert found.text.count(SCRIPT) > 60
    assert "\x1b" not in text


def test_page_says_what_the_terminal_says(check: RunRules, pytester: pytest.Pytester) -> None:
    check(
        VIOLATED.replace('"high"', '"high", fix="clamp"'), HOLDS, UNKNOWN, "--html-report=out/page.html", "--fix-plan"
    )
    found = page(pytester.path / "out" / "page.html").text

    for told in (
        "80 of 100 ✗ degraded healthy from 90",
        "Sizes are one to fifteen.",
        "5 of 20 rows",
        'SELECT "id", "name", "size" FROM "item" WHERE',
        "a safe fix is declared: clamp",
        'relation "absent" does not exist',
        "5 changes",
        "size 16 → 15",
        "test_holds",
    ):
        assert told in found, told


def test_page_needs_no_network_and_no_script(check: RunRules, pytester: pytest.Pytester) -> None:
    check(VIOLATED, "--html-report=page.html")
    path = pytester.path / "page.html"
    found, text = page(path), path.read_text()

    assert not re.search(r"https?:|//[a-z]|url\(|@import", text.replace("'none'", ""))
    assert not [one for _, one in found.tags if "src" in one]
    assert all((one["href"] or "").startswith("#") for one in found.all("a"))
    policies = [one["content"] for one in found.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_page_can_be_used_without_a_mouse_and_without_eyes(check: RunRules, pytester: pytest.Pytester) -> None:
    check(VIOLATED, HOLDS, UNKNOWN, "--html-report=page.html", "--integrity-coverage")
    found = page(pytester.path / "page.html")
    ids = [one["id"] for _, one in found.tags if one.get("id")]

    assert found.all("html")[0]["lang"] == "en"
    assert [len(found.all(one)) for one in ("header", "main", "nav", "footer", "h1", "title")] == [1] * 6
    assert len(ids) == len(set(ids))
    assert {(one["href"] or "")[1:] for one in found.all("a")} <= set(ids)
    assert {one["aria-labelledby"] for one in found.all("section")} <= set(ids)
    assert len(found.all("caption")) == len(found.all("table")) > 2
    assert all("scope" in one for one in found.all("th"))
    scrolling = [one for one in found.all("div") if one.get("class") == "scroll"]
    assert all(one["tabindex"] == "0" and one["aria-label"] for one in scrolling)
    assert len(found.all("details")) == len(found.all("summary"))


def test_whatever_is_not_there_is_left_out() -> None:
    found = Page(render(refusal("the server is gone")))

    assert found.awry == []
    assert "No rule was judged: the server is gone" in found.text
    assert [one["aria-labelledby"] for one in found.all("section")] == ["score"]


def test_yesterdays_page_is_not_taken_for_todays(check: RunRules, pytester: pytest.Pytester) -> None:
    path = pytester.path / "page.html"
    asked = f"--html-report={path.name}"
    for words, reason in (
        ([HOLDS, asked, "--samples=x"], "--samples is 'x'"),
        ([HOLDS, asked, "--no-such-option"], "before a rule was judged"),
        ([HOLDS, asked, "-k", "nothing"], "no rule was judged"),
    ):
        path.write_text("yesterday")
        check(*words)
        assert reason in page(path).text, words


@pytest.mark.parametrize("asked", ["--collect-only", "--fix-history", "--help"])
def test_who_does_not_look_at_data_leaves_the_page_and_the_metrics_alone(
    check: RunRules, pytester: pytest.Pytester, asked: str
) -> None:
    files = [pytester.path / name for name in ("page.html", "tg.prom")]
    for one in files:
        one.write_text("yesterday")
    check(HOLDS, f"--html-report={files[0].name}", f"--metrics={files[1].name}", asked)

    assert [one.read_text() for one in files] == ["yesterday"] * 2


def test_page_that_cannot_be_written_is_told_and_not_fatal(check: RunRules, pytester: pytest.Pytester) -> None:
    (pytester.path / "page.html").mkdir()
    ran = check(HOLDS, "--html-report=page.html")

    assert ran.status == 0
    assert "not written: " in ran.out


def test_page_holds_no_password(check: RunRules, url: str, pytester: pytest.Pytester) -> None:
    secret = "hunter2-hunter2"
    told = VIOLATED.replace("Sizes", f"{secret}: sizes")
    check(told, "--html-report=page.html", url=url.replace("postgresql://postgres", f"postgresql://postgres:{secret}"))

    assert secret not in (pytester.path / "page.html").read_text()


def test_page_can_be_asked_for_in_the_configuration(check: RunRules, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ntgintegrity_html_report = kept/page.html")
    check(HOLDS)

    assert "1 passed" in page(pytester.path / "kept" / "page.html").text


def test_history_gate_and_trend_are_shown_when_known(check: RunRules) -> None:
    document = check(VIOLATED, HOLDS).integrity
    rule = document["rules"][0]["id"]
    scores = [
        {"started_at": f"2026-11-0{day}T04:00:00+00:00", "score": 100 - day, "rollback_rate": 0.25, "deadlocks": day}
        for day in (1, 2, 3)
    ]
    document["history"] = {
        "recorded": True,
        "previous_score": 97,
        "trend": scores,
        "worse": [{"rule": rule, "before": 2, "now": None}],
        "rules": {rule: ["passed", "failed"]},
    }
    document["gate"] = {"name": "production", "passed": False, "conditions": [
        {"name": "clean days", "passed": False, "measured": "3 of 7", "required": "7", "reason": "a gap", "since": None},
    ]}  # fmt: skip
    found = Page(render(document))

    assert found.awry == []
    assert "The run before scored 97." in found.text
    assert "Worse than before rule violations before now test_violated 2 unknown" in found.text
    assert "3 runs: lowest 97, highest 99, last 97." in found.text
    assert "clean days ✗ not met a gap 3 of 7" in found.text
    assert "2026-11-02 04:00 UTC 25.00% 2 2026-11-03 04:00 UTC 25.00% 3" in found.text
    assert [one["aria-label"] for one in found.all("span") if "role" in one] == [
        "past runs, oldest first: passed, failed"
    ] * 2


def test_probes_stand_beside_the_baseline_with_what_became_of_each(check: RunRules) -> None:
    document = check(HOLDS).integrity
    timed = {
        "seconds": 0.002,
        "relative": 2.0,
        "low": 1.9,
        "high": 2.1,
        "samples": 40,
        "server": "PostgreSQL 18.4",
        "host": "db",
    }
    known = {"ratio": 1.3, "low": 1.2, "high": 1.4, "doubt": None, "degraded": True}
    unknown = {"ratio": None, "low": None, "high": None, "doubt": "too few samples: 3 of 30", "degraded": False}
    document["probes"] = {"sheet": timed, "list": timed, "queue": timed, "scene": {"error": "Oops: gone"}}
    document["baseline"] = {"pinned_at": "2026-11-01T04:00:00+00:00", "pinned": False, "reason": None, "probes": [
        {"name": "sheet", **known}, {"name": "list", **known, "low": 0.9, "degraded": False}, {"name": "queue", **unknown},
        {"name": "old", **unknown, "doubt": "it is in the baseline, but was not timed"},
    ]}  # fmt: skip
    found = Page(render(document)).text

    for told in (
        "pinned 2026-11-01 04:00 UTC.",
        "sheet 2.00 ms 1.30 (1.20 to 1.40) ✗ degraded slower by more than 10 %, beyond doubt",
        "list 2.00 ms 1.30 (0.90 to 1.40) ✓ as ever",
        "queue 2.00 ms ? not determined too few samples: 3 of 30",
        "scene – ? not timed Oops: gone",
        "old – ? not determined it is in the baseline, but was not timed",
        "Timed on PostgreSQL 18.4 from db, 40 samples each.",
    ):
        assert told in found, told


def rule(name: str, **others: object) -> dict[str, object]:
    """A violated rule of a document."""
    return {**everything("word")["rules"][0], "id": f"t/test_items.py::{name}", **others}


def test_of_very_many_violated_rules_the_gravest_are_shown_with_their_rows() -> None:
    document = everything("word")
    many = [rule(f"test_{n:03}") for n in range(200)]
    document["rules"] = [*many, rule("test_grave", severity="critical"), rule("test_most", violations=4321)]
    text = render(document)
    found = Page(text)

    assert "Critical (1 rule)" in found.text
    assert "High (59 rules)" in found.text
    assert "142 more rules in 142 more blocks (142 high) : the JSON report has them all" in found.text
    assert text.index("::test_grave") < text.index("::test_most") < text.index("::test_000") < text.index("::test_057")
    assert "::test_058" not in text.partition("142 more rules")[0]


def test_page_is_bounded_however_many_rules_are_violated() -> None:
    document = everything("word")
    one = document["rules"][0]
    document["rules"] = [rule(f"test_{n:03}[{m}]") for n in range(40) for m in range(60)]
    document["health"]["deductions"] = [{**document["health"]["deductions"][0], "rule": one["id"]}] * 2400
    text = render(document)

    assert "High (360 rules in 6 blocks)" in Page(text).text
    assert "2 040 more rules in 34 more blocks (2 040 high) : the JSON report has them all" in Page(text).text
    assert "… and 14 more: the JSON report has them all" in Page(text).text
    assert len(text) < 700_000


def test_rules_of_one_test_and_rules_of_one_cause_are_blocks() -> None:
    document = everything("word")
    cause = "1 row of item: 5"
    document["rules"] = [
        *(rule(f"test_size[{n}]", doc="Sizes are small.", violations=n) for n in range(1, 41)),
        rule("test_size[99]", severity="low", cause=cause),
        rule("test_name", severity="critical", doc="It has a name.", cause=cause),
        rule("test_alone", severity="low"),
    ]
    text = render(document).partition('id="fixes"')[0]

    found = Page(text).text
    assert "Critical (2 rules in 1 block)" in found
    assert "✗ 2 failed 1 row of item: 5 one cause, 2 rules of 2 tests: It has a name. …" in found
    assert "High (40 rules in 1 block)" in found
    assert "✗ 40 failed Sizes are small. test_size, 820 violations" in found
    assert "Low (1 rule)" in found
    assert "10 more rules of this block test_size[10] test_size[9]" in found


def test_rules_without_a_verdict_are_told_by_their_reason_and_counted() -> None:
    document = everything("word")
    lost = {**everything("word")["rules"][4], "reason": "it was lost"}
    document["rules"] = [
        *({**lost, "id": f"t::test_lost_{n}"} for n in range(25)),
        *({**lost, "id": f"t::test_other[{n}]", "reason": f"reason {n}", "severity": "low"} for n in range(70)),
        {**lost, "id": "t::test_grave", "reason": "grave", "severity": "critical"},
    ]
    found = Page(render(document)).text

    assert found.index("1 rule : grave [critical]") < found.index("25 rules : it was lost [high]")
    assert "… and 5 more: the JSON report has them all" in found
    assert "reason 57" in found
    assert "12 more rules for 12 more reasons: the JSON report has them all." in found


def test_fixable_rules_are_named_once_for_each_test() -> None:
    document = everything("word")
    del document["fix"]
    document["rules"] = [*(rule(f"test_size[{n}]") for n in range(40)), rule("test_name")]
    text = render(document).partition('id="fixes"')[2].partition("</section>")[0]

    assert "41 violated rules with a safe fix declared: --fix-plan shows every change." in Page(text).text
    assert Page(text).text.endswith("t/test_items.py::test_size (40 rules) t/test_items.py::test_name")
    assert ["open" in one for one in Page(text).all("details")] == [False]


def test_working_of_the_score_names_a_hundred_rules_and_counts_the_rest() -> None:
    document = everything("word")
    one = document["health"]["deductions"][0]
    document["health"]["deductions"] = [
        {**one, "rule": f"t::test_{n}", "points": 5, "violations": 2} for n in range(150)
    ]
    text = Page(render(document)).text

    assert "100 − 750, not below 0: 0" in text
    assert "test_99 high 5 2 50 more rules: the JSON report has them all 250 100" in text


def test_statement_without_an_end_is_cut() -> None:
    document = everything("word")
    document["rules"] = [rule("test_long", see_all="SELECT " + "x" * 25_000)]
    text = render(document)

    assert "x" * 700 in text
    assert "x" * 900 not in text
    assert "The JSON report has all 25 007 characters." in text


def test_strip_of_a_family_shows_the_worst_of_each_run() -> None:
    past = {"a": ["passed", "noted", "unknown"], "b": ["passed", "failed", "noted"]}
    drawn = strip(["a", "b", "c"], {"history": {"rules": past}})

    assert drawn is not None
    assert Page(drawn).text == "✓ ✗ ?"
    assert Page(drawn).all("span")[0]["aria-label"] == "past runs, oldest first: passed, failed, unknown"
    assert strip(["c"], {"history": {"rules": past}}) is None


def test_trend_of_one_run_and_of_none() -> None:
    assert "1 runs" not in trend(points([]), 90)
    assert trend(points([{"score": None}]), 90) == ""
    assert Page(trend(points([{"score": 50}]), None)).awry == []


def test_nothing_but_a_tag_is_markup() -> None:
    assert (
        tag("p", "<i>", tag("b", "\x1b\u202e&"), class_='"')
        == '<p class="&quot;">&lt;i&gt;<b>\\x1b\\u202e&amp;</b></p>'
    )
