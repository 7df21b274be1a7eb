"""A pinned schema as a text that is good to read and to compare: TOML, sorted, one object a line. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.planning.expected.definitions import settled
from pytest_tgintegrity.rules.kinds import OBJECT_KINDS, CatalogObject, ObjectKind
from pytest_tgintegrity.rules.toml import document, shortened

LOCK_FILE: Final = "schema.lock.toml"
VERSION: Final = 1
_HEADER: Final = f"""\
# What the database's schema has to hold: pytest compares it with the live catalog, object by object.
# Written by `pytest --pin-schema`; do not edit it, write it anew when a migration meant the change, and read the difference.
tgintegrity = {VERSION}
"""
OURS: Final = re.compile(r"^\s*tgintegrity\s*=", re.MULTILINE)
"""What a lock file of ours says; others may have a file of that name."""
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_DELETE: Final = "\x7f"
_NOT_UTF8: Final = {0xDC00 + byte: 0xF700 + byte for byte in range(0x80, 0x100)}


def portable(text: str) -> str:
    """A name as a file can hold it: bytes that are no UTF-8 become characters for private use."""
    return text.translate(_NOT_UTF8)


def table_label(schema: str, name: str) -> str:
    """What a table is called in a lock file: without its schema if that is ``public``, with quotes if it could be read otherwise."""
    return _quoted(name) if schema == "public" else f"{_quoted(schema)}.{_quoted(name)}"


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""')) if {".", '"'} & set(name) else name


def object_of(row: Sequence[Any]) -> CatalogObject:
    """An object from a row of the live catalog: kind, schema, table, name, definition."""
    kind, schema, table, name, definition = row
    said = definition if kind == "enum" else settled(definition)
    return CatalogObject(kind, portable(table_label(schema, table)), portable(name), portable(said))


def lock_text(objects: Iterable[CatalogObject]) -> str:
    """The lock file that pins these objects."""
    parts: dict[str, list[str]] = {kind: [] for kind in OBJECT_KINDS}
    for one in sorted(objects):
        parts[one.kind].append(_line(one))
    sections = [f"[{kind}]\n{''.join(lines)}" for kind, lines in parts.items() if lines]
    return "\n".join([_HEADER, *sections])


def _line(one: CatalogObject) -> str:
    key = ".".join(map(_key, [one.table, one.name] if one.name else [one.table]))
    return f"{key} = {one.definition if one.kind == 'enum' else _string(one.definition)}\n"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace(_DELETE, "\\u007F")


def pinned_objects(text: str, file: str) -> tuple[CatalogObject, ...]:
    """The objects that a lock file pins. Raises `UsageError` in one sentence that names the file."""
    if not text.strip():
        raise UsageError(f"{file} is empty: take it from version control, or write it anew with --pin-schema")
    found = document(text, file)
    version = found.pop("tgintegrity", None)
    if version != VERSION:
        raise UsageError(f"{file} is of version {shortened(version)}, not {VERSION}: write it anew with --pin-schema")
    return tuple(one for kind, entries in found.items() for one in _objects(kind, entries, file))


def _objects(kind: str, entries: object, file: str) -> Iterator[CatalogObject]:
    if kind not in OBJECT_KINDS or not isinstance(entries, dict):
        raise UsageError(f"{file}: {shortened(kind)} is no kind of object: write the file anew with --pin-schema")
    for table, entry in entries.items():
        named: Mapping[str, Any] = entry if isinstance(entry, dict) else {"": entry}
        for name, definition in named.items():
            yield CatalogObject(kind, table, name, _definition(kind, definition, f"{file}: {table} {name}".rstrip()))


def _definition(kind: ObjectKind, value: object, where: str) -> str:
    if kind == "enum" and isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and kind != "enum":
        return settled(value)
    raise UsageError(f"{where} is {shortened(value)}, no definition: write the file anew with --pin-schema")
