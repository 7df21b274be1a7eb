"""The page in Chromium: on a phone and a desk, light and dark, by keys alone, and as a screen reader is told of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, Browser, chromium
from documents import everything

from pytest_tgintegrity.reports.html import render

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")

LEAST = 4.5
"""The contrast that WCAG 2 wants of text, level AA."""
CONTRAST = """(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true})
  const rgb = colour => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data] }
  const light = colour => rgb(colour).slice(0, 3).map(one => one / 255)
    .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0)
  const ground = one => { while (one && !rgb(getComputedStyle(one).backgroundColor)[3]) one = one.parentElement
    return one ? getComputedStyle(one).backgroundColor : "red" }
  const found = {}
  for (const one of document.querySelectorAll("body *")) {
    if (![...one.childNodes].some(node => node.nodeType == 3 && node.data.trim())) continue
    const style = getComputedStyle(one), ink = one.closest("svg") ? style.fill : style.color
    const pair = [light(ink), light(ground(one))].sort((a, b) => b - a)
    found[`${one.tagName}.${one.className.baseVal ?? one.className}: ${ink} on ${ground(one)}`] =
      (pair[0] + 0.05) / (pair[1] + 0.05)
  }
  return found
})()"""
FOCUSED = """(() => { const one = document.activeElement, style = getComputedStyle(one)
  return [one.tagName, one.innerText.slice(0, 20), style.outlineStyle, parseFloat(style.outlineWidth)] })()"""
SIZES = """[...document.querySelectorAll("a:not(.skip), summary")].map(one => one.getBoundingClientRect())
  .map(box => Math.min(box.width, box.height))"""
DRAWN = """(() => { const whole = document.querySelector("svg").getBoundingClientRect()
  return [...document.querySelectorAll("svg text")].filter(one => one.textContent).map(one => one.getBoundingClientRect())
    .every(one => one.height >= 12 && one.left >= whole.left && one.right <= whole.right && one.bottom <= whole.bottom) })()"""
CUT = """(() => {
  const cut = [], width = document.documentElement.clientWidth
  const clips = one => { const style = getComputedStyle(one)
    return /hidden|clip|auto|scroll/.test(style.overflowX) && one.scrollWidth > one.clientWidth }
  for (const one of document.querySelectorAll("tbody th, tbody td, caption")) {
    if (!one.checkVisibility()) { if (one.textContent) cut.push(["not visible", one.textContent.slice(0, 30)]); continue }
    const box = one.getBoundingClientRect(), why = []
    if (box.left < 0 || box.right > width + 0.5) why.push("outside")
    if (one.scrollWidth > one.clientWidth + 1) why.push("more than its box")
    for (let outer = one; outer; outer = outer.parentElement) if (clips(outer)) why.push("clipped by " + outer.className)
    const range = document.createRange(); range.selectNodeContents(one)
    for (const part of range.getClientRects()) if (part.right > width + 0.5 || part.left < 0) { why.push("text outside"); break }
    if (why.length) cut.push([why.join(), one.textContent.slice(0, 30)])
  }
  return cut
})()"""
"""Cells of tables that cannot be read as they stand."""
UNNAMED = """(() => [...document.querySelectorAll("table")].flatMap(table => {
  const heads = [...table.querySelectorAll("thead th")].map(one => one.textContent)
  return [...table.querySelectorAll("tbody td")].filter(one => one.checkVisibility()).filter(one => {
    const said = getComputedStyle(one, "::before").content
    return !said.includes(JSON.stringify(heads[one.cellIndex])) && !said.includes(heads[one.cellIndex])
  }).map(one => one.textContent.slice(0, 30)) }))()"""
"""Cells that do not say their column where no headings stand above them."""
Node = Mapping[str, Any]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with all that there can be on one, opened, and with words that do not fit."""
    document = everything("x" * 300)
    found = tmp_path_factory.mktemp("page") / "page.html"
    found.write_text(render(document).replace("<details>", "<details open>"), encoding="utf-8")
    return found


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_page_does_not_scroll_sideways(browser: Browser, path: Path, width: int) -> None:
    browser.show(path, width=width)

    assert browser.look("[innerWidth, document.documentElement.scrollWidth]") == [width, width]
    assert (
        browser.look(
            "Math.min(...[...document.querySelectorAll('body *')].map(e => parseFloat(getComputedStyle(e).fontSize)))"
        )
        >= 12
    )
    assert min(browser.look(SIZES)) >= 24
    assert browser.look(DRAWN) is True


