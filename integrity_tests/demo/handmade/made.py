"""What a thing or a place written by hand consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Made:
    """An object as it is written down; what the application derives when it saves is missing."""

    table: str
    name: str
    description: str
    values: Mapping[str, object] = field(default_factory=dict)


def item(model: str, name: str, description: str, **values: object) -> Made:
    """Write down a thing of one of the classes of items."""
    return Made(f"items_{model}", name, description, values)


def place(model: str, name: str, description: str, **values: object) -> Made:
    """Write down a place of one of the classes of locations."""
    return Made(f"locations_{model}", name, description, values)
