"""Rules of every kind are proven on every type and every odd table, or say in a sentence why they cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pytest

from engine import bound
from pytest_tgintegrity.proving.proof import Proof
from pytest_tgintegrity.proving.values import disallowed, spread
from pytest_tgintegrity.rules.kinds import Between, Formula, OneOf, Unique
from zoo import MAJORS, OpenZoo, Zoo
from zoo_fixes import ALL
from zoo_proofs import AT, all_proofs, proofs, scene_proofs, told, unspoken
from zoo_tables import SITUATIONS

pytest_plugins = ["zoo_servers"]

Named = Callable[[str, object], None]
NONE_HAS_THAT = "is what it takes, and none has that; say how to break it with breaks="
UNPROVEN: Mapping[str, Mapping[str, int]] = {
    "types": {
        'agree: its break fails: value for domain information_schema.yes_or_no violates check constraint "yes_or_no_check"': 1,
        f"agree: no row to break: ….… = what another row has {NONE_HAS_THAT}": 1,
        f"at_most: no row to break: ….… = what another row has above … {NONE_HAS_THAT}": 3,
        "between: missed its break: ….… = its bound - a bit, in whatever row": 1,
        "children: no proof: say how to break it with breaks=": 47,
        "formula: missed its break: ….… = another value, in row …": 2,
        'one_of: its break fails: value for domain information_schema.yes_or_no violates check constraint "yes_or_no_check"': 1,
        "one_of: no proof: say how to break it with breaks=": 25,
        "references: missed its break: ….… = what names nothing, in whatever row": 1,
        "unique: it cannot look at its damage, ….… as in another row: could not implement window PARTITION BY": 2,
    },
    "keys": {
        "bad: missed its break: its breaks=, in whatever row": 4,
        "fix: missed its break: its breaks=, in whatever row": 4,
        'not_null: its break fails: column "b" can only be updated to DEFAULT': 2,
        'unique: its break fails: cannot insert a non-DEFAULT value into column "b"': 2,
        "unique: missed its break: ….a as in another row, in whatever row": 1,
    },
    "partitions": {
        "bad: missed its break: its breaks=, in whatever row": 1,
        "fix: missed its break: its breaks=, in whatever row": 1,
        'not_null: its break fails: new row for relation "…" violates partition constraint': 6,
        "unique: missed its break: ….id as in another row, in whatever row": 1,
    },
    "tables": {
        "bad: bad is no column of a stored table behind its source": 3,
        "fix: bad is no column of a stored table behind its source": 3,
        "not_null: no proof: say how to break it with breaks=": 3,
        "unique: no proof: say how to break it with breaks=": 3,
    },
    "constraints": {
        "check: it fires on clean data: …": 2,
        "check: missed its break: ….note = '', in whatever row": 1,
        "domain: it fires on clean data: ….note …": 1,
        "foreign_key: it fires on clean data: …; …; … …": 2,
    },
    "uniqueness": {
        "unique: CREATE UNIQUE INDEX … ON public.… USING gist (id, at): uniqueness over periods cannot be checked yet": 1,
    },
    "references": {
        "bad: missed its break: its breaks=, in whatever row": 1,
        "fix: missed its break: its breaks=, in whatever row": 1,
    },
}
"""What is unproven on the newer server, and why: a single value that all rows have, nothing smaller than a thousand."""
REST: Final = frozenset(
    {
        "agree: missed its break: ….… = another value, in whatever row",
        "agree: operator does not exist: aclitem <> aclitem",
        "agree: operator does not exist: cid <> cid",
        "at_most: missed its break: ….… = … + a bit, in whatever row",
        f"between: no row to break: ….… = what another row has below its bound {NONE_HAS_THAT}",
        "derived: missed its break: ….… = another value, in row …",
        "one_of: input of anonymous composite types is not implemented",
        "one_of: operator does not exist: aclitem <> aclitem",
        "one_of: operator does not exist: cid <> cid",
        "json_shape: unsupported Unicode escape sequence",
    }
)
"""What else there is where every kind is tried on every type (TGINTEGRITY_ZOO_ALL), or in another encoding."""
LIKE_BEFORE: Final = {"keys", "names", "references", "triggers", "rewrites", "uniqueness"}


def judge(zoo: Zoo, what: str, found: Mapping[str, Proof], record_property: Named) -> None:
    """The unproven are those that are listed; they are named in the test's output (-rP) too."""
    listed = told(found)
    record_property("unproven", listed)
    print(f"{sum(one.proven for one in found.values())} of {len(found)} proven; of the others:")  # noqa: T201 - -rP
    for reason, about in listed.items():
        print(f"{len(about)} {reason} ({', '.join(about[:5])} …)")  # noqa: T201 - -rP
    assert unspoken(found) == {}
    expected = UNPROVEN.get(what, {})
    if zoo.major == MAJORS[0] and not (what == "types" and ALL):
        assert {reason: len(about) for reason, about in listed.items()} == expected
    else:
        assert listed.keys() <= expected.keys() | REST