@pytest.fixture(scope="module")
def bad_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a hundred failures, opened, of tables with many columns and words of all lengths."""
    document = everything("word")
    one, values = document["rules"][0], {f"characters_human.column_{n}": "some words, and more" for n in range(9)}
    sample = {"key": ["900001", "x" * 60], "label": "Planted 900001: it has a long label", "values": values}
    document["rules"] = [
        *document["rules"],
        *({**one, "id": f"t/test_{n}.py::test_{'n' * n}[{n}]", "samples": [sample] * 3} for n in range(90)),
        *({**one, "id": f"t/test_x.py::test_x[{n}]", "cause": "1 row of item: 5"} for n in range(10)),
    ]
    found = tmp_path_factory.mktemp("page") / "page.html"
    found.write_text(render(document).replace("<details>", "<details open>"), encoding="utf-8")
    return found


@pytest.mark.parametrize("width", [320, 375])
def test_no_column_is_cut_on_a_phone(browser: Browser, path: Path, bad_day: Path, width: int) -> None:
    for page in (path, bad_day):
        browser.show(page, width=width)

        assert browser.look("document.querySelectorAll('tbody td').length") > 50
        assert browser.look(CUT) == []
        assert browser.look(UNNAMED) == []
        assert browser.look("document.documentElement.scrollWidth") == width


def test_tables_are_tables_on_a_phone_too(browser: Browser, bad_day: Path) -> None:
    counted = []
    for width in (375, 1280):
        browser.show(bad_day, width=width)
        nodes = [one for one in browser.call("Accessibility.getFullAXTree")["nodes"] if not one["ignored"]]
        roles = [_role(one) for one in nodes]
        counted.append([roles.count(one) for one in ("table", "columnheader", "rowheader", "row")])

    assert counted[0] == counted[1]
    assert min(counted[0]) > 50


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_text_stands_out(browser: Browser, path: Path, *, dark: bool) -> None:
    browser.show(path, dark=dark)
    found = browser.look(CONTRAST)

    assert len(found) > 20
    assert {pair: ratio for pair, ratio in found.items() if ratio < LEAST} == {}
    ground = browser.look("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", ground))) < 64) is dark


def test_everything_is_reached_and_opened_by_keys(browser: Browser, path: Path) -> None:
    browser.show(path)
    browser.look("for (const one of document.querySelectorAll('details')) one.open = false")
    wanted = browser.look(
        "[...document.querySelectorAll('a, summary, .scroll')].filter(e => e.checkVisibility()).length"
    )
    reached = []
    for _ in range(wanted):
        browser.press("Tab")
        reached.append(browser.look(FOCUSED))

    assert reached[0][1] == "Skip to the results"
    assert {tag for tag, *_ in reached} == {"A", "SUMMARY", "DIV"}
    assert all(style != "none" and width >= 2 for *_, style, width in reached)
    browser.look("document.querySelector('summary').focus()")
    browser.press("Enter")
    assert browser.look("document.querySelector('details').open") is True


def test_screen_reader_is_told_of_headings_landmarks_tables_and_drawings(browser: Browser, path: Path) -> None:
    browser.show(path)
    nodes = [one for one in browser.call("Accessibility.getFullAXTree")["nodes"] if not one["ignored"]]
    roles = [_role(one) for one in nodes]
    levels = [_property(one, "level") for one in nodes if _role(one) == "heading"]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [roles.count(one) for one in ("main", "navigation", "banner", "contentinfo")] == [1, 1, 1, 1]
    for role in ("table", "region", "image", "link", "navigation", "DisclosureTriangle"):
        named = [_name(one) for one in nodes if _role(one) == role]
        assert named, role
        assert all(named), role
    assert any(name.startswith("Score over time. ") for name in (_name(one) for one in nodes if _role(one) == "image"))
    assert roles.count("columnheader") >= 3 * roles.count("table")
    assert roles.count("rowheader") >= roles.count("table")


def _role(node: Node) -> str:
    return str(node["role"]["value"])


def _name(node: Node) -> str:
    return str(node.get("name", {}).get("value", ""))


def _property(node: Node, name: str) -> Any:
    return next(one["value"]["value"] for one in node["properties"] if one["name"] == name)
