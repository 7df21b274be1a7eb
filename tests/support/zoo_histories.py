"""Random states of the zoo: tables of drawn types with drawn values, and a rule with a fix for each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from hypothesis import strategies as st

from zoo import TAKES, Zoo, asked_of, connected, fits
from zoo_fixes import KINDS, Case, Subject
from zoo_types import Sort, array_values, row_values

Texts = st.SearchStrategy[str]

LETTERS: Final = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
SPOKEN: Final[Texts] = st.recursive(
    st.none() | st.booleans() | st.integers() | LETTERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3),
    max_leaves=5,
).map(lambda value: json.dumps(value, ensure_ascii=False))
MOMENTS: Final = st.datetimes().map(lambda at: at.isoformat(" "))
OFFSETS: Final = st.sampled_from(["+00", "-03:30", "+05:45", "+14", "-12"])
SPANS: Final = st.builds(
    "{} months {} days {} microseconds".format,
    st.integers(-99, 99),
    st.integers(-99, 99),
    st.integers(-(10**12), 10**12),
)
DRAWN: Final[dict[str, Texts]] = {
    "text": LETTERS,
    "varchar": LETTERS,
    "char": LETTERS.map(lambda text: text[:3]),
    "character": LETTERS,
    "bpchar": LETTERS,
    "name": LETTERS,
    "citext": LETTERS,
    "smallint": st.integers(-(2**15), 2**15 - 1).map(str),
    "integer": st.integers(-(2**31), 2**31 - 1).map(str),
    "bigint": st.integers(-(2**63), 2**63 - 1).map(str),
    "numeric": st.decimals(allow_infinity=False).map(str) | st.decimals(-(10**7), 10**7, places=3).map(str),
    "real": st.floats(width=32).map(str),
    "double": st.floats().map(str),
    "money": st.decimals(-(10**9), 10**9, places=2).map(str),
    "date": st.dates().map(date.isoformat),
    "time": st.times().map(str),
    "timestamp": st.builds("{}{}".format, MOMENTS, OFFSETS),
    "interval": SPANS,
    "uuid": st.uuids().map(str),
    "json": SPOKEN,
    "jsonb": SPOKEN,
    "bytea": st.binary(max_size=9).map(lambda value: f"\\x{value.hex()}"),
    "bit": st.text("01", min_size=1, max_size=5),
    "inet": st.ip_addresses().map(str),
}
"""By the first word of a type."""


@dataclass(frozen=True)
class Drawing:
    """A kind of fix, a type, and values to try."""

    kind: str
    sort: Sort
    values: tuple[str, ...]


@st.composite
def drawings(draw: st.DrawFn, zoo: Zoo) -> Drawing:
    """What a history is about."""
    sort = draw(st.sampled_from(zoo.plain()))
    known = st.sampled_from(sort.values)
    more = DRAWN.get(sort.of.partition("(")[0].split()[0], known)
    values = draw(st.lists(known | more, min_size=2, max_size=9))
    return Drawing(draw(st.sampled_from(sorted(KINDS))), *_formed(draw, zoo, sort, tuple(values)))


def _formed(draw: st.DrawFn, zoo: Zoo, sort: Sort, values: tuple[str, ...]) -> tuple[Sort, tuple[str, ...]]:
    """The type, or now and then arrays, a domain or rows of it."""
    form: Sort = draw(st.sampled_from([sort, sort, *zoo.forms(sort.of)]))
    if form.form == "array":
        return form, (*array_values(values, ";" if sort.of == "box" else ","),)
    return form, tuple(row_values(values)) if form.form == "composite" else values


def cases_of(zoo: Zoo, listed: Sequence[Drawing]) -> list[Case]:
    """A table for each, with the values that the server takes."""
    tried = [
        (one.sort.spelled, [value for value in one.values if fits(value, zoo.encoding)] or list(one.sort.values))
        for one in listed
    ]
    with connected(zoo.server.url(zoo.template)) as connection:
        connection.execute(b"SET search_path = public")
        connection.execute(TAKES.encode())
        answers = [sort for sort, _ in asked_of(connection, tried)]
    found: list[Case] = []
    for number, (one, answer) in enumerate(zip(listed, answers, strict=True)):
        sort = replace(one.sort, values=tuple(dict.fromkeys(answer.values)) or one.sort.values)
        title = f"{one.sort.name} {number}"
        case: Any = KINDS[one.kind](Subject(f"h{number}", title, (sort,)))
        if case is not None:
            found.append(case)
    return found