def test_rules_of_every_kind_are_proven_on_every_type(zoo: Zoo, record_property: Named) -> None:
    judge(zoo, "types", all_proofs(zoo), record_property)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_rules_are_proven_on_every_byte(zoo_of: OpenZoo, encoding: str) -> None:
    found = all_proofs(zoo_of(18, encoding), letters=True)

    assert len(found) > 50
    assert unspoken(found) == {}
    assert told(found).keys() <= UNPROVEN["types"].keys() | REST


@pytest.mark.parametrize("what", ["keys", *SITUATIONS])
def test_rules_are_proven_on_every_odd_table(zoo: Zoo, what: str, record_property: Named) -> None:
    if zoo.major != MAJORS[0] and what in LIKE_BEFORE and not ALL:
        pytest.skip("the newer server has looked at these (TGINTEGRITY_ZOO_ALL)")
    judge(zoo, what, scene_proofs(zoo, what), record_property)


def test_a_value_with_an_empty_field_is_a_violation(zoo_of: OpenZoo) -> None:
    """A row IS NOT NULL only where none of its fields is."""
    zoo = zoo_of(18, "UTF8")
    url = zoo.make("CREATE TABLE t (id int PRIMARY KEY, a pair, b pair); INSERT INTO t VALUES (1, '(1,,,)', '(1,,,)');")
    found = proofs(zoo, url, [bound(Formula("t", "a", "b"), f"{AT}it", fix="recompute")])

    assert [one.reason for one in found.values()] == [None]


def test_choices_far_apart_are_broken_without_listing_all_between(zoo_of: OpenZoo) -> None:
    zoo = zoo_of(18, "UTF8")
    url = zoo.make("CREATE TABLE t (id int PRIMARY KEY, a bigint); INSERT INTO t VALUES (1, 0);")
    found = proofs(zoo, url, [bound(OneOf("t", "a", [-(2**63), 0, 2**63 - 1]), f"{AT}it")])

    assert [one.reason for one in found.values()] == [None]


def test_a_domain_upon_a_domain_is_what_lies_below(zoo_of: OpenZoo) -> None:
    zoo = zoo_of(18, "UTF8")
    url = zoo.make("CREATE TABLE t (id int PRIMARY KEY, a country); INSERT INTO t VALUES (1, 'AT'), (2, 'DE');")
    found = proofs(
        zoo, url, [bound(OneOf("t", "a", ["AT", "DE"]), f"{AT}it[1]"), bound(Unique("t", ("a",)), f"{AT}it[2]")]
    )

    assert [one.reason for one in found.values()] == [None, None]


@pytest.mark.parametrize(
    ("name", "low", "high", "below", "above"),
    [
        ("date", date.min, date.max, (), ()),
        ("int4", 1.5, 2.5, 1, 3),
        ("int4", float("-inf"), 7, None, 8),
        ("int2", None, -(10**6), None, None),
        ("numeric", Decimal("-Infinity"), Decimal("NaN"), None, None),
        ("float8", float("-inf"), float("inf"), None, None),
    ],
)
def test_values_beside_every_bound(name: str, low: Any, high: Any, below: Any, above: Any) -> None:
    found = spread(name, low, high)

    assert found.below[:1] == (() if below in (None, ()) else (below,))
    assert found.above[:1] == (() if above in (None, ()) else (above,))


def test_disallowed_of_numbers_that_are_none() -> None:
    assert disallowed("numeric", [Decimal("NaN"), 1]) == (2, 0)


def test_bounds_of_every_sort_are_proven(zoo_of: OpenZoo) -> None:
    zoo = zoo_of(18, "UTF8")
    url = zoo.make("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 2);")
    rules = [
        bound(Between("t", "a", low, high), f"{AT}it[{low} {high}]") for low, high in ((1.5, 2.5), (2, None), (None, 2))
    ]

    assert [one.reason for one in proofs(zoo, url, rules).values()] == [None] * 3
