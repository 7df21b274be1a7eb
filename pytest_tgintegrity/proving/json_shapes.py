"""Shapes of JSON values, as `rule.json_shape` declares them: which values have a shape, and which nearly do. Pure."""

from __future__ import annotations

from typing import Any

ATOMS: tuple[Any, ...] = ({}, [], "x", 1.5, 1, True, None)
ABSENT = "tgintegrity"


def fits(value: Any, shape: Any) -> bool:
    """Whether a JSON value, as Python reads it, has a shape."""
    match shape:
        case tuple():
            return any(fits(value, alternative) for alternative in shape)
        case [element]:
            return isinstance(value, list) and all(fits(item, element) for item in value)
        case dict():
            return isinstance(value, dict) and all(_entry_fits(value, key, part) for key, part in shape.items())
    return _atom_fits(value, shape)


def _atom_fits(value: Any, shape: Any) -> bool:
    if shape is None or isinstance(value, bool):
        return value is None if shape is None else shape is bool
    if shape is int:
        return isinstance(value, int | float) and float(value).is_integer()
    return isinstance(value, int | float) if shape is float else isinstance(value, shape)


def _entry_fits(value: dict[str, Any], key: Any, shape: Any) -> bool:
    if key is str:
        return all(fits(item, shape) for item in value.values())
    name = key.removesuffix("?")
    return fits(value[name], shape) if name in value else key.endswith("?")


def examples(shape: Any) -> list[Any]:
    """Values that have a shape; the first is as full as it can be."""
    match shape:
        case tuple():
            return [example for alternative in shape for example in examples(alternative)]
        case [element]:
            return [examples(element), []]
        case dict():
            full = {_entry(key): examples(part)[0] for key, part in shape.items()}
            least = {key: examples(part)[0] for key, part in shape.items() if key is not str and not key.endswith("?")}
            return [full, least] if str in shape else [full, least, {**full, ABSENT: None}]
    return [atom for atom in ATOMS if fits(atom, shape)]


def _entry(key: Any) -> str:
    return ABSENT if key is str else str(key.removesuffix("?"))


def misfits(shape: Any) -> list[Any]:
    """Values without the shape: of another type, or with each part in turn absent or wrong."""
    return [value for value in _near(shape) if not fits(value, shape)]


def _near(shape: Any) -> list[Any]:
    values = list(ATOMS)
    match shape:
        case tuple():
            values += [value for alternative in shape for value in _near(alternative)]
        case [element]:
            values += [[*examples(element)[:1], value] for value in _near(element)]
        case dict():
            full = examples(shape)[0]
            values += [{name: part for name, part in full.items() if name != left_out} for left_out in full]
            values += [{**full, _entry(key): value} for key, part in shape.items() for value in _near(part)]
    return values
