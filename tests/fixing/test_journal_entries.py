"""A row of the journal is a change or a sentence, whoever wrote it; and what the schema has become is told in one."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import set_json_loads

from fixes import MakeDatabase
from pytest_tgintegrity.fixing.changes import Change
from pytest_tgintegrity.fixing.journal import schema as journal
from pytest_tgintegrity.fixing.journal.entries import document, entry_of, schema_reason

KEY = {"id": "1"}
UPDATE: tuple[Any, ...] = (7, "age", "public.person", KEY, "update", {"age": "-4"}, {"age": None})
DELETE: tuple[Any, ...] = (7, "age", "public.person", KEY, "delete", {"id": "1", "age": "4"}, {})
INSERT: tuple[Any, ...] = (7, "age", "public.person", KEY, "insert", {}, {"id": "1", "age": "4"})
FIELDS = ("id", "rule", "table", "key", "op", "before", "after")


def changed(row: Sequence[Any], **values: Any) -> tuple[Any, ...]:
    return tuple({**dict(zip(FIELDS, row, strict=True)), **values}.values())


# --- what is ours


@pytest.mark.parametrize("row", [UPDATE, DELETE, INSERT])
def test_an_entry_is_the_change_that_was_made(row: tuple[Any, ...]) -> None:
    change = entry_of(row)

    assert change == Change(row[2], row[4], row[3], row[5], row[6], ("age",))


@pytest.mark.parametrize(
    ("row", "values"),
    [
        (DELETE, {"after": None}),
        (INSERT, {"before": None}),
        (UPDATE, {"table": 'public.we"ird.na\nme'}),
        (UPDATE, {"key": {"": ""}}),
        (UPDATE, {"before": {"age": ""}, "after": {"age": ""}}),
        (UPDATE, {"key": {"a": "1", "b": "\x1b[2J"}}),
        (UPDATE, {"before": {"age": "G\udcfcnter"}}),
        (UPDATE, {"rule": ""}),
        (UPDATE, {"id": 2**63 - 1}),
    ],
)
def test_what_is_odd_but_ours_is_accepted(row: tuple[Any, ...], values: Mapping[str, Any]) -> None:
    assert isinstance(entry_of(changed(row, **values)), Change)


# --- what is not

HOSTILE = [
    (UPDATE, {"key": None}, "its key is no object"),
    (UPDATE, {"key": []}, "its key is no object"),
    (UPDATE, {"key": "id"}, "its key is no object"),
    (UPDATE, {"key": 1}, "its key is no object"),
    (UPDATE, {"key": True}, "its key is no object"),
    (UPDATE, {"key": [["id", "1"]]}, "its key is no object"),
    (UPDATE, {"key": {}}, "its key is empty"),
    (UPDATE, {"key": {"id": None}}, "its key is NULL"),
    (UPDATE, {"key": {"id": 1}}, "its key holds what is no text"),
    (UPDATE, {"key": {"id": 1.5}}, "its key holds what is no text"),
    (UPDATE, {"key": {"id": True}}, "its key holds what is no text"),
    (UPDATE, {"key": {"id": 10**400}}, "its key holds what is no text"),
    (UPDATE, {"key": {"id": {"id": "1"}}}, "its key holds what is no text"),
    (UPDATE, {"key": {"id": ["1"]}}, "its key holds what is no text"),
    (UPDATE, {"key": {"id": "1\0"}}, "its key holds no valid text"),
    (UPDATE, {"key": {"i\0d": "1"}}, "its key holds no valid text"),
    (UPDATE, {"key": {"id": "\ud800"}}, "its key holds no valid text"),
    (UPDATE, {"before": {"\udfff": "1"}}, "its before holds no valid text"),
    (UPDATE, {"before": "age"}, "its before is no object"),
    (UPDATE, {"after": [1]}, "its after is no object"),
    (UPDATE, {"after": False}, "its after is no object"),
    (UPDATE, {"after": {"age": {"age": "1"}}}, "its after holds what is no text"),
    (UPDATE, {"after": {"age": 7}}, "its after holds what is no text"),
    (UPDATE, {"before": {}}, "an update lacks what was before or after it"),
    (UPDATE, {"after": None}, "an update lacks what was before or after it"),
    (UPDATE, {"before": None, "after": None}, "an update lacks what was before or after it"),
    (UPDATE, {"after": {"name": "x"}}, "what was before and after the update are different columns"),
    (UPDATE, {"after": {"age": "1", "name": "x"}}, "what was before and after the update are different columns"),
    (UPDATE, {"op": "drop"}, "it is no update, delete or insert"),
    (UPDATE, {"op": "UPDATE"}, "it is no update, delete or insert"),
    (UPDATE, {"op": ""}, "it is no update, delete or insert"),
    (UPDATE, {"op": None}, "it is no update, delete or insert"),
    (UPDATE, {"op": []}, "it is no update, delete or insert"),
    (DELETE, {"before": None}, "there is no row that was deleted"),
    (DELETE, {"before": {}}, "there is no row that was deleted"),
    (DELETE, {"after": {"id": "1"}}, "there is a row after a deletion"),
    (DELETE, {"before": {"age": "4"}}, "its row lacks columns of its key"),
    (DELETE, {"before": {"id": "2", "age": "4"}}, "its row has another key"),
    (DELETE, {"before": {"id": None}}, "its row has another key"),
    (INSERT, {"after": None}, "there is no row that was inserted"),
    (INSERT, {"before": {"id": "1"}}, "there is a row before an insertion"),
    (INSERT, {"after": {"age": "4"}}, "its row lacks columns of its key"),
    (INSERT, {"after": {"id": "2"}}, "its row has another key"),
    (UPDATE, {"table": "person"}, "its table has no schema"),
    (UPDATE, {"table": ""}, "its table has no schema"),
    (UPDATE, {"table": ".person"}, "its table has no schema"),
    (UPDATE, {"table": "public."}, "its table has no schema"),
    (UPDATE, {"table": "pg_catalog.pg_authid"}, "its table is the server's or the journal's own"),
    (UPDATE, {"table": "pg_toast.pg_toast_1255"}, "its table is the server's or the journal's own"),
    (UPDATE, {"table": "pg_temp_3.person"}, "its table is the server's or the journal's own"),
    (UPDATE, {"table": "information_schema.sql_features"}, "its table is the server's or the journal's own"),
    (UPDATE, {"table": "tgintegrity.journal"}, "its table is the server's or the journal's own"),
    (UPDATE, {"table": None}, "its table holds what is no text"),
    (UPDATE, {"table": 5}, "its table holds what is no text"),
    (UPDATE, {"table": "public.\0"}, "its table holds no valid text"),
    (UPDATE, {"rule": None}, "its rule holds what is no text"),
    (UPDATE, {"rule": ["age"]}, "its rule holds what is no text"),
]


@pytest.mark.parametrize(("row", "values", "reason"), HOSTILE)
def test_what_is_not_ours_is_told_in_a_sentence(row: tuple[Any, ...], values: Mapping[str, Any], reason: str) -> None:
    assert entry_of(changed(row, **values)) == f"entry 7 of the journal is none of ours: {reason}"


@pytest.mark.parametrize("row", [(), (7,), (*UPDATE, 1), UPDATE[1:]])
def test_other_fields_are_told(row: tuple[Any, ...]) -> None:
    assert entry_of(row) == f"entry ? of the journal is none of ours: it has {len(row)} fields"


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.sampled_from(["update", "insert", "delete", "a.b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
ROWS = st.dictionaries(TEXTS, st.none() | TEXTS, min_size=1, max_size=4)


@given(row=st.tuples(*[JSON] * len(FIELDS)) | st.lists(JSON, max_size=9))
def test_anything_is_a_change_or_a_sentence(row: Sequence[Any]) -> None:
    found = entry_of(row)

    assert isinstance(found, (Change, str))
    if isinstance(found, str):
        assert found.isprintable()


@given(base=st.sampled_from([UPDATE, DELETE, INSERT]), field=st.sampled_from(FIELDS), value=JSON | ROWS)
def test_with_anything_in_one_place_it_is_a_change_of_just_that_or_a_sentence(
    base: tuple[Any, ...], field: str, value: Any
) -> None:
    row = changed(base, **{field: value})

    found = entry_of(row)

    if isinstance(found, Change):
        assert entry_of(told(row[0], found)) == found
        assert found.op == row[4]
    else:
        assert found.isprintable()


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Changes as fixes make them."""
    key = draw(st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=3))
    whole = {**draw(ROWS), **key}
    op = draw(st.sampled_from(["update", "delete", "insert"]))
    before = draw(ROWS) if op == "update" else whole if op == "delete" else {}
    after = {name: draw(st.none() | TEXTS) for name in before} if op == "update" else whole if op == "insert" else {}
    return Change(f"public.{draw(TEXTS.filter(bool))}", op, key, before, after, (draw(TEXTS),))


