"""HTML as values: text is escaped unless it is `Markup`, and only `tag` makes that from data. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from pytest_tgintegrity.text import printable

VOID = frozenset({"meta", "br"})


class Markup(str):
    """HTML that is safe as it stands."""

    __slots__ = ()


Child = str | int | float | None | Iterable["Child"]


def tag(name: str, /, *children: Child, **attributes: str | bool | None) -> Markup:
    """An element. Attributes: `class_` is class, `aria_label` is aria-label; None and False are left out."""
    attribute_text = "".join(_attribute(key, value) for key, value in attributes.items())
    inner = fragment(*children)
    return Markup(f"<{name}{attribute_text}>" if name in VOID else f"<{name}{attribute_text}>{inner}</{name}>")


def fragment(*children: Child) -> Markup:
    """Several nodes, one after the other; None adds nothing."""
    return Markup("".join(_node(child) for child in children))


def _node(child: Child) -> str:
    match child:
        case None:
            return ""
        case Markup():
            return child
        case str() | int() | float():
            return html.escape(visible(str(child)))
    return "".join(_node(part) for part in child)


def _attribute(key: str, value: str | bool | None) -> str:  # noqa: FBT001 - as HTML has it
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(visible(value))}"'


def visible(text: str) -> str:
    """Text without control characters that would act on what stands around it; line breaks stay."""
    return "\n".join(printable(line) for line in text.split("\n"))


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Child]], numbers: Iterable[int] = ()) -> Markup:
    """A table that scrolls by itself; on a phone each row becomes a card, whose cells name their columns.

    The first cell of a row is its heading, the columns `numbers` are figures. The roles are those that the elements have
    by themselves; laid out as cards they would lose them.
    """
    right = frozenset(numbers)

    def kind(column: int) -> str | None:
        return "number" if column in right else None

    head = [
        tag("th", heading, scope="col", role="columnheader", class_=kind(column))
        for column, heading in enumerate(heads)
    ]
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row", role="rowheader"),
            [
                tag("td", cell, role="cell", class_=kind(column), data_label=heads[column])
                for column, cell in enumerate(row[1:], 1)
            ],
            role="row",
        )
        for row in rows
    ]
    inner = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", head, role="row"), role="rowgroup"),
        tag("tbody", body, role="rowgroup"),
        role="table",
    )
    return tag("div", inner, class_="scroll", role="region", aria_label=caption, tabindex="0")


def section(anchor: str, title: str, *children: Child) -> Markup:
    """A part of the page with a heading that names it, or nothing if there is nothing in it."""
    inner = fragment(*children)
    if not inner:
        return Markup()
    return tag("section", tag("h2", title, id=anchor), inner, aria_labelledby=anchor)


def details(summary: Child, *children: Child, opened: bool = False) -> Markup:
    """What is shown on demand."""
    return tag("details", tag("summary", summary), *children, open=opened)
