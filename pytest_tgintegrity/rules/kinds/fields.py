"""The fields of declarations, each of which says what it holds: SQL and whose columns it names, or no SQL at all. Pure.

Every field is written with a function of `holds`; a class with a field that is not is refused when its module is imported.
So nobody has to guess which text is SQL, and which column a rule is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, TypeVar, dataclass_transform

from pytest_tgintegrity.rules.arguments import LONE_VALUE
from pytest_tgintegrity.rules.kinds import holds
from pytest_tgintegrity.rules.kinds.holds import Role

if TYPE_CHECKING:  # a source is itself made of such fields
    from pytest_tgintegrity.rules.kinds.source import Source

Class = TypeVar("Class")
WORDS: Final[dict[type, str]] = {}
"""The word of each class in the canonical line of a rule; see `canonical.canonical`."""
KINDS: Final[dict[type, tuple[str, ...]]] = {}
"""All kinds, in the order in which they are declared, with the fixes that each can derive."""


@dataclass_transform(
    frozen_default=True,
    field_specifiers=(
        holds.source,
        holds.subject,
        holds.sql,
        holds.catalog_name,
        holds.part,
        holds.plain,
        holds.outside,
    ),
)
def named_part(word: str) -> Callable[[type[Class]], type[Class]]:
    """Make a class a frozen value whose fields say what they hold; `word` is its name in canonical lines, for ever."""

    def declare(class_: type[Class]) -> type[Class]:
        made = dataclass(frozen=True, slots=True)(class_)
        silent = [field.name for field in fields(made) if "role" not in field.metadata]  # type: ignore[arg-type] # it is one now
        if silent:
            raise TypeError(
                f"{made.__name__}.{silent[0]} does not say what it holds: write it with a function of rules.kinds.holds"
            )
        WORDS[made] = word
        return made

    return declare


@dataclass_transform(
    frozen_default=True,
    field_specifiers=(
        holds.source,
        holds.subject,
        holds.sql,
        holds.catalog_name,
        holds.part,
        holds.plain,
        holds.outside,
    ),
)
def named_kind(word: str, *, fixes: Sequence[str] = ()) -> Callable[[type[Class]], type[Class]]:
    """Make a class a kind of rule; `fixes` are the words, such as ``clamp``, for which it knows the value to write."""

    def declare(class_: type[Class]) -> type[Class]:
        made = named_part(word)(class_)
        KINDS[made] = tuple(fixes)
        return made

    return declare


def unregistered(kind: object, what: str, where: str) -> TypeError:
    """What to raise for a kind that lacks one of its parts."""
    return TypeError(f"{type(kind).__name__} has no {what}: register it, in {where}")


@dataclass(frozen=True, slots=True)
class Text:
    """Text of a declaration that names things of the database, and what its field holds."""

    text: str
    role: Role


def asked_texts(declared: object) -> Iterator[Text]:
    """All SQL and names of the catalog on which a violation depends, in the order of the fields."""
    for value, role in _fields(declared):
        if role.asked and role.holds != "plain":
            yield from _texts(value, role)


def _fields(declared: object) -> Iterator[tuple[Any, Role]]:
    for declared_field in fields(declared):  # type: ignore[arg-type] # every declaration is a dataclass
        yield getattr(declared, declared_field.name), declared_field.metadata["role"]


def _texts(value: object, role: Role) -> Iterator[Text]:
    if isinstance(value, str):
        if not LONE_VALUE.fullmatch(value):
            yield Text(value, role)
    elif isinstance(value, Mapping):
        yield from (Text(key, role) for key in value)
    elif isinstance(value, tuple):
        yield from (Text(text, role) for text in value)
    elif role.holds == "part":
        yield from asked_texts(value)
    elif role.holds == "source":
        yield from (Text(inner.text, role) for inner in asked_texts(value))


def source_of(declared: object) -> Source | str | None:
    """The source whose rows a rule looks at; None for a kind that has none."""
    return next((value for value, role in _fields(declared) if role.holds == "source" and role.of == "source"), None)


def sources_of(declared: object) -> Iterator[Source | str]:
    """All sources that a declaration names, those of its child rows and of what it refers to among them."""
    for value, role in _fields(declared):
        if role.holds == "source":
            yield value
        elif role.holds == "part":
            yield from sources_of(value)


def subject_of(declared: object) -> str | None:
    """The column that a rule is about, as its author wrote it; None where no single one is."""
    return next((value for value, role in _fields(declared) if role.subject), None)


def damaged_by(declared: object) -> tuple[str, ...]:
    """What may be columns that a proof damages, as the author of the rule wrote them."""
    damaged = (value for value, role in _fields(declared) if role.damaged)
    return tuple(text for value in damaged for text in ((value,) if isinstance(value, str) else value))


def fixes_of(kind: object) -> tuple[str, ...]:
    """The words for which a kind knows the value that a fix has to write."""
    return KINDS.get(type(kind), ())