def told(number: Any, change: Change) -> tuple[Any, ...]:
    (rule,) = change.rules
    return (
        number,
        rule,
        *(json.loads(json.dumps(getattr(change, name))) for name in ("table", "key", "op", "before", "after")),
    )


@given(change=changes())
def test_what_a_fix_made_comes_back_as_it_was(change: Change) -> None:
    assert entry_of(told(1, change)) == change


# --- from the server


MEAN = [
    "1" * 5000,
    "-1e400",
    "[" * 3000 + "]" * 3000,
    '{"id": ' * 3000 + "1" + "}" * 3000,
    '"text"',
    "null",
    "[]",
    '{"id": 1e1000}',
    '{"id": "1", "id": null}',
]


def test_the_server_hands_out_mean_rows_and_all_others(make_database: MakeDatabase) -> None:
    url = make_database("")
    with psycopg.connect(url) as connection:
        connection.execute(journal.CREATE_SCHEMA)
        connection.execute(journal.CREATE)
        connection.execute("INSERT INTO tgintegrity.run (id, kind) VALUES ('mean', 'fix')")
        set_json_loads(document, connection)
        good = json.dumps({"id": "1"})
        for key, before in [*((one, good) for one in MEAN), *((good, one) for one in MEAN), (good, good)]:
            connection.execute(
                'INSERT INTO tgintegrity.journal (run, rule, "table", key, op, before, after)'
                " VALUES ('mean', 'r', 'public.person', %s, 'delete', %s, NULL)",
                [key, before],
            )

        rows = connection.execute(
            'SELECT id, rule, "table", key, op, before, after FROM tgintegrity.journal ORDER BY id'
        ).fetchall()

    found = [entry_of(row) for row in rows]
    assert [isinstance(one, Change) for one in found] == [False] * 2 * len(MEAN) + [True]


