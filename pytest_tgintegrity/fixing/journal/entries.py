"""Read rows of the journal, which anybody may have written: each row is a change of ours, or a reason why it is not. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pytest_tgintegrity.fixing.changes import Change, Row

_FIELDS = 7
_OPS = ("update", "delete", "insert")
_RESERVED_SCHEMAS = ("information_schema", "tgintegrity")


class _NotOurs(Exception):
    """A row is no entry that we made; the message says why."""


def document(text: str | bytes) -> Any:
    """Parsed JSON; None where Python cannot hold it, such as numbers of five thousand digits or a hundred thousand brackets.

    This is a function for `psycopg.types.json.set_json_loads`: an error in it would take all rows of the answer away. Bytes
    that are no text, which databases of the encoding SQL_ASCII may hold, are kept as Python keeps them (surrogateescape).
    """
    try:
        return json.loads(text if isinstance(text, str) else bytes(text).decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return None


def entry_of(row: Sequence[Any]) -> Change | str:
    """The change that a row of the journal (id, rule, table, key, op, before, after) holds, or why it holds none."""
    try:
        return _entry(row)
    except _NotOurs as error:
        number = row[0] if len(row) == _FIELDS and type(row[0]) is int else "?"
        return f"entry {number} of the journal is none of ours: {error}"


def _entry(row: Sequence[Any]) -> Change:
    if len(row) != _FIELDS:
        raise _NotOurs(f"it has {len(row)} fields")
    _, rule, table, key, op, before, after = row
    change = Change(
        _text("table", table),
        _op(op),
        _row("key", key),
        _row("before", before),
        _row("after", after),
        (_text("rule", rule),),
    )
    schema, dot, name = change.table.partition(".")
    _require(schema and dot and name, "its table has no schema")
    _require(
        not schema.startswith("pg_") and schema not in _RESERVED_SCHEMAS,
        "its table is the server's or the journal's own",
    )
    _require(change.key, "its key is empty")
    _require(None not in change.key.values(), "its key is NULL")
    _check_rows(change)
    return change


def _check_rows(change: Change) -> None:
    """Check that an update holds the same columns before and after it, a deletion or an insertion one whole row."""
    before, after = change.before, change.after
    if change.op == "update":
        _require(before and after, "an update lacks what was before or after it")
        _require(before.keys() == after.keys(), "what was before and after the update are different columns")
        return
    whole, other = (before, after) if change.op == "delete" else (after, before)
    _require(whole, f"there is no row that was {'deleted' if change.op == 'delete' else 'inserted'}")
    _require(not other, f"there is a row {'after a deletion' if change.op == 'delete' else 'before an insertion'}")
    _require(change.key.keys() <= whole.keys(), "its row lacks columns of its key")
    _require(all(whole[column] == text for column, text in change.key.items()), "its row has another key")


def _require(condition: object, reason: str) -> None:
    if not condition:
        raise _NotOurs(reason)


def _op(value: Any) -> str:
    _require(isinstance(value, str) and value in _OPS, "it is no update, delete or insert")
    return str(value)


def _row(name: str, value: Any) -> Row:
    """Columns and their texts; `before` or `after` may be NULL, which is no columns."""
    if value is None and name != "key":
        return {}
    _require(isinstance(value, dict), f"its {name} is no object")
    return {_text(name, column): None if text is None else _text(name, text) for column, text in value.items()}


def _text(name: str, value: Any) -> str:
    """A text that the server can hold. Surrogates are refused, unless they stand for bytes that are no text."""
    _require(isinstance(value, str), f"its {name} holds what is no text")
    try:
        is_text = b"\0" not in str(value).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        is_text = False
    _require(is_text, f"its {name} holds no valid text")
    return str(value)


def schema_reason(change: Change, columns: Mapping[str, str] | None, key: Collection[str]) -> str | None:
    """Why an entry cannot be taken back from a table that has these columns and this primary key now, or None.

    `columns` is None for a table that is gone.
    """
    if columns is None:
        return f"the table {change.table} is gone"
    for column in (*change.key, *change.before, *change.after):
        if column not in columns:
            return f"{change.table} has no column {column} any more (renamed or dropped)"
    if set(change.key) != set(key):
        return f"the primary key of {change.table} is not ({', '.join(change.key)}) any more"
    return None