def test_bytes_that_are_no_text_are_kept() -> None:
    assert document(b'{"name": "G\xfcnter"}') == {"name": "G\udcfcnter"}
    assert document('{"name": "Günter"}') == {"name": "Günter"}
    assert document(b"{") is None


# --- what the schema has become


@pytest.mark.parametrize(
    ("columns", "key", "reason"),
    [
        ({"id": "integer", "age": "integer"}, ["id"], None),
        ({"id": "bigint", "age": "text", "new": "text"}, ("id",), None),
        (None, (), "the table public.person is gone"),
        ({"id": "integer"}, ["id"], "public.person has no column age any more (renamed or dropped)"),
        ({"nr": "integer", "age": "integer"}, ["nr"], "public.person has no column id any more (renamed or dropped)"),
        ({"id": "integer", "age": "integer"}, [], "the primary key of public.person is not (id) any more"),
        ({"id": "integer", "age": "integer"}, ["age"], "the primary key of public.person is not (id) any more"),
        ({"id": "integer", "age": "integer"}, ["id", "age"], "the primary key of public.person is not (id) any more"),
        ({}, [], "public.person has no column id any more (renamed or dropped)"),
    ],
)
@pytest.mark.parametrize("row", [UPDATE, DELETE, INSERT])
def test_what_the_schema_has_become_is_told(
    row: tuple[Any, ...], columns: Mapping[str, str] | None, key: Sequence[str], reason: str | None
) -> None:
    change = entry_of(row)

    assert isinstance(change, Change)
    assert schema_reason(change, columns, key) == reason


@given(change=changes(), data=st.data())
def test_a_table_as_it_was_has_no_reason_whatever_the_order(change: Change, data: st.DataObject) -> None:
    names = data.draw(st.permutations([*{*change.key, *change.before, *change.after}]))
    key = data.draw(st.permutations(list(change.key)))

    assert schema_reason(change, dict.fromkeys(names, "text"), key) is None
    gone = data.draw(st.sampled_from(names))
    without = {name: "text" for name in names if name != gone}
    assert schema_reason(change, without, key) == f"{change.table} has no column {gone} any more (renamed or dropped)"
    assert schema_reason(dataclasses.replace(change, key={**change.key, names[0] + "x": ""}), None, key) is not None
